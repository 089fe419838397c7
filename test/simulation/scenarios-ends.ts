/** Scenarios: channel ends as values, questions and answers, ends that come home, come twice, or go on to a third process. */
import type { ReceiveChannel, SendChannel } from "../../src/contract.js";
import { ask, askMany } from "../../src/core/combinators.js";
import { allValues, fail, outcome, rejects, type Scenario, same, upTo, type Value } from "./stage.js";

type Send = SendChannel<Value>;
type Receive = ReceiveChannel<Value>;
interface Question {
  readonly n: number;
  readonly reply: SendChannel<number>;
}
const names = ["listener", "dialer"] as const;
const both = [
  [1, 0],
  [0, 1],
] as const;

const asked = both.flatMap(([asker, answerer]): Scenario[] => [
  {
    name: `the ${names[asker]} asks, one question after the other`,
    async run(stage) {
      const { receive } = stage.peer(answerer, asker);
      const answering = (async () => {
        for (let times = 0; times < 3; times++) {
          const { n, reply } = (await receive()).value as Question;
          await reply(n * n);
        }
      })();
      for (const n of upTo(3)) same("ONE", "the answer", await ask(stage.peer(asker, answerer).send, (reply) => ({ n, reply })), n * n);
      await answering;
    },
  },
  {
    name: `the ${names[asker]} asks several things at once`,
    async run(stage) {
      const { receive } = stage.peer(answerer, asker);
      const answers = upTo(3).map((n) => ask(stage.peer(asker, answerer).send, (reply) => ({ n, reply })));
      const questions: Question[] = [];
      for (let times = 0; times < 3; times++) questions.push((await receive()).value as Question);
      const answering = questions.reverse().map(({ n, reply }) => reply(n * n));
      same("ONE", "the answers", await Promise.all(answers), [1, 4, 9]);
      await Promise.all(answering);
    },
  },
  {
    name: `the ${names[asker]} asks for many answers`,
    async run(stage) {
      const { receive } = stage.peer(answerer, asker);
      const answers = allValues(
        askMany<unknown, number>(stage.peer(asker, answerer).send, (reply: SendChannel<number>) => ({ n: 1, reply }), { capacity: 2 }),
      );
      const { reply } = (await receive()).value as Question;
      const answering = upTo(5).map((n) => reply(n));
      reply.close();
      same("FIFO", "the answers", await answers, upTo(5));
      await Promise.all(answering);
    },
  },
]);

const unanswered: readonly Scenario[] = [
  {
    name: "an answer that comes too late, and a second one",
    async run(stage) {
      const controller = new AbortController();
      const asking = outcome(ask(stage.peer(1, 0).send, (reply) => ({ n: 1, reply }), { signal: controller.signal }));
      const { reply } = (await stage.peer(0, 1).receive()).value as Question;
      controller.abort();
      same("CANCEL", "how the question ended", (await asking).error, controller.signal.reason);
      await reply(1);
      await reply(2);
    },
  },
  {
    name: "a question that is aborted on its way",
    async run(stage) {
      for (const wait of [1, 4, 7]) {
        const controller = new AbortController();
        const asking = outcome(ask(stage.peer(1, 0).send, (reply) => ({ n: wait, reply }), { signal: controller.signal }));
        await stage.events(wait);
        controller.abort();
        same("CANCEL", "how it ended", (await asking).error, controller.signal.reason);
      }
      const asking = ask(stage.peer(1, 0).send, (reply) => ({ n: 9, reply }));
      for (let last = false; !last; ) {
        // An abort may come too late: then the question is answered for nobody.
        const { n, reply } = (await stage.peer(0, 1).receive()).value as Question;
        await reply(n * n);
        last = n === 9;
      }
      same("ONE", "its answer", await asking, 81);
    },
  },
  {
    name: "a reply end that is let go of",
    async run(stage) {
      for (const how of ["let go of", "closed"]) {
        const asking = ask(stage.peer(1, 0).send, (reply) => ({ n: 1, reply }));
        const refused = rejects("SETTLE", `a question whose reply end was ${how}`, asking, "CHANNEL_CLOSED");
        const { reply } = (await stage.peer(0, 1).receive()).value as Question;
        if (how === "closed") reply.close();
        else reply[Symbol.dispose]();
        await refused;
      }
    },
  },
];

