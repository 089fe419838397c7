/**
 * Serves an end whose channel lives in a third process: passes frames on, both ways, and decides nothing. Layer: remote.
 *
 *     user ──frames──▶ relay ──frames──▶ home        The relay has an end of its own at the home (a fork of the one it was given), so
 *     user ◀──frames── relay ◀──frames── home        that demand, offers and operations of its user are one to one with the home's.
 *
 * Invariants: numbers of operations and offers pass unchanged; a value is never revived here; a value for which the next window has no
 * room is announced, and kept until the home asks for it (it still counts in its sender's window).
 * Source: PROTOCOL.md "Relays".
 */
import { NetchanError, plainMessage } from "../errors.js";
import type { HomeFrame, UserFrame, ValueTail } from "../wire/frame.js";
import type { Content, WireParcel } from "./content.js";
import type { Context, EndUser } from "./context.js";
import { Ledger } from "./ledger.js";
import type { RemoteReceive } from "./remote-receive.js";
import { announceBytes, type RemoteSend } from "./remote-send.js";
import { Served } from "./served.js";
import { checkSelectId } from "./told-error.js";

/** An operation of the user that the home has not answered. */
interface Waiting {
  /** Its value, if it waits here. */
  parcel: WireParcel | undefined;
  /** The size it was announced with; the home has asked for it. */
  readonly announced: number;
  wanted: boolean;
}

export class Relay extends Served implements EndUser {
  readonly #up: Context;
  readonly #upId: number;
  readonly #pending = new Map<number, Waiting>();
  #loss: NetchanError | undefined;
  readonly #ledger = new Ledger();
  /** Offers were declined here, for a user that cannot be offered anything now; so many epochs is the home ahead of the user. */
  #skew = 0;
  /** The home is asked again when the user can be. */
  #putOff = false;
  /**
   * The latest offer, counted among the open ones, while the user has no room for it. One is kept rather than declined: what takes up the
   * room may be the very select that the value comes from, and would be granted and given back for ever.
   */
  #kept: { readonly number: number; readonly selectId: string | null; readonly parcel: WireParcel } | undefined;
  #latest = 0;

  constructor(
    readonly exchange: Context,
    id: number,
    override readonly port: RemoteSend | RemoteReceive,
  ) {
    super(id, port);
    this.#up = port.exchange;
    this.#upId = this.#up.fork(port.id, this);
    port.borrow(); // the end may come home over this session: then it has to work, whoever let go of it meanwhile
  }

  get openCount(): number {
    return this.#pending.size + this.#ledger.open;
  }
  get busy(): boolean {
    return this.#pending.size > 0 || (this.#ledger.open > 0 && this.#loss === undefined);
  }

  override get epoch(): number {
    return this.#ledger.epoch;
  }
  override get age(): number {
    return this.#ledger.epoch + this.#skew;
  }

  // ── from the user to the home ──

