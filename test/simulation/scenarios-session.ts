/** Scenarios: what sessions do themselves: goodbyes with values under way, pings, status feeds, other links, work for several peers. */
import type { Peer, PeerStatus, ReceiveChannel } from "../../src/contract.js";
import { drainMs, Flow, fail, outcome, rejects, type Scenario, type Stage, same, upTo, type Value } from "./stage.js";

type Receive = ReceiveChannel<Value>;

const closers = [
  ["the dialer", [1]],
  ["the listener", [0]],
  ["both at once", [0, 1]],
] as const;

const goodbyes = closers.flatMap(([who, sides]) =>
  [0, 3].map(
    (capacity): Scenario => ({
      name: `a goodbye with values under way both ways, by ${who}, capacity ${capacity}`,
      closes: true,
      shape: { capacity },
      async run(stage) {
        const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
        const sending = [1, 2, 3, 4].flatMap((n) => [up.put(n), down.put(100 + n)]);
        const closing = sides.map((side) => stage.peer(side, 1 - side).close({ drainMs }));
        const [ups, downs] = await Promise.all([up.get.rest(), down.get.rest()]);
        same("ONE", "what the listener received", ups, [1, 2, 3, 4]);
        same("ONE", "what the dialer received", downs, [101, 102, 103, 104]);
        await Promise.all([...sending, ...closing]);
        for (const process of [0, 1]) {
          const { reason, undelivered } = await stage.peer(process, 1 - process).ended;
          same("SETTLE", `how process ${process} saw the end`, { reason, undelivered }, { reason: "closed", undelivered: [] });
        }
      },
    }),
  ),
);

/** The ends of directions may be all that a goodbye has to deliver. */
const idle = closers.map(
  ([who, sides]): Scenario => ({
    name: `a goodbye while both sides only wait for values, by ${who}`,
    closes: true,
    async run(stage) {
      const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
      const waiting = [up.get.rest(), down.get.rest()];
      await stage.events(8);
      const closing = sides.map((side) => stage.peer(side, 1 - side).close({ drainMs }));
      same("CLOSE", "what both received", await Promise.all(waiting), [[], []]);
      await Promise.all(closing);
      for (const process of [0, 1]) same("SETTLE", "how it ended", (await stage.peer(process, 1 - process).ended).reason, "closed");
    },
  }),
);

const otherEnds: readonly Scenario[] = [
  {
    name: "a goodbye that waits for nobody",
    closes: true,
    async run(stage) {
      const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
      const sending = [up.put(1), down.put(2)].map(outcome);
      const receiving = down.get().then(
        ({ value }) => value,
        () => undefined,
      );
      await stage.events(6);
      await stage.peer(0, 1).close({ drainMs: 0 });
      for (const { error } of await Promise.all(sending)) {
        if (error === undefined) continue;
        const { code, outcome: known } = error as { readonly code?: unknown; readonly outcome?: unknown };
        // A value that was offered is in doubt when no goodbye says what became of it.
        if (code !== "SESSION_CLOSED" && !(code === "RECEIVER_LOST" && known === "unknown")) fail("SETTLE", `a send: ${String(error)}`);
      }
      await receiving;
    },
  },
  {
    name: "both directions are closed, and with them the session",
    closes: true,
    async run(stage) {
      const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
      const sending = [up.put(1), down.put(2), up.put(3), down.put(4)];
      stage.peer(1, 0).send.close();
      stage.peer(0, 1).send.close();
      const [ups, downs] = await Promise.all([up.get.rest(), down.get.rest()]);
      same("CLOSE", "what the listener received", ups, [1, 3]);
      same("CLOSE", "what the dialer received", downs, [2, 4]);
      await Promise.all(sending);
      for (const process of [0, 1]) same("SETTLE", "how it ended", (await stage.peer(process, 1 - process).ended).reason, "closed");
    },
  },
  {
    name: "operations on ends of a session that is being closed",
    closes: true,
    async run(stage) {
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const waiting = rejects("SETTLE", "a receive that nobody serves", c.gets(1, end)(), "SESSION_CLOSED");
      await stage.events(5);
      await stage.peer(1, 0).close({ drainMs: 500 });
      await waiting;
    },
  },
];

