/** Go's test/chan by meaning, what is not about select: fifo, goroutines, nonblock, zerosize, chancap, chanbarrier, TestChan of runtime/chan_test. */
import { describe, expect } from "vitest";
import { chan, type ReceiveChannel, type SendChannel, select, trySelect } from "../../src/index.js";
import { collect, isPending, present, produce, produceAll, range, type Suite, scenes, take, type World } from "./support.js";

/** Tries to send until it succeeds. Each try in vain is followed by everything that can happen, so a few must do. */
async function sendByTrying<T>(world: World, send: SendChannel<T>, value: T): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    if (await trySelect({ send: [send, value] })) return;
    await world.settle();
  }
  throw new Error("Expected a try to send to succeed");
}
async function receiveByTrying<T>(world: World, receive: ReceiveChannel<T>): Promise<T> {
  for (let tries = 0; tries < 20; tries++) {
    const received = await trySelect({ receive });
    if (received && !received.done) return received.value;
    await world.settle();
  }
  throw new Error("Expected a try to receive to succeed");
}

interface Result {
  readonly answer: number;
  readonly error?: Error;
}

export function describeGoSemantics(suite: Suite): void {
  const scene = scenes(suite);
  const { byReference, rounds } = suite.capabilities;

  describe("fifo", () => {
    scene("a buffered channel gives ten values in order", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 10 });
      await produce(send, range(10));
      expect(await collect(receive, 10)).toEqual(range(10));
    });

    scene("ten receivers in a daisy chain take what is sent in order", async (world) => {
      const { send, receive } = await world.make<number>();
      const links = await world.makeMany<null>(11, {}, { back: true });
      const tasks = range(10).map(async (index) => {
        await present(links[index]).receive();
        expect(await take(receive)).toBe(index);
        await present(links[index + 1]).send(null);
      });
      void present(links[0]).send(null);
      await produce(send, range(10));
      await present(links[10]).receive();
      await Promise.all(tasks);
    });
  });

  const length = byReference ? 10_000 : 1_000;
  scene(
    `goroutines: one value passes through ${length} tasks`,
    async (world) => {
      const channels = await world.makeMany<number>(length + 1);
      const tasks = range(length).map(async (index) => {
        const value = await take(present(channels[index]).receive);
        await present(channels[index + 1]).send(value + 1);
      });
      await present(channels[0]).send(0);
      expect(await take(present(channels[length]).receive)).toBe(length);
      await Promise.all(tasks);
    },
    60_000,
  );

  describe.each([0, 1])("nonblock, capacity %i", (capacity) => {
    const values = [123, 2 ** 53 - 1, true, "hello"];
    scene("a try on an idle channel does not wait", async (world) => {
      const { send, receive } = await world.make<unknown>({ capacity });
      expect(await trySelect({ receive })).toBeUndefined();
      expect(await trySelect({ send: [send, 1] })).toEqual(capacity === 0 ? undefined : { case: "send" });
    });

    for (const value of values)
      scene(`tries to send and to receive ${typeof value} ${value} succeed once the other side waits`, async (world) => {
        const { send, receive } = await world.make<unknown>({ capacity });
        const received = take(receive);
        await sendByTrying(world, send, value);
        expect(await received).toBe(value);
        const sent = send(value);
        expect(await receiveByTrying(world, receive)).toBe(value);
        await sent;
      });
  });

  scene("zerosize: values without content are counted like any other", async (world) => {
    const { send, receive } = await world.make<void>({ capacity: 2 });
    await send();
    await send(undefined);
    const third = send();
    expect(await isPending(world, third)).toBe(true);
    send.close();
    expect(await collect(receive)).toEqual([undefined, undefined, undefined]);
  });

  for (const selects of [false, true])
    scene(`chanbarrier: what was written before a ${selects ? "send in a select" : "send"} is there after the receive`, async (world) => {
      const requests = await world.make<SendChannel<Result>>();
      const done = await world.make<null>({}, { back: true });
      const answering = (async () => {
        for await (const reply of requests.receive) {
          const result: { answer: number; error?: Error } = { answer: 0 };
          const sending = async () => (selects ? await select({ reply: [reply, result], done: done.receive }) : await reply(result));
          for (let at = 1; at <= 3; at++) result.answer = at;
          result.error = new RangeError("no answer");
          void sending();
          // A copy travels, as it was at the call.
          if (!byReference) result.answer = -1;
        }
      })();
      const request = async () => {
        const { send: reply, receive } = chan<Result>();
        await requests.send(reply);
        const { answer, error } = await take(receive);
        expect([answer, error instanceof Error, error?.message]).toEqual([3, true, "no answer"]);
      };
      for (let round = 0; round < 5; round++) await Promise.all(range(20).map(request));
      requests.send.close();
      await answering;
    });

  describe("chancap", () => {
    scene("capacity and buffered tell what is there", async (world) => {
      const { send, home } = await world.make<number>({ capacity: 10 });
      await produce(send, range(3));
      await world.settle();
      expect([home.send.capacity, home.send.buffered, home.receive.capacity, home.receive.buffered]).toEqual([10, 3, 10, 3]);
      expect([send.capacity, send.buffered <= 10, send.buffered >= 0]).toEqual([10, true, true]);
    });
  });

  describe.each(byReference ? [...range(20), 50, 100, 199] : [0, 1, 10, 100])("TestChan, capacity %i", (capacity) => {
    scene("an empty channel blocks receives, plain and tried", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      const receives = [take(receive), take(receive)];
      expect(await isPending(world, Promise.race(receives))).toBe(true);
      expect(await trySelect({ receive })).toBeUndefined();
      await produce(send, [0, 1]);
      expect(await Promise.all(receives)).toEqual([0, 1]);
    });

    scene("a full channel blocks sends, plain and tried", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      await produce(send, range(capacity));
      const sent = send(99);
      expect(await isPending(world, sent)).toBe(true);
      expect(await trySelect({ send: [send, 100] })).toBeUndefined();
      expect(await collect(receive, capacity + 1)).toEqual([...range(capacity), 99]);
      await sent;
    });

    scene("a closed channel gives what it has and is then done", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      await produceAll(send, range(capacity));
      expect(await collect(receive)).toEqual(range(capacity));
      expect(await receive()).toMatchObject({ done: true, value: undefined });
    });

    scene(
      "four senders' values all arrive at four receivers, each once",
      async (world) => {
        const count = Math.min(1_000, rounds / 40);
        const { S, R } = await world.share<number>({ capacity });
        const received = new Map<number, number>();
        const receivers = [S, R, S, R].map(async ({ receive }) => {
          for (const value of await collect(receive, count)) received.set(value, (received.get(value) ?? 0) + 1);
        });
        await Promise.all([S, R, S, R].map(({ send }) => produce(send, range(count))));
        await Promise.all(receivers);
        expect(received.size).toBe(count);
        expect(new Set(received.values())).toEqual(new Set([4]));
      },
      30_000,
    );
  });
}
