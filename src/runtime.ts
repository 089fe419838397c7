/**
 * The one place that touches this machine: its clocks, its randomness, its event loop. Everything below is handed these, so that a
 * network of peers can run on virtual ones. Uses only what browsers, workers and Node share.
 */
import type { Clock, Timer } from "./core/clock.js";

/** The longest delay a timer of the platform takes: more overflows its 32 bits and fires at once. */
const longestMs = 2 ** 31 - 1;

class PlatformTimer implements Timer {
  #id: ReturnType<typeof setTimeout> | undefined;
  #leftMs: number;

  constructor(
    ms: number,
    readonly callback: () => void,
    readonly idle: boolean,
  ) {
    this.#leftMs = ms;
    this.#next();
  }
  #next(): void {
    const ms = Math.min(this.#leftMs, longestMs);
    this.#leftMs -= ms;
    this.#id = setTimeout(() => {
      if (this.#leftMs > 0) this.#next();
      else this.callback();
    }, Math.ceil(ms)); // never early: a timer that fires before its time would be armed again and again
    if (this.idle && typeof this.#id === "object") (this.#id as { unref?: () => void }).unref?.();
  }
  cancel(): void {
    clearTimeout(this.#id);
  }
}

/** The platform's clocks. */
export const clock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  start: (ms, callback, idle) => new PlatformTimer(ms, callback, idle !== undefined),
};

/** Enough to choose fairly; what must not be guessed uses {@link randomBytes}. */
export const random = (): number => Math.random();

/** From the platform's cryptographic generator. */
export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

let registry: FinalizationRegistry<() => void> | undefined; // made at first use, like the rest
/** Refers to a thing without keeping it. The callback must not reach it either. */
export function weakly<T extends object>(thing: T, gone: () => void): WeakRef<T> {
  registry ??= new FinalizationRegistry((callback) => callback());
  registry.register(thing, gone);
  return new WeakRef(thing);
}

type Immediate = (callback: () => void) => void;

/** Runs callbacks once the present turn of the event loop, microtasks included, is over; sooner than any timer. */
function makeDefer(): Immediate {
  if (typeof setImmediate === "function") return (callback) => void setImmediate(callback);
  const queue: (() => void)[] = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => queue.shift()?.();
  return (callback) => {
    queue.push(callback);
    channel.port2.postMessage(undefined);
  };
}

let deferOnce: Immediate | undefined; // made at first use: importing this package opens nothing
export function defer(callback: () => void): void {
  deferOnce ??= makeDefer();
  deferOnce(callback);
}
