/** Channels that drop instead of waiting. */
import { describe, expect } from "vitest";
import { select } from "../../src/index.js";
import { collect, isPending, produce, range, type Suite, scenes, take } from "./support.js";

export function describeDropping(suite: Suite): void {
  const scene = scenes(suite);

  describe.each([1, 3, 10])("drop-oldest, capacity %i", (capacity) => {
    scene("fulfils every send and keeps the last values in order", async (world) => {
      const { send, receive, home } = await world.make<number>({ capacity, whenFull: "drop-oldest" });
      await produce(send, range(25));
      expect(home.receive.buffered).toBe(capacity);
      send.close();
      expect(await collect(receive)).toEqual(range(capacity, 25 - capacity));
    });
  });

  describe.each([1, 3, 10])("drop-newest, capacity %i", (capacity) => {
    scene("fulfils every send and keeps the first values in order", async (world) => {
      const { send, receive, home } = await world.make<number>({ capacity, whenFull: "drop-newest" });
      await produce(send, range(25));
      expect(home.receive.buffered).toBe(capacity);
      send.close();
      expect(await collect(receive)).toEqual(range(capacity));
    });
  });

  describe.each(["drop-oldest", "drop-newest"] as const)("%s", (whenFull) => {
    scene("drops nothing while a receiver keeps up", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 1, whenFull });
      for (const value of range(20)) {
        const received = take(receive);
        await world.settle();
        await send(value);
        expect(await received).toBe(value);
      }
    });

    scene("has room again after a receive", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 2, whenFull });
      await produce(send, range(4));
      await take(receive);
      await world.settle();
      await send(9);
      expect(await take(receive)).toBe(whenFull === "drop-oldest" ? 3 : 1);
      expect(await take(receive)).toBe(9);
      expect(await isPending(world, take(receive))).toBe(true);
    });

    scene("makes a send case always ready", async (world) => {
      const { send } = await world.make<number>({ capacity: 1, whenFull });
      for (const value of range(5)) expect(await select({ send: [send, value] })).toMatchObject({ case: "send" });
    });
  });
}
