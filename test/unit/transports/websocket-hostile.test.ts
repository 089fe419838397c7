/** Peers that break HTTP or WebSocket on purpose. Each time: their own connection ends, nobody else's, and the process lives. */
import { describe, expect, it, vi } from "vitest";
import { defaultLimits } from "../../../src/limits.js";
import type { HardLink } from "../../../src/transports/links.js";
import { mostStrangerBytes } from "../../../src/transports/stranger-bytes.js";
import { frameBytes, HostileSocket } from "../../support/hostile-socket.js";
import { expectAlive, expectNothingLeft, read, serve, serveEcho } from "../../support/websockets.js";

expectNothingLeft();

const [continuation, text, binary, close, ping, pong] = [0, 1, 2, 8, 9, 10];
/** The code of the close frame that came, after the answer to the upgrade. */
function closeCode({ seen }: HostileSocket): number | undefined {
  const frame = seen.slice(seen.indexOf("\r\n\r\n") + 4);
  return frame.charCodeAt(0) === 0x88 ? frame.charCodeAt(2) * 256 + frame.charCodeAt(3) : undefined;
}

describe("a hostile upgrade", () => {
  it.each([
    ["2,000 headers", {}, Array.from({ length: 2_000 }, (_, index) => `X${index}: 1`), 431],
    ["a header named __proto__", {}, ["__proto__: x", "constructor: x", "toString: x"], 101],
    ["64 KiB of subprotocols", { "Sec-WebSocket-Protocol": " ,".repeat(32 * 1024) }, [], 431],
    ["15 KiB of subprotocols", { "Sec-WebSocket-Protocol": " ,".repeat(7 * 1024) }, [], 400],
    ["15 KiB of spaces in subprotocols", { "Sec-WebSocket-Protocol": `a${" ".repeat(15 * 1024)}b` }, [], 400],
    ["many subprotocols", { "Sec-WebSocket-Protocol": Array.from({ length: 1_000 }, (_, index) => `p${index}`).join(",") }, [], 101],
    ["a key that is too short", { "Sec-WebSocket-Key": "AAAA" }, [], 400],
    ["no key", { "Sec-WebSocket-Key": undefined }, [], 400],
    ["two keys", {}, ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], 400],
    ["version 12", { "Sec-WebSocket-Version": "12" }, [], 400],
    ["version __proto__", { "Sec-WebSocket-Version": "__proto__" }, [], 400],
    ["no version", { "Sec-WebSocket-Version": undefined }, [], 400],
    ["rubbish extensions", { "Sec-WebSocket-Extensions": '"permessage-deflate; =; __proto__' }, [], 101],
    ["no Host", { Host: undefined }, [], 400],
    ["a foreign origin", { Origin: "https://evil.example" }, [], 403],
    ["two lengths", { "Content-Length": "1" }, ["Content-Length: 2"], 400],
  ] as const)("with %s is answered as it deserves", async (_name, headers, extra, status) => {
    const { url, port } = await serveEcho();
    const socket = await HostileSocket.connect(port);
    socket.upgrade(headers, extra);
    expect(Number((await socket.until("\r\n\r\n")).split(" ")[1])).toBe(status);
    if (status === 101) socket.destroy();
    await socket.closed;
    await expectAlive(url);
  });

  it("is forgotten when it is reset at once, 500 times", async () => {
    const { url, port } = await serveEcho();
    for (let round = 0; round < 10; round += 1) {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => HostileSocket.connect(port)));
      for (const [index, socket] of sockets.entries()) {
        socket.upgrade(index % 2 ? {} : { Origin: "https://evil.example" });
        socket.reset();
      }
      await Promise.all(sockets.map((socket) => socket.closed));
    }
    await expectAlive(url);
  });

  it("that is refused and never reads the answer ends all the same", async () => {
    const { port, server } = await serve();
    const socket = await HostileSocket.connect(port);
    socket.pause();
    socket.upgrade({ Origin: "https://evil.example" });
    await server.close();
    socket.destroy();
  });

  it("may bring its first frames along", async () => {
    const served = await serve();
    const socket = await HostileSocket.connect(served.port);
    socket.upgrade();
    socket.write(Buffer.concat([frameBytes(text, "one"), frameBytes(text, "two"), frameBytes(close, Buffer.from([3, 232]))]));
    const { link } = await served.next();
    expect([await read(link), await read(link), await read(link)]).toEqual(["one", "two", undefined]);
    await socket.closed;
  });
});

