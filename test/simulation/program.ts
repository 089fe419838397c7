/**
 * Programs that users might write, made up from a seed: processes that send, receive, select, try, abort, close, hand ends on and let
 * go of them, on channels with homes everywhere. Runs one and checks the laws.
 */
import type { Peer, ReceiveChannel, SendChannel } from "../../src/contract.js";
import { chan } from "../../src/core/channel.js";
import { endOf, portOf } from "../../src/core/end.js";
import { NetchanError } from "../../src/errors.js";
import { type Coverage, cell, drawProfile, heal, keepTime, type Profile, strike } from "./faults.js";
import { type Channel, checkCapacity, checkHistory, checkQuiet, counts, History, type Operation, type Part } from "./history.js";
import { drain, type Shape, World } from "./world.js";

interface Value {
  readonly value: number;
  readonly channel?: number;
  readonly end?: SendChannel<Value> | ReceiveChannel<Value>;
  readonly padding?: string;
}
/** The ends of one channel that a process holds. */
interface Held {
  send?: SendChannel<Value> | undefined;
  receive?: ReceiveChannel<Value> | undefined;
}
export interface Report {
  readonly events: number;
  readonly operations: number;
  readonly selects: number;
  readonly faults: number;
  /** Sessions that went on over another link, and those that were lost. */
  readonly resumes: number;
  readonly lost: number;
  /** Sends that were told "unknown". */
  readonly inDoubt: number;
  readonly coverage: Coverage;
  /** Of everything that happened, in order: two runs of a seed have the same. */
  readonly trace: number;
}

class Program {
  readonly history = new History();
  readonly held: Held[][];
  /** Every end that any process ever got: two routes to a channel are two ends. */
  readonly #ends = new Set<SendChannel<Value> | ReceiveChannel<Value>>();
  readonly #aborts: { readonly operation: Operation; readonly controller: AbortController }[] = [];
  #nextValue = 1;
  faults = 0;
  resumes = 0;
  readonly coverage: Coverage = new Map();

  constructor(
    readonly world: World,
    readonly profile: Profile,
  ) {
    world.onEvent = () => void this.history.turn++;
    this.held = world.processes.map(() => []);
  }

  async start(): Promise<void> {
    const { world, history } = this;
    await world.connect();
    for (const { peers } of world.lines) void this.#count(peers[1]);
    for (let index = 0, most = this.#crossed ? 3 : this.#crowded ? 1 : 1 + world.below(3); index < most; index++) {
      const capacity = world.pick(this.#crossed ? [0, 0, 0, 1] : [0, 0, 1, 3]);
      const home = this.#crossed ? index % world.processes.length : world.below(world.processes.length);
      const redelivers = world.random() < 0.25;
      const channel: Channel = { index, home, capacity, closedAt: undefined, doneAt: undefined, redelivers, touchedByLoss: false };
      history.channels.push(channel);
      const { send, receive } = chan<Value>({ capacity, whenInDoubt: redelivers ? "redeliver" : "reject" });
      this.held.forEach((held, process) => {
        held[index] = process === home ? { send, receive } : {};
      });
      this.#ends.add(send).add(receive);
    }
    for (const [process, peers] of world.peersOf.entries())
      for (const peer of peers) void this.#listen(process, peer.receive as ReceiveChannel<Value>);
    for (const channel of history.channels)
      for (let count = (this.#crossed || this.#crowded ? 4 : 1) + world.below(3); count > 0; count--)
        this.#hand(channel.home, channel.index);
    await world.quiet();
  }

  async #count(peer: Peer): Promise<void> {
    for await (const { state } of peer.statuses()) if (state === "reconnecting") this.resumes++;
  }

  /** Takes ends that other processes hand over. */
  async #listen(process: number, receive: ReceiveChannel<Value>): Promise<void> {
    try {
      for await (const value of receive) this.#got(process, value);
    } catch {
      // The session was cut.
    }
  }
  #got(process: number, { channel, end }: Value): void {
    const held = channel === undefined ? undefined : this.held[process]?.[channel];
    const port = portOf(end);
    if (held === undefined || port === undefined) return;
    this.#ends.add(endOf(port) as SendChannel<Value> | ReceiveChannel<Value>);
    if (port.kind === "send") held.send = endOf(port) as SendChannel<Value>;
    else if (!this.#crowded || held.receive === undefined) held.receive = endOf(port) as ReceiveChannel<Value>;
  }

  #hand(process: number, channel: number): void {
    const { world } = this;
    const held = this.held[process]?.[channel];
    const end = world.random() < 0.5 ? held?.send : held?.receive;
    if (end === undefined) return;
    void world.pick(world.peersOf[process] as never[] as { send: SendChannel<Value> }[]).send({ value: 0, channel, end });
  }

