/**
 * A network of processes in one, on virtual clocks, in which a seed decides what happens next: which wire delivers, whose turn of the
 * event loop ends, which timer fires, which user step runs, what goes wrong. The code under test is the real one, from `dial` and the
 * listener down, through its public operations.
 */
import type { Link, Peer } from "../../src/contract.js";
import { makeSelect, type Select } from "../../src/core/select.js";
import { dial } from "../../src/dial.js";
import { inWorld } from "../../src/host.js";
import { LinkListener } from "../../src/listener.js";
import type { SessionPeer } from "../../src/peer.js";
import { seeded } from "../../src/transports/memory.js";
import { Cable, type Wire } from "./cable.js";
import { Process } from "./process.js";

/** What lies between two processes. */
interface Wiring {
  cables: Cable[];
  /** Until then no link can be opened: it is refused, or nothing is heard of it. */
  outageUntil: number;
}
/** Two processes and the session between them. */
export interface Line extends Wiring {
  /** The listener's process and the dialer's. */
  readonly ends: readonly [number, number];
  readonly peers: readonly [SessionPeer, SessionPeer];
  /** Something was done to it, or to one of its processes, that may end the session. */
  mortal: boolean;
  closing: boolean;
}

export interface Shape {
  readonly processes: number;
  /** Limits so small that windows, announcements and full buffers are part of nearly every run. */
  readonly limits: { readonly maxQueuedBytes?: number; readonly maxReplayBytes?: number };
  readonly windowMs: number;
  /** Of the default pairs; as the options of a session have it. */
  readonly capacity?: number;
  readonly whenInDoubt?: "reject" | "redeliver";
  /** Every frame travels as a batch of its own, so that a link can be cut between any two. */
  readonly splits?: boolean;
  /** The listeners let everybody use every name, and take their time to say so. */
  readonly authorizes?: boolean;
}
/** A batch, or the end of a link, that is about to arrive or has just arrived. */
export interface Delivery {
  /** The number of the line, as in `lines`. */
  readonly line: number;
  readonly cable: Cable;
  readonly wire: Wire;
}

/** Everything that microtasks do has been done when it resolves. */
export const drain = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export const heartbeatMs = 1_000;

export class World {
  readonly random: () => number;
  readonly select: Select;
  readonly lines: Line[] = [];
  /** Who each process can talk to directly. */
  readonly peersOf: Peer[][];
  readonly processes: readonly Process[];
  readonly #listeners: LinkListener[];
  readonly #wirings: Wiring[] = [];
  readonly #replaced = new Map<number, Process>();
  now = 0;
  events = 0;
  /** A hash of all that happened. */
  trace = 0;
  /** Told before each event. */
  onEvent: () => void = () => undefined;
  /** Told before and after whatever a link delivers. */
  onDelivery: ((delivery: Delivery, when: "before" | "after") => void) | undefined;

  constructor(
    readonly seed: number,
    readonly shape: Shape,
  ) {
    this.random = seeded(seed);
    const ids = seeded(seed ^ 0x5bd1e995);
    this.select = makeSelect(this.random);
    this.processes = Array.from({ length: shape.processes }, (_, name) => new Process(name, () => this.now, ids));
    this.peersOf = this.processes.map(() => []);
    this.#listeners = this.processes.map(() => this.#listener());
  }

