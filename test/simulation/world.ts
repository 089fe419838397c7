/**
 * A network of processes in one, on a virtual clock, in which a seed decides what happens next: which link delivers, whose turn of
 * the event loop ends, which timer fires, which user step runs. The code under test is the real one, through its public operations.
 */

import type { Link, Peer } from "../../src/contract.js";
import { homeChannel } from "../../src/core/channel.js";
import { Gather } from "../../src/core/gather.js";
import { makeSelect, type Select } from "../../src/core/select.js";
import { resolveLimits } from "../../src/limits.js";
import { SessionPeer } from "../../src/peer.js";
import { seeded, VirtualTime } from "../../src/transports/memory.js";

/** One direction of a link: batches that were sent and have not arrived. */
class Wire {
  readonly batches: (string | Uint8Array)[] = [];
  deliver: (batch: string | Uint8Array) => void = () => undefined;
}

/** Two processes and the session between them. */
export interface Line {
  readonly peers: readonly [SessionPeer, SessionPeer];
  readonly wires: readonly [Wire, Wire];
  up: boolean;
}

const never: AsyncIterable<never> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };

/** Everything that microtasks do has been done when it resolves. */
export const drain = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Limits so small that windows, announcements and congestion are part of nearly every run. */
const smallLimits = { maxQueuedBytes: 1024, maxReplayBytes: 4096 };

export class World {
  readonly random: () => number;
  readonly select: Select;
  readonly lines: Line[] = [];
  /** Who each process can talk to directly. */
  readonly peersOf: Peer[][];
  readonly time: VirtualTime;
  readonly #deferred: (() => void)[] = [];
  events = 0;
  /** Told before each event. */
  onEvent: () => void = () => undefined;

  constructor(
    seed: number,
    readonly processes: number,
    small: boolean,
  ) {
    this.random = seeded(seed);
    this.time = new VirtualTime(seed ^ 0x5bd1e995);
    this.select = makeSelect(this.random);
    this.peersOf = Array.from({ length: processes }, () => []);
    for (let left = 0; left < processes; left++) for (let right = left + 1; right < processes; right++) this.#connect(left, right, small);
  }

  /** A number from 0 up to, not including, `most`. */
  below(most: number): number {
    return Math.floor(this.random() * most);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  #connect(left: number, right: number, small: boolean): void {
    const wires = [new Wire(), new Wire()] as const;
    const limits = resolveLimits(small ? smallLimits : {});
    const peers = [0, 1].map((side) => {
      const wire = wires[side] as Wire;
      const link: Link = { transport: "memory", send: (batch) => void wire.batches.push(batch), received: never, close: () => undefined };
      const merged = side === 0 ? { gather: new Gather(), scatter: homeChannel({ capacity: 0 }).home } : undefined;
      return new SessionPeer({
        host: { ...this.time.host, random: this.random, defer: (callback) => void this.#deferred.push(callback) },
        link,
        id: `${left}-${right}`,
        limits,
        peerLimits: limits,
        heartbeatMs: 2 ** 40,
        asks: false,
        capacity: 0,
        whenInDoubt: "reject",
        superjson: undefined,
        identity: undefined,
        remoteAddress: undefined,
        merged,
      });
    });
    const [a, b] = peers as [SessionPeer, SessionPeer];
    wires[0].deliver = (batch) => void b.session.receive(batch);
    wires[1].deliver = (batch) => void a.session.receive(batch);
    this.lines.push({ peers: [a, b], wires, up: true });
    this.peersOf[left]?.push(a);
    this.peersOf[right]?.push(b);
  }

  /** The link of a line fails: what is on it is lost, and both sides see it (in this version the session ends with it). */
  cut(line: Line): void {
    line.up = false;
    for (const wire of line.wires) wire.batches.length = 0;
    for (const peer of line.peers) peer.session.finish({ reason: "lost", error: undefined });
  }

  /** Does one thing that the network or a process can do now. @returns whether there was anything. */
  async step(): Promise<boolean> {
    const wires = this.lines.flatMap((line) => (line.up ? line.wires.filter((wire) => wire.batches.length > 0) : []));
    const choices = wires.length + this.#deferred.length;
    if (choices === 0) return false;
    this.events++;
    this.onEvent();
    const choice = this.below(choices);
    const wire = wires[choice];
    if (wire !== undefined) wire.deliver(wire.batches.shift() as string | Uint8Array);
    else this.#deferred.splice(choice - wires.length, 1)[0]?.();
    await drain();
    return true;
  }

  /** Runs until nothing can happen any more, short timers included. */
  async quiet(): Promise<void> {
    await drain();
    for (let budget = 200_000; budget > 0; budget--) {
      if (await this.step()) continue;
      const next = this.time.nextAt;
      if (next === undefined || next > this.time.now + 60_000) return;
      this.onEvent();
      this.time.pass(next);
      this.time.step();
      await drain();
    }
    throw new Error("LIVE: the network never becomes quiet");
  }
}
