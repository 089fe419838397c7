/** Links over real WebSockets, both ways; TLS, the server's gate, browsers and hostile input have files of their own. */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../../src/limits.js";
import type { HardLink } from "../../../src/transports/links.js";
import { dial, expectAlive, expectNothingLeft, pair, read, serve, serveEcho } from "../../support/websockets.js";

expectNothingLeft();

/** Time, told in round trips: enough of them for anything that is on its way. */
async function settled(link: HardLink, value: () => unknown): Promise<void> {
  for (let same = 0, last = value(); same < 100; ) {
    link.send("tick");
    await read(link);
    same = last === value() ? same + 1 : 0;
    last = value();
  }
}

describe.each(["dialer to listener", "listener to dialer"])("a link, %s", (direction) => {
  async function ends() {
    const { near, far, served } = await pair();
    return direction === "dialer to listener" ? { from: near, to: far, served } : { from: far, to: near, served };
  }

  it.each([
    ["text", "hello"],
    ["text beyond ASCII", "grüß 😀 \u0000 \u2028"],
    ["empty text", ""],
    ["bytes", Uint8Array.of(0, 1, 255)],
    ["empty bytes", new Uint8Array(0)],
    ["5 MB of text", "0123456789".repeat(500_000)],
    ["5 MB of bytes", new Uint8Array(5_000_000).map((_, index) => index % 251)],
    ["a part of a larger buffer", Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4)],
  ])("carries %s", async (_name, batch) => {
    const { from, to } = await ends();
    from.send(batch);
    const got = await read(to);
    expect(typeof got).toBe(typeof batch);
    if (typeof got === "string") expect(got === batch).toBe(true);
    else expect(Buffer.compare(got as Uint8Array, batch as Uint8Array)).toBe(0);
  });

  it("gives bytes that share no memory with anything else", async () => {
    const { from, to } = await ends();
    from.send(Uint8Array.of(1, 2, 3));
    const got = (await read(to)) as Uint8Array;
    expect([got.constructor, got.buffer.byteLength]).toEqual([Uint8Array, 3]);
  });

  it("keeps the order of text and bytes, large and small", async () => {
    const { from, to } = await ends();
    const sizes = Array.from({ length: 300 }, (_, index) => (index % 50 === 0 ? 300_000 : index % 7));
    for (const [index, size] of sizes.entries()) from.send(index % 2 ? `${index} ${"x".repeat(size)}` : new Uint8Array(size).fill(index));
    for (const [index, size] of sizes.entries()) {
      const got = await read(to);
      if (index % 2) expect(got).toBe(`${index} ${"x".repeat(size)}`);
      else expect(Buffer.compare(got as Uint8Array, new Uint8Array(size).fill(index))).toBe(0);
    }
  });

  it("holds the sender up while nobody reads", async () => {
    const { from, to, served } = await ends();
    const clock = await dial((await serveEcho()).url);
    const batch = new Uint8Array(256 * 1024);
    const total = 400; // 100 MB: far more than what the kernel keeps for a connection
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent += 1) await from.send(batch);
    })();
    await settled(clock, () => sent);
    expect(sent).toBeLessThan(total / 2);
    for (let count = 0; count < total; count += 1) expect((await read(to))?.length).toBe(batch.length);
    await sending;
    expect(sent).toBe(total);
    await served.server.close();
  });

  it("ends when the other side closes, after what was sent before", async () => {
    const { from, to } = await ends();
    from.send("last");
    from.close("bye");
    from.send("too late");
    expect([await read(to), await read(to), await read(from)]).toEqual(["last", undefined, undefined]);
  });

  it("fails when the other side is gone", async () => {
    const { from, to } = await ends();
    from.terminate();
    await expect(read(to)).rejects.toThrow("WebSocket closed with code 1006");
    expect([await read(to), await read(from)]).toEqual([undefined, undefined]);
  });

  it("does nothing with what is sent after its end", async () => {
    const { from, to } = await ends();
    to.terminate();
    await expect(read(from)).rejects.toThrow();
    expect(from.send("x")).toBeUndefined();
    expect(from.send(new Uint8Array(5_000_000))).toBeUndefined();
    from.close();
    from.terminate();
  });

  it("takes a reason of any length", async () => {
    const { from, to } = await ends();
    from.close("😀".repeat(1_000));
    expect(await read(to)).toBeUndefined();
  });

  it("ends even if its reader never read and the connection is held up", async () => {
    const { from, to } = await ends();
    for (let count = 0; count < 1_000; count += 1) from.send("x");
    await read(to);
    to.close();
    let left = 0;
    while ((await read(to)) !== undefined) left += 1;
    expect(left).toBeLessThan(1_000);
    while ((await read(from)) !== undefined);
  });

  it("lets waiting senders go when it ends", async () => {
    const { from, to } = await ends();
    const waits: (Promise<void> | undefined)[] = [];
    for (let count = 0; count < 100; count += 1) waits.push(from.send(new Uint8Array(256 * 1024)) as Promise<void> | undefined);
    expect(waits.at(-1)).toBeInstanceOf(Promise);
    from.terminate();
    await Promise.all(waits);
    await expect(
      read(to).then(async () => {
        while (await read(to));
      }),
    ).rejects.toThrow();
  });
});

