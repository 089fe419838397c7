/** Selects whose cases have homes in different processes: one case happens, wherever the others were looked at. */
import { describe, expect } from "vitest";
import { chan, select, trySelect } from "../../src/index.js";
import { collect, isPending, present, range, type Shared, type Suite, scenes, seeded, take, turn } from "./support.js";

export function describeSelectAcross(suite: Suite): void {
  const scene = scenes(suite);
  const { rounds } = suite.capabilities;
  const opposite = { opposite: true };

  describe("a select over two homes", () => {
    scene("takes the case that is ready, at either home", async (world) => {
      const near = await world.make<string>({ capacity: 1 });
      const far = await world.make<string>({ capacity: 1 }, opposite);
      for (const [ready, name] of [
        [near, "near"],
        [far, "far"],
        [near, "near"],
      ] as const) {
        await ready.send(name);
        expect(await select({ near: near.receive, far: far.receive })).toMatchObject({ case: name, value: name });
      }
      expect(await trySelect({ near: near.receive, far: far.receive })).toBeUndefined();
    });

    scene("takes one of two sends that wait and leaves the other where it was", async (world) => {
      const near = await world.make<string>();
      const far = await world.make<string>({}, opposite);
      for (let round = 0; round < 20; round++) {
        const sends = { near: near.send("near"), far: far.send("far") };
        if (round % 2) await world.settle();
        const first = await select({ near: near.receive, far: far.receive });
        const other = first.case === "near" ? "far" : "near";
        await sends[first.case];
        expect(await isPending(world, sends[other])).toBe(true);
        expect(await select({ near: near.receive, far: far.receive })).toMatchObject({ case: other, value: other });
        await sends[other];
      }
    });

    scene("sends to one of two receivers that wait and leaves the other waiting", async (world) => {
      const near = await world.make<number>();
      const far = await world.make<number>({}, opposite);
      for (let round = 0; round < 20; round++) {
        const receives = { near: take(near.receive), far: take(far.receive) };
        if (round % 2) await world.settle();
        const first = await select({ near: [near.send, round], far: [far.send, round] });
        const other = first.case === "near" ? "far" : "near";
        expect(await receives[first.case]).toBe(round);
        expect(await isPending(world, receives[other])).toBe(true);
        await (other === "near" ? near : far).send(-1);
        expect(await receives[other]).toBe(-1);
      }
    });

    scene("meets a select over two homes, in every phrase", async (world) => {
      const near = await world.make<number>();
      const far = await world.make<number>({}, opposite);
      const back = await world.make<number>({}, { back: true });
      for (const [receiverFirst, round] of range(20).map((index) => [index % 2 === 0, index] as const)) {
        const receive = () => select({ near: near.receive, far: far.receive, back: [back.send, round] });
        const waiting = receiverFirst ? receive() : undefined;
        if (round % 3) await world.settle();
        const sending = select({ near: [near.send, round], far: [far.send, round], back: back.receive });
        const [here, there] = await Promise.all([sending, waiting ?? receive()]);
        expect(here.case).toBe(there.case);
        expect(here.case === "back" ? here.value : "value" in there && there.value).toBe(round);
      }
      expect(await trySelect({ near: near.receive, far: far.receive })).toBeUndefined();
    });

    scene("never meets itself", async (world) => {
      const near = await world.share<number>();
      const far = await world.share<number>({}, opposite);
      for (const side of ["S", "R"] as const) {
        const stop = new AbortController();
        const cases = { a: [near[side].send, 1], b: near[side].receive, c: [far[side].send, 2], d: far[side].receive } as const;
        const selecting = select(cases, { signal: stop.signal });
        expect(await isPending(world, selecting)).toBe(true);
        stop.abort(stop);
        await expect(selecting).rejects.toBe(stop);
      }
    });

    scene("that is aborted leaves no trace at either home", async (world) => {
      const near = await world.share<number>();
      const far = await world.share<number>({}, opposite);
      const random = seeded(7);
      for (let round = 0; round < 50; round++) {
        const stop = new AbortController();
        const selecting = select({ near: [near.S.send, round], far: [far.S.send, round] }, { signal: stop.signal });
        const receiving = select({ near: near.R.receive, far: far.R.receive }, { signal: stop.signal });
        for (let turns = Math.floor(random() * 4); turns > 0; turns--) await turn();
        stop.abort(stop);
        const [sent, received] = await Promise.allSettled([selecting, receiving]);
        expect(sent.status).toBe(received.status);
        if (sent.status === "fulfilled" && received.status === "fulfilled") {
          expect(received.value).toMatchObject({ case: sent.value.case, value: round });
        }
      }
      for (const { S, R } of [near, far]) {
        expect(await trySelect({ receive: R.receive })).toBeUndefined();
        expect(await trySelect({ send: [S.send, 0] })).toBeUndefined();
      }
    });
  });

  scene(
    `doubleselect over two homes: ${rounds / 10} values, none seen twice`,
    async (world) => {
      const ways = [...(await world.makeMany<number>(2)), ...(await world.makeMany<number>(2, {}, opposite))];
      const merged = chan<number>();
      const sender = async () => {
        const [a, b, c, d] = ways.map(({ send }) => send);
        for (let value = 0; value < rounds / 10; value++)
          await select({ a: [present(a), value], b: [present(b), value], c: [present(c), value], d: [present(d), value] });
        for (const { send } of ways) send.close();
      };
      const muxes = ways.map(async ({ receive }) => {
        for await (const value of receive) await merged.send(value);
      });
      const closing = Promise.all([sender(), ...muxes]).then(() => merged.send.close());
      const seen = await collect(merged.receive);
      await closing;
      expect(seen).toHaveLength(rounds / 10);
      expect(new Set(seen).size).toBe(rounds / 10);
    },
    120_000,
  );

  scene(
    "SelectDeadlock (Kotlin): two tasks send and receive across each other and both go on",
    async (world) => {
      const count = Math.min(2_000, rounds / 10);
      const first = await world.share<number>();
      const second = await world.share<number>({}, opposite);
      const totals = { sent: [0, 0], received: [0, 0] };
      const task = async (me: 0 | 1) => {
        const [out, into] = me === 0 ? [first.S.send, second.S.receive] : [second.R.send, first.R.receive];
        for (let round = 0; round < count; round++) {
          const selected = await select({ out: [out, round], into });
          const row = selected.case === "out" ? totals.sent : totals.received;
          row[me] = present(row[me]) + 1;
        }
      };
      await Promise.all([task(0), task(1)]);
      expect(totals.sent[0]).toBe(totals.received[1]);
      expect(totals.sent[1]).toBe(totals.received[0]);
      expect(present(totals.sent[0]) + present(totals.received[0])).toBe(count);
    },
    60_000,
  );

  scene(
    "a ring of selects, each able to send right or receive from the left, pairs off without deadlock",
    async (world) => {
      const size = 6;
      const ring: Shared<number>[] = [];
      for (const index of range(size)) ring.push(await world.share<number>({}, index % 2 ? opposite : {}));
      for (let round = 0; round < 30; round++) {
        const task = async (me: number) => {
          const side = me % 2 ? "S" : "R";
          const [left, right] = [present(ring[me])[side], present(ring[(me + 1) % size])[side]];
          const selected = await select({ right: [right.send, me], left: left.receive });
          return selected.case;
        };
        // Neighbours may pair so that one is left between two pairs: a helper on each channel frees those.
        const tasks = range(size).map(task);
        await world.settle();
        const helpers = new AbortController();
        const helping = ring.map(({ S }) => select({ take: S.receive }, { signal: helpers.signal }).catch(() => undefined));
        const results = await Promise.all(tasks);
        helpers.abort();
        const helped = (await Promise.all(helping)).filter((got) => got !== undefined).length;
        const sent = results.filter((name) => name === "right").length;
        expect(sent).toBe(size - sent + helped);
      }
    },
    60_000,
  );
}
