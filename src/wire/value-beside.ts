/**
 * What travels beside a value's JSON, which holds only its index: channel ends and bytes. Layer: wire.
 * Invariant: an index is used for one end only, and for one piece of binary only.
 */
import type { Port } from "../core/end.js";
import { elementBytes, viewKind } from "./value-rules.js";

/** Binary as the user gave it: what kind it is, and its bytes, still in place. */
export interface Binary {
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** undefined for what is no binary; `"foreign"` for a class of its own over one, which would arrive as another class. */
export function binaryOf(value: object): Binary | "foreign" | undefined {
  const kind = value instanceof ArrayBuffer ? "ArrayBuffer" : viewKind(value);
  if (kind === undefined || elementBytes(kind) === 0) return undefined;
  // Of the classes that extend a built-in one only Node's Buffer is known to be nothing but its bytes.
  const { name } = value.constructor;
  if (name !== kind && name !== "Buffer") return "foreign";
  if (kind === "ArrayBuffer") return { kind, bytes: new Uint8Array(value as ArrayBuffer) };
  const view = value as Uint8Array;
  return { kind, bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) };
}

export class Beside {
  readonly ends: Port[] = [];
  readonly blobs: Uint8Array[] = [];
  blobBytes = 0;
  readonly #endIndexes = new Map<Port, number>();

  addEnd(port: Port): number {
    const known = this.#endIndexes.get(port);
    if (known !== undefined) return known;
    const index = this.ends.push(port) - 1;
    this.#endIndexes.set(port, index);
    return index;
  }

  /** Copies the bytes: later changes to them do not travel, and of a view only its own part does. */
  addBytes(bytes: Uint8Array): number {
    this.blobBytes += bytes.byteLength;
    return this.blobs.push(bytes.slice()) - 1;
  }
}
