/**
 * One select in progress: at most one of its cases happens. Layer: core.
 *
 *     open ──lock──▶ locked ──unlock──▶ open        locked: one case is being decided (its value is offered to another process, or
 *       │              │                             that process is about to commit); everybody else has to wait
 *       └──────────────┴───win / fail──▶ done       done: every other case has been withdrawn
 *
 * Invariants: `win` and `fail` happen once, together at most once; an entry takes part in matches only while the select is open; when
 * it opens again every entry looks anew, because what it passed by while it was locked may still be there.
 */
import type { Attempt, Attempted, Ending } from "./offered.js";

/** One case (or one source of a case), as its channel sees it. */
export interface Entry {
  readonly index: number;
  /** Set when only another process can say whether the case is ready. */
  readonly remote: RemoteHome | undefined;
  /** Looks for a match now and waits for one otherwise. Called again whenever the select opens again. */
  enter(): void;
  /** Leaves no trace. Called once, when another case won or none will. */
  withdraw(): void;
  /** The case in the form in which another process is asked. */
  attempt(): Attempt;
  /** What it stands for has ended. @returns whether the case is done with that: it may have other sources */
  exhausted?(): boolean;
}

/** Another process, as the one who judges which case of a `trySelect` was ready there. */
export interface RemoteHome {
  /** One round trip, deciding all cases at one moment. `settled` is called once, with nothing when no case was ready. */
  attempt(cases: readonly Attempt[], settled: (result: Attempted | undefined) => void): void;
  /**
   * Sends a select there whole, to be decided when one of the cases can happen.
   * @returns the entry that stands for all of them; undefined when their channels do not all live there, or it cannot be sent now
   */
  travel(selection: Selection, cases: readonly Attempt[]): Entry | undefined;
}

/** What a select calls when it is decided. */
export interface Outcome {
  won(index: number, received: { readonly value: unknown; readonly from: unknown } | Ended | undefined): void;
  failed(error: unknown): void;
}
/** A receive case whose channel is done. */
export const ended = Object.freeze({ done: true, value: undefined });
export type Ended = typeof ended;

export class Selection {
  state: "open" | "locked" | "done" = "open";
  #entries: Entry[] = [];
  #id: string | undefined;
  #holder: unknown;
  #cancelled: { readonly reason: unknown } | undefined;
  #waiting: (() => void)[] | undefined;
  readonly #random: () => number;
  readonly #outcome: Outcome;

  constructor(random: () => number, outcome: Outcome) {
    this.#random = random;
    this.#outcome = outcome;
  }

  /**
   * Unguessable enough to be unique, and comparable: selects that could wait for each other in a circle are ordered by it.
   * Made only when a case crosses to another process.
   */
  get id(): string {
    this.#id ??= [0, 1, 2, 3]
      .map(() =>
        Math.floor(this.#random() * 0x1_0000_0000)
          .toString(16)
          .padStart(8, "0"),
      )
      .join("");
    return this.#id;
  }

  /** Enters all cases in random order, so that the ready ones are picked fairly. */
  start(entries: readonly Entry[]): void {
    this.#entries = shuffled(entries, this.#random);
    this.#look();
  }

  #look(): void {
    for (const entry of this.#entries) {
      if (this.state !== "open") return;
      entry.enter();
    }
  }

  /** One case is being decided; `holder` stands for it. */
  lock(holder?: unknown): void {
    this.state = "locked";
    this.#holder = holder;
  }
  /** A case can never happen any more. While another one is being decided, that decision stands; otherwise the select fails. */
  failCase(error: unknown, holder: unknown): void {
    if (this.state === "locked" && this.#holder !== holder) this.whenUnlocked(() => this.fail(error));
    else this.fail(error);
  }

  /** The case that was being decided did not happen. */
  unlock(): void {
    if (this.state !== "locked") return;
    this.state = "open";
    if (this.#cancelled !== undefined) {
      this.fail(this.#cancelled.reason);
      return;
    }
    this.#wake();
    if (this.state === "open") {
      shuffle(this.#entries, this.#random);
      this.#look();
    }
    if (this.state === "open") this.onReopened?.();
  }
  /** For `trySelect`, which must not go on waiting. */
  onReopened: (() => void) | undefined = undefined;

  /** Calls back when the select is no longer locked: it is open then, or done. */
  whenUnlocked(callback: () => void): void {
    this.#waiting ??= [];
    this.#waiting.push(callback);
  }

  #wake(): void {
    while (this.#waiting !== undefined && this.#waiting.length > 0 && this.state !== "locked") this.#waiting.shift()?.();
  }

  win(index: number, received: { readonly value: unknown; readonly from: unknown } | Ended | undefined): void {
    if (this.state === "done") return;
    this.state = "done";
    this.#outcome.won(index, received); // first of all: the cases that leave may let others have what came later
    this.#close();
  }

  fail(error: unknown): void {
    if (this.state === "done") return;
    this.#close();
    this.#outcome.failed(error);
  }

  /** Does none of the cases, unless one is being decided: then that decision stands. */
  cancel(reason: unknown): void {
    if (this.state !== "locked") {
      this.fail(reason);
      return;
    }
    this.#cancelled ??= { reason };
    for (const entry of this.#entries) if (entry === this.#holder) entry.withdraw(); // it may be free to go
  }

  /** It was asked for back while one of its cases was being decided. */
  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  #close(): void {
    this.state = "done";
    const entries = this.#entries;
    this.#entries = [];
    for (const entry of entries) entry.withdraw();
    this.#wake();
  }
}

/** The sources of one receive case that have not ended: the case is done when all of them are. */
export class Remaining {
  readonly #finished = new Set<unknown>();
  constructor(readonly sources: number) {}
  /** @returns whether that was the last one. A source may say so more than once. */
  finish(source: unknown): boolean {
    return this.#finished.add(source).size >= this.sources;
  }
}

/** How a case ends its select when its channel has ended. */
export function finishCase(selection: Selection, index: number, ending: Ending): void {
  if (ending === undefined) selection.win(index, ended);
  else selection.fail(ending);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const copy = items.slice();
  shuffle(copy, random);
  return copy;
}

/** Fisher and Yates, in place. */
export function shuffle<T>(items: T[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const swapped = items[last] as T;
    items[last] = items[other] as T;
    items[other] = swapped;
  }
}
