/** How a session begins: in one frame each way, in time, and with nothing of a stranger's kept. Shapes are in test/vectors/handshake.json. */
import { describe, expect, it } from "vitest";
import type { Link } from "../../../src/contract.js";
import { defaultLimits } from "../../../src/limits.js";
import { readGreeting, writeRefusal, writeResumed, writeWelcome, wrongDoor } from "../../../src/session/greet.js";
import { handshakeMs, helloBytes, protocolVersion, type Resume, told } from "../../../src/session/handshake.js";
import { unguessableId } from "../../../src/session/host.js";
import { introduce, resume } from "../../../src/session/introduce.js";
import { VirtualTime } from "../../../src/transports/memory.js";

const welcome = {
  session: "0123456789abcdef".repeat(2),
  listener: "fedcba9876543210".repeat(2),
  token: "0123456789abcdef".repeat(4),
  capacity: 3,
  heartbeatMs: 500,
  resumeWindowMs: 700,
  limits: told(defaultLimits),
};
const coming: Resume = {
  kind: "resume",
  session: welcome.session,
  listener: welcome.listener,
  token: welcome.token,
  epoch: 2,
  next: 8,
  first: 3,
  credentials: { token: "t" },
};

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
function scripted() {
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
  return { time, incoming, sent, link };
}
function dialer(credentials?: unknown, resumes?: boolean) {
  const { time, incoming, sent, link } = scripted();
  return {
    time,
    incoming,
    sent,
    welcomed: introduce(link, incoming, time.host, { limits: defaultLimits, credentials, ...(resumes === undefined ? {} : { resumes }) }),
  };
}
function returning(said: Resume = coming) {
  const { time, incoming, sent, link } = scripted();
  return { time, incoming, sent, answered: resume(link, incoming, time.host, said) };
}
function listener() {
  const time = new VirtualTime(1);
  const incoming = new Incoming();
  return { time, incoming, hello: readGreeting(incoming, time.host, coming.listener).then(({ said }) => said) };
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

describe("a dialer that will not come back", () => {
  it("says so, and one that will says nothing of it", async () => {
    for (const [resumes, said] of [
      [false, false],
      [true, undefined],
    ] as const) {
      const { sent, incoming, welcomed } = dialer(undefined, resumes);
      incoming.put(writeWelcome(welcome));
      await welcomed;
      const [[, hello]] = JSON.parse(sent[0] as string) as [[string, { readonly resumes?: boolean }]];
      expect(hello.resumes).toBe(said);
    }
  });
});

describe("a dialer that comes back", () => {
  it("says all it has in one frame, and of its limits nothing: they are as they were", async () => {
    const { sent, incoming, answered } = returning();
    incoming.put(writeResumed({ token: "f".repeat(64), next: 3, first: 8 }));
    await expect(answered).resolves.toEqual({ kind: "resumed", token: "f".repeat(64), next: 3, first: 8 });
    const { kind: _, ...said } = coming;
    expect(sent.map((batch) => JSON.parse(batch as string) as unknown)).toEqual([[["resume", { version: protocolVersion, ...said }]]]);
  });

  it("is understood by the listener", async () => {
    const { sent } = returning();
    const { incoming, hello } = listener();
    incoming.put(sent[0] as string);
    await expect(hello).resolves.toEqual(coming);
  });

  it.each([
    ["a wrong door", wrongDoor, { kind: "wrong-door" }],
    ["a refusal", writeRefusal("SESSION_LOST", "gone"), { kind: "refused", error: { code: "SESSION_LOST" } }],
    ["an end", '[["end","SESSION_CLOSED","gone"]]', { kind: "end", error: { code: "SESSION_CLOSED" } }],
    ["a refusal of a code of its own", '[["refused","constructor",7]]', { kind: "refused", error: { code: "PROTOCOL_VIOLATION" } }],
  ])("takes %s for an answer", async (_what, batch, expected) => {
    const { time, incoming, answered } = returning();
    incoming.put(batch);
    await expect(answered).resolves.toMatchObject(expected);
    expect(time.nextAt).toBeUndefined();
  });

  it("sends nothing when its credentials do not fit", async () => {
    const { sent, answered } = returning({ ...coming, credentials: "x".repeat(helloBytes) });
    await expect(answered).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(sent).toEqual([]);
  });

  it("gives up a silent listener after 10 s, and a link that ends or fails", async () => {
    const silent = returning();
    pass(silent.time, handshakeMs);
    await expect(silent.answered).rejects.toMatchObject({ code: "DIAL_FAILED" });
    const ended = returning();
    ended.incoming.end();
    await expect(ended.answered).rejects.toMatchObject({ code: "DIAL_FAILED" });
    const failed = returning();
    failed.incoming.fail(new Error("cut"));
    await expect(failed.answered).rejects.toMatchObject({ code: "DIAL_FAILED", cause: { message: "cut" } });
  });
});

describe("the listener", () => {
  it("accepts a hello that comes in time", async () => {
    const { time, incoming, hello } = listener();
    pass(time, handshakeMs - 1);
    incoming.put(JSON.stringify([["hello", { version: 1, limits: told(defaultLimits), credentials: "t" }]]));
    await expect(hello).resolves.toEqual({ kind: "hello", limits: told(defaultLimits), credentials: "t", resumes: true });
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
    if (read.kind !== "hello") throw new Error("Expected a hello");
    expect(Object.keys(read).sort()).toEqual(["credentials", "kind", "limits", "resumes"]);
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

describe("a resume that names another listener", () => {
  it.each([
    ["of another version", { version: 99 }],
    ["without a token", { version: 1 }],
  ])("is sent on to the next door, %s or not", async (_how, fields) => {
    const { incoming, hello } = listener();
    incoming.put(JSON.stringify([["resume", { ...fields, listener: "0".repeat(32) }]]));
    expect(await hello).toEqual({ kind: "elsewhere" });
  });
});
