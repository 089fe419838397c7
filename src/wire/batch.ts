/**
 * Batches: what one link carries at once, all frames of one turn. Layer: wire. Pure. PROTOCOL.md section "Frames".
 *
 * A batch is the text of a JSON array of frames; with binary sidecars it is bytes: the length of that text (4 bytes, big endian), the
 * text in UTF-8, then the sidecars in the order of the frames they belong to.
 */
import { NetchanError } from "../errors.js";
import { actualBytes, anySize, declaredBytes } from "./declared.js";
import { type Control, type Frame, readFrame, Sidecars, violation } from "./frame.js";
import { hasMoreParts } from "./parts.js";

/** Frames of one batch: a sender begins another. */
export const mostFrames = 10_000;
/** What a value of so many nodes may have in parts: brackets, elements, and in its meta a path and a type for each. */
const partsPerNode = 5;
/** What is not of a value: the fields of all frames. */
const partsBeside = 10 * mostFrames;

/**
 * Reads a batch: its frames in order, every field of the right kind.
 * @param maxNodes - of a value, as the limits have it
 * @throws NetchanError `LIMIT_EXCEEDED` for too many frames, and for more in them than values of that size can hold; `PROTOCOL_VIOLATION` for anything else
 */
export function readBatch(batch: string | Uint8Array, maxNodes: number): (Frame | Control)[] {
  let text: string;
  let sidecars = new Sidecars(undefined, 0);
  if (typeof batch === "string") text = batch;
  else {
    if (batch.length < 4) throw violation("a batch is too short");
    const length = new DataView(batch.buffer, batch.byteOffset, batch.length).getUint32(0);
    if (length > batch.length - 4) throw violation("a batch is shorter than it says");
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(batch.subarray(4, 4 + length));
    } catch {
      throw violation("a batch is not valid UTF-8");
    }
    sidecars = new Sidecars(batch, 4 + length);
  }
  if (hasMoreParts(text, partsPerNode * maxNodes + partsBeside))
    throw new NetchanError("LIMIT_EXCEEDED", "a batch has more parts than its frames and a value can have");
  let frames: unknown;
  try {
    frames = JSON.parse(text);
  } catch {
    throw violation("a batch is not valid JSON");
  }
  if (!Array.isArray(frames) || frames.length === 0) throw violation("a batch is not a list of frames");
  if (frames.length > mostFrames) throw new NetchanError("LIMIT_EXCEEDED", `a batch has more than ${mostFrames} frames`);
  const read = frames.map((frame) => readFrame(frame, sidecars));
  if (sidecars.left > 0) throw violation("a batch has bytes that no frame names");
  // What windows count is what the frames say of themselves: they may not understate it.
  let declared = 0;
  let unmeasured = false;
  for (const frame of read) {
    if (anySize.has(frame.type)) unmeasured = true;
    else declared += declaredBytes(frame);
  }
  if (declared >= batch.length) return read;
  // Beside a frame that may be of any size each other one has to account for itself.
  if (!unmeasured || read.some((frame, index) => !anySize.has(frame.type) && actualBytes(frames[index], frame) > declaredBytes(frame)))
    throw violation("a batch is larger than its frames say");
  return read;
}

/** Joins encoded frames and their sidecars into a batch. */
export function writeBatch(frames: readonly string[], blobs: readonly Uint8Array[]): string | Uint8Array {
  const text = `[${frames.join(",")}]`;
  if (blobs.length === 0) return text;
  const json = new TextEncoder().encode(text);
  const batch = new Uint8Array(4 + json.length + blobs.reduce((sum, blob) => sum + blob.length, 0));
  new DataView(batch.buffer).setUint32(0, json.length);
  batch.set(json, 4);
  let at = 4 + json.length;
  for (const blob of blobs) {
    batch.set(blob, at);
    at += blob.length;
  }
  return batch;
}
