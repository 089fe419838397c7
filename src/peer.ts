/**
 * A peer: one session as its user sees it, on either side. Layer: peer; joins session and exchange, knows no transport.
 * Invariant: `ended` settles exactly once, and by then every operation that depended on the session has settled too.
 */
import type { Comeback, Returning } from "./comeback.js";
import type {
  Channel,
  ChannelOptions,
  Limits,
  Peer,
  PeerStats,
  PeerStatus,
  ReceiveChannel,
  SendChannel,
  SessionEnd,
  StandardSchema,
  Topic,
  Unchecked,
} from "./contract.js";
import { type HomeChannel, homeChannel, sendPortOf } from "./core/channel.js";
import { describe, type Port, receiveEnd, sendEnd, signalOf } from "./core/end.js";
import type { Gather } from "./core/gather.js";
import type { Home } from "./core/home.js";
import type { Item } from "./core/item.js";
import { AbortWatch, Deferred, nobody, rejected } from "./core/operations.js";
import { subscriptionBuffer } from "./core/topic.js";
import { disposeByClosing } from "./disposing.js";
import { NetchanError } from "./errors.js";
import { defaultDrainMs, Farewell } from "./farewell.js";
import { statsOf } from "./peer-stats.js";
import { Exchange, type PeerLimits } from "./remote/exchange.js";
import { pairIds } from "./remote/ids.js";
import type { Published } from "./remote/permit.js";
import { RemoteReceive } from "./remote/remote-receive.js";
import { RemoteSend } from "./remote/remote-send.js";
import type { Host } from "./session/host.js";
import { type Finish, Session, type SessionOwner } from "./session/session.js";
import { Codec } from "./wire/codec.js";
import type { Frame } from "./wire/frame.js";

export interface PeerOptions {
  readonly host: Host;
  readonly id: string;
  readonly limits: Limits;
  readonly peerLimits: PeerLimits;
  readonly heartbeatMs: number;
  /** This side asks whether the other is there; at least one side does. */
  readonly asks: boolean;
  readonly capacity: number;
  readonly whenInDoubt: "reject" | "redeliver";
  readonly superjson: object | undefined;
  readonly identity: unknown;
  readonly remoteAddress: string | undefined;
  /** Undefined on the dialing side. */
  readonly merged: Merged | undefined;
  /** The other side has sent its first frame. */
  readonly confirmed?: () => void;
  /** What this side does when a link is lost. */
  readonly comeback: (peer: Returning) => Comeback;
}

/** What all peers of the listening side share. */
export interface Merged {
  /** Their queues. */
  readonly gather: Gather;
  readonly scatter: Home;
  /** Checks what they send on the default pair. */
  readonly schema: StandardSchema<unknown> | undefined;
  /** The channels they may ask for by name. */
  published(peer: SessionPeer): Published;
}

/** A value whose send was fulfilled on this side, and that was not received. */
interface Undelivered {
  readonly send: SendChannel<Unchecked>;
  readonly value: unknown;
  readonly outcome: "not-sent" | "unknown";
}

/** A value that was buffered and never shown to anybody: the ends in it go with it, so that a question in it is not waited for. */
function dropValue(exchange: Exchange, value: unknown): void {
  try {
    const holder = {};
    for (const end of exchange.encode(value).ends) {
      if (end.holders === undefined) {
        end.travel?.left(holder);
        end.travel?.dropped(holder);
      } else {
        end.holders.add();
        end.holders.remove(exchange.over);
      }
    }
  } catch {
    // What cannot be encoded would have been refused.
  }
}

/** The listening side's part of the default pair: both channels live here. */
class HomePair {
  readonly toListener: HomeChannel;
  readonly toDialer: HomeChannel;
  readonly #undelivered: { readonly item: Item; readonly outcome: "not-sent" | "unknown" }[] = [];

