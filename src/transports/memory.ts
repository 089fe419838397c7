/**
 * Links between peers of one process, on a virtual clock. Layer: transports.
 * Everything that happens is an event of one queue, so that a run is repeated exactly by its seed; the simulator and `netchan/testing`
 * are built on it.
 */
import type { Link } from "../contract.js";

/** Numbers from 0 up to, not including, 1, the same for the same seed. Source: mulberry32, after Tommy Ettinger (public domain). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** The core's clock, by its shape: transports know nothing of the layers above them but the seam. */
interface Timer {
  cancel(): void;
}
interface Clock {
  now(): number;
  date(): Date;
  start(ms: number, callback: () => void): Timer;
}
interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A queue of events in virtual time. */
export class VirtualTime {
  readonly random: () => number;
  #now = 0;
  #order = 0;
  #events: Event[] = [];
  /** Told whenever there is something new to do without time passing. */
  onWork: (() => void) | undefined;

  constructor(seed: number) {
    this.random = seeded(seed);
  }
  get now(): number {
    return this.#now;
  }
  /** Are there events that need no time? */
  get due(): boolean {
    const first = this.#events[0];
    return first !== undefined && first.at <= this.#now;
  }
  /** When the next event happens, if any does. */
  get nextAt(): number | undefined {
    return this.#events[0]?.at;
  }

  schedule(afterMs: number, run: () => void): Timer {
    const event = { at: this.#now + afterMs, order: ++this.#order, run };
    this.#insert(event);
    if (afterMs <= 0) this.onWork?.();
    return {
      cancel: () => {
        const index = this.#events.indexOf(event);
        if (index >= 0) this.#events.splice(index, 1);
      },
    };
  }
  #insert(event: Event): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#events[middle] as Event;
      if (other.at < event.at || (other.at === event.at && other.order < event.order)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }

  /** Runs the first event if it is due. */
  step(): boolean {
    if (!this.due) return false;
    this.#events.shift()?.run();
    return true;
  }
  /** Lets time pass up to the next event, but not beyond `until`. */
  pass(until: number): void {
    this.#now = Math.max(this.#now, Math.min(this.nextAt ?? until, until));
  }

  get host(): {
    readonly clock: Clock;
    readonly random: () => number;
    readonly randomBytes: (count: number) => Uint8Array;
    readonly defer: (callback: () => void) => void;
  } {
    return {
      clock: { now: () => this.#now, date: () => new Date(this.#now), start: (ms, callback) => this.schedule(Math.max(0, ms), callback) },
      random: this.random,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(this.random() * 256)),
      defer: (callback) => void this.schedule(0, callback),
    };
  }
}

/** A queue that is read as it fills. One reader. */
class Reading implements AsyncIterableIterator<string | Uint8Array> {
  readonly #batches: (string | Uint8Array)[] = [];
  #waiting: { resolve(result: IteratorResult<string | Uint8Array>): void; reject(error: unknown): void } | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  push(batch: string | Uint8Array): void {
    if (this.#end !== undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#batches.push(batch);
    else waiting.resolve({ done: false, value: batch });
  }
  finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error === undefined) waiting?.resolve({ done: true, value: undefined });
    else waiting?.reject(error);
  }
  next(): Promise<IteratorResult<string | Uint8Array>> {
    const batch = this.#batches.shift();
    if (batch !== undefined) return Promise.resolve({ done: false, value: batch });
    if (this.#end !== undefined)
      return this.#end.error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(this.#end.error);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** One side of a link in memory. */
export class MemoryLink implements Link {
  readonly transport = "memory";
  readonly received = new Reading();
  other: MemoryLink | undefined;
  /** Nothing passes any more and nobody is told. */
  silent = false;
  #lastAt = 0;

  constructor(
    readonly time: VirtualTime,
    readonly delayMs: () => number,
  ) {}

  send(batch: string | Uint8Array): void {
    const copy = typeof batch === "string" ? batch : batch.slice();
    this.#later((other) => other.received.push(copy));
  }
  close(): void {
    this.received.finish(undefined);
    this.#later((other) => other.received.finish(undefined));
  }
  /** The connection fails: both sides see it. */
  fail(): void {
    for (const side of [this, this.other]) side?.received.finish(new Error("the connection was cut"));
  }
  /** In order, whatever the delays. */
  #later(act: (other: MemoryLink) => void): void {
    const { other, time } = this;
    if (other === undefined || this.silent) return;
    this.#lastAt = Math.max(this.#lastAt, time.now + this.delayMs());
    time.schedule(this.#lastAt - time.now, () => {
      if (!this.silent) act(other);
    });
  }
}

/** Two sides of one new link. */
export function memoryLinks(time: VirtualTime, delayMs: () => number): readonly [MemoryLink, MemoryLink] {
  const left = new MemoryLink(time, delayMs);
  const right = new MemoryLink(time, delayMs);
  left.other = right;
  right.other = left;
  return [left, right];
}
