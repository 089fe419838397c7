/**
 * Channels of this process, as their users see them. Layer: core.
 * `chan` is Go's `make(chan T)`; the two ports connect the ends to the one {@link Home} behind them.
 */
import type { Channel, ChannelOptions, ReceiveChannel, Received, SendChannel, StandardSchema } from "../contract.js";
import { NetchanError } from "../errors.js";
import { SendCase } from "./cases.js";
import { describe, type ReceivePort, receiveEnd, type SendPort, sendEnd } from "./end.js";
import { type Holders, receiveHolders, sendHolders } from "./holders.js";
import { Home } from "./home.js";
import { receiveFrom, rejected, SendOperation } from "./operations.js";
import type { Entry, Selection } from "./selection.js";

/** What other processes may do with a send end of this one. */
export interface SendRules {
  /** What they send is checked by it before it is queued. */
  readonly schema?: StandardSchema<unknown> | undefined;
  /** They close their own use of it only. */
  readonly closedHereOnly?: boolean;
}

/** The send end of a channel that lives here. */
export class HomeSend implements SendPort {
  readonly kind = "send";
  end: SendChannel<unknown> | undefined = undefined;
  readonly holders: Holders;

  constructor(
    readonly home: Home,
    readonly rules: SendRules = {},
  ) {
    this.holders = sendHolders(home);
  }
  get travel(): Holders {
    return this.holders;
  }
  get capacity(): number {
    return this.home.capacity;
  }
  get buffered(): number {
    return this.home.buffered;
  }
  get closed(): boolean {
    return this.home.closed;
  }
  send(value: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason);
    this.holders.use();
    const { home } = this;
    const refusal = home.refusal();
    if (refusal !== undefined) return rejected(refusal);
    const operation = new SendOperation();
    const item = home.submit(value, undefined, operation);
    if (signal !== undefined && item.state !== "gone") operation.watch(signal, (withdrawn) => home.withdraw(item, withdrawn));
    return operation.promise;
  }
  close(reason: Error | undefined): void {
    this.home.close(closeEnding(reason));
  }
  letGo(): void {
    this.holders.letGo();
  }
  enlist(selection: Selection, index: number, value: unknown): Entry {
    this.holders.use();
    return new SendCase(selection, index, this.home, value, undefined);
  }
}

/** What receivers see behind a close: `done`, or an error that carries the reason. */
export function closeEnding(reason: Error | undefined): NetchanError | undefined {
  return reason === undefined
    ? undefined
    : new NetchanError("CHANNEL_CLOSED", `the channel was closed: ${reason.message}`, { cause: reason });
}

/** The receive end of a channel that lives here. */
export class HomeReceive implements ReceivePort {
  readonly kind = "receive";
  end: ReceiveChannel<unknown> | undefined = undefined;
  readonly holders: Holders;
  readonly sources: readonly [Home];
  #letGo = false;

  constructor(
    readonly home: Home,
    pair: boolean,
  ) {
    this.holders = receiveHolders(home, pair);
    this.sources = [home];
  }
  get travel(): Holders {
    return this.holders;
  }
  get capacity(): number {
    return this.home.capacity;
  }
  get buffered(): number {
    return this.home.buffered;
  }
  get closed(): boolean {
    return this.#letGo || this.home.drained;
  }
  receive(signal: AbortSignal | undefined): Promise<Received<unknown>> {
    this.holders.use();
    return receiveFrom(this.home, signal);
  }
  letGo(): void {
    this.#letGo = true;
    this.holders.letGo();
  }
}

/** Both ends of one channel that lives here. */
export interface HomeChannel {
  readonly home: Home;
  readonly send: HomeSend;
  readonly receive: HomeReceive;
}

export function homeChannel(
  options: Required<Pick<ChannelOptions, "capacity">> & Omit<ChannelOptions, "capacity">,
  pair = false,
  rules: SendRules = {},
): HomeChannel {
  const home = new Home(options);
  const send = new HomeSend(home, rules);
  senders.set(home, send);
  return { home, send, receive: new HomeReceive(home, pair) };
}
const senders = new WeakMap<Home, HomeSend>();
/** The send end of a channel, for those who know only its home. */
export function sendPortOf(home: Home): HomeSend | undefined {
  return senders.get(home);
}

const fullPolicies: readonly unknown[] = [undefined, "wait", "drop-oldest", "drop-newest"];
const doubtPolicies: readonly unknown[] = [undefined, "reject", "redeliver"];
/** Far above any use, far below what would make a queue of it. */
const mostCapacity = 2 ** 31 - 1;

/**
 * Checks a channel's options and fills in the defaults.
 * @throws RangeError or TypeError, saying what was expected and what was got.
 */
export function channelOptions(
  given: number | ChannelOptions | undefined,
): Required<Pick<ChannelOptions, "capacity">> & Omit<ChannelOptions, "capacity"> {
  const options: ChannelOptions = typeof given === "object" && given !== null ? given : given === undefined ? {} : { capacity: given };
  const { capacity = 0, whenFull, whenInDoubt } = options;
  if (typeof capacity !== "number") throw new TypeError(`Expected capacity to be a number, got ${describe(capacity)}`);
  if (!Number.isInteger(capacity) || capacity < 0 || capacity > mostCapacity)
    throw new RangeError(`Expected capacity to be a whole number from 0 to ${mostCapacity}, got ${capacity}`);
  if (!fullPolicies.includes(whenFull))
    throw new TypeError(`Expected whenFull to be "wait", "drop-oldest" or "drop-newest", got ${String(whenFull)}`);
  if (!doubtPolicies.includes(whenInDoubt))
    throw new TypeError(`Expected whenInDoubt to be "reject" or "redeliver", got ${String(whenInDoubt)}`);
  if (whenFull !== undefined && whenFull !== "wait" && capacity === 0)
    throw new RangeError(`Expected capacity to be at least 1 with whenFull "${whenFull}", got 0`);
  return { capacity, ...(whenFull === undefined ? {} : { whenFull }), ...(whenInDoubt === undefined ? {} : { whenInDoubt }) };
}

/**
 * Makes a channel. `chan<T>()` is Go's `make(chan T)`, `chan<T>(8)` is `make(chan T, 8)`.
 * @param options - the capacity, or all options; capacity is a whole number of values from 0 to 2^31-1, default 0: a rendezvous
 * @throws RangeError for a capacity that is none, or a drop policy on capacity 0
 */
export function chan<T>(options?: number | ChannelOptions): Channel<T> {
  const { send, receive } = homeChannel(channelOptions(options));
  return { send: sendEnd<T>(send), receive: receiveEnd<T>(receive) };
}
