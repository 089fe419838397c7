/** Scenarios: values that are sent, received, called back and closed off, in both directions, on channels of every home and capacity. */
import type { ReceiveChannel, SendChannel } from "../../src/contract.js";
import { allValues, fail, outcome, rejects, type Scenario, same, upTo, type Value } from "./stage.js";

type Send = SendChannel<Value>;
type Receive = ReceiveChannel<Value>;
const names = ["listener", "dialer"] as const;
const both = [
  [1, 0],
  [0, 1],
] as const;

const pairs = both.flatMap(([from, to]): Scenario[] => [
  {
    name: `the pair to the ${names[to]}, capacity 0: sends one after the other`,
    async run(stage) {
      const { put, get } = stage.pair(from, to);
      const receiving = get.some(5);
      for (const value of upTo(5)) await put(value);
      same("ONE", "what was received", await receiving, upTo(5));
    },
  },
  {
    name: `the pair to the ${names[to]}, capacity 3: three are fulfilled before anybody receives`,
    shape: { capacity: 3 },
    async run(stage) {
      const { put, get } = stage.pair(from, to);
      for (const value of upTo(3)) await put(value);
      const rest = [put(4), put(5), put(6)];
      same("FIFO", "what was received", await get.some(6), upTo(6));
      await Promise.all(rest);
    },
  },
]);

const pipelines = [0, 3].flatMap((capacity) =>
  ["sender", "receiver"].flatMap((home): Scenario[] => [
    {
      name: `sends that nobody awaits and a close, capacity ${capacity}, home at the ${home}`,
      async run(stage) {
        const at = home === "sender" ? 1 : 0;
        const c = stage.chan(at, { capacity });
        const send = at === 1 ? c.send : (await stage.hand<{ end: Send }>(0, 1, { end: c.send })).end;
        const receive = at === 0 ? c.receive : (await stage.hand<{ end: Receive }>(1, 0, { end: c.receive })).end;
        const put = c.puts(1, send);
        const get = c.gets(0, receive);
        const sending = put.all(upTo(8));
        send.close();
        same("FIFO", "what was received", await get.rest(), upTo(8));
        await Promise.all(sending);
        await rejects("CLOSE", "a send behind the close", put(9), "CHANNEL_CLOSED");
        same("CLOSE", "a receive behind the end", await get(), { done: true, value: undefined });
      },
    },
  ]),
);

const receives: readonly Scenario[] = [
  {
    name: "receives that nobody awaits",
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const get = c.gets(1, end);
      const receiving = Promise.all(upTo(6).map(() => get()));
      const put = c.puts(0, c.send);
      for (const value of upTo(6)) await put(value);
      same(
        "FIFO",
        "what the receives came to",
        (await receiving).map(({ value }) => value),
        upTo(6),
      );
    },
  },
  {
    name: "leaving a loop, and going on",
    async run(stage) {
      const c = stage.chan(0, { capacity: 3 });
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const put = c.puts(0, c.send);
      const sending = put.all(upTo(6));
      const get = c.gets(1, end);
      const stop = new AbortController();
      const loop = get.rest({ signal: stop.signal });
      await Promise.all(sending.slice(0, 2));
      await stage.events(9);
      stop.abort();
      const before = await loop;
      const last = put(7);
      c.send.close();
      same("CANCEL", "what the two loops received", [...before, ...(await get.rest())], upTo(7));
      await Promise.all([...sending, last]);
    },
  },
  {
    name: "two that receive at one channel",
    processes: 3,
    async run(stage) {
      const c = stage.chan(0, { capacity: 2 });
      const loops = [];
      for (const process of [1, 2]) {
        const { end } = await stage.hand<{ end: Receive }>(0, process, { end: c.receive });
        loops.push(c.gets(process, end).rest());
      }
      const put = c.puts(0, c.send);
      for (const value of upTo(8)) await put(value);
      c.send.close();
      const received = (await Promise.all(loops)).flat();
      same(
        "ONE",
        "what both received",
        received.sort((a, b) => a - b),
        upTo(8),
      );
    },
  },
  {
    name: "a receiver without a link holds up no other",
    processes: 3,
    async run(stage) {
      const c = stage.chan(0);
      const [away, there] = [
        await stage.hand<{ end: Receive }>(0, 1, { end: c.receive }),
        await stage.hand<{ end: Receive }>(0, 2, { end: c.receive }),
      ];
      const waiting = c.gets(1, away.end).one();
      await stage.sleep(200); // its demand is known
      const line = stage.outage(0, 1);
      await stage.until(() => stage.peer(0, 1).status.state === "reconnecting");
      const put = c.puts(0, c.send);
      const receiving = c.gets(2, there.end).some(3);
      for (const value of upTo(3)) await put(value);
      same("LIVE", "what the other received meanwhile", await receiving, upTo(3));
      line.heal();
      const last = put(4);
      same("ONE", "what the first received when it was back", await waiting, 4);
      await last;
    },
  },
  {
    name: "two that send on one channel, one of which closes it",
    processes: 3,
    async run(stage) {
      const c = stage.chan(0);
      const left = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
      const right = await stage.hand<{ end: Send }>(0, 2, { end: c.send });
      const [low, high] = [c.puts(1, left.end), c.puts(2, right.end)];
      const sending = low.all([11, 12, 13]);
      const others = [21, 22, 23, 24].map((value) => outcome(high(value)));
      left.end.close();
      const received = await c.gets(0, c.receive).rest();
      await Promise.all(sending);
      same(
        "FIFO",
        "values of the one that closed",
        received.filter((value) => value < 20),
        [11, 12, 13],
      );
      for (const [index, { error }] of (await Promise.all(others)).entries())
        if ((error === undefined) !== received.includes(21 + index)) fail("ONE", `value ${21 + index}: ${String(error)}`);
    },
  },
];