const homeward: readonly Scenario[] = [
  ...both.map(
    ([from, to]): Scenario => ({
      name: `the ${names[from]}'s ends, used by the other side`,
      async run(stage) {
        const [a, b] = [stage.chan(from), stage.chan(from, { capacity: 2 })];
        const there = await stage.hand<{ a: Send; b: Receive }>(from, to, { a: a.send, b: b.receive });
        const sending = [...a.puts(to, there.a).all(upTo(3)), ...b.puts(from, b.send).all([11, 12, 13])];
        same("FIFO", "what came back", await a.gets(from, a.receive).some(3), upTo(3));
        same("FIFO", "what went there", await b.gets(to, there.b).some(3), [11, 12, 13]);
        await Promise.all(sending);
      },
    }),
  ),
  ...both.map(
    ([home, away]): Scenario => ({
      name: `ends of the ${names[home]} that come home are the same`,
      async run(stage) {
        const c = stage.chan(home);
        const there = await stage.hand<{ send: Send; receive: Receive }>(home, away, { send: c.send, receive: c.receive });
        const back = await stage.hand(away, home, { ...there });
        if (back.send !== c.send || back.receive !== c.receive) fail("IDENT", "what came home is not what left");
        const again = await stage.hand(home, away, { ...back });
        if (again.send !== there.send || again.receive !== there.receive) fail("IDENT", "what came again is not what came before");
        const sending = c.puts(away, again.send)(1);
        same("ONE", "what was received", await c.gets(home, back.receive).one(), 1);
        await sending;
      },
    }),
  ),
  {
    name: "the same end twice, in one value and in another",
    async run(stage) {
      const c = stage.chan(0);
      const first = await stage.hand<{ a: Send; b: Send; c: readonly Send[] }>(0, 1, { a: c.send, b: c.send, c: [c.send] });
      const second = await stage.hand<{ a: Send }>(0, 1, { a: c.send });
      if (new Set([first.a, first.b, ...first.c, second.a]).size !== 1) fail("IDENT", "one end arrived as several");
      const sending = c.puts(1, second.a).all(upTo(3));
      same("FIFO", "what was received", await c.gets(0, c.receive).some(3), upTo(3));
      await Promise.all(sending);
    },
  },
  {
    name: "an end that is let go of and sent again, crossing",
    async run(stage) {
      const c = stage.chan(0);
      for (const n of upTo(3)) {
        const { end } = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
        const sending = c.puts(1, end)(n);
        end[Symbol.dispose](); // its release is on its way when the end is handed out again
        same("ONE", "what was received", await c.gets(0, c.receive).one(), n);
        await sending;
      }
    },
  },
  {
    name: "ends inside ends, three deep",
    async run(stage) {
      const outer = stage.chan(0);
      const { end } = await stage.hand<{ end: Send }>(0, 1, { end: outer.send });
      const middle = stage.chan(1);
      const first = end({ n: 1, end: middle.send });
      const gotMiddle = stage.keep((await outer.receive()).value as unknown as { end: Send });
      const inner = stage.chan(0);
      const second = gotMiddle.end({ n: 2, end: inner.send });
      const gotInner = stage.keep((await middle.receive()).value as unknown as { end: Send });
      const sending = inner.puts(1, gotInner.end).all(upTo(3));
      same("FIFO", "what came through the last", await inner.gets(0, inner.receive).some(3), upTo(3));
      await Promise.all([first, second, ...sending]);
    },
  },
  {
    name: "answers that ask back, three deep",
    async run(stage) {
      type Step = { readonly depth: number; readonly reply: SendChannel<unknown> };
      const deepen = async (here: number, asking: Promise<unknown>): Promise<number> => {
        const answer = (await asking) as number | Step;
        if (typeof answer === "number") return answer;
        const { depth, reply } = answer;
        if (depth === 3) {
          await reply(42);
          return depth;
        }
        return await deepen(
          here,
          ask(reply, (next) => ({ depth: depth + 1, reply: next })),
        );
      };
      const there = (async () => {
        const { value } = await stage.peer(0, 1).receive();
        return await deepen(0, Promise.resolve(value));
      })();
      same(
        "ONE",
        "what each side came to",
        await Promise.all([
          deepen(
            1,
            ask(stage.peer(1, 0).send, (reply) => ({ depth: 1, reply })),
          ),
          there,
        ]),
        [3, 42].reverse(),
      );
    },
  },
];

