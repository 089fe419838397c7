/** What session tests are written with: links that do what they are told, and a session on a virtual clock. */

import type { Limits, Link } from "../../../src/contract.js";
import type { Clock, Timer } from "../../../src/core/clock.js";
import type { NetchanError } from "../../../src/errors.js";
import { defaultLimits } from "../../../src/limits.js";
import { type Finish, type Position, Session, type SessionOwner } from "../../../src/session/session.js";
import { VirtualTime } from "../../../src/transports/memory.js";
import { readBatch } from "../../../src/wire/batch.js";
import type { Frame } from "../../../src/wire/frame.js";

type Result = IteratorResult<string | Uint8Array>;

/** A link that keeps what was sent, and is congested when it is told to be. */
export class ScriptedLink implements Link {
  readonly transport = "scripted";
  readonly batches: (string | Uint8Array)[] = [];
  /** How often it was closed, and why. */
  readonly closed: (string | undefined)[] = [];
  readonly received: AsyncIterable<string | Uint8Array> & AsyncIterator<string | Uint8Array> = {
    [Symbol.asyncIterator]: () => this.received,
    next: () =>
      new Promise((resolve, reject) => {
        this.#reader = { resolve, reject };
        this.#hand();
      }),
  };
  #reader: { resolve(result: Result): void; reject(error: Error): void } | undefined;
  readonly #coming: (Result | Error)[] = [];
  #congestion: { readonly over: Promise<void>; readonly settle: (failed: boolean) => void } | undefined;

  send(batch: string | Uint8Array): undefined | Promise<void> {
    this.batches.push(batch);
    return this.#congestion?.over;
  }
  close(reason?: string): void {
    this.closed.push(reason);
  }

  congest(): void {
    let settle = (_failed: boolean): void => undefined;
    const over = new Promise<void>((resolve, reject) => {
      settle = (failed) => (failed ? reject(new Error("the link failed")) : resolve());
    });
    this.#congestion = { over, settle };
  }
  async relieve(failed = false): Promise<void> {
    const congestion = this.#congestion;
    this.#congestion = undefined;
    congestion?.settle(failed);
    await microtasks();
  }

  /** Something arrives for whoever reads `received`. */
  async bring(...frames: readonly (readonly unknown[])[]): Promise<void> {
    await this.#come({ done: false, value: JSON.stringify(frames) });
  }
  async end(): Promise<void> {
    await this.#come({ done: true, value: undefined });
  }
  async fail(): Promise<void> {
    await this.#come(new Error("cut"));
  }
  async #come(result: Result | Error): Promise<void> {
    this.#coming.push(result);
    this.#hand();
    await microtasks();
  }
  #hand(): void {
    const reader = this.#reader;
    const [result] = this.#coming;
    if (reader === undefined || result === undefined) return;
    this.#reader = undefined;
    this.#coming.shift();
    if (result instanceof Error) reader.reject(result);
    else reader.resolve(result);
  }

  /** All frames sent over it so far, as JSON. */
  sent(): readonly (readonly unknown[])[] {
    return this.batches.flatMap((batch) => {
      readBatch(batch, defaultLimits.maxNodes); // whatever is sent has to be a batch
      return JSON.parse(typeof batch === "string" ? batch : textOf(batch)) as readonly (readonly unknown[])[];
    });
  }
}

/** Takes a batch to its end. @returns whether the session goes on */
export function take(session: Session, batch: string | Uint8Array): boolean {
  for (const _others of session.take(batch));
  return session.ended === undefined;
}

/** Lets promises that have settled be heard. */
export async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** Lets virtual time pass, and everything that is due happen. */
export function passTime(time: VirtualTime, ms = 0): void {
  const until = time.now + ms;
  while (time.nextAt !== undefined && time.nextAt <= until) {
    time.pass(until);
    while (time.step());
  }
  time.pass(until);
}

