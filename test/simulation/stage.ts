/**
 * Where scripted programs run: a few simulated processes with a session between each two, every operation recorded in a history, and one
 * link that may be cut at one frame. Runs one scenario and checks the laws.
 */
import { isDeepStrictEqual } from "node:util";
import type { Channel as Ends, OperationOptions, ReceiveChannel, Received, SendChannel } from "../../src/contract.js";
import { chan } from "../../src/core/channel.js";
import { portOf } from "../../src/core/end.js";
import type { ChannelOptions } from "../../src/index.js";
import type { SessionPeer } from "../../src/peer.js";
import type { Cable } from "./cable.js";
import { type Channel, checkCapacity, checkHistory, History, type Operation, type Part } from "./history.js";
import { type Delivery, drain, type Shape, World } from "./world.js";

export interface Scenario {
  readonly name: string;
  /** Default 2: a listener, process 0, and a dialer, process 1. Of three, each dials all before it. */
  readonly processes?: 2 | 3;
  readonly shape?: Omit<Partial<Shape>, "processes">;
  /** It closes sessions, or directions of them, itself. */
  readonly closes?: true;
  /** Settles when everything has come to what it had to come to. */
  run(stage: Stage): Promise<void>;
}

export type Direction = "up" | "down";
export type CutKind = "clean" | "half-open";
/** One frame of a run: the `index`th that went this way on this line. */
export interface Place {
  readonly line: number;
  readonly direction: Direction;
  readonly index: number;
}
export interface Cut extends Place {
  readonly when: "before" | "after";
  readonly kind: CutKind;
  /** A second cut, so many frames later in either direction. */
  readonly again?: { readonly frames: number; readonly kind: CutKind };
}
export interface FrameSeen extends Place {
  readonly text: string;
  /** Of all that had happened before: the same in each run of a scenario, up to its cut. */
  readonly trace: string;
}

export function fail(law: string, what: string): never {
  throw new Error(`${law}: ${what}`);
}
export function same(law: string, what: string, got: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(got, expected)) fail(law, `${what}: got ${show(got)}, expected ${show(expected)}`);
}
function show(value: unknown): string {
  return value instanceof Error
    ? String(value)
    : (JSON.stringify(value, (_key, one: unknown) => (one instanceof Error ? String(one) : one)) ?? String(value)).slice(0, 300);
}

/** What a promise came to, whichever. */
export type Outcome<T> = { readonly value: T; readonly error?: undefined } | { readonly value?: undefined; readonly error: unknown };
export function outcome<T>(promise: Promise<T>): Promise<Outcome<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
/** @throws unless the promise rejects with that code. @returns the error */
export async function rejects(law: string, what: string, promise: Promise<unknown>, code: string): Promise<Error> {
  const { error, value } = await outcome(promise);
  if (error === undefined) fail(law, `${what} came to ${show(value)} and not to ${code}`);
  if ((error as { readonly code?: unknown }).code !== code) fail(law, `${what} was rejected with ${String(error)} and not with ${code}`);
  return error as Error;
}
export async function allValues<T>(receive: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of receive) values.push(value);
  return values;
}
export const upTo = (most: number): number[] => Array.from({ length: most }, (_, index) => index + 1);

/** What is sent: a number, or something that has one. No two of a scenario are the same. */
export type Value = number | { readonly n: number; readonly [more: string]: unknown };
const idOf = (value: Value): number => (typeof value === "number" ? value : value.n);

/** A send end whose operations are recorded. */
export interface Put {
  (value: Value, options?: OperationOptions): Promise<void>;
  /** One after the other, awaiting none. */
  all(values: readonly Value[]): Promise<void>[];
}
/** A receive end whose operations are recorded. */
export interface Get {
  (options?: OperationOptions): Promise<Received<Value>>;
  /** So many values, one after the other. @throws when the channel ends before */
  some(count: number): Promise<number[]>;
  /** One. */
  one(): Promise<number>;
  /** All up to the end, by `for await`. */
  rest(options?: OperationOptions): Promise<number[]>;
}

/** A channel whose operations are recorded, wherever its ends are. */
export class Flow {
  readonly channel: Channel;

  constructor(
    readonly stage: Stage,
    home: number,
    { capacity = 0, whenInDoubt = "reject", whenFull = "wait" }: ChannelOptions,
  ) {
    const { channels } = stage.history;
    this.channel = {
      index: channels.length,
      home,
      capacity,
      closedAt: undefined,
      doneAt: undefined,
      redelivers: whenInDoubt === "redeliver",
      touchedByLoss: whenFull !== "wait",
    };
    channels.push(this.channel);
  }

