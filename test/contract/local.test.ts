/** The same words in one process: channels, timers, and wrong arguments. */
import {
  after as alarm,
  ask,
  askMany,
  type Channel,
  chan,
  defaultLimits,
  isReceive,
  isSend,
  merge,
  pipe,
  type SendChannel,
  select,
  tick,
  trySelect,
} from "netchan";
import { describe, expect, it } from "vitest";
import { all, codeOf, errorOf, noUnhandledRejections, range, take, thrownBy } from "./support.js";

describe("a channel in one process", () => {
  noUnhandledRejections();

  it("is a rendezvous, or buffers", async () => {
    const { send, receive } = chan<number>();
    expect([send.capacity, receive.capacity, send.buffered, send.closed, receive.closed]).toEqual([0, 0, 0, false, false]);
    const got = receive();
    await send(1);
    expect(await got).toEqual({ done: false, value: 1 });
    const buffered = chan<number>(2);
    await buffered.send(1);
    await buffered.send(2);
    expect([buffered.send.buffered, buffered.receive.buffered, buffered.send.capacity]).toEqual([2, 2, 2]);
    buffered.send.close();
    expect(await all(buffered.receive)).toEqual([1, 2]);
  });

  it("drops as it was told to", async () => {
    const oldest = chan<number>({ capacity: 2, whenFull: "drop-oldest" });
    const newest = chan<number>({ capacity: 2, whenFull: "drop-newest" });
    for (const value of range(5)) await Promise.all([oldest.send(value), newest.send(value)]);
    oldest.send.close();
    newest.send.close();
    expect(await all(oldest.receive)).toEqual([3, 4]);
    expect(await all(newest.receive)).toEqual([0, 1]);
  });

  it("hands over the very object, also one with a then", async () => {
    const { send, receive } = chan<object>();
    const value: object = { [["then"].join()]: () => expect.unreachable() };
    send(value);
    const got = await receive();
    expect(got.value === value).toBe(true);
  });

  it("is closed for both when either end is disposed of", async () => {
    const one = chan<number>();
    one.send[Symbol.dispose]();
    expect(await one.receive()).toMatchObject({ done: true });
    const two = chan<number>();
    const pending = two.send(1);
    two.receive[Symbol.dispose]();
    expect(await codeOf(pending)).toBe("CHANNEL_CLOSED");
  });

  it("never raises unhandledRejection for a send", async () => {
    const { send, receive } = chan<number>();
    void send(1, { signal: AbortSignal.abort() });
    void send(2);
    receive.close();
    void send(3);
    await new Promise((resolve) => setImmediate(resolve));
  });

  it("asks within one process", async () => {
    const { send, receive } = chan<{ n: number; reply: SendChannel<number> }>();
    void (async () => {
      for await (const { n, reply } of receive) reply(n * 2);
    })();
    expect(await ask(send, (reply) => ({ n: 4, reply }))).toBe(8);
    const many = askMany(send, (reply: SendChannel<number>) => ({ n: 5, reply }));
    expect(await take(many)).toBe(10);
    many.close();
    send.close();
    expect(await codeOf(ask(send, (reply) => ({ n: 4, reply })))).toBe("CHANNEL_CLOSED");
  });
});

describe("timers", () => {
  noUnhandledRejections();

  it("after: one Date, then done", async () => {
    const before = Date.now();
    const late = alarm(5);
    const date = await take(late);
    expect(date).toBeInstanceOf(Date);
    expect(date.getTime() - before).toBeGreaterThanOrEqual(4);
    expect(await late()).toMatchObject({ done: true });
  });

  it("tick: one Date every so often, until its signal or close", async () => {
    const stop = new AbortController();
    const ticks = tick(2, { signal: stop.signal });
    const dates = [await take(ticks), await take(ticks), await take(ticks)];
    expect(dates.every((date) => date instanceof Date)).toBe(true);
    const waiting = ticks();
    stop.abort();
    const last = await waiting; // a tick, if one was due before the abort
    if (!last.done) expect(last.value).toBeInstanceOf(Date);
    expect(await ticks()).toMatchObject({ done: true });
    const rare = tick(1_000_000, { signal: AbortSignal.timeout(1) });
    expect(await rare()).toMatchObject({ done: true });
    const other = tick(1_000_000);
    other.close();
    expect(await other()).toMatchObject({ done: true });
  });

  it("race in select", async () => {
    const { receive } = chan<number>();
    expect((await select({ value: receive, late: alarm(1), later: alarm(2 ** 40) })).case).toBe("late");
  });
});

