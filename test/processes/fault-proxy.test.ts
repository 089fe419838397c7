/** The fault proxy does what it says, and nothing else: otherwise the tests that stand on it would prove nothing. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { FrameScanner } from "../support/fault-flow.js";
import { FaultProxy } from "../support/fault-proxy.js";

/** One end of a connection, and what became of it. */
class End {
  readonly #chunks: Buffer[] = [];
  #count = 0;
  /** "end" for a FIN, the code of an error for a reset. */
  outcome: string | undefined;
  #wake = (): void => {};

  constructor(readonly socket: Socket) {
    socket.on("data", (bytes) => {
      this.#chunks.push(bytes);
      this.#count += bytes.length;
      this.#wake();
    });
    const over = (outcome: string): void => {
      this.outcome ??= outcome;
      this.#wake();
    };
    socket.on("end", () => over("end"));
    socket.on("error", (error: NodeJS.ErrnoException) => over(error.code ?? "error"));
    socket.on("close", () => over("closed"));
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
  async until(what: () => boolean): Promise<void> {
    while (!what())
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }
  has(count: number): Promise<void> {
    return this.until(() => this.#count >= count);
  }
  over(): Promise<void> {
    return this.until(() => this.outcome !== undefined);
  }
}

let server: Server;
let proxy: FaultProxy;
let sockets: Socket[];
let arrivals: ((end: End) => void)[];

beforeEach(async () => {
  sockets = [];
  arrivals = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    const end = new End(socket);
    for (const arrival of arrivals.splice(0)) arrival(end);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await FaultProxy.start((server.address() as AddressInfo).port, 1);
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await proxy[Symbol.asyncDispose]();
  await new Promise((resolve) => server.close(resolve));
});

function dial(): End {
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  sockets.push(socket);
  return new End(socket);
}
/** Both ends of one connection, and the connection between them. */
async function pair() {
  const opened = proxy.next();
  const arrived = new Promise<End>((resolve) => arrivals.push(resolve));
  const near = dial();
  const [connection, far] = await Promise.all([opened, arrived]);
  return { near, far, connection };
}
/** Has nothing come of it, when everything that could come has? */
async function roundTrip(): Promise<void> {
  const { near, far } = await pair();
  near.socket.write("?");
  await far.has(1);
  far.socket.write("!");
  await near.has(1);
  near.socket.destroy();
}

/** Bytes of which no short piece looks like its neighbours. */
const block = Buffer.from(Array.from({ length: 251 }, (_, index) => (index * 7) % 251));
const pattern = (count: number): Buffer => Buffer.alloc(count, block);

describe("without a fault", () => {
  it("passes all bytes both ways, and each end by itself", async () => {
    const { near, far } = await pair();
    const sent = pattern(3_000_000);
    near.socket.end(sent);
    await far.over();
    expect(far.bytes.equals(sent)).toBe(true);
    expect([far.outcome, near.outcome]).toEqual(["end", undefined]);
    far.socket.end(sent);
    await near.over();
    expect(near.bytes.equals(sent)).toBe(true);
    expect(proxy.bytes).toEqual({ up: sent.length, down: sent.length });
    expect([proxy.accepted, proxy.refused, proxy.hits]).toEqual([1, 0, []]);
  });

  it("passes a reset as a reset", async () => {
    const { near, far } = await pair();
    near.socket.resetAndDestroy();
    await far.over();
    expect(far.outcome).toBe("ECONNRESET");
  });

  it("holds a sender up whose receiver does not read", async () => {
    const { near, far } = await pair();
    far.socket.pause();
    const whole = 32 * 1024 * 1024;
    near.socket.write(Buffer.alloc(whole));
    await roundTrip();
    await roundTrip();
    expect(proxy.bytes.up).toBeLessThan(whole / 2);
    far.socket.resume();
    await far.has(whole);
  });

  it("forgets a connection whose ends are gone", async () => {
    const { near, far, connection } = await pair();
    near.socket.end();
    await far.over();
    far.socket.end();
    await connection.closed;
    expect(proxy.connections.size).toBe(0);
  });
});

describe("a fault", () => {
  it.each([
    ["clean", "end"],
    ["reset", "ECONNRESET"],
  ] as const)("cuts %s: both ends see %s", async (how, outcome) => {
    const { near, far, connection } = await pair();
    near.socket.write("before");
    await far.has(6);
    connection.cut(how);
    await Promise.all([near.over(), far.over()]);
    expect([near.outcome, far.outcome]).toEqual([outcome, outcome]);
    expect(proxy.hits).toEqual([{ kind: how, connection: 1, live: false, inside: false }]);
    expect(proxy.sound).toEqual([]);
  });

  it("is counted as live when more than a handshake has passed, each way", async () => {
    const { near, far, connection } = await pair();
    near.socket.write(pattern(10_000));
    await far.has(10_000);
    expect(connection.live).toBe(false);
    far.socket.write(pattern(10_000));
    await near.has(10_000);
    connection.cut("reset");
    expect(proxy.hits).toEqual([{ kind: "reset", connection: 1, live: true, inside: false }]);
  });

  it.each(["up", "down", "both"] as const)("goes silent %s, keeps the sockets open and tells nobody", async (direction) => {
    const { near, far, connection } = await pair();
    const thaw = connection.freeze(direction);
    near.socket.write("up");
    far.socket.write("down");
    if (direction === "up") await near.has(4);
    if (direction === "down") await far.has(2);
    await roundTrip();
    expect(far.bytes.toString()).toBe(direction === "down" ? "up" : "");
    expect(near.bytes.toString()).toBe(direction === "up" ? "down" : "");
    const [silent, other] = direction === "down" ? [far, near] : [near, far];
    silent.socket.end();
    await roundTrip();
    expect([near.outcome, far.outcome]).toEqual([undefined, undefined]);
    thaw();
    await other.over();
    expect([near.bytes.toString(), far.bytes.toString(), other.outcome]).toEqual(["down", "up", "end"]);
  });

  it("stops reading while it is silent, so that a sender notices by its own buffer", async () => {
    const { near, far, connection } = await pair();
    const thaw = connection.freeze("both");
    const sent = pattern(32 * 1024 * 1024);
    near.socket.write(sent);
    await roundTrip();
    expect(near.socket.writableLength).toBeGreaterThan(0);
    thaw();
    await far.has(sent.length);
    expect(far.bytes.equals(sent)).toBe(true);
  });

  it("lets go of a silent connection that both ends have given up", async () => {
    const { near, far, connection } = await pair();
    connection.freeze("both");
    near.socket.destroy();
    far.socket.destroy();
    await connection.closed;
    expect(proxy.connections.size).toBe(0);
  });

  it("freezes newcomers until it is healed", async () => {
    proxy.newcomers = "frozen";
    const near = dial();
    near.socket.write("hello");
    const connection = await proxy.next();
    expect(connection.up.frozen).toBe(true);
    const arrived = new Promise<End>((resolve) => arrivals.push(resolve));
    const far = await arrived;
    proxy.heal();
    await far.has(5);
    expect(proxy.hits).toEqual([]);
  });

  it("refuses newcomers, and only those", async () => {
    const { near, far } = await pair();
    proxy.newcomers = "refused";
    const refused = dial();
    await refused.over();
    expect(refused.outcome).toBe("ECONNRESET");
    near.socket.write("still here");
    await far.has(10);
    expect([proxy.accepted, proxy.refused]).toEqual([1, 1]);
    proxy.heal();
    await roundTrip();
  });

  it("drips a few bytes at a time, and loses none", async () => {
    const { near, far, connection } = await pair();
    const sizes: number[] = [];
    far.socket.on("data", (bytes) => sizes.push(bytes.length));
    connection.drip({ bytes: 3, pauseMs: 5 });
    const sent = pattern(30);
    near.socket.write(sent);
    await far.has(30);
    expect(far.bytes.equals(sent)).toBe(true);
    expect(Math.max(...sizes)).toBeLessThan(30);
    expect(sizes.length).toBeGreaterThan(1);
    connection.drip(undefined);
    near.socket.write(pattern(100_000));
    await far.has(100_030);
    expect(proxy.hits.map((hit) => hit.kind)).toEqual(["drip"]);
  });

  it("delays, and keeps the order and the end behind it", async () => {
    const { near, far, connection } = await pair();
    connection.delay(100);
    const from = performance.now();
    near.socket.write("late");
    near.socket.end();
    await far.over();
    expect(performance.now() - from).toBeGreaterThanOrEqual(99);
    expect([far.bytes.toString(), far.outcome]).toEqual(["late", "end"]);
  });

  it("turns one bit", async () => {
    const { near, far, connection } = await pair();
    connection.flip("up");
    const sent = pattern(1_000);
    near.socket.write(sent);
    await far.has(1_000);
    let bits = 0;
    for (const [index, byte] of far.bytes.entries()) bits += ((byte ^ (sent[index] ?? 0)).toString(2).match(/1/g) ?? []).length;
    expect(bits).toBe(1);
    near.socket.write(sent);
    await far.has(2_000);
    expect(far.bytes.subarray(1_000).equals(sent)).toBe(true);
    expect(proxy.hits).toEqual([{ kind: "corrupt", connection: 1, live: false, inside: false }]);
  });
});

describe("a cut inside a frame", () => {
  it.each(["up", "down"] as const)("leaves the other side with a part of it, %s", async (direction) => {
    const receiver = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(receiver, "listening");
    const front = await FaultProxy.start((receiver.address() as AddressInfo).port, 3);
    try {
      for (let round = 0; round < 20; round++) {
        const [opened, arrived] = [front.next(), once(receiver, "connection") as Promise<[WebSocket]>];
        const near = new WebSocket(`ws://127.0.0.1:${front.port}`);
        const [connection, [far]] = await Promise.all([opened, arrived, once(near, "open")]);
        const [from, to] = direction === "up" ? [near, far] : [far, near];
        let whole = 0;
        for (const socket of [near, far]) socket.on("error", () => {});
        to.on("message", () => whole++);
        connection.cutInside(direction, round % 2 === 0 ? "clean" : "reset");
        for (let frame = 0; frame < 5; frame++) from.send("x".repeat(round)); // frames of two bytes are the smallest
        const [code] = (await once(to, "close")) as [number];
        expect(code).toBe(1006);
        expect(whole).toBe(connection[direction].scanner.count);
        expect(whole).toBeLessThan(5);
        near.terminate();
        far.terminate();
      }
      expect(front.hits).toEqual(
        Array.from({ length: 20 }, (_, index) => ({ kind: "inside-frame", connection: index + 1, live: false, inside: true })),
      );
    } finally {
      await front[Symbol.asyncDispose]();
      await new Promise((resolve) => receiver.close(resolve));
    }
  });

  it("knows where frames begin, however they arrive", () => {
    const head = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n");
    const frames = [
      Buffer.from([0x81, 0x01, 0x41]),
      Buffer.from([0x89, 0x00]),
      Buffer.from([0x81, 0x82, 1, 2, 3, 4, 5, 6]),
      Buffer.concat([Buffer.from([0x82, 126, 0x01, 0x00]), Buffer.alloc(256)]),
      Buffer.concat([Buffer.from([0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0, 9, 9, 9, 9]), Buffer.alloc(65536)]),
    ];
    const bytes = Buffer.concat([head, ...frames]);
    const boundaries = new Set<number>();
    let at = head.length;
    for (const frame of frames) {
      boundaries.add(at);
      at += frame.length;
    }
    boundaries.add(at);
    const slow = new FrameScanner();
    const seen = new Set<number>();
    for (let index = 0; index < bytes.length; index++) {
      slow.push(bytes.subarray(index, index + 1));
      if (slow.atBoundary) seen.add(index + 1);
    }
    expect(seen).toEqual(boundaries);
    const fast = new FrameScanner();
    fast.push(bytes);
    expect([slow.count, fast.count, fast.atBoundary]).toEqual([5, 5, true]);
  });
});

it("does the same again from the same seed", async () => {
  const port = (server.address() as AddressInfo).port;
  const [one, two, other] = await Promise.all([7, 7, 8].map((seed) => FaultProxy.start(port, seed)));
  const draw = (from: FaultProxy | undefined): number[] => Array.from({ length: 20 }, () => from?.below(1_000) ?? -1);
  const [first, second, third] = [draw(one), draw(two), draw(other)];
  expect(first).toEqual(second);
  expect(first).not.toEqual(third);
  for (const started of [one, two, other]) await started?.[Symbol.asyncDispose]();
});
