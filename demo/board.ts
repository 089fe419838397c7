/**
 * The state of the job: which ranges are counted, by which tab. Pure: knows nothing of channels.
 * Invariant: a range is counted at most once between two calls of `clear`.
 */
import type { Progress, Range, Result, TabState } from "./messages.js";

const rangeCount = 200;

interface Tab {
  readonly number: number;
  done: number;
  connected: boolean;
}

export class Board {
  readonly ranges: readonly Range[];
  readonly #limit: number;
  readonly #owners = new Uint16Array(rangeCount);
  /** By `peer.id`. */
  readonly #tabs = new Map<string, Tab>();
  #counted = 0;
  #primes = 0;

  /** @param limit - primes below this are counted; a whole number, at least one for each range */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < rangeCount)
      throw new RangeError(`Expected limit to be a whole number from ${rangeCount} on, got ${limit}`);
    this.#limit = limit;
    const edge = (index: number): number => Math.floor((limit / rangeCount) * index);
    this.ranges = Array.from({ length: rangeCount }, (_, index) => ({ from: edge(index), to: edge(index + 1) }));
  }

  get complete(): boolean {
    return this.#counted === rangeCount;
  }

  /** A tab came: it gets the lowest number that nobody in sight has. */
  join(id: string): void {
    this.#forget((tab) => tab.done === 0);
    const taken = new Set([...this.#tabs.values()].map((tab) => tab.number));
    let number = 1;
    while (taken.has(number)) number++;
    if (!this.#tabs.has(id)) this.#tabs.set(id, { number, done: 0, connected: true });
  }

  leave(id: string): void {
    const tab = this.#tabs.get(id);
    if (tab !== undefined) tab.connected = false;
  }

  knows(id: string): boolean {
    return this.#tabs.has(id);
  }

  record(index: number, { primes, by }: Result): void {
    const tab = this.#tabs.get(by);
    if (tab === undefined) throw new RangeError("Expected the result of a tab that has joined");
    if (this.#owners[index] !== 0) throw new RangeError(`Range ${index} was counted before`);
    this.#owners[index] = tab.number;
    this.#counted++;
    this.#primes += primes;
    tab.done++;
  }

  /** Everything is to be counted once more. */
  clear(): void {
    this.#owners.fill(0);
    this.#counted = this.#primes = 0;
    for (const tab of this.#tabs.values()) tab.done = 0;
    this.#forget(() => true);
  }

  progressFor(id: string): Progress {
    const tabs: TabState[] = [...this.#tabs.values()].filter((tab) => tab.connected || tab.done > 0).map((tab) => ({ ...tab }));
    tabs.sort((a, b) => a.number - b.number);
    return { limit: this.#limit, primes: this.#primes, owners: this.#owners.slice(), tabs, you: this.#tabs.get(id)?.number ?? 0 };
  }

  /** Drops those of the tabs that went away which `drop` says. */
  #forget(drop: (tab: Tab) => boolean): void {
    for (const [id, tab] of this.#tabs) if (!tab.connected && drop(tab)) this.#tabs.delete(id);
  }
}
