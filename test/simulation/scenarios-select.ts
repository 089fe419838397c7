/** Scenarios: selects over channels of one home and of several, alone and against each other; merge and pipe, which are made of them. */
import type { ReceiveChannel, SendChannel } from "../../src/contract.js";
import { makeCombinators, pipe } from "../../src/core/combinators.js";
import { allValues, type Flow, fail, outcome, type Scenario, type Stage, same, upTo, type Value } from "./stage.js";

type Send = SendChannel<Value>;
type Receive = ReceiveChannel<Value>;

/** A channel whose ends two processes hold. */
interface Shared {
  readonly flow: Flow;
  readonly send: readonly Send[];
  readonly receive: readonly Receive[];
}
async function share(stage: Stage, home: number, capacity = 0): Promise<Shared> {
  const flow = stage.chan(home, { capacity });
  const away = await stage.hand<{ send: Send; receive: Receive }>(home, 1 - home, { send: flow.send, receive: flow.receive });
  const [send, receive] = [
    [flow.send, away.send],
    [flow.receive, away.receive],
  ];
  return { flow, send: home === 0 ? send : send.reverse(), receive: home === 0 ? receive : receive.reverse() };
}
const puts = ({ flow, send }: Shared, process: number) => flow.puts(process, send[process] as Send);
const gets = ({ flow, receive }: Shared, process: number) => flow.gets(process, receive[process] as Receive);
const receiveCase = ({ flow, receive }: Shared, process: number) => ({ flow, receive: receive[process] as Receive });
const sendCase = ({ flow, send }: Shared, process: number, value: Value) => ({ flow, send: send[process] as Send, value });

const homes = [
  ["the other's", 0, 0],
  ["its own", 1, 1],
  ["different", 0, 1],
] as const;

const selects: readonly Scenario[] = [
  ...homes.map(
    ([where, first, second]): Scenario => ({
      name: `a select of two receives, ${where} homes`,
      async run(stage) {
        const [a, b] = [await share(stage, first), await share(stage, second)];
        for (const round of [1, 2, 3]) {
          const choosing = stage.select(1, { a: receiveCase(a, 1), b: receiveCase(b, 1) });
          const [one, name] = round === 2 ? [b, "b"] : [a, "a"];
          await puts(one, 0)(10 + round);
          same("SEL", "what was chosen", await choosing, { case: name, done: false, value: 10 + round, ...fromOf(await choosing) });
          const other = name === "a" ? b : a;
          const sending = puts(other, 0)(20 + round);
          same("SEL", "what is left of the lost case", await gets(other, 1).one(), 20 + round);
          await sending;
        }
      },
    }),
  ),
  {
    name: "a select of two receives across homes, when both can be",
    async run(stage) {
      const [a, b] = [await share(stage, 0), await share(stage, 1)];
      const sending = [puts(a, 0)(1), puts(b, 0)(2)];
      const chosen: unknown[] = [];
      for (let round = 0; round < 2; round++) {
        const { value } = await stage.select(1, { a: receiveCase(a, 1), b: receiveCase(b, 1) });
        chosen.push(value);
      }
      same("SEL", "what both selects received", chosen.sort(), [1, 2]);
      await Promise.all(sending);
    },
  },
  ...homes.map(
    ([where, first, second]): Scenario => ({
      name: `a select of a send and a receive, ${where} homes`,
      async run(stage) {
        const [a, b] = [await share(stage, first), await share(stage, second)];
        const [put, get] = [puts(b, 0), gets(a, 0)];
        const sending = put(2);
        const receiving = get.one();
        const chosen = await stage.select(1, { out: sendCase(a, 1, 1), in: receiveCase(b, 1) });
        if (chosen.case === "out") {
          same("SEL", "what the other side received", await receiving, 1);
          same("SEL", "what is left", await gets(b, 1).one(), 2);
        } else {
          same("SEL", "what was received", chosen.value, 2);
          await puts(a, 1)(3);
          same("SEL", "what the other side received", await receiving, 3);
        }
        await sending;
      },
    }),
  ),
  {
    name: "a select of two sends to different homes",
    async run(stage) {
      const [a, b] = [await share(stage, 0), await share(stage, 1)];
      const receiving = [gets(a, 0).one(), gets(b, 0).one()] as const;
      const chosen = await stage.select(1, { a: sendCase(a, 1, 1), b: sendCase(b, 1, 2) });
      if (chosen.case === "a") await puts(b, 1)(4);
      else await puts(a, 1)(3);
      same("SEL", "what was received", await Promise.all(receiving), chosen.case === "a" ? [1, 4] : [3, 2]);
    },
  },
  ...homes.slice(1).map(
    ([where, first, second]): Scenario => ({
      name: `two selects against each other, ${where} homes`,
      async run(stage) {
        const [a, b] = [await share(stage, first), await share(stage, second)];
        for (const round of [1, 2]) {
          const [here, there] = await Promise.all([
            stage.select(1, { a: sendCase(a, 1, 10 + round), b: receiveCase(b, 1) }),
            stage.select(0, { a: receiveCase(a, 0), b: sendCase(b, 0, 20 + round) }),
          ]);
          same("SEL", "the channel that both met at", here.case, there.case);
          same("SEL", "the value", (here.case === "a" ? there : here).value, (here.case === "a" ? 10 : 20) + round);
        }
      },
    }),
  ),
  {
    name: "a loop of selects until both channels are done",
    async run(stage) {
      const [a, b] = [await share(stage, 0, 2), await share(stage, 1)];
      const sending = [11, 12, 13].flatMap((n) => [puts(a, 0)(n), puts(b, 0)(n + 10)]);
      for (const { send } of [a, b]) send[0]?.close();
      const received: unknown[] = [];
      const over = { a: false, b: false };
      while (!over.a || !over.b) {
        const chosen = await stage.select(1, {
          ...(over.a ? {} : { a: receiveCase(a, 1) }),
          ...(over.b ? {} : { b: receiveCase(b, 1) }),
        });
        if (chosen.done) over[chosen.case as "a" | "b"] = true;
        else received.push(chosen.value);
      }
      for (const low of [10, 20])
        same(
          "FIFO",
          "values of one channel",
          received.filter((value) => Math.floor((value as number) / 10) * 10 === low),
          [low + 1, low + 2, low + 3],
        );
      await Promise.all(sending);
    },
  },
  {
    name: "a select that is aborted",
    async run(stage) {
      const [a, b] = [await share(stage, 0), await share(stage, 1)];
      for (const wait of [0, 4]) {
        const controller = new AbortController();
        const choosing = outcome(
          stage.select(1, { a: receiveCase(a, 1), b: receiveCase(b, 1), out: sendCase(a, 1, 50 + wait) }, { signal: controller.signal }),
        );
        if (wait > 0) await stage.events(wait);
        controller.abort();
        same("CANCEL", "how it ended", (await choosing).error, controller.signal.reason);
      }
      const sending = [puts(a, 0)(1), puts(b, 0)(2)];
      same("SEL", "what is left of both cases", [await gets(a, 1).one(), await gets(b, 1).one()], [1, 2]);
      await Promise.all(sending);
    },
  },
  {
    name: "a trySelect, in vain and with success",
    async run(stage) {
      const [a, b] = [await share(stage, 0, 1), await share(stage, 0)];
      const cases = { a: receiveCase(a, 1), b: receiveCase(b, 1) };
      same("SEL", "a try where nothing is", await stage.trySelect(1, cases), undefined);
      const first = puts(a, 0)(1);
      await first;
      same("SEL", "what was got", (await tried(stage, () => stage.trySelect(1, cases))).value, 1);
      same("SEL", "a second try", await stage.trySelect(1, cases), undefined);
      const receiving = gets(b, 0).one();
      const { case: name } = await tried(stage, () => stage.trySelect(1, { out: sendCase(b, 1, stage.world.events + 1_000) }));
      same("SEL", "the case", name, "out");
      await receiving;
    },
  },
  {
    name: "a select at a third process, over ends that were passed on",
    processes: 3,
    async run(stage) {
      const [a, b] = [await share(stage, 0), await share(stage, 1)];
      const far = await stage.hand<{ a: Receive; b: Send }>(1, 2, { a: a.receive[1] as Receive, b: b.send[1] as Send });
      const sending = puts(a, 0)(1);
      const receiving = gets(b, 0).one();
      const chosen = await stage.select(2, { in: { flow: a.flow, receive: far.a }, out: { flow: b.flow, send: far.b, value: 2 } });
      if (chosen.case === "in") {
        same("SEL", "what was received", chosen.value, 1);
        await b.flow.puts(2, far.b)(3);
        same("SEL", "what the other received", await receiving, 3);
      } else {
        same("SEL", "what the other received", await receiving, 2);
        same("SEL", "what is left", await a.flow.gets(2, far.a).one(), 1);
      }
      await sending;
    },
  },
];

