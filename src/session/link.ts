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

/** A link that can also be dropped at once: nothing more is sent, and the other side sees a connection that failed. */
export interface HardLink extends Link {
  terminate(): void;
  /** The other side has been admitted: from now on it may send as much as a session may. A transport may be stricter until then. */
  admitted?(): void;
}

/** Tells the transport of a link that whoever is behind it has been admitted. */
export function admit(link: Link): void {
  (link as Partial<HardLink>).admitted?.();
}

/** Closes a link that is not needed, whatever its maker made of `close`. */
export function closeLink(link: Link, reason: string): void {
  try {
    link.close(reason);
  } catch {
    // A link of a user's making: that it cannot be closed keeps nobody from going on.
  }
}

/** Drops a link that may be dead: waiting for its other side to agree would take long. */
export function dropLink(link: Link, reason: string): void {
  const hard = link as Partial<HardLink>;
  if (typeof hard.terminate !== "function") {
    closeLink(link, reason);
    return;
  }
  try {
    hard.terminate();
  } catch {
    // As above.
  }
}

/** Hands a link a batch. @returns what to wait for before the next one, if anything; whatever else a user's `send` returns says nothing. */
export function sendOn(link: Link, batch: string | Uint8Array): Promise<void> | undefined {
  const congestion: unknown = link.send(batch);
  const waits = typeof congestion === "object" && congestion !== null && "then" in congestion;
  return waits ? Promise.resolve(congestion as PromiseLike<void>) : undefined;
}
