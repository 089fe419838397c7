/**
 * The public types of netchan: what a user names. Leaf: only types, so it may be imported from every layer and costs no bytes.
 * Names, shapes and meanings here are the contract with users; the functions that go with them are in index.ts and node.ts.
 */
/// <reference lib="esnext.disposable" preserve="true" />
import type { NetchanError } from "./errors.js";

/**
 * What a type parameter is when its user named none: checked nowhere, as the contract wants it for `Peer` and `Reply` (a `Peer`
 * fits wherever a `Peer<A, B>` is asked for, and the other way round). Everywhere else `unknown` and `never` serve.
 */
export type Unchecked = ReturnType<typeof JSON.parse>;

// ───────────────────────────── channels ─────────────────────────────

/**
 * A channel is its two ends. `const { send, receive } = chan<number>()` and `const { send, receive } = await dial(url)` are the
 * same shape. Both ends are functions, so that code reads like Go: `await send(v)` is `ch <- v`, `await receive()` is `v, ok := <-ch`.
 */
export interface Channel<In, Out = In> {
  readonly send: SendChannel<Out>;
  readonly receive: ReceiveChannel<In>;
}

/** The sending end. It can be sent inside a message: the peer then holds a working send end of the same channel. */
export interface SendChannel<T> {
  /**
   * Sends one value. Settles when the value was *taken* by a receiver (capacity 0, a rendezvous) or *buffered* (capacity n).
   * "Taken" across a network means that the receiving application has it, never merely its socket.
   * Values from one sender are received in call order, awaited or not.
   * Aborting takes the value back if and only if nobody took it; then rejects with `signal.reason`.
   * For a channel whose home is elsewhere the value is encoded inside this call: later changes to it do not travel.
   * The promise is born handled: a send nobody awaits never raises `unhandledrejection`.
   * @throws NetchanError CHANNEL_CLOSED · ENCODE_FAILED · VALUE_REFUSED · RECEIVER_LOST · SESSION_LOST · SESSION_CLOSED (the last three with `outcome`)
   */
  (value: T, options?: OperationOptions): Promise<void>;
  /** No more values. Takes its place behind every send called before it here: those still arrive, then receivers see `done` (or, if given, CHANNEL_CLOSED with `reason` as `cause`). Idempotent. */
  close(reason?: Error): void;
  readonly closed: boolean;
  /** Values the channel holds without a receiver: 0 is a rendezvous. */
  readonly capacity: number;
  /** Values buffered now (for a channel whose home is elsewhere: as last heard). */
  readonly buffered: number;
  /** This process sends no more. When no process holds the send end any longer the channel is closed: receivers see `done`, or SESSION_LOST if the last holder's session was lost. */
  [Symbol.dispose](): void;
}

/** The receiving end. It can be sent inside a message, and iterated: `for await (const v of receive)`. Leaving the loop does not close the channel. */
export interface ReceiveChannel<T> extends AsyncIterable<T> {
  /**
   * Receives one value. Never resolves to the bare value, so that a value with a `then` cannot be mistaken for a promise.
   * Aborting loses no value: either it was received, or it stays in the channel for the next receiver.
   */
  (options?: OperationOptions): Promise<Received<T>>;
  /** The same loop with a signal: aborting ends the loop without throwing and takes nothing. `for await` alone cannot be cancelled from outside. */
  values(options?: OperationOptions): AsyncIterable<T>;
  /** This process wants no more. When no process holds the receive end any longer, senders see CHANNEL_CLOSED. Stops a ticker, a status feed, a subscription. */
  close(): void;
  readonly closed: boolean;
  readonly capacity: number;
  readonly buffered: number;
  /** The same as `close`. */
  [Symbol.dispose](): void;
}

/** `from`: the peer whose session brought the value; undefined when it was sent in this process or the channel's home is elsewhere. */
export type Received<T> =
  | { readonly done: false; readonly value: T; readonly from?: Peer }
  | { readonly done: true; readonly value: undefined };
export interface OperationOptions {
  readonly signal?: AbortSignal;
}

export interface ChannelOptions {
  /** Values held without a receiver. Default 0: a rendezvous. */
  readonly capacity?: number;
  /** What a send does when the buffer is full. Default "wait". The others need capacity ≥ 1; `capacity: 1, whenFull: "drop-oldest"` is "latest value". */
  readonly whenFull?: "wait" | "drop-oldest" | "drop-newest";
  /** A value offered to a receiver whose session ended before it answered: default "reject" (at most once). "redeliver" gives it to the next receiver: at least once. */
  readonly whenInDoubt?: "reject" | "redeliver";
}

