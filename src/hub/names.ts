/**
 * The channels that a listener publishes under names: made once for each, found by every peer that may. Layer: hub.
 * Invariant: what peers do with their ends, closing them or being lost, closes a channel for nobody else.
 * Source: design rule 14; PROTOCOL.md "Named channels".
 */
import type { Channel, NamedChannelOptions } from "../contract.js";
import { channelOptions, type HomeChannel, type HomeReceive, type HomeSend, homeChannel } from "../core/channel.js";
import { describe, receiveEnd, sendEnd } from "../core/end.js";
import type { NetchanError } from "../errors.js";
import { checkAllow, checkName, checkSchema, type Entry, Registry } from "./registry.js";

type Options = NamedChannelOptions<unknown>;
type Allow = NonNullable<Options["allow"]>;
type Kind = "send" | "receive";

const allowances: readonly Allow[] = ["none", "send", "receive", "both"];

interface Wanted {
  readonly capacity: number;
  readonly whenFull: NonNullable<Options["whenFull"]>;
  readonly whenInDoubt: NonNullable<Options["whenInDoubt"]>;
  readonly allow: Allow;
  readonly schema: Options["schema"];
}

function wanted(options: Options): Wanted {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`Expected the options of a channel to be an object, got ${describe(options)}`);
  const { allow = "none", schema } = options;
  checkAllow(allow, allowances);
  if (schema !== undefined) checkSchema(schema);
  const { capacity, whenFull = "wait", whenInDoubt = "reject" } = channelOptions(options);
  return { capacity, whenFull, whenInDoubt, allow, schema };
}

class Named implements Entry<Wanted> {
  readonly #home: HomeChannel;
  readonly ends: Channel<unknown>;

  constructor(
    readonly wanted: Wanted,
    closed: () => void,
  ) {
    this.#home = homeChannel(wanted, false, { schema: wanted.schema, closedHereOnly: true });
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
  close(): void {
    this.#home.home.close(undefined);
  }
  refuse(error: NetchanError): void {
    this.#home.home.refuse(error);
  }
}

export class Names extends Registry<Wanted, Named> {
  constructor() {
    super("channel", (asked, closed) => new Named(asked, closed));
  }
  /**
   * Creates or finds the channel of that name.
   * @throws TypeError, RangeError for options that are none, and for others than it was made with
   */
  channel(name: string, options?: Options): Channel<unknown> {
    checkName(name);
    return this.entry(name, wanted(options ?? {}), options !== undefined).ends;
  }
}
