/**
 * Values as they come off the frames of one session: counted in its window, their references counted, and checked. Layer: remote.
 * Invariant: what a frame brought that breaks the rules half way holds nothing any more. Source: PROTOCOL.md "Windows", "Values".
 */
import type { Port } from "../core/end.js";
import { NetchanError } from "../errors.js";
import type { EndRef, ValueTail } from "../wire/frame.js";
import { type ParcelOwner, WireParcel } from "./content.js";
import { ReceiveWindow } from "./windows.js";

/** The session, as the owner of its values. */
interface Owner extends ParcelOwner {
  violated(what: string, code: "LIMIT_EXCEEDED"): never;
}

export class Intake {
  readonly #window: ReceiveWindow;
  /** Values that the present frame brought. */
  readonly #accepted: WireParcel[] = [];

  constructor(
    readonly owner: Owner,
    windowBytes: number,
    /** The end that a reference means. Counts the reference. */
    readonly port: (ref: EndRef) => Port,
  ) {
    this.#window = new ReceiveWindow(windowBytes);
  }

  /** The frame has taken effect: its values are others' to discard. */
  done(): void {
    this.#accepted.length = 0;
  }
  /** It has not: what its values hold must not outlive it. */
  undo(): void {
    for (const parcel of this.#accepted.splice(0)) parcel.discard();
  }

  accept(tail: ValueTail, bytes: number, from: unknown): WireParcel | NetchanError {
    const parcel = this.parcel(tail, bytes, from);
    const fault = this.#fault(parcel);
    if (fault === undefined) return parcel;
    parcel.discard();
    return fault;
  }
  /** What this process does not know its receiver may; what nobody honest sends, and what is over a limit, goes no further. */
  pass(tail: ValueTail, bytes: number, from: unknown): WireParcel | NetchanError {
    const parcel = this.parcel(tail, bytes, from);
    const fault = this.#fault(parcel);
    if (fault?.code !== "LIMIT_EXCEEDED") return parcel;
    parcel.discard();
    return fault;
  }
  #fault(parcel: WireParcel): NetchanError | undefined {
    const kinds = parcel.ports.map((port) => port.kind);
    try {
      this.owner.codec.check(parcel.wire, kinds);
      return undefined;
    } catch (error) {
      if (NetchanError.is(error) && error.code !== "PROTOCOL_VIOLATION") return error;
      parcel.discard();
      throw error;
    }
  }
  /** The value unchecked, for what is only counted and dropped. */
  parcel(tail: ValueTail, bytes: number, from: unknown): WireParcel {
    const ports = tail.refs.map(this.port);
    if (bytes > 0 && !this.#window.arrive(bytes)) this.owner.violated("more bytes than the window allows", "LIMIT_EXCEEDED");
    const parcel = new WireParcel(this.owner, tail, ports, bytes, from);
    this.#accepted.push(parcel);
    return parcel;
  }

  /** A value has left. @returns the new grant, if it is worth a frame */
  freed(bytes: number): number | undefined {
    return bytes === 0 ? undefined : this.#window.free(bytes);
  }
  get waiting(): number {
    return this.#window.waiting;
  }
}