// ───────────────────────────── select ─────────────────────────────

/** A receive case is a receive end; a send case is `[send, value]`; `undefined`, `null` or `false` switches a case off (Go's nil channel). Ends may be local or remote, in any mix, over any number of peers. */
export type Case = ReceiveChannel<Unchecked> | readonly [SendChannel<Unchecked>, unknown] | undefined | null | false;
export type Off = undefined | null | false;
export type Checked<C> = {
  [K in keyof C]: C[K] extends readonly [SendChannel<infer T>, unknown] | Off ? readonly [SendChannel<T>, T] | Off : C[K];
};
type CaseOf<K, C> =
  C extends ReceiveChannel<infer T> ? { readonly case: K } & Received<T> : C extends readonly unknown[] ? { readonly case: K } : never;
export type Selected<C extends Record<string, Case>> = { [K in keyof C]: CaseOf<K, C[K]> }[keyof C];

declare const replyMark: unique symbol;
export interface Reply extends SendChannel<Unchecked> {
  readonly [replyMark]: true;
}
export type Loose<T> = T extends (...args: never) => unknown ? T : T extends object ? { readonly [K in keyof T]: Loose<T[K]> } : T;
type FieldOf<V, R> = { [K in keyof R & keyof V]: R[K] extends Reply ? (V[K] extends SendChannel<infer A> ? A : never) : never }[keyof R &
  keyof V];
type AnswerOf<Q, R> = R extends Reply
  ? Q extends SendChannel<infer A>
    ? A
    : never
  : Q extends unknown
    ? R extends Loose<Q>
      ? FieldOf<Q, R>
      : never
    : never;
type SendFields<R> = { [K in keyof R]: R[K] extends SendChannel<infer A> ? A : never }[keyof R];
export type Answer<Q, R> = [AnswerOf<Q, R>] extends [never] ? ([SendFields<R>] extends [never] ? unknown : SendFields<R>) : AnswerOf<Q, R>;

// ───────────────────────────── peers ─────────────────────────────

/**
 * The other process, as long as the session with it lasts: it outlives the links (sockets) that carry it.
 * The same interface on both sides; `send` and `receive` are the default pair between the two.
 */
export interface Peer<In = Unchecked, Out = In, Identity = unknown> extends Channel<In, Out>, AsyncDisposable {
  /** Unguessable, the same on both sides. */
  readonly id: string;
  /** A channel that the other side (or its hub) published under `name`. */
  channel<T>(name: string): Channel<T>;
  /** Subscribes to a topic of the other side. */
  topic<T>(name: string): Topic<T>;
  readonly status: PeerStatus;
  /** Every change of `status`; each call gives a new end. A drop that may yet heal is a status, never an error. */
  statuses(): ReceiveChannel<PeerStatus>;
  /** Settles, never rejects, when the session has ended for good. */
  readonly ended: Promise<SessionEnd>;
  /** Lets both sides drain, then ends the session. */
  close(options?: { drainMs?: number }): Promise<void>;
  /** Ends it now. Pending operations reject with SESSION_CLOSED. */
  abort(reason?: Error): void;
  /** Tries for a link now instead of after `retryInMs`, and asks `credentials` again (the listener runs `authenticate` for every link). */
  reconnect(): void;
  /** Round trip over the present link, milliseconds. */
  ping(options?: OperationOptions): Promise<number>;
  /** What this session holds, and by whom: for finding leaks. */
  stats(): PeerStats;
  /** What `authenticate` returned for this peer (listening side). */
  readonly identity: Identity;
  readonly remoteAddress: string | undefined;
}
export type PeerStatus =
  | { readonly state: "connected"; readonly transport: "websocket" | "webtransport" | "memory" | "port" | (string & {}) }
  /** No link. The dialing side has `attempt` and `retryInMs`; the listening side waits. */
  | {
      readonly state: "reconnecting";
      readonly endsInMs: number;
      readonly error: NetchanError;
      readonly attempt?: number;
      readonly retryInMs?: number;
    }
  | { readonly state: "ended"; readonly end: SessionEnd };
export type SessionEnd = {
  readonly reason: "closed" | "aborted" | "lost" | "refused";
  readonly error?: NetchanError;
  /** Values whose send was fulfilled here (buffered) and that were not received when the session ended: yours to send again. */
  readonly undelivered: readonly {
    readonly send: SendChannel<Unchecked>;
    readonly value: unknown;
    readonly outcome: "not-sent" | "unknown";
  }[];
};

