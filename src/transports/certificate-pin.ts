/**
 * Trust in one certificate, known by its hash, instead of in authorities. Layer: transports; no import of Node, because `websocket.ts`
 * is also bundled for browsers: it works on the objects that `ws` hands over.
 * Invariant: the option that switches verification by authorities off is made only here, together with the check that takes its
 * place; and whoever uses these options asks `held()` before the connection is used, so that a `ws` without the hook fails closed.
 */

/** The parts of Node's ClientRequest and TLSSocket that are used. */
interface PinnedRequest {
  once(event: "socket", listener: (socket: PinnedSocket) => void): unknown;
  end(): void;
  destroy(error: Error): void;
}
interface PinnedSocket {
  once(event: "secureConnect", listener: () => void): unknown;
  getPeerX509Certificate(): { readonly fingerprint256: string } | undefined;
}

/** Options for `ws`, and what came of them. */
export interface CertificatePin {
  readonly options: { readonly rejectUnauthorized: boolean; readonly finishRequest: (request: PinnedRequest) => void };
  /** Has the other side proven that it is the pinned one? */
  held(): boolean;
}

/**
 * SHA-256 as 64 lower-case hex digits, however it was written: case, colons and spaces do not count. Pure.
 * @throws TypeError for anything else.
 */
export function parseCertificateHash(hash: string): string {
  const digits = typeof hash === "string" ? hash.replace(/[:\s]/g, "").toLowerCase() : "";
  if (/^[\da-f]{64}$/.test(digits)) return digits;
  throw new TypeError(
    `Expected certificateHash to be a SHA-256 of 64 hex digits, got ${typeof hash === "string" ? `"${hash}"` : typeof hash}`,
  );
}

/**
 * Holds the HTTP request back until the TLS handshake is done and the certificate is the one with this `hash`: before that nothing
 * but the handshake itself is sent. That the other side has the certificate's key is proven by every TLS handshake.
 * @param alsoByAuthority - the user named authorities as well: then both must agree
 */
export function pinCertificate(hash: string, alsoByAuthority: boolean): CertificatePin {
  let held = false;
  return {
    held: () => held,
    options: {
      rejectUnauthorized: alsoByAuthority,
      finishRequest(request) {
        request.once("socket", (socket) => {
          socket.once("secureConnect", () => {
            const seen = socket.getPeerX509Certificate()?.fingerprint256;
            held = seen !== undefined && parseCertificateHash(seen) === hash;
            if (held) request.end();
            else request.destroy(new Error(`Expected a certificate with SHA-256 ${hash}, got ${seen}`));
          });
        });
      },
    },
  };
}
