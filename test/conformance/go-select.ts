/** Go's test/chan by meaning, what is about select: select, select2, select3, select4, select6, select7, and those of runtime/chan_test. */
import { describe, expect } from "vitest";
import { type Case, type Channel, type ReceiveChannel, type SendChannel, select, trySelect } from "../../src/index.js";
import { codeOf, collect, isPending, present, produce, range, type Suite, scenes, take, type World } from "./support.js";

export function describeGoSelect(suite: Suite): void {
  const scene = scenes(suite);

  scene("select: cases are switched off one by one, and their values are made for every look", async (world) => {
    const first = await world.make<number>({ capacity: 1 });
    const second = await world.make<number>({ capacity: 1 });
    let counter = 0;
    let shift = 0;
    const value = () => {
      counter++;
      return 1 << shift;
    };
    const sendToBoth = async (...sends: [SendChannel<number> | null, SendChannel<number> | null]): Promise<number> => {
      let [a, b] = sends;
      for (let count = 0; ; shift++) {
        const [forA, forB] = [value(), value()];
        const selected = await trySelect({ a: a && ([a, forA] as const), b: b && ([b, forB] as const) });
        if (!selected) return count;
        count++;
        if (selected.case === "a") a = null;
        else b = null;
      }
    };
    expect(await sendToBoth(first.send, second.send)).toBe(2);
    expect((await take(first.receive)) | (await take(second.receive))).toBe(3);
    await world.settle();
    expect(await sendToBoth(first.send, null)).toBe(1);
    expect(counter).toBe(10);
  });

  scene(
    "select2: a case that always loses is withdrawn every time",
    async (world) => {
      const busy = await world.make<number>();
      const dead = await world.share<number>();
      const count = suite.capabilities.byReference ? 5_000 : 500;
      const sender = (async () => {
        for (const value of range(count)) await select({ out: [busy.send, value], dead: dead.S.receive });
      })();
      for (const value of range(count)) {
        const selected = await select({ busy: busy.receive, dead: dead.R.receive, deadToo: dead.R.receive });
        expect(selected).toMatchObject({ case: "busy", value });
      }
      await sender;
      const sent = dead.S.send(1);
      expect(await isPending(world, sent)).toBe(true);
      expect(await trySelect({ receive: dead.R.receive })).toMatchObject({ value: 1 });
      await sent;
      const received = take(dead.S.receive);
      expect(await isPending(world, received)).toBe(true);
      await dead.R.send(2);
      expect(await received).toBe(2);
    },
    60_000,
  );

  describe("select3", () => {
    describeSelect3(suite);
  });

  scene("select4: the case that is ready is taken", async (world) => {
    const [idle, ready] = [await world.make<number>(), await world.make<number>({ capacity: 1 })];
    await ready.send(42);
    expect(await select({ idle: idle.receive, ready: ready.receive })).toMatchObject({ case: "ready", value: 42 });
  });

  scene("select6: the lost case of a select leaves the others that wait there alone", async (world) => {
    const { S, R } = await world.share<boolean>();
    const second = await world.make<boolean>();
    const first = take(R.receive);
    await world.settle();
    const selecting = select({ first: R.receive, second: second.receive });
    await world.settle();
    await second.send(true);
    expect(await selecting).toMatchObject({ case: "second" });
    const third = take(S.receive);
    await world.settle();
    await S.send(true);
    await S.send(false);
    expect(await Promise.all([first, third])).toEqual([true, false]);
  });

  scene("select6: the lost case of a select in the other process leaves the others that wait there alone", async (world) => {
    const { S, R } = await world.share<number>();
    const second = await world.make<null>();
    const first = take(S.receive);
    await world.settle();
    const selecting = select({ first: R.receive, second: second.receive });
    await world.settle();
    const third = take(S.receive);
    await world.settle();
    await second.send(null);
    expect(await selecting).toMatchObject({ case: "second" });
    await R.send(1);
    await R.send(2);
    expect(await Promise.all([first, third])).toEqual([1, 2]);
  });

  describe("select7", () => {
    const receives: Record<string, (world: World, receive: ReceiveChannel<number>) => Promise<unknown>> = {
      "a plain receive": (_, receive) => receive(),
      "a select of one receive": (_, receive) => select({ receive }),
      "a select of two receives": async (world, receive) => select({ receive, idle: (await world.make<number>()).receive }),
    };
    const sends: Record<string, (world: World, send: SendChannel<number>) => Promise<unknown>> = {
      "a plain send": (_, send) => send(1),
      "a select of one send": (_, send) => select({ send: [send, 1] }),
      "a select of two sends": async (world, send) => select({ send: [send, 1], idle: [(await world.make<number>()).send, 2] }),
    };
    for (const [sendName, doSend] of Object.entries(sends))
      for (const [receiveName, doReceive] of Object.entries(receives)) {
        scene(`${sendName} meets ${receiveName}, whoever waits first`, async (world) => {
          const { send, receive } = await world.make<number>();
          const received = doReceive(world, receive);
          await world.settle();
          await doSend(world, send);
          expect(await received).toMatchObject({ value: 1 });
          const sent = doSend(world, send);
          await world.settle();
          expect(await doReceive(world, receive)).toMatchObject({ value: 1 });
          await sent;
        });
      }
  });

  scene("SelectDuplicateChannel: a channel may stand in two cases", async (world) => {
    const [twice, other] = [await world.make<number>(), await world.make<number>()];
    const selecting = select({ first: twice.receive, second: twice.receive, other: other.receive });
    await world.settle();
    const waiting = take(twice.receive);
    await world.settle();
    await other.send(7);
    expect(await selecting).toMatchObject({ case: "other", value: 7 });
    await twice.send(8);
    expect(await waiting).toBe(8);
    const both = select({ first: [twice.send, 1], second: [twice.send, 2] });
    const received = await take(twice.receive);
    expect((await both).case).toBe(received === 1 ? "first" : "second");
    expect(await isPending(world, twice.receive())).toBe(true);
  });

  describe.each([0, 100])("PseudoRandomSend, capacity %i", (capacity) => {
    scene("two sends on one channel are picked more than one time in ten each", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      const receiving = collect(receive, 100);
      for (let count = 0; count < 100; count++) await select({ one: [send, 1], zero: [send, 0] });
      const ones = (await receiving).filter((value) => value === 1).length;
      expect(Math.min(ones, 100 - ones)).toBeGreaterThan(10);
    });
  });

  const trials = suite.capabilities.byReference ? 10_000 : 1_000;
  scene(
    `SelectFairness: of two ready cases each is picked half the time, ${trials} trials`,
    async (world) => {
      const full = await world.makeMany<number>(2, { capacity: trials + 1 });
      const idle = await world.makeMany<number>(2);
      for (const { send } of full) await produce(send, range(trials));
      const picked = { a: 0, b: 0, idle1: 0, idle2: 0 };
      const [a, b, idle1, idle2] = [...full, ...idle].map(({ receive }) => receive);
      for (let trial = 0; trial < trials; trial++)
        picked[(await select({ idle1: present(idle1), idle2: present(idle2), a: present(a), b: present(b) })).case]++;
      expect(picked.a + picked.b).toBe(trials);
      // The margin at a confidence of six nines.
      expect(Math.abs(picked.a / trials - 0.5)).toBeLessThanOrEqual(4.891676 / (2 * Math.sqrt(trials)));
    },
    60_000,
  );

  scene(
    "NonblockRecvRace: a try beside a close and a receive always finds the value or the end",
    async (world) => {
      for (let round = 0; round < (suite.capabilities.byReference ? 10_000 : 50); round++) {
        const { S, R } = await world.share<number>({ capacity: 1 });
        await S.send(1);
        const trying = trySelect({ receive: R.receive });
        S.send.close();
        const received = S.receive();
        const results = [await trying, await received].map((got) => got && [got.done, got.value]);
        expect(results.sort()).toEqual([
          [false, 1],
          [true, undefined],
        ]);
      }
    },
    60_000,
  );

  scene(
    "NonblockSelectRace: with one of two cases always ready, a try always finds one",
    async (world) => {
      for (let round = 0; round < (suite.capabilities.byReference ? 10_000 : 50); round++) {
        const first = await world.share<number>({ capacity: 1 });
        const second = await world.share<number>({ capacity: 1 });
        await first.S.send(1);
        const trying = trySelect({ first: first.R.receive, second: second.R.receive });
        if (round % 2) void second.S.send(1);
        else second.S.send.close();
        await trySelect({ first: first.S.receive });
        expect(await trying).toBeDefined();
      }
    },
    60_000,
  );
}

