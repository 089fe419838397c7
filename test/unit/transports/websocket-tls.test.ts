/** Whom a dialer trusts over wss:. In every case that is refused, the other side must not have received a byte of the request. */
import { once } from "node:events";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { connect as connectTls, createServer as createBareTlsServer } from "node:tls";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Certificate, selfSignedCertificate } from "../../../src/transports/certificate.js";
import type { WebSocketDialOptions } from "../../../src/transports/websocket.js";
import { dial, expectAlive, expectNothingLeft, read, serve, serveEcho } from "../../support/websockets.js";

expectNothingLeft();

let own: Certificate;
let other: Certificate;
beforeAll(async () => {
  [own, other] = await Promise.all([selfSignedCertificate(), selfSignedCertificate()]);
});

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Speaks TLS with the own certificate, and counts what it is told over it. */
async function eavesdropper() {
  let bytes = 0;
  const server = createBareTlsServer({ cert: own.cert, key: own.key });
  const ended = new Promise<void>((resolve) => {
    server.on("secureConnection", (socket) => {
      socket.on("data", (data) => {
        bytes += data.length;
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    });
    server.on("tlsClientError", () => resolve()); // the dialer left within the handshake
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  closing.push(() => server.close());
  return { url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}`, bytes: () => bytes, ended };
}

describe("a certificate that is trusted", () => {
  const cases: readonly [string, () => Partial<WebSocketDialOptions>][] = [
    ["by authority", () => ({ ca: own.cert })],
    ["by one of several authorities", () => ({ ca: `${other.cert}\n${own.cert}` })],
    ["by its hash", () => ({ certificateHash: own.hash })],
    ["by its hash in capitals with colons", () => ({ certificateHash: own.hash.toUpperCase().replace(/..(?=.)/g, "$&:") })],
    ["by both", () => ({ ca: own.cert, certificateHash: own.hash })],
  ];
  it.each(cases)("is taken %s", async (_name, options) => {
    const { url, server } = await serveEcho("wss://127.0.0.1:0", { tls: own });
    expect([url.startsWith("wss://127.0.0.1:"), server.certificateHash]).toEqual([true, own.hash]);
    const link = await dial(url, options());
    link.send("x".repeat(200_000));
    link.send(Uint8Array.of(1, 2));
    expect([(await read(link))?.length, await read(link)]).toEqual([200_000, Uint8Array.of(1, 2)]);
    link.close();
  });

  it("is made by the listener when it is asked for", async () => {
    const { url, server } = await serveEcho("localhost:0", { tls: "self-signed" });
    expect(url).toMatch(/^wss:\/\/localhost:\d+$/);
    const link = await dial(url, { certificateHash: server.certificateHash ?? "" });
    link.send("x");
    expect(await read(link)).toBe("x");
  });
});

describe("a certificate that is not trusted", () => {
  const cases: readonly [string, () => Partial<WebSocketDialOptions>, string][] = [
    ["nothing was said", () => ({}), "self-signed certificate"],
    ["the authority is another", () => ({ ca: other.cert }), "self-signed certificate"],
    ["the hash is another", () => ({ certificateHash: other.hash }), "Expected a certificate with SHA-256"],
    ["the hash is right and the authority another", () => ({ ca: other.cert, certificateHash: own.hash }), "self-signed certificate"],
    [
      "the authority is right and the hash another",
      () => ({ ca: own.cert, certificateHash: other.hash }),
      "Expected a certificate with SHA-256",
    ],
  ];
  it.each(cases)("gets nothing when %s", async (_name, options, message) => {
    const { url, bytes, ended } = await eavesdropper();
    const failure: unknown = await dial(url, options()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "DIAL_FAILED", message: expect.stringContaining(message), cause: expect.any(Error) });
    await ended;
    expect(bytes()).toBe(0);
  });

  it("gets nothing for another host's name", async () => {
    const elsewhere = await selfSignedCertificate();
    const server = createTlsServer({ cert: elsewhere.cert, key: elsewhere.key });
    await once(server.listen(0, "127.0.0.2"), "listening");
    const { port } = server.address() as AddressInfo;
    await expect(dial(`wss://127.0.0.2:${port}`, { ca: elsewhere.cert })).rejects.toThrow("not in the cert's list");
    server.close();
  });

  it("gets nothing over a TLS older than 1.3, and gives nothing", async () => {
    const { url } = await serveEcho("wss://127.0.0.1:0", { tls: own });
    const { hostname, port } = new URL(url);
    const older = connectTls({ host: hostname, port: Number(port), maxVersion: "TLSv1.2", rejectUnauthorized: false });
    const [error] = (await once(older, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    const server = createTlsServer({ cert: own.cert, key: own.key, maxVersion: "TLSv1.2" });
    await once(server.listen(0, "127.0.0.1"), "listening");
    closing.push(() => server.close());
    const address = `wss://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(dial(address, { ca: own.cert })).rejects.toMatchObject({ code: "DIAL_FAILED" });
  });

  it("gets nothing although the environment switched verification off", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => {}); // Node's own, about the next line
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const { url, bytes, ended } = await eavesdropper();
    await expect(dial(url)).rejects.toThrow("self-signed certificate");
    await ended;
    expect(bytes()).toBe(0);
  });

  it("gets no link from a ws that lost the hook for pins", async () => {
    vi.resetModules();
    vi.doMock("isomorphic-ws", async (actual) => {
      const { default: WebSocket } = await actual<{ default: typeof import("isomorphic-ws") }>();
      class Forgetful extends WebSocket {
        constructor(url: string, protocols: string[], { finishRequest: _, ...options }: { finishRequest: unknown }) {
          super(url, protocols, options);
        }
      }
      return { default: Forgetful };
    });
    const { dialWebSocket } = await import("../../../src/transports/websocket.js");
    vi.doUnmock("isomorphic-ws");
    const served = await serve("wss://127.0.0.1:0", { tls: own });
    const options = { signal: new AbortController().signal, maxFrameBytes: 4096, certificateHash: own.hash };
    await expect(dialWebSocket(served.url, options)).rejects.toThrow("not compared with certificateHash");
    const { link } = await served.next();
    await expect(read(link)).rejects.toThrow("1006");
  });

  it("stops a pinned handshake that hangs when it is aborted", async () => {
    const silent = createTcpServer();
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const controller = new AbortController();
    const { port } = silent.address() as AddressInfo;
    const dialing = dial(`wss://127.0.0.1:${port}`, { signal: controller.signal, certificateHash: own.hash });
    const [socket] = await once(silent, "connection");
    socket.resume().on("error", () => {});
    controller.abort("enough");
    await expect(dialing).rejects.toBe("enough");
    await once(socket, "close");
    silent.close();
  });
});

describe("certificateHash", () => {
  it.each(["ws://example.com", "ws://10.0.0.1:80"])("is refused with %s, which has no certificate", async (address) => {
    await expect(dial(address, { certificateHash: own.hash })).rejects.toThrow(TypeError);
  });
  it("is left aside with ws: on this machine", async () => {
    const { url } = await serveEcho();
    const link = await dial(url, { certificateHash: own.hash });
    link.send("x");
    expect(await read(link)).toBe("x");
  });
  it("is refused when it is no hash", async () => {
    await expect(dial("wss://localhost:1", { certificateHash: "00" })).rejects.toThrow(TypeError);
  });
});

describe("a listener with TLS", () => {
  it.each([
    ["no certificate", { cert: "x", key: "x" }],
    ["another's key", () => ({ cert: own.cert, key: other.key })],
  ])("rejects %s", async (_name, tls) => {
    const pem = typeof tls === "function" ? tls() : tls;
    await expect(serve("wss://127.0.0.1:0", { tls: pem })).rejects.toMatchObject({ code: "LISTEN_FAILED", cause: expect.any(Error) });
  });

  it("serves ws: without TLS where that is written", async () => {
    const { url, server } = await serveEcho("ws://127.0.0.1:0", { tls: own });
    expect([url.startsWith("ws:"), server.certificateHash]).toEqual([true, undefined]);
    await expectAlive(url);
  });

  it("closes a shared https server's links and shows its scheme", async () => {
    const shared = createTlsServer({ cert: own.cert, key: own.key });
    await once(shared.listen(0, "127.0.0.1"), "listening");
    const served = await serve({ server: shared, path: "/links" });
    expect(served.url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\/links$/);
    const link = await dial(served.url, { ca: own.cert });
    await served.server.close();
    await expect(read(link)).rejects.toThrow("1006");
    shared.close();
  });
});
