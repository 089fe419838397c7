/** Time as the core sees it: handed in from outside, so that a network of peers can run on a virtual clock. Layer: core. */

/** A timer that has not fired yet. */
export interface Timer {
  /** It will not fire. Idempotent. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic time, milliseconds since some moment. Never jumps, whatever is done to the wall clock. */
  now(): number;
  /** The wall clock, for values that people read. Never used to measure. */
  date(): Date;
  /** Calls back once in `ms` milliseconds (any number ≥ 0; longer than 2^31-1 works). `idle` timers do not keep the process alive. */
  start(ms: number, callback: () => void, idle?: "idle"): Timer;
}
