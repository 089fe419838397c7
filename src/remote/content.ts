/**
 * Values on their way between processes. Layer: remote.
 * {@link Content} is a value ready to be written; {@link WireParcel} one that was read, checked and not yet revived.
 * Invariant: what a parcel's channel ends hold is given back exactly once: by `revive` (to the application) or by `discard`.
 */
import { type Port, endOf } from "../core/end.js";
import type { Parcel } from "../core/waiter.js";
import type { EncodedValue, WireValue } from "../wire/codec.js";
import type { ValueTail } from "../wire/frame.js";
import type { Exchange } from "./exchange.js";
import { RemoteEnd } from "./remote-end.js";

/** A value ready to be written to any session. */
export type Content = EncodedValue;

export class WireParcel implements Parcel {
  #open = true;
  /** One object for the check and for the reviving: the codec remembers by it what it has found. */
  readonly wire: WireValue;

  constructor(
    readonly exchange: Exchange,
    readonly tail: ValueTail,
    readonly ports: readonly Port[],
    /** What it counts in the window of the session that brought it. */
    readonly bytes: number,
    readonly from: unknown,
  ) {
    // Until the value is revived or discarded its ends hold their channels. Those that the frame introduced are counted already.
    for (const port of ports) {
      if (!(port instanceof RemoteEnd)) port.holders?.add();
      else if (port.exchange !== exchange) port.borrow();
    }
    this.wire = { json: tail.json, meta: tail.meta, ends: tail.refs.length, blobs: tail.blobs };
  }

  revive(): unknown {
    if (!this.#open) throw new TypeError("a parcel can be opened once");
    this.#open = false;
    const value = this.exchange.codec.decode(
      this.wire,
      this.ports.map((port) => {
        if (!(port instanceof RemoteEnd)) port.holders?.takeBack();
        else if (port.exchange === this.exchange) port.revived();
        else port.returned();
        return endOf(port);
      }),
    );
    this.exchange.freed(this.bytes);
    return value;
  }

  discard(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const port of this.ports) {
      if (!(port instanceof RemoteEnd)) port.holders?.remove(undefined);
      else if (port.exchange === this.exchange) port.dropped();
      else port.giveBack();
    }
    this.exchange.freed(this.bytes);
  }

  /** The same value for another session; it is not revived on the way. */
  content(): Content {
    const { json, meta, blobs } = this.tail;
    const text = JSON.stringify(json);
    const metaText = meta === undefined ? undefined : JSON.stringify(meta);
    const bytes = text.length + (metaText?.length ?? 0) + blobs.reduce((sum, blob) => sum + blob.length, 0);
    return { json: text, meta: metaText, ends: this.ports, blobs, bytes };
  }
}
