/**
 * The side that is gone to, whatever carries the links: admits peers, merges their queues. Layer: listen, without any transport.
 * Invariant: `send` and `receive` cost the same however many peers there are.
 */
import type { Channel, Link, Listener, ListenOptions, Peer, ReceiveChannel, SendChannel, Topic } from "./contract.js";
import { homeChannel } from "./core/channel.js";
import { describe, type ReceivePort, receiveEnd, sendEnd } from "./core/end.js";
import { Gather } from "./core/gather.js";
import { nobody, receiveFrom } from "./core/operations.js";
import { disposeByClosing } from "./disposing.js";
import { NetchanError, plainMessage } from "./errors.js";
import { defaultDrainMs } from "./farewell.js";
import { hostOf } from "./host.js";
import { type CheckedOptions, checkOptions, refuseOptions } from "./options.js";
import { SessionPeer } from "./peer.js";
import { type Hello, handshakeMs, readHello, sendSafely, told, writeRefusal, writeWelcome } from "./session/handshake.js";
import { type Host, unguessableId } from "./session/host.js";
import type { LinkRequest } from "./session/link.js";

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
  readonly #options: ListenOptions;
  readonly #checked: CheckedOptions;
  readonly #gather = new Gather();
  readonly #scatter;
  readonly #arrivals = homeChannel({ capacity: 0 });
  readonly #sessions = new Set<SessionPeer>();
  #unauthenticated = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ListenOptions) {
    refuseOptions(options, ["key", "hub", "schema", "authorize"]);
    this.#options = options;
    if (options.authenticate !== undefined && typeof options.authenticate !== "function")
      throw new TypeError(`Expected authenticate to be a function, got ${describe(options.authenticate)}`);
    this.#checked = checkOptions(options);
    const { capacity, whenInDoubt } = this.#checked;
    this.#scatter = homeChannel({ capacity, whenInDoubt }, true);
    this.#scatter.home.endWatchers.add({
      sourceEnded: () => {
        for (const peer of this.#sessions) peer.send.close();
      },
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
    const host = hostOf(link);
    if (this.#closing !== undefined || this.#unauthenticated >= this.limits.maxUnauthenticatedLinks) {
      link.close("not now");
      return;
    }
    this.#unauthenticated++;
    const batches = link.received[Symbol.asyncIterator]();
    void this.#admit(link, batches, host, request).then(
      (peer) => {
        this.#unauthenticated--;
        return peer.pump(batches);
      },
      (error: unknown) => {
        this.#unauthenticated--;
        const refusal = NetchanError.is(error) ? error : new NetchanError("SESSION_REFUSED", "not admitted");
        sendSafely(link, writeRefusal(refusal.code, plainMessage(refusal)));
        link.close(refusal.code);
      },
    );
  }

  async #admit(link: Link, batches: AsyncIterator<string | Uint8Array>, host: Host, request: LinkRequest): Promise<SessionPeer> {
    const hello = await readHello(batches, host);
    const identity = await inTime(this.#identify(hello, request), host);
    if (this.#closing !== undefined) throw new NetchanError("SESSION_REFUSED", "the listener is closing");
    if (this.#sessions.size >= this.limits.maxSessions)
      throw new NetchanError("LIMIT_EXCEEDED", "the listener has as many sessions as it accepts");
    const { limits, capacity, whenInDoubt, heartbeatMs, superjson } = this.#checked;
    const id = unguessableId(host);
    sendSafely(link, writeWelcome({ session: id, capacity, heartbeatMs, limits: told(limits) }));
    const peer: SessionPeer = new SessionPeer({
      host,
      link,
      id,
      limits,
      peerLimits: hello.limits,
      heartbeatMs,
      asks: true,
      capacity,
      whenInDoubt,
      superjson,
      identity,
      remoteAddress: request.remoteAddress,
      merged: { gather: this.#gather, scatter: this.#scatter.home },
      confirmed: () => this.#arrived(peer),
    });
    this.#sessions.add(peer);
    void peer.ended.then(() => {
      this.#sessions.delete(peer);
      this.connected.delete(peer);
    });
    if (this.#scatter.home.drained) peer.send.close();
    return peer;
  }

  async #identify(hello: Hello, request: LinkRequest): Promise<unknown> {
    const { authenticate } = this.#options;
    if (authenticate === undefined) return undefined;
    try {
      return await authenticate(hello.credentials, request);
    } catch (error) {
      // Why is the application's business: a stranger learns only that it was refused.
      throw new NetchanError("SESSION_REFUSED", "the credentials were not accepted", { cause: error });
    }
  }

  /** Reading `peers` is optional: those who wait to be read are the live ones, and nobody waits for them. */
  #arrived(peer: SessionPeer): void {
    this.connected.add(peer);
    if (this.#arrivals.home.closed) return;
    const item = this.#arrivals.home.submit(peer, undefined, nobody);
    void peer.ended.then(() => this.#arrivals.home.withdraw(item, () => undefined));
  }

  channel<T>(name: string): Channel<T> {
    throw new TypeError(`The channel "${name}" cannot be published: named channels are not supported by this version`);
  }
  topic<T>(name: string): Topic<T> {
    throw new TypeError(`The topic "${name}" cannot be published: topics are not supported by this version`);
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    const { drainMs = defaultDrainMs } = options;
    if (typeof drainMs !== "number" || !(drainMs >= 0) || drainMs === Infinity)
      throw new RangeError(`Expected drainMs to be a finite number of at least 0, got ${String(drainMs)}`);
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }
  async #close(drainMs: number): Promise<void> {
    this.#arrivals.home.close(undefined);
    this.#scatter.home.close(undefined);
    await Promise.all([...this.#sessions].map((peer) => peer.close({ drainMs })));
    this.#scatter.home.refuse(new NetchanError("SESSION_CLOSED", "the listener was closed"));
    this.#arrivals.home.refuse();
    this.#gather.close();
    await Promise.all(this.carriers.map((carrier) => carrier.close()));
  }
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
}
disposeByClosing(LinkListener.prototype);

/** An application that never decides has refused. */
function inTime<T>(decision: Promise<T>, host: Host): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = host.clock.start(handshakeMs, () => reject(new NetchanError("SESSION_REFUSED", "not admitted in time")), "idle");
    decision.then(resolve, reject).finally(() => timer.cancel());
  });
}
