/**
 * Serves an end whose channel lives in a third process: passes frames on, both ways, and decides nothing. Layer: remote.
 *
 *     user ──frames──▶ relay ──frames──▶ home        The relay has an end of its own at the home (a fork of the one it was given), so
 *     user ◀──frames── relay ◀──frames── home        that demand, offers and operations of its user are one to one with the home's.
 *
 * What both kinds have in common; relay-send.ts and relay-receive.ts are the kinds. Either side would hold this process to blame for what
 * the other sends through it: so each frame is checked here as its receiver would, and a fault ends the session that it came over.
 * Invariant: a value is never revived here. Source: PROTOCOL.md "Relays".
 */
import { type NetchanError, plainMessage } from "../errors.js";
import type { HomeFrame } from "../wire/frame.js";
import { WireParcel } from "./content.js";
import type { Context, EndUser } from "./context.js";
import type { RemoteReceive } from "./remote-receive.js";
import type { RemoteSend } from "./remote-send.js";
import { Served } from "./served.js";

export abstract class Relay extends Served implements EndUser {
  protected readonly up: Context;
  protected readonly upId: number;
  /** The home's session is over. */
  protected loss: NetchanError | undefined;
  /** The user is gone: the fork means nothing any more. */
  protected gone = false;

  constructor(
    readonly exchange: Context,
    id: number,
    override readonly port: RemoteSend | RemoteReceive,
  ) {
    super(id, port);
    this.up = port.exchange;
    this.upId = this.up.fork(port.id, this);
    port.borrow(); // the end may come home over this session: then it has to work, whoever let go of it meanwhile
  }

  /** Something has come from the home that no honest one sends. */
  protected fault(frame: HomeFrame): never {
    return this.up.violated(`a ${frame.type} frame that a ${this.port.kind} end cannot get now`);
  }
  /** Passes a frame of the home on as it came. */
  protected passDown(frame: HomeFrame): void {
    this.exchange.post(`"${frame.type}",${this.id}${more(frame.fields)}`);
    this.exchange.idle();
  }

  abstract homeFrame(frame: HomeFrame): void;

  part(loss: NetchanError): void {
    if (this.loss !== undefined) return;
    this.parting(loss);
    this.sessionEnded(loss);
  }
  /** Tells the home what it could not know otherwise. */
  protected parting(_loss: NetchanError): void {}

  /** The home's session is over. */
  sessionEnded(loss: NetchanError): void {
    if (this.loss !== undefined) return;
    this.loss = loss;
    this.homeLost(loss);
    this.exchange.post(
      `"${this.port.kind === "send" ? "ended" : "done"}",${this.id},${JSON.stringify(loss.code)},${JSON.stringify(plainMessage(loss))}`,
    );
  }
  protected abstract homeLost(loss: NetchanError): void;

  /** The user is gone. */
  left(loss: NetchanError | undefined, graceful: boolean): void {
    this.gone = true;
    this.userLeft();
    this.port.giveBack();
    if (this.loss === undefined) this.up.unfork(this.upId, graceful ? undefined : loss);
  }
  protected abstract userLeft(): void;
}

/** The fields of a frame behind its id, as they came. */
export function more(fields: readonly unknown[]): string {
  let text = "";
  for (const field of fields.slice(1)) text += `,${JSON.stringify(field)}`;
  return text;
}

/** Nobody will have it. */
export function drop(parcel: WireParcel | NetchanError): void {
  if (parcel instanceof WireParcel) parcel.discard();
}
