/**
 * The side that is gone to, whatever carries the links: admits peers, merges their queues. Layer: listen, without any transport.
 * Invariant: `send` and `receive` cost the same however many peers there are.
 */
import { Admission } from "./admission.js";
import type {
  Channel,
  Link,
  Listener,
  ListenOptions,
  NamedChannelOptions,
  Peer,
  ReceiveChannel,
  SendChannel,
  Topic,
  TopicOptions,
} from "./contract.js";
import { homeChannel } from "./core/channel.js";
import { describe, type ReceivePort, receiveEnd, sendEnd } from "./core/end.js";
import { Gather } from "./core/gather.js";
import { nobody, receiveFrom } from "./core/operations.js";
import { disposeByClosing } from "./disposing.js";
import { NetchanError } from "./errors.js";
import { defaultDrainMs } from "./farewell.js";
import { Names } from "./hub/names.js";
import { checkSchema } from "./hub/registry.js";
import { Topics } from "./hub/topics.js";
import { type CheckedOptions, checkOptions, refuseOptions } from "./options.js";
import type { SessionPeer } from "./peer.js";
import { type Published, type Use, unknownName } from "./remote/permit.js";
import type { LinkRequest } from "./session/link.js";
import { Codec } from "./wire/codec.js";

/** The merged `receive`: a view over all peers' queues. */
class GatherPort implements ReceivePort {
  readonly kind = "receive";
  readonly holders = undefined;
  readonly travel = undefined;
  end: ReceiveChannel<unknown> | undefined = undefined;
  readonly sources: readonly Gather[];

  constructor(
    readonly gather: Gather,
    readonly capacity: number,
  ) {
    this.sources = [gather];
  }
  get buffered(): number {
    return this.gather.buffered;
  }
  get closed(): boolean {
    return this.gather.closed;
  }
  receive(signal: AbortSignal | undefined): ReturnType<ReceivePort["receive"]> {
    return receiveFrom(this.gather, signal);
  }
  letGo(): void {
    this.gather.close();
  }
}

/** What carries links to a listener. */
export interface Carrier {
  readonly urls: readonly string[];
  readonly certificateHash: string | undefined;
  close(): Promise<void>;
}

const unknownRequest: LinkRequest = Object.freeze({ url: "/", headers: Object.freeze({}) });

export class LinkListener implements Listener<unknown, never> {
  readonly send: SendChannel<never>;
  readonly receive: ReceiveChannel<unknown>;
  readonly peers: ReceiveChannel<Peer<unknown, never>>;
  readonly connected = new Set<Peer<unknown, never>>();
  readonly carriers: Carrier[] = [];
  readonly #admission: Admission;
  readonly #checked: CheckedOptions;
  readonly #gather = new Gather();
  readonly #names = new Names();
  readonly #topics: Topics;
  readonly #scatter;
  readonly #arrivals = homeChannel({ capacity: 0 });
  #closing: Promise<void> | undefined;