  #value(process: number, channel: number): Value {
    const { world } = this;
    const value = this.#nextValue++;
    const roll = world.random();
    if (roll < 0.1) {
      const other = world.below(this.history.channels.length);
      const held = this.held[process]?.[other];
      const end = roll < 0.05 ? held?.send : held?.receive;
      if (end !== undefined && other !== channel) return { value, channel: other, end };
    }
    // Where much may be under way, one value fills what is kept for a replay.
    const wide = world.shape.limits.maxQueuedBytes === 65536;
    if (roll >= (wide ? 0.7 : 0.2)) return { value };
    return { value, padding: "x".repeat(world.pick(wide ? [300, 3_000, 3_700] : [10, 300, 2_000])) };
  }

  /** Little else than selects over all homes, which meet each other in circles. */
  get #crossed(): boolean {
    return this.world.seed % 7 === 3;
  }

  /** One channel, one end far from it that receives in every way, and many who think better of it in the same turn. */
  get #crowded(): boolean {
    return this.world.seed % 11 === 4 && !this.#crossed;
  }

  /** One step of one user. */
  act(): void {
    const { world, history } = this;
    history.turn++;
    const process = world.below(world.processes.length);
    if (world.processes[process]?.dead) return;
    const index = world.below(history.channels.length);
    const channel = history.channels[index] as Channel;
    const held = this.held[process]?.[index] as Held;
    const roll = world.random();
    if (this.#crowded) {
      const reader = (channel.home + 1) % world.processes.length;
      const there = this.held[reader]?.[index] as Held;
      if (roll < 0.3) this.#send(process, channel, held);
      else if (world.processes[reader]?.dead) return;
      else if (roll < 0.45) this.#receive(reader, channel, there);
      else if (roll < 0.75) this.#select(reader, roll < 0.65);
      else if (roll < 0.98) this.#abort();
      else this.#close(channel, held);
    } else if (this.#crossed && roll < 0.6) this.#select(process, true);
    else if (roll < 0.34) this.#send(process, channel, held);
    else if (roll < 0.68) this.#receive(process, channel, held);
    else if (roll < 0.84) this.#select(process, roll < 0.8);
    else if (roll < 0.92) this.#abort();
    else if (roll < 0.97) this.#hand(process, index);
    else if (roll < 0.98) this.#close(channel, held);
    else if (roll < 0.99 && world.seed % 6 === 5) this.#part();
  }

  /** A session is closed in the middle of everything. */
  #part(): void {
    const { world } = this;
    const line = world.pick(world.lines);
    const side = world.below(2);
    if (world.processes[line.ends[side] as number]?.dead) return;
    line.closing = true;
    void line.peers[side]?.close({ drainMs: world.pick([0, 50, 1_000]) });
  }

  /** Perhaps something goes wrong. */
  strike(): void {
    const { world, profile } = this;
    if (profile.faults.length === 0 || world.random() >= profile.rate) return;
    const fault = world.pick(profile.faults);
    const state = strike(world, world.pick(world.lines), fault);
    if (state === undefined) return;
    this.faults++;
    const key = cell(state, fault);
    this.coverage.set(key, (this.coverage.get(key) ?? 0) + 1);
  }
  /** A session that was lost, or closed, has told whoever depended on it. */
  look(): void {
    for (const { ends, peers, closing } of this.world.lines) {
      const dead = ends.some((name) => this.world.processes[name]?.dead);
      const lost = closing || peers.some(({ status }) => status.state === "ended");
      if (dead || lost) for (const channel of this.history.channels) channel.touchedByLoss = true;
    }
    for (const operation of this.history.operations)
      if (this.world.processes[operation.process]?.dead && operation.settledAt === undefined) operation.gone = true;
  }

  #options(operation: Operation): { signal: AbortSignal } | undefined {
    if (this.world.random() < 0.5) return undefined;
    const controller = new AbortController();
    this.#aborts.push({ operation, controller });
    return { signal: controller.signal };
  }
  /** One user stops waiting, or several in one turn. */
  #abort(): void {
    for (let count = this.world.pick(this.#crowded ? [1, 3, 6, 9] : [1, 1, 2, 4]); count > 0; count--) {
      const abort = this.#aborts.splice(this.world.below(this.#aborts.length), 1)[0];
      if (abort === undefined || abort.operation.settledAt !== undefined) continue;
      abort.operation.aborted = true;
      abort.controller.abort();
    }
  }

  #send(process: number, channel: Channel, { send }: Held): void {
    if (send === undefined) return;
    const value = this.#value(process, channel.index);
    const part: Part = { channel, value: value.value };
    const operation = this.history.begin(process, "send", [part]);
    operation.end = send;
    send(value, this.#options(operation)).then(
      () => this.history.settle(operation, { done: part }),
      (error: unknown) => this.history.settle(operation, { error }),
    );
  }
  #receive(process: number, channel: Channel, { receive }: Held): void {
    if (receive === undefined) return;
    const part: Part = { channel, value: undefined, end: receive };
    const operation = this.history.begin(process, "receive", [part]);
    receive(this.#options(operation)).then(
      (result) => this.#received(operation, part, result.done ? undefined : result.value),
      (error: unknown) => this.history.settle(operation, { error }),
    );
  }
  #received(operation: Operation, part: Part, value: Value | undefined): void {
    this.history.settle(operation, { done: part, received: value === undefined ? "done" : value.value });
    if (value !== undefined) this.#got(operation.process, value);
  }

  #select(process: number, waits: boolean): void {
    const { world, history } = this;
    const cases: Record<string, unknown> = {};
    const parts: Part[] = [];
    const first = this.#crossed ? world.below(history.channels.length) : 0;
    for (let count = this.#crossed ? 3 : 1 + world.below(3); count > 0; count--) {
      const next = this.#crossed ? (first + count) % history.channels.length : world.below(history.channels.length);
      const channel = history.channels[next] as Channel;
      const held = this.held[process]?.[channel.index] as Held;
      if (world.random() < (this.#crowded ? 0.1 : 0.5) && held.send !== undefined) {
        const value = this.#value(process, channel.index);
        cases[parts.length] = [held.send, value];
        parts.push({ channel, value: value.value });
      } else if (held.receive !== undefined) {
        cases[parts.length] = held.receive;
        parts.push({ channel, value: undefined, end: held.receive });
      }
    }
    if (parts.length === 0) return;
    const operation = history.begin(process, waits ? "select" : "try", parts);
    const run = waits ? world.select.select : world.select.trySelect;
    run(cases as Record<string, ReceiveChannel<Value>>, this.#options(operation)).then(
      (selected) => {
        const part = selected === undefined ? undefined : (parts[Number(selected.case)] as Part);
        if (selected === undefined || part === undefined) history.settle(operation, {});
        else if (part.value !== undefined) history.settle(operation, { done: part });
        else this.#received(operation, part, selected.done ? undefined : selected.value);
      },
      (error: unknown) => history.settle(operation, { error }),
    );
  }

  #close(channel: Channel, { send }: Held): void {
    if (send === undefined) return;
    channel.closedAt ??= this.history.now();
    send.close();
  }
  /** Nobody sends any more; what is left is received or taken back, every end let go, every session closed: then nothing may be left. */
  async finish(): Promise<void> {
    const { world, history } = this;
    heal(world);
    for (const { operation, controller } of this.#aborts.splice(0)) {
      if (operation.settledAt !== undefined) continue;
      operation.aborted = true;
      controller.abort();
    }
    await world.quiet();
    await this.#drainChannels();
    this.look();
    for (const channel of history.channels) {
      const { fulfilled, received } = counts(history, channel);
      if (fulfilled !== received && !channel.touchedByLoss)
        throw new Error(`ONE: of ${fulfilled} fulfilled values on channel ${channel.index} ${received} were received`);
    }
    for (const end of this.#ends) end[Symbol.dispose]();
    await world.quiet();
    this.look();
    for (const { process, kind } of history.pending) throw new Error(`SETTLE: a ${kind} of process ${process} never settled`);
    checkHistory(history);
    this.#checkSessions();
    this.#checkTables("after everything was let go");
    await this.#goodbye();
    this.#checkTables("after the sessions were closed");
    await world.shutdown();
  }

  /** Goodbyes, with things going wrong. */
  async #goodbye(): Promise<void> {
    const { world } = this;
    for (const line of world.lines) {
      line.closing = true;
      for (const [side, peer] of line.peers.entries())
        if (!world.processes[line.ends[side] as number]?.dead && world.random() < 0.7) void peer.close({ drainMs: 1000 });
    }
    for (let steps = world.below(30); steps > 0; steps--) {
      this.strike();
      await world.step();
      if (world.random() < 0.2) world.pass(world.below(300));
    }
    heal(world);
    for (const { peers } of world.lines) for (const peer of peers) void peer.close({ drainMs: 1000 });
    await world.quiet(() => world.over);
    this.#checkSessions();
  }

  /** None ends by itself while both its processes live and come back in time. */
  #checkSessions(): void {
    for (const { peers, mortal, closing } of this.world.lines)
      for (const { status } of peers)
        if (status.state === "ended" && status.end.reason !== "closed" && !((mortal || closing) && status.end.reason === "lost"))
          throw new Error(`SETTLE: a session ended as ${status.end.reason}: ${String(status.end.error)}`);
  }

  async #drainChannels(): Promise<void> {
    const { history, world } = this;
    for (const channel of history.channels) {
      const receive = this.held[channel.home]?.[channel.index]?.receive;
      if (receive === undefined || world.processes[channel.home]?.dead) continue;
      for (;;) {
        const part: Part = { channel, value: undefined };
        const operation = history.begin(channel.home, "receive", [part]);
        const controller = new AbortController();
        receive({ signal: controller.signal }).then(
          (result) => this.#received(operation, part, result.done ? undefined : result.value),
          (error: unknown) => history.settle(operation, { error }),
        );
        await world.quiet();
        if (operation.settledAt === undefined) {
          operation.aborted = true;
          controller.abort();
          await drain();
          break;
        }
        if (operation.received === "done" || operation.error !== undefined) break;
      }
    }
  }

  #checkTables(when: string): void {
    for (const { ends, peers } of this.world.lines) {
      for (const [side, { exchange, session }] of peers.entries()) {
        if (this.world.processes[ends[side] as number]?.dead) continue;
        const over = session.ended !== undefined;
        const { served, remotes, waitingBytes, ...rest } = exchange.stats;
        const [servedMost, remotesMost] = over ? [0, 0] : side === 0 ? [2, 0] : [0, 2];
        const left = { ...rest, ...session.stats, waitingBytes: over ? 0 : waitingBytes };
        if (served !== servedMost || remotes !== remotesMost || Object.values(left).some((count) => count !== 0))
          throw new Error(`CLEAN: ${when} side ${side} still has ${JSON.stringify({ served, remotes, ...left })}`);
      }
    }
  }
}

