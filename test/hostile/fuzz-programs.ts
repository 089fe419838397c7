/**
 * The programs whose frames are recorded, and that live victims run while those frames come back mutated. Each has two sides, `a` and
 * `b`, which know nothing of one another but what arrives: what arrives may be anything, so each use of it is checked first.
 */
import type { Channel, ChannelOptions, Limits, Listener, OperationOptions, Peer, ReceiveChannel, SendChannel } from "../../src/contract.js";
import { ask, askMany } from "../../src/core/combinators.js";
import type { Select } from "../../src/core/select.js";

/** What arrived is not what the program goes on with: it ends, and that is no fault. */
export class Stop extends Error {}
/** Why the programs abort what they abort. */
export class Aborted extends Error {}

/** One side of a program, as it sees its world. */
export interface App {
  readonly peer: Peer<unknown, unknown>;
  /** Of the side that was dialed. */
  readonly listener: Listener<unknown, unknown> | undefined;
  /** A session with a third process that does no wrong, for the side that has one: as this side sees it, and as the third does. */
  readonly third: { readonly here: Peer<unknown, unknown>; readonly there: Peer<unknown, unknown> } | undefined;
  readonly select: Select["select"];
  readonly trySelect: Select["trySelect"];
  /** An operation that has to settle when the session is over. */
  did<T>(operation: Promise<T>): Promise<T>;
  /** One on channels of this process, which outlive the session. */
  own<T>(operation: Promise<T>): Promise<T>;
  /** The next value. @throws Stop at the end */
  take(receive: ReceiveChannel<unknown>, options?: OperationOptions): Promise<unknown>;
  takeOwn(receive: ReceiveChannel<unknown>): Promise<unknown>;
  /** A channel of this process. */
  chan(options?: ChannelOptions): Channel<unknown>;
  /** Ends of this process that may come home. */
  mine(...ends: readonly object[]): void;
  /** A signal, and what aborts it. */
  abortable(): { readonly options: OperationOptions; abort(): void };
  /** Some time has passed, on both sides alike. */
  tick(): Promise<void>;
  /** The link fails. */
  drop(): void;
}

export interface Program {
  readonly name: string;
  readonly capacity?: number;
  readonly limits?: Partial<Limits>;
  /** What only `b` is strict about. */
  readonly strict?: Partial<Limits>;
  /** Which side talks to a third process. */
  readonly third?: "a" | "b";
  /** Only with `b` as the listener. */
  readonly names?: true;
  readonly a: (app: App) => Promise<unknown>;
  readonly b: (app: App) => Promise<unknown>;
}

// ───────────── what may have arrived ─────────────

export function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) throw new Stop();
  return (value as Readonly<Record<string, unknown>>)[name];
}
function sendIn(value: unknown, name: string): SendChannel<unknown> {
  const end = member(value, name);
  if (typeof end !== "function" || !("close" in end) || "values" in end) throw new Stop();
  return end as SendChannel<unknown>;
}
function receiveIn(value: unknown, name: string): ReceiveChannel<unknown> {
  const end = member(value, name);
  if (typeof end !== "function" || !("values" in end)) throw new Stop();
  return end as ReceiveChannel<unknown>;
}

/** Tried one after the other: that one fails keeps none from the next. */
async function each(...acts: readonly (() => Promise<unknown>)[]): Promise<void> {
  const settled = await Promise.allSettled(acts.map((act) => act()));
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}
const upTo = (most: number): number[] => Array.from({ length: most }, (_, index) => index + 1);

/** Values of every kind that travels. */
function richValues(): readonly unknown[] {
  const shared = { shared: true };
  const circle: { n: number; me?: unknown } = { n: 1 };
  circle.me = circle;
  return [
    null,
    true,
    -0,
    "text ✓ \u2028 \ud800",
    { a: 1, b: [2, { c: "3" }], "d.e\\f": 4 },
    [undefined, Number.NaN, Number.POSITIVE_INFINITY, -0],
    { at: new Date(1_700_000_000_000), re: /a+b/giu, url: new URL("https://example.org/x?y#z"), big: -(2n ** 70n) },
    new Map<unknown, unknown>([
      ["k", new Set([1, new Date(5)])],
      [new Date(9), { deep: new Map([[1, 2n]]) }],
    ]),
    { one: shared, two: shared, list: [shared, circle] },
    Object.assign(new RangeError("far", { cause: new Error("near") }), {}),
    Uint8Array.from({ length: 300 }, (_, index) => index),
    { f: new Float64Array([1, 2.5]), b: new Uint8Array([1, 2, 3]).buffer, i: new BigInt64Array([7n]) },
    [[[[[[[["deep"]]]]]]]],
    "x".repeat(900),
  ];
}