describe("merge, pipe, select", () => {
  noUnhandledRejections();

  it("merge of nothing is done at once", async () => {
    expect(await merge()()).toMatchObject({ done: true });
  });

  it("pipe closes what it moves to, and takes a signal", async () => {
    const [from, to] = [chan<number>(3), chan<number>(3)];
    for (const value of range(3)) await from.send(value);
    from.send.close();
    await pipe(from.receive, to.send);
    expect(await all(to.receive)).toEqual(range(3));
    const stop = new AbortController();
    const piped = pipe(chan<number>().receive, chan<number>().send, { signal: stop.signal });
    stop.abort("enough");
    await expect(piped).rejects.toBe("enough");
  });

  it("select picks among the ready fairly", async () => {
    const [one, two] = [chan<number>(1_000), chan<number>(1_000)];
    for (const value of range(1_000)) await Promise.all([one.send(value), two.send(value)]);
    let ones = 0;
    for (const _ of range(1_000)) if ((await select({ one: one.receive, two: two.receive })).case === "one") ones++;
    expect(ones).toBeGreaterThan(350);
    expect(ones).toBeLessThan(650);
  });

  it("trySelect does one thing or nothing", async () => {
    const { send, receive } = chan<number>(1);
    expect(await trySelect({ a: receive })).toBeUndefined();
    expect(await trySelect({ b: [send, 1] })).toEqual({ case: "b" });
    expect(await trySelect({ b: [send, 1] })).toBeUndefined();
    expect(await trySelect({ a: receive })).toEqual({ case: "a", done: false, value: 1 });
    expect(await trySelect({})).toBeUndefined();
  });
});

describe("wrong arguments throw at once", () => {
  noUnhandledRejections();
  const { send, receive } = chan<number>();

  it.each<[string, () => unknown, typeof TypeError | typeof RangeError]>([
    ["chan(-1)", () => chan(-1), RangeError],
    ["chan(1.5)", () => chan(1.5), RangeError],
    ["chan(NaN)", () => chan(Number.NaN), RangeError],
    ["chan(Infinity)", () => chan(Number.POSITIVE_INFINITY), RangeError],
    ["chan('1')", () => chan("1" as never), TypeError],
    ["a drop policy with capacity 0", () => chan({ whenFull: "drop-oldest" }), RangeError],
    ["an unknown policy", () => chan({ capacity: 1, whenFull: "drop" as never }), TypeError],
    ["send with no signal", () => send(1, { signal: {} as never }), TypeError],
    ["receive of a number", () => receive(1 as never), TypeError],
    ["values with no signal", () => receive.values({ signal: 1 as never }), TypeError],
    ["close with a text", () => send.close("x" as never), TypeError],
    ["select of nothing", () => select(undefined as never), TypeError],
    ["select of an array", () => select([receive] as never), TypeError],
    ["select of true", () => select({ a: true as never }), TypeError],
    ["select of a bare send end", () => select({ a: send as never }), TypeError],
    ["select of the ends the wrong way round", () => select({ a: [receive, 1] as never }), TypeError],
    ["select with no signal", () => select({ a: receive }, { signal: 1 as never }), TypeError],
    ["trySelect of true", () => trySelect({ a: true as never }), TypeError],
    ["after of a text", () => alarm("5" as never), TypeError],
    ["after of NaN", () => alarm(Number.NaN), RangeError],
    ["tick of 0", () => tick(0), RangeError],
    ["merge of a send end", () => merge(send as never), TypeError],
    ["pipe the wrong way round", () => pipe(send as never, receive as never), TypeError],
    ["ask of a receive end", () => ask(receive as never, (reply) => reply as never), TypeError],
    ["ask without a question", () => ask(send as never, undefined as never), TypeError],
    ["askMany with capacity -1", () => askMany(send as SendChannel<never>, (replies) => replies as never, { capacity: -1 }), RangeError],
  ])("%s", async (_title, call, kind) => {
    const error = await thrownBy(call);
    expect(error).toBeInstanceOf(kind);
  });
});

describe("the rest", () => {
  it("has the defaults of its limits, frozen", () => {
    expect(Object.isFrozen(defaultLimits)).toBe(true);
    expect(Object.keys(defaultLimits).sort()).toEqual([
      "maxChannels",
      "maxDepth",
      "maxFrameBytes",
      "maxHeldBytes",
      "maxNodes",
      "maxOpensPerSecond",
      "maxPendingOperations",
      "maxQueuedBytes",
      "maxRefusalsPerMinute",
      "maxReplayBytes",
      "maxSessions",
      "maxSubscriptions",
      "maxUnauthenticatedLinks",
      "maxUnauthenticatedLinksPerAddress",
      "maxValueBytes",
    ]);
    for (const value of Object.values(defaultLimits)) expect(value).toBeGreaterThan(0);
  });

  it("tells ends from everything else", () => {
    const { send, receive }: Channel<number> = chan();
    expect([isSend(send), isReceive(receive), isSend(receive), isReceive(send)]).toEqual([true, true, false, false]);
    for (const other of [undefined, null, 1, "send", {}, () => 1, { send }]) expect(isSend(other) || isReceive(other)).toBe(false);
  });

  it("closes with a reason", async () => {
    const { send, receive } = chan<number>();
    const reason = new Error("over");
    send.close(reason);
    const error = await errorOf(receive());
    expect([error.code, error.cause]).toEqual(["CHANNEL_CLOSED", reason]);
  });
});
