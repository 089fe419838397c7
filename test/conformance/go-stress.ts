/** Programs in which many tasks meet on few channels: doubleselect, SelfSelect, SelectStress, MultiConsumer, chanlinear, select2's memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type Case, type Channel, chan, select, trySelect } from "../../src/index.js";
import { collect, isPending, present, produceAll, range, type Suite, scenes, turn } from "./support.js";

/** Collects garbage now, without a flag for the whole run. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  gc();
}

export function describeGoStress(suite: Suite): void {
  const scene = scenes(suite);
  const { byReference, rounds } = suite.capabilities;

  scene(
    `doubleselect: ${rounds} values, each through a select of four sends, none seen twice`,
    async (world) => {
      const ways = await world.makeMany<number>(4);
      const merged = chan<number>();
      const sender = async () => {
        const [a, b, c, d] = ways.map(({ send }) => send);
        for (let value = 0; value < rounds; value++)
          await select({ a: [present(a), value], b: [present(b), value], c: [present(c), value], d: [present(d), value] });
        for (const { send } of ways) send.close();
      };
      const muxes = ways.map(async ({ receive }) => {
        for await (const value of receive) await merged.send(value);
      });
      const closing = Promise.all([sender(), ...muxes]).then(() => merged.send.close());
      const seen = await collect(merged.receive);
      await closing;
      expect(seen.length).toBe(rounds);
      expect(new Set(seen).size).toBe(rounds);
    },
    120_000,
  );

  describe.each([0, 10])("SelfSelect, capacity %i", (capacity) => {
    scene(
      "two tasks that send and receive on one channel never receive their own value from a rendezvous",
      async (world) => {
        const count = Math.min(1_000, rounds / 10);
        const shared = await world.share<number>({ capacity });
        const own: number[] = [];
        const task = async (me: number, { send, receive }: Channel<number>) => {
          for (let round = 0; round < count; round++) {
            const selected = await select(round % 2 ? { send: [send, me], receive } : { receive, send: [send, me] });
            if (selected.case === "receive" && selected.value === me) own.push(round);
          }
        };
        await Promise.all([task(0, shared.S), task(1, shared.R)]);
        if (capacity === 0) expect(own).toEqual([]);
      },
      60_000,
    );
  });

  for (const sides of ["SS", "RR", "SR", "RS", "SSRR", "RSRS", "RRRR"])
    scene(`tasks in ${sides} that each send or receive on one rendezvous all meet`, async (world) => {
      const shared = await world.share<number>();
      const tasks = [...sides].map(async (side, me) => {
        const { send, receive } = shared[side === "S" ? "S" : "R"];
        return (await select({ send: [send, me], receive })).case;
      });
      expect((await Promise.all(tasks)).filter((name) => name === "send")).toHaveLength(sides.length / 2);
    });

  const stress = byReference ? 10_000 : rounds / 20;
  scene(
    `SelectStress: four channels, ten tasks, ${stress} values each`,
    async (world) => {
      const channels = await Promise.all([0, 0, 2, 3].map((capacity) => world.share<number>({ capacity })));
      let [sent, received] = [0, 0];
      /** Does `stress` operations on each of the four, in selects of those that are not finished. */
      const selecting = async (caseOf: (index: number) => Case, order: readonly number[]) => {
        const left = channels.map(() => stress);
        for (let count = 0; count < 4 * stress; count++) {
          const cases = Object.fromEntries(order.map((index) => [index, present(left[index]) > 0 && caseOf(index)]));
          const index = Number((await select(cases)).case);
          left[index] = present(left[index]) - 1;
        }
        expect(left).toEqual([0, 0, 0, 0]);
      };
      const plain = channels.flatMap(({ S, R }, index) => [
        (async () => {
          for (let count = 0; count < stress; count++) await (index % 2 ? S : R).send(++sent);
        })(),
        (async () => {
          for (let count = 0; count < stress; count++) if (!(await (index % 2 ? R : S).receive()).done) received++;
        })(),
      ]);
      await Promise.all([
        ...plain,
        selecting((index) => [present(channels[index]).S.send, ++sent], [3, 2, 0, 1]),
        selecting((index) => present(channels[index]).R.receive, [0, 1, 2, 3]),
      ]);
      expect(received).toBe(4 * stress);
      for (const { R } of channels) expect(await trySelect({ receive: R.receive })).toBeUndefined();
    },
    120_000,
  );

  const items = byReference ? 271_828 : 27_182;
  scene(
    `MultiConsumer: 23 workers, ${items} items`,
    async (world) => {
      const numbers = [2, 3, 7, 11, 13, 17, 19, 23, 27, 31];
      const queue = await world.make<number>({ capacity: 69 });
      const results = await world.make<number>({ capacity: 69 }, { back: true });
      const workers = range(23).map(async (worker) => {
        for await (const value of queue.receive) {
          // Some are slower than others now and then.
          if (numbers[worker % numbers.length] === value && value === 31) await turn();
          await results.send(value);
        }
      });
      let expected = 0;
      const values = range(items).map((index) => present(numbers[index % numbers.length]));
      for (const value of values) expected += value;
      const feeding = produceAll(queue.send, values);
      void Promise.all(workers).then(() => results.send.close());
      let [count, sum] = [0, 0];
      for await (const value of results.receive) {
        count++;
        sum += value;
      }
      expect([count, sum]).toEqual([items, expected]);
      await feeding;
    },
    120_000,
  );

  if (byReference) describeCosts();
}