// ───────────── the programs ─────────────

const echo = async (app: App): Promise<void> => {
  for (;;) await app.did(app.peer.send(await app.take(app.peer.receive)));
};

async function useOf(app: App, given: unknown): Promise<void> {
  const [inOne, outOne, inMany, outMany] = [sendIn(given, "s"), receiveIn(given, "r"), sendIn(given, "bs"), receiveIn(given, "br")];
  await each(
    async () => {
      for (const n of upTo(3)) await app.did(inOne({ n, end: n === 2 ? inMany : null }));
    },
    async () => {
      for (const _ of upTo(3)) await app.take(outOne);
    },
    async () => {
      for (const n of upTo(5)) await app.did(inMany(n));
    },
    async () => {
      for (const _ of upTo(7)) await app.take(outMany);
    },
  );
}
function giveable(app: App): { readonly one: Channel<unknown>; readonly many: Channel<unknown>; readonly value: unknown } {
  const one = app.chan();
  const many = app.chan({ capacity: 2 });
  return { one, many, value: { s: one.send, r: one.receive, bs: many.send, br: many.receive } };
}

/** Gives ends, keeps receives and sends pending, answers, chooses; the listener publishes. */
async function anything(app: App): Promise<void> {
  const { peer, listener } = app;
  const given = giveable(app);
  if (listener !== undefined) publish(app, listener);
  const waits = app.chan();
  await each(
    async () => {
      await app.did(peer.send(given.value));
      for (const n of upTo(6)) await app.did(peer.send({ n }));
    },
    async () => {
      for (const _ of upTo(12)) {
        const got = await app.take(peer.receive);
        if (typeof got !== "object" || got === null) continue;
        for (const one of Object.values(got)) {
          if (typeof one !== "function") continue;
          if ("values" in one) app.did((one as ReceiveChannel<unknown>)()).catch(() => undefined);
          else app.did((one as SendChannel<unknown>)({ answer: 1 })).catch(() => undefined);
        }
      }
    },
    async () => {
      for (const _ of upTo(6)) await app.takeOwn(given.many.receive);
    },
    async () => {
      for (const n of upTo(6)) await app.own(given.one.send({ n }));
    },
    async () => {
      await app.tick();
      const cancel = app.abortable();
      app.did(app.select({ a: peer.receive, b: [peer.send, "b"], c: waits.receive }, cancel.options)).catch(() => undefined);
      app.did(app.trySelect({ a: peer.receive, b: [given.one.send, 1] })).catch(() => undefined);
      app
        .did(ask(peer.send as SendChannel<{ q: number; reply: SendChannel<unknown> }>, (reply) => ({ q: 1, reply })))
        .catch(() => undefined);
      await app.tick();
      cancel.abort();
    },
  );
}

const onlySmallText = {
  "~standard": {
    version: 1 as const,
    vendor: "fuzz",
    validate: async (value: unknown) =>
      typeof value === "string" && value.length < 100 ? { value: `${value}!` } : { issues: [{ message: "no small text" }] },
  },
};
/** Names of a listener; whoever is not let in is told so. */
function publish(app: App, listener: Listener<unknown, unknown>): void {
  const jobs = listener.channel<unknown>("jobs", { allow: "both", capacity: 2 });
  const checked = listener.channel<string>("checked", { allow: "both", schema: onlySmallText });
  const calls = listener.channel<unknown>("calls", { allow: "receive" });
  const news = listener.topic<unknown>("news", { allow: "both" });
  const bulletin = listener.topic<unknown>("bulletin", { allow: "both", whenFull: "wait" });
  for (const { send, receive } of [jobs, checked, calls]) app.mine(send, receive);
  const loop = async (act: () => Promise<unknown>): Promise<void> => {
    for (const _ of upTo(40)) await act();
  };
  for (const working of [
    loop(() => app.takeOwn(jobs.receive)),
    loop(() => app.takeOwn(checked.receive)),
    loop(async () => {
      await app.tick();
      await app.own(jobs.send({ job: 1 }));
    }),
    loop(() => app.own(calls.send({ call: 1 }))),
    loop(async () => {
      await app.tick();
      for (const n of upTo(4)) await app.own(news.publish({ n }));
    }),
    loop(async () => {
      await app.tick();
      await app.own(bulletin.publish({ bulletin: 1 }));
    }),
  ])
    working.catch(() => undefined);
}

