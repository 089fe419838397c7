/**
 * The seam between netchan and any network: one live connection that carries whole batches, in order. Layer: session.
 * Transports implement it and know nothing else of netchan; `Link` itself is public (contract.ts).
 *
 * What a link promises: batches arrive whole, once, in the order of `send`; text arrives as string and bytes as Uint8Array;
 * `received` ends when the other side closed the link, and throws when the connection failed; `send` returns a promise while the
 * connection is congested and never throws: sending on a dead link does nothing, because `received` tells of its death.
 */
import type { Link } from "../contract.js";

export type { Link };

/** What is known of the other side before it has said a word. Filled by a transport that accepts connections. */
export interface LinkRequest {
  /** The browser's Origin header, absent when there is none. */
  readonly origin?: string;
  readonly remoteAddress?: string;
  /** Path and query of the request. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}
