/** Go's doubleselect at length, where nobody sees all of it: four channels with two homes, the select in a third process. */
import { describe, expect } from "vitest";
import { type Channel, chan, select } from "../../src/index.js";
import { present, type Suite, scenes } from "./support.js";

/** Go's own count is 100 000. */
const rounds = Number(process.env.DOUBLESELECT_ROUNDS ?? 20_000);

export function describeDoubleSelect(name: string, open: Suite["open"]): void {
  const scene = scenes({ open });

  describe(`doubleselect ${name}`, () => {
    scene(
      `${rounds} values, each through a select of four sends with two homes: none seen twice, none lost`,
      async (world) => {
        const lines: Channel<number>[] = [];
        // Both homes are equally far from H, so that neither is always faster.
        for (const at of ["S", "S", "R", "R"] as const) lines.push(await world.line<number>({ from: "H", to: at, at }));
        const [a, b, c, d] = lines.map(({ send }) => send);
        const merged = chan<number>(100);
        const sending = (async () => {
          const picked = { a: 0, b: 0, c: 0, d: 0 };
          for (let value = 0; value < rounds; value++) {
            const selected = await select({
              a: [present(a), value],
              b: [present(b), value],
              c: [present(c), value],
              d: [present(d), value],
            });
            picked[selected.case]++;
          }
          for (const send of [a, b, c, d]) present(send).close();
          return picked;
        })();
        const received = lines.map(async ({ receive }) => {
          let [count, last] = [0, -1];
          for await (const value of receive) {
            // Each channel has the values of its one sender in their order.
            if (value <= last) throw new Error(`Expected more than ${last}, got ${value}`);
            last = value;
            count++;
            await merged.send(value);
          }
          return count;
        });
        const over = Promise.all(received).finally(() => merged.send.close());
        const seen = new Uint8Array(rounds);
        let most = 0;
        for await (const value of merged.receive) most = Math.max(most, ++seen[value]!);
        const picked = await sending;
        expect(await over).toEqual([picked.a, picked.b, picked.c, picked.d]);
        expect([most, seen.filter((times) => times === 1).length]).toEqual([1, rounds]);
        // Both homes had a part in it.
        expect(Math.min(picked.a + picked.b, picked.c + picked.d)).toBeGreaterThan(rounds / 100);
      },
      // 20 000 take seconds; the rest is for slow machines and for Go's own count.
      120_000,
    );
  });
}
