/**
 * Relays a send end: operations of the user to the home, their answers back. Layer: remote.
 * Invariants: numbers of operations pass unchanged; a value for which the next window has no room is announced, and kept until the home
 * asks for it (it still counts in its sender's window); what the home would not take fails here. Source: PROTOCOL.md "Relays".
 */
import { NetchanError, plainMessage } from "../errors.js";
import type { HomeFrame, UserFrame, ValueTail } from "../wire/frame.js";
import type { Content, WireParcel } from "./content.js";
import { drop, more, Relay } from "./relay.js";
import { announceBytes } from "./remote-send.js";
import { checkSelectId } from "./told-error.js";

/** An operation of the user that the home has not answered. */
interface Waiting {
  readonly kind: "send" | "announce" | "case";
  /** Its value, if it waits here. */
  kept: { readonly parcel: WireParcel; readonly content: Content } | undefined;
  /** The size it was announced with. */
  readonly announced: number;
  /** The home has asked for its value, which has not come. */
  wanted: boolean;
  /** The home has its value, and has not given it back. */
  passed: boolean;
  /** The user has asked for it back. */
  cancelled: boolean;
}

export class RelaySend extends Relay {
  readonly #pending = new Map<number, Waiting>();
  #latest = 0;

  get openCount(): number {
    return this.#pending.size;
  }
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  // ── from the user to the home ──

  frame(frame: UserFrame): void {
    switch (frame.type) {
      case "send":
      case "case":
      case "announce":
      case "value":
      case "grant":
      case "deny":
      case "cancel":
      case "close":
        break;
      default:
        this.exchange.violated(`a ${frame.type} frame for a send end`);
    }
    if (this.loss === undefined) this.#pass(frame);
    else this.#refuse(frame, this.loss);
    this.up.idle();
  }

  #pass(frame: UserFrame): void {
    switch (frame.type) {
      case "send":
        this.#send(frame.fields[1], frame.fields[2], frame.fields[3]);
        return;
      case "value":
        this.#passValue(frame.fields[1], "value", frame.fields[3], frame.fields[2]);
        return;
      case "grant":
        this.#passValue(frame.fields[1], "grant", frame.fields[2], 0);
        return;
      case "case":
        checkSelectId(frame.fields[2], this.exchange);
        if (!this.#begin(frame.fields[1], "case", frame.fields[3])) return;
        break;
      case "announce":
        if (!this.#begin(frame.fields[1], "announce", frame.fields[2])) return;
        break;
      case "deny":
      case "cancel": {
        const waiting = this.#pending.get(frame.fields[1]);
        if (waiting !== undefined) waiting.cancelled = true;
      }
    }
    this.up.post(`"${frame.type}",${this.upId}${more(frame.fields)}`);
  }

  /** @returns whether the home can be asked; else the operation has failed. */
  #begin(number: number, kind: Waiting["kind"], announced: number): boolean {
    if (number <= this.#latest) this.exchange.violated(`operation ${number} came after operation ${this.#latest}`);
    this.#latest = number;
    const refusal = this.up.refusal();
    if (refusal !== undefined) {
      this.#fail(number, refusal, "not-sent");
      return false;
    }
    this.exchange.admitOperations(1);
    this.up.operations++;
    this.#pending.set(number, { kind, kept: undefined, announced, wanted: false, passed: false, cancelled: false });
    return true;
  }

  #send(number: number, bytes: number, tail: ValueTail): void {
    const parcel = this.exchange.pass(tail, bytes);
    if (!this.#begin(number, "send", bytes)) {
      drop(parcel);
      return;
    }
    const waiting = this.#pending.get(number) as Waiting;
    const content = this.#admitted(number, waiting, parcel);
    if (content === undefined || parcel instanceof NetchanError) return;
    if (content.bytes > announceBytes || !this.up.fits(content.bytes)) {
      waiting.kept = { parcel, content };
      this.up.post(`"announce",${this.upId},${number},${content.bytes}`);
      return;
    }
    waiting.passed = true;
    this.up.postCounted(`"send",${this.upId},${number}`, content);
    parcel.discard();
  }

