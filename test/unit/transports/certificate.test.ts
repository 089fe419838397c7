import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { certificateHash, selfSignedCertificate } from "../../../src/transports/certificate.js";
import { parseCertificateHash } from "../../../src/transports/certificate-pin.js";

const day = 86_400_000;

describe("selfSignedCertificate", () => {
  it("is of P-256, for 13 days, for the loopback names and the hosts given", async () => {
    const { cert, key, hash } = await selfSignedCertificate(["example.com", "10.0.0.1", "localhost"]);
    const parsed = new X509Certificate(cert);
    expect(parsed.publicKey.asymmetricKeyType).toBe("ec");
    expect(parsed.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.ca).toBe(false);
    expect(Date.parse(parsed.validTo) - Date.parse(parsed.validFrom)).toBe(13 * day);
    expect(Date.parse(parsed.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(parsed.validTo)).toBeGreaterThan(Date.now() + 12 * day);
    expect(parsed.subjectAltName?.split(", ")).toEqual([
      "DNS:localhost",
      "IP Address:127.0.0.1",
      "IP Address:0:0:0:0:0:0:0:1",
      "DNS:example.com",
      "IP Address:10.0.0.1",
    ]);
    expect(hash).toBe(parseCertificateHash(parsed.fingerprint256));
  });

  it("is another one each time", async () => {
    const [one, two] = await Promise.all([selfSignedCertificate(), selfSignedCertificate()]);
    expect(one.hash).not.toBe(two.hash);
    expect(one.key).not.toBe(two.key);
  });
});

describe("certificateHash", () => {
  it("is of the DER form of the first certificate", async () => {
    const [one, two] = await Promise.all([selfSignedCertificate(), selfSignedCertificate()]);
    const der = Buffer.from(one.cert.replace(/-----[^-]+-----|\s/g, ""), "base64");
    expect(certificateHash(`${one.cert}\n${two.cert}`)).toBe(createHash("sha256").update(der).digest("hex"));
  });
  it("refuses what is no certificate", () => {
    expect(() => certificateHash("nothing")).toThrow();
  });
});

describe("parseCertificateHash", () => {
  const hash = "0123456789abcdef".repeat(4);
  it.each([hash, hash.toUpperCase(), hash.replace(/..(?=.)/g, "$&:"), hash.replace(/..(?=.)/g, "$& ")])("reads %s", (text) => {
    expect(parseCertificateHash(text)).toBe(hash);
  });
  it.each(["", "0", hash.slice(1), `${hash}0`, `${hash.slice(1)}g`, "sha256:x", 5, null, undefined])("refuses %j", (text) => {
    expect(() => parseCertificateHash(text as string)).toThrow(TypeError);
  });
});