export interface Scene {
  readonly time: VirtualTime;
  /** The first link. */
  readonly link: ScriptedLink;
  readonly session: Session;
  /** Numbered frames that the owner got. */
  readonly frames: Frame[];
  readonly finishes: Finish[];
  /** Why the session lost its links, one after the other. */
  readonly suspensions: NetchanError[];
  /** How often the owner was told that there is room again … */
  readonly drained: () => number;
  /** … that there is a link … */
  readonly connected: () => number;
  /** … and that the other side is awake. */
  readonly awake: () => number;
  /** Lets time pass, and everything that is due happen. */
  pass(ms?: number): void;
  /** All frames sent so far over the first link, as JSON. */
  sent(): readonly (readonly unknown[])[];
  receive(...frames: readonly (readonly unknown[])[]): boolean;
  /** Goes on over another link; where the other side stands. */
  relink(position?: Position): ScriptedLink;
}

export interface SceneOptions {
  readonly limits?: Partial<Limits>;
  readonly peerMaxFrameBytes?: number;
  readonly heartbeatMs?: number;
  readonly asks?: boolean;
  readonly onFrame?: (frame: Frame) => void;
}

/** A session with its first link, over which it has said that it is there. */
export function scene({
  limits = {},
  peerMaxFrameBytes = defaultLimits.maxFrameBytes,
  heartbeatMs = 3_600_000,
  asks = false,
  onFrame = () => undefined,
}: SceneOptions = {}): Scene {
  const time = new VirtualTime(1);
  const link = new ScriptedLink();
  const frames: Frame[] = [];
  const finishes: Finish[] = [];
  const suspensions: NetchanError[] = [];
  const told = { drained: 0, connected: 0, awake: 0 };
  const owner: SessionOwner = {
    frame: (frame) => {
      frames.push(frame);
      onFrame(frame);
    },
    drained: () => {
      told.drained++;
    },
    suspended: (error) => {
      suspensions.push(error);
    },
    connected: () => {
      told.connected++;
    },
    awake: () => {
      told.awake++;
    },
    finished: (finish) => {
      finishes.push(finish);
    },
  };
  const session = new Session(owner, {
    host: time.host,
    limits: { ...defaultLimits, ...limits },
    peerLimits: { maxFrameBytes: peerMaxFrameBytes },
    heartbeatMs,
    asks,
  });
  const pass = (ms = 0): void => passTime(time, ms);
  session.attach(link, link.received);
  pass();
  link.batches.length = 0; // the acknowledgement of nothing that every link begins with
  return {
    time,
    link,
    session,
    frames,
    finishes,
    suspensions,
    drained: () => told.drained,
    connected: () => told.connected,
    awake: () => told.awake,
    pass,
    sent: () => link.sent(),
    receive: (...list) => take(session, JSON.stringify(list)),
    relink: (position) => {
      const next = new ScriptedLink();
      session.attach(next, next.received, position);
      return next;
    },
  };
}

function textOf(batch: Uint8Array): string {
  return new TextDecoder().decode(batch.subarray(4, 4 + new DataView(batch.buffer, batch.byteOffset).getUint32(0)));
}

/** Numbered frames `from` to `to`, as the other side sends them. */
export function numbered(from: number, to: number): (readonly unknown[])[] {
  return Array.from({ length: to - from + 1 }, (_, index) => [from + index, "take", 2, from + index]);
}

interface Armed {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that can stand still with its process: `sleep` passes time in which no timer fires. */
export class SleepyClock implements Clock {
  #now = 0;
  #timers: Armed[] = [];

  now(): number {
    return this.#now;
  }
  date(): Date {
    return new Date(this.#now);
  }
  start(ms: number, callback: () => void): Timer {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
      },
    };
  }
  get armed(): number {
    return this.#timers.length;
  }
  /** Nothing runs meanwhile. What has become due runs with the next `pass`, late. */
  sleep(ms: number): void {
    this.#now += ms;
  }
  pass(ms = 0): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].sort((one, other) => one.at - other.at);
      if (next === undefined || next.at > until) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }
}
