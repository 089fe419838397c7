import { describe, expect, it } from "vitest";
import { originCheck } from "../../../src/transports/origins.js";

describe("originCheck by default", () => {
  const check = originCheck(undefined);
  it.each([
    ["no Origin: not a browser", undefined, "example.com", true],
    ["the own host", "https://example.com", "example.com", true],
    ["the own host and port", "http://example.com:8080", "example.com:8080", true],
    ["the port that the scheme implies", "https://example.com", "example.com:443", true],
    ["another case", "https://EXAMPLE.com", "Example.COM", true],
    ["IPv6", "http://[::1]:80", "[::1]", true],
    ["another port", "http://example.com:8081", "example.com:8080", false],
    ["no port where there is one", "http://example.com", "example.com:8080", false],
    ["another host", "https://evil.com", "example.com", false],
    ["a subdomain", "https://a.example.com", "example.com", false],
    ["a suffix", "https://example.com.evil.com", "example.com", false],
    ["null", "null", "example.com", false],
    ["null as the host", "null", "null", false],
    ["nothing", "", "", false],
    ["two origins", "https://example.com, https://evil.com", "example.com", false],
    ["a user", "https://example.com@evil.com", "evil.com", false],
    ["a path", "https://example.com/", "example.com", false],
    ["a scheme of its own", "app://example.com", "example.com", false],
    ["no Host", "https://example.com", undefined, false],
    ["a Host that is a URL", "https://example.com", "example.com/x", false],
    ["a Host with a user", "https://example.com", "x@example.com", false],
  ])("%s", (_name, origin, host, allowed) => {
    expect(check(origin, host)).toBe(allowed);
  });
});

describe("originCheck with a list", () => {
  const check = originCheck(["https://Example.com", "http://localhost:5173", "https://port.example:443"]);
  it.each([
    ["listed", "https://example.com", true],
    ["listed in another case", "HTTPS://EXAMPLE.COM", true],
    ["listed with its implied port", "https://example.com:443", true],
    ["listed with a port", "http://localhost:5173", true],
    ["listed with an implied port", "https://port.example", true],
    ["absent", undefined, true],
    ["another scheme", "http://example.com", false],
    ["another port", "http://localhost:5174", false],
    ["a subdomain", "https://a.example.com", false],
    ["the own host, not listed", "https://own.example", false],
    ["null", "null", false],
    ["rubbish", "::::", false],
    ["__proto__", "__proto__", false],
  ])("%s", (_name, origin, allowed) => {
    expect(check(origin, "own.example")).toBe(allowed);
  });

  it("lets null in when it is listed", () => {
    expect(originCheck(["null"])("null", "x")).toBe(true);
  });
  it("lets no page in when it is empty", () => {
    expect(originCheck([])("https://x", "x")).toBe(false);
  });
  it.each(["example.com", "https://example.com/", "https://example.com/path", "*", "", 5])("refuses the entry %j", (entry) => {
    expect(() => originCheck([entry as string])).toThrow(TypeError);
  });
});

describe('originCheck with "*"', () => {
  it.each(["https://evil.com", "null", "", undefined])("lets %j in", (origin) => {
    expect(originCheck("*")(origin, "x")).toBe(true);
  });
  it("is a word, not a list", () => {
    expect(() => originCheck("https://x" as "*")).toThrow(TypeError);
  });
});
