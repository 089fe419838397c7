/**
 * A select that its one home decides, as the select sees it: an entry that stands for all of its cases. Layer: remote.
 *
 *     entered ──posted──▶ waits ──gave──▶ the value is taken: won          with a send case the select is locked while it waits: only
 *                           │ ──tried─▶ won, failed, or withdrawn          its home knows whether an abort comes too late
 *                           └──quit───▶ … the home's answer still counts, if there was a send case
 *
 * Source: PROTOCOL.md "Attempts".
 */
import { type Attempt, type Attempted, openOrRefuse } from "../core/offered.js";
import { type Entry, ended, type Selection } from "../core/selection.js";
import type { Content } from "./content.js";
import { RemoteReceive } from "./remote-receive.js";

/** Where it asks. */
interface Asking {
  begin(cases: readonly Attempt[], contents: readonly (Content | undefined)[], settled: (result: Attempted | undefined) => void): number;
  quit(number: number): boolean;
}

export class WholeSelect implements Entry {
  readonly index = -1;
  readonly remote = undefined;
  readonly #receives: readonly { readonly index: number; readonly end: RemoteReceive }[];
  #number: number | undefined;
  /** Its home was asked to give it up. */
  #quits = false;
  /** It is being given a value. */
  #reads = false;
  /** The case whose end this process has closed meanwhile. */
  #closed: number | undefined;

  constructor(
    readonly asking: Asking,
    readonly selection: Selection,
    readonly cases: readonly Attempt[],
    readonly contents: readonly (Content | undefined)[],
  ) {
    this.#receives = cases.flatMap((one) =>
      "source" in one && one.source instanceof RemoteReceive ? [{ index: one.index, end: one.source }] : [],
    );
  }

  enter(): void {
    if (this.#number !== undefined) return;
    for (const { end } of this.#receives) end.selects.add(this);
    if (this.#receives.length < this.cases.length) this.selection.lock(this);
    this.#number = this.asking.begin(this.cases, this.contents, (result) => this.#settled(result));
  }

  withdraw(): void {
    const number = this.#number;
    if (number === undefined || this.#quits || this.#reads) return;
    this.#quits = true;
    if (this.asking.quit(number)) this.#withdrawn();
  }

  /** This process has let go of an end: its case is done, unless its home has done another first. */
  closed(end: RemoteReceive): void {
    const index = this.#receives.find((one) => one.end === end)?.index;
    if (index === undefined) return;
    if (this.selection.state === "open") this.selection.win(index, ended);
    else if (this.#closed === undefined && this.selection.state === "locked") {
      this.#closed = index;
      this.withdraw();
    }
  }

  #settled(result: Attempted | undefined): void {
    if (result === undefined) {
      this.#withdrawn();
      return;
    }
    if ("error" in result) {
      this.#over();
      this.selection.fail(result.error);
    } else if (result.offered === undefined) {
      this.#over();
      this.selection.win(result.index, result.done ? ended : undefined);
    } else if (this.#quits) result.offered.returned();
    else {
      // A user's own type is read, and may abort: then it comes too late.
      this.#reads = true;
      if (this.selection.state === "open") this.selection.lock(this);
      const opened = openOrRefuse(result.offered);
      this.#reads = false;
      if (opened === undefined) {
        if (this.selection.cancelled || this.#closed !== undefined) this.withdraw();
        if (this.#receives.length === this.cases.length) this.selection.unlock();
        return; // it waits for the next value
      }
      this.#over();
      this.selection.win(result.index, { value: opened.value, from: undefined });
      result.offered.taken();
    }
  }

  /** None of its cases has happened, nor will. */
  #withdrawn(): void {
    this.#over();
    if (this.#closed === undefined || this.selection.cancelled) this.selection.unlock();
    else this.selection.win(this.#closed, ended);
  }
  #over(): void {
    this.#quits = true;
    for (const { end } of this.#receives) end.selects.delete(this);
  }

  attempt(): never {
    throw new TypeError("a select that has gone to its home is asked nowhere else");
  }
}
