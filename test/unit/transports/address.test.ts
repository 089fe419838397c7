import { describe, expect, it } from "vitest";
import { dialableUrl, isLoopback, parseDialAddress, parseListenAddress } from "../../../src/transports/address.js";

describe("parseDialAddress", () => {
  it.each([
    ["localhost:8080", "ws:", "ws://localhost:8080/"],
    ["localhost:80", "ws:", "ws://localhost/"],
    ["app.localhost:8080", "ws:", "ws://app.localhost:8080/"],
    ["127.0.0.1:8080", "ws:", "ws://127.0.0.1:8080/"],
    ["127.8.9.10:8080", "ws:", "ws://127.8.9.10:8080/"],
    ["[::1]:8080", "ws:", "ws://[::1]:8080/"],
    ["example.com:8080", "wss:", "wss://example.com:8080/"],
    ["example.com:80", "wss:", "wss://example.com:80/"],
    ["example.com:443", "wss:", "wss://example.com/"],
    ["127.0.0.1.example.com:1", "wss:", "wss://127.0.0.1.example.com:1/"],
    ["localhost.example.com:1", "wss:", "wss://localhost.example.com:1/"],
    ["notlocalhost:1", "wss:", "wss://notlocalhost:1/"],
    ["0.0.0.0:1", "wss:", "wss://0.0.0.0:1/"],
    ["[fe80::1]:1", "wss:", "wss://[fe80::1]:1/"],
    ["ws://example.com", "ws:", "ws://example.com/"],
    ["WSS://Example.COM/Room?x=1", "wss:", "wss://example.com/Room?x=1"],
    ["https://example.com:4433", "https:", "https://example.com:4433/"],
  ])("reads %s", (address, scheme, url) => {
    expect(parseDialAddress(address)).toEqual({ scheme, url });
  });

  it("takes a URL", () => {
    expect(parseDialAddress(new URL("wss://example.com/room"))).toEqual({ scheme: "wss:", url: "wss://example.com/room" });
  });

  it.each([
    ["", "Expected an address such as"],
    ["localhost", "Expected an address such as"],
    ["localhost:8080/path", "Expected an address such as"],
    ["//localhost:8080", "Expected an address such as"],
    ["localhost?:80", "Expected an address such as"],
    ["mailto:me", "Expected an address such as"],
    ["ftp://example.com", 'got "ftp://example.com"'],
    ["javascript://example.com", "Expected an address such as"],
    ["ws://", "Expected an address such as"],
    [" ws://example.com", "Expected an address such as"],
    ["ws://exam\tple.com", "Expected an address such as"],
    ["ws:\\\\example.com", "Expected an address such as"],
    ["http://localhost:8080", "Expected ws: (WebSocket without TLS) instead of http:"],
    ["ws://me:secret@example.com", "use the credentials option"],
    ["me@example.com:80", "use the credentials option"],
    ["ws://example.com#part", "without a fragment"],
    ["ws://example.com#", "without a fragment"],
  ])("refuses %j", (address, message) => {
    expect(() => parseDialAddress(address)).toThrow(TypeError);
    expect(() => parseDialAddress(address)).toThrow(message);
  });

  it.each(["ws://me:secret@example.com:99999", "me:secret@example.com:1", "ftp://me:secret@x", "ws://me:secret@"])(
    "repeats no password of %s",
    (address) => {
      let message = "secret";
      try {
        parseDialAddress(address);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).not.toContain("secret");
    },
  );

  it.each(["ws://example.com:65536", "example.com:65536", "localhost:0", "ws://localhost:0"])("refuses the port of %s", (address) => {
    expect(() => parseDialAddress(address)).toThrow(RangeError);
  });

  it.each([5, null, undefined, {}])("refuses %j", (address) => {
    expect(() => parseDialAddress(address as never)).toThrow(TypeError);
  });
});

describe("parseListenAddress", () => {
  it.each([
    [0, "ws:", "127.0.0.1", 0, "/"],
    [65_535, "ws:", "127.0.0.1", 65_535, "/"],
    ["8080", "ws:", "127.0.0.1", 8080, "/"],
    [":8080", "ws:", "127.0.0.1", 8080, "/"],
    ["0.0.0.0:8080", "ws:", "0.0.0.0", 8080, "/"],
    ["[::]:0", "ws:", "::", 0, "/"],
    ["localhost:80", "ws:", "localhost", 80, "/"],
    ["ws://0.0.0.0", "ws:", "0.0.0.0", 80, "/"],
    ["ws://[::1]:9/room", "ws:", "::1", 9, "/room"],
  ] as const)("reads %j without a certificate", (address, scheme, host, port, path) => {
    expect(parseListenAddress(address)).toEqual({ scheme, host, port, path });
  });

  it.each([
    [8443, "wss:", "127.0.0.1", 8443],
    ["localhost:8443", "wss:", "localhost", 8443],
    ["0.0.0.0:443", "wss:", "0.0.0.0", 443],
    ["0.0.0.0:80", "wss:", "0.0.0.0", 80],
    ["wss://example.com", "wss:", "example.com", 443],
    ["https://example.com", "https:", "example.com", 443],
    ["ws://localhost:80", "ws:", "localhost", 80],
  ] as const)("reads %j with a certificate", (address, scheme, host, port) => {
    expect(parseListenAddress(address, { tls: true })).toEqual({ scheme, host, port, path: "/" });
  });

  it.each([-1, 65_536, 1.5, Number.NaN, "65536", ":65536", "ws://localhost:65536", "localhost:65536"])("refuses the port %j", (address) => {
    expect(() => parseListenAddress(address)).toThrow(RangeError);
  });

  it.each([
    "",
    "localhost",
    "ftp://x",
    "http://localhost:1",
    "ws://x:1?q",
    "ws://x:1#f",
    "ws://me@x:1",
    "wss://localhost:1",
    "https://localhost:1",
  ])("refuses %j", (address) => {
    expect(() => parseListenAddress(address)).toThrow(TypeError);
  });
});

describe("dialableUrl", () => {
  it.each([
    ["127.0.0.1", "/", "ws://127.0.0.1:5"],
    ["0.0.0.0", "/", "ws://127.0.0.1:5"],
    ["::", "/", "ws://[::1]:5"],
    ["::1", "/room", "ws://[::1]:5/room"],
    ["example.com", "/", "ws://example.com:5"],
  ])("shows %s%s", (host, path, url) => {
    expect(dialableUrl({ scheme: "ws:", host, port: 5, path })).toBe(url);
  });
});

describe("isLoopback", () => {
  it.each(["localhost", "LOCALHOST", "localhost.", "a.b.localhost", "127.0.0.1", "127.255.255.255", "::1", "[::1]"])("takes %s", (host) => {
    expect(isLoopback(host)).toBe(true);
  });
  it.each(["", "0.0.0.0", "128.0.0.1", "127.0.0.1.evil.com", "localhost.evil.com", "xlocalhost", "::", "[::2]"])(
    "does not take %s",
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