describe("hostile frames", () => {
  const invalid = Buffer.from([0xc3, 0x28]);
  const code = (value: number, reason: Uint8Array = new Uint8Array(0)) => Buffer.concat([Buffer.from([value >> 8, value & 255]), reason]);
  it.each([
    ["unmasked", [frameBytes(text, "x", { masked: false })], 1002],
    ["of a reserved opcode", [frameBytes(3)], 1002],
    ["of a reserved control opcode", [frameBytes(11)], 1002],
    ["with reserved bits", [frameBytes(text, "x", { reserved: 2 })], 1002],
    ["compressed though nothing was agreed", [frameBytes(text, "x", { reserved: 4 })], 1002],
    ["of control with 126 bytes", [frameBytes(ping, new Uint8Array(126))], 1002],
    ["of control in fragments", [frameBytes(ping, "", { final: false })], 1002],
    ["that continue nothing", [frameBytes(continuation, "x")], 1002],
    ["that start anew within a batch", [frameBytes(text, "x", { final: false }), frameBytes(text, "y")], 1002],
    ["of 2^63 bytes", [frameBytes(binary, "", { length: 2n ** 63n })], 1009],
    ["of 2^53 bytes", [frameBytes(binary, "", { length: 2n ** 53n })], 1009],
    ["one byte over the limit", [frameBytes(binary, "", { length: 4097 })], 1009],
    [
      "over the limit in fragments",
      Array.from({ length: 5 }, (_, at) => frameBytes(at === 0 ? binary : 0, new Uint8Array(1_000), { final: false })),
      1009,
    ],
    ["of invalid UTF-8", [frameBytes(text, invalid)], 1007],
    ["with a lone surrogate", [frameBytes(text, Buffer.from([0xed, 0xa0, 0x80]))], 1007],
    ["with UTF-8 that ends too early", [frameBytes(text, Buffer.from([0xe2, 0x82]))], 1007],
    ["that close with code 1005", [frameBytes(close, code(1005))], 1002],
    ["that close with code 1006", [frameBytes(close, code(1006))], 1002],
    ["that close with code 999", [frameBytes(close, code(999))], 1002],
    ["that close with code 65535", [frameBytes(close, code(65_535))], 1002],
    ["that close with one byte", [frameBytes(close, Buffer.from([3]))], 1002],
    ["that close with invalid UTF-8", [frameBytes(close, code(1000, invalid))], 1007],
    [
      "without end and without content",
      Array.from({ length: 2_000 }, (_, at) => frameBytes(at === 0 ? text : 0, "", { final: false })),
      1008,
    ],
  ])("%s fail their link only", async (_name, frames, expected) => {
    const { url, port, failures } = await serveEcho(0, { limits: { ...defaultLimits, maxFrameBytes: 4096 } });
    const socket = await HostileSocket.upgraded(port);
    for (const frame of frames) socket.write(frame);
    await socket.until("\u0088");
    socket.end();
    await socket.closed;
    expect(closeCode(socket)).toBe(expected);
    expect(failures).toEqual([expect.any(Error)]);
    await expectAlive(url);
  });

  it("that end in the middle fail their link", async () => {
    const { url, port, failures } = await serveEcho();
    for (const frame of [
      frameBytes(binary, "abc", { length: 5_000_000 }),
      frameBytes(text, "x").subarray(0, 1),
      frameBytes(text, "x", { final: false }),
    ]) {
      const socket = await HostileSocket.upgraded(port);
      socket.write(frame);
      socket.end();
      await socket.closed;
    }
    expect(failures.map(({ message }) => message)).toEqual(Array(3).fill("WebSocket closed with code 1006"));
    await expectAlive(url);
  });

  it("of a stranger may bring 16 KiB in all, however they are cut", async () => {
    const links: HardLink[] = [];
    const { port } = await serve(0, { accept: (link) => links.push(link) });
    for (const frames of [
      [frameBytes(binary, Buffer.alloc(mostStrangerBytes), { length: 5_000_000 })],
      Array.from({ length: 200 }, () => frameBytes(ping, Buffer.alloc(125))),
      Array.from({ length: 1_000 }, (_, at) => frameBytes(at === 0 ? text : continuation, "x".repeat(20), { final: false })),
    ]) {
      const socket = await HostileSocket.upgraded(port);
      for (const frame of frames) socket.write(frame);
      await socket.closed;
    }
    const patient = await HostileSocket.upgraded(port);
    const first = links.at(-1) as HardLink;
    const batches = first.received[Symbol.asyncIterator]();
    patient.write(frameBytes(text, "x".repeat(mostStrangerBytes - 8))); // with 8 bytes of header and mask: 16 KiB
    expect((await batches.next()).value).toHaveLength(mostStrangerBytes - 8);
    first.admitted?.();
    patient.write(frameBytes(text, "y".repeat(100_000)));
    expect((await batches.next()).value).toHaveLength(100_000);
    patient.reset();
  });
  it("that come with the upgrade count as well", async () => {
    const { port } = await serve(0, { accept: () => undefined });
    const socket = await HostileSocket.connect(port);
    socket.write(
      Buffer.concat([
        Buffer.from(
          "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ),
        frameBytes(text, "x".repeat(mostStrangerBytes)),
      ]),
    );
    await socket.closed;
  });

  it("that declare much and bring nothing take no memory", async () => {
    const { port, url } = await serveEcho();
    const before = process.memoryUsage().rss;
    const sockets = await Promise.all(Array.from({ length: 50 }, () => HostileSocket.upgraded(port)));
    for (const socket of sockets) socket.frame(binary, "x", { length: defaultLimits.maxFrameBytes });
    await expectAlive(url);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024); // declared: 850 MiB
    for (const socket of sockets) socket.reset();
  });

  it("after a close are not read", async () => {
    const served = await serve();
    const socket = await HostileSocket.upgraded(served.port);
    socket.write(Buffer.concat([frameBytes(close, code(1000)), frameBytes(text, "late"), frameBytes(3)]));
    const { link } = await served.next();
    expect(await read(link)).toBeUndefined();
    await socket.closed;
  });

  it("that should answer a close and do not are waited for 5 s, by nobody but the connection", async () => {
    const served = await serve();
    const socket = await HostileSocket.upgraded(served.port);
    const { link } = await served.next();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      link.close("goodbye");
      expect(await read(link)).toBeUndefined();
      await socket.until("goodbye");
      vi.advanceTimersByTime(4_999);
      socket.frame(text, "still here");
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(1);
      await socket.closed;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("of 20,000 pings that nobody answers for end or leave others alone", async () => {
    const { port, url } = await serveEcho();
    const socket = await HostileSocket.upgraded(port);
    socket.pause();
    for (let count = 0; count < 20_000; count += 1) socket.frame(ping, new Uint8Array(125));
    for (let count = 0; count < 1_000; count += 1) socket.frame(pong, "nobody asked");
    await expectAlive(url);
    socket.destroy();
  });

  it("of other sizes arrive", async () => {
    const served = await serve();
    const socket = await HostileSocket.upgraded(served.port);
    const sizes = [0, 1, 125, 126, 127, 65_535, 65_536];
    for (const size of sizes) socket.frame(binary, new Uint8Array(size));
    socket.frame(text, "frag", { final: false });
    socket.frame(ping, "between");
    socket.frame(continuation, "ments");
    const { link } = await served.next();
    for (const size of sizes) expect((await read(link))?.length).toBe(size);
    expect(await read(link)).toBe("fragments");
    socket.frame(close, code(3000, Buffer.from('bye\u001b[31m"\n')));
    await expect(read(link)).rejects.toThrow('WebSocket closed with code 3000: "bye\\u001b[31m\\"\\n"');
    await socket.closed;
  });

  it("in a flood are held up, not collected", async () => {
    const served = await serve();
    const socket = await HostileSocket.upgraded(served.port);
    const { link } = await served.next();
    const batch = frameBytes(binary, new Uint8Array(64 * 1024));
    const before = process.memoryUsage().rss;
    for (let count = 0; count < 800; count += 1) socket.write(batch); // 50 MB, shared by all writes on this side
    await expectAlive((await serveEcho()).url);
    for (let count = 0; count < 800; count += 1) expect((await read(link))?.length).toBe(64 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    socket.destroy();
  });
});
