/**
 * The channels that a listener publishes under names: made once for each, found by every peer that may. Layer: hub.
 * Invariants: a name means one channel at a time; one that is closed here is published no longer; what peers do with their ends, closing
 * them or being lost, closes it for nobody else. Source: design rule 14; PROTOCOL.md "Named channels".
 */
import type { Channel, NamedChannelOptions } from "../contract.js";
import { channelOptions, type HomeChannel, type HomeReceive, type HomeSend, homeChannel } from "../core/channel.js";
import { describe, receiveEnd, sendEnd } from "../core/end.js";
import type { NetchanError } from "../errors.js";
import { mostNameCharacters } from "../limits.js";

type Options = NamedChannelOptions<unknown>;
type Allow = NonNullable<Options["allow"]>;
type Kind = "send" | "receive";

const allowances: readonly unknown[] = ["none", "send", "receive", "both"] satisfies readonly Allow[];

/** @throws TypeError or RangeError for what can be no name */
export function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string") throw new TypeError(`Expected the name to be a string, got ${describe(name)}`);
  if (name.length === 0 || name.length > mostNameCharacters)
    throw new RangeError(`Expected the name to have from 1 to ${mostNameCharacters} characters, got ${name.length}`);
}

/** @throws TypeError for what is no Standard Schema */
export function checkSchema(schema: unknown): void {
  const standard = (schema as Partial<NonNullable<Options["schema"]>> | null | undefined)?.["~standard"];
  if (typeof standard?.validate !== "function") throw new TypeError(`Expected schema to be a Standard Schema, got ${describe(schema)}`);
}

/** What was asked for when the channel was made, all defaults filled in. */
interface Wanted {
  readonly capacity: number;
  readonly whenFull: string;
  readonly whenInDoubt: string;
  readonly allow: Allow;
  readonly schema: unknown;
}

function wanted(options: Options): Wanted & { readonly channel: ReturnType<typeof channelOptions> } {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`Expected the options of a channel to be an object, got ${describe(options)}`);
  const { allow = "none", schema } = options;
  if (!allowances.includes(allow))
    throw new TypeError(
      `Expected allow to be "none", "send", "receive" or "both", got ${typeof allow === "string" ? `"${String(allow)}"` : describe(allow)}`,
    );
  if (schema !== undefined) checkSchema(schema);
  const channel = channelOptions(options);
  const { capacity, whenFull = "wait", whenInDoubt = "reject" } = channel;
  return { channel, capacity, whenFull, whenInDoubt, allow, schema };
}

class Named {
  readonly #home: HomeChannel;
  readonly ends: Channel<unknown>;

  constructor(
    readonly wanted: Wanted & { readonly channel: ReturnType<typeof channelOptions> },
    /** It takes no more, or gives no more. */
    closed: () => void,
  ) {
    this.#home = homeChannel(wanted.channel, false, {
      schema: wanted.schema as Options["schema"],
      closedHereOnly: true,
    });
    const { home, send, receive } = this.#home;
    // Peers come and go: nobody who waits here is told that the last one has gone.
    send.holders.use();
    receive.holders.use();
    home.watchers.add({ sendEnded: closed, sendMuted: () => undefined });
    this.ends = Object.freeze({ send: sendEnd<unknown>(send), receive: receiveEnd<unknown>(receive) });
  }
  end(kind: Kind): HomeSend | HomeReceive {
    return this.#home[kind];
  }
  allows(kind: Kind): boolean {
    return this.wanted.allow === "both" || this.wanted.allow === kind;
  }
  close(): void {
    this.#home.home.close(undefined);
  }
  refuse(error: NetchanError): void {
    this.#home.home.refuse(error);
  }
}

export class Names {
  readonly #published = new Map<string, Named>();
  /** Closed ones whose last values are being received. */
  readonly #closing = new Set<Named>();
  #closed = false;

  /**
   * Creates or finds the channel of that name.
   * @throws TypeError, RangeError for options that are none, and for others than it was made with
   */
  channel(name: string, options?: Options): Channel<unknown> {
    checkName(name);
    const asked = wanted(options ?? {});
    const known = this.#published.get(name);
    if (known !== undefined) {
      const other = options === undefined ? undefined : difference(known.wanted, asked);
      if (other !== undefined)
        throw new TypeError(
          `The channel "${name}" is published with ${other} ${String(known.wanted[other])}, not ${String(asked[other])}: call channel(name) without options to find it`,
        );
      return known.ends;
    }
    const named = new Named(asked, () => {
      if (this.#published.get(name) === named) this.#published.delete(name);
    });
    if (this.#closed) named.close();
    else this.#published.set(name, named);
    return named.ends;
  }

  find(name: string, kind: Kind): HomeSend | HomeReceive | undefined {
    return this.#published.get(name)?.end(kind);
  }
  allows(name: string, kind: Kind): boolean {
    return this.#published.get(name)?.allows(kind) === true;
  }

  /** Nothing more may be sent; what was is still received. */
  close(): void {
    this.#closed = true;
    for (const named of [...this.#published.values()]) {
      this.#closing.add(named);
      named.close();
    }
  }
  /** Nobody receives any more. */
  refuse(error: NetchanError): void {
    for (const named of this.#closing) named.refuse(error);
    this.#closing.clear();
  }
}

/** The option in which they differ, if there is one. */
function difference(one: Wanted, other: Wanted): keyof Wanted | undefined {
  return (["capacity", "whenFull", "whenInDoubt", "allow", "schema"] as const).find((option) => one[option] !== other[option]);
}
