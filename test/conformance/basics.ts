/** Sending and receiving: rendezvous, capacity, order, what values are, iterating, wrong arguments. */
import { describe, expect, it } from "vitest";
import { type ChannelOptions, chan, merge, pipe, type ReceiveChannel, type SendChannel, select, trySelect } from "../../src/index.js";
import { collect, isPending, produce, produceAll, range, type Suite, scenes, take, thrownBy, watch } from "./support.js";

const capacities = [0, 1, 10, 100];

/** The arguments as a program without types would give them. */
const untyped = <T>(value: unknown): T => value as T;

export function describeBasics(suite: Suite): void {
  const scene = scenes(suite);
  const { byReference } = suite.capabilities;

  describe("a rendezvous", () => {
    scene("keeps a send pending until its value was received", async (world) => {
      const { send, receive } = await world.make<string>();
      const sent = send("value");
      expect(await isPending(world, sent)).toBe(true);
      expect(await take(receive)).toBe("value");
      await sent;
    });

    scene("keeps a receive pending until a value was sent", async (world) => {
      const { send, receive } = await world.make<string>();
      const received = take(receive);
      expect(await isPending(world, received)).toBe(true);
      await send("value");
      expect(await received).toBe("value");
    });

    scene("fulfils a send only when the receiving program has the value", async (world) => {
      const { send, receive } = await world.make<number>();
      const had: number[] = [];
      const receiver = (async () => {
        for (let count = 0; count < 20; count++) had.push(await take(receive));
      })();
      for (const value of range(20)) {
        await send(value);
        await Promise.resolve();
        expect(had).toContain(value);
      }
      await receiver;
    });

    scene("fulfils the sends of one process in the order of their calls", async (world) => {
      const { send, receive } = await world.make<number>();
      const settled: number[] = [];
      const sends = range(10).map((value) => send(value).then(() => settled.push(value)));
      await collect(receive, 10);
      await Promise.all(sends);
      expect(settled).toEqual(range(10));
    });
  });

  describe.each(capacities)("a capacity of %i", (capacity) => {
    scene("is what both ends say, in both processes", async (world) => {
      const { send, receive, home } = await world.make<number>({ capacity });
      expect([send.capacity, receive.capacity, home.send.capacity, home.receive.capacity]).toEqual(Array(4).fill(capacity));
      expect([home.send.buffered, home.receive.buffered]).toEqual([0, 0]);
    });

    scene("is how many sends are fulfilled ahead of the receives, and never more", async (world) => {
      const { send, receive, home } = await world.make<number>({ capacity });
      const sends = range(2 * capacity + 5).map((value) => watch(send(value)));
      const fulfilled = () => sends.filter(({ state }) => state === "fulfilled").length;
      await world.settle();
      expect(fulfilled()).toBe(capacity);
      expect(home.receive.buffered).toBe(capacity);
      for (const received of [1, 2, 3]) {
        expect(await take(receive)).toBe(received - 1);
        await world.settle();
        expect(fulfilled()).toBe(capacity + received);
      }
      expect(await collect(receive, 2 * capacity + 2)).toEqual(range(2 * capacity + 2, 3));
      await world.settle();
      expect(fulfilled()).toBe(sends.length);
      expect(home.receive.buffered).toBe(0);
    });

    scene("keeps the order of sends that are awaited", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      const [values] = await Promise.all([collect(receive, 100), produce(send, range(100))]);
      expect(values).toEqual(range(100));
    });

    scene("keeps the order of sends that nobody awaits", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      for (const value of range(200)) void send(value);
      send.close();
      expect(await collect(receive)).toEqual(range(200));
    });

    scene("serves receives in the order of their calls", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      const receives = range(50).map(() => take(receive));
      await produce(send, range(50));
      expect(await Promise.all(receives)).toEqual(range(50));
    });

    scene("lets a loop of receives see every value and then the end", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      void produceAll(send, range(150));
      const values: number[] = [];
      for await (const value of receive) values.push(value);
      expect(values).toEqual(range(150));
    });

    scene("loses nothing when a loop is left and another one goes on", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      void produceAll(send, range(30));
      const values: number[] = [];
      for (let loop = 0; loop < 4; loop++) {
        for await (const value of receive) {
          values.push(value);
          if (values.length % 7 === 0) break;
        }
        expect(receive.closed).toBe(false);
        await world.settle();
      }
      expect([...values, ...(await collect(receive))]).toEqual(range(30));
    });
  });

  describe("a value", () => {
    const values = [
      { name: "undefined", value: undefined },
      { name: "null", value: null },
      { name: "an empty text", value: "" },
      { name: "zero", value: 0 },
      { name: "false", value: false },
      { name: "NaN", value: Number.NaN },
      { name: "a nested object", value: { list: [1, { deep: [true, null] }], text: "é\u0000\u{1F600}" } },
      { name: "a Date", value: new Date(86_400_000) },
      { name: "a Map of Sets", value: new Map([["a", new Set([1n, 2n])]]) },
      { name: "bytes", value: Uint8Array.of(0, 255, 10) },
      { name: "data under the key then", value: JSON.parse('{ "then": { "then": "plain" } }') as unknown },
    ];
    for (const { name, value } of values)
      scene(`arrives as it is: ${name}`, async (world) => {
        const { send, receive } = await world.make<unknown>();
        const [received] = await Promise.all([take(receive), send(value)]);
        expect(received).toStrictEqual(value);
      });

    if (byReference)
      scene("is the very object that was sent, even when it has a method then", async (world) => {
        const { send, receive } = await world.make<object>();
        // A promise that is resolved with this never settles.
        // biome-ignore lint/suspicious/noThenProperty: the point of the test
        const thenable = { then: () => {} };
        const [received] = await Promise.all([receive(), send(thenable)]);
        expect(received.value).toBe(thenable);
        const selecting = select({ receive });
        await send(thenable);
        const selected = await selecting;
        expect(selected.value).toBe(thenable);
      });
    else
      scene("with a function or a symbol in it is refused to its sender", async (world) => {
        const { send, receive } = await world.make<unknown>();
        const received = take(receive);
        // biome-ignore lint/suspicious/noThenProperty: the point of the test
        for (const value of [() => 1, { then: () => {} }, [Symbol("a")]])
          expect(await thrownBy(() => send(value))).toMatchObject({ code: "ENCODE_FAILED" });
        await send("good");
        expect(await received).toBe("good");
      });

    scene("says which peer it is from, where the home can know", async (world) => {
      const { send, receive, from } = await world.make<number>();
      const [received] = await Promise.all([receive(), send(1)]);
      expect(received.done ? "done" : received.from === from).toBe(true);
    });
  });

  describe("values({ signal })", () => {
    scene("ends without throwing when it is aborted, and takes nothing", async (world) => {
      const { send, receive } = await world.make<number>();
      const stop = new AbortController();
      const values: number[] = [];
      const loop = (async () => {
        for await (const value of receive.values({ signal: stop.signal })) values.push(value);
      })();
      await send(1);
      await send(2);
      expect(await isPending(world, loop)).toBe(true);
      stop.abort();
      await loop;
      const sent = send(3);
      expect(await isPending(world, sent)).toBe(true);
      expect(values).toEqual([1, 2]);
      expect(await take(receive)).toBe(3);
      await sent;
    });

    scene("gives nothing when its signal was aborted before", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 1 });
      await send(1);
      for await (const value of receive.values({ signal: AbortSignal.abort() })) expect.fail(`received ${value}`);
      expect(await take(receive)).toBe(1);
    });

    scene("ends with the channel", async (world) => {
      const { send, receive } = await world.make<number>({ capacity: 3 });
      await produceAll(send, range(3));
      const values: number[] = [];
      for await (const value of receive.values()) values.push(value);
      expect(values).toEqual(range(3));
    });
  });

  if (byReference) describeArguments();
}

