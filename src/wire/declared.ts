/** How large frames are, and how large they say they are: windows count what frames declare. Layer: wire. Pure. PROTOCOL.md section "Frames". */
import type { CaseTail, Control, Frame, ValueTail } from "./frame.js";

/** A frame without its texts and its value: a number, a type, a few counts, and what JSON puts between them. */
const skeletonBytes = 256;
/** A reference, or the length of a sidecar, in a value. */
const referenceBytes = 96;

/** What was asked for, or is the only frame of a link so far. */
export const anySize: ReadonlySet<string> = new Set(["offer", "grant", "try", "gave", "hello", "welcome", "resume", "resumed"]);

function besideBytes({ refs, blobs }: ValueTail): number {
  return referenceBytes * (refs.length + blobs.length);
}
function caseBytes({ send }: CaseTail): number {
  return skeletonBytes + (send === undefined ? 0 : besideBytes(send.value) + 6 * send.size);
}

/**
 * How long a frame may be for what it says of itself. Windows count what frames declare: nobody may declare less than he sends.
 * A character counts as one and takes up to three bytes; in an escape, six.
 */
export function declaredBytes({ number, type, fields }: Frame | Control): number {
  if (anySize.has(type)) return Number.POSITIVE_INFINITY; // asked for
  let bytes = skeletonBytes;
  for (const field of fields) {
    if (typeof field === "string") bytes += 6 * field.length;
    else if (number === undefined)
      continue; // nothing is known of the fields of a control frame yet
    else if (Array.isArray(field)) for (const one of field as readonly CaseTail[]) bytes += caseBytes(one);
    else if (typeof field === "object" && field !== null && "refs" in field) bytes += besideBytes(field as ValueTail);
  }
  return type === "send" || type === "value" ? bytes + 6 * fields[2] : bytes;
}

export function actualBytes(given: unknown, { fields }: Frame | Control): number {
  const tails = fields.flatMap((field: unknown) => (Array.isArray(field) ? (field as CaseTail[]).map(({ send }) => send?.value) : [field]));
  let bytes = JSON.stringify(given).length;
  for (const tail of tails as (ValueTail | undefined)[])
    if (typeof tail === "object" && tail !== null && "blobs" in tail) for (const blob of tail.blobs) bytes += blob.length;
  return bytes;
}
