/** Many values: none lost, none doubled, none out of order. */
import { describe, expect } from "vitest";
import { produceAll, range, type Suite, scenes } from "./support.js";

export function describeVolume(suite: Suite): void {
  const scene = scenes(suite);

  describe("100 000 values", () => {
    for (const route of [{}, { back: true }])
      scene(
        `through a capacity of 100 arrive in order${"back" in route ? ", the other way" : ""}`,
        async (world) => {
          const { send, receive } = await world.make<number>({ capacity: 100 }, route);
          const producing = produceAll(send, range(100_000));
          let next = 0;
          for await (const value of receive) {
            if (value !== next) expect(value).toBe(next);
            next++;
          }
          expect(next).toBe(100_000);
          await producing;
        },
        120_000,
      );
  });

  scene(
    "10 000 values through a rendezvous arrive in order",
    async (world) => {
      const { send, receive } = await world.make<number>();
      const producing = produceAll(send, range(10_000));
      let next = 0;
      for await (const value of receive) expect(value).toBe(next++);
      expect(next).toBe(10_000);
      await producing;
    },
    120_000,
  );

  scene(
    "20 channels at once keep their values apart",
    async (world) => {
      const there = await world.makeMany<number>(10, { capacity: 3 });
      const back = await world.makeMany<number>(10, {}, { back: true });
      const pairs = [...there, ...back];
      const sending = pairs.map(({ send }, index) => produceAll(send, range(200, index * 1_000)));
      await Promise.all(
        pairs.map(async ({ receive }, index) => {
          let next = index * 1_000;
          for await (const value of receive) expect(value).toBe(next++);
          expect(next).toBe(index * 1_000 + 200);
        }),
      );
      await Promise.all(sending);
    },
    60_000,
  );
}
