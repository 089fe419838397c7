/**
 * Programs that users might write, made up from a seed: processes that send, receive, select, try, abort, close, hand ends on and let
 * go of them, on channels with homes everywhere. Runs one and checks the laws.
 */
import type { ReceiveChannel, SendChannel } from "../../src/contract.js";
import { chan } from "../../src/core/channel.js";
import { endOf, portOf } from "../../src/core/end.js";
import { type Channel, checkCapacity, checkHistory, checkQuiet, counts, History, type Operation, type Part } from "./history.js";
import { drain, World } from "./world.js";

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
  readonly cuts: number;
}

class Program {
  readonly history = new History();
  readonly held: Held[][];
  /** Every end that any process ever got: two routes to a channel are two ends. */
  readonly #ends = new Set<SendChannel<Value> | ReceiveChannel<Value>>();
  readonly #aborts: { readonly operation: Operation; readonly controller: AbortController }[] = [];
  #nextValue = 1;
  cuts = 0;

  constructor(
    readonly world: World,
    readonly withCuts: boolean,
  ) {
    world.onEvent = () => void this.history.turn++;
    this.held = Array.from({ length: world.processes }, () => []);
  }

  async start(): Promise<void> {
    const { world, history } = this;
    for (let index = 0, most = 1 + world.below(3); index < most; index++) {
      const capacity = world.pick([0, 0, 1, 3]);
      const home = world.below(world.processes);
      const channel: Channel = { index, home, capacity, closedAt: undefined, doneAt: undefined, touchedByCut: false };
      history.channels.push(channel);
      const { send, receive } = chan<Value>(capacity);
      this.held.forEach((held, process) => {
        held[index] = process === home ? { send, receive } : {};
      });
      this.#ends.add(send).add(receive);
    }
    for (const [process, peers] of world.peersOf.entries())
      for (const peer of peers) void this.#listen(process, peer.receive as ReceiveChannel<Value>);
    for (const channel of history.channels)
      for (let count = 1 + world.below(3); count > 0; count--) this.#hand(channel.home, channel.index);
    await world.quiet();
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
    else held.receive = endOf(port) as ReceiveChannel<Value>;
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
    return roll < 0.2 ? { value, padding: "x".repeat(world.pick([10, 300, 2000])) } : { value };
  }

  /** One step of one user. */
  act(): void {
    const { world, history } = this;
    history.turn++;
    const process = world.below(world.processes);
    const index = world.below(history.channels.length);
    const channel = history.channels[index] as Channel;
    const held = this.held[process]?.[index] as Held;
    const roll = world.random();
    if (roll < 0.34) this.#send(process, channel, held);
    else if (roll < 0.68) this.#receive(process, channel, held);
    else if (roll < 0.84) this.#select(process, roll < 0.8);
    else if (roll < 0.92) this.#abort();
    else if (roll < 0.97) this.#hand(process, index);
    else if (roll < 0.98) this.#close(channel, held);
    else if (this.withCuts && roll < 0.99) this.#cut();
  }