  frame(frame: UserFrame): void {
    this.#check(frame);
    if (this.#loss !== undefined) {
      this.#refuse(frame, this.#loss);
      return;
    }
    switch (frame.type) {
      case "send":
        this.#value(frame.fields[1], frame.fields[2], frame.fields[3]);
        return;
      case "case":
        checkSelectId(frame.fields[2], this.exchange);
        if (!this.#begin(frame.fields[1], frame.fields[3])) return;
        break;
      case "announce":
        if (!this.#begin(frame.fields[1], frame.fields[2])) return;
        break;
      case "value":
        this.#passValue("value", frame.fields[1], frame.fields[3], frame.fields[2]);
        return;
      case "grant":
        this.#passValue("grant", frame.fields[1], frame.fields[2], 0);
        return;
    }
    if (frame.type === "limit" && this.behind)
      this.#putOff = true; // what comes back to the home is older
    else if (frame.type === "decline" || frame.type === "skip")
      this.#up.post(`"${frame.type}",${this.#upId},${frame.fields[1]},${frame.fields[2] + this.#skew}`);
    else this.#up.post(`"${frame.type}",${this.#upId}${more(frame.fields)}`);
    this.#up.idle();
  }

  /** The home would hold this process to blame for a user that breaks the rules: so they are kept here. */
  #check(frame: UserFrame): void {
    const receives = frame.type in { limit: 1, take: 1, refuse: 1, decline: 1, skip: 1, unskip: 1 };
    if (receives !== (this.port.kind === "receive")) this.exchange.violated(`a ${frame.type} frame for a ${this.port.kind} end`);
    const ledger = this.#ledger;
    if (frame.type === "limit") {
      if (!ledger.raise(frame.fields[1], Math.min(this.exchange.limits.maxPendingOperations, this.#up.mostDemand)))
        this.exchange.violated("more values are asked for than may be", "LIMIT_EXCEEDED");
    } else if (frame.type === "take" || frame.type === "refuse") {
      if (frame.fields[1] === this.#kept?.number || !ledger.answer(frame.fields[1]))
        this.exchange.violated(`an answer to offer ${frame.fields[1]}, which is not the oldest open one`);
    } else if (frame.type === "decline" || frame.type === "skip") {
      const taken = ledger.open;
      if (ledger.decline(frame.fields[1], frame.fields[2]) === undefined || (frame.type === "skip" && ledger.open === taken))
        this.exchange.violated(`a decline of offer ${frame.fields[1]}`);
      this.#dropKept(); // it is behind whatever the user has seen
      this.outdated();
    }
  }

  /** @returns whether the home can be asked; else the operation has failed. */
  #begin(number: number, announced: number): boolean {
    if (number <= this.#latest) this.exchange.violated(`operation ${number} came after operation ${this.#latest}`);
    this.#latest = number;
    const refusal = this.#up.refusal();
    if (refusal !== undefined) {
      this.#fail(number, refusal, "not-sent");
      return false;
    }
    this.exchange.admitOperation();
    this.#up.operations++;
    this.#pending.set(number, { parcel: undefined, announced, wanted: false });
    return true;
  }

  /** A value that the home asked for, or did until lately. */
  #passValue(type: "value" | "grant", number: number, tail: ValueTail, declared: number): void {
    const waiting = this.#pending.get(number);
    const parcel = this.exchange.pass(tail, 0);
    const content = parcel.content();
    if (waiting !== undefined && !waiting.wanted) this.exchange.violated(`a value for operation ${number}, which was not asked for`);
    if (waiting !== undefined && Math.max(content.bytes, declared) > waiting.announced)
      this.exchange.violated(`a value of ${content.bytes} bytes was announced as ${waiting.announced}`);
    if (waiting !== undefined)
      this.#up.postValue(`"${type}",${this.#upId},${number}${type === "value" ? `,${content.bytes}` : ""}`, content);
    parcel.discard();
  }

  #value(number: number, bytes: number, tail: ValueTail): void {
    const parcel = this.exchange.pass(tail, bytes);
    if (!this.#begin(number, bytes)) {
      parcel.discard();
      return;
    }
    let content: Content;
    try {
      content = this.#up.admit(parcel.content());
    } catch (error) {
      parcel.discard();
      if (!NetchanError.is(error)) throw error; // no honest value is too deep to be written
      this.#fail(number, error, "not-sent");
      this.#settle(number);
      return;
    }
    if (content.bytes > announceBytes || !this.#up.fits(content.bytes)) {
      this.#pending.set(number, { parcel, announced: content.bytes, wanted: false });
      this.#up.post(`"announce",${this.#upId},${number},${content.bytes}`);
      return;
    }
    this.#up.postCounted(`"send",${this.#upId},${number}`, content);
    parcel.discard();
  }

  /** The home is gone: what still comes for it is answered here. */
  #refuse(frame: UserFrame, loss: NetchanError): void {
    if (frame.type === "send") this.exchange.pass(frame.fields[3], frame.fields[2]).discard();
    else if (frame.type === "value") this.exchange.pass(frame.fields[3], 0).discard();
    else if (frame.type === "grant") this.exchange.pass(frame.fields[2], 0).discard();
    if (frame.type === "send" || frame.type === "case" || frame.type === "announce") this.#fail(frame.fields[1], loss, "not-sent");
  }

  #fail(number: number, loss: NetchanError, outcome: "not-sent" | "unknown"): void {
    this.exchange.post(
      `"failed",${this.id},${number},${JSON.stringify(loss.code)},${JSON.stringify(plainMessage(loss).slice(0, 500))},"${outcome}"`,
    );
  }

  // ── from the home to the user ──

  homeFrame(frame: HomeFrame): void {
    switch (frame.type) {
      case "offer": {
        const parcel = this.#up.pass(frame.fields[4], 0);
        const [, number, epoch, selectId] = frame.fields;
        if (epoch !== this.#ledger.epoch + this.#skew) {
          parcel.discard(); // declined already: its home has put it back
          return;
        }
        if (!this.#ledger.wanting || number !== this.#ledger.offered + 1) this.#up.violated(`offer ${number} was not asked for`);
        if (!this.exchange.linked || this.#kept !== undefined) this.#decline(number, parcel);
        else {
          this.#kept = { number: this.#ledger.offer(), selectId, parcel };
          this.#passKept();
        }
        return;
      }
      case "sent":
      case "failed":
      case "withdrawn":
        if (!this.#settle(frame.fields[1])) return;
        break;
      case "fetch": {
        const waiting = this.#pending.get(frame.fields[1]);
        if (waiting !== undefined) waiting.wanted = true;
        const parcel = waiting?.parcel;
        if (waiting === undefined || parcel === undefined) break;
        waiting.parcel = undefined;
        const content = parcel.content();
        this.#up.postValue(`"value",${this.#upId},${frame.fields[1]},${content.bytes}`, content);
        parcel.discard();
        return;
      }
      case "claim": {
        const waiting = this.#pending.get(frame.fields[1]);
        if (waiting !== undefined) waiting.wanted = true;
        break;
      }
      case "released":
        return; // of the relay's own end; its user is gone already
    }
    this.exchange.post(`"${frame.type}",${this.id}${more(frame.fields)}`);
    this.exchange.idle();
  }

  #passKept(): void {
    if (this.#kept === undefined) return;
    if (this.exchange.congested) {
      this.exchange.starved.add(this);
      return;
    }
    const { number, selectId, parcel } = this.#kept;
    this.#kept = undefined;
    this.#passOffer(`"offer",${this.id},${number},${this.#ledger.epoch},${JSON.stringify(selectId)}`, parcel);
  }
  #dropKept(): void {
    this.#kept?.parcel.discard();
    this.#kept = undefined;
  }
  /** There is no link: what the user was not offered yet others may have. */
  override pause(): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    this.#ledger.unoffer();
    if (this.#loss === undefined) this.#decline(kept.number, kept.parcel);
    else kept.parcel.discard();
  }

  /** Others may have what this user cannot be given now. */
  #decline(number: number, parcel: WireParcel): void {
    parcel.discard();
    this.#skew++;
    this.outdated();
    this.#up.post(`"decline",${this.#upId},${number},${this.#ledger.epoch + this.#skew}`);
    this.#putOff = true;
    if (this.exchange.linked) this.exchange.starved.add(this);
  }
  override resume(): void {
    this.#passKept();
    if (!this.#putOff || this.behind || this.#loss !== undefined || !this.exchange.linked) return;
    if (this.exchange.congested) {
      this.exchange.starved.add(this);
      return;
    }
    this.#putOff = false;
    if (this.#ledger.wanting) this.#up.post(`"limit",${this.#upId},${this.#ledger.limit}`);
  }

  /** A value that the user's process would not take ends the relay: its home puts it back. */
  #passOffer(start: string, parcel: WireParcel): void {
    try {
      this.exchange.postValue(start, this.exchange.admit(parcel.content()));
    } catch (error) {
      if (!NetchanError.is(error)) throw error;
      this.#up.unfork(this.#upId, undefined);
      this.sessionEnded(error);
    } finally {
      parcel.discard();
    }
  }

  #settle(number: number): boolean {
    this.#pending.get(number)?.parcel?.discard();
    if (!this.#pending.delete(number)) return false;
    this.#up.operations--;
    this.exchange.releaseOperation();
    return true;
  }

  // ── the end ──

  part(loss: NetchanError): void {
    if (this.#loss !== undefined) return;
    this.#takeBackKept(); // a goodbye puts back what was not passed on
    const { offered, open } = this.#ledger;
    const text = JSON.stringify(plainMessage(loss));
    for (let number = offered - open + 1; number <= offered; number++)
      this.#up.post(`"refuse",${this.#upId},${number},"RECEIVER_LOST",${text}`);
    this.sessionEnded(loss);
  }

  #takeBackKept(): void {
    if (this.#kept === undefined) return;
    this.#dropKept();
    this.#ledger.unoffer();
  }

  /** The home's session is over. */
  sessionEnded(loss: NetchanError): void {
    if (this.#loss !== undefined) return;
    this.#loss = loss;
    this.#takeBackKept();
    for (const [number, { parcel }] of [...this.#pending]) {
      this.#fail(number, loss, parcel === undefined ? "unknown" : "not-sent");
      this.#settle(number);
    }
    this.exchange.post(
      `"${this.port.kind === "send" ? "ended" : "done"}",${this.id},${JSON.stringify(loss.code)},${JSON.stringify(plainMessage(loss))}`,
    );
  }

  dismiss(): void {
    for (const number of [...this.#pending.keys()]) {
      this.#fail(number, new NetchanError("SESSION_CLOSED", "the session was closed before its home had answered"), "unknown");
      this.#settle(number);
    }
  }

  /** The user is gone. */
  left(loss: NetchanError | undefined, graceful: boolean): void {
    for (const number of [...this.#pending.keys()]) this.#settle(number);
    this.exchange.starved.delete(this);
    this.#dropKept();
    this.port.giveBack();
    if (this.#loss !== undefined) return;
    this.#up.unfork(this.#upId, graceful ? undefined : loss);
  }
}

/** The fields of a frame behind its id, as they came. */
function more(fields: readonly unknown[]): string {
  let text = "";
  for (const field of fields.slice(1)) text += `,${JSON.stringify(field)}`;
  return text;
}
