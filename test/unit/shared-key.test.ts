/** The proof of a shared secret: that it is the one PROTOCOL.md describes, and that everything in it counts. */
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Transcript } from "../../src/session/key-proof.js";
import { SharedKey } from "../../src/shared-key.js";

const secret = "sixteen bytes or more";
const transcript: Transcript = {
  version: 1,
  listener: "fedcba9876543210".repeat(2),
  host: "example.com:8443",
  dialerNonce: "ab".repeat(32),
  listenerNonce: "cd".repeat(32),
  greeting: `[["hello",{"version":1}]]`,
};

/** Written anew from PROTOCOL.md "Key", with Node's own cryptography. */
function asSpecified(role: string, key: string | Uint8Array, t: Transcript): string {
  const drawn = Buffer.from(hkdfSync("sha256", key, "", "netchan key", 32));
  const first = createHash("sha256").update(t.greeting, "utf8").digest("hex");
  const said = `["${role}",${t.version},"${t.dialerNonce}","${t.listenerNonce}","${t.listener}","${t.host}","${first}"]`;
  return createHmac("sha256", drawn).update(said, "utf8").digest("hex");
}

describe("a proof", () => {
  it.each(["dialer", "listener"] as const)("is what PROTOCOL.md says, for the %s", (role) => {
    const proof = asSpecified(role, secret, transcript);
    expect(new SharedKey(secret).prove(role, transcript)).toBe(proof);
    expect(new SharedKey(secret).accepts(proof, role, transcript)).toBe(true);
  });
  it("stays the same for ever", () => {
    expect(new SharedKey(secret).prove("dialer", transcript)).toBe("6b5fee8f8814755725a0764a9d91c32cce048a06fbd76ced6d0f357955464534");
  });
  it("is the same for a text and for its bytes in UTF-8", () => {
    const text = "schlüsselschlüssel";
    expect(new SharedKey(new TextEncoder().encode(text)).prove("dialer", transcript)).toBe(asSpecified("dialer", text, transcript));
  });
  it.each([
    ["another secret", { key: new SharedKey("another secret, as long") }],
    ["the other role", { role: "listener" as const }],
    ["another version", { version: 2 }],
    ["another listener", { listener: "0".repeat(32) }],
    ["another host", { host: "evil.example:8443" }],
    ["another nonce of the dialer", { dialerNonce: "ac".repeat(32) }],
    ["another nonce of the listener", { listenerNonce: "dd".repeat(32) }],
    ["another first frame", { greeting: `[["hello",{"version":1,"credentials":1}]]` }],
  ])("is none for %s", (_name, change) => {
    const { key, role, ...more } = { key: new SharedKey(secret), role: "dialer" as const, ...change };
    const proof = new SharedKey(secret).prove("dialer", transcript);
    expect(key.accepts(proof, role, { ...transcript, ...more })).toBe(false);
  });
  it("is none when one digit is wrong, or when it is too short or too long", () => {
    const key = new SharedKey(secret);
    const proof = key.prove("dialer", transcript);
    for (let at = 0; at < proof.length; at++) {
      const digit = proof[at] === "0" ? "1" : "0";
      expect(key.accepts(proof.slice(0, at) + digit + proof.slice(at + 1), "dialer", transcript)).toBe(false);
    }
    for (const other of ["", proof.slice(2), `${proof}00`]) expect(key.accepts(other, "dialer", transcript)).toBe(false);
  });
});

describe("a secret", () => {
  it("has at least 16 bytes", () => {
    expect(() => new SharedKey("x".repeat(15))).toThrow(RangeError);
    expect(() => new SharedKey("ü".repeat(8))).not.toThrow();
    expect(() => new SharedKey(new Uint8Array(15))).toThrow(RangeError);
    expect(() => new SharedKey(new Uint8Array(16))).not.toThrow();
  });
  it.each([[1], [true], [null], [{}], [["x"]], [new ArrayBuffer(32)]])("is a text or bytes, not %j", (given) => {
    expect(() => new SharedKey(given)).toThrow(TypeError);
  });
  it("is taken when it is given: later changes of the bytes do not count, and no error shows it", () => {
    const bytes = new Uint8Array(16).fill(7);
    const key = new SharedKey(bytes);
    const before = key.prove("dialer", transcript);
    bytes.fill(8);
    expect(key.prove("dialer", transcript)).toBe(before);
    const short = "hunter2";
    expect(() => new SharedKey(short)).toThrow(expect.not.objectContaining({ message: expect.stringContaining(short) as string }));
    expect(JSON.stringify(key)).toBe("{}");
  });
});