  #options(operation: Operation): { signal: AbortSignal } | undefined {
    if (this.world.random() < 0.5) return undefined;
    const controller = new AbortController();
    this.#aborts.push({ operation, controller });
    return { signal: controller.signal };
  }
  #abort(): void {
    const abort = this.#aborts.splice(this.world.below(this.#aborts.length), 1)[0];
    if (abort === undefined || abort.operation.settledAt !== undefined) return;
    abort.operation.aborted = true;
    abort.controller.abort();
  }

  #send(process: number, channel: Channel, { send }: Held): void {
    if (send === undefined) return;
    const value = this.#value(process, channel.index);
    const part: Part = { channel, value: value.value };
    const operation = this.history.begin(process, "send", [part]);
    send(value, this.#options(operation)).then(
      () => this.history.settle(operation, { done: part }),
      (error: unknown) => this.history.settle(operation, { error }),
    );
  }
  #receive(process: number, channel: Channel, { receive }: Held): void {
    if (receive === undefined) return;
    const part: Part = { channel, value: undefined };
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
    for (let count = 1 + world.below(3); count > 0; count--) {
      const channel = world.pick(history.channels);
      const held = this.held[process]?.[channel.index] as Held;
      if (world.random() < 0.5 && held.send !== undefined) {
        const value = this.#value(process, channel.index);
        cases[parts.length] = [held.send, value];
        parts.push({ channel, value: value.value });
      } else if (held.receive !== undefined) {
        cases[parts.length] = held.receive;
        parts.push({ channel, value: undefined });
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
  #cut(): void {
    const line = this.world.pick(this.world.lines);
    if (!line.up) return;
    this.cuts++;
    for (const channel of this.history.channels) channel.touchedByCut = true;
    this.world.cut(line);
  }

  /** Nobody sends any more; what is left is received or taken back, every end let go, every session closed: then nothing may be left. */
  async finish(): Promise<void> {
    const { world, history } = this;
    for (const { operation, controller } of this.#aborts.splice(0)) {
      if (operation.settledAt !== undefined) continue;
      operation.aborted = true;
      controller.abort();
    }
    await world.quiet();
    await this.#drainChannels();
    for (const channel of history.channels) {
      const { fulfilled, received } = counts(history, channel);
      if (fulfilled !== received && !channel.touchedByCut)
        throw new Error(`ONE: of ${fulfilled} fulfilled values on channel ${channel.index} ${received} were received`);
    }
    for (const end of this.#ends) end[Symbol.dispose]();
    await world.quiet();
    for (const operation of history.pending) throw new Error(`SETTLE: a ${operation.kind} of process ${operation.process} never settled`);
    checkHistory(history);
    for (const line of world.lines)
      for (const peer of line.peers)
        if (line.up && peer.status.state === "ended")
          throw new Error(`SETTLE: a session ended by itself: ${String(peer.status.end.error)}`);
    this.#checkTables("after everything was let go", false);
    for (const line of world.lines) if (line.up) for (const peer of line.peers) void peer.close({ drainMs: 1000 });
    await world.quiet();
    for (const line of world.lines)
      for (const peer of line.peers)
        if (peer.status.state !== "ended" || (line.up && peer.status.end.reason !== "closed"))
          throw new Error(`SETTLE: a session is ${JSON.stringify(peer.status)}`);
    this.#checkTables("after the sessions were closed", true);
  }

  async #drainChannels(): Promise<void> {
    const { history, world } = this;
    for (const channel of history.channels) {
      const receive = this.held[channel.home]?.[channel.index]?.receive;
      if (receive === undefined) continue;
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

  #checkTables(when: string, closed: boolean): void {
    for (const line of this.world.lines) {
      for (const [side, peer] of line.peers.entries()) {
        const { served, remotes, ...rest } = peer.exchange.stats;
        const [servedMost, remotesMost] = closed || !line.up ? [0, 0] : side === 0 ? [2, 0] : [0, 2];
        const left = { ...rest, ...(closed || !line.up ? {} : peer.session.stats) };
        if (closed || !line.up) left.waitingBytes = 0;
        if (served !== servedMost || remotes !== remotesMost || Object.values(left).some((count) => count !== 0))
          throw new Error(`CLEAN: ${when} side ${side} still has ${JSON.stringify({ served, remotes, ...left })}`);
      }
    }
  }
}

/** Runs one program. @throws Error that begins with the name of the law that was broken. */
export async function runSeed(seed: number): Promise<Report> {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  try {
    const shape = seed % 8;
    const world = new World(seed, shape < 4 ? 2 : shape < 7 ? 3 : 4, seed % 3 === 0);
    const program = new Program(world, seed % 5 === 0);
    await program.start();
    for (let steps = 10 + world.below(60); steps > 0; steps--) {
      program.act();
      await drain();
      for (let moves = world.below(4); moves > 0; moves--) await world.step();
      checkCapacity(program.history);
      if (steps % 16 === 0) {
        await world.quiet();
        checkQuiet(program.history);
      }
    }
    await world.quiet();
    checkQuiet(program.history);
    for (const line of world.lines)
      for (const peer of line.peers)
        if (line.up && peer.status.state === "ended")
          throw new Error(`SETTLE: a session ended by itself: ${String(peer.status.end.error)}`);
    await program.finish();
    if (unhandled.length > 0) throw new Error(`SETTLE: unhandled rejection: ${String(unhandled[0])}`);
    const { operations } = program.history;
    return {
      events: world.events,
      operations: operations.length,
      selects: operations.filter(({ kind }) => kind === "select" || kind === "try").length,
      cuts: program.cuts,
    };
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
}