  puts(process: number, end: SendChannel<Value>): Put {
    const { history } = this.stage;
    const put = (value: Value, options?: OperationOptions): Promise<void> => {
      const part: Part = { channel: this.channel, value: idOf(value) };
      const operation = history.begin(process, "send", [part]);
      operation.end = end;
      const sending = end(value, options);
      sending.then(
        () => history.settle(operation, { done: part }),
        (error: unknown) => history.settle(operation, { error }),
      );
      return sending;
    };
    return Object.assign(put, { all: (values: readonly Value[]) => values.map((value) => put(value)) });
  }
  gets(process: number, end: ReceiveChannel<Value>): Get {
    const { history } = this.stage;
    const part: Part = { channel: this.channel, value: undefined, end };
    const settle = (operation: Operation, { done, value }: Received<Value>): void =>
      history.settle(operation, { done: part, received: done ? "done" : idOf(value) });
    const get = (options?: OperationOptions): Promise<Received<Value>> => {
      const operation = history.begin(process, "receive", [part]);
      const receiving = end(options);
      receiving.then(
        (received) => settle(operation, received),
        (error: unknown) => history.settle(operation, { error }),
      );
      return receiving;
    };
    const one = async (): Promise<number> => {
      const received = await get();
      return received.done ? fail("CLOSE", `channel ${this.channel.index} ended too early`) : idOf(received.value);
    };
    const some = async (count: number): Promise<number[]> => {
      const values: number[] = [];
      while (values.length < count) values.push(await one());
      return values;
    };
    const rest = async (options?: OperationOptions): Promise<number[]> => {
      const values: number[] = [];
      for await (const value of options === undefined ? end : end.values(options)) {
        settle(history.begin(process, "receive", [part]), { done: false, value });
        values.push(idOf(value));
      }
      if (options === undefined) settle(history.begin(process, "receive", [part]), { done: true, value: undefined });
      return values;
    };
    return Object.assign(get, { one, some, rest });
  }
}

/** One case of a select: with a value it sends, without it receives. */
export type StageCase =
  | { readonly flow: Flow; readonly receive: ReceiveChannel<Value> }
  | { readonly flow: Flow; readonly send: SendChannel<Value>; readonly value: Value };
export interface Chosen {
  readonly case: string;
  readonly done?: boolean;
  readonly value?: Value;
}

/** Long enough for any number of cuts. */
export const drainMs = 60_000;

export class Stage {
  readonly history = new History();
  readonly #ends = new Set<Disposable>();
  readonly #waiting = new Set<{ readonly ready: () => boolean; readonly go: () => void }>();

