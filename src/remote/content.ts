/**
 * Values on their way between processes. Layer: remote.
 * {@link Content} is a value ready to be written; {@link WireParcel} one that was read, checked and not yet revived.
 * Invariant: what a parcel's channel ends hold is given back exactly once: by `revive` (to the application) or by `discard`.
 */
import type { Limits } from "../contract.js";
import { endOf, type Port } from "../core/end.js";
import type { Parcel } from "../core/offered.js";
import { NetchanError } from "../errors.js";
import type { Codec, EncodedValue, WireValue } from "../wire/codec.js";
import type { ValueTail } from "../wire/frame.js";

/** A value ready to be written to any session. */
export type Content = EncodedValue;

/** The session that brought a parcel, as the parcel sees it. */
export interface ParcelOwner {
  readonly codec: Codec;
  /** So many bytes that the window counts have left. */
  freed(bytes: number): void;
}

export class WireParcel implements Parcel {
  #open = true;
  /** One object for the check and for the reviving: the codec remembers by it what it has found. */
  readonly wire: WireValue;

  constructor(
    readonly owner: ParcelOwner,
    readonly tail: ValueTail,
    readonly ports: readonly Port[],
    /** What it counts in the window of the session that brought it. */
    readonly bytes: number,
    readonly from: unknown,
  ) {
    this.wire = { json: tail.json, meta: tail.meta, ends: tail.refs.length, blobs: tail.blobs };
    for (const port of ports) port.travel?.left(owner);
  }

  /** What a schema has made of it. */
  #examined: { readonly value: unknown } | undefined;

  /** The value, for a look at it: nobody has it yet. */
  examine(): unknown {
    return this.owner.codec.decode(this.wire, this.ports.map(endOf));
  }
  examined(value: unknown): void {
    this.#examined = { value };
  }

  revive(): unknown {
    if (!this.#open) throw new TypeError("a parcel can be opened once");
    let value: unknown;
    try {
      value = this.#examined === undefined ? this.examine() : this.#examined.value;
    } catch (error) {
      this.discard(); // a custom type refuses now what it accepted before
      throw error;
    }
    this.#open = false;
    for (const port of this.ports) port.travel?.arrived(this.owner);
    this.owner.freed(this.bytes);
    return value;
  }

  another(): unknown {
    const value = this.#examined === undefined ? this.examine() : this.#examined.value;
    const receiver = {};
    for (const port of this.ports) {
      port.travel?.left(receiver);
      port.travel?.arrived(receiver);
    }
    return value;
  }

  discard(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const port of this.ports) port.travel?.dropped(this.owner);
    this.owner.freed(this.bytes);
  }

  /**
   * The same value for another session; it is not revived on the way.
   * @throws NetchanError `ENCODE_FAILED` when what a schema has made of it cannot be sent
   */
  content(): Content {
    if (this.#examined !== undefined) return this.owner.codec.encode(this.#examined.value);
    const { json, meta, blobs } = this.tail;
    const text = JSON.stringify(json);
    const metaText = meta === undefined ? undefined : JSON.stringify(meta);
    const bytes = text.length + (metaText?.length ?? 0) + blobs.reduce((sum, blob) => sum + blob.length, 0);
    return { json: text, meta: metaText, ends: this.ports, blobs, bytes };
  }
}

/**
 * A value, however it came to this process, ready for a session.
 * @throws NetchanError `ENCODE_FAILED`, `LIMIT_EXCEEDED`
 */
export function contentFor(
  session: { encode(value: unknown): Content; admit(content: Content): Content },
  { parcel, value }: { readonly parcel: Parcel | undefined; readonly value: unknown },
): Content {
  return parcel === undefined ? session.encode(value) : session.admit(parcel.content() as Content);
}

/** Room in a batch for what stands around a value: its frame's other fields, an acknowledgement, the references of its ends. */
const frameBytes = 2 * 1024;

/** A reference to an end, or the length of a sidecar. */
const referenceBytes = 32;

/** What a value takes on the wire; `bytes` counts a character as one, and it may take three. */
function exactBytes({ json, meta, blobs }: Content): number {
  const text = new TextEncoder();
  return blobs.reduce((sum, blob) => sum + blob.length, text.encode(json).length + text.encode(meta ?? "").length);
}

/**
 * Would the other side take a value of this size?
 * @throws NetchanError `LIMIT_EXCEEDED`
 */
export function checkSize(content: Content, limits: Pick<Limits, "maxValueBytes" | "maxFrameBytes">): void {
  const most = Math.min(limits.maxValueBytes, limits.maxFrameBytes - frameBytes);
  const beside = referenceBytes * (content.ends.length + content.blobs.length);
  if (content.bytes * 3 + beside <= most) return;
  const bytes = Math.max(content.bytes, exactBytes(content)) + beside;
  if (bytes > most)
    throw new NetchanError("LIMIT_EXCEEDED", `the value takes ${bytes} bytes, the other side accepts ${most}`, { outcome: "not-sent" });
}
