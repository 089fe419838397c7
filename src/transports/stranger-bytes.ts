/** What a connection may bring before somebody knows whose it is. Layer: transports, Node only. */
import type { Duplex } from "node:stream";

/**
 * Bytes: a first frame of 4,096 UTF-16 units, of three bytes each, and a proof, with room for what stands around them. Without this limit
 * a stranger could fill a whole frame (`maxFrameBytes`) before anybody looks at it.
 */
export const mostStrangerBytes = 16 * 1024;

/**
 * Drops the connection when it brings more; what came with the upgrade is put back into `socket` and counts as well.
 * @returns what to call once it is known
 */
export function limitStranger(socket: Duplex): () => void {
  let bytes = 0;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    if (bytes > mostStrangerBytes) socket.destroy();
  };
  socket.on("data", count);
  return () => socket.off("data", count);
}
