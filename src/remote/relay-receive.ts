/**
 * Relays a receive end: demand and verdicts of the user to the home, offers back. Layer: remote.
 *
 * Numbers of offers and epochs are the home's, less what the relay has answered by itself: an offer that the user's process would not take
 * is refused here (`#gap`), one for which the user has no room now goes back (`#skew`). Source: PROTOCOL.md "Relays".
 */
import { NetchanError, plainMessage } from "../errors.js";
import type { HomeFrame, UserFrame, ValueTail } from "../wire/frame.js";
import type { Content, WireParcel } from "./content.js";
import { Ledger } from "./ledger.js";
import { drop, more, Relay } from "./relay.js";

/** An offer that has not been passed on: what it brought, or why the user cannot have it. */
interface Kept {
  /** As the user counts. */
  readonly number: number;
  readonly selectId: string | null;
  readonly parcel: WireParcel | undefined;
  readonly content: Content | undefined;
  unfit: NetchanError | undefined;
}

export class RelayReceive extends Relay {
  readonly #ledger = new Ledger();
  /** Offers were declined here, for a user that cannot be offered anything now; so many epochs is the home ahead of the user. */
  #skew = 0;
  /** Offers were refused here; so far are the home's numbers ahead of the user's. */
  #gap = 0;
  /** The home is asked again when the user can be. */
  #putOff = false;
  /**
   * The latest offer, counted among the open ones, while the user has no room for it. One is kept rather than declined: what takes up the
   * room may be the very select that the value comes from, and would be granted and given back for ever.
   */
  #kept: Kept | undefined;

  get openCount(): number {
    return this.#ledger.open;
  }
  get busy(): boolean {
    return this.#ledger.open > 0 && this.loss === undefined;
  }
  override get epoch(): number {
    return this.#ledger.epoch;
  }
  override get age(): number {
    return this.#ledger.epoch + this.#skew;
  }

  // ── from the user to the home ──