  /** A number from 0 up to, not including, `most`. */
  below(most: number): number {
    return Math.floor(this.random() * most);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  #options() {
    const { limits, windowMs, capacity, whenInDoubt } = this.shape;
    return {
      limits,
      resumeWindowMs: windowMs,
      heartbeatMs,
      ...(capacity === undefined ? {} : { capacity }),
      ...(whenInDoubt === undefined ? {} : { whenInDoubt }),
    };
  }
  #listener(): LinkListener {
    // The answer comes some turns later.
    const authorize = async (): Promise<boolean> => {
      for (let turns = 0; turns < 5; turns++) await undefined;
      return true;
    };
    return new LinkListener({ ...this.#options(), ...(this.shape.authorizes === true ? { authorize } : {}) });
  }
  listenerOf(name: number): LinkListener {
    return this.#listeners[name] as LinkListener;
  }
  /** A process is gone, with all it knew; another answers at its address. */
  kill(name: number): void {
    const process = this.processes[name] as Process;
    process.kill();
    process.dead = true;
    this.#replaced.set(name, new Process(name, () => this.now, this.random));
    this.#listeners[name] = this.#listener();
    for (const line of this.lines) {
      if (!line.ends.includes(name)) continue;
      line.mortal = true;
      for (const { wires } of line.cables)
        for (const wire of wires) {
          if (wire.to === process) wire.silent = true;
          else wire.break(wire.queue.length);
        }
    }
  }

  /** Every process dials every other. */
  async connect(): Promise<void> {
    for (let left = 0; left < this.processes.length; left++)
      for (let right = left + 1; right < this.processes.length; right++) await this.#connect(left, right);
  }
  async #connect(left: number, right: number): Promise<void> {
    const listener = this.#listeners[left] as LinkListener;
    const line: Wiring = { cables: [], outageUntil: 0 };
    this.#wirings.push(line);
    const address = inWorld(
      ({ signal }: { readonly signal: AbortSignal }) => this.#open(left, right, line, signal),
      (this.processes[right] as Process).host,
    );
    const arrived = listener.peers();
    const dialed = dial(address, { ...this.#options(), reconnect: { minMs: 10, maxMs: 200 } });
    let near: SessionPeer | undefined;
    let far: SessionPeer | undefined;
    void arrived.then((result) => {
      near = result.value as unknown as SessionPeer;
    });
    void dialed.then((peer) => {
      far = peer as unknown as SessionPeer;
    });
    await this.quiet(() => near !== undefined && far !== undefined);
    const peers = [near, far] as unknown as readonly [SessionPeer, SessionPeer];
    this.lines.push(Object.assign(line, { ends: [left, right] as const, peers, mortal: false, closing: false }));
    this.peersOf[left]?.push(peers[0] as Peer);
    this.peersOf[right]?.push(peers[1] as Peer);
  }

  #open(left: number, right: number, line: Wiring, signal: AbortSignal): Promise<Link> {
    const dialer = this.processes[right] as Process;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      dialer.deferred.push(() => {
        if (signal.aborted) return;
        if (this.now < line.outageUntil) {
          if (this.random() < 0.7) reject(new Error("the network is down"));
          return; // or nothing is heard of it
        }
        const listener = this.#replaced.get(left) ?? (this.processes[left] as Process);
        const cable = new Cable(dialer, listener, this.seed % 2 === 1, this.shape.splits);
        line.cables.push(cable);
        const accepting = inWorld(cable.listenerSide, listener.host);
        // A listener that stands still has its connections made by its system all the same.
        listener.deferred.push(() => this.#listeners[left]?.accept(accepting));
        resolve(cable.dialerSide);
      });
    });
  }

  /** Source: FNV-1a. */
  #note(text: string): void {
    for (let index = 0; index < text.length; index++) this.trace = Math.imul(this.trace ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }

