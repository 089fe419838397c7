/**
 * A secret that both sides know, and the proof of knowing it. Layer: peer. Pure.
 * The proof is HMAC-SHA-256, under a key that HKDF draws from the secret, over all that makes one handshake this one: who proves, what
 * each side made up, whom the dialer asked for and what its first frame said. So it is good once, in one direction, at one listener.
 * Source: PROTOCOL.md "Key"; RFC 2104 (HMAC), RFC 5869 (HKDF).
 */
import { hkdf } from "@noble/hashes/hkdf";
import { hmac } from "@noble/hashes/hmac";
import { sha256 } from "@noble/hashes/sha2";
import { sameBytes } from "./secret.js";
import { toHex } from "./session/host.js";
import type { KeyProof, Transcript } from "./session/key-proof.js";

/** Bytes of a secret: what 128 random bits take. A password of that many characters has fewer bits, and is better than a short one. */
const leastBytes = 16;
export class SharedKey implements KeyProof {
  readonly #drawn: Uint8Array;

  /** @throws TypeError for anything but a string or bytes; RangeError for fewer than 16 bytes. Neither repeats what was given. */
  constructor(secret: unknown) {
    if (typeof secret !== "string" && !(secret instanceof Uint8Array))
      throw new TypeError("Expected key to be a string or a Uint8Array of at least 16 bytes");
    const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
    if (bytes.length < leastBytes) throw new RangeError(`Expected key to have at least ${leastBytes} bytes, got ${bytes.length}`);
    this.#drawn = hkdf(sha256, bytes, undefined, "netchan key", 32);
  }

  /** Hex. */
  prove(role: "dialer" | "listener", transcript: Transcript): string {
    return toHex(this.#proof(role, transcript));
  }
  /** @param proof - hex of the right length */
  accepts(proof: string, role: "dialer" | "listener", transcript: Transcript): boolean {
    const shown = Uint8Array.from(proof.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
    return sameBytes(this.#proof(role, transcript), shown);
  }

  #proof(role: string, { version, listener, host, dialerNonce, listenerNonce, greeting }: Transcript): Uint8Array {
    // A list in JSON can be read in one way only.
    const said = JSON.stringify([role, version, dialerNonce, listenerNonce, listener, host, toHex(sha256(greeting))]);
    return hmac(sha256, this.#drawn, said);
  }
}
