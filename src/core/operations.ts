/**
 * The operations of this process: one send, one receive, each a promise that settles once. Layer: core.
 * Invariant: a settled operation has left its list and its abort listener behind.
 */
import type { Received } from "../contract.js";

import { type Ending, type Offered, openOrRefuse } from "./offered.js";
import { ReceiveWaiter, type Source } from "./waiter.js";

const done: Received<never> = Object.freeze({ done: true, value: undefined });
const fulfilled: Promise<void> = Promise.resolve();
const nothing = (): void => undefined;

/** A promise that is fulfilled already. One for all: it holds nothing. */
export function sentAtOnce(): Promise<void> {
  return fulfilled;
}

/** A promise that is rejected already and raises no `unhandledrejection`. */
export function rejected<T>(reason: unknown): Promise<T> {
  const promise = Promise.reject<T>(reason);
  promise.catch(nothing);
  return promise;
}

/** What a receive resolves to. Never the bare value: a value with a `then` would be taken for a promise. */
export function received(value: unknown, from: unknown): Received<unknown> {
  return (from === undefined ? { done: false, value } : { done: false, value, from }) as Received<unknown>;
}

export function receivedEnding(ending: Ending): Promise<Received<unknown>> {
  return ending === undefined ? Promise.resolve(done) : rejected(ending);
}

type Aborted = (reason: unknown) => void;

/** One listener on each signal for all operations that wait on it: a signal's own list is searched on every removal. */
const watchers = new WeakMap<AbortSignal, Set<Aborted>>();

function watchSignal(signal: AbortSignal, aborted: Aborted): void {
  let set = watchers.get(signal);
  if (set === undefined) {
    const all = new Set<Aborted>();
    set = all;
    watchers.set(signal, all);
    signal.addEventListener(
      "abort",
      () => {
        watchers.delete(signal);
        for (const one of all) one(signal.reason);
      },
      { once: true },
    );
  }
  set.add(aborted);
}

/** What an operation does when its signal aborts; forgotten when the operation is over. */
export class AbortWatch {
  #signal: AbortSignal | undefined;
  #aborted: Aborted | undefined;

  watch(signal: AbortSignal, aborted: Aborted): void {
    this.#signal = signal;
    this.#aborted = aborted;
    watchSignal(signal, aborted);
  }
  stop(): void {
    if (this.#signal !== undefined && this.#aborted !== undefined) watchers.get(this.#signal)?.delete(this.#aborted);
    this.#signal = this.#aborted = undefined;
  }
}

/** Settles a promise from outside and makes sure that a rejection nobody listens to stays silent. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve: (value: T) => void = nothing;
  #reject: (reason: unknown) => void = nothing;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }
  resolve(value: T): void {
    this.#resolve(value);
  }
  reject(reason: unknown): void {
    this.promise.catch(nothing);
    this.#reject(reason);
  }
}

/** A plain receive that waits at one source. */
export class ReceiveOperation extends ReceiveWaiter {
  readonly #source: Source;
  readonly #deferred = new Deferred<Received<unknown>>();
  readonly #signal: AbortSignal | undefined;
  #watch: AbortWatch | undefined;

  constructor(source: Source, signal: AbortSignal | undefined) {
    super();
    this.#source = source;
    this.#signal = signal;
  }

  get promise(): Promise<Received<unknown>> {
    return this.#deferred.promise;
  }

  start(): Promise<Received<unknown>> {
    if (this.#signal?.aborted) this.#deferred.reject(this.#signal.reason);
    else {
      if (this.#signal !== undefined) {
        this.#watch ??= new AbortWatch();
        this.#watch.watch(this.#signal, (reason) => {
          this.#source.leave(this);
          this.#watch?.stop();
          this.#deferred.reject(reason);
        });
      }
      this.#source.join(this);
    }
    return this.promise;
  }

  accept(offered: Offered): void {
    // A user's own type is read, and may abort: then that comes too late.
    this.#watch?.stop();
    // Opened before it is answered: the answer may let go of what the parcel holds.
    const value = openOrRefuse(offered);
    if (value === undefined) {
      void this.start();
      return;
    }
    this.#deferred.resolve(received(value.value, offered.parcel?.from));
    offered.taken();
  }

  finish(ending: Ending): void {
    this.#watch?.stop();
    if (ending === undefined) this.#deferred.resolve(done);
    else this.#deferred.reject(ending);
  }

  orphaned(ending: Ending): boolean {
    this.finish(ending);
    return true;
  }
}

/** A plain receive from one source. */
export function receiveFrom(source: Source, signal: AbortSignal | undefined): Promise<Received<unknown>> {
  return new ReceiveOperation(source, signal).start();
}

/** Who is told what became of a value. */
export interface Sender {
  sent(): void;
  failed(error: unknown): void;
  /** The value stayed with its sender and is wanted now. Idempotent. */
  fetch?(): void;
  /** The value has left the channel: it was received, or dropped. */
  left?(): void;
}

/** A plain send. Its promise is made only when somebody has to wait for it. */
export class SendOperation implements Sender {
  #deferred: Deferred<void> | undefined;
  #settled: Promise<void> | undefined;
  #watch: AbortWatch | undefined;

  get promise(): Promise<void> {
    if (this.#settled !== undefined) return this.#settled;
    this.#deferred ??= new Deferred<void>();
    return this.#deferred.promise;
  }
  /** `cancel` asks for the value back; `withdrawn` is called if it came. */
  watch(signal: AbortSignal, cancel: (withdrawn: () => void) => void): void {
    this.#watch = new AbortWatch();
    this.#watch.watch(signal, (reason) => cancel(() => this.failed(reason)));
  }
  sent(): void {
    this.#watch?.stop();
    if (this.#deferred === undefined) this.#settled = fulfilled;
    else this.#deferred.resolve();
  }
  failed(error: unknown): void {
    this.#watch?.stop();
    if (this.#deferred === undefined) this.#settled = rejected(error);
    else this.#deferred.reject(error);
  }
}

/** A value whose sender nobody has to tell any more. */
export const nobody: Sender = Object.freeze({ sent: nothing, failed: nothing });
