/** Looks over the shoulder of a side that takes a link. */
import type { Link } from "../../src/node.js";

/** The same link, for a listener to accept; `see` is shown each batch that arrives. */
export function watched(link: Link, see: (batch: string | Uint8Array) => void): Link {
  const received = (async function* () {
    for await (const batch of link.received) {
      see(batch);
      yield batch;
    }
  })();
  return { transport: link.transport, send: (bytes) => link.send(bytes), close: (reason) => link.close(reason), received };
}

/** Bytes of a batch on the wire. */
export function sizeOf(batch: string | Uint8Array): number {
  return typeof batch === "string" ? new TextEncoder().encode(batch).length : batch.length;
}