  constructor(options: PeerOptions, exchange: Exchange, merged: Merged) {
    const channel = { capacity: options.capacity, whenInDoubt: options.whenInDoubt };
    this.toListener = homeChannel(channel, true, { schema: merged.schema });
    this.toDialer = homeChannel(channel, true);
    this.toListener.home.gather = merged.gather;
    this.toDialer.home.onUndelivered = (item, outcome) => {
      this.#undelivered.push({ item, outcome });
      dropValue(exchange, item.value);
      if (this.#undelivered.length > options.capacity) this.#undelivered.shift();
    };
    exchange.ends.servePair(this.toListener.send, pairIds.toListener, undefined);
    exchange.ends.servePair(this.toDialer.receive, pairIds.toDialer, [this.toDialer.home, merged.scatter]);
    // Of each direction this process holds one end only: when the dialer lets go of the other, that is the end.
    this.toListener.send.letGo();
    this.toDialer.receive.letGo();
    exchange.introduce();
  }
  /** What was fulfilled for this peer and not received, oldest first. */
  get undelivered(): readonly { readonly value: unknown; readonly outcome: "not-sent" | "unknown" }[] {
    const inOrder = this.#undelivered.sort((a, b) => a.item.order - b.item.order);
    return inOrder.map(({ item: { value }, outcome }) => ({ value, outcome }));
  }
  get ports(): { readonly send: Port; readonly receive: Port } {
    return { send: this.toDialer.send, receive: this.toListener.receive };
  }
}

const end = { closed: "SESSION_CLOSED", aborted: "SESSION_CLOSED", lost: "SESSION_LOST", refused: "SESSION_REFUSED" } as const;

export class SessionPeer implements Peer, SessionOwner, Returning {
  readonly id: string;
  readonly identity: unknown;
  readonly remoteAddress: string | undefined;
  readonly send: SendChannel<Unchecked>;
  readonly receive: ReceiveChannel<unknown>;
  readonly ended: Promise<SessionEnd>;
  readonly session: Session;
  readonly exchange: Exchange;
  readonly #pair: HomePair | undefined;
  readonly #farewell: Farewell;
  readonly #ended = new Deferred<SessionEnd>();
  readonly #confirmed: (() => void) | undefined;
  readonly #feeds = new Set<HomeChannel>();
  readonly #host: Host;
  readonly #comeback: Comeback;
  readonly #sendPort: Port;
  #status: PeerStatus = Object.freeze({ state: "connected", transport: "" });
  /** While there is no link: when the session ends unless one comes. */
  #endsAt = 0;
  #ready = false;

  constructor(options: PeerOptions) {
    const { host, limits, peerLimits, merged } = options;
    this.#host = host;
    this.id = options.id;
    this.identity = options.identity;
    this.remoteAddress = options.remoteAddress;
    this.ended = this.#ended.promise;
    this.#confirmed = options.confirmed;
    this.session = new Session(this, { host, limits, peerLimits, heartbeatMs: options.heartbeatMs, asks: options.asks });
    const codec = new Codec(options.superjson === undefined ? { limits } : { limits, superjson: options.superjson });
    this.exchange = new Exchange({
      outlet: this.session,
      host,
      codec,
      limits,
      peerLimits,
      dialer: merged === undefined,
      published: merged?.published(this),
    });
    this.exchange.from = this;
    let ports: { readonly send: Port; readonly receive: Port };
    if (merged === undefined) {
      ports = {
        send: this.exchange.ends.adopt(pairIds.toListener, "send", options.capacity),
        receive: this.exchange.ends.adopt(pairIds.toDialer, "receive", options.capacity),
      };
      if (ports.receive instanceof RemoteReceive) ports.receive.doneAtGoodbye = true;
      if (ports.send instanceof RemoteSend && options.capacity > 0) ports.send.remember();
      this.exchange.onIdle = () => this.#endIfDone();
    } else {
      this.#pair = new HomePair(options, this.exchange, merged);
      ports = this.#pair.ports;
    }
    if (ports.send.kind !== "send" || ports.receive.kind !== "receive")
      throw new TypeError("the default pair is a send end and a receive end");
    this.#sendPort = ports.send;
    this.send = sendEnd<Unchecked>(ports.send);
    this.receive = receiveEnd<unknown>(ports.receive);
    const home = this.#pair?.toDialer.home;
    this.#farewell = new Farewell(
      host,
      this.session,
      this.exchange,
      () => this.send.close(),
      () => home?.ready === true || (home?.buffered ?? 0) > 0,
    );
    if (merged === undefined) this.exchange.post(`"ready"`);
    this.#comeback = options.comeback(this);
    Object.freeze(this);
  }

