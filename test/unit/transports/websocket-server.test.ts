/** Who gets a link and who does not, on a port of its own and on a shared server. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { ServerLike } from "../../../src/contract.js";
import { HostileSocket } from "../../support/hostile-socket.js";
import { dial, expectAlive, expectNothingLeft, read, serve, serveEcho } from "../../support/websockets.js";

expectNothingLeft();

/** What an upgrade with these headers is answered, as a status. */
async function statusOf(port: number, headers: Record<string, string | undefined>, target = "/", extra: string[] = []): Promise<number> {
  const socket = await HostileSocket.connect(port);
  socket.upgrade(headers, extra, target);
  const answer = await socket.until("\r\n\r\n");
  socket.destroy();
  return Number(answer.split(" ")[1]);
}

describe("a listener's address", () => {
  it.each([
    [0, /^ws:\/\/127\.0\.0\.1:\d+$/],
    [":0", /^ws:\/\/127\.0\.0\.1:\d+$/],
    ["0.0.0.0:0", /^ws:\/\/127\.0\.0\.1:\d+$/],
    ["localhost:0", /^ws:\/\/localhost:\d+$/],
    ["[::1]:0", /^ws:\/\/\[::1\]:\d+$/],
    ["[::]:0", /^ws:\/\/\[::1\]:\d+$/],
    ["ws://127.0.0.1:0/room", /^ws:\/\/127\.0\.0\.1:\d+\/room$/],
  ])("%j is shown as it can be dialed", async (address, url) => {
    const served = await serveEcho(address);
    expect(served.server.urls).toEqual([expect.stringMatching(url)]);
    await expectAlive(served.url);
  });

  it("is taken once", async () => {
    const { port } = await serve();
    const again = serve(port);
    await expect(again).rejects.toMatchObject({ code: "LISTEN_FAILED", cause: { code: "EADDRINUSE" } });
  });

  it("is free again after closing", async () => {
    const { server, port } = await serve();
    await server.close();
    await expectAlive((await serveEcho(port)).url);
  });

  it.each(["https://127.0.0.1:0", "wss://127.0.0.1:0", "nowhere", {}, { server: {} }, { server: createServer(), path: "room" }])(
    "%j is refused with a TypeError",
    async (address) => {
      await expect(serve(address as string)).rejects.toThrow(TypeError);
    },
  );

  it("is refused with a RangeError when its port does not exist", async () => {
    await expect(serve(65_536)).rejects.toThrow(RangeError);
  });
});

describe("requests that are no upgrades", () => {
  it.each(["GET", "HEAD", "POST", "PUT", "OPTIONS"])("%s is answered 426", async (method) => {
    const { port } = await serve();
    const sent = request({ port, host: "127.0.0.1", method, path: "/" });
    sent.end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    response.resume();
    expect([response.statusCode, response.headers.upgrade]).toEqual([426, "websocket"]);
    await once(response, "end");
  });

  it("an upgrade to something else is answered 426", async () => {
    const { port } = await serve();
    expect(await statusOf(port, { Upgrade: "h2c" })).toBe(426);
  });
});

describe("what is known of a link's request", () => {
  it("holds address, path, query, origin and headers, lower-case, and no inherited names", async () => {
    const served = await serve();
    const socket = await HostileSocket.connect(served.port);
    const extra = ["X-Two: a", "x-two: b", "__proto__: evil", "constructor: c", "Cookie: k=v"];
    socket.upgrade({ Origin: `http://127.0.0.1`, Host: "127.0.0.1" }, extra, "/room/1?x=%20&__proto__=1");
    const { request } = await served.next();
    expect(request).toMatchObject({ url: "/room/1?x=%20&__proto__=1", origin: "http://127.0.0.1", remoteAddress: "127.0.0.1" });
    expect(request.headers).toMatchObject({ "x-two": "a, b", constructor: "c", cookie: "k=v", host: "127.0.0.1" });
    expect(Object.getPrototypeOf(request.headers)).toBeNull();
    socket.destroy();
  });

  it("has no origin when there is none", async () => {
    const served = await serve();
    await dial(served.url);
    expect(Object.keys((await served.next()).request)).not.toContain("origin");
  });
});

