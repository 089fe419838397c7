/** What travels, how large it may be, and what is said of a value that cannot travel. */
import { isDeepStrictEqual } from "node:util";
import { type Channel, chan, type Peer, type ReceiveChannel, type SendChannel } from "netchan";
import SuperJSON from "superjson";
import { expect, it } from "vitest";
import { codeOf, errorOf, isPending, overBoth, range, take, type World } from "./support.js";

/** There and back again. */
async function roundTrip(world: World, values: readonly unknown[]): Promise<unknown[]> {
  const { near, far } = await world.pair<unknown>();
  const echo = (async () => {
    for await (const value of near.receive) await near.send(value);
  })();
  const returned: unknown[] = [];
  for (const value of values) {
    far.send(value);
    returned.push(await take(far.receive));
  }
  await far.close();
  await echo;
  return returned;
}

/** Data with a key that makes JavaScript think of a promise. */
const key = "then";
const thenable = (value: unknown): object => ({ [key]: value });

class Point {
  constructor(
    readonly x = 0,
    readonly y = 0,
  ) {}
}

overBoth("values", (world) => {
  it("arrive as what they were", async () => {
    const values = [
      undefined,
      null,
      true,
      0,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      12345678901234567890n,
      "",
      "ü\u{1f600}\0",
      [],
      {},
      [undefined, null, [[]]],
      { a: undefined, b: { c: [1, { d: "e" }] }, "a.b": 1, "": 2, "a\\b": 3 },
      new Date(0),
      /a+b/giu,
      new URL("https://example.org/a?b#c"),
      new Map<unknown, unknown>([
        [1, new Set([1, new Date(5)])],
        [{ key: true }, 2n],
      ]),
      new Set([1, "a", undefined]),
    ];
    expect(await roundTrip(world(), values)).toEqual(values);
    expect(Object.is((await roundTrip(world(), [-0]))[0], -0)).toBe(true);
  });

  it("arrive as bytes", async () => {
    const arrays = [
      new Uint8Array([1, 2, 255]),
      new Uint8ClampedArray([1, 2]),
      new Int8Array([-1]),
      new Uint16Array([65535]),
      new Int16Array([-2]),
      new Uint32Array([4294967295]),
      new Int32Array([-3]),
      new Float32Array([0.5, Number.NaN]),
      new Float64Array([0.1, -0]),
      new BigInt64Array([-1n]),
      new BigUint64Array([2n ** 64n - 1n]),
      new ArrayBuffer(3),
      { deep: [new Uint8Array(0)] },
    ];
    const returned = await roundTrip(world(), arrays);
    expect(returned).toEqual(arrays);
    for (const [index, array] of arrays.entries()) expect((returned[index] as object).constructor).toBe(array.constructor);
  });

  it("keep cycles and shared references", async () => {
    const shared = { name: "shared" };
    const cycle: { self?: unknown; shared: unknown[] } = { shared: [shared, shared] };
    cycle.self = cycle;
    const [back] = (await roundTrip(world(), [cycle])) as [{ self: unknown; shared: [unknown, unknown] }];
    expect(back.self).toBe(back);
    expect(back.shared[0]).toBe(back.shared[1]);
  });

  it("keep errors with name, message and cause, without stacks", async () => {
    const { near, far } = await world().pair<unknown>();
    const sent = new TypeError("bad", { cause: new RangeError("worse") });
    far.send(sent);
    const error = (await take(near.receive)) as Error;
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.message]).toEqual(["TypeError", "bad"]);
    expect((error.cause as Error).message).toBe("worse");
    expect(error.stack ?? "").not.toContain("values.test");
  });

  it("may have a data key called then, and arrive as what they are", async () => {
    const [back] = await roundTrip(world(), [thenable("plain data")]);
    expect(back).toEqual(thenable("plain data"));
  });

  it("use a superjson instance with registered classes", async () => {
    const superjson = () => {
      const instance = new SuperJSON();
      instance.registerClass(Point, { identifier: "Point" });
      return instance;
    };
    const { near, far } = await world().pair<unknown>({ superjson: superjson() }, { superjson: superjson() });
    far.send([new Point(1, 2)]);
    const [point] = (await take(near.receive)) as [Point];
    expect(point).toBeInstanceOf(Point);
    expect(point).toEqual(new Point(1, 2));
  });

  it("are encoded inside the call: later changes do not travel", async () => {
    const { near, far } = await world().pair<{ count: number }>();
    const value = { count: 1 };
    far.send(value);
    value.count = 2;
    expect(await take(near.receive)).toEqual({ count: 1 });
  });

  it.each<[string, () => unknown, string]>([
    ["a function", () => ({ items: [{ done: () => 1 }] }), "items[0].done"],
    ["a symbol", () => ({ items: [Symbol("x")] }), "items[0]"],
    ["a promise", () => ({ later: Promise.resolve() }), "later"],
    ["an invalid Date", () => ({ when: [new Date(Number.NaN)] }), "when[0]"],
    ["a sparse array", () => ({ list: new Array(3) }), "list"],
    ["a DataView", () => ({ view: new DataView(new ArrayBuffer(1)) }), "view"],
    ["a symbol key", () => ({ inner: { [Symbol("x")]: 1 } }), "inner"],
    ["an own __proto__ key", () => ({ inner: JSON.parse('{"__proto__":1}') }), "inner"],
    ["an instance of an unknown class", () => ({ point: new Point() }), "point"],
    ["a WeakMap", () => ({ weak: new WeakMap() }), "weak"],
    ["an end under then", () => ({ inner: thenable(chan().send) }), "then"],
    ["an end under toJSON", () => ({ inner: { toJSON: chan().receive } }), "toJSON"],
  ])("that hold %s reject ENCODE_FAILED and say where; the session lives", async (_title, make, path) => {
    const { near, far } = await world().pair<unknown>();
    const waiting = near.receive();
    const error = await errorOf(far.send(make()));
    expect(error).toMatchObject({ code: "ENCODE_FAILED", scope: "value", retryable: false });
    expect(error.message).toContain(path);
    far.send("after");
    expect((await waiting).value).toBe("after");
    const back = far.receive();
    await world().settle();
    expect(await codeOf(near.send(make()))).toBe("ENCODE_FAILED");
    near.send("after");
    expect((await back).value).toBe("after");
  });

  it("may be as large as the defaults promise", { timeout: 30_000 }, async () => {
    const deep = (levels: number): unknown => (levels === 0 ? "bottom" : [deep(levels - 1)]);
    const values = [
      "x".repeat(5_000_000),
      new Uint8Array(5_000_000).fill(7),
      deep(59),
      Object.fromEntries(range(5_000).map((index) => [`key ${index}`, index])),
      range(20_000),
      range(20_000).map((index) => ({ index })),
      range(5_000).map((index) => new Date(index)),
    ];
    const returned = await roundTrip(world(), values);
    for (const [index, value] of values.entries()) expect(isDeepStrictEqual(returned[index], value), `value ${index}`).toBe(true);
  });

  it("may hold 50 ends, each of which works", async () => {
    const { near, far } = await world().pair<Channel<number>[]>();
    const channels = range(25).map(() => chan<number>());
    far.send(channels);
    const theirs = await take(near.receive);
    for (const [index, { send }] of theirs.entries()) {
      send(index);
      expect(await take((channels[index] as Channel<number>).receive)).toBe(index);
    }
    for (const [index, { send }] of channels.entries()) {
      send(index);
      expect(await take((theirs[index] as Channel<number>).receive)).toBe(index);
    }
  });

  it("300 sends may be pending, both ways", async () => {
    const { near, far } = await world().pair<number>();
    const sends = range(300).flatMap((value) => [far.send(value), near.send(value)]);
    expect(await isPending(world(), Promise.race(sends))).toBe(true);
    for (const value of range(300)) {
      expect(await take(near.receive)).toBe(value);
      expect(await take(far.receive)).toBe(value);
    }
    await Promise.all(sends);
  });

  it("2 000 reply ends may follow each other", { timeout: 30_000 }, async () => {
    type Question = { n: number; reply: SendChannel<number> };
    const server = await world().listen<Question, never>();
    const { far } = await world().dial(server);
    void (async () => {
      for await (const { n, reply } of server.receive) reply(n + 1);
    })();
    for (const n of range(2_000)) {
      const { send: reply, receive } = chan<number>();
      await far.send({ n, reply });
      expect(await take(receive)).toBe(n + 1);
    }
  });

  it("over a limit reject, the session lives", async () => {
    const { near, far } = await world().pair<unknown>();
    const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
    for (const value of ["x".repeat(20_000_000), deep(2_000), range(200_000)])
      expect(["ENCODE_FAILED", "LIMIT_EXCEEDED"]).toContain(await codeOf(far.send(value)));
    const back = far.receive();
    expect(["ENCODE_FAILED", "LIMIT_EXCEEDED"]).toContain(await codeOf(near.send("x".repeat(20_000_000))));
    near.send("small");
    expect((await back).value).toBe("small");
    far.send("small");
    expect(await take(near.receive)).toBe("small");
  });

  it("honour the listener's smaller limits", async () => {
    const { near, far } = await world().pair<unknown>({ limits: { maxValueBytes: 2_000, maxDepth: 4, maxNodes: 50 } });
    for (const value of ["x".repeat(3_000), [[[[[[1]]]]]], range(100)])
      expect(["ENCODE_FAILED", "LIMIT_EXCEEDED"]).toContain(await codeOf(far.send(value)));
    far.send({ small: true });
    expect(await take(near.receive)).toEqual({ small: true });
    expect(far.status.state).toBe("connected");
  });

  it("more pending than maxPendingOperations reject LIMIT_EXCEEDED, not sent; the rest arrives", async () => {
    const { near, far } = await world().pair<number>({ limits: { maxPendingOperations: 10 } }, { limits: { maxPendingOperations: 10 } });
    const sends = range(40).map((value) =>
      far.send(value).then(
        () => "sent" as const,
        (error: { code: string; outcome?: string; scope: string; retryable: boolean }) => error,
      ),
    );
    await world().settle();
    const arrived: number[] = [];
    const reading = (async () => {
      for await (const value of near.receive) arrived.push(value);
    })();
    await world().settle();
    far.send.close();
    await reading;
    const outcomes = await Promise.all(sends);
    const refused = outcomes.filter((outcome) => outcome !== "sent");
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused)
      expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", outcome: "not-sent", scope: "value", retryable: true });
    expect(arrived).toEqual(range(40).filter((value) => outcomes[value] === "sent"));
    expect(arrived.length).toBeGreaterThanOrEqual(10);
  });

  it("pass a channel through a third process", async () => {
    const server = await world().listen<unknown>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    const { send, receive } = chan<string>();
    one.far.send(send);
    two.near.send(await take(one.near.receive));
    const theirs = (await take(two.far.receive as ReceiveChannel<SendChannel<string>>)) as SendChannel<string>;
    const sent = theirs("through");
    expect(await take(receive)).toBe("through");
    await sent;
    one.far.abort();
    await one.near.ended;
    expect(["SESSION_LOST", "SESSION_CLOSED", "CHANNEL_CLOSED"]).toContain(await codeOf(theirs("too late")));
    void (two.far as Peer);
  });
});