  get confirmed(): boolean {
    return this.#ready || this.#pair === undefined;
  }

  // ── what the session says ──

  frame(frame: Frame): void {
    if (!this.#ready && this.#pair !== undefined) {
      if (frame.type !== "ready") throw new NetchanError("PROTOCOL_VIOLATION", `a ${frame.type} frame before the session was confirmed`);
      this.#ready = true;
      this.#confirmed?.();
      return;
    }
    switch (frame.type) {
      case "drain":
        this.#farewell.onDrain(frame.fields[0]);
        return;
      case "drained":
        this.#farewell.onDrained();
        return;
      case "bye":
        this.#farewell.onBye();
        return;
      default:
        this.exchange.frame(frame);
    }
  }
  drained(): void {
    this.exchange.resume();
  }
  suspended(error: NetchanError): void {
    this.exchange.suspended();
    this.#comeback.lost(error);
  }
  connected(): void {
    this.#comeback.returned();
    const { transport } = this.session;
    if (this.#status.state !== "connected" || this.#status.transport !== transport)
      this.#setStatus(Object.freeze({ state: "connected", transport }));
    this.exchange.connected();
  }
  awake(): void {
    this.exchange.awake();
  }
  reconnecting({ endsAt, ...status }: Parameters<Returning["reconnecting"]>[0]): void {
    this.#endsAt = endsAt;
    this.#setStatus(Object.freeze({ state: "reconnecting", endsInMs: this.#endsInMs(), ...status }));
  }
  #endsInMs(): number {
    return Math.max(0, this.#endsAt - this.#host.clock.now());
  }
  finished(finish: Finish): void {
    this.#comeback.over();
    this.#farewell.finished();
    const graceful = finish.reason === "closed" && this.#farewell.answered;
    const loss =
      finish.error !== undefined && end[finish.reason] !== "SESSION_CLOSED"
        ? finish.error
        : new NetchanError(end[finish.reason], `the session was ${finish.reason}`, { cause: finish.error });
    const undelivered = this.#end(() => this.exchange.finish(loss, graceful)).map((one) => Object.freeze(one));
    const sessionEnd: SessionEnd = Object.freeze({
      reason: finish.reason,
      ...(finish.error === undefined ? {} : { error: finish.error }),
      undelivered: Object.freeze(undelivered),
    });
    this.#setStatus(Object.freeze({ state: "ended", end: sessionEnd }));
    for (const feed of this.#feeds) feed.home.close(undefined);
    this.#feeds.clear();
    this.#ended.resolve(sessionEnd);
  }

  /** @returns what was fulfilled here and, for all that is known, not received there: first on the pair, then on any channel of this process */
  #end(act: () => void): readonly Undelivered[] {
    const others: Undelivered[] = [];
    const homes = [...this.exchange.offering].filter((home) => home.onUndelivered === undefined);
    for (const home of homes) {
      const port = sendPortOf(home);
      home.onUndelivered = ({ value, parcel }, outcome) => {
        if (parcel === undefined) dropValue(this.exchange, value);
        // What came over a session was fulfilled elsewhere.
        if (port !== undefined && parcel === undefined) others.push({ send: sendEnd<Unchecked>(port), value, outcome });
      };
    }
    act();
    for (const home of homes) home.onUndelivered = undefined;
    const { send } = this;
    const pair =
      this.#sendPort instanceof RemoteSend
        ? this.#sendPort.unreceived.map((value) => ({ value, outcome: "unknown" as const }))
        : (this.#pair?.undelivered ?? []);
    return [...pair.map((one) => ({ send, ...one })), ...others];
  }

  /** Both directions are closed and nothing else is open: there is nothing left to be connected for. */
  #endIfDone(): void {
    if (this.exchange.remotes.size === 0 && this.exchange.served.size === 0 && !this.exchange.busy) this.#farewell.begin(defaultDrainMs);
  }

  // ── what the user asks ──

  get status(): PeerStatus {
    const status = this.#status;
    return status.state === "reconnecting" ? Object.freeze({ ...status, endsInMs: this.#endsInMs() }) : status;
  }
  statuses(): ReceiveChannel<PeerStatus> {
    const feed = homeChannel({ capacity: 1, whenFull: "drop-oldest" });
    feed.home.submit(this.status, undefined, nobody);
    if (this.#status.state === "ended") feed.home.close(undefined);
    else this.#feeds.add(feed);
    return receiveEnd<PeerStatus>(feed.receive);
  }
  #setStatus(status: PeerStatus): void {
    this.#status = status;
    this.#host.report?.("session", () => ({ peer: this, status }));
    for (const feed of this.#feeds)
      if (feed.home.closed) this.#feeds.delete(feed);
      else feed.home.submit(status, undefined, nobody);
  }

  channel<T>(name: string): Channel<T> {
    if (typeof name !== "string") throw new TypeError(`Expected the name to be a string, got ${describe(name)}`);
    const { send, receive } = this.exchange.ends.named(name);
    return Object.freeze({ send: sendEnd<T>(send), receive: receiveEnd<T>(receive) });
  }
  topic<T>(name: string): Topic<T> {
    if (typeof name !== "string") throw new TypeError(`Expected the name to be a string, got ${describe(name)}`);
    return Object.freeze({
      publish: sendEnd<T>(this.exchange.ends.publish(name)),
      subscribe: (options?: ChannelOptions) =>
        receiveEnd<T>(this.exchange.ends.subscribe(name, subscriptionBuffer(options))) as ReturnType<Topic<T>["subscribe"]>,
    });
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    const { drainMs = defaultDrainMs } = options;
    if (typeof drainMs !== "number") throw new TypeError(`Expected drainMs to be a number, got ${describe(drainMs)}`);
    if (!(drainMs >= 0) || drainMs === Infinity)
      throw new RangeError(`Expected drainMs to be a finite number of at least 0, got ${drainMs}`);
    this.#farewell.begin(drainMs);
    return this.ended.then(() => undefined);
  }
  abort(reason?: Error): void {
    if (reason !== undefined && !(reason instanceof Error))
      throw new TypeError(`Expected the reason of abort to be an Error, got ${describe(reason)}`);
    this.session.fail(
      new NetchanError("SESSION_CLOSED", reason === undefined ? "the session was aborted" : `the session was aborted: ${reason.message}`, {
        cause: reason,
      }),
    );
  }
  reconnect(): void {
    this.#comeback.now();
  }

  /** Bytes that this side holds for it. */
  get heldBytes(): number {
    return this.session.stats.keptBytes + this.exchange.window.used;
  }
  stats(): PeerStats {
    return statsOf(this.exchange, this.session);
  }
  ping(options?: { readonly signal?: AbortSignal }): Promise<number> {
    const signal = signalOf(options);
    if (signal?.aborted) return rejected(signal.reason);
    const ended = this.session.ended;
    if (ended !== undefined) return rejected(new NetchanError("SESSION_CLOSED", "the session has ended"));
    const answer = new Deferred<number>();
    const watch = new AbortWatch();
    const forget = this.session.ping(
      (ms) => {
        watch.stop();
        answer.resolve(ms);
      },
      () => {
        watch.stop();
        answer.reject(new NetchanError("SESSION_CLOSED", "the session ended before the answer"));
      },
    );
    if (signal !== undefined) {
      watch.watch(signal, (reason) => {
        forget();
        answer.reject(reason);
      });
    }
    return answer.promise;
  }

  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  /** What a log shows of it: every received value has its peer beside it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Peer ${this.id.slice(0, 8)} (${this.#status.state})`;
  }
}
disposeByClosing(SessionPeer.prototype);
