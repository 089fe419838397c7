/** The proof of a shared key, as a handshake sees it. Layer: session. What it is made of is in shared-key.ts. Source: PROTOCOL.md "Key". */

/** Bytes that each side makes up for one handshake. */
export const nonceBytes = 32;
/** Bytes of a proof. */
export const proofBytes = 32;

/** One handshake, as both sides saw it. */
export interface Transcript {
  readonly version: number;
  /** The name of the listener. */
  readonly listener: string;
  /** What the dialer dialed, "host" or "host:port"; empty for a link of its own making. */
  readonly host: string;
  /** Hex. */
  readonly dialerNonce: string;
  readonly listenerNonce: string;
  /** The dialer's first batch, as it was sent. */
  readonly greeting: string;
}

export interface KeyProof {
  /** Hex. */
  prove(role: "dialer" | "listener", transcript: Transcript): string;
  /** @param proof - hex of {@link proofBytes} */
  accepts(proof: string, role: "dialer" | "listener", transcript: Transcript): boolean;
}