/** What one session holds at the moment, for finding leaks: when everything has settled all is zero and empty, but for the free window. */
export interface PeerStats {
  /** Channel ends, but for the default pair: of this side's channels, held by the other side; and the other way round. */
  readonly ends: { readonly given: number; readonly held: number };
  /** Operations of this side that the other has not answered; operations of the other side that wait here. */
  readonly operations: { readonly there: number; readonly here: number };
  /** Receives of this process, cases of selects among them, that wait at ends of the other side. */
  readonly receives: number;
  /** Bytes of values: how many more the other side's window takes, and how many of its values wait here. */
  readonly window: { readonly free: number; readonly used: number };
  /** What waits for a link or an acknowledgement. */
  readonly unacknowledged: { readonly frames: number; readonly bytes: number };
  /** Every end that is held across this session, but for the default pair, oldest first. */
  readonly holds: readonly Hold[];
}
/** One channel end that is held across a session. */
export interface Hold {
  readonly kind: "send" | "receive";
  /** "here": an end of the other side's channel, held by this process; "there": the other way round. */
  readonly holder: "here" | "there";
  /** What keeps it: the application, a value that nobody has taken, a third process it was passed on to, or nothing more than the answer to its release. */
  readonly by: "application" | "value" | "relay" | "release";
  /** The channel's home is a third process. */
  readonly relayed: boolean;
  /** How often it stands in values that were sent and not given back. */
  readonly references: number;
  /** Its operations or offers that have no answer yet. */
  readonly open: number;
  /** The end itself, as this process knows it, to look at or to dispose of; undefined when no application here has it. */
  readonly end: SendChannel<Unchecked> | ReceiveChannel<Unchecked> | undefined;
}

/** A URL, or a function that opens a link of your own making (the seam every transport here uses; `netchan/testing` gives such functions). */
export type Address = string | URL | ((options: { readonly signal: AbortSignal }) => Promise<Link>);
/** One connection that carries whole batches in order, each once, text as text and bytes as bytes. It may fail at any time: the session outlives it. */
export interface Link {
  /** Its kind, as `peer.status` tells it while connected. */
  readonly transport: string;
  /** Hands over one batch. A promise holds the next one back until it is fulfilled; whatever else it returns says nothing. On a dead connection it does nothing. */
  send(bytes: string | Uint8Array): void | Promise<void>;
  /** What arrives. Ends when the other side has closed the connection, throws when it failed. */
  readonly received: AsyncIterable<string | Uint8Array>;
  /** Ends it after what was sent. May be called more than once. */
  close(reason?: string): void;
}
export interface DialOptions extends SessionOptions {
  /** Covers the dialing only: once `dial` has resolved it does nothing (so `AbortSignal.timeout(5000)` is a dial timeout). */
  readonly signal?: AbortSignal;
  /** Sent in the first frame, never in the URL; a function is called for each link, so that a fresh token is used. */
  readonly credentials?: unknown | (() => unknown | Promise<unknown>);
  /** A shared secret of at least 16 bytes: each side proves that it knows it, without sending it (the dialer first). Admission, not encryption: use it over wss: or https:. */
  readonly key?: string | Uint8Array;
  /** SHA-256 of the server's certificate (hex), for self-signed development certificates. Node and WebTransport. */
  readonly certificateHash?: string;
  /** PEM certificate authorities (Node). */
  readonly ca?: string;
  readonly reconnect?: false | { readonly minMs?: number; readonly maxMs?: number };
}