describe("limits", () => {
  it("fails a link whose batch is too large, and serves on", async () => {
    const { served, near, far } = await pair({ limits: { ...defaultLimits, maxFrameBytes: 4096 } });
    near.send(new Uint8Array(4096));
    expect((await read(far))?.length).toBe(4096);
    near.send(new Uint8Array(4097));
    await expect(read(far)).rejects.toThrow("Max payload size exceeded");
    await expect(read(near)).rejects.toThrow("1009");
    const again = await dial(served.url);
    again.send("x");
    expect(await read((await served.next()).link)).toBe("x");
  });

  it("holds for what the dialer receives as well", async () => {
    const { near, far } = await pair({}, { maxFrameBytes: 4096 });
    far.send("x".repeat(4097));
    await expect(read(near)).rejects.toThrow("Max payload size exceeded");
    await expect(read(far)).rejects.toThrow("1009");
  });
});

describe("dialWebSocket", () => {
  it("rejects where nobody listens", async () => {
    const { server, url } = await serve();
    await server.close();
    await expect(dial(url)).rejects.toMatchObject({
      name: "NetchanError",
      code: "DIAL_FAILED",
      retryable: true,
      cause: { code: "ECONNREFUSED" },
    });
  });

  it("names the reason when a name has several addresses", async () => {
    const { server, port } = await serve();
    await server.close();
    await expect(dial(`ws://localhost:${port}`)).rejects.toThrow("ECONNREFUSED");
  });

  it("leaves the query out of its errors", async () => {
    const { server, url } = await serve();
    await server.close();
    await expect(dial(`${url}/room?token=secret`)).rejects.not.toThrow("secret");
  });

  it.each([200, 301, 404, 503])("rejects an answer of %i", async (status) => {
    const server = createServer().on("upgrade", (_request, socket) =>
      socket.end(`HTTP/1.1 ${status} No\r\nLocation: ws://127.0.0.1:1\r\n\r\n`),
    );
    await once(server.listen(0, "127.0.0.1"), "listening");
    await expect(dial(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)).rejects.toThrow(`Unexpected server response: ${status}`);
    server.close();
  });

  it.each([
    ["rubbish", "\u0000\u0001\r\n\r\n"],
    ["no upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"],
    ["nothing", ""],
  ])("rejects an answer of %s", async (_name, answer) => {
    const server = createTcpServer((socket) => void socket.on("error", () => {}).on("data", () => socket.end(answer)));
    await once(server.listen(0, "127.0.0.1"), "listening");
    await expect(dial(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)).rejects.toMatchObject({ code: "DIAL_FAILED" });
    server.close();
  });

  it("rejects with the signal's reason when it is aborted already", async () => {
    const { url } = await serve();
    await expect(dial(url, { signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
  });

  it("stops at once when aborted, and leaves no connection", async () => {
    const silent = createTcpServer();
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const controller = new AbortController();
    const dialing = dial(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`, { signal: controller.signal });
    const [socket] = await once(silent, "connection");
    socket.resume();
    controller.abort("enough");
    await expect(dialing).rejects.toBe("enough");
    await once(socket, "close");
    silent.close();
  });

  it("listens to the signal no longer once there is a link", async () => {
    const { url } = await serveEcho();
    const controller = new AbortController();
    const link = await dial(url, { signal: controller.signal });
    controller.abort();
    link.send("x");
    expect(await read(link)).toBe("x");
    await expectAlive(url);
  });

  it.each(["ftp://x", "http://localhost:1", "https://localhost:1", ""])("refuses %j with a TypeError", async (address) => {
    await expect(dial(address)).rejects.toThrow(TypeError);
  });
});
