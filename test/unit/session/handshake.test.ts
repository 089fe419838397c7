/** How a session begins: in one frame each way, in time, and with nothing of a stranger's kept. Shapes are in test/vectors/handshake.json. */
import { describe, expect, it } from "vitest";
import type { Link } from "../../../src/contract.js";
import { defaultLimits } from "../../../src/limits.js";
import {
  handshakeMs,
  helloBytes,
  introduce,
  protocolVersion,
  readHello,
  told,
  writeRefusal,
  writeWelcome,
} from "../../../src/session/handshake.js";
import { unguessableId } from "../../../src/session/host.js";
import { VirtualTime } from "../../../src/transports/memory.js";

const welcome = { session: "0123456789abcdef0123456789abcdef", capacity: 3, heartbeatMs: 500, limits: told(defaultLimits) };

/** Batches that come when they are put. */
class Incoming implements AsyncIterator<string | Uint8Array> {
  #settle: ((result: Promise<IteratorResult<string | Uint8Array>>) => void) | undefined;
  readonly #first = new Promise<IteratorResult<string | Uint8Array>>((resolve) => {
    this.#settle = resolve;
  });
  put(batch: string | Uint8Array): void {
    this.#settle?.(Promise.resolve({ done: false, value: batch }));
  }
  end(): void {
    this.#settle?.(Promise.resolve({ done: true, value: undefined }));
  }
  fail(error: Error): void {
    this.#settle?.(Promise.reject(error));
  }
  next(): Promise<IteratorResult<string | Uint8Array>> {
    return this.#first;
  }
}
function dialer(credentials?: unknown) {
  const time = new VirtualTime(1);
  const incoming = new Incoming();
  const sent: (string | Uint8Array)[] = [];
  const link: Link = {
    transport: "scripted",
    received: { [Symbol.asyncIterator]: () => incoming },
    send: (batch) => {
      sent.push(batch);
    },
    close: () => undefined,
  };
  return { time, incoming, sent, welcomed: introduce(link, incoming, time.host, defaultLimits, credentials) };
}
function listener() {
  const time = new VirtualTime(1);
  const incoming = new Incoming();
  return { time, incoming, hello: readHello(incoming, time.host) };
}
function pass(time: VirtualTime, ms: number): void {
  const until = time.now + ms;
  while (time.nextAt !== undefined && time.nextAt <= until) {
    time.pass(until);
    while (time.step());
  }
  time.pass(until);
}

describe("the dialer", () => {
  it("says its version, its limits and its credentials, in text of at most 4 KiB", async () => {
    const { sent, incoming, welcomed } = dialer({ token: "t" });
    incoming.put(writeWelcome(welcome));
    await expect(welcomed).resolves.toEqual(welcome);
    expect(sent.map((batch) => JSON.parse(batch as string) as unknown)).toEqual([
      [["hello", { version: protocolVersion, limits: told(defaultLimits), credentials: { token: "t" } }]],
    ]);
  });

  it("says null when it has no credentials", async () => {
    const { sent, incoming, welcomed } = dialer();
    incoming.put(writeWelcome(welcome));
    await welcomed;
    expect(sent[0]).toContain('"credentials":null');
  });

  it("sends nothing when its credentials do not fit", async () => {
    const { sent, welcomed } = dialer("x".repeat(helloBytes));
    await expect(welcomed).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(sent).toEqual([]);
  });

  it("gives up a silent listener after 10 s", async () => {
    const { time, welcomed } = dialer();
    pass(time, handshakeMs - 1);
    expect(time.nextAt).toBe(handshakeMs);
    pass(time, 1);
    await expect(welcomed).rejects.toMatchObject({ code: "DIAL_FAILED" });
    expect(time.nextAt).toBeUndefined();
  });

  it("keeps no timer once it is answered, refused or cut off", async () => {
    const acts: ((incoming: Incoming) => void)[] = [
      (incoming) => incoming.put(writeWelcome(welcome)),
      (incoming) => incoming.put(writeRefusal("SESSION_REFUSED", "no")),
      (incoming) => incoming.put("nonsense"),
      (incoming) => incoming.end(),
      (incoming) => incoming.fail(new Error("cut")),
    ];
    for (const act of acts) {
      const { time, incoming, welcomed } = dialer();
      act(incoming);
      await welcomed.catch(() => undefined);
      expect(time.nextAt).toBeUndefined();
    }
  });

  it("says DIAL_FAILED when the link ends or fails, with the cause", async () => {
    const ended = dialer();
    ended.incoming.end();
    await expect(ended.welcomed).rejects.toMatchObject({ code: "DIAL_FAILED" });
    const failed = dialer();
    failed.incoming.fail(new Error("cut"));
    await expect(failed.welcomed).rejects.toMatchObject({ code: "DIAL_FAILED", cause: { message: "cut" } });
  });

  it("cuts a refusal's text", async () => {
    const { incoming, welcomed } = dialer();
    incoming.put(writeRefusal("SESSION_REFUSED", "x".repeat(5_000)));
    const error: unknown = await welcomed.catch((reason: unknown) => reason);
    expect((error as Error).message.length).toBeLessThan(1_100);
  });
});

describe("the listener", () => {
  it("accepts a hello that comes in time", async () => {
    const { time, incoming, hello } = listener();
    pass(time, handshakeMs - 1);
    incoming.put(JSON.stringify([["hello", { version: 1, limits: told(defaultLimits), credentials: "t" }]]));
    await expect(hello).resolves.toEqual({ version: 1, limits: told(defaultLimits), credentials: "t" });
    expect(time.nextAt).toBeUndefined();
  });

  it("gives up a silent stranger after 10 s", async () => {
    const { time, hello } = listener();
    pass(time, handshakeMs);
    await expect(hello).rejects.toMatchObject({ code: "DIAL_FAILED" });
  });

  it("parses nothing of a batch over 4 KiB", async () => {
    const { incoming, hello } = listener();
    incoming.put("[".repeat(helloBytes + 1));
    await expect(hello).rejects.toMatchObject({
      code: "PROTOCOL_VIOLATION",
      message: expect.stringContaining("at most 4096 bytes") as string,
    });
  });

  it("takes only the limits it knows, and nothing inherited", async () => {
    const { incoming, hello } = listener();
    incoming.put(JSON.stringify([["hello", { version: 1, limits: { ...told(defaultLimits), maxTea: 1 }, credentials: null, more: 1 }]]));
    const read = await hello;
    expect(Object.keys(read).sort()).toEqual(["credentials", "limits", "version"]);
    expect(Object.keys(read.limits).sort()).toEqual(Object.keys(told(defaultLimits)).sort());
  });
});

describe("a session's id", () => {
  it("is 128 bits in hex, another each time", () => {
    const { host } = new VirtualTime(1);
    const ids = Array.from({ length: 100 }, () => unguessableId(host));
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});
