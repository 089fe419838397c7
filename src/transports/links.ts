/**
 * What the transports of this folder have in common: links that can be dropped, servers that hand out links, and the cutting of
 * close reasons. Layer: transports; imports the seam (session/link.ts) and nothing else.
 */
export type { HardLink } from "../session/link.js";

/** Accepts links at one address until it is closed. */
export interface LinkServer {
  /** As it can be dialed. Read it when it is needed: a shared server that does not listen yet has no address. */
  readonly urls: readonly string[];
  /** SHA-256 (lower-case hex) of the certificate served; undefined without TLS and on a shared server. */
  readonly certificateHash: string | undefined;
  /** Stops accepting, drops the links that are still open and frees everything. Settles when that is done; idempotent. */
  close(): Promise<void>;
}

/** A close reason's limit: 125 bytes of a control frame less the 2 of the code. RFC 6455 section 5.5. */
export const maxReasonBytes = 125 - 2;

/** The longest start of `reason` that fits into a close frame, cut between code points. Pure. */
export function cutReason(reason: string): string {
  return reason.slice(0, new TextEncoder().encodeInto(reason, new Uint8Array(maxReasonBytes)).read);
}

/** What was thrown or emitted as an Error; text for whoever reads the log. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
