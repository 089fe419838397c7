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
import type { WireParcel } from "./content.js";
import type { Context, EndUser } from "./context.js";
import type { RemoteReceive } from "./remote-receive.js";
import { announceBytes, type RemoteSend } from "./remote-send.js";
import { Served } from "./served.js";

export class Relay extends Served implements EndUser {
  readonly #up: Context;
  readonly #upId: number;
  /** Operations of the user that the home has not answered; with the value, if it waits here. */
  readonly #pending = new Map<number, WireParcel | undefined>();
  #loss: NetchanError | undefined;

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

  get busy(): boolean {
    return this.#pending.size > 0;
  }

  // ── from the user to the home ──

  frame(frame: UserFrame): void {
    if (this.#loss !== undefined) {
      this.#refuse(frame, this.#loss);
      return;
    }
    switch (frame.type) {
      case "send":
        this.#value(frame.fields[1], frame.fields[2], frame.fields[3]);
        return;
      case "case":
      case "announce":
        this.#begin(frame.fields[1]);
        break;
      case "value": {
        const parcel = this.exchange.pass(frame.fields[3], 0);
        this.#up.postValue(`"value",${this.#upId},${frame.fields[1]},${frame.fields[2]}`, parcel.content());
        parcel.discard();
        return;
      }
      case "grant": {
        const parcel = this.exchange.pass(frame.fields[2], 0);
        this.#up.postValue(`"grant",${this.#upId},${frame.fields[1]}`, parcel.content());
        parcel.discard();
        return;
      }
    }
    this.#up.post(`"${frame.type}",${this.#upId}${more(frame.fields)}`);
  }

  #begin(number: number): void {
    if (this.#pending.has(number)) this.exchange.violated(`operation ${number} is under way already`);
    this.exchange.admitOperation();
    this.#up.operations++;
    this.#pending.set(number, undefined);
  }

  #value(number: number, bytes: number, tail: ValueTail): void {
    this.#begin(number);
    const parcel = this.exchange.pass(tail, bytes);
    const content = parcel.content();
    if (content.bytes > announceBytes || !this.#up.fits(content.bytes)) {
      this.#pending.set(number, parcel);
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
    this.exchange.post(`"failed",${this.id},${number},${JSON.stringify(loss.code)},${JSON.stringify(plainMessage(loss))},"${outcome}"`);
  }

  // ── from the home to the user ──

  homeFrame(frame: HomeFrame): void {
    switch (frame.type) {
      case "offer": {
        const parcel = this.#up.pass(frame.fields[4], 0);
        const [, number, epoch, selectId] = frame.fields;
        this.exchange.postValue(`"offer",${this.id},${number},${epoch},${JSON.stringify(selectId)}`, parcel.content());
        parcel.discard();
        return;
      }
      case "sent":
      case "failed":
      case "withdrawn":
        if (!this.#settle(frame.fields[1])) return;
        break;
      case "fetch": {
        const parcel = this.#pending.get(frame.fields[1]);
        if (parcel === undefined) break;
        this.#pending.set(frame.fields[1], undefined);
        const content = parcel.content();
        this.#up.postValue(`"value",${this.#upId},${frame.fields[1]},${content.bytes}`, content);
        parcel.discard();
        return;
      }
      case "released":
        return; // of the relay's own end; its user is gone already
    }
    this.exchange.post(`"${frame.type}",${this.id}${more(frame.fields)}`);
    this.exchange.idle();
  }

  #settle(number: number): boolean {
    this.#pending.get(number)?.discard();
    if (!this.#pending.delete(number)) return false;
    this.#up.operations--;
    this.exchange.releaseOperation();
    return true;
  }

  // ── the end ──

  /** The home's session is over. */
  sessionEnded(loss: NetchanError): void {
    if (this.#loss !== undefined) return;
    this.#loss = loss;
    for (const [number, parcel] of [...this.#pending]) {
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
