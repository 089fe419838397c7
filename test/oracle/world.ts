/**
 * Two or three processes on one network in memory, in which programs are run one after the other, each on channels of its own. All
 * that happens follows from the number of the world: a history is repeated by running those before it in its world once more.
 */

import type { Case } from "../../src/contract.js";
import { makeSelect, type Select } from "../../src/core/select.js";
import { chan, dial, NetchanError, type Peer, type ReceiveChannel, type SendChannel } from "../../src/node.js";
import { type MemoryNetwork, memoryNetwork } from "../../src/testing.js";
import type { History, Operation, Part, Result } from "./history.js";
import { Generator, type Program, type Step, type Task } from "./programs.js";

interface Ends {
  readonly send: SendChannel<number>;
  readonly receive: ReceiveChannel<number>;
}
type Hand = { readonly ends: readonly Ends[] };

/** Process 0 is the home. It is the listener, or the first dialer. */
interface Layout {
  readonly dialers: number;
  readonly homeDials: boolean;
}
const layouts: readonly Layout[] = [
  { dialers: 1, homeDials: false },
  { dialers: 2, homeDials: false },
  { dialers: 1, homeDials: true },
  { dialers: 2, homeDials: true }, // the other dialer holds its ends through the listener
];
const delays: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 3],
  [0, 8],
  [3, 5],
];

/** Enough for whatever is under way to come to its end: some ten round trips with a relay between. */
const quietMs = 400;
/** A task waits so long for an answer before it goes on without. */
const patienceMs = 25;

/** When an operation is to be aborted. */
interface Abort {
  readonly atMs: number;
  readonly operation: Operation;
  readonly controller: AbortController;
}
interface Running {
  readonly task: Task;
  next: number;
  dueMs: number;
  last: Operation | undefined;
}

export class World {
  readonly generator: Generator;
  readonly #network: MemoryNetwork;
  readonly #select: Select;
  readonly #layout: Layout;
  readonly #delay: readonly [number, number];
  /** From the home on: to the process of that number. */
  readonly #ways: { readonly from: Peer<Hand>; readonly to: Peer<Hand> }[] = [];
  #nowMs = 0;
  #event = 0;

  private constructor(seed: number) {
    this.generator = new Generator(seed);
    this.#layout = this.generator.pick(layouts);
    this.#delay = this.generator.pick(delays);
    this.#network = memoryNetwork({ seed, delayMs: this.#delay });
    this.#select = makeSelect(this.generator.random);
  }
  get processes(): number {
    return 1 + this.#layout.dialers;
  }

  static async open(seed: number): Promise<World> {
    const world = new World(seed);
    await world.#connect();
    return world;
  }
  async #connect(): Promise<void> {
    const server = this.#network.listen<Hand>();
    const dialing: Promise<Peer<Hand>>[] = [];
    for (let index = 0; index < this.#layout.dialers; index++) {
      dialing.push(dial<Hand>(this.#network.address(server.accept)));
      await this.#pass(60);
    }
    const dialed = await Promise.all(dialing);
    const accepted: Peer<Hand>[] = [];
    for (let index = 0; index < dialed.length; index++) accepted.push((await server.peers()).value as Peer<Hand>);
    for (const [index, far] of dialed.entries()) {
      const near = accepted[index] as Peer<Hand>;
      this.#ways.push(this.#layout.homeDials && index === 0 ? { from: far, to: near } : { from: near, to: far });
    }
  }

  async #pass(ms: number): Promise<void> {
    this.#nowMs += ms; // first: what is answered meanwhile was answered by then at the latest
    await this.#network.advance(ms);
  }

  /** The ends of new channels, as each process holds them. */
  async #channels(capacities: readonly number[]): Promise<readonly (readonly Ends[])[]> {
    const held: (readonly Ends[])[] = [capacities.map((capacity) => chan<number>(capacity))];
    for (const [index, { from, to }] of this.#ways.entries()) {
      const ends = held[this.#layout.homeDials ? index : 0] as readonly Ends[];
      const arriving = to.receive();
      void from.send({ ends: ends.map(({ send, receive }) => ({ send, receive })) });
      await this.#pass(2 * this.#delay[1] + 1);
      held.push((await arriving).value?.ends ?? []);
    }
    return held;
  }