/** What kind of run a seed is. */
function shapeOf(seed: number): Shape {
  const size = seed % 8;
  return {
    processes: size < 4 ? 2 : size < 7 ? 3 : 4,
    limits:
      seed % 3 > 0 ? {} : seed % 2 === 0 ? { maxQueuedBytes: 1024, maxReplayBytes: 4096 } : { maxQueuedBytes: 65536, maxReplayBytes: 4096 },
    // Short windows are for what happens when one is over; mostly sessions have to survive everything.
    windowMs: seed % 4 === 1 ? 300 + (seed % 1_700) : 600_000,
  };
}

/** Runs one program. @throws Error that begins with the name of the law that was broken. */
export async function runSeed(seed: number): Promise<Report> {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  try {
    const world = new World(seed, shapeOf(seed));
    const program = new Program(world, seed % 5 === 0 ? { faults: [], rate: 0 } : drawProfile(world));
    await program.start();
    for (let steps = 10 + world.below(60); steps > 0; steps--) {
      program.act();
      await drain();
      for (let moves = world.below(4); moves > 0; moves--) {
        program.strike();
        await world.step();
      }
      if (program.profile.faults.length > 0 && world.random() < 0.1) world.pass(world.pick([20, 300, 3_000]));
      program.look();
      checkCapacity(program.history);
      if (steps % 16 === 0) {
        if (world.random() < 0.7) heal(world);
        else keepTime(world);
        await world.quiet();
        program.look();
        checkQuiet(program.history);
      }
    }
    heal(world);
    await world.quiet();
    program.look();
    checkQuiet(program.history);
    await program.finish();
    if (unhandled.length > 0) throw new Error(`SETTLE: unhandled rejection: ${String(unhandled[0])}`);
    const { operations } = program.history;
    const count = (test: (operation: Operation) => boolean): number => operations.filter(test).length;
    return {
      events: world.events,
      operations: operations.length,
      selects: count(({ kind }) => kind === "select" || kind === "try"),
      faults: program.faults,
      resumes: program.resumes,
      lost: world.lines.filter(({ peers }) => peers.some(({ status }) => status.state === "ended" && status.end.reason === "lost")).length,
      inDoubt: count(({ error }) => NetchanError.is(error) && error.outcome === "unknown"),
      coverage: program.coverage,
      trace: world.trace,
    };
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
}
