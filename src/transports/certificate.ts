/** Certificates of listeners: made for development, and their hashes. Layer: transports, Node only. Keys stay in memory. */
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** PEM, and the hash by which a dialer may know it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the DER form, lower-case hex. */
  readonly hash: string;
}

const hourMs = 3_600_000;
/** Browsers accept a certificate by its hash only if it is valid for at most 14 days (W3C WebTransport section 5.2.1). */
const validityMs = 13 * 24 * hourMs;
/** Clocks that are an hour behind accept it too. */
const startedMs = hourMs;
const ownHosts = ["localhost", "127.0.0.1", "::1"];

/**
 * Makes a self-signed certificate on P-256, valid 13 days, for this machine's loopback names and for `hosts`.
 * Not for production: nobody but who is given its hash, or the certificate itself, has a reason to trust it.
 */
export async function selfSignedCertificate(hosts: readonly string[] = []): Promise<Certificate> {
  const { generate } = await import("selfsigned"); // here, because its ASN.1 costs time and memory that few listeners need
  const start = Date.now() - startedMs;
  // A name of its own: of two authorities with one name OpenSSL looks at the first only.
  const commonName = `netchan development ${randomBytes(4).toString("hex")}`;
  const { cert, private: key } = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(start),
    notAfterDate: new Date(start + validityMs),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [...new Set([...ownHosts, ...hosts])].map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host })),
      },
    ],
  });
  return { cert, key, hash: certificateHash(cert) };
}

/** SHA-256 of the first certificate of a PEM chain, the listener's own; lower-case hex. Throws what Node throws for no certificate. */
export function certificateHash(pem: string): string {
  return createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
}