  /** Runs one program until nothing happens any more. */
  async run({ capacities, tasks }: Program): Promise<History> {
    const ends = await this.#channels(capacities);
    const operations: Operation[] = [];
    const aborts: Abort[] = [];
    let running = tasks.map((task): Running => ({ task, next: 0, dueMs: this.#nowMs + (task.steps[0]?.afterMs ?? 0), last: undefined }));
    const going = ({ task, next }: Running): boolean => next < task.steps.length;
    for (running = running.filter(going); running.length > 0; running = running.filter(going)) {
      for (const one of running)
        for (let step = this.#due(one); step !== undefined; step = this.#due(one)) {
          one.last = this.#call(step, one.task.process, ends[one.task.process] as readonly Ends[], operations, aborts);
          one.next++;
          one.dueMs = this.#nowMs + (one.task.steps[one.next]?.afterMs ?? 0);
        }
      this.#abort(aborts);
      await this.#pass(1);
    }
    while (aborts.some(({ operation }) => operation.result === undefined && operation.abortedAt === undefined)) {
      this.#abort(aborts);
      await this.#pass(1);
    }
    await this.#pass(quietMs);
    const latencyMs = Array.from({ length: this.processes }, (_, process) => this.#latencyMs(process));
    return { capacities, home: 0, latencyMs, operations };
  }

  /** The step that a task is to do now. */
  #due({ task, next, dueMs, last }: Running): Step | undefined {
    const step = task.steps[next];
    if (step === undefined || dueMs > this.#nowMs) return undefined;
    const goesOn = !step.waits || last === undefined || last.kind === "close" || last.result !== undefined;
    return goesOn || dueMs + patienceMs <= this.#nowMs ? step : undefined;
  }

  /** A link takes its delay and a turn. The second dialer holds what a dialer gave it through the listener. */
  #latencyMs(process: number): number {
    const links = process === 0 ? 0 : this.#layout.homeDials ? process : 1;
    return links * (this.#delay[1] + 1);
  }

  #abort(aborts: readonly Abort[]): void {
    for (const { atMs, operation, controller } of aborts) {
      if (atMs > this.#nowMs || operation.abortedAt !== undefined || operation.result !== undefined) continue;
      operation.abortedAt = ++this.#event;
      controller.abort(operation);
    }
  }

  #call({ kind, parts, abortMs }: Step, process: number, ends: readonly Ends[], operations: Operation[], aborts: Abort[]): Operation {
    const operation: Operation = {
      index: operations.length,
      process,
      kind,
      parts,
      calledAt: ++this.#event,
      answeredAt: undefined,
      abortedAt: undefined,
      calledMs: this.#nowMs,
      answeredMs: undefined,
      result: undefined,
    };
    operations.push(operation);
    const controller = new AbortController();
    if (abortMs !== undefined) aborts.push({ atMs: this.#nowMs + abortMs, operation, controller });
    const answered = (result: Result): void => {
      operation.result = result;
      operation.answeredAt = ++this.#event;
      operation.answeredMs = this.#nowMs;
    };
    if (kind === "close") {
      ends[parts[0]?.channel as number]?.send.close();
      if (process === 0) operation.answeredAt = ++this.#event; // elsewhere the call says nothing of when it takes effect
      return operation;
    }
    this.#begin(operation, ends, controller.signal).then(answered, (error: unknown) => {
      if (error === operation) answered({ is: "aborted" });
      else if (NetchanError.is(error) && error.code === "CHANNEL_CLOSED") answered({ is: "refused" });
      else answered({ is: "failed", text: String(error) });
    });
    return operation;
  }

  async #begin({ kind, parts }: Operation, ends: readonly Ends[], signal: AbortSignal): Promise<Result> {
    const at = ({ channel }: Part): Ends => ends[channel] as Ends;
    const came = (part: number, done: boolean | undefined, value: unknown): Result =>
      done === undefined ? { is: "sent", part } : done ? { is: "done", part } : { is: "received", part, value: value as number };
    const [first] = parts as readonly [Part];
    if (kind === "send") {
      await at(first).send(first.value as number, { signal });
      return { is: "sent", part: 0 };
    }
    if (kind === "receive") {
      const { done, value } = await at(first).receive({ signal });
      return came(0, done, value);
    }
    const cases: Record<string, Case> = {};
    for (const [index, part] of parts.entries()) cases[index] = part.value === undefined ? at(part).receive : [at(part).send, part.value];
    const chosen: { readonly case: string; readonly done?: boolean; readonly value?: unknown } | undefined =
      kind === "try" ? await this.#select.trySelect(cases, { signal }) : await this.#select.select(cases, { signal });
    return chosen === undefined ? { is: "none" } : came(Number(chosen.case), chosen.done, chosen.value);
  }
}
