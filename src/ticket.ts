/**
 * What lets a dialer come back to its session. Layer: listen.
 * A token is 256 random bits, of which this side keeps only the SHA-256. Each resume brings a new one; the one that was shown stays good
 * until the dialer is heard on the new link, because the answer that carries the new one may be lost.
 * Source: PROTOCOL.md "Resume".
 */
import { sha256 } from "@noble/hashes/sha2";
import { sameBytes } from "./secret.js";
import { type Host, toHex } from "./session/host.js";

const tokenBytes = 32;

export class Ticket {
  #valid: Uint8Array[] = [];

  constructor(readonly host: Host) {}

  /** A new token, beside those that are valid. */
  issue(): string {
    const token = toHex(this.host.randomBytes(tokenBytes));
    this.#valid.push(sha256(token));
    return token;
  }
  accepts(token: string): boolean {
    const hash = sha256(token);
    let found = false;
    for (const valid of this.#valid) found = sameBytes(valid, hash) || found;
    return found;
  }
  /** A token was shown: from now on that one and a new one are valid. */
  rotate(shown: string): string {
    this.#valid = [sha256(shown)];
    return this.issue();
  }
  /** The dialer was heard on the link that brought it `token`, so it has that one. */
  proved(token: string): void {
    if (this.accepts(token)) this.#valid = [sha256(token)];
  }
}
