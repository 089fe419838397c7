/** Channel ends as values: at any depth, the same end again when it comes home, working wherever they are. */
import { describe, expect, it } from "vitest";
import { type Channel, chan, isReceive, isSend, type ReceiveChannel, type SendChannel, select } from "../../src/index.js";
import { collect, isPending, present, produce, produceAll, range, rejection, type Suite, scenes, take } from "./support.js";

interface Job {
  readonly numbers: ReceiveChannel<number>;
  readonly sum: SendChannel<number>;
}

/** `value` inside `depth` objects and arrays. */
function bury(value: unknown, depth: number): unknown {
  return range(depth).reduce<unknown>((inner, level) => (level % 2 ? { inner } : [inner]), value);
}
function unbury(value: unknown, depth: number): unknown {
  return range(depth).reduce<unknown>((outer) => Object.values(Object(outer))[0], value);
}

export function describeEnds(suite: Suite): void {
  const scene = scenes(suite);

  describe("isSend and isReceive", () => {
    scene("know the ends, here and as they arrive", async (world) => {
      const { S, R } = await world.share<number>();
      for (const { send, receive } of [S, R]) {
        expect([isSend(send), isReceive(send)]).toEqual([true, false]);
        expect([isSend(receive), isReceive(receive)]).toEqual([false, true]);
      }
    });

    it.each([undefined, null, 1, "send", {}, [], () => {}, async () => ({ done: true }), { send: chan().send }, new Proxy({}, {})])(
      "know that %o is none",
      (value) => {
        expect([isSend(value), isReceive(value)]).toEqual([false, false]);
      },
    );
  });

  describe("an end in a message", () => {
    scene("works where it arrives (Go: sendstmt, a channel received and used at once)", async (world) => {
      const jobs = await world.make<Job>();
      const worker = (async () => {
        for await (const { numbers, sum } of jobs.receive) await sum((await collect(numbers)).reduce((a, b) => a + b, 0));
      })();
      for (const [count, expected] of [
        [0, 0],
        [1, 0],
        [10, 45],
      ] as const) {
        const numbers = chan<number>();
        const sum = chan<number>();
        await jobs.send({ numbers: numbers.receive, sum: sum.send });
        await produceAll(numbers.send, range(count));
        expect(await take(sum.receive)).toBe(expected);
      }
      jobs.send.close();
      await worker;
    });

    scene("may be selected on as soon as it was received", async (world) => {
      const channels = await world.make<SendChannel<number>>({ capacity: 1 });
      const inner = chan<number>(1);
      await channels.send(inner.send);
      const send = await take(channels.receive);
      expect(await select({ never: undefined, send: [send, 2] })).toMatchObject({ case: "send" });
      expect(await take(inner.receive)).toBe(2);
    });

    for (const depth of [1, 2, 10, 50])
      scene(`is found at depth ${depth}`, async (world) => {
        const { send, receive } = await world.make<unknown>();
        const inner = chan<number>();
        const [received] = await Promise.all([take(receive), send(bury(inner.send, depth))]);
        const arrived = unbury(received, depth);
        if (!isSend(arrived)) throw new Error("Expected a send end");
        const [value] = await Promise.all([take(inner.receive), arrived(7)]);
        expect(value).toBe(7);
      });

    scene("may be in a Map, in a Set and beside every other kind of value", async (world) => {
      const { send, receive } = await world.make<Map<string, unknown>>();
      const inner = chan<string>(3);
      const message = new Map<string, unknown>([
        ["set", new Set([inner.send])],
        ["date", new Date(5)],
        ["big", 10n ** 30n],
        ["bytes", Uint8Array.of(1, 2)],
      ]);
      const [received] = await Promise.all([take(receive), send(message)]);
      expect([received.get("date"), received.get("big"), received.get("bytes")]).toEqual([new Date(5), 10n ** 30n, Uint8Array.of(1, 2)]);
      const ends = received.get("set");
      if (!(ends instanceof Set)) throw new Error("Expected a Set");
      for (const end of ends) if (isSend(end)) await end("there");
      expect(await take(inner.receive)).toBe("there");
    });

    scene("may be one of fifty, each its own channel", async (world) => {
      const { send, receive } = await world.make<SendChannel<number>[]>();
      const channels = range(50).map(() => chan<number>(1));
      const [ends] = await Promise.all([take(receive), send(channels.map((channel) => channel.send))]);
      await Promise.all(ends.map((end, index) => end(index)));
      expect(await Promise.all(channels.map((channel) => take(channel.receive)))).toEqual(range(50));
    });

    scene("may be both ends of one channel", async (world) => {
      const { send, receive } = await world.make<Channel<number>>();
      const inner = chan<number>();
      const [arrived] = await Promise.all([take(receive), send({ send: inner.send, receive: inner.receive })]);
      const [value] = await Promise.all([take(arrived.receive), arrived.send(1)]);
      expect(value).toBe(1);
    });

    scene("may bring further ends, and they further ones", async (world) => {
      type Chain = { readonly value: number; readonly next?: ReceiveChannel<Chain> };
      const length = 20;
      const link = (value: number): Chain => {
        if (value === length) return { value };
        const next = chan<Chain>(1);
        void next.send(link(value + 1));
        return { value, next: next.receive };
      };
      const { send, receive } = await world.make<Chain>();
      void send(link(0));
      const values: number[] = [];
      for (let at: ReceiveChannel<Chain> | undefined = receive; at !== undefined; ) {
        const chain: Chain = await take(at);
        values.push(chain.value);
        at = chain.next;
      }
      expect(values).toEqual(range(length + 1));
    });

    scene("keeps what was sent before it was handed over", async (world) => {
      const { send, receive } = await world.make<ReceiveChannel<number>>();
      const inner = chan<number>(5);
      await produce(inner.send, range(5));
      inner.send.close();
      const [arrived] = await Promise.all([take(receive), send(inner.receive)]);
      expect(await collect(arrived)).toEqual(range(5));
    });

    scene("obeys the close of the other process", async (world) => {
      const { send, receive } = await world.make<SendChannel<number>>();
      const inner = chan<number>();
      const [arrived] = await Promise.all([take(receive), send(inner.send)]);
      const waiting = inner.receive();
      arrived.close();
      expect(await waiting).toMatchObject({ done: true });
      expect(await rejection(inner.send(1))).toMatchObject({ code: "CHANNEL_CLOSED" });
    });

    if (!suite.capabilities.byReference)
      for (const key of ["then", "toJSON", "toString", "valueOf", "constructor"])
        scene(`is refused under the key ${key}`, async (world) => {
          const { send, receive } = await world.make<object>();
          const received = take(receive);
          expect(await rejection(send({ deep: { [key]: chan().send } }))).toMatchObject({ code: "ENCODE_FAILED" });
          await send({ good: true });
          expect(await received).toEqual({ good: true });
        });
  });

  describe("the identity of an end", () => {
    scene("is kept when it comes home", async (world) => {
      const { send, receive } = chan<number>();
      const away = await world.carry({ send, receive }, "R");
      const home = await world.carry({ list: [away.send, away.receive] }, "S");
      expect(home.list[0]).toBe(send);
      expect(home.list[1]).toBe(receive);
    });

    scene("is kept within a message", async (world) => {
      const { send, receive } = chan<number>();
      const away = await world.carry([send, receive, send, { deep: [receive] }] as const, "R");
      expect(away[2]).toBe(away[0]);
      expect(away[3].deep[0]).toBe(away[1]);
    });

    scene("is kept when it arrives again over the same session", async (world) => {
      const { send, receive } = chan<number>();
      const first = await world.carry([send, receive] as const, "R");
      const second = await world.carry({ send, receive }, "R");
      expect(second.send).toBe(first[0]);
      expect(second.receive).toBe(first[1]);
    });

    scene("is kept over many trips, and the end works after each", async (world) => {
      const inner = chan<number>();
      for (const trip of range(10)) {
        const away = await world.carry(inner.send, "R");
        const [value] = await Promise.all([take(inner.receive), away(trip)]);
        expect(value).toBe(trip);
        expect(await world.carry(away, "S")).toBe(inner.send);
      }
    });

    scene("is not shared by different channels", async (world) => {
      const ends = await world.carry(
        range(5).map(() => chan<number>().send),
        "R",
      );
      expect(new Set(ends).size).toBe(5);
    });
  });

  describe("a channel held by both processes", () => {
    scene("gives each value to one of the receivers that wait", async (world) => {
      const { S, R } = await world.share<number>();
      const received: number[] = [];
      const receivers = [S, R, S, R].map(async ({ receive }) => {
        for await (const value of receive) received.push(value);
      });
      await Promise.all([produce(S.send, range(50)), produce(R.send, range(50, 50))]);
      S.send.close();
      await Promise.all(receivers);
      expect(received.toSorted((a, b) => a - b)).toEqual(range(100));
    });

    scene("is a rendezvous for every pair of them", async (world) => {
      const { S, R } = await world.share<string>();
      for (const [sender, receiver] of [
        [S, R],
        [R, S],
        [S, S],
        [R, R],
      ] as const) {
        const sent = sender.send("value");
        expect(await isPending(world, sent)).toBe(true);
        expect(await take(receiver.receive)).toBe("value");
        await sent;
      }
    });

    scene("keeps the order of each sender", async (world) => {
      const { S, R } = await world.share<{ readonly by: string; readonly value: number }>({ capacity: 10 });
      const sending = Promise.all([
        produce(
          S.send,
          range(100).map((value) => ({ by: "S", value })),
        ),
        produce(
          R.send,
          range(100).map((value) => ({ by: "R", value })),
        ),
      ]);
      const received = await collect(R.receive, 200);
      await sending;
      for (const by of ["S", "R"]) expect(received.filter((value) => value.by === by).map(({ value }) => value)).toEqual(range(100));
    });
  });

  scene(
    "ends that are used and let go are forgotten: 2 000 in sequence",
    async (world) => {
      const { send, receive } = await world.make<SendChannel<number>>();
      const replier = (async () => {
        for await (const reply of receive) await reply(1);
      })();
      let sum = 0;
      for (let count = 0; count < 2_000; count++) {
        const reply = chan<number>();
        await send(reply.send);
        sum += present((await reply.receive()).value);
        reply.receive.close();
      }
      send.close();
      await replier;
      expect(sum).toBe(2_000);
    },
    60_000,
  );
}
