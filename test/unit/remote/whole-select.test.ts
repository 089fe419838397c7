/** Selects that one home decides: when they go there whole, what they cost, and what they leave behind. */
import { describe, expect, it } from "vitest";
import { chan, dial, NetchanError, type Peer, type ReceiveChannel, type SendChannel, select, trySelect } from "../../../src/node.js";
import { type MemoryNetwork, memoryNetwork } from "../../../src/testing.js";
import { watched } from "../../support/watched-link.js";

type Any = Peer<unknown, unknown>;
interface Pair {
  readonly network: MemoryNetwork;
  readonly dialer: Any;
  readonly accepted: Any;
  /** The types of the numbered frames that the dialer has sent since the last call. */
  sent(): readonly string[];
}

async function joined({ capacity = 0, delayMs = 0 } = {}): Promise<Pair> {
  const network = memoryNetwork({ delayMs });
  const listener = network.listen<unknown, unknown>({ capacity });
  let seen: string[] = [];
  const see = (batch: string | Uint8Array): void => {
    if (typeof batch === "string")
      for (const frame of JSON.parse(batch) as readonly (readonly unknown[])[])
        if (typeof frame[0] === "number") seen.push(String(frame[1]));
  };
  const address = network.address((link) => listener.accept(watched(link, see)));
  const dialing = dial<unknown, unknown>(address);
  await network.advance(10 * delayMs);
  const dialer = await dialing;
  const accepted = (await listener.peers()).value as Any;
  const sent = () => {
    const types = seen;
    seen = [];
    return types;
  };
  sent();
  return { network, dialer, accepted, sent };
}
/** An end of the accepting side at the dialing one. */
async function hand<T>({ network, dialer, accepted }: Pair, end: T): Promise<T> {
  void accepted.send([end]);
  const receiving = dialer.receive();
  await network.advance(100);
  return ((await receiving) as { readonly value: readonly [T] }).value[0];
}
const never = new AbortController().signal;