const closes = both.map(
  ([home, away]): Scenario => ({
    name: `a close with a reason, home at the ${names[home]}, seen at the other side`,
    async run(stage) {
      const c = stage.chan(home, { capacity: 1 });
      const there = await stage.hand<{ send: Send; receive: Receive }>(home, away, { send: c.send, receive: c.receive });
      const put = c.puts(home, c.send);
      const get = c.gets(away, there.receive);
      const sending = [put(1), put(2)];
      c.send.close(new Error("enough"));
      same("CLOSE", "what came before the close", await get.some(2), [1, 2]);
      await Promise.all(sending);
      for (let times = 0; times < 2; times++) {
        const error = await rejects("CLOSE", "a receive behind the close", get(), "CHANNEL_CLOSED");
        same("CLOSE", "its reason", (error.cause as Error).message, "enough");
      }
      await rejects("CLOSE", "a send behind the close", c.puts(away, there.send)(3), "CHANNEL_CLOSED");
    },
  }),
);

const letsGo: readonly Scenario[] = [
  {
    name: "the last that holds a send end lets go of it",
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
      c.send[Symbol.dispose]();
      const put = c.puts(1, end);
      const sending = [put(1), put(2)];
      end[Symbol.dispose]();
      same("SETTLE", "what was received", await c.gets(0, c.receive).rest(), [1, 2]);
      await Promise.all(sending);
      await rejects("SETTLE", "a send on an end that was let go", put(3), "CHANNEL_CLOSED");
    },
  },
  {
    name: "the last that holds a receive end closes it",
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      c.receive[Symbol.dispose]();
      const put = c.puts(0, c.send);
      const sending = [put(1), put(2)].map(outcome);
      const get = c.gets(1, end);
      same("ONE", "what was received", await get.one(), 1);
      end.close();
      await rejects("SETTLE", "a send that nobody receives any more", put(3), "CHANNEL_CLOSED");
      const [first, second] = await Promise.all(sending);
      same("ONE", "how the first send ended", first?.error, undefined);
      same("SETTLE", "how the second send ended", (second?.error as { code?: string } | undefined)?.code, "CHANNEL_CLOSED");
      same("CLOSE", "a receive of its own", await get(), { done: true, value: undefined });
    },
  },
  {
    name: "a channel that drops the oldest, sent to from afar",
    async run(stage) {
      const c = stage.chan(0, { capacity: 2, whenFull: "drop-oldest" });
      const { end } = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
      const put = c.puts(1, end);
      await Promise.all(put.all(upTo(6)));
      end.close();
      same("CAP", "what was kept", await c.gets(0, c.receive).rest(), [5, 6]);
    },
  },
  {
    name: "a channel that drops the oldest, received from afar",
    async run(stage) {
      const c = stage.chan(0, { capacity: 1, whenFull: "drop-oldest" });
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const put = c.puts(0, c.send);
      const receiving = c.gets(1, end).rest();
      for (const value of upTo(8)) {
        await put(value);
        await stage.events(3);
      }
      c.send.close();
      const received = await receiving;
      same(
        "FIFO",
        "the order of what was received",
        received,
        [...received].sort((a, b) => a - b),
      );
      same("CLOSE", "the last one", received.at(-1), 8);
    },
  },
  {
    name: "a channel that redelivers, while no session is lost",
    async run(stage) {
      const c = stage.chan(0, { whenInDoubt: "redeliver" });
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const put = c.puts(0, c.send);
      const sending = put.all(upTo(5));
      c.send.close();
      same("ONE", "what was received", await c.gets(1, end).rest(), upTo(5));
      await Promise.all(sending);
    },
  },
];