  constructor(readonly world: World) {
    world.onEvent = () => {
      this.history.turn++;
      checkCapacity(this.history);
      for (const one of this.#waiting)
        if (one.ready()) {
          this.#waiting.delete(one);
          one.go();
        }
    };
  }

  /** The session of one process with another, as it sees it. */
  peer(here: number, there: number): SessionPeer {
    for (const { ends, peers } of this.world.lines) {
      const side = ends.indexOf(here);
      if (side >= 0 && ends[1 - side] === there) return peers[side] as SessionPeer;
    }
    return fail("SETUP", `processes ${here} and ${there} have no session`);
  }
  /** One direction of the default pair. */
  pair(from: number, to: number): { readonly put: Put; readonly get: Get } {
    const { capacity = 0, whenInDoubt = "reject" } = this.world.shape;
    const flow = new Flow(this, Math.min(from, to), { capacity, whenInDoubt });
    return { put: flow.puts(from, this.peer(from, to).send), get: flow.gets(to, this.peer(to, from).receive as ReceiveChannel<Value>) };
  }
  /** A channel that lives in a process. */
  chan(home: number, options: ChannelOptions = {}): Flow & Ends<Value> {
    const ends = chan<Value>(options);
    this.#ends.add(ends.send).add(ends.receive);
    return Object.assign(new Flow(this, home, options), ends);
  }
  /** Hands something over on a default pair. @returns what arrives */
  async hand<T extends object>(from: number, to: number, message: T): Promise<T> {
    const [received] = await Promise.all([this.peer(to, from).receive(), this.peer(from, to).send(message)]);
    if (received.done) fail("CLOSE", `the pair from process ${from} to process ${to} has ended`);
    return this.keep(received.value as T);
  }
  /** The ends among the members are let go of when all is done. */
  keep<T extends object>(message: T): T {
    for (const one of Object.values(message)) if (portOf(one) !== undefined) this.#ends.add(one as Disposable);
    return message;
  }

  select(process: number, cases: Readonly<Record<string, StageCase>>, options?: OperationOptions): Promise<Chosen> {
    return this.#choose(process, "select", cases, options) as Promise<Chosen>;
  }
  trySelect(process: number, cases: Readonly<Record<string, StageCase>>): Promise<Chosen | undefined> {
    return this.#choose(process, "try", cases, undefined);
  }
  #choose(
    process: number,
    kind: "select" | "try",
    cases: Readonly<Record<string, StageCase>>,
    options: OperationOptions | undefined,
  ): Promise<Chosen | undefined> {
    const { history, world } = this;
    const parts = new Map<string, Part>();
    const given: Record<string, ReceiveChannel<Value>> = {};
    for (const [name, one] of Object.entries(cases)) {
      const { channel } = one.flow;
      parts.set(name, "send" in one ? { channel, value: idOf(one.value) } : { channel, value: undefined, end: one.receive });
      given[name] = "send" in one ? ([one.send, one.value] as unknown as ReceiveChannel<Value>) : one.receive;
    }
    const operation = history.begin(process, kind, [...parts.values()]);
    const { select, trySelect } = world.select;
    const choosing = (kind === "select" ? select(given, options) : trySelect(given)) as Promise<Chosen | undefined>;
    choosing.then(
      (chosen) => {
        const part = chosen === undefined ? undefined : (parts.get(chosen.case) as Part);
        if (chosen === undefined || part === undefined) history.settle(operation, {});
        else if (part.value !== undefined) history.settle(operation, { done: part });
        else history.settle(operation, { done: part, received: chosen.done ? "done" : idOf(chosen.value as Value) });
      },
      (error: unknown) => history.settle(operation, { error }),
    );
    return choosing;
  }

  /** Resolves when something has become true. */
  until(ready: () => boolean): Promise<void> {
    return new Promise((go) => void this.#waiting.add({ ready, go }));
  }
  /** Resolves when so many more things have happened in the network. */
  events(count: number): Promise<void> {
    const { events } = this.world;
    return this.until(() => this.world.events >= events + count);
  }
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.processes[0]?.host.clock.start(ms, resolve));
  }
  /** No link between the two can be opened until `heal`, and the present ones fail. */
  outage(here: number, there: number): { heal(): void } {
    const line = this.world.lines.find(({ ends }) => ends.includes(here) && ends.includes(there));
    if (line === undefined) fail("SETUP", `processes ${here} and ${there} have no session`);
    line.outageUntil = Number.POSITIVE_INFINITY;
    for (const cable of line.cables) cut(cable, "clean");
    return {
      heal: () => {
        line.outageUntil = 0;
      },
    };
  }

  letGo(): void {
    for (const end of this.#ends) end[Symbol.dispose]();
  }
}

function cut(cable: Cable, kind: CutKind): void {
  for (const wire of cable.wires) {
    if (kind === "clean") {
      wire.break(0);
      continue;
    }
    wire.silent = true;
    wire.queue.length = 0;
  }
}

/** Sees every frame that arrives, and cuts where it is told to. */
class Watch {
  readonly seen: FrameSeen[] = [];
  readonly #counts = new Map<string, number>();
  #cutting = false;
  /** Frames until the second cut. */
  #left = Number.POSITIVE_INFINITY;
  struck = 0;
  trace = "";

  constructor(
    readonly world: World,
    readonly cut: Cut | undefined,
  ) {}