export interface ServerLike {
  on(event: "upgrade", listener: (...args: Unchecked[]) => void): unknown;
}
export interface Listener<In = Unchecked, Out = In, Identity = unknown> extends Channel<In, Out>, AsyncDisposable {
  /** Work distribution: `send` gives the value to the peer that asks first; `receive` takes from any peer. */
  readonly send: SendChannel<Out>;
  readonly receive: ReceiveChannel<In>;
  /** Each new peer, for talking to one: its own `send` and `receive`. Reading it is optional. */
  readonly peers: ReceiveChannel<Peer<In, Out, Identity>>;
  /** Serves a link you accepted yourself. */
  accept(link: Link): void;
  readonly connected: ReadonlySet<Peer<In, Out, Identity>>;
  /** Creates or finds the channel published under `name`. */
  channel<T>(name: string, options?: NamedChannelOptions<T>): Channel<T>;
  topic<T>(name: string, options?: TopicOptions<T>): Topic<T>;
  /** As it can be dialed, one for each address. */
  readonly urls: readonly string[];
  readonly url: string;
  /** SHA-256 (hex) of the certificate served, when there is one. */
  readonly certificateHash: string | undefined;
  /** Stops accepting, lets sessions drain, ends them. */
  close(options?: { drainMs?: number }): Promise<void>;
}
export interface ListenOptions<In = unknown, Identity = unknown> extends SessionOptions {
  /** Checks what peers send on the default pair. */
  readonly schema?: StandardSchema<In>;
  /** PEM, or "self-signed": a P-256 certificate valid 13 days, made at start, for development. Needed for wss: and https:. */
  readonly tls?: { readonly cert: string; readonly key: string } | "self-signed";
  /** Given the first frame's credentials: return an identity, or throw to refuse. Without it everybody who passes `origins` may connect. */
  readonly authenticate?: (
    credentials: unknown,
    request: { origin?: string; remoteAddress?: string; url: string; headers: Readonly<Record<string, string | undefined>> },
  ) => Identity | Promise<Identity>;
  /** May this peer use this end of this published name? Default: what the channel's `allow` says. */
  readonly authorize?: (peer: Peer, name: string, end: "send" | "receive" | "subscribe" | "publish") => boolean | Promise<boolean>;
  readonly key?: string | Uint8Array;
  /** Browser origins let in: default the listener's own host. "*" lets all in. */
  readonly origins?: readonly string[] | "*";
  /** Where named channels and topics live. Default: this process. */
  readonly hub?: Hub;
}
export interface NamedChannelOptions<T> extends ChannelOptions {
  /** What peers may do with it. Default "none": a name is reachable only when it says so. */
  readonly allow?: "none" | "send" | "receive" | "both";
  /** Any Standard Schema (zod, valibot, arktype …): a value from a peer that does not pass is refused to its sender with VALUE_REFUSED. */
  readonly schema?: StandardSchema<T>;
}
export interface TopicOptions<T> {
  readonly allow?: "none" | "subscribe" | "publish" | "both";
  readonly schema?: StandardSchema<T>;
  /** May a slow peer hold up publishers? Default "drop-oldest": a peer's subscription that asks for "wait" is refused. */
  readonly whenFull?: "wait" | "drop-oldest";
}
type Checkup<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] };
/** The part of Standard Schema v1 that is used. */
export interface StandardSchema<T> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown, options?: Unchecked) => Checkup<T> | Promise<Checkup<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}
/** One to many: every subscriber gets every value published after it subscribed. */
export interface Topic<T> {
  /** Settles when every subscriber has the value or has it buffered, by its own `whenFull`. */
  readonly publish: SendChannel<T>;
  /** Default: capacity 64, "drop-oldest"; `missed` counts what was dropped. Closing or disposing unsubscribes. */
  subscribe(options?: ChannelOptions): ReceiveChannel<T> & { readonly missed: number };
}
/** Where named channels live; `redisHub` of "netchan/redis" is one, the in-process hub the default. */
export interface Hub {
  readonly [hubMark]: true;
  close(): Promise<void>;
}
export declare const hubMark: unique symbol;

/** On both sides; each has a default, a unit, a range and a reason in its docstring. */
export interface SessionOptions {
  /** Of the default pair. Default 0. The listener's value holds, and is told to the dialer. */
  readonly capacity?: number;
  /** Of the default pair; for work distribution you want "redeliver". */
  readonly whenInDoubt?: "reject" | "redeliver";
  /** How long a session without a link is kept for its peer to come back, ms. Default 120 000. */
  readonly resumeWindowMs?: number;
  readonly heartbeatMs?: number;
  readonly limits?: Partial<Limits>;
  /** Your own SuperJSON instance, with registered classes and custom types (both sides register the same). Default: a fresh one. */
  readonly superjson?: object;
}
/** Every limit is enforced before anything of that size is allocated, and exported with its default as `defaultLimits`. */
export interface Limits {
  readonly maxFrameBytes: number;
  readonly maxValueBytes: number;
  /** Values a peer may have waiting here, fulfilled or not, counted in bytes. */
  readonly maxQueuedBytes: number;
  readonly maxSessions: number;
  readonly maxUnauthenticatedLinks: number;
  readonly maxDepth: number;
  readonly maxNodes: number;
  readonly maxChannels: number;
  readonly maxPendingOperations: number;
  readonly maxReplayBytes: number;
  /** Of one address; see `defaultLimits`. */
  readonly maxUnauthenticatedLinksPerAddress: number;
  readonly maxRefusalsPerMinute: number;
  /** Of one session. */
  readonly maxSubscriptions: number;
  readonly maxOpensPerSecond: number;
  /** By all sessions of a listener together. */
  readonly maxHeldBytes: number;
}
