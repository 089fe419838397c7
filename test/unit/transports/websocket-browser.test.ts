/** What a browser does differently: no pause, no terminate, no reason for failures. And what its bundle must not hold. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WebSocketDialOptions } from "../../../src/transports/websocket.js";
import { linkOver, type WebSocketLike } from "../../../src/transports/websocket-link.js";
import { read } from "../../support/websockets.js";

type Listener = (event: Record<string, unknown>) => void;

/** The WebSocket of a browser, as far as a test drives it. */
class PageSocket implements WebSocketLike {
  static readonly all: PageSocket[] = [];
  binaryType = "blob";
  readyState = 0;
  bufferedAmount = 0;
  readonly calls: unknown[][] = [];
  readonly #listeners: [string, Listener][] = [];

  constructor(...args: unknown[]) {
    if (args[0] === "ws://127.0.0.1:666/") throw new DOMException("mixed content", "SecurityError");
    this.calls.push(["open", ...args.slice(0, 2)]);
    PageSocket.all.push(this);
  }
  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.push([type, listener as Listener]);
  }
  emit(type: "open" | "message" | "error" | "close", event: Record<string, unknown> = {}): void {
    if (type === "open") this.readyState = 1;
    if (type === "close") this.readyState = 3;
    for (const [of, listener] of this.#listeners) if (of === type) listener(event);
  }
  send(batch: string | Uint8Array): void {
    if (batch === "refuse") throw new TypeError("refused");
    this.calls.push(["send", batch]);
    this.bufferedAmount += batch.length;
  }
  close(code: number, reason: string): void {
    this.readyState = 2;
    this.calls.push(["close", code, reason]);
  }
}

describe("a link over a browser's WebSocket", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function opened(maxFrameBytes = 1_000_000) {
    const socket = new PageSocket();
    socket.readyState = 1;
    return { socket, link: linkOver(socket, maxFrameBytes) };
  }

  it("gets text and bytes", async () => {
    const { socket, link } = opened();
    expect(socket.binaryType).toBe("arraybuffer");
    socket.emit("message", { data: "text" });
    socket.emit("message", { data: Uint8Array.of(1, 2).buffer });
    expect([await read(link), await read(link)]).toEqual(["text", Uint8Array.of(1, 2)]);
  });

  it("asks for the end of congestion, only while there is one", async () => {
    const { socket, link } = opened();
    expect(link.send("x".repeat(1024 * 1024))).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
    let over = false;
    const wait = link.send("x");
    expect(link.send("x")).toBe(wait);
    void (wait as Promise<void>).then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(50);
    socket.bufferedAmount = 512 * 1024 + 1;
    await vi.advanceTimersByTimeAsync(50);
    expect(over).toBe(false);
    socket.bufferedAmount = 512 * 1024;
    await vi.advanceTimersByTimeAsync(50);
    expect([over, vi.getTimerCount(), link.send("x")]).toEqual([true, 0, undefined]);
  });

  it.each(["close", "terminate", "the network"])("lets senders go and leaves no timer when it ends by %s", async (by) => {
    const { socket, link } = opened();
    const wait = link.send("x".repeat(2_000_000));
    if (by === "close") link.close("bye");
    else if (by === "terminate") link.terminate();
    else socket.emit("close", { code: 1006, reason: "" });
    await wait;
    expect(vi.getTimerCount()).toBe(0);
    expect(socket.calls.slice(2)).toEqual(by === "close" ? [["close", 1000, "bye"]] : by === "terminate" ? [["close", 1000, ""]] : []);
  });

  it.each([
    [1000, undefined],
    [1001, undefined],
    [1005, undefined],
    [1006, "code 1006"],
    [1009, "code 1009"],
    [4000, "code 4000"],
  ])("reads %i as an end or a failure", async (code, failure) => {
    const { socket, link } = opened();
    socket.emit("error");
    socket.emit("close", { code, reason: "" });
    if (failure === undefined) expect(await read(link)).toBeUndefined();
    else await expect(read(link)).rejects.toThrow(failure);
  });

  it("fails, and says so to the other side, when it gets a batch that is too large", async () => {
    const { socket, link } = opened(10);
    socket.emit("message", { data: "0123456789" });
    socket.emit("message", { data: "0123456789x" });
    socket.emit("message", { data: "late" });
    expect(await read(link)).toBe("0123456789");
    await expect(read(link)).rejects.toThrow("at most 10 bytes, got 11");
    expect(socket.calls.at(-1)?.[0]).toBe("close");
  });

  it("fails when the browser refuses a batch", async () => {
    const { link } = opened();
    expect(link.send("refuse")).toBeUndefined();
    await expect(read(link)).rejects.toThrow("refused");
  });
});

