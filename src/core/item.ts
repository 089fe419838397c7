/**
 * One value on its way through a channel, from the call that sends it until its verdict. Layer: core.
 *
 *     queued ──offer──▶ offered ──taken──▶ gone          queued: in the channel's line, as a waiting send or in the buffer
 *       ▲                  │ └─refused / doubtful─▶ gone  offered: reserved for one waiter
 *       └────returned──────┘
 */
import { NetchanError, type Outcome } from "../errors.js";
import { Linked } from "./list.js";
import type { Offered, Parcel } from "./offered.js";
import { dropEnds, holdEnds, type Travelling } from "./offered.js";
import type { Sender } from "./operations.js";
import type { Selection } from "./selection.js";

/** What a channel does with the verdict on one of its values. */
export interface Verdicts {
  itemTaken(item: Item): void;
  itemReturned(item: Item): void;
  itemRefused(item: Item, error: NetchanError): void;
  itemDoubtful(item: Item, error: NetchanError): void;
}

/** The word of a select that is somewhere else: it has to grant a match before its value can move. */
export interface Claim {
  readonly id: string;
  readonly granted: boolean;
  /** A match is possible: asks for the grant. */
  request(): void;
  /** The match fell through: the select is free again. */
  release(): void;
}

/** What is special about a value that is submitted. */
export interface Submission {
  readonly selection?: Selection;
  readonly claim?: Claim;
  /** Announced only. */
  readonly absent?: boolean;
}

export class Item extends Linked implements Offered {
  state: "queued" | "offered" | "gone" = "queued";
  /** Its send is fulfilled: it counts against the capacity until it is taken. */
  fulfilled = false;
  /** Announced only: the value is still with its sender … */
  absent = false;
  /** … and has been sent for. */
  wanted = false;
  /** Set when its sender asked for it back while it was offered. */
  withdrawn: (() => void) | undefined = undefined;

  /** Set when a receiver was lost that may have had it: whatever becomes of it now, nobody can say any more that it was not received. */
  doubt: NetchanError | undefined = undefined;

  constructor(
    readonly home: Verdicts,
    /** Its place in the line; it keeps it through any number of returns. */
    readonly order: number,
    readonly value: unknown,
    public parcel: Parcel | undefined,
    readonly sender: Sender,
    /** The select it is a case of. */
    readonly selection: Selection | undefined,
    /** The word of its select, if that is in another process. */
    readonly claim: Claim | undefined,
  ) {
    super();
  }

  /**
   * Its channel ends, once a session has seen them: whatever that session does with the value, the ends live as long as it may be
   * offered again.
   */
  #held: readonly Travelling[] | undefined;
  hold(ends: readonly Travelling[]): void {
    if (this.#held !== undefined || ends.length === 0) return;
    this.#held = ends;
    holdEnds(ends, this);
  }
  /** It is gone: taken, or nobody will have it. */
  letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) dropEnds(held, this);
    this.sender.left?.();
  }

  get outcome(): Outcome {
    return this.doubt === undefined ? "not-sent" : "unknown";
  }
  doubted(cause: NetchanError): NetchanError {
    const text = "the receiver was lost before it said whether it had the value";
    this.doubt ??= new NetchanError("RECEIVER_LOST", text, { cause, outcome: "unknown" });
    return this.doubt;
  }
  /** Its sender wanted it back. */
  takenBack(withdrawn: () => void): void {
    if (this.doubt === undefined) withdrawn();
    else this.sender.failed(this.doubt);
  }

  get selectId(): string | undefined {
    return this.committed ? undefined : (this.claim?.id ?? this.selection?.id);
  }
  /** It stands for one case of a select, which may yet choose another. */
  get conditional(): boolean {
    return !this.committed && (this.selection !== undefined || this.claim !== undefined);
  }
  /** It is no longer its select's to take back: its send is fulfilled, or it may have been received once. */
  get committed(): boolean {
    return this.fulfilled || this.doubt !== undefined;
  }
  /** Its select is in another process and would have to grant a match first. */
  get ungranted(): boolean {
    return !this.committed && this.claim !== undefined && !this.claim.granted;
  }
  /** May it move now, to a waiter of that select? */
  willing(receiver: Selection | undefined): boolean {
    if (receiver !== undefined && receiver.state !== "open") return false;
    if (this.committed) return true;
    if (this.ungranted) return false;
    return this.selection === undefined || (this.selection.state === "open" && this.selection !== receiver);
  }
  taken(): void {
    if (this.state === "offered") this.home.itemTaken(this);
  }
  returned(): void {
    if (this.state === "offered") this.home.itemReturned(this);
  }
  refused(error: NetchanError): void {
    if (this.state === "offered") this.home.itemRefused(this, error);
  }
  doubtful(error: NetchanError): void {
    if (this.state === "offered") this.home.itemDoubtful(this, error);
  }
}
