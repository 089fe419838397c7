/** Connections that never become links: bounded in time and in number. The limits are the real ones, made short. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { selfSignedCertificate } from "../../../src/transports/certificate.js";
import { createHttpServer, type HttpServer, requestLimits } from "../../../src/transports/http-server.js";
import { HostileSocket } from "../../support/hostile-socket.js";
import { expectNothingLeft } from "../../support/websockets.js";

const servers: HttpServer[] = [];
expectNothingLeft(); // hooks run last come, first served: this one after the next
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function listen(
  limits: Partial<typeof requestLimits> | Record<string, number>,
  tls?: { cert: string; key: string },
): Promise<number> {
  const served = createHttpServer(tls, { ...requestLimits, ...limits });
  servers.push(served);
  await once(served.server.listen(0, "127.0.0.1"), "listening");
  return (served.server.address() as AddressInfo).port;
}

const short = { headersMs: 100, requestMs: 100, checkMs: 20, tlsHandshakeMs: 100 };

describe("a connection that is no link", () => {
  it.each([
    ["says nothing", ""],
    ["says one byte", "G"],
    ["never ends its headers", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "],
    ["never ends an upgrade", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"],
  ])("is dropped in time when it %s", async (_name, bytes) => {
    const socket = await HostileSocket.connect(await listen(short));
    if (bytes !== "") socket.write(bytes);
    await socket.closed;
    expect(socket.seen === "" || socket.seen.startsWith("HTTP/1.1 408 ")).toBe(true);
  });

  it("is dropped in time however slowly it goes on", async () => {
    const socket = await HostileSocket.connect(await listen(short));
    socket.write("GET / HTTP/1.1\r\nX: ");
    const drip = setInterval(() => socket.write("x"), 10);
    await socket.closed;
    clearInterval(drip);
  });

  it("is dropped in time when its TLS handshake hangs", async () => {
    const socket = await HostileSocket.connect(await listen(short, await selfSignedCertificate()));
    await socket.closed;
  });

  it("makes room for newer ones", async () => {
    const port = await listen({ maxWaiting: 3 });
    const sockets: HostileSocket[] = [];
    for (let count = 0; count < 5; count += 1) sockets.push(await HostileSocket.connect(port));
    await Promise.all(sockets.slice(0, 2).map((socket) => socket.closed));
    sockets[4]?.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await sockets[4]?.until("426");
    expect(sockets.slice(2, 4).map((socket) => socket.seen)).toEqual(["", ""]);
  });

  it("is answered 431 when its headers are too long", async () => {
    const socket = await HostileSocket.connect(await listen({}));
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(17 * 1024)}\r\n\r\n`);
    await socket.closed;
    expect(socket.seen).toMatch(/^HTTP\/1.1 431 /);
  });

  it.each([
    "\u0000\u0001\u0002\r\n\r\n",
    "GET\r\n\r\n",
    "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ])("ends after %j", async (bytes) => {
    const socket = await HostileSocket.connect(await listen({}));
    socket.write(bytes);
    await socket.closed;
    expect(socket.seen).toMatch(/^(HTTP\/1.1 (400|405|426) |$)/);
  });

  it("ends after rubbish instead of TLS, or without a word", async () => {
    const port = await listen({}, await selfSignedCertificate());
    for (const bytes of ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0000"]) {
      const socket = await HostileSocket.connect(port);
      socket.write(bytes);
      await socket.closed;
    }
    const rude = await HostileSocket.connect(port);
    rude.reset();
    await rude.closed;
  });
});

describe("the limits", () => {
  it("are those of the security checklist", () => {
    expect(requestLimits).toEqual({
      headersMs: 10_000,
      requestMs: 15_000,
      tlsHandshakeMs: 10_000,
      checkMs: 1_000,
      maxHeaderBytes: 16_384,
      maxHeaders: 100,
      maxWaiting: 1_000,
    });
  });

  it("are given to the server", () => {
    const { server } = createHttpServer();
    expect([server.headersTimeout, server.requestTimeout, server.maxHeadersCount]).toEqual([10_000, 15_000, 100]);
  });
});