  /** A value that the home asked for, or did until lately. */
  #passValue(number: number, type: "value" | "grant", tail: ValueTail, declared: number): void {
    const waiting = this.#pending.get(number);
    const parcel = this.exchange.pass(tail, 0);
    if (waiting === undefined) {
      drop(parcel);
      return;
    }
    if (!waiting.wanted || waiting.kind !== (type === "value" ? "announce" : "case"))
      this.exchange.violated(`a value for operation ${number}, which was not asked for`);
    waiting.wanted = false;
    const content = this.#admitted(number, waiting, parcel);
    if (content === undefined || parcel instanceof NetchanError) return;
    const bytes = Math.max(content.bytes, declared);
    if (bytes > waiting.announced) this.exchange.violated(`a value of ${bytes} bytes was announced as ${waiting.announced}`);
    this.#postAsked(number, waiting, content);
    parcel.discard();
  }
  #postAsked(number: number, waiting: Waiting, content: Content): void {
    waiting.passed = true;
    if (waiting.kind === "case") this.up.postValue(`"grant",${this.upId},${number}`, content);
    else this.up.postValue(`"value",${this.upId},${number},${content.bytes}`, content);
  }

  /** What can be written to the home; else the operation is over. */
  #admitted(number: number, waiting: Waiting, parcel: WireParcel | NetchanError): Content | undefined {
    if (parcel instanceof NetchanError) {
      this.#giveUp(number, waiting, parcel);
      return undefined;
    }
    try {
      return this.up.admit(parcel.content());
    } catch (error) {
      parcel.discard();
      if (!NetchanError.is(error)) throw error; // no honest value is too deep to be written
      this.#giveUp(number, waiting, error);
      return undefined;
    }
  }
  /** The home would not take the value: what it knows of the operation is taken back. */
  #giveUp(number: number, { kind, kept }: Waiting, error: NetchanError): void {
    if (kind !== "send" || kept !== undefined) this.up.post(`"${kind === "case" ? "deny" : "cancel"}",${this.upId},${number}`);
    this.#fail(number, error, "not-sent");
    this.#settle(number);
  }

  /** The home is gone: what still comes for it is answered here. */
  #refuse(frame: UserFrame, loss: NetchanError): void {
    if (frame.type === "send") drop(this.exchange.pass(frame.fields[3], frame.fields[2]));
    else if (frame.type === "value") drop(this.exchange.pass(frame.fields[3], 0));
    else if (frame.type === "grant") drop(this.exchange.pass(frame.fields[2], 0));
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
      case "sent":
      case "failed":
      case "withdrawn":
      case "fetch":
      case "claim":
      case "unclaim": {
        const waiting = this.#pending.get(frame.fields[1]);
        if (waiting !== undefined) this.#answered(frame, waiting);
        return;
      }
      case "mute":
        if (this.port.adopted) this.fault(frame);
        this.passDown(frame);
        return;
      case "ended":
        this.passDown(frame);
        return;
      case "released":
        return; // of the relay's own end; its user is gone already
      default:
        this.fault(frame);
    }
  }

  #answered(
    frame: Extract<HomeFrame, { readonly type: "sent" | "failed" | "withdrawn" | "fetch" | "claim" | "unclaim" }>,
    waiting: Waiting,
  ): void {
    const [, number] = frame.fields;
    switch (frame.type) {
      case "sent":
        if (waiting.kind === "case" && !waiting.passed) this.fault(frame);
        this.#settle(number);
        break;
      case "withdrawn":
        if (!waiting.cancelled) this.fault(frame);
        this.#settle(number);
        break;
      case "failed":
        this.#settle(number);
        break;
      case "claim":
        if (waiting.kind !== "case" || waiting.wanted || waiting.passed) this.fault(frame);
        waiting.wanted = true;
        break;
      case "unclaim":
        waiting.passed = false;
        break;
      case "fetch":
        if (waiting.kind === "case") this.fault(frame);
        if (waiting.kept !== undefined) this.#postKept(number, waiting, waiting.kept);
        if (waiting.kind === "send") return;
        waiting.wanted = true;
    }
    this.passDown(frame);
  }
  #postKept(number: number, waiting: Waiting, { parcel, content }: NonNullable<Waiting["kept"]>): void {
    try {
      this.up.admit(content); // what it may hold more of now is less
    } catch (error) {
      this.#giveUp(number, waiting, error as NetchanError);
      return;
    }
    waiting.kept = undefined;
    this.#postAsked(number, waiting, content);
    parcel.discard();
  }

  #settle(number: number): void {
    this.#pending.get(number)?.kept?.parcel.discard();
    if (!this.#pending.delete(number)) return;
    this.up.operations--;
    this.exchange.releaseOperation();
  }

  // ── the end ──

  protected homeLost(loss: NetchanError): void {
    for (const [number, { passed }] of [...this.#pending]) {
      this.#fail(number, loss, passed ? "unknown" : "not-sent");
      this.#settle(number);
    }
  }
  dismiss(): void {
    for (const number of [...this.#pending.keys()]) {
      this.#fail(number, new NetchanError("SESSION_CLOSED", "the session was closed before its home had answered"), "unknown");
      this.#settle(number);
    }
  }
  protected userLeft(): void {
    for (const number of [...this.#pending.keys()]) this.#settle(number);
  }
}