  get #running(): readonly Process[] {
    return this.#replaced.size === 0 ? this.processes : [...this.processes, ...this.#replaced.values()];
  }

  /** Every session has ended, wherever somebody is left to know it. */
  get over(): boolean {
    return this.lines.every(({ ends, peers }) =>
      peers.every(({ session }, side) => session.ended !== undefined || this.processes[ends[side] as number]?.dead),
    );
  }
  /** The listeners close. Then no process has anything to wait for. */
  async shutdown(mostSteps = 1_000): Promise<void> {
    for (const listener of this.#listeners) void listener.close({ drainMs: 0 });
    await drain();
    for (let steps = mostSteps; steps > 0; steps--) await this.step();
    for (const { name, dead, timers, deferred } of this.processes)
      if (!dead && (timers > 0 || deferred.length > 0))
        throw new Error(`CLEAN: process ${name} still has ${timers} timers and ${deferred.length} turns`);
  }

  /** Does one thing that the network or a process can do now. @returns whether there was anything. */
  async step(): Promise<boolean> {
    const wires: Wire[] = [];
    for (const wiring of this.#wirings) {
      wiring.cables = wiring.cables.filter((cable) => !cable.gone);
      for (const cable of wiring.cables)
        for (const wire of cable.wires) if (wire.queue.length > 0 && wire.to.runs && wire.heldUntil <= this.now) wires.push(wire);
    }
    const turns = this.#running.filter((process) => process.runs && process.deferred.length > 0);
    const choices = wires.length + turns.reduce((sum, { deferred }) => sum + deferred.length, 0);
    if (choices === 0) return await this.#tick();
    this.events++;
    this.onEvent();
    let choice = this.below(choices);
    const wire = wires[choice];
    if (wire !== undefined) {
      this.#tell(wire, "before");
      const batch = wire.deliver();
      this.#tell(wire, "after");
      this.#note(typeof batch === "string" ? batch : String(batch?.length));
      for (const { cables } of this.#wirings) for (const cable of cables) if (cable.wires.includes(wire)) cable.noticed(batch);
    } else {
      choice -= wires.length;
      for (const { deferred } of turns) {
        if (choice < deferred.length) {
          deferred.splice(choice, 1)[0]?.();
          break;
        }
        choice -= deferred.length;
      }
    }
    await drain();
    return true;
  }
  #tell(wire: Wire, when: "before" | "after"): void {
    if (this.onDelivery === undefined) return;
    for (const [line, { cables }] of this.#wirings.entries())
      for (const cable of cables) if (cable.wires.includes(wire)) this.onDelivery({ line, cable, wire }, when);
  }
  /** A timer that is due already. */
  async #tick(): Promise<boolean> {
    const due = this.#running.filter(({ dueAt, runs }) => runs && dueAt !== undefined && dueAt <= this.now);
    const process = due.length === 0 ? undefined : this.pick(due);
    if (process === undefined) return false;
    this.events++;
    this.onEvent();
    if (!process.tick()) return false;
    await drain();
    return true;
  }

  /** Lets time pass to whatever is due next, at most so long. What could have happened meanwhile comes late, for short windows too late. */
  pass(mostMs: number): void {
    const late = this.#running.some(({ runs, deferred }) => runs && deferred.length > 0);
    if (late && this.shape.windowMs < 60_000) for (const line of this.lines) line.mortal = true;
    let next = this.now + mostMs;
    for (const process of this.#running) {
      const { dueAt, frozenUntil } = process;
      if (dueAt !== undefined && dueAt > this.now) next = Math.min(next, dueAt);
      if (frozenUntil > this.now) next = Math.min(next, frozenUntil);
    }
    for (const wiring of this.#wirings)
      for (const cable of wiring.cables)
        for (const { heldUntil, queue } of cable.wires) if (queue.length > 0 && heldUntil > this.now) next = Math.min(next, heldUntil);
    this.now = next;
  }

  /** Is every session over, or carried by one link that both sides know, with nothing unsaid? */
  get #settled(): boolean {
    return this.lines.every((line) => {
      const [near, far] = line.peers;
      const over = line.ends.map((name, side) => this.processes[name]?.dead === true || line.peers[side]?.session.ended !== undefined);
      if (over.some((one) => one)) return over.every((one) => one);
      const cable = line.cables.find(({ dialerSide }) => dialerSide === far.session.link);
      if (
        cable === undefined ||
        near.session.link !== cable.listenerSide ||
        cable.wires.some(({ silent, over, queue }) => silent || over || queue.length > 0)
      )
        return false;
      return [near, far].every(({ session }) => session.stats.kept === 0 && session.stats.waiting === 0);
    });
  }

  /** Runs until nothing happens any more but heartbeats, or until `enough`. */
  async quiet(enough?: () => boolean): Promise<void> {
    await drain();
    const until = this.now + 1_200_000;
    for (let budget = 400_000; budget > 0; budget--) {
      if (enough?.()) return;
      if (await this.step()) continue;
      if (enough === undefined && this.#settled) return;
      if (this.now >= until) break;
      this.pass(60_000);
    }
    throw new Error(
      `LIVE: the network never becomes quiet (${this.lines.map(({ peers }) => peers.map(({ status }) => status.state).join("–")).join(", ")})`,
    );
  }
}
