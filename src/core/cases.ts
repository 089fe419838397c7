/**
 * The cases of a select, as they stand at a channel. Layer: core.
 * Invariant: a case acts only while its select is open; whatever it left out it looks at again when the select calls `enter` anew.
 */
import type { Home } from "./home.js";
import type { Item } from "./item.js";
import { type Attempt, type Ending, type Offered, openOrRefuse, type Parcel } from "./offered.js";
import type { Sender } from "./operations.js";
import { type Entry, finishCase, type Remaining, type RemoteHome, type Selection } from "./selection.js";
import { ReceiveWaiter, type Source } from "./waiter.js";

/** A receive case at one source. */
export class ReceiveCase extends ReceiveWaiter implements Entry {
  constructor(
    override readonly selection: Selection,
    readonly index: number,
    readonly source: Source,
    /** The sources of the case that have not ended yet, this one included. */
    readonly remaining: Remaining,
  ) {
    super();
  }
  get remote(): RemoteHome | undefined {
    return this.source.remote;
  }
  enter(): void {
    this.source.join(this);
  }
  withdraw(): void {
    this.source.leave(this);
  }
  attempt(): Attempt {
    return { index: this.index, source: this.source };
  }
  exhausted(): boolean {
    return this.remaining.finish(this);
  }
  accept(offered: Offered): void {
    // A user's own type is read, and may abort: then that comes too late.
    if (offered.parcel !== undefined) this.selection.lock(this);
    const opened = openOrRefuse(offered);
    if (opened === undefined) {
      this.selection.unlock(); // looks again
      return;
    }
    this.selection.win(this.index, { value: opened.value, from: offered.parcel?.from });
    offered.taken();
  }
  finish(ending: Ending): void {
    if (this.selection.state !== "open") return;
    if (ending !== undefined || this.remaining.finish(this)) finishCase(this.selection, this.index, ending);
  }
  orphaned(ending: Ending): boolean {
    if (this.selection.state !== "open") return false;
    finishCase(this.selection, this.index, ending);
    return true;
  }
}

/** A send case at a channel that lives here. */
export class SendCase implements Entry, Sender {
  readonly remote = undefined;
  #item: Item | undefined;

  constructor(
    readonly selection: Selection,
    readonly index: number,
    readonly home: Home,
    readonly value: unknown,
    readonly parcel: Parcel | undefined,
  ) {}

  enter(): void {
    const refusal = this.home.refusal();
    if (refusal !== undefined) this.selection.fail(refusal);
    else if (this.#item === undefined) this.#item = this.home.submit(this.value, this.parcel, this, { selection: this.selection });
    else this.home.retry(this.#item);
  }
  withdraw(): void {
    if (this.#item !== undefined) this.home.withdraw(this.#item, () => undefined);
  }
  attempt(): Attempt {
    return { index: this.index, port: undefined, value: this.value, parcel: this.parcel };
  }
  sent(): void {
    this.selection.win(this.index, undefined);
  }
  failed(error: unknown): void {
    this.selection.failCase(error, this);
  }
}
