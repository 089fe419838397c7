/** Aborts: what was aborted did not happen, and what happened was not aborted. */
import { describe, expect } from "vitest";
import { ask, select, trySelect } from "../../src/index.js";
import { collect, isPending, produce, range, rejection, type Suite, scenes, seeded, take, turn, type World, watch } from "./support.js";

export function describeAborting(suite: Suite): void {
  const scene = scenes(suite);
  const reason = new Error("changed my mind");
  const aborted = AbortSignal.abort(reason);

  describe("an aborted send", () => {
    scene("rejects with the signal's reason at once when it was aborted before, and is not received", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 1 });
      expect(await rejection(send(1, { signal: aborted }))).toBe(reason);
      await send(2);
      expect(await take(receive)).toBe(2);
    });

    scene("is taken back while nobody has its value", async (world) => {
      const { send, receive } = await world.make<number>();
      const stop = new AbortController();
      const sent = send(1, { signal: stop.signal });
      expect(await isPending(world, sent)).toBe(true);
      stop.abort(reason);
      expect(await rejection(sent)).toBe(reason);
      void send(2);
      expect(await take(receive)).toBe(2);
    });

    scene("leaves the line of a full buffer", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 2 });
      const stop = new AbortController();
      await produce(send, [0, 1]);
      const sent = send(2, { signal: stop.signal });
      const behind = send(3);
      expect(await isPending(world, sent)).toBe(true);
      stop.abort(reason);
      expect(await rejection(sent)).toBe(reason);
      expect(await collect(receive, 3)).toEqual([0, 1, 3]);
      await behind;
    });

    scene("leaves the order of the others as it is", async (world) => {
      const { send, receive } = await world.make<number>();
      const stop = new AbortController();
      const sends = range(5).map((value) => watch(send(value, value === 2 ? { signal: stop.signal } : {})));
      await world.settle();
      stop.abort(reason);
      await world.settle();
      expect(await collect(receive, 4)).toEqual([0, 1, 3, 4]);
      await world.settle();
      expect(sends.map(({ state }) => state)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
    });

    scene("is fulfilled when the abort comes after its end", async (world) => {
      const { send, receive } = await world.make<number>();
      const stop = new AbortController();
      const sent = send(1, { signal: stop.signal });
      expect(await take(receive)).toBe(1);
      await sent;
      stop.abort(reason);
      await sent;
    });
  });

  describe("an aborted receive", () => {
    scene("rejects with the signal's reason when it was aborted before, and takes nothing", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 1 });
      await send(1);
      expect(await rejection(receive({ signal: aborted }))).toBe(reason);
      expect(await take(receive)).toBe(1);
    });

    scene("takes nothing that is sent later", async (world) => {
      const { send, receive } = await world.make<number>();
      const stop = new AbortController();
      const received = receive({ signal: stop.signal });
      expect(await isPending(world, received)).toBe(true);
      stop.abort(reason);
      expect(await rejection(received)).toBe(reason);
      const sent = send(1);
      expect(await isPending(world, sent)).toBe(true);
      expect(await take(receive)).toBe(1);
      await sent;
    });

    scene("keeps the order for the receives behind it", async (world) => {
      const { send, receive } = await world.make<number>();
      const stop = new AbortController();
      const first = receive({ signal: stop.signal });
      const others = [take(receive), take(receive)];
      await world.settle();
      // The values and the abort are under way at the same time.
      void send(1);
      void send(2);
      stop.abort(reason);
      const third = watch(first);
      await world.settle();
      // The abort came first, or too late: then the aborted receive has 1, and 2 and 3 follow.
      const expected = third.state === "rejected" ? [1, 2] : [2, 3];
      if (third.state === "fulfilled") void send(3);
      expect(await Promise.all(others)).toEqual(expected);
    });

    scene("has its value when the abort comes after its end", async (world) => {
      const { send, receive } = await world.make<number>();
      const stop = new AbortController();
      const received = receive({ signal: stop.signal });
      await send(1);
      expect(await received).toMatchObject({ done: false, value: 1 });
      stop.abort(reason);
      expect(await received).toMatchObject({ done: false, value: 1 });
    });
  });

  describe("an aborted select", () => {
    scene("does none of its cases", async (world) => {
      const [out, into] = [await world.make<number>(), await world.make<number>({}, { back: true })];
      const stop = new AbortController();
      const selecting = select({ out: [out.send, 1], into: into.receive }, { signal: stop.signal });
      expect(await isPending(world, selecting)).toBe(true);
      stop.abort(reason);
      expect(await rejection(selecting)).toBe(reason);
      const sent = into.send(2);
      const received = take(out.receive);
      expect(await isPending(world, Promise.race([sent, received]))).toBe(true);
      await out.send(3);
      expect(await received).toBe(3);
      expect(await take(into.receive)).toBe(2);
      await sent;
    });

    scene("rejects at once when it was aborted before, though a case is ready", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 1 });
      await send(1);
      expect(await rejection(select({ receive }, { signal: aborted }))).toBe(reason);
      expect(await rejection(trySelect({ receive }, { signal: aborted }))).toBe(reason);
      expect(await take(receive)).toBe(1);
    });

    scene("of nothing waits for its abort", async (world) => {
      const stop = new AbortController();
      const selecting = select({}, { signal: stop.signal });
      expect(await isPending(world, selecting)).toBe(true);
      stop.abort(reason);
      expect(await rejection(selecting)).toBe(reason);
    });
  });

  scene("an aborted ask rejects at once, and its question is taken back or answered in vain", async (world) => {
    const { send } = await world.make<{ readonly reply: unknown }>();
    const stop = new AbortController();
    const asking = ask(send, (reply) => ({ reply }), { signal: stop.signal });
    expect(await isPending(world, asking)).toBe(true);
    stop.abort(reason);
    expect(await rejection(asking)).toBe(reason);
  });

  describe("aborts at any moment (Kotlin: ChannelUndeliveredElement)", () => {
    for (const capacity of [0, 1, 10, 100])
      scene(
        `of sends and receives lose nothing and double nothing, capacity ${capacity}`,
        (world) => abortAtRandom(world, capacity),
        30_000,
      );
  });
}

/** Sends and receives that are aborted after a few turns of the loop: the values fulfilled must be the values received, in order. */
async function abortAtRandom(world: World, capacity: number): Promise<void> {
  const { send, receive } = await world.make<number>({ capacity });
  const random = seeded(capacity + 1);
  const patience = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await turn();
  };
  /** Aborts the operation after a while, one time in two. */
  const impatient = <V>(operation: (signal: AbortSignal) => Promise<V>): Promise<V | undefined> => {
    const stop = new AbortController();
    if (random() < 0.5) void patience().then(() => stop.abort(stop));
    return operation(stop.signal).catch((error: unknown) => {
      if (error !== stop) throw error;
      return undefined;
    });
  };
  const fulfilled: number[] = [];
  const received: number[] = [];
  const sender = async () => {
    for (const value of range(300)) {
      const sent = impatient((signal) => send(value, { signal }).then(() => true));
      if (await sent) fulfilled.push(value);
    }
    send.close();
  };
  const receiver = async () => {
    for (;;) {
      const got = await impatient((signal) => receive({ signal }));
      if (got?.done) return;
      if (got !== undefined) received.push(got.value);
      // Nobody waits for a while: what was on its way to the aborted receive finds none and has to go back.
      else await patience();
    }
  };
  await Promise.all([sender(), receiver()]);
  expect(received).toEqual(fulfilled);
  expect(received.length).toBeGreaterThan(20);
}
