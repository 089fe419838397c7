/** Many values: none lost, none doubled, none out of order. */
import { expect } from "vitest";
import { produceAll, range, type Suite, scenes } from "./support.js";

export function describeVolume(suite: Suite): void {
  const scene = scenes(suite);

  for (const [count, back] of [
    [100_000, false],
    [20_000, true],
  ] as const)
    scene(
      `${count} values through a capacity of 100 arrive in order${back ? ", the other way" : ""}`,
      async (world) => {
        const { send, receive } = await world.make<number>({ capacity: 100 }, { back });
        const producing = produceAll(send, range(count));
        let next = 0;
        for await (const value of receive) {
          if (value !== next) expect(value).toBe(next);
          next++;
        }
        expect(next).toBe(count);
        await producing;
      },
      120_000,
    );

  for (const [count, capacity] of [
    [10_000, 0],
    [5_000, 1],
    [5_000, 10],
  ] as const)
    scene(
      `${count} values through a capacity of ${capacity} arrive in order`,
      async (world) => {
        const { send, receive } = await world.make<number>({ capacity });
        const producing = produceAll(send, range(count));
        let next = 0;
        for await (const value of receive) expect(value).toBe(next++);
        expect(next).toBe(count);
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
