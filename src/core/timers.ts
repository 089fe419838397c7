/**
 * `after` and `tick`: channels that time sends on. Layer: core.
 * Invariant: a timer is armed only while somebody waits, so an `after` that nobody awaits keeps no process alive and costs nothing.
 */
import type { OperationOptions, ReceiveChannel, Received } from "../contract.js";
import type { Clock, Timer } from "./clock.js";
import { describe, type ReceivePort, receiveEnd, signalOf } from "./end.js";
import { Home } from "./home.js";
import { AbortWatch, nobody, receiveFrom } from "./operations.js";
import type { ReceiveWaiter, Source } from "./waiter.js";

/** A channel of capacity 1 into which a clock sends, as late as anybody wants to know. */
class TimerPort implements ReceivePort, Source {
  readonly kind = "receive";
  readonly holders = undefined;
  readonly travel = undefined;
  readonly remote = undefined;
  readonly capacity = 1;
  end: ReceiveChannel<unknown> | undefined = undefined;
  readonly sources: readonly Source[] = [this];
  readonly #home = new Home({ capacity: 1, whenFull: "drop-newest" });
  readonly #clock: Clock;
  /** Milliseconds between two values; undefined: there is only one. */
  readonly #everyMs: number | undefined;
  #dueMs: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, firstMs: number, everyMs: number | undefined) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#dueMs = clock.now() + firstMs;
  }

  get buffered(): number {
    this.#look();
    return this.#home.buffered;
  }
  get closed(): boolean {
    return this.#home.drained;
  }
  receive(signal: AbortSignal | undefined): Promise<Received<unknown>> {
    return receiveFrom(this, signal);
  }
  join(waiter: ReceiveWaiter): void {
    this.#look();
    this.#home.join(waiter);
    this.#arm();
  }
  leave(waiter: ReceiveWaiter): void {
    this.#home.leave(waiter);
    this.#arm();
  }
  letGo(): void {
    this.#home.refuse();
    this.#arm();
  }
  stopOn(signal: AbortSignal): void {
    const watch = new AbortWatch();
    watch.watch(signal, () => this.stop());
    this.#home.endWatchers.add({ sourceEnded: () => watch.stop() });
  }
  /** No more values; what is due already can still be received. */
  stop(): void {
    this.#home.close(undefined);
    this.#arm();
  }

  /** Sends what has become due. */
  #look(): void {
    const now = this.#clock.now();
    if (now < this.#dueMs || this.#home.closed) return;
    this.#home.submit(this.#clock.date(), undefined, nobody);
    if (this.#everyMs === undefined) this.#home.close(undefined);
    else this.#dueMs += (Math.floor((now - this.#dueMs) / this.#everyMs) + 1) * this.#everyMs;
  }

  #arm(): void {
    const needed = this.#home.wanted && !this.#home.closed;
    if (!needed) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else if (this.#timer === undefined) {
      this.#timer = this.#clock.start(Math.max(0, this.#dueMs - this.#clock.now()), () => {
        this.#timer = undefined;
        this.#look();
        this.#arm();
      });
    }
  }
}

function milliseconds(value: unknown, least: number): number {
  if (typeof value !== "number") throw new TypeError(`Expected ms to be a number, got ${describe(value)}`);
  if (!(value >= least) || value === Infinity) throw new RangeError(`Expected ms to be a finite number of at least ${least}, got ${value}`);
  return value;
}

export interface Timers {
  /** A channel that receives one Date in `ms` milliseconds (any finite number ≥ 0) and is closed then: Go's `time.After`. */
  after(ms: number): ReceiveChannel<Date>;
  /**
   * A channel that receives a Date every `ms` milliseconds (at least 1): Go's `time.Tick`. It holds one tick at most and drops the rest.
   * `close` it or abort its signal to end it with `done`.
   */
  tick(ms: number, options?: OperationOptions): ReceiveChannel<Date>;
}

/** Binds the two to a clock. */
export function makeTimers(clock: Clock): Timers {
  return {
    after: (ms) => receiveEnd<Date>(new TimerPort(clock, milliseconds(ms, 0), undefined)),
    tick: (ms, options) => {
      const everyMs = milliseconds(ms, 1);
      const signal = signalOf(options);
      const port = new TimerPort(clock, everyMs, everyMs);
      if (signal?.aborted) port.stop();
      else if (signal !== undefined) port.stopOn(signal);
      return receiveEnd<Date>(port);
    },
  };
}