const upkeep: readonly Scenario[] = [
  {
    name: "pings from both sides, between values",
    async run(stage) {
      const { put, get } = stage.pair(1, 0);
      const [here, there] = [stage.peer(1, 0), stage.peer(0, 1)];
      const pings = [here.ping(), there.ping()];
      const receiving = get.some(4);
      for (const n of upTo(4)) {
        await put(n);
        pings.push(here.ping(), there.ping());
      }
      for (const ms of await Promise.all(pings)) if (!(ms >= 0)) fail("SETTLE", `a ping took ${ms} ms`);
      same("FIFO", "what was received", await receiving, upTo(4));
    },
  },
  {
    name: "another link is asked for in the middle",
    shape: { capacity: 3 },
    async run(stage) {
      const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
      const sending = upTo(6).flatMap((n) => [up.put(n), down.put(100 + n)]);
      await stage.events(4);
      stage.peer(1, 0).reconnect();
      const [ups, downs] = await Promise.all([up.get.some(6), down.get.some(6)]);
      same("FIFO", "what the listener received", ups, upTo(6));
      same(
        "FIFO",
        "what the dialer received",
        downs,
        upTo(6).map((n) => 100 + n),
      );
      await Promise.all(sending);
    },
  },
  {
    name: "other links are asked for again and again, while the present one is in use",
    async run(stage) {
      const [up, down] = [stage.pair(1, 0), stage.pair(0, 1)];
      const c = stage.chan(0);
      const { end } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const [put, get] = [c.puts(0, c.send), c.gets(1, end)];
      let over = false;
      const restless = (async () => {
        for (let wait = 3; !over; wait++) {
          await stage.events(wait);
          stage.peer(1, 0).reconnect();
        }
      })();
      const sending = upTo(4).flatMap((n) => [up.put(n), down.put(100 + n), put(200 + n)]);
      const [ups, downs, others] = await Promise.all([up.get.some(4), down.get.some(4), get.some(4)]);
      await Promise.all(sending);
      over = true;
      await restless;
      same("FIFO", "what the listener received", ups, [1, 2, 3, 4]);
      same("FIFO", "what the dialer received", downs, [101, 102, 103, 104]);
      same("FIFO", "what it received at another end", others, [201, 202, 203, 204]);
    },
  },
  {
    name: "two feeds of a session's status",
    closes: true,
    async run(stage) {
      const watch = async (peer: Peer): Promise<PeerStatus[]> => {
        const seen: PeerStatus[] = [];
        for await (const status of peer.statuses()) seen.push(status);
        return seen;
      };
      const feeds = [0, 1].map((process) => watch(stage.peer(process, 1 - process)));
      const { put, get } = stage.pair(1, 0);
      const receiving = get.some(3);
      await put(1);
      stage.peer(1, 0).reconnect();
      await put(2);
      await put(3);
      await receiving;
      await stage.peer(1, 0).close({ drainMs });
      for (const states of (await Promise.all(feeds)).map((feed) => feed.map(({ state }) => state))) {
        same("SETTLE", "where a feed begins and ends", [states[0], states.at(-1)], ["connected", "ended"]);
        same("SETTLE", "how often it ends", states.filter((state) => state === "ended").length, 1);
      }
    },
  },
];

async function consume(stage: Stage, flow: Flow, process: number): Promise<number[]> {
  return await flow.gets(process, stage.peer(process, 0).receive as Receive).rest();
}

const work: readonly Scenario[] = [0, 2].map(
  (capacity): Scenario => ({
    name: `work for two peers, capacity ${capacity}`,
    processes: 3,
    closes: true,
    shape: { capacity, whenInDoubt: "redeliver" },
    async run(stage) {
      const { send, receive } = stage.world.listenerOf(0);
      const flow = new Flow(stage, 0, { capacity, whenInDoubt: "redeliver" });
      const workers = [1, 2].map((process) => consume(stage, flow, process));
      const put = flow.puts(0, send as never);
      const sending = put.all(upTo(6));
      send.close();
      const received = (await Promise.all(workers)).flat().sort((a, b) => a - b);
      same("ONE", "what the workers received", received, upTo(6));
      await Promise.all(sending);
      const results = new Flow(stage, 0, { capacity: 2 * capacity, whenInDoubt: "redeliver" });
      const telling = [1, 2].flatMap((process) => {
        const tell = results.puts(process, stage.peer(process, 0).send);
        return [tell(10 * process + 1), tell(10 * process + 2)];
      });
      const told = await results.gets(0, receive as Receive).some(4);
      same(
        "ONE",
        "what they told the listener",
        [...told].sort((a, b) => a - b),
        [11, 12, 21, 22],
      );
      await Promise.all(telling);
    },
  }),
);

export const sessionScenarios: readonly Scenario[] = [...goodbyes, ...idle, ...otherEnds, ...upkeep, ...work];
