/**
 * Serves a send end to another process: queues its values at the channel's home and reports what becomes of them. Layer: remote.
 * Invariant: every operation that arrives gets exactly one answer: sent, failed or withdrawn. Source: PROTOCOL.md "Sending".
 */
import type { HomeSend } from "../core/channel.js";
import { closeEnding } from "../core/channel.js";
import type { Item } from "../core/item.js";
import type { Ending } from "../core/offered.js";
import { NetchanError, type Outcome, plainMessage } from "../errors.js";
import type { UserFrame, ValueTail } from "../wire/frame.js";
import { Arrival, Entering } from "./arrival.js";
import { checkup, type Verdict } from "./checkup.js";
import type { WireParcel } from "./content.js";
import type { Context } from "./context.js";
import { InTurn } from "./in-turn.js";
import { Served } from "./served.js";
import { checkSelectId, tellEnding } from "./told-error.js";

export class ServedSend extends Served {
  readonly #turn = new InTurn();
  /** Operations on their way into the line. */
  get turn(): InTurn {
    return this.permit?.turn ?? this.#turn;
  }
  /** The other side may not use it any more, and why. */
  #refusal: NetchanError | undefined;
  #gone = false;
  readonly #open = new Map<number, Arrival>();
  #latest = 0;
  /** Its user is told which of the values whose sends were fulfilled have been received: on the default pair, if it has a buffer. */
  reports = false;
  /** Those that have not, and the last one that was told of. */
  readonly #unreceived = new Set<number>();
  #fulfilled = 0;
  #reporting = false;

  constructor(
    readonly exchange: Context,
    id: number,
    override readonly port: HomeSend,
  ) {
    super(id, port);
    port.holders.add();
    port.home.watchers.add(this);
  }
  sendMuted(): void {
    this.exchange.post(`"mute",${this.id}`);
  }
  override introduced(): void {
    if (this.port.home.muted) this.sendMuted();
    if (this.port.home.closed) this.sendEnded(this.port.home.ending);
  }

  get openCount(): number {
    return this.#open.size;
  }
  get busy(): boolean {
    return this.#open.size > 0;
  }

  sendEnded(ending: Ending): void {
    this.exchange.post(`"ended",${this.id},${tellEnding(ending)}`);
  }

  frame(frame: UserFrame): void {
    const number = frame.fields[1];
    switch (frame.type) {
      case "send":
        this.#arrive(frame.fields[1], frame.fields[2], frame.fields[3]);
        return;
      case "case":
        this.#case(frame.fields[1], frame.fields[2], frame.fields[3]);
        return;
      case "announce":
        this.#announced(frame.fields[1], frame.fields[2]);
        return;
      case "value":
        this.#fetched(frame.fields[1], frame.fields[2], frame.fields[3]);
        return;
      case "cancel":
        this.#withdraw(this.#open.get(number as number));
        return;
      case "deny":
        this.#withdraw(this.#open.get(number as number));
        return;
      case "grant":
        this.#granted(frame.fields[1], frame.fields[2]);
        return;
      case "close":
        if (this.port.rules.closedHereOnly === true) return; // the other side is done with it, and nobody else
        this.port.home.close(closeEnding(frame.fields[1] === null ? undefined : new Error(frame.fields[1].slice(0, 500))));
        return;
      default:
        this.exchange.violated(`a ${frame.type} frame for a send end`);
    }
  }

  /** An operation has come. */
  number(number: number): void {
    if (number <= this.#latest) this.exchange.violated(`operation ${number} came after operation ${this.#latest}`);
    this.#latest = number;
  }
  /** A new operation, if its channel takes it. */
  #begin(number: number, selectId: string, announced: number): Arrival | undefined {
    this.number(number);
    const arrival = new Arrival(this, number, selectId, announced);
    this.exchange.admitOperations(1);
    this.#open.set(number, arrival);
    const refusal = this.#refusal ?? this.port.home.refusal();
    if (refusal === undefined) return arrival;
    arrival.failed(refusal);
    return undefined;
  }