describe("a select whose cases are all of one home", () => {
  it("goes there as one frame, and is answered in one round trip", async () => {
    const pair = await joined();
    const jobs = chan<string>(1);
    await jobs.send("dig");
    const there = await hand(pair, jobs.receive);
    await pair.network.settle();
    pair.sent();
    const got = await select({ job: there, told: [pair.dialer.send, "idle"] });
    await pair.network.settle();
    expect(got).toEqual({ case: "job", done: false, value: "dig" });
    expect(pair.sent()).toEqual(["select", "took"]);
    const told = select({ job: there, told: [pair.dialer.send, "idle"] });
    expect(await pair.accepted.receive()).toMatchObject({ value: "idle" });
    expect(await told).toEqual({ case: "told" });
    expect(pair.sent()).toEqual(["select"]);
  });

  it("takes nothing from the channels of the cases that lose, not even for a moment", async () => {
    const pair = await joined({ delayMs: 10 });
    const channels = [chan<number>(1), chan<number>(1)] as const;
    await Promise.all(channels.map(({ send }, index) => send(index)));
    const ends = [await hand(pair, channels[0].receive), await hand(pair, channels[1].receive)] as const;
    const choosing = select({ a: ends[0], b: ends[1] });
    await pair.network.advance(10); // one of the values is on its way
    const left = await trySelect({ a: channels[0].receive, b: channels[1].receive });
    await pair.network.advance(20);
    expect([(await choosing).value, left?.value].sort()).toEqual([0, 1]);
  });

  it("picks fairly among the ready", async () => {
    const pair = await joined();
    const [one, two] = [chan<number>(400), chan<number>(400)];
    for (let count = 0; count < 400; count++) await Promise.all([one.send(1), two.send(2)]);
    const [a, b] = [await hand(pair, one.receive), await hand(pair, two.receive)];
    let first = 0;
    for (let count = 0; count < 400; count++) if ((await select({ a, b })).case === "a") first++;
    expect(Math.abs(first / 400 - 0.5)).toBeLessThan(0.13); // more than five standard deviations
  });

  it("is told case by case when a case is of this process, of a third one, or when its values are large", async () => {
    const pair = await joined();
    const far = await joined();
    const third = chan<number>();
    const relayed = await hand(pair, await hand(far, third.receive));
    pair.sent();
    const stop = new AbortController();
    const caught = (cases: Parameters<typeof select>[0]) => select(cases, { signal: stop.signal }).catch(() => undefined);
    const pending = [
      caught({ here: chan<number>().receive, there: [pair.dialer.send, 1] }),
      caught({ relayed, there: [pair.dialer.send, 1] }),
      caught({ large: [pair.dialer.send, "x".repeat(70_000)], more: pair.dialer.receive }),
    ];
    await pair.network.settle();
    const types = pair.sent();
    expect(types.filter((type) => type === "case")).toHaveLength(3);
    expect(types).not.toContain("select");
    stop.abort(new Error("enough"));
    await Promise.all(pending);
  });

  it("that was aborted took nothing, and one that was aborted too late is fulfilled", async () => {
    const pair = await joined();
    const jobs = chan<string>();
    const there = await hand(pair, jobs.receive);
    const stop = new AbortController();
    const aborted = select({ there, told: [pair.dialer.send, "idle"] }, { signal: stop.signal });
    await pair.network.settle();
    const given = jobs.send("dig");
    stop.abort(new Error("enough"));
    const outcome = await aborted.catch((error: Error) => error.message);
    if (outcome === "enough") expect(await jobs.receive()).toMatchObject({ value: "dig" });
    else expect(outcome).toMatchObject({ value: "dig" });
    await given;
  });

  it("that only receives is aborted at once, link or no link; one that sends waits for the answer", async () => {
    const pair = await joined();
    const [one, two] = [await hand(pair, chan<number>().receive), await hand(pair, chan<number>().receive)];
    const told: string[] = [];
    const stop = new AbortController();
    const note = (name: string, running: Promise<unknown>) => running.catch((error: Error) => told.push(`${name} ${error.message}`));
    note("receiving", select({ one, two }, { signal: stop.signal }));
    note("sending", select({ one, out: [pair.dialer.send, 1] }, { signal: stop.signal }));
    await pair.network.settle();
    pair.network.cut();
    await pair.network.settle();
    note("never told", select({ two, out: [pair.dialer.send, 2] }, { signal: stop.signal }));
    stop.abort(new Error("enough"));
    await pair.network.settle();
    expect(told.sort()).toEqual(["never told enough", "receiving enough"]);
    pair.network.heal();
    await pair.network.advance(60_000);
    expect(told).toContain("sending enough");
    expect(pair.dialer.stats()).toMatchObject({ operations: { there: 0 }, receives: 0 });
    expect(pair.accepted.stats()).toMatchObject({ operations: { here: 0 }, window: { used: 0 } });
  });

  it.each([
    ["that only receives", false],
    ["with a send", true],
  ])("%s is done with the case whose end this process closes", async (_name, sends) => {
    const pair = await joined();
    const [one, two] = [await hand(pair, chan<number>().receive), await hand(pair, chan<number>().receive)];
    const selecting = select({ one, two, out: sends && ([pair.dialer.send, 1] as const) });
    await pair.network.settle();
    two.close();
    expect(await selecting).toEqual({ case: "two", done: true, value: undefined });
    await pair.network.settle();
    expect(pair.accepted.stats().holds).toHaveLength(1);
  });

  it("hears how a channel ends: done, a reason, a closed send", async () => {
    const pair = await joined();
    const [plain, broken, full] = [chan<number>(), chan<number>(), chan<number>()];
    const ends = [await hand(pair, plain.receive), await hand(pair, broken.receive)] as const;
    const out: SendChannel<number> = await hand(pair, full.send);
    const idle: ReceiveChannel<number> = await hand(pair, chan<number>().receive);
    const waiting = [select({ idle, end: ends[0] }), select({ idle, end: ends[1] }), select({ idle, end: [out, 1] })] as const;
    await pair.network.settle();
    plain.send.close();
    broken.send.close(new Error("out of tea"));
    full.send.close();
    const settled = await Promise.allSettled(waiting);
    expect(settled[0]).toMatchObject({ value: { case: "end", done: true } });
    expect(settled[1]).toMatchObject({ reason: { code: "CHANNEL_CLOSED", cause: { message: "out of tea" } } });
    expect(settled[2]).toMatchObject({ reason: { code: "CHANNEL_CLOSED" } });
  });

  it("fails with its session, and says what is known of its value", async () => {
    const pair = await joined();
    const idle = await hand(pair, chan<number>().receive);
    const told = select({ idle, out: [pair.dialer.send, 1] }, { signal: never });
    await pair.network.settle();
    pair.dialer.abort();
    const error: unknown = await told.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NetchanError);
    expect(error).toMatchObject({ code: "SESSION_CLOSED", outcome: "unknown" });
  });

  it("does not hold up a goodbye when it only receives", async () => {
    const pair = await joined();
    const [one, two] = [await hand(pair, chan<number>().receive), await hand(pair, chan<number>().receive)];
    const waiting = select({ one, two }).catch((error: NetchanError) => error.code);
    await pair.network.settle();
    const closing = pair.dialer.close();
    await pair.network.settle();
    await closing;
    expect(await waiting).toBe("SESSION_CLOSED");
  });

  it.each([
    ["select", select],
    ["trySelect", trySelect],
  ])("counts among the undelivered what a %s sent into the pair's buffer", async (_name, choose) => {
    const pair = await joined({ capacity: 4 });
    await pair.dialer.send("one");
    expect(await choose({ out: [pair.dialer.send, "two"], idle: pair.dialer.receive })).toEqual({ case: "out" });
    await pair.dialer.send("three");
    expect(await pair.accepted.receive()).toMatchObject({ value: "one" });
    await pair.network.settle();
    pair.dialer.abort();
    const { undelivered } = await pair.dialer.ended;
    expect(undelivered.map(({ value }) => value)).toEqual(["two", "three"]);
  });
});