describe("origins", () => {
  it.each([
    ["default", undefined, undefined, 101],
    ["default", undefined, "http://127.0.0.1", 101],
    ["default", undefined, "https://127.0.0.1", 101],
    ["default", undefined, "https://evil.example", 403],
    ["default", undefined, "http://127.0.0.1:1", 403],
    ["default", undefined, "null", 403],
    ["a list", ["https://app.example"], "https://app.example", 101],
    ["a list", ["https://app.example"], "HTTPS://APP.EXAMPLE:443", 101],
    ["a list", ["https://app.example"], "http://127.0.0.1", 403],
    ["a list", ["https://app.example"], undefined, 101],
    ["everybody", "*", "https://evil.example", 101],
    ["everybody", "*", "null", 101],
  ] as const)("with %s (%j), %j is answered %i", async (_name, origins, origin, status) => {
    const served = await serve(0, origins === undefined ? {} : { origins });
    expect(await statusOf(served.port, { Origin: origin })).toBe(status);
    expect(served.acceptedCount).toBe(status === 101 ? 1 : 0);
  });

  it("two of them are none", async () => {
    const { port } = await serve();
    expect(await statusOf(port, { Origin: "http://127.0.0.1" }, "/", ["Origin: https://evil.example"])).toBe(403);
  });

  it("cannot hide behind a hundred other headers", async () => {
    const { port } = await serve();
    const many = Array.from({ length: 120 }, (_, index) => `X-${index}: 1`);
    expect(await statusOf(port, {}, "/", [...many, "Origin: https://evil.example"])).toBe(431);
    expect(await statusOf(port, {}, "/", many.slice(0, 90))).toBe(101);
  });

  it("that are no origins are refused at once", async () => {
    await expect(serve(0, { origins: ["app.example"] })).rejects.toThrow(TypeError);
  });
});

describe("paths", () => {
  it("are all served on a port of its own", async () => {
    const { port } = await serve();
    expect([await statusOf(port, {}, "/"), await statusOf(port, {}, "/any/where?x=1")]).toEqual([101, 101]);
  });
  it("are held to when the address has one", async () => {
    const { port } = await serve("ws://127.0.0.1:0/room");
    const targets = ["/room", "/room?x", "/", "/room/", "/rooms", "//room", "/ROOM", "/__proto__"];
    expect(await Promise.all(targets.map((target) => statusOf(port, {}, target)))).toEqual([101, 101, 404, 404, 404, 404, 404, 404]);
  });
});

describe("a subprotocol", () => {
  it("is never chosen", async () => {
    const { url } = await serve();
    const socket = new WebSocket(url, ["chat"]);
    const [error] = await once(socket, "error");
    expect(String(error)).toContain("no subprotocol");
  });
});

