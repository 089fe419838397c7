/**
 * A process that does one thing again and again, and reports after each tenth of it what it holds. Run by the tests of this folder with
 * --expose-gc: the scenario and a count as its arguments, the report over IPC. It ends by itself, or something keeps it alive.
 */
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ask, type DialOptions, dial, type Listener, type ListenOptions, listen, type Peer, type SendChannel } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";
import type { Held, Report, Scenario } from "./words.js";

/** What is ended is forgotten after this time, milliseconds; the least there is. Where sessions go on they have the time that they need. */
const forgetMs = 100;
/** This part of all is done before the first look: by then all code has run and buffers have their size. */
const warmUp = 0.2;
const looks = 10;

interface Message {
  readonly n: number;
  readonly reply?: SendChannel<number>;
}
type Side = Peer<Message, Message>;

/** Where sessions run: over real WebSockets, or in memory on a clock that only moves when it is told to. */
interface World {
  readonly listener: Listener<Message, Message>;
  dial(options?: DialOptions): Promise<Side>;
  /** Every link fails at once; new ones can be made. */
  cut(n: number): void;
  /** Time passes, or is waited for, until it is done. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Lets that much time pass. */
  pass(ms: number): Promise<void>;
  /** Links that were opened so far. */
  readonly links: number;
  close(): Promise<void>;
}
const quick = { minMs: 10, maxMs: 10 } as const;

function inMemory(options: ListenOptions<Message>): World {
  const network = memoryNetwork({ seed: 7 });
  const listener = network.listen<Message, Message>(options);
  let links = 0;
  const address = network.address((link) => {
    links++;
    listener.accept(link);
  });
  return {
    get links() {
      return links;
    },
    listener,
    dial: (more) => dial<Message, Message>(address, { reconnect: quick, ...more }),
    cut(n) {
      network.cut(n % 4 === 3 ? "half-open" : "clean"); // a dead link that nobody misses is replaced all the same
      network.heal();
    },
    async during(work) {
      let over = false;
      const watched = work.finally(() => {
        over = true;
      });
      watched.catch(() => {}); // whoever asked for it sees it
      await network.settle();
      while (!over) await network.advance(5);
      return await watched;
    },
    pass: (ms) => network.advance(ms),
    close: async () => {
      const closed = listener.close({ drainMs: 0 });
      await network.advance(5_000);
      await closed;
    },
  };
}

async function overWebSocket(options: ListenOptions<Message>): Promise<World> {
  const server = createServer();
  const sockets = new Set<Socket>();
  let links = 0;
  server.on("connection", (socket) => {
    links++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const listener = await listen<Message, Message>({ server }, options);
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    get links() {
      return links;
    },
    listener: listener as Listener<Message, Message>,
    dial: (more) => dial<Message, Message>(url, { reconnect: quick, ...more }),
    cut(n) {
      for (const socket of sockets) {
        if (n % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
      }
    },
    during: (work) => work,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    close: async () => {
      await listener.close({ drainMs: 0 });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One signal for everything: what listens to it and does not stop is found. */
const stop = new AbortController();
const { signal } = stop;

async function next(world: World): Promise<Side> {
  const arrived = await world.listener.peers({ signal });
  if (arrived.done) throw new Error("Expected a peer, got done");
  return arrived.value;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes the next message, which has to be that one, and answers it. */
async function take(side: Side, n: number): Promise<void> {
  const { done, value } = await side.receive({ signal });
  if (done || value.n !== n) throw new Error(`Expected ${n}, got ${done ? "done" : value.n}`);
  if (value.reply === undefined) return;
  await value.reply(n);
  value.reply[Symbol.dispose]();
}

/** One message each way, under way at the same time; some of them are questions. */
function exchange(near: Side, far: Side, n: number): Promise<unknown> {
  const say = (side: Side): Promise<unknown> =>
    n % 8 === 5 ? ask(side.send, (reply: SendChannel<number>): Message => ({ n, reply }), { signal }) : side.send({ n }, { signal });
  return Promise.all([say(near), say(far), take(near, n), take(far, n)]);
}

/** Of one session, the link is cut again and again, at different moments of an exchange. */
async function reconnects(world: World) {
  const [far, near] = await world.during(Promise.all([world.dial(), next(world)]));
  const watching = (async () => {
    for await (const { state } of far.statuses()) if (state === "reconnecting") far.reconnect(); // at once: there are many to come
  })();
  return {
    async step(n: number): Promise<void> {
      const { links } = world;
      using feed = near.statuses(); // one that is closed costs nothing
      const work = exchange(near, far, n);
      for (let turns = n % 5; turns > 0; turns--) await turn();
      world.cut(n);
      if (n % 4 === 3) far.reconnect(); // nobody may have missed the link
      await world.during(Promise.all([work, far.ping({ signal }), feed({ signal })]));
      if (n % 4 === 0) await world.during(exchange(near, far, n)); // and between two cuts
      if (world.links === links) throw new Error(`The link was not replaced after cut ${n}`);
    },
    async finish(): Promise<void> {
      far.abort();
      await world.during(Promise.all([far.ended, near.ended, watching]));
    },
  };
}

/** Sessions begin and end, in every way that there is. */
async function sessions(world: World) {
  return {
    async step(n: number): Promise<void> {
      const way = n % 5;
      const [far, near] = await world.during(Promise.all([world.dial(way === 4 ? { signal, reconnect: false } : { signal }), next(world)]));
      await world.during(exchange(near, far, n));
      const open = far.receive({ signal }).catch(() => undefined);
      if (way === 0) void far.close();
      else if (way === 1) void near.close();
      else if (way === 2) far.abort();
      else if (way === 3) near.abort(new Error("enough"));
      else world.cut(0);
      const ends = await world.during(Promise.all([far.ended, near.ended, open]));
      const reason = ["closed", "closed", "aborted", "aborted", "lost"][way];
      for (const end of ends.slice(0, 2)) if ((end as { reason: string }).reason !== reason) throw new Error(`Expected ${reason}`);
    },
    finish: async () => {},
  };
}

async function look(done: number): Promise<Held> {
  if (globalThis.gc === undefined) throw new Error("Run with --expose-gc");
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await turn(); // callbacks of what was collected
  }
  globalThis.gc(); // and at once: a turn may have opened a page of its own
  const { heapUsed, external } = process.memoryUsage();
  return { done, heapBytes: heapUsed, externalBytes: external, handles: process.getActiveResourcesInfo().sort() };
}

const [scenario, given] = process.argv.slice(2) as [Scenario, string];
const count = Number(given);
const endless = scenario.startsWith("reconnects");
const options: ListenOptions<Message> = endless ? {} : { resumeWindowMs: forgetMs };
const world = scenario.endsWith("in memory") ? inMemory(options) : await overWebSocket(options);
const { step, finish } = await (endless ? reconnects : sessions)(world);
const begunAt = performance.now();
const held: Held[] = [];
const first = Math.ceil(count * warmUp);
let done = 0;
for (let at = 0; at <= looks; at++) {
  const until = first + Math.ceil(((count - first) * at) / looks);
  for (; done < until; done++) await step(done);
  await world.pass(2 * forgetMs); // what is kept for a time is gone by then
  held.push(await look(done));
}
const seconds = (performance.now() - begunAt) / 1_000;
await finish();
await world.close();
const report: Report = { held, links: world.links, seconds };
process.send?.(report, () => process.disconnect());
