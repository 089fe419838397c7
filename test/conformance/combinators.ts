/** merge, pipe, after, tick, ask, askMany: between processes as in one. */
import { describe, expect } from "vitest";
import { after as alarm, ask, askMany, chan, merge, pipe, type ReceiveChannel, type SendChannel, select, tick } from "../../src/index.js";
import { codeOf, collect, isPending, produce, produceAll, range, rejection, type Suite, scenes, take, turn } from "./support.js";

interface Question {
  readonly n: number;
  readonly reply: SendChannel<number>;
}
interface Request {
  readonly count: number;
  readonly replies: SendChannel<number>;
}

export function describeCombinators(suite: Suite): void {
  const scene = scenes(suite);

  describe("merge", () => {
    scene("gives the values of all, each source in its order, and is done when all are", async (world) => {
      const pairs = await world.makeMany<{ readonly from: number; readonly value: number }>(3);
      const sending = pairs.map(({ send }, from) =>
        produceAll(
          send,
          range(20).map((value) => ({ from, value })),
        ),
      );
      const received = await collect(merge(...pairs.map(({ receive }) => receive)));
      await Promise.all(sending);
      for (const from of range(3)) expect(received.filter((value) => value.from === from).map(({ value }) => value)).toEqual(range(20));
      expect(received.length).toBe(60);
    });

    scene("of nothing is done at once", async () => {
      expect(await merge<number>()()).toMatchObject({ done: true });
    });

    scene("holds nothing: what nobody received from it stays in its source", async (world) => {
      const [first, second] = [await world.make<number>(), await world.make<number>()];
      const stop = new AbortController();
      const merged = merge(first.receive, second.receive);
      const received = merged({ signal: stop.signal });
      expect(await isPending(world, received)).toBe(true);
      stop.abort(stop);
      expect(await rejection(received)).toBe(stop);
      const sent = [first.send(1), second.send(2)];
      expect(await isPending(world, Promise.race(sent))).toBe(true);
      expect([await take(first.receive), await take(second.receive)]).toEqual([1, 2]);
      await Promise.all(sent);
    });
  });

  describe("pipe", () => {
    scene("moves every value in order and closes behind them", async (world) => {
      const [first, second] = [await world.make<number>(), await world.make<number>({ capacity: 2 }, { back: true })];
      const piping = pipe(first.receive, second.send);
      void produceAll(first.send, range(50));
      expect(await collect(second.receive)).toEqual(range(50));
      await piping;
    });

    scene("holds one value at most", async (world) => {
      const [first, second] = [await world.make<number>(), await world.make<number>({}, { back: true })];
      const piping = pipe(first.receive, second.send);
      let sent = 0;
      const sending = (async () => {
        for (const value of range(5)) {
          await first.send(value);
          sent = value + 1;
        }
        first.send.close();
      })();
      await world.settle();
      expect(sent).toBe(1);
      await take(second.receive);
      await world.settle();
      expect(sent).toBe(2);
      expect(await collect(second.receive)).toEqual([1, 2, 3, 4]);
      await Promise.all([piping, sending]);
    });

    scene("that is aborted takes nothing more", async (world) => {
      const [first, second] = [await world.make<number>(), await world.make<number>({ capacity: 5 }, { back: true })];
      const stop = new AbortController();
      const piping = pipe(first.receive, second.send, { signal: stop.signal });
      await produce(first.send, [1, 2]);
      expect(await isPending(world, piping)).toBe(true);
      stop.abort(stop);
      expect(await rejection(piping)).toBe(stop);
      const sent = first.send(3);
      expect(await isPending(world, sent)).toBe(true);
      expect(await take(first.receive)).toBe(3);
      expect(await collect(second.receive, 2)).toEqual([1, 2]);
      expect(second.send.closed).toBe(false);
      await sent;
    });
  });

  describe("after and tick", () => {
    scene("give their Dates in the other process too", async (world) => {
      const once = await world.carry(alarm(1), "R");
      expect(await take(once)).toBeInstanceOf(Date);
      expect(await once()).toMatchObject({ done: true });
      const ticker: ReceiveChannel<Date> = await world.carry(tick(1), "R");
      const dates = await collect(ticker, 3);
      expect(dates.every((date) => date instanceof Date)).toBe(true);
      expect(dates.toSorted((a, b) => a.getTime() - b.getTime())).toEqual(dates);
      ticker.close();
    });

    scene("a ticker ends with its signal", async () => {
      const stop = new AbortController();
      const ticker = tick(1, { signal: stop.signal });
      await take(ticker);
      stop.abort();
      // One tick may already be in the channel.
      expect((await collect(ticker)).length).toBeLessThanOrEqual(1);
    });

    scene("a deadline in a select is met by the value that is there before", async (world) => {
      const { send, receive } = await world.make<number>();
      const deadline = alarm(2 ** 31 + 5);
      const selecting = select({ receive, deadline });
      await send(1);
      expect(await selecting).toMatchObject({ case: "receive", value: 1 });
      deadline.close();
    });

    scene("a deadline in a select passes", async (world) => {
      const { receive } = await world.make<number>();
      expect(await select({ receive, deadline: alarm(1) })).toMatchObject({ case: "deadline", done: false });
    });
  });

  describe("ask", () => {
    scene("gets its own answer, however many ask", async (world) => {
      const { send, receive } = await world.make<Question>();
      const replier = (async () => {
        const open: Promise<void>[] = [];
        // Answers in another order than the questions came.
        for await (const { n, reply } of receive) open.push((n % 3 ? turn() : Promise.resolve()).then(() => reply(2 * n)));
        await Promise.all(open);
      })();
      const answers = await Promise.all(range(100).map((n) => ask(send, (reply) => ({ n, reply }))));
      expect(answers).toEqual(range(100).map((n) => 2 * n));
      send.close();
      await replier;
    });

    scene("rejects when its reply end is closed unanswered", async (world) => {
      const { send, receive } = await world.make<Question>();
      const asking = codeOf(ask(send, (reply) => ({ n: 1, reply })));
      (await take(receive)).reply.close();
      expect(await asking).toBe("CHANNEL_CLOSED");
    });

    scene("rejects when its reply end is let go unanswered", async (world) => {
      const { send, receive } = await world.make<Question>();
      const asking = codeOf(ask(send, (reply) => ({ n: 1, reply })));
      (await take(receive)).reply[Symbol.dispose]();
      expect(await asking).toBe("CHANNEL_CLOSED");
    });

    scene("rejects when its question cannot be sent", async (world) => {
      const { send } = await world.make<Question>();
      send.close();
      expect(await codeOf(ask(send, (reply) => ({ n: 1, reply })))).toBe("CHANNEL_CLOSED");
    });

    scene("never fails the replier that answers late or twice", async (world) => {
      const { send, receive } = await world.make<Question>();
      const stop = new AbortController();
      const asking = rejection(ask(send, (reply) => ({ n: 1, reply }), { signal: stop.signal }));
      const { reply } = await take(receive);
      stop.abort(stop);
      expect(await asking).toBe(stop);
      await reply(1);
      await reply(2);
      const again = ask(send, (other) => ({ n: 1, reply: other }));
      const second = await take(receive);
      await second.reply(3);
      await second.reply(4);
      expect(await again).toBe(3);
    });
  });

  describe("askMany", () => {
    scene("gets every answer and is done when the other side closes", async (world) => {
      const { send, receive } = await world.make<Request>();
      const answers = askMany(send, (replies: SendChannel<number>) => ({ count: 10, replies }));
      const { count, replies } = await take(receive);
      void produceAll(replies, range(count));
      expect(await collect(answers)).toEqual(range(10));
    });

    scene("is done when the other side lets go", async (world) => {
      const { send, receive } = await world.make<Request>();
      const answers = askMany(send, (replies: SendChannel<number>) => ({ count: 2, replies }), { capacity: 2 });
      const { count, replies } = await take(receive);
      await produce(replies, range(count));
      replies[Symbol.dispose]();
      expect(await collect(answers)).toEqual([0, 1]);
    });

    scene("tells the other side when nobody wants more", async (world) => {
      const { send, receive } = await world.make<Request>();
      const answers = askMany(send, (replies: SendChannel<number>) => ({ count: 2, replies }));
      const { replies } = await take(receive);
      const [first] = await Promise.all([take(answers), replies(0)]);
      expect(first).toBe(0);
      answers.close();
      await world.settle();
      expect(await codeOf(replies(1))).toBe("CHANNEL_CLOSED");
    });
  });

  scene("a worker pool: many askers, three workers, one queue", async (world) => {
    const { send, receive } = await world.make<Question>();
    const workers = range(3).map(async () => {
      for await (const { n, reply } of receive) await reply(n * n);
    });
    const answers = chan<number>(1);
    const asking = range(30).map(async (n) => answers.send(await ask(send, (reply) => ({ n, reply }))));
    const received = await collect(answers.receive, 30);
    await Promise.all(asking);
    expect(received.toSorted((a, b) => a - b)).toEqual(range(30).map((n) => n * n));
    send.close();
    await Promise.all(workers);
  });
}
