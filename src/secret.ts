/** Bytes that somebody must not be able to guess one by one. Layer: peer. Pure. */

/** Takes the same time wherever they differ; that the lengths differ is no secret. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  let difference = left.length ^ right.length;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0;
}