export const anythingGoes: Program = { name: "a bit of everything", a: anything, b: anything };

export const programs: readonly Program[] = [
  anythingGoes,
  {
    name: "values of every kind, there and back",
    a: async (app) => {
      for (const value of richValues()) {
        const sent = app.did(app.peer.send(value));
        await app.take(app.peer.receive);
        await sent;
      }
    },
    b: echo,
  },
  {
    name: "a rendezvous both ways, with operations that are taken back",
    a: async (app) => {
      const { send, receive } = app.peer;
      const first = upTo(4).map((n) => app.did(send(n)));
      const [late, early] = [app.abortable(), app.abortable()];
      app.did(send("late", late.options)).catch(() => undefined);
      app.did(receive(early.options)).catch(() => undefined);
      await app.tick();
      early.abort();
      late.abort();
      await Promise.all(first);
      for (const _ of upTo(3)) await app.take(receive);
      await app.tick();
      const cancels = upTo(3).map(() => app.abortable());
      for (const { options } of cancels) app.did(receive(options)).catch(() => undefined);
      await app.tick();
      for (const { abort } of cancels.slice(1)) abort();
      await app.tick();
      await app.take(receive);
    },
    b: async (app) => {
      const { send, receive } = app.peer;
      const sent = upTo(3).map((n) => app.did(send({ n })));
      await app.tick();
      for (const _ of upTo(4)) await app.take(receive);
      await Promise.all(sent);
      await app.tick();
      await app.tick();
      // As many as are waited for, and more: some of them are declined.
      for (const n of upTo(5)) app.did(send({ late: n })).catch(() => undefined);
      await app.tick();
      await app.tick();
    },
  },
  {
    name: "a buffered pair",
    capacity: 3,
    a: async (app) => {
      for (const n of upTo(8)) await app.did(app.peer.send({ n }));
      for (const _ of upTo(4)) await app.take(app.peer.receive);
      await app.tick();
      for (const n of upTo(3)) await app.did(app.peer.send(n));
      app.peer.send.close(new Error("enough"));
    },
    b: async (app) => {
      for (const n of upTo(6)) app.did(app.peer.send(n)).catch(() => undefined);
      for (const _ of upTo(4)) await app.take(app.peer.receive);
      await app.tick();
      for (;;) await app.take(app.peer.receive);
    },
  },
  {
    name: "ends that are used, come home and are let go",
    a: async (app) => {
      const given = giveable(app);
      await app.did(app.peer.send(given.value));
      await each(
        async () => {
          for (const _ of upTo(3)) await app.takeOwn(given.one.receive);
        },
        async () => {
          for (const n of upTo(3)) await app.own(given.one.send({ n }));
        },
        async () => {
          for (const n of upTo(4)) await app.own(given.many.send(n));
        },
      );
      await app.tick();
      const home = await app.take(app.peer.receive);
      sendIn(home, "s").close(new Error("that is all"));
      receiveIn(home, "br").close();
      const deep = await app.take(app.peer.receive);
      const mine = app.chan({ capacity: 1 });
      await app.did(sendIn(deep, "outer")({ inner: mine.receive, n: 1 }));
      for (const n of upTo(2)) await app.own(mine.send(n));
      mine.send.close();
      await app.tick();
      sendIn(deep, "outer")[Symbol.dispose]();
    },
    b: async (app) => {
      const given = await app.take(app.peer.receive);
      await useOf(app, given);
      await app.tick();
      await app.did(app.peer.send(given));
      const outer = app.chan();
      await app.did(app.peer.send({ outer: outer.send, again: outer.send }));
      const inner = receiveIn(await app.takeOwn(outer.receive), "inner");
      for (const _ of upTo(2)) await app.take(inner);
      await app.did(inner());
      await app.did(receiveIn(given, "r")()).catch(() => undefined);
      for (const name of ["s", "bs"]) sendIn(given, name)[Symbol.dispose]();
    },
  },
  {
    name: "questions, answered in turn, all at once, never, by many",
    a: async (app) => {
      const send = app.peer.send as SendChannel<{ n: number; reply: SendChannel<unknown> }>;
      const question =
        (n: number) =>
        (reply: SendChannel<unknown>): { n: number; reply: SendChannel<unknown> } => ({ n, reply });
      for (const n of upTo(2)) await app.did(ask(send, question(n)));
      await Promise.all(upTo(3).map((n) => app.did(ask(send, question(n)))));
      const cancel = app.abortable();
      const gone = app.did(ask(send, question(7), cancel.options)).catch(() => undefined);
      await app.tick();
      cancel.abort();
      await gone;
      const answers = askMany<unknown, unknown>(app.peer.send, (reply) => ({ n: 8, reply }), { capacity: 2 });
      for (const _ of upTo(3)) await app.take(answers);
      answers.close();
      await app.tick();
    },
    b: async (app) => {
      for (const _ of upTo(7)) {
        const question = await app.take(app.peer.receive);
        const reply = sendIn(question, "reply");
        if (member(question, "n") === 7) {
          await app.tick();
          await app.tick();
          await app.did(reply("too late"));
          await app.did(reply("and again"));
          continue;
        }
        if (member(question, "n") !== 8) app.did(reply({ answer: 1 })).catch(() => undefined);
        else for (const n of upTo(5)) app.did(reply(n)).catch(() => undefined);
      }
    },
  },
  {
    name: "selects whose channels have several homes",
    a: async (app) => {
      const mine = app.chan();
      await app.did(app.peer.send({ s: mine.send, r: mine.receive }));
      const theirs = await app.take(app.peer.receive);
      const [out, into] = [receiveIn(theirs, "r"), sendIn(theirs, "s")];
      for (const n of upTo(3)) await app.did(app.select({ in: [into, n], mine: mine.receive, out }));
      await app.tick();
      const cancel = app.abortable();
      app.did(app.select({ in: [into, "no"], mine: mine.receive }, cancel.options)).catch(() => undefined);
      await app.tick();
      cancel.abort();
      await app.tick();
      // Meets only itself.
      const itself = app.abortable();
      app.did(app.select({ in: [into, "self"], out, mine: mine.receive }, itself.options)).catch(() => undefined);
      app.did(app.select({ in: [into, "other"], out, mine: [mine.send, "m"] }, itself.options)).catch(() => undefined);
      await app.tick();
      itself.abort();
      await app.tick();
    },
    b: async (app) => {
      const mine = app.chan();
      const theirs = await app.take(app.peer.receive);
      await app.did(app.peer.send({ s: mine.send, r: mine.receive }));
      const [out, into] = [receiveIn(theirs, "r"), sendIn(theirs, "s")];
      for (const n of upTo(3)) await app.did(app.select({ in: [into, n], mine: mine.receive, out, me: [mine.send, n] }));
      await app.tick();
      const cancel = app.abortable();
      app.did(app.select({ in: [into, "no"], mine: mine.receive, out }, cancel.options)).catch(() => undefined);
      await app.tick();
      cancel.abort();
      await app.tick();
      await app.tick();
    },
  },
  {
    name: "selects that meet themselves",
    a: async (app) => {
      const theirs = await app.take(app.peer.receive);
      const mine = app.chan();
      const [out, into] = [receiveIn(theirs, "r"), sendIn(theirs, "s")];
      const cancel = app.abortable();
      app.did(app.select({ in: [into, 1], out, mine: mine.receive }, cancel.options)).catch(() => undefined);
      await app.tick();
      await app.tick();
      app.did(out(cancel.options)).catch(() => undefined);
      await app.tick();
      for (const n of upTo(2)) app.did(into(n, cancel.options)).catch(() => undefined);
      await app.tick();
      cancel.abort();
      await app.tick();
    },
    b: async (app) => {
      const mine = app.chan();
      await app.did(app.peer.send({ s: mine.send, r: mine.receive }));
      await app.tick();
      await app.tick();
      await app.tick();
      app.own(mine.receive()).catch(() => undefined);
      await app.tick();
      await app.tick();
    },
  },
  {
    name: "selects that their home decides, and tries",
    capacity: 1,
    a: async (app) => {
      const theirs = await app.take(app.peer.receive);
      const [out, into, buffered] = [receiveIn(theirs, "r"), sendIn(theirs, "s"), sendIn(theirs, "bs")];
      await app.did(app.trySelect({ out, into: [into, 1] }));
      for (const n of upTo(3)) await app.did(app.select({ out, into: [into, { n }] }));
      await app.did(app.trySelect({ buffered: [buffered, 1] }));
      await app.did(app.trySelect({ many: receiveIn(theirs, "br"), out }));
      await app.did(app.select({ buffered: [buffered, new Date(1)], into: [into, "x"] }));
      await app.tick();
      const cancel = app.abortable();
      app.did(app.select({ out, pair: app.peer.receive }, cancel.options)).catch(() => undefined);
      await app.tick();
      cancel.abort();
      for (const n of upTo(3)) {
        const other = app.abortable();
        app.did(app.select({ out, into: [into, { never: n }], buffered: [buffered, n] }, other.options)).catch(() => undefined);
        app.did(app.select({ many: receiveIn(theirs, "br"), out }, other.options)).catch(() => undefined);
        await app.tick();
        other.abort();
      }
      app.did(app.select({ out, pair: app.peer.receive })).catch(() => undefined);
      app.did(app.trySelect({ out, into: [into, 1] })).catch(() => undefined);
      await app.tick();
    },
    b: async (app) => {
      const given = giveable(app);
      await app.did(app.peer.send(given.value));
      await app.tick();
      app.own(given.one.receive()).catch(() => undefined);
      await app.tick();
      app.own(given.one.send("down")).catch(() => undefined);
      for (const _ of upTo(2)) app.own(given.one.receive()).catch(() => undefined);
      await app.tick();
      app.own(given.one.send("down again")).catch(() => undefined);
      await app.tick();
      for (const _ of upTo(2)) app.own(given.many.receive()).catch(() => undefined);
      await app.tick();
      app.own(given.one.send("last")).catch(() => undefined);
      await app.tick();
      given.one.send.close();
      await app.tick();
    },
  },
  {
    name: "channels and topics by name",
    names: true,
    a: async (app) => {
      const { peer } = app;
      const [jobs, checked] = [peer.channel<unknown>("jobs"), peer.channel<unknown>("checked")];
      const [calls, nothing] = [peer.channel<unknown>("calls"), peer.channel<unknown>("nothing")];
      const slow = peer.topic<unknown>("news").subscribe({ capacity: 1, whenFull: "drop-oldest" });
      const bulletin = peer.topic<unknown>("bulletin").subscribe({ capacity: 1, whenFull: "wait" });
      const drops = peer.topic<unknown>("news").subscribe({ capacity: 1, whenFull: "drop-newest" });
      const refused = peer.topic<unknown>("news").subscribe({ capacity: 1, whenFull: "wait" });
      await each(
        async () => {
          for (const n of upTo(4)) await app.did(jobs.send({ n }));
        },
        async () => {
          for (const value of ["a", 5, "b"]) await app.did(checked.send(value)).catch(() => undefined);
        },
        async () => {
          for (const _ of upTo(3)) await app.take(calls.receive);
          await app.did(calls.send(1)).catch(() => undefined);
        },
        () => app.did(nothing.send(1)).catch(() => undefined),
        () => app.did(nothing.receive()).catch(() => undefined),
        () => app.did(refused()).catch(() => undefined),
        async () => {
          for (const n of upTo(3)) await app.did(peer.topic<unknown>("news").publish({ n }));
        },
        async () => {
          for (const _ of upTo(3)) await app.take(bulletin);
          bulletin.close();
        },
        async () => {
          await app.tick();
          await app.tick();
          for (const _ of upTo(3)) await app.take(slow);
          drops.close();
        },
        () => app.did(app.select({ jobs: jobs.receive, calls: calls.receive })),
      );
      await app.did(peer.send({ read: calls.receive }));
      await app.tick();
    },
    b: async (app) => {
      if (app.listener !== undefined) publish(app, app.listener);
      const back = await app.take(app.peer.receive);
      await app.did(receiveIn(back, "read")()).catch(() => undefined);
    },
  },
  {
    name: "topics while the link is away",
    names: true,
    a: async (app) => {
      const { peer } = app;
      const slow = peer.topic<unknown>("news").subscribe({ capacity: 1, whenFull: "drop-oldest" });
      const fast = peer.topic<unknown>("news").subscribe({ capacity: 20, whenFull: "drop-newest" });
      await app.take(slow);
      await app.tick();
      app.drop();
      for (const _ of upTo(4)) await app.tick();
      for (const _ of upTo(2)) await app.take(slow);
      for (const _ of upTo(6)) await app.take(fast);
      slow.close();
      await app.tick();
    },
    b: async (app) => {
      if (app.listener !== undefined) publish(app, app.listener);
      await app.take(app.peer.receive);
    },
  },
  {
    name: "more than a window has room for",
    limits: { maxQueuedBytes: 1_024, maxPendingOperations: 64, maxChannels: 64 },
    a: async (app) => {
      const theirs = await app.take(app.peer.receive);
      const cancel = app.abortable();
      const sent = upTo(6).map((n) => app.did(app.peer.send({ n, text: "x".repeat(350) })));
      app.did(app.peer.send("y".repeat(700), cancel.options)).catch(() => undefined);
      for (const n of upTo(4)) app.did(sendIn(theirs, "bs")({ n, text: "z".repeat(400), more: new Uint8Array(30) })).catch(() => undefined);
      app.did(app.select({ into: [sendIn(theirs, "s"), "s".repeat(900)], out: receiveIn(theirs, "r") })).catch(() => undefined);
      await app.tick();
      cancel.abort();
      await Promise.all(sent);
      await app.tick();
    },
    b: async (app) => {
      const given = giveable(app);
      await app.did(app.peer.send(given.value));
      await app.tick();
      for (const _ of upTo(4)) {
        await app.take(app.peer.receive);
        await app.takeOwn(given.many.receive);
      }
      await app.tick();
      for (const _ of upTo(2)) await app.take(app.peer.receive);
      app.own(given.one.receive()).catch(() => undefined);
      await app.tick();
    },
  },
  {
    name: "a value beyond 64 KiB, and what stands behind it",
    a: async (app) => {
      const sent = [{ n: 1 }, { text: "x".repeat(66_000) }, { n: 2 }].map((value) => app.did(app.peer.send(value)));
      const cancel = app.abortable();
      app.did(app.peer.send(new Uint8Array(67_000), cancel.options)).catch(() => undefined);
      await app.tick();
      cancel.abort();
      await Promise.all(sent);
    },
    b: async (app) => {
      await app.tick();
      await app.tick();
      for (const _ of upTo(3)) await app.take(app.peer.receive);
    },
  },
  {
    name: "values that are refused",
    limits: { maxValueBytes: 4_096 },
    strict: { maxDepth: 3, maxNodes: 20 },
    a: async (app) => {
      const theirs = await app.take(app.peer.receive);
      const mine = app.chan();
      app.did(app.peer.send({ r: mine.receive })).catch(() => undefined);
      for (const value of [[[[["deep"]]]], 1, Array.from({ length: 30 }, () => 0), 2]) app.own(mine.send(value)).catch(() => undefined);
      for (const value of [1, "z".repeat(5_000), [[[["too deep"]]]], new Date(3), [[[["again"]]]], 4]) {
        app.did(app.peer.send(value)).catch(() => undefined);
        app.did(sendIn(theirs, "bs")(value)).catch(() => undefined);
      }
      await app.tick();
    },
    b: async (app) => {
      const given = giveable(app);
      await app.did(app.peer.send(given.value));
      const theirs = await app.take(app.peer.receive);
      for (const _ of upTo(2)) await app.take(receiveIn(theirs, "r"));
      for (const _ of upTo(3)) await app.takeOwn(given.many.receive);
      for (const _ of upTo(2)) await app.take(app.peer.receive);
      await app.did(app.select({ pair: app.peer.receive, r: receiveIn(theirs, "r") }));
      await app.tick();
    },
  },
  ...(["a", "b", "both"] as const).map(
    (who): Program => ({
      name: `a goodbye by ${who}, with values under way`,
      capacity: 1,
      a: async (app) => {
        const sent = upTo(3).map((n) => app.did(app.peer.send(n)));
        await app.tick();
        if (who !== "b") void app.peer.close({ drainMs: 300 });
        app.take(app.peer.receive).catch(() => undefined);
        await Promise.allSettled(sent);
        await app.peer.ended;
      },
      b: async (app) => {
        const sent = upTo(3).map((n) => app.did(app.peer.send({ n })));
        const given = app.chan();
        app.did(app.peer.send({ given: given.send })).catch(() => undefined);
        await app.tick();
        if (who !== "a") void app.peer.close({ drainMs: 300 });
        await app.tick();
        app.take(app.peer.receive).catch(() => undefined);
        await Promise.allSettled(sent);
        await app.peer.ended;
      },
    }),
  ),
  {
    name: "links that fail, with everything under way",
    capacity: 1,
    a: async (app) => {
      const given = giveable(app);
      const sent = upTo(4).map((n) => app.did(app.peer.send(n === 2 ? given.value : n)));
      await app.tick();
      app.drop();
      app.did(app.select({ a: app.peer.receive, b: [app.peer.send, "s"] })).catch(() => undefined);
      for (const _ of upTo(5)) await app.tick();
      app.own(given.many.send("m")).catch(() => undefined);
      app.own(given.one.receive()).catch(() => undefined);
      for (const _ of upTo(2)) app.did(app.peer.receive()).catch(() => undefined);
      await app.tick();
      app.drop();
      for (const _ of upTo(5)) await app.tick();
      await Promise.all(sent);
      for (const n of upTo(2)) await app.did(app.peer.send({ n }));
      await app.tick();
    },
    b: async (app) => {
      const sent = upTo(3).map((n) => app.did(app.peer.send({ n })));
      await app.tick();
      for (const index of upTo(7)) {
        if (index === 4) await app.tick();
        const got = await app.take(app.peer.receive);
        if (typeof got === "object" && got !== null && Object.hasOwn(got, "bs")) {
          app.did(sendIn(got, "bs")("x")).catch(() => undefined);
          app.did(receiveIn(got, "r")()).catch(() => undefined);
        }
      }
      await app.tick();
      await Promise.all(sent);
      await app.tick();
    },
  },
  {
    name: "ends of a third process, passed on",
    third: "b",
    a: async (app) => {
      const given = await app.take(app.peer.receive);
      await useOf(app, given);
      const cancel = app.abortable();
      app.did(sendIn(given, "s")("back", cancel.options)).catch(() => undefined);
      app.did(app.select({ s: [sendIn(given, "s"), 1], r: receiveIn(given, "r") }, cancel.options)).catch(() => undefined);
      app.did(app.trySelect({ s: [sendIn(given, "s"), 1], br: receiveIn(given, "br") })).catch(() => undefined);
      await app.tick();
      cancel.abort();
      await app.did(app.peer.send(given));
      await app.tick();
      sendIn(given, "bs").close();
      receiveIn(given, "r").close();
      await app.tick();
    },
    b: async (app) => {
      if (app.third === undefined) throw new Stop();
      const { here, there } = app.third;
      const given = giveable(app);
      const sent = app.own(there.send(given.value));
      const relayed = await app.takeOwn(here.receive);
      await sent;
      await app.did(app.peer.send(relayed));
      await each(
        async () => {
          for (const _ of upTo(4)) await app.takeOwn(given.one.receive);
        },
        async () => {
          for (const n of upTo(4)) await app.own(given.one.send({ n }));
        },
        async () => {
          for (const n of upTo(4)) await app.own(given.many.send(n));
        },
        async () => {
          await app.take(app.peer.receive);
        },
      );
    },
  },
  {
    name: "ends passed on to a third process, which is lost",
    third: "a",
    a: async (app) => {
      if (app.third === undefined) throw new Stop();
      const { here, there } = app.third;
      const given = await app.take(app.peer.receive);
      const passed = app.own(here.send(given));
      const far = await app.takeOwn(there.receive);
      await passed;
      await each(
        async () => {
          for (const n of upTo(3)) await app.own(sendIn(far, "s")({ n }));
        },
        async () => {
          for (const _ of upTo(2)) await app.takeOwn(receiveIn(far, "r"));
        },
        async () => {
          for (const n of upTo(2)) await app.own(sendIn(far, "bs")(n));
        },
      );
      const cancel = app.abortable();
      app.own(sendIn(far, "s")("no", cancel.options)).catch(() => undefined);
      app.own(app.select({ s: [sendIn(far, "s"), "sel"], r: receiveIn(far, "r") }, cancel.options)).catch(() => undefined);
      await app.tick();
      cancel.abort();
      app.own(receiveIn(far, "br")()).catch(() => undefined);
      await app.tick();
      there.abort();
      await app.tick();
    },
    b: async (app) => {
      const given = giveable(app);
      await app.did(app.peer.send(given.value));
      await each(
        async () => {
          for (const _ of upTo(3)) await app.takeOwn(given.one.receive);
        },
        async () => {
          for (const n of upTo(2)) await app.own(given.one.send({ n }));
        },
      );
      await app.tick();
      await app.tick();
      await app.tick();
    },
  },
];