/** A home without a link counts as not ready, and so does one that has not heard yet: asks until there is something. */
async function tried<T>(stage: Stage, attempt: () => Promise<T | undefined>): Promise<T> {
  for (let times = 0; times < 1_000; times++) {
    const result = await attempt();
    if (result !== undefined) return result;
    await stage.sleep(20);
  }
  return fail("LIVE", "what is ready is never found");
}
function fromOf(chosen: object): object {
  return "from" in chosen ? { from: chosen.from } : {};
}

const combined: readonly Scenario[] = [
  {
    name: "merge of channels with different homes",
    async run(stage) {
      const all = [await share(stage, 0), await share(stage, 1), await share(stage, 0, 2)];
      const { merge } = makeCombinators(stage.world.random);
      const merged = merge(...all.map(({ receive }) => receive[1] as Receive));
      const sending = all.flatMap(({ send }, index) => upTo(3).map((n) => (send[0] as Send)(10 * index + n)));
      for (const { send } of all) send[0]?.close();
      const received = (await allValues(merged)) as number[];
      for (const index of all.keys())
        same(
          "FIFO",
          `values of source ${index}`,
          received.filter((value) => Math.floor(value / 10) === index),
          upTo(3).map((n) => 10 * index + n),
        );
      await Promise.all(sending);
    },
  },
  {
    name: "pipe from a channel of the other side to another of it",
    async run(stage) {
      const [a, b] = [await share(stage, 0), await share(stage, 0, 2)];
      const piping = pipe(a.receive[1] as Receive, b.send[1] as Send);
      const sending = upTo(5).map((value) => (a.send[0] as Send)(value));
      a.send[0]?.close();
      same("FIFO", "what came through", await allValues(b.receive[0] as Receive), upTo(5));
      await Promise.all([...sending, piping]);
    },
  },
];

export const selectScenarios: readonly Scenario[] = [...selects, ...combined];