  constructor(options: ListenOptions) {
    refuseOptions(options, ["hub"]);
    const { authorize, schema } = options;
    for (const name of ["authenticate", "authorize"] as const)
      if (options[name] !== undefined && typeof options[name] !== "function")
        throw new TypeError(`Expected ${name} to be a function, got ${describe(options[name])}`);
    if (schema !== undefined) checkSchema(schema);
    this.#checked = checkOptions(options);
    const { limits, superjson } = this.#checked;
    const codec = new Codec(superjson === undefined ? { limits } : { limits, superjson });
    this.#topics = new Topics((value) => codec.encode(value));
    const { capacity, whenInDoubt } = this.#checked;
    this.#scatter = homeChannel({ capacity, whenInDoubt }, true);
    this.#scatter.home.endWatchers.add({
      sourceEnded: () => {
        for (const peer of this.#admission.live) peer.send.close();
      },
    });
    this.#admission = new Admission({
      options,
      checked: this.#checked,
      merged: {
        gather: this.#gather,
        scatter: this.#scatter.home,
        schema,
        published: (peer) => ({
          find: (name, use) => this.#find(name, use),
          allows: (name, use) => (authorize === undefined ? this.#allows(name, use) : authorize(peer, name, use)),
          subscribe: (name, buffer, { maxQueuedBytes }) => this.#topics.find(name)?.subscribe(buffer, maxQueuedBytes) ?? unknownName(),
        }),
      },
      begun: (peer) => {
        if (this.#scatter.home.drained) peer.send.close();
      },
      confirmed: (peer) => this.#arrived(peer),
    });
    this.send = sendEnd<never>(this.#scatter.send);
    this.receive = receiveEnd<unknown>(new GatherPort(this.#gather, capacity));
    this.peers = receiveEnd<Peer<unknown, never>>(this.#arrivals.receive);
    Object.freeze(this);
  }

  get limits(): CheckedOptions["limits"] {
    return this.#checked.limits;
  }
  get urls(): readonly string[] {
    return this.carriers.flatMap((carrier) => carrier.urls);
  }
  get url(): string {
    return this.urls[0] ?? "";
  }
  get certificateHash(): string | undefined {
    return this.carriers.map((carrier) => carrier.certificateHash).find((hash) => hash !== undefined);
  }

  /** Given to others by itself, so it needs no `this`. */
  readonly accept = (link: Link): void => {
    if (typeof link !== "object" || link === null || typeof link.send !== "function")
      throw new TypeError(`Expected link to be a Link, got ${describe(link)}`);
    this.acceptFrom(link, unknownRequest);
  };

  /** Admits a link, with what its transport knows of the other side. */
  acceptFrom(link: Link, request: LinkRequest): void {
    this.#admission.accept(link, request);
  }

  /** Reading `peers` is optional: those who wait to be read are the live ones, and nobody waits for them. */
  #arrived(peer: SessionPeer): void {
    this.connected.add(peer);
    void peer.ended.then(() => this.connected.delete(peer));
    if (this.#arrivals.home.closed) return;
    const item = this.#arrivals.home.submit(peer, undefined, nobody);
    void peer.ended.then(() => this.#arrivals.home.withdraw(item, () => undefined));
  }

  channel<T>(name: string, options?: NamedChannelOptions<T>): Channel<T> {
    return this.#names.channel(name, options as NamedChannelOptions<unknown> | undefined) as Channel<T>;
  }
  topic<T>(name: string, options?: TopicOptions<T>): Topic<T> {
    return this.#topics.topic(name, options as TopicOptions<unknown> | undefined) as Topic<T>;
  }
  #find(name: string, use: Use): ReturnType<Published["find"]> {
    if (use === "send" || use === "receive") return this.#names.find(name)?.end(use);
    const topic = this.#topics.find(name)?.home;
    return use === "publish" ? topic?.publish : topic?.key;
  }
  #allows(name: string, use: Use): boolean {
    return use === "send" || use === "receive" ? this.#names.allows(name, use) : this.#topics.allows(name, use);
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    const { drainMs = defaultDrainMs } = options;
    if (typeof drainMs !== "number" || !(drainMs >= 0) || drainMs === Infinity)
      throw new RangeError(`Expected drainMs to be a finite number of at least 0, got ${String(drainMs)}`);
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }
  async #close(drainMs: number): Promise<void> {
    this.#admission.closing = true;
    this.#arrivals.home.close(undefined);
    this.#scatter.home.close(undefined);
    this.#names.close();
    this.#topics.close();
    await Promise.all([...this.#admission.live].map((peer) => peer.close({ drainMs })));
    this.#admission.close();
    this.#scatter.home.refuse(new NetchanError("SESSION_CLOSED", "the listener was closed"));
    this.#arrivals.home.refuse();
    this.#names.refuse(new NetchanError("SESSION_CLOSED", "the listener was closed"));
    this.#topics.refuse(new NetchanError("SESSION_CLOSED", "the listener was closed"));
    this.#gather.close();
    await Promise.all(this.carriers.map((carrier) => carrier.close()));
  }
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
}
disposeByClosing(LinkListener.prototype);