type Select3 = readonly [title: string, behaviour: "waits" | "rejects" | "ends", run: (channels: Select3Channels) => Promise<unknown>];
interface Select3Channels {
  readonly idle: Channel<number>;
  readonly closed: Channel<number>;
  readonly empty: Channel<number>;
  readonly full: Channel<number>;
}
const select3: readonly Select3[] = [
  ["a send case that is off", "waits", () => select({ send: undefined })],
  ["a receive case that is off", "waits", () => select({ receive: null })],
  ["a try of a send case that is off", "ends", () => trySelect({ send: undefined })],
  ["a try of a receive case that is off", "ends", () => trySelect({ receive: false })],
  ["a send into a free buffer", "ends", ({ empty }) => empty.send(7)],
  ["a send on a closed channel", "rejects", ({ closed }) => closed.send(7)],
  ["a receive from a closed channel", "ends", ({ closed }) => closed.receive()],
  ["a receive from an idle channel", "waits", ({ idle }) => idle.receive()],
  ["a send to an idle channel", "waits", ({ idle }) => idle.send(7)],
  ["a send into a full buffer", "waits", ({ full }) => full.send(7)],
  ["a select of nothing", "waits", () => select({})],
  ["a select of one case that is off", "waits", () => select({ receive: undefined })],
  ["a select of several cases that are off", "waits", () => select({ a: null, b: false, c: undefined })],
  ["a select of an idle channel", "waits", ({ idle }) => select({ receive: idle.receive })],
  ["a select of an idle channel and one that is off", "waits", ({ idle }) => select({ receive: idle.receive, off: null })],
  ["a try of nothing", "ends", () => trySelect({})],
  ["a try of cases that are off", "ends", () => trySelect({ a: null, b: undefined })],
  ["a try of an idle channel", "ends", ({ idle }) => trySelect({ receive: idle.receive })],
  ["a try to send into a free buffer", "ends", ({ empty }) => trySelect({ send: [empty.send, 7] })],
  ["a try to receive from a full buffer", "ends", ({ full }) => trySelect({ receive: full.receive })],
  ["a select that receives from a closed channel", "ends", ({ closed }) => select({ receive: closed.receive })],
  ["a select that sends to a closed channel", "rejects", ({ closed }) => select({ send: [closed.send, 7] })],
  ["a try to send to a closed channel", "rejects", ({ closed }) => trySelect({ send: [closed.send, 7] })],
  [
    "a select with a closed send beside an idle receive",
    "rejects",
    ({ closed, idle }) => select({ idle: idle.receive, send: [closed.send, 7] }),
  ],
  ["a select that could only meet itself", "waits", ({ idle }) => select({ send: [idle.send, 1], receive: idle.receive })],
];

