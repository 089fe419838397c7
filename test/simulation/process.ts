/**
 * One process of a simulated network: its own clock, its own event loop, a listener. It can be frozen (SIGSTOP, a laptop asleep), its clock
 * can jump, its timers can come late, and it can be killed.
 */
import type { Host } from "../../src/session/host.js";

interface TimerEvent {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Process {
  /** How far its clock is ahead of the world's. */
  #aheadMs = 0;
  #order = 0;
  #timers: TimerEvent[] = [];
  /** What its event loop does next, in any order. */
  readonly deferred: (() => void)[] = [];
  frozenUntil = 0;
  /** Its timers run at whole multiples of this only, as in a hidden page. */
  coarseMs = 0;
  dead = false;
  readonly host: Host;

  constructor(
    readonly name: number,
    readonly worldNow: () => number,
    readonly random: () => number,
  ) {
    const now = (): number => this.worldNow() + this.#aheadMs;
    this.host = {
      clock: {
        now,
        date: () => new Date(now()),
        start: (ms, run) => {
          const timer = { at: now() + Math.max(0, ms), order: ++this.#order, run };
          this.#timers.push(timer);
          return { cancel: () => this.#forget(timer) };
        },
      },
      random,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
      defer: (run) => void this.deferred.push(run),
    };
  }

  get runs(): boolean {
    return !this.dead && this.worldNow() >= this.frozenUntil;
  }
  /** When, on the world's clock, something of it is due that only time keeps back. */
  get dueAt(): number | undefined {
    if (this.dead) return undefined;
    let first = Number.POSITIVE_INFINITY;
    for (const { at } of this.#timers) first = Math.min(first, at);
    if (first === Number.POSITIVE_INFINITY) return this.worldNow() < this.frozenUntil ? this.frozenUntil : undefined;
    const at = Math.max(first - this.#aheadMs, this.frozenUntil);
    return this.coarseMs > 0 ? Math.ceil(at / this.coarseMs) * this.coarseMs : at;
  }
  /** Runs the timer that is due first, if one is. */
  tick(): boolean {
    const due = this.dueAt;
    if (due === undefined || due > this.worldNow() || !this.runs) return false;
    let first: TimerEvent | undefined;
    for (const timer of this.#timers)
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    if (first === undefined || first.at - this.#aheadMs > this.worldNow()) return false;
    const { run } = first;
    this.#forget(first);
    run();
    return true;
  }

  #forget(timer: TimerEvent): void {
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  jump(ms: number): void {
    this.#aheadMs += ms;
  }
  kill(): void {
    this.dead = true;
    this.#timers = [];
    this.deferred.length = 0;
  }
  get timers(): number {
    return this.#timers.length;
  }
}