describe("dialWebSocket in a browser", () => {
  async function dialer(WebSocket: unknown) {
    vi.resetModules();
    vi.doMock("isomorphic-ws", () => ({ default: WebSocket }));
    const { dialWebSocket } = await import("../../../src/transports/websocket.js");
    vi.doUnmock("isomorphic-ws");
    const controller = new AbortController();
    const dial = (url: string, options: Partial<WebSocketDialOptions> = {}) =>
      dialWebSocket(url, { signal: controller.signal, maxFrameBytes: 1000, ...options });
    return { dial, controller };
  }

  it("opens, with the browser's own trust", async () => {
    const { dial } = await dialer(PageSocket);
    const dialing = dial("wss://example.com/x", { ca: "PEM" });
    const socket = PageSocket.all.at(-1);
    socket?.emit("open");
    socket?.emit("message", { data: "first" });
    expect(await read(await dialing)).toBe("first");
    expect(socket?.calls).toEqual([["open", "wss://example.com/x", []]]);
  });

  it("rejects with what little a browser tells", async () => {
    const { dial } = await dialer(PageSocket);
    const dialing = dial("wss://example.com/x");
    PageSocket.all.at(-1)?.emit("error");
    PageSocket.all.at(-1)?.emit("close", { code: 1006, reason: "" });
    await expect(dialing).rejects.toMatchObject({
      code: "DIAL_FAILED",
      message: expect.stringContaining("code 1006"),
      cause: expect.any(Error),
    });
  });

  it("stops when aborted", async () => {
    const { dial, controller } = await dialer(PageSocket);
    const dialing = dial("wss://example.com/x");
    controller.abort("enough");
    await expect(dialing).rejects.toBe("enough");
    expect(PageSocket.all.at(-1)?.calls.at(-1)).toEqual(["close", 1000, ""]);
  });

  it("rejects where the browser forbids it, and where there is no WebSocket", async () => {
    await expect((await dialer(PageSocket)).dial("ws://127.0.0.1:666")).rejects.toMatchObject({
      code: "DIAL_FAILED",
      cause: { name: "SecurityError" },
    });
    await expect((await dialer(null)).dial("ws://127.0.0.1:1")).rejects.toMatchObject({ code: "DIAL_FAILED" });
  });

  it("refuses to pin wss:, which a browser cannot", async () => {
    const { dial } = await dialer(PageSocket);
    const certificateHash = "ab".repeat(32);
    await expect(dial("wss://localhost:1", { certificateHash })).rejects.toThrow(TypeError);
    await expect(dial("wss://localhost:1", { certificateHash })).rejects.toThrow("a browser can pin certificates of WebTransport");
  });
});

describe("a browser's bundle", () => {
  it("holds nothing of ws or Node, and touches no global when it is loaded", async () => {
    const { build } = await import("vite");
    const folder = await mkdtemp(join(tmpdir(), "netchan-bundle-"));
    try {
      const source = fileURLToPath(new URL("../../../src/transports/websocket.ts", import.meta.url));
      const entry = join(folder, "entry.ts");
      await writeFile(entry, `export { dialWebSocket } from ${JSON.stringify(source)};`);
      const warnings: string[] = [];
      const output = await build({
        root: folder,
        configFile: false,
        logLevel: "silent",
        build: {
          write: false,
          minify: false,
          lib: { entry, formats: ["es"], fileName: "bundle" },
          rolldownOptions: { onwarn: (warning) => void warnings.push(warning.message) },
        },
      });
      const chunks = [output].flat().flatMap((part) => ("output" in part ? part.output : []));
      expect(chunks).toHaveLength(1);
      const [chunk] = chunks;
      if (chunk?.type !== "chunk") throw new Error("Expected a chunk");
      expect([chunk.imports, chunk.dynamicImports, warnings]).toEqual([[], [], []]);
      const modules = Object.keys(chunk.modules).map((id) => id.split("/").slice(-2).join("/"));
      expect(modules.filter((id) => !/^transports\/|\/entry\.ts$/.test(id)).sort()).toEqual(["isomorphic-ws/browser.js", "src/errors.ts"]);
      expect(chunk.code).not.toMatch(/require\(|from "node:|process\.|Buffer\.|createHash/);
      // Loaded where there is no WebSocket at all, as on a server that renders pages with a browser's bundle.
      const loaded = await import(`data:text/javascript,${encodeURIComponent(chunk.code)}`);
      expect(loaded.dialWebSocket).toBeTypeOf("function");
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 30_000);
});