/** What needs no second process. */
function describeArguments(): void {
  describe("wrong arguments", () => {
    it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, 2 ** 53])(
      "a capacity of %d is a RangeError at once",
      (capacity) => {
        expect(() => chan(capacity)).toThrow(RangeError);
        expect(() => chan({ capacity })).toThrow(RangeError);
      },
    );

    it.each(["drop-oldest", "drop-newest"] as const)("whenFull %s without a buffer is a RangeError at once", (whenFull) => {
      expect(() => chan({ whenFull })).toThrow(RangeError);
      expect(() => chan({ whenFull, capacity: 0 })).toThrow(RangeError);
    });

    const mistakes: readonly { readonly name: string; readonly wrong: () => unknown }[] = [
      { name: "chan with a text", wrong: () => chan(untyped<number>("1")) },
      { name: "chan with an unknown whenFull", wrong: () => chan(untyped<ChannelOptions>({ capacity: 1, whenFull: "explode" })) },
      { name: "chan with an unknown whenInDoubt", wrong: () => chan(untyped<ChannelOptions>({ whenInDoubt: "perhaps" })) },
      { name: "select without cases", wrong: () => select(untyped<Record<string, undefined>>(undefined)) },
      { name: "select with a number as a case", wrong: () => select(untyped<Record<string, undefined>>({ a: 1 })) },
      { name: "select with a send end as a case", wrong: () => select(untyped<Record<string, undefined>>({ a: chan().send })) },
      { name: "select that sends to a receive end", wrong: () => select(untyped<Record<string, undefined>>({ a: [chan().receive, 1] })) },
      { name: "trySelect with a function as a case", wrong: () => trySelect(untyped<Record<string, undefined>>({ a: () => 1 })) },
      { name: "merge of something else", wrong: () => merge(untyped<ReceiveChannel<unknown>>(chan().send)) },
      { name: "pipe from something else", wrong: () => pipe(untyped<ReceiveChannel<unknown>>(1), chan().send) },
      { name: "pipe to something else", wrong: () => pipe(chan().receive, untyped<SendChannel<unknown>>(chan().receive)) },
      { name: "a signal that is none", wrong: () => chan().receive(untyped({ signal: 1 })) },
    ];
    for (const { name, wrong } of mistakes)
      it(`${name} is a TypeError or RangeError`, async () => {
        const error = await thrownBy(wrong);
        expect(error instanceof TypeError || error instanceof RangeError ? "refused" : error).toBe("refused");
      });
  });
}
