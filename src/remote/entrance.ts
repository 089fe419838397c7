/**
 * What a select of another process has to pass before its cases look at their channels: its turn behind what came for the same ends, the
 * word whether they may be used, the check of its values. Layer: remote. Source: PROTOCOL.md "Named channels".
 */
import type { NetchanError } from "../errors.js";
import type { Verdict } from "./checkup.js";
import type { WireParcel } from "./content.js";
import type { InTurn, Step } from "./in-turn.js";
import type { Permit, PermitUser } from "./permit.js";

/** The select. */
export interface Entrant {
  start(): void;
  /** It waits for one of its ends no longer in vain. */
  resume(): void;
  revoked(refusal: NetchanError): void;
}

/** A value that has to be checked first, and the end it is for. */
export interface Check {
  readonly parcel: WireParcel;
  readonly served: { readonly turn: InTurn; check(parcel: WireParcel, then: (verdict: Verdict) => void): void };
}

export class Entrance implements Step, PermitUser {
  readonly #turns: ReadonlySet<InTurn>;
  readonly #unchecked: Check[];
  #state: "joining" | "waiting" | "inside" | "gone" = "joining";
  #checking = false;

  constructor(
    readonly entrant: Entrant,
    readonly permits: ReadonlySet<Permit>,
    checks: readonly Check[],
  ) {
    this.#turns = new Set(checks.map(({ served }) => served.turn));
    this.#unchecked = [...checks];
  }

  enter(): void {
    for (const permit of this.permits) permit.join(this);
    if (this.#isGone) return; // refused
    this.#state = "waiting";
    for (const turn of this.#turns) turn.add(this);
    this.advance();
  }
  advance(): void {
    if (this.#state !== "waiting" || this.#checking) return;
    for (const turn of this.#turns) if (turn.first !== this) return;
    for (const { pending } of this.permits) if (pending) return;
    const next = this.#unchecked.shift();
    if (next === undefined) {
      this.#state = "inside";
      this.entrant.start();
      this.#leaveTurns();
      return;
    }
    this.#checking = true;
    next.served.check(next.parcel, (verdict) => {
      this.#checking = false;
      if (verdict === undefined) this.advance();
      else if (!this.#isGone) this.entrant.revoked(verdict);
    });
  }
  permitted(): void {
    if (this.#state === "inside") this.entrant.resume();
    else this.advance();
  }
  revoked(refusal: NetchanError): void {
    this.entrant.revoked(refusal);
  }

  /** The select is over. */
  leave(): void {
    this.#state = "gone";
    for (const permit of this.permits) permit.leave(this);
    this.#leaveTurns();
  }
  get #isGone(): boolean {
    return this.#state === "gone";
  }
  #leaveTurns(): void {
    for (const turn of this.#turns) turn.leave(this);
  }
}
