/**
 * Operations of the other side on a send end of this one, from their arrival until they are answered. Layer: remote.
 *
 *     entering ──its turn──▶ in line ──▶ answered        entering: it waits for what came before it, for the word whether the end may be
 *        └──taken back, refused──▶ answered               used, for the check of its value; most operations wait for nothing
 *
 * Source: PROTOCOL.md "Sending", "Named channels".
 */
import type { HomeSend } from "../core/channel.js";
import type { Claim, Item } from "../core/item.js";
import type { Sender } from "../core/operations.js";
import { NetchanError } from "../errors.js";
import type { Verdict } from "./checkup.js";
import type { WireParcel } from "./content.js";
import type { Context } from "./context.js";
import type { InTurn, Step } from "./in-turn.js";

/** The end, as its operations see it. */
export interface Serving {
  readonly id: number;
  readonly exchange: Context;
  readonly port: HomeSend;
  /** Operations on their way into the line. */
  readonly turn: InTurn;
  /** It is asked whether the end may be used. */
  readonly barred: boolean;
  answer(arrival: Arrival, type: string, more: string): void;
  failed(arrival: Arrival, error: NetchanError): void;
  fulfilled(arrival: Arrival): void;
  received(arrival: Arrival): void;
  postFetch(arrival: Arrival): void;
  claimOver(arrival: Arrival): void;
  submit(arrival: Arrival, parcel: WireParcel | undefined): void;
  check(parcel: WireParcel, then: (verdict: Verdict) => void): void;
}

/** One value of the other side, as its sender. */
export class Arrival implements Sender, Claim {
  item: Item | undefined;
  /** Its turn to be queued has not come. */
  entering: Entering | undefined;
  granted = false;
  fetching = false;
  /** Its value has come and is being checked. */
  checking = false;

  constructor(
    readonly served: Serving,
    readonly number: number,
    /** Of the select it is a case of. */
    readonly id: string,
    /** The size it was announced with. */
    readonly announced: number,
  ) {}

  sent(): void {
    this.served.answer(this, `"sent"`, "");
    this.served.fulfilled(this);
  }
  left(): void {
    this.served.received(this);
  }
  failed(error: unknown): void {
    this.served.failed(this, NetchanError.is(error) ? error : new NetchanError("VALUE_REFUSED", "the value was refused", { cause: error }));
  }
  fetch(): void {
    if (this.fetching) return;
    this.fetching = true;
    this.served.exchange.fetches.want(this, this.announced, () => this.served.postFetch(this));
  }
  request(): void {
    this.served.exchange.post(`"claim",${this.served.id},${this.number}`);
  }
  release(): void {
    this.granted = false;
    this.item?.parcel?.discard(); // it comes again with the next grant
    if (this.item !== undefined) this.item.parcel = undefined;
    this.served.exchange.post(`"unclaim",${this.served.id},${this.number}`);
    this.served.claimOver(this);
  }
}

/** An operation on its way into the line: behind those before it, when the end may be used and its value has been checked. */
export class Entering implements Step {
  #over = false;
  #begun = false;

  constructor(
    readonly served: Serving,
    readonly arrival: Arrival,
    readonly parcel: WireParcel | undefined,
  ) {
    arrival.entering = this;
  }
  advance(): void {
    if (this.served.barred || this.#begun) return;
    this.#begun = true;
    if (this.parcel === undefined) this.#enter(undefined);
    else this.served.check(this.parcel, (verdict) => this.#enter(verdict));
  }
  #enter(verdict: Verdict): void {
    if (this.#over) return;
    this.#over = true;
    const { served, arrival, parcel } = this;
    arrival.entering = undefined;
    const refusal = verdict ?? served.port.home.refusal(); // it may have been closed meanwhile
    if (refusal === undefined) served.submit(arrival, parcel);
    else {
      parcel?.discard();
      arrival.failed(refusal);
    }
    served.turn.leave(this);
  }
  /** Its sender has it back, or is gone. */
  drop(): void {
    this.#over = true;
    this.arrival.entering = undefined;
    this.parcel?.discard();
    this.served.turn.leave(this);
  }
}