  noticed(delivery: Delivery, when: "before" | "after"): void {
    if (when === "before") this.#before(delivery);
    else if (this.#cutting) this.#strike(delivery.cable, this.cut?.kind ?? "clean");
  }
  #before({ line, cable, wire }: Delivery): void {
    const [arriving] = wire.queue;
    if (arriving === undefined || "end" in arriving) return;
    const text = typeof arriving.batch === "string" ? arriving.batch.slice(1, -1) : `${arriving.batch.length} bytes`;
    if (text.startsWith('["hello"') || text.startsWith('["welcome"')) return;
    const direction = wire === cable.up ? "up" : "down";
    const key = `${line} ${direction}`;
    const index = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, index);
    const trace = `${this.world.events} ${this.world.trace}`;
    this.seen.push({ line, direction, index, text, trace });
    const { cut } = this;
    if (cut === undefined) return;
    if (this.struck === 1 && --this.#left === 0) this.#strike(cable, cut.again?.kind ?? "clean");
    if (this.struck > 0 || cut.line !== line || cut.direction !== direction || cut.index !== index) return;
    this.trace = trace;
    this.#left = cut.again?.frames ?? Number.POSITIVE_INFINITY;
    if (cut.when === "before") this.#strike(cable, cut.kind);
    else this.#cutting = true;
  }
  #strike(cable: Cable, kind: CutKind): void {
    this.#cutting = false;
    this.struck++;
    cut(cable, kind);
  }
}

export interface RunReport {
  readonly frames: readonly FrameSeen[];
  /** At the frame of the cut. */
  readonly trace: string;
  /** How many cuts there were. */
  readonly struck: number;
}

/** Runs a scenario, with a cut or without. @throws Error that begins with the name of the law that was broken */
export async function perform(scenario: Scenario, seed: number, cut: Cut | undefined): Promise<RunReport> {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  const { processes = 2, shape = {}, closes = false } = scenario;
  const world = new World(seed, { processes, limits: {}, windowMs: 600_000, splits: true, ...shape });
  const watch = new Watch(world, cut);
  world.onDelivery = (delivery, when) => watch.noticed(delivery, when);
  const stage = new Stage(world);
  try {
    await world.connect();
    let result: Outcome<void> | undefined;
    void outcome(scenario.run(stage)).then((settled) => {
      result = settled;
    });
    await world.quiet(() => result !== undefined);
    if (result?.error !== undefined) throw result.error;
    if (!closes) {
      await world.quiet();
      stage.letGo();
      await world.quiet();
      checkTables(world, "after everything was let go");
    }
    for (const { process, kind } of stage.history.pending) fail("SETTLE", `a ${kind} of process ${process} never settled`);
    checkHistory(stage.history);
    await part(world, seed);
    if (unhandled.length > 0) fail("SETTLE", `unhandled rejection: ${String(unhandled[0])}`);
    return { frames: watch.seen, trace: watch.trace, struck: watch.struck };
  } catch (error) {
    const open = stage.history.pending.map(({ kind, process }) => `a ${kind} of process ${process}`).join(", ");
    const { message } = error instanceof Error ? error : new Error(String(error));
    throw new PerformError(open === "" ? message : `${message} (open: ${open})`, watch.seen);
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
}
export class PerformError extends Error {
  constructor(
    message: string,
    readonly frames: readonly FrameSeen[],
  ) {
    super(message);
  }
}

/** Every session is closed: from one side, from the other, or from both. */
async function part(world: World, seed: number): Promise<void> {
  for (const { peers } of world.lines)
    for (const [side, peer] of peers.entries()) if (seed % 3 === 2 || seed % 3 === side) void peer.close({ drainMs });
  await world.quiet(() => world.over);
  for (const { ends, peers } of world.lines)
    for (const [side, { status }] of peers.entries()) {
      if (status.state !== "ended") continue;
      const { reason, error, undelivered } = status.end;
      const whose = `the session of process ${ends[side]} with process ${ends[1 - side]}`;
      if (reason !== "closed") fail("SETTLE", `${whose} ended as ${reason}: ${String(error)}`);
      if (undelivered.length > 0) fail("ONE", `${whose} ended with ${undelivered.length} values undelivered`);
    }
  await drain();
  checkTables(world, "after the sessions were closed");
  await world.shutdown(50);
}

function checkTables(world: World, when: string): void {
  for (const { ends, peers } of world.lines) {
    for (const [side, { exchange, session }] of peers.entries()) {
      const over = session.ended !== undefined;
      const { served, remotes, waitingBytes, ...rest } = exchange.stats;
      const [servedMost, remotesMost] = over ? [0, 0] : side === 0 ? [2, 0] : [0, 2];
      const left = { ...rest, ...session.stats, waitingBytes: over ? 0 : waitingBytes };
      if (served !== servedMost || remotes !== remotesMost || Object.values(left).some((count) => count !== 0))
        fail("CLEAN", `${when} process ${ends[side]} still has ${JSON.stringify({ served, remotes, ...left })}`);
    }
  }
}