const aborts: readonly Scenario[] = [
  ...both.map(
    ([home, away]): Scenario => ({
      name: `an aborted send that nobody received, home at the ${names[home]}`,
      async run(stage) {
        const c = stage.chan(home);
        const there = await stage.hand<{ send: Send; receive: Receive }>(home, away, { send: c.send, receive: c.receive });
        const put = c.puts(away, there.send);
        for (const wait of [0, 3, 6]) {
          const controller = new AbortController();
          const sending = outcome(put(10 + wait, { signal: controller.signal }));
          if (wait > 0) await stage.events(wait);
          controller.abort();
          same("CANCEL", "how it ended", (await sending).error, controller.signal.reason);
        }
        const last = put(1);
        same("CANCEL", "what was received", await c.gets(home, c.receive).one(), 1);
        await last;
      },
    }),
  ),
  {
    name: "an abort of a send races its receiver",
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
      const put = c.puts(1, end);
      const get = c.gets(0, c.receive);
      for (const wait of [1, 3, 5]) {
        const controller = new AbortController();
        const sending = outcome(put(10 + wait, { signal: controller.signal }));
        const receiving = stage.events(wait).then(() => get.one());
        await stage.events(wait);
        controller.abort();
        const { error } = await sending;
        if (error !== undefined) await put(20 + wait);
        same("CANCEL", "what was received", await receiving, error === undefined ? 10 + wait : 20 + wait);
      }
    },
  },
  {
    name: "an aborted receive took nothing",
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const get = c.gets(1, end);
      const controller = new AbortController();
      const first = outcome(get({ signal: controller.signal }));
      const second = get();
      await stage.events(4);
      controller.abort();
      same("CANCEL", "how the aborted receive ended", (await first).error, controller.signal.reason);
      await c.puts(0, c.send)(1);
      same("CANCEL", "what the other received", (await second).value, 1);
    },
  },
  ...[3, 6, 9].map(
    (wait): Scenario => ({
      name: `the first of three receives is aborted while offers are on their way (after ${wait})`,
      async run(stage) {
        const c = stage.chan(0);
        const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
        const get = c.gets(1, end);
        const controller = new AbortController();
        const first = outcome(get({ signal: controller.signal }));
        const others = [get(), get()];
        const put = c.puts(0, c.send);
        await stage.events(wait);
        const sending = [put(1), put(2)];
        await stage.events(wait);
        controller.abort();
        const { value } = await first;
        if (value !== undefined) sending.push(put(3));
        const received = [...(value === undefined ? [] : [value]), ...(await Promise.all(others))].map((one) => one.value);
        same("FIFO", "what the receives came to, in their order", received, upTo(received.length));
        await Promise.all(sending);
      },
    }),
  ),
  {
    name: "sends that are made and aborted while there is no link",
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
      const put = c.puts(1, end);
      const get = c.gets(0, c.receive);
      const before = put(1);
      const line = stage.outage(0, 1);
      await stage.until(() => stage.peer(1, 0).status.state === "reconnecting");
      const controller = new AbortController();
      const { events } = stage.world;
      const aborted = [outcome(put(2, { signal: controller.signal })), outcome(put(3, { signal: controller.signal }))];
      const kept = put(4);
      controller.abort();
      for (const { error } of await Promise.all(aborted)) same("CANCEL", "how an unwritten send ended", error, controller.signal.reason);
      same("CANCEL", "how much happened before it was withdrawn", stage.world.events - events, 0);
      line.heal();
      same("CANCEL", "what was received", await get.some(2), [1, 4]);
      await Promise.all([before, kept]);
    },
  },
  {
    name: "an aborted send that carries an end",
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
      const mine = stage.chan(1);
      const controller = new AbortController();
      const sending = outcome(end({ n: 90, end: mine.receive }, { signal: controller.signal }));
      await stage.events(5);
      controller.abort();
      same("CANCEL", "how it ended", (await sending).error, controller.signal.reason);
      const again = end({ n: 91, end: mine.receive });
      const arrived = (await c.receive()).value as unknown as { n: number; end: Receive };
      stage.keep(arrived);
      same("CANCEL", "what was received", arrived.n, 91);
      await again;
      const put = mine.puts(1, mine.send);
      const sent = put(1);
      same("ONE", "what the end gives", await mine.gets(0, arrived.end).one(), 1);
      await sent;
    },
  },
];

const text = (characters: number): string => "x".repeat(characters);