describe("a shared server", () => {
  async function shared() {
    const server = createServer((_request, response) => response.end("page"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const close = () => new Promise((resolve) => server.close(resolve));
    return { server, port, close };
  }

  it("keeps its pages, its other upgrades and its port", async () => {
    const { server, port, close } = await shared();
    const others = new WebSocketServer({ noServer: true });
    server.on("upgrade", (incoming, socket, head) => {
      if (incoming.url === "/other") others.handleUpgrade(incoming, socket, head, (other) => other.send("other"));
    });
    const served = await serveEcho({ server, path: "/links" });
    expect(served.url).toBe(`ws://127.0.0.1:${port}/links`);
    await expectAlive(served.url);

    const other = new WebSocket(`ws://127.0.0.1:${port}/other`);
    expect(String((await once(other, "message"))[0])).toBe("other");

    const link = await dial(served.url);
    await served.server.close();
    await served.server.close();
    await expect(read(link)).rejects.toThrow("1006");
    expect(server.listenerCount("upgrade")).toBe(1);
    const [page] = (await once(get({ port, host: "127.0.0.1", agent: false }), "response")) as [IncomingMessage];
    expect([page.resume().statusCode, server.listening, other.readyState]).toEqual([200, true, WebSocket.OPEN]);
    other.terminate();
    await close();
  });

  it("has / served when no path is named, and refuses others when nobody else listens", async () => {
    const { server, port, close } = await shared();
    const served = await serve({ server });
    expect(served.url).toBe(`ws://127.0.0.1:${port}`);
    expect([await statusOf(port, {}), await statusOf(port, {}, "/?x"), await statusOf(port, {}, "/other")]).toEqual([101, 101, 404]);
    await served.server.close();
    await close();
  });

  it("serves several listeners, each on its path, and refuses the rest", async () => {
    const { server, port, close } = await shared();
    const [one, two] = [await serve({ server, path: "/one" }), await serve({ server, path: "/two words".replace(" ", "%20") })];
    expect(server.listenerCount("upgrade")).toBe(1);
    await expect(serve({ server, path: "/one" })).rejects.toMatchObject({ code: "LISTEN_FAILED" });
    expect(await Promise.all(["/one", "/two%20words", "/three"].map((target) => statusOf(port, {}, target)))).toEqual([101, 101, 404]);
    await one.server.close();
    expect([await statusOf(port, {}, "/one"), await statusOf(port, {}, "/two%20words")]).toEqual([404, 101]);
    await two.server.close();
    expect(server.listenerCount("upgrade")).toBe(0);
    await close();
  });

  it("has its origins checked", async () => {
    const { server, port, close } = await shared();
    const served = await serve({ server });
    expect(await statusOf(port, { Origin: "https://evil.example" })).toBe(403);
    await served.server.close();
    await close();
  });

  it("may listen later", async () => {
    const server = createServer();
    const served = await serveEcho({ server });
    expect(served.server.urls).toEqual([]);
    await once(server.listen(0, "127.0.0.1"), "listening");
    await expectAlive(served.url);
    await served.server.close();
    server.close();
  });

  it("need only have `on`", async () => {
    const listeners: unknown[] = [];
    const server: ServerLike = { on: (_event, listener) => listeners.push(listener) };
    const served = await serve({ server });
    expect([served.server.urls, listeners.length]).toEqual([[], 1]);
    await served.server.close();
  });
});

describe("closing", () => {
  it("drops links, requests and half-open connections, and is the same a second time", async () => {
    const served = await serve();
    const link = await dial(served.url);
    const idle = await HostileSocket.connect(served.port);
    const half = await HostileSocket.connect(served.port);
    half.write("GET / HTTP/1.1\r\nHost: x\r\n");
    const { link: far } = await served.next();
    await Promise.all([served.server.close(), served.server.close()]);
    await Promise.all([idle.closed, half.closed]);
    await expect(read(link)).rejects.toThrow("1006");
    await expect(read(far)).rejects.toThrow("1006");
    await expect(dial(served.url).catch((error: Error) => Promise.reject(error.cause))).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("lets a link that says goodbye finish", async () => {
    const served = await serve();
    const link = await dial(served.url);
    const { link: far } = await served.next();
    const last = new Uint8Array(4_000_000);
    far.send(last);
    far.close("goodbye");
    const closed = served.server.close();
    expect((await read(link))?.length).toBe(last.length);
    expect(await read(link)).toBeUndefined();
    await closed;
  });

  it("does not wait for a peer that never answers a goodbye", async () => {
    const served = await serve();
    const socket = await HostileSocket.upgraded(served.port);
    (await served.next()).link.close("goodbye");
    await served.server.close();
    await socket.closed;
  });

  it("leaves nothing that keeps a process alive", async () => {
    const script = fileURLToPath(new URL("../../support/listen-and-leave.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script], { timeout: 20_000 });
    expect(stdout).toMatch(/^\d+\n$/);
    expect(Number(stdout)).toBeLessThan(2_500); // the shortest of the timers involved is the 5 s for a close
  }, 30_000);
});