function describeSelect3(suite: Suite): void {
  const scene = scenes(suite);
  for (const side of ["S", "R"] as const)
    for (const [title, behaviour, run] of select3)
      scene(`${title} ${behaviour}, in ${side}`, async (world) => {
        const [idle, closed] = [await world.share<number>(), await world.share<number>()];
        const [empty, full] = [await world.share<number>({ capacity: 1 }), await world.share<number>({ capacity: 1 })];
        closed.S.send.close();
        await full.S.send(5);
        await world.settle();
        const running = run({ idle: idle[side], closed: closed[side], empty: empty[side], full: full[side] });
        if (behaviour === "waits") expect(await isPending(world, running)).toBe(true);
        else if (behaviour === "rejects") expect(await codeOf(running)).toBe("CHANNEL_CLOSED");
        else await running;
      });

  scene("a try finds what is ready, and what it does is done", async (world) => {
    const { send, receive } = await world.make<number>({ capacity: 1 });
    expect(await trySelect({ send: [send, 7] })).toEqual({ case: "send" });
    expect(await trySelect({ send: [send, 8] })).toBeUndefined();
    expect(await trySelect({ receive })).toMatchObject({ case: "receive", done: false, value: 7 });
    expect(await trySelect({ receive })).toBeUndefined();
  });

  scene("a closed channel is ready for ever", async (world) => {
    const { send, receive } = await world.make<number>();
    send.close();
    for (let count = 0; count < 10; count++) {
      expect(await select({ receive })).toMatchObject({ case: "receive", done: true, value: undefined });
      expect(await receive()).toMatchObject({ done: true, value: undefined });
    }
  });

  scene("cases may be made by the program as it runs", async (world) => {
    const pairs = await world.makeMany<number>(20);
    const cases: Record<string, Case> = Object.fromEntries(
      pairs.map(({ receive }, index) => [`case ${index}`, index % 2 ? receive : null]),
    );
    const selecting = select(cases);
    void present(pairs[4])
      .send(4)
      .catch(() => {});
    await present(pairs[13]).send(13);
    expect(await selecting).toMatchObject({ case: "case 13", value: 13 });
  });
}