const sizes: readonly Scenario[] = [
  ...both.map(
    ([from, to]): Scenario => ({
      name: `large values to the ${names[to]}, and small ones behind them`,
      async run(stage) {
        const { put, get } = stage.pair(from, to);
        const sending = [put({ n: 1, text: text(70_000) }), put(2), put({ n: 3, text: text(66_000) }), put(4)];
        same("FIFO", "what was received", await get.some(4), upTo(4));
        await Promise.all(sending);
      },
    }),
  ),
  {
    name: "a large value that is called back",
    async run(stage) {
      const { put, get } = stage.pair(1, 0);
      for (const wait of [0, 4]) {
        const controller = new AbortController();
        const sending = outcome(put({ n: 10 + wait, text: text(70_000) }, { signal: controller.signal }));
        if (wait > 0) await stage.events(wait);
        controller.abort();
        same("CANCEL", "how it ended", (await sending).error, controller.signal.reason);
      }
      const next = put(1);
      same("CANCEL", "what was received", await get.one(), 1);
      await next;
    },
  },
  ...both.map(
    ([from, to]): Scenario => ({
      name: `more than the window of the ${names[to]} allows`,
      shape: { limits: { maxQueuedBytes: 1024 } },
      async run(stage) {
        const c = stage.chan(to);
        const { end } = await stage.hand<{ end: Send }>(to, from, { end: c.send });
        const put = c.puts(from, end);
        const sending = upTo(8).map((n) => put({ n, text: text(300) }));
        end.close();
        await stage.events(12);
        same("FIFO", "what was received", await c.gets(to, c.receive).rest(), upTo(8));
        await Promise.all(sending);
      },
    }),
  ),
  {
    name: "more than is kept for a replay, both ways",
    shape: { limits: { maxReplayBytes: 4096 } },
    async run(stage) {
      const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
      const sending = upTo(8).flatMap((n) => [up.put({ n, text: text(900) }), down.put({ n: 100 + n, text: text(900) })]);
      await stage.events(12);
      const [ups, downs] = await Promise.all([up.get.some(8), down.get.some(8)]);
      same("FIFO", "what the listener received", ups, upTo(8));
      same(
        "FIFO",
        "what the dialer received",
        downs,
        upTo(8).map((n) => 100 + n),
      );
      await Promise.all(sending);
    },
  },
  ...both.map(
    ([from, to]): Scenario => ({
      name: `values that are not plain JSON, to the ${names[to]}`,
      async run(stage) {
        const sent = {
          map: new Map([["a", new Date(7)]]),
          set: new Set([1n, 2n]),
          bytes: Uint8Array.from({ length: 40 }, (_, index) => index),
          none: undefined,
        };
        same("ONE", "what arrived", await stage.hand(from, to, sent), sent);
        const sending = [stage.peer(from, to).send(sent.bytes), stage.peer(from, to).send({ after: 1, bytes: new Uint8Array(3) })];
        const { receive } = stage.peer(to, from);
        same("FIFO", "the first", (await receive()).value, sent.bytes);
        same("FIFO", "the second", (await receive()).value, { after: 1, bytes: new Uint8Array(3) });
        await Promise.all(sending);
      },
    }),
  ),
];

const duplex: Scenario = {
  name: "both directions at once, capacity 3",
  shape: { capacity: 3 },
  async run(stage) {
    const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
    const each = async ({ put }: typeof up, base: number): Promise<void> => {
      for (const n of upTo(6)) await put(base + n);
    };
    const [ups, downs] = await Promise.all([up.get.some(6), down.get.some(6), each(up, 0), each(down, 100)]);
    same("FIFO", "what the listener received", ups, upTo(6));
    same(
      "FIFO",
      "what the dialer received",
      downs,
      upTo(6).map((n) => 100 + n),
    );
  },
};

/** A channel of channels: each end brings a stream of its own. */
const streams: Scenario = {
  name: "receive ends as values, each read to its end",
  async run(stage) {
    const sending: Promise<void>[] = [];
    const { send } = stage.peer(0, 1);
    for (const base of [10, 20]) {
      const c = stage.chan(0, { capacity: 2 });
      sending.push(send({ end: c.receive }), ...[1, 2, 3].map((n) => c.send(base + n)));
      c.send.close();
    }
    for (const base of [10, 20]) {
      const { end } = stage.keep((await stage.peer(1, 0).receive()).value as { end: Receive });
      same("FIFO", `stream ${base}`, await allValues(end), [base + 1, base + 2, base + 3]);
    }
    await Promise.all(sending);
  },
};

export const flowScenarios: readonly Scenario[] = [
  ...pairs,
  ...pipelines,
  ...receives,
  ...closes,
  ...letsGo,
  ...aborts,
  ...sizes,
  duplex,
  streams,
];