/** What a select costs, where nothing lies between the processes. */
function describeCosts(): void {
  describe("the cost of a select", () => {
    it("select2: 100 000 selects with a dead case leave under a megabyte", async () => {
      const [busy, dead] = [chan<number>(), chan<number>()];
      const run = async (count: number) => {
        const sender = (async () => {
          for (let value = 0; value < count; value++) await select({ out: [busy.send, value], dead: dead.receive });
        })();
        for (let value = 0; value < count; value++) await select({ busy: busy.receive, dead: dead.receive });
        await sender;
      };
      await run(10_000);
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      await run(100_000);
      collectGarbage();
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 20);
      const received = dead.receive();
      await dead.send(1);
      expect((await received).value).toBe(1);
    }, 60_000);

    it("chanlinear: waking a select costs the same, however many wait on the same channel", async () => {
      /** Wakes 100 000 selects, `waiters` of which wait on one channel at a time, the youngest first. */
      const wake = async (waiters: number): Promise<number> => {
        const rounds = 100_000 / waiters;
        const shared = chan<boolean>();
        const own = range(waiters).map(() => chan<boolean>());
        const tasks = own.map(async ({ receive }) => {
          for (let round = 0; round < rounds; round++) await select({ shared: shared.receive, own: receive });
        });
        const sends = own.map(({ send }) => send).reverse();
        const start = performance.now();
        for (let round = 0; round < rounds; round++) for (const send of sends) await send(true);
        await Promise.all(tasks);
        return performance.now() - start;
      };
      await wake(1_000);
      // A search of the line would cost a hundred times as much; garbage and caches cost less than eight.
      expect((await wake(100_000)) / (await wake(1_000))).toBeLessThan(8);
    }, 60_000);

    it("a channel with many waiters serves them in order after most were aborted", async () => {
      const { send, receive } = chan<number>();
      const stop = new AbortController();
      const kept: Promise<number | undefined>[] = [];
      for (const index of range(10_000)) {
        if (index % 100 === 0) kept.push(receive().then(({ value }) => value));
        else receive({ signal: stop.signal }).catch(() => {});
      }
      stop.abort();
      for (const value of range(100)) await send(value);
      expect(await Promise.all(kept)).toEqual(range(100));
      const sent = send(0);
      expect(await isPending({ settle: turn }, sent)).toBe(true);
      await receive();
    });
  });
}
