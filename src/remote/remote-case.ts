/**
 * One send case of a select over several homes: its value stays with the select until the home has a receiver for it and the select has
 * granted. Layer: remote. Source: PROTOCOL.md "Select cases".
 */
import type { Port } from "../core/end.js";
import type { Attempt } from "../core/offered.js";
import type { Entry, Selection } from "../core/selection.js";
import type { NetchanError } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import type { Content } from "./content.js";
import type { Context } from "./context.js";
import type { Pending } from "./pending.js";

/** The send end that the case is about. */
export interface CasePort {
  readonly exchange: Context;
  /** Its home fulfils and drops whatever is sent. */
  readonly muted: boolean;
  /** Why a send would fail now, if it would. */
  caseRefusal(): NetchanError | undefined;
  /** Tells the home of the case. @returns the number of the operation */
  postCase(content: Content, selectId: string, pending: Pending): number;
  grant(number: number, content: Content): void;
  answer(type: "deny" | "cancel", number: number): void;
}

/** A send case at a channel of another process: a value that moves only when its select grants it. */
export class RemoteCase implements Entry, Pending {
  content: Content | undefined = undefined;
  ends?: readonly Port[];
  /** There is none before its select has granted. */
  carried: Posted | undefined = undefined;
  readonly #content: Content;
  #number: number | undefined;
  #claimed = false;
  /** A claim waits for the select to be decided. */
  #asked = false;

  constructor(
    readonly port: CasePort,
    readonly selection: Selection,
    readonly index: number,
    readonly value: unknown,
  ) {
    this.#content = port.exchange.encode(value);
  }
  get remote(): Context | undefined {
    return this.port.muted ? undefined : this.port.exchange;
  }

  enter(): void {
    if (this.#number !== undefined) return; // its home knows of it, and asks again
    if (this.port.muted) {
      this.selection.win(this.index, undefined);
      return;
    }
    const refusal = this.port.caseRefusal();
    if (refusal === undefined) this.#number = this.port.postCase(this.#content, this.selection.id, this);
    else this.selection.fail(refusal);
  }
  withdraw(): void {
    if (this.#number !== undefined && !this.#claimed) this.port.answer("cancel", this.#number);
  }
  attempt(): Attempt {
    return { index: this.index, port: this.port, value: this.value, parcel: undefined, encoded: this.#content };
  }

  /** The home has a receiver for it. A select that is being decided elsewhere answers when that is known. */
  claimed(): void {
    const number = this.#number;
    if (number === undefined) return; // its home has given it up while the answer had to wait
    if (this.#asked) this.port.exchange.violated("a case was claimed a second time before the answer");
    if (this.selection.state === "locked") {
      this.#asked = true;
      this.selection.whenUnlocked(() => {
        this.#asked = false;
        this.claimed();
      });
    } else if (this.selection.state === "done") this.port.answer("deny", number);
    else this.#grant(number);
  }
  #grant(number: number): void {
    try {
      this.port.exchange.checkRoom(this.#content.ends);
    } catch (error) {
      this.selection.fail(error); // there was room for its ends when the home was told of it
      return;
    }
    this.selection.lock(this);
    this.#claimed = true;
    this.port.grant(number, this.#content);
  }
  unclaimed(): void {
    if (!this.#claimed) return;
    this.#claimed = false;
    this.carried = undefined;
    this.selection.unlock();
  }
  sent(): void {
    this.#claimed = false;
    this.selection.win(this.index, undefined);
  }
  /** Its select grants first, and takes back only when it is over. */
  expects(answer: "sent" | "withdrawn"): boolean {
    return answer === "sent" ? this.#claimed : this.selection.state === "done";
  }
  withdrawn(): void {
    this.#number = undefined;
  }
  failed(error: unknown): void {
    this.#claimed = false;
    this.#number = undefined;
    this.selection.failCase(error, this);
  }
}