  #arrive(number: number, bytes: number, tail: ValueTail): void {
    const parcel = this.exchange.accept(tail, bytes, this.exchange.from);
    const arrival = this.#begin(number, "", 0);
    if (arrival === undefined || parcel instanceof NetchanError) {
      if (parcel instanceof NetchanError) arrival?.failed(parcel);
      else parcel.discard();
      return;
    }
    this.#enter(arrival, parcel);
  }

  #enter(arrival: Arrival, parcel: WireParcel | undefined): void {
    if (this.guarded) this.turn.add(new Entering(this, arrival, parcel));
    else this.submit(arrival, parcel);
  }
  /** An operation may have to wait before it is let in. */
  get guarded(): boolean {
    return this.permit !== undefined || this.port.rules.schema !== undefined;
  }
  /** Checks a value of the other side; `then` is called at once, or later. */
  check(parcel: WireParcel, then: (verdict: Verdict) => void): void {
    const { schema } = this.port.rules;
    const verdict = schema === undefined ? undefined : checkup(schema, parcel, this.exchange.host);
    if (verdict instanceof Promise) void verdict.then(then);
    else then(verdict);
  }
  submit(arrival: Arrival, parcel: WireParcel | undefined): void {
    const item = arrival.id === "" ? { absent: parcel === undefined } : { claim: arrival };
    arrival.item = this.port.home.submit(undefined, parcel, arrival, item);
  }

  /** A case of a select: its value comes with the grant. */
  #case(number: number, selectId: string, bytes: number): void {
    checkSelectId(selectId, this.exchange);
    const arrival = this.#begin(number, selectId, bytes);
    if (arrival !== undefined && this.#acceptable(arrival, bytes)) this.#enter(arrival, undefined);
  }
  #acceptable(arrival: Arrival, bytes: number): boolean {
    const most = this.exchange.limits.maxValueBytes;
    if (bytes > most)
      arrival.failed(new NetchanError("LIMIT_EXCEEDED", `a value of ${bytes} bytes is larger than ${most}`, { outcome: "not-sent" }));
    return bytes <= most;
  }

  #announced(number: number, bytes: number): void {
    const arrival = this.#begin(number, "", bytes);
    if (arrival === undefined) return;
    if (this.#acceptable(arrival, bytes)) this.#enter(arrival, undefined);
  }

  postFetch(arrival: Arrival): void {
    this.exchange.post(`"fetch",${this.id},${arrival.number}`);
  }

  #fetched(number: number, bytes: number, tail: ValueTail): void {
    const arrival = this.#open.get(number);
    const parcel = this.exchange.accept(tail, 0, this.exchange.from); // asked for, so no window counts it
    if (arrival?.item === undefined || !arrival.item.absent || arrival.checking) {
      // Its sender took it back, or the channel refused it, while it was on its way.
      if (!(parcel instanceof NetchanError)) parcel.discard();
      if (arrival !== undefined) this.exchange.fetches.done(arrival);
      return;
    }
    if (!arrival.fetching) this.exchange.violated(`a value for operation ${number}, which was not asked for`);
    if (bytes > arrival.announced) this.exchange.violated(`a value of ${bytes} bytes was announced as ${arrival.announced}`);
    this.exchange.fetches.done(arrival);
    const { item } = arrival;
    if (parcel instanceof NetchanError) this.port.home.expel(item, parcel);
    else this.#checkLate(arrival, parcel, () => this.port.home.arrived(item, parcel));
  }
  /** A value that was asked for, of an operation that has its place in the line. */
  #checkLate(arrival: Arrival, parcel: WireParcel, then: () => void): void {
    arrival.checking = true;
    this.check(parcel, (verdict) => {
      arrival.checking = false;
      const { item } = arrival;
      if (verdict === undefined && this.#open.has(arrival.number)) then();
      else {
        parcel.discard();
        if (verdict !== undefined && item !== undefined) this.port.home.expel(item, verdict);
      }
    });
  }

  #withdraw(arrival: Arrival | undefined): void {
    if (arrival?.entering !== undefined) {
      arrival.entering.drop();
      this.answer(arrival, `"withdrawn"`, "");
    }
    if (arrival?.item === undefined) return;
    this.port.home.withdraw(arrival.item, () => this.answer(arrival, `"withdrawn"`, ""));
  }

  #granted(number: number, tail: ValueTail): void {
    const arrival = this.#open.get(number);
    const parcel = this.exchange.accept(tail, 0, this.exchange.from); // asked for, so no window counts it
    const item = arrival?.item;
    if (arrival === undefined || item === undefined || item.claim === undefined || arrival.granted || arrival.checking) {
      if (!(parcel instanceof NetchanError)) parcel.discard();
    } else if (parcel instanceof NetchanError) this.port.home.expel(item, parcel);
    else
      this.#checkLate(arrival, parcel, () => {
        item.parcel = parcel;
        arrival.granted = true;
        this.#useGrant(arrival, item);
      });
  }

  /**
   * Moves a granted value, or gives the grant back. Only while a select with a higher id is being decided is it kept, in the hope of
   * that one: it cannot be waiting for us, since a lower select makes way for a higher one's offers, so no circle can close.
   */
  #useGrant(arrival: Arrival, item: Item): void {
    if (!arrival.granted) return; // given back meanwhile, by whoever it was offered to
    this.port.home.retry(item);
    if (item.list === undefined || item.fulfilled) return;
    const deciding = this.port.home.deciding(arrival.id);
    if (deciding === undefined) arrival.release();
    else deciding.whenUnlocked(() => this.#useGrant(arrival, item));
  }

  failed(arrival: Arrival, error: NetchanError): void {
    const outcome: Outcome = error.outcome ?? "not-sent";
    this.answer(
      arrival,
      `"failed"`,
      `,${JSON.stringify(error.code)},${JSON.stringify(plainMessage(error).slice(0, 500))},${JSON.stringify(outcome)}`,
    );
  }

  answer(arrival: Arrival, type: string, more: string): void {
    if (!this.#open.delete(arrival.number)) return;
    this.exchange.releaseOperation();
    this.exchange.post(`${type},${this.id},${arrival.number}${more}`);
    this.exchange.fetches.done(arrival);
    this.claimOver(arrival);
    this.exchange.idle();
  }
  claimOver(arrival: Arrival): void {
    if (arrival.item !== undefined) this.port.home.claimOver(arrival.item);
  }

  fulfilled({ number }: { readonly number: number }): void {
    if (!this.reports) return;
    this.#unreceived.add(number);
    this.#fulfilled = Math.max(this.#fulfilled, number);
  }
  received({ number }: { readonly number: number }): void {
    if (!this.#unreceived.delete(number) || this.#reporting) return;
    this.#reporting = true;
    this.exchange.host.defer(() => {
      this.#reporting = false;
      this.#report();
    });
  }
  /** One frame tells of all that left the channel in this turn. */
  #report(): void {
    const oldest = Math.min(this.#fulfilled + 1, ...this.#unreceived);
    this.exchange.post(`"received",${this.id},${oldest - 1}`);
  }

  dismiss(): void {
    const closed = new NetchanError("SESSION_CLOSED", "the session was closed before the value was received", { outcome: "not-sent" });
    this.#takeAllBack(closed);
    for (const arrival of [...this.#open.values()])
      this.failed(arrival, new NetchanError("SESSION_CLOSED", plainMessage(closed), { outcome: "unknown" }));
  }
  /**
   * Whatever can be taken back fails; what is offered when its offer comes back. The youngest leaves the line first: no value is to be
   * received because the one before it has gone, when it is going too.
   */
  #takeAllBack(error: NetchanError): void {
    const back = new Set<Arrival>();
    let fail = (arrival: Arrival): unknown => back.add(arrival);
    for (const arrival of [...this.#open.values()].reverse()) {
      arrival.entering?.drop();
      if (arrival.item === undefined) back.add(arrival);
      else this.port.home.withdraw(arrival.item, () => fail(arrival));
    }
    fail = (arrival) => this.failed(arrival, error);
    for (const arrival of [...back].reverse()) fail(arrival);
  }

  override resume(): void {
    this.turn.advance();
  }
  override revoked(refusal: NetchanError): void {
    if (this.#refusal !== undefined) return;
    this.#refusal = refusal;
    this.#takeAllBack(refusal);
    this.exchange.post(`"ended",${this.id},${tellEnding(refusal)}`);
    this.#leave(undefined, true);
  }
  /** It counts as one of those who may send no longer. */
  #leave(loss: NetchanError | undefined, graceful: boolean): void {
    if (this.#gone) return;
    this.#gone = true;
    this.port.home.watchers.delete(this);
    this.port.holders.remove(loss, graceful);
  }

  left(loss: NetchanError | undefined, graceful: boolean): void {
    this.port.home.watchers.delete(this);
    for (const arrival of [...this.#open.values()].reverse()) {
      arrival.entering?.drop();
      if (arrival.item !== undefined) this.port.home.withdraw(arrival.item, () => undefined);
      if (!this.#open.delete(arrival.number)) continue; // its fate was known after all
      this.exchange.releaseOperation();
      this.exchange.fetches.done(arrival);
      this.claimOver(arrival);
    }
    this.#leave(loss, graceful);
  }
}