  frame(frame: UserFrame): void {
    switch (frame.type) {
      case "limit":
        if (!this.#ledger.raise(frame.fields[1], Math.min(this.exchange.limits.maxPendingOperations, this.up.mostDemand)))
          this.exchange.violated("more values are asked for than may be", "LIMIT_EXCEEDED");
        if (this.behind)
          this.#putOff = true; // what comes back to the home is older
        else this.#up(`"limit"`, frame.fields[1], "");
        return;
      case "take":
      case "refuse":
        if (frame.fields[1] === this.#kept?.number || !this.#ledger.answer(frame.fields[1]))
          this.exchange.violated(`an answer to offer ${frame.fields[1]}, which is not the oldest open one`);
        this.#up(`"${frame.type}"`, frame.fields[1], more(frame.fields.slice(1)));
        this.#passKept(); // it may have waited for that answer
        return;
      case "decline":
      case "skip": {
        const [, number, epoch] = frame.fields;
        const before = this.#ledger.open;
        if (this.#ledger.decline(number, epoch) === undefined || (frame.type === "skip" && this.#ledger.open === before))
          this.exchange.violated(`a decline of offer ${number}`);
        this.#dropKept(); // it is behind whatever the user has seen
        this.outdated();
        this.#up(`"${frame.type}"`, number, `,${epoch + this.#skew}`);
        return;
      }
      case "unskip":
        if (this.loss === undefined) this.up.post(`"unskip",${this.upId}`);
        return;
      default:
        this.exchange.violated(`a ${frame.type} frame for a receive end`);
    }
  }
  #up(type: string, number: number, rest: string): void {
    if (this.loss === undefined) this.up.post(`${type},${this.upId},${number + this.#gap}${rest}`);
    this.up.idle();
  }

  // ── from the home to the user ──

  homeFrame(frame: HomeFrame): void {
    if (frame.type === "offer") {
      const [, number, epoch, selectId, tail] = frame.fields;
      this.#offered(number, epoch, selectId, tail);
    } else if (frame.type === "done") this.passDown(frame);
    else if (frame.type !== "released") this.fault(frame); // `released` is of the relay's own end, and its user is gone already
  }

  #offered(number: number, epoch: number, selectId: string | null, tail: ValueTail): void {
    const parcel = this.up.pass(tail, 0);
    if (epoch !== this.#ledger.epoch + this.#skew) {
      drop(parcel); // declined already: its home has put it back
      return;
    }
    if (!this.#ledger.wanting || number !== this.#ledger.offered + this.#gap + 1) this.up.violated(`offer ${number} was not asked for`);
    if (!this.exchange.linked || this.#kept !== undefined) {
      drop(parcel);
      this.#decline(number);
      return;
    }
    const unfit = parcel instanceof NetchanError ? parcel : undefined;
    const taken = parcel instanceof NetchanError ? undefined : parcel;
    this.#kept = { number: this.#ledger.offer(), selectId, parcel: taken, content: taken?.content(), unfit };
    this.#passKept();
  }

  #passKept(): void {
    const kept = this.#kept;
    if (kept === undefined || this.gone) return;
    const { number, selectId, parcel, content } = kept;
    try {
      if (content !== undefined && kept.unfit === undefined) this.exchange.admit(content);
    } catch (error) {
      kept.unfit = error as NetchanError;
    }
    if (kept.unfit !== undefined || content === undefined) {
      if (this.#ledger.open === 1) this.#refuseKept(kept.unfit);
      return;
    }
    if (this.exchange.congested) {
      this.exchange.starved.add(this);
      return;
    }
    this.#kept = undefined;
    this.exchange.postValue(`"offer",${this.id},${number},${this.#ledger.epoch},${JSON.stringify(selectId)}`, content);
    parcel?.discard();
  }
  /** The user's process would not take it: its sender is told, and the user waits for the next one. Answers keep their order. */
  #refuseKept(error: NetchanError | undefined): void {
    const { number } = this.#kept as Kept;
    const text = error === undefined ? "" : plainMessage(error).slice(0, 500);
    this.#up(`"refuse"`, number, `,${JSON.stringify(error?.code ?? "VALUE_REFUSED")},${JSON.stringify(text)}`);
    this.#takeBackKept();
    this.#gap++;
    this.#putOff = true;
    this.resume();
  }
  #dropKept(): void {
    this.#kept?.parcel?.discard();
    this.#kept = undefined;
  }
  #takeBackKept(): void {
    if (this.#kept === undefined) return;
    this.#dropKept();
    this.#ledger.unoffer();
  }

  /** There is no link: what the user was not offered yet others may have. */
  override pause(): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#takeBackKept();
    if (this.loss === undefined) this.#decline(kept.number + this.#gap);
  }
  /** Others may have what this user cannot be given now. @param number - as the home counts */
  #decline(number: number): void {
    this.#skew++;
    this.outdated();
    this.up.post(`"decline",${this.upId},${number},${this.#ledger.epoch + this.#skew}`);
    this.#putOff = true;
    if (this.exchange.linked) this.exchange.starved.add(this);
  }
  override resume(): void {
    if (this.gone) return;
    this.#passKept();
    if (!this.#putOff || this.behind || this.loss !== undefined || !this.exchange.linked) return;
    if (this.exchange.congested) {
      this.exchange.starved.add(this);
      return;
    }
    this.#putOff = false;
    if (this.#ledger.wanting) this.#up(`"limit"`, this.#ledger.limit, "");
  }

  // ── the end ──

  protected override parting(loss: NetchanError): void {
    this.#takeBackKept(); // a goodbye puts back what was not passed on
    const { offered, open } = this.#ledger;
    const text = JSON.stringify(plainMessage(loss));
    for (let number = offered - open + 1; number <= offered; number++) this.#up(`"refuse"`, number, `,"RECEIVER_LOST",${text}`);
  }
  protected homeLost(): void {
    this.#takeBackKept();
  }
  /** What is on offer may be taken. */
  dismiss(): void {}
  protected userLeft(): void {
    this.exchange.starved.delete(this);
    this.#dropKept();
  }
}