const relayed: readonly Scenario[] = [
  {
    name: "a send end that was passed on to a third process",
    processes: 3,
    async run(stage) {
      const c = stage.chan(0);
      const { end: near } = await stage.hand<{ end: Send }>(0, 1, { end: c.send });
      const { end: far } = await stage.hand<{ end: Send }>(1, 2, { end: near });
      const sending = c.puts(2, far).all(upTo(4));
      far.close();
      same("FIFO", "what was received", await c.gets(0, c.receive).rest(), upTo(4));
      await Promise.all(sending);
    },
  },
  {
    name: "a receive end that was passed on to a third process",
    processes: 3,
    async run(stage) {
      const c = stage.chan(0, { capacity: 1 });
      const { end: near } = await stage.hand<{ end: Receive }>(0, 1, { end: c.receive });
      const { end: far } = await stage.hand<{ end: Receive }>(1, 2, { end: near });
      const receiving = c.gets(2, far).rest();
      const put = c.puts(0, c.send);
      for (const n of upTo(4)) await put(n);
      c.send.close();
      same("FIFO", "what was received", await receiving, upTo(4));
    },
  },
  {
    name: "an end of the middle one, used at both others",
    processes: 3,
    async run(stage) {
      const c = stage.chan(1);
      const { end: left } = await stage.hand<{ end: Send }>(1, 0, { end: c.send });
      const { end: right } = await stage.hand<{ end: Receive }>(1, 2, { end: c.receive });
      const sending = c.puts(0, left).all(upTo(4));
      left.close();
      same("FIFO", "what was received", await c.gets(2, right).rest(), upTo(4));
      await Promise.all(sending);
    },
  },
  {
    name: "aborts across a relay",
    processes: 3,
    async run(stage) {
      const c = stage.chan(0);
      const near = await stage.hand<{ send: Send; receive: Receive }>(0, 1, { send: c.send, receive: c.receive });
      const far = await stage.hand<{ send: Send; receive: Receive }>(1, 2, { ...near });
      const controller = new AbortController();
      const aborted = outcome(c.puts(2, far.send)(1, { signal: controller.signal }));
      await stage.events(8);
      controller.abort();
      same("CANCEL", "how the send ended", (await aborted).error, controller.signal.reason);
      const stop = new AbortController();
      const get = c.gets(2, far.receive);
      const stopped = outcome(get({ signal: stop.signal }));
      const receiving = get();
      await stage.events(8);
      stop.abort();
      same("CANCEL", "how the receive ended", (await stopped).error, stop.signal.reason);
      await c.puts(0, c.send)(2);
      same("CANCEL", "what was received", (await receiving).value, 2);
    },
  },
  {
    name: "an end that comes home by way of a third process",
    processes: 3,
    async run(stage) {
      const c = stage.chan(0);
      const first = await stage.hand<{ send: Send; receive: Receive }>(0, 1, { send: c.send, receive: c.receive });
      const second = await stage.hand<{ send: Send; receive: Receive }>(1, 2, { ...first });
      const home = await stage.hand<{ send: Send; receive: Receive }>(2, 0, { ...second });
      const sending = c.puts(2, second.send)(1);
      same("ONE", "what was received", await c.gets(0, home.receive).one(), 1);
      await sending;
    },
  },
  {
    name: "a question to a third process, by way of the second",
    processes: 3,
    async run(stage) {
      const c = stage.chan(2);
      const { end: near } = await stage.hand<{ end: Send }>(2, 1, { end: c.send });
      const { end: far } = await stage.hand<{ end: Send }>(1, 0, { end: near });
      const asking = ask(far as unknown as SendChannel<Question>, (reply) => ({ n: 5, reply }));
      const { n, reply } = (await c.receive()).value as unknown as Question;
      await reply(n * n);
      same("ONE", "the answer", await asking, 25);
    },
  },
];

export const endScenarios: readonly Scenario[] = [...asked, ...unanswered, ...homeward, ...relayed];
