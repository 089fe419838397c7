/**
 * A process that does one kind of operation again and again, and reports after each tenth of them what it holds. Run by
 * operations.test.ts with --expose-gc: the scenario and a count as its arguments, the report over IPC.
 */
import { type Channel, chan, dial, type Peer, type ReceiveChannel, type SendChannel, select } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";
import type { OperationsReport, OperationsScenario } from "./operations.js";
import type { Held } from "./words.js";

/** This part of all is done before the first look: by then all code has run and tables have their size. */
const warmUp = 0.2;
const looks = 10;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function take<T>(receive: ReceiveChannel<T>): Promise<T> {
  const received = await receive();
  if (received.done) throw new Error("Expected a value, got done");
  return received.value;
}

async function look(done: number): Promise<Held> {
  if (globalThis.gc === undefined) throw new Error("Run with --expose-gc");
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await turn(); // callbacks of what was collected
  }
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return { done, heapBytes: heapUsed, externalBytes: external, handles: process.getActiveResourcesInfo().sort() };
}

/** Two processes over a link in memory, each with its side of the session. */
async function twoPeers() {
  const network = memoryNetwork({ seed: 7 });
  const listener = network.listen();
  const far: Peer = await dial(network.address(listener.accept));
  const near = await take(listener.peers);
  const bring = async (from: Peer, to: Peer, { send, receive }: Channel<number>): Promise<Channel<number>> => {
    const [arrived] = await Promise.all([take(to.receive), from.send({ send, receive })]);
    return arrived as Channel<number>;
  };
  /** Lets go of the remote channels and tells what is left in the tables of both sides: nothing, when all is well. */
  const finish = async (...remote: Channel<number>[]): Promise<string[]> => {
    for (const { send, receive } of remote) for (const end of [send, receive]) end[Symbol.dispose]();
    await network.advance(1_000); // acknowledgements wait for company
    const left = [far, near].flatMap((peer) => {
      const { ends, operations, receives, window, unacknowledged, holds } = peer.stats();
      const counts = {
        ...ends,
        ...operations,
        receives,
        bytes: window.used,
        frames: unacknowledged.frames,
      };
      return [
        ...Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${name}: ${count}`])),
        ...holds.map(({ kind, by, holder }) => `a ${kind} end, held ${holder} by ${by}`),
      ];
    });
    await far.close({ drainMs: 0 });
    await listener.close({ drainMs: 0 });
    return left;
  };
  return { network, far, near, bring, finish };
}

interface Work {
  /** Does it `count` times. */
  run(count: number): Promise<unknown>;
  /** Lets go of everything and tells what is left in the tables of sessions all the same. */
  finish(): Promise<readonly string[]>;
}

interface Channels {
  readonly busy: Channel<number>;
  /** Its case never happens. */
  readonly dead: Channel<number>;
}

/** Selects of two tasks that meet on one channel, each with a dead case beside it. */
function selecting(here: Channels, there: Channels): Work["run"] {
  let [sent, received] = [0, 0];
  return async (count) => {
    const sending = (async () => {
      for (const end = sent + count; sent < end; sent++) await select({ out: [here.busy.send, sent], dead: here.dead.receive });
    })();
    for (const end = received + count; received < end; received++) {
      const got = await select({ into: there.busy.receive, dead: there.dead.receive });
      if (got.case !== "into" || got.value !== received) throw new Error(`Expected ${received}, got ${got.case} ${got.value}`);
    }
    await sending;
  };
}

interface Question {
  readonly n: number;
  readonly deep: readonly [{ readonly reply: SendChannel<number> }];
}

const works: Readonly<Record<OperationsScenario, () => Promise<Work>>> = {
  "selects in one process": async () => {
    const channels = { busy: chan<number>(), dead: chan<number>() };
    return { run: selecting(channels, channels), finish: async () => [] };
  },
  "selects over a link": async () => {
    const { far, near, bring, finish } = await twoPeers();
    const here = { busy: chan<number>(), dead: chan<number>() };
    const there = { busy: await bring(far, near, here.busy), dead: await bring(far, near, here.dead) };
    return { run: selecting(here, there), finish: () => finish(there.busy, there.dead) };
  },
  "selects over two homes": async () => {
    const { far, near, bring, finish } = await twoPeers();
    const [busy, dead] = [chan<number>(), chan<number>()];
    const [here, there] = [
      { busy, dead: await bring(near, far, dead) },
      { busy: await bring(far, near, busy), dead },
    ];
    return { run: selecting(here, there), finish: () => finish(here.dead, there.busy) };
  },
  "nested ends": async () => {
    const { far, near, finish } = await twoPeers();
    let asked = 0;
    const ask = async (count: number): Promise<void> => {
      for (const end = asked + count; asked < end; asked++) {
        const answers = chan<number>();
        await far.send({ n: asked, deep: [{ reply: answers.send }] } satisfies Question);
        answers.send[Symbol.dispose]();
        if ((await take(answers.receive)) !== asked) throw new Error(`Expected the answer to ${asked}`);
        // The one who answered has let go, and nobody else can send.
        if (!(await answers.receive()).done) throw new Error("Expected done");
      }
    };
    const answer = async (count: number): Promise<void> => {
      for (let answered = 0; answered < count; answered++) {
        const { n, deep } = (await take(near.receive)) as Question;
        await deep[0].reply(n);
        deep[0].reply[Symbol.dispose]();
      }
    };
    return { run: (count) => Promise.all([ask(count), answer(count)]), finish };
  },
  "aborted operations in one process": async () => {
    const idle = chan<number>();
    return { run: (count) => aborting(idle, count, turn), finish: async () => [] };
  },
  "aborted operations over a link": async () => {
    const { network, far, near, bring, finish } = await twoPeers();
    const idle = await bring(far, near, chan<number>());
    return { run: (count) => aborting(idle, count, () => network.settle()), finish: () => finish(idle) };
  },
};

/** One signal for all that is not aborted: what listens to it and does not stop is found. */
const { signal: never } = new AbortController();

/** Sends, receives and selects on a channel that nobody else uses, each aborted while it waits; now and then a value passes. */
async function aborting({ send, receive }: Channel<number>, count: number, settle: () => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++) {
    const stop = new AbortController();
    const { signal } = stop;
    const operation = n % 3 === 0 ? send(n, { signal }) : n % 3 === 1 ? receive({ signal }) : select({ receive, off: null }, { signal });
    if (n % 5 === 0) await settle();
    stop.abort(stop);
    const error = await operation.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error !== stop) throw new Error(`Expected the abort, got ${String(error)}`);
    if (n % 7 !== 0) continue;
    const [got] = await Promise.all([receive({ signal: never }), send(n, { signal: never })]);
    if (got.value !== n) throw new Error(`Expected ${n}, got ${got.value}`);
  }
}

const [scenario, given] = process.argv.slice(2) as [OperationsScenario, string];
const count = Number(given);
const { run, finish } = await works[scenario]();
const begunAt = performance.now();
const held: Held[] = [];
const first = Math.ceil(count * warmUp);
let done = 0;
for (let at = 0; at <= looks; at++) {
  const until = first + Math.ceil(((count - first) * at) / looks);
  await run(until - done);
  done = until;
  held.push(await look(done));
}
const seconds = (performance.now() - begunAt) / 1_000;
const report: OperationsReport = { held, left: await finish(), seconds };
process.send?.(report, () => process.disconnect());
