/** What session tests are written with: a link that does what it is told, and a session on a virtual clock. */

import type { Limits, Link } from "../../../src/contract.js";
import { defaultLimits } from "../../../src/limits.js";
import { type Finish, Session, type SessionOwner } from "../../../src/session/session.js";
import { VirtualTime } from "../../../src/transports/memory.js";
import { type Frame, readBatch } from "../../../src/wire/frame.js";

/** A link that keeps what was sent, and is congested when it is told to be. */
export class ScriptedLink implements Link {
  readonly transport = "scripted";
  readonly batches: (string | Uint8Array)[] = [];
  readonly closed: (string | undefined)[] = [];
  readonly received: AsyncIterable<string | Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
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
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

export interface Scene {
  readonly time: VirtualTime;
  readonly link: ScriptedLink;
  readonly session: Session;
  /** Numbered frames that the owner got. */
  readonly frames: Frame[];
  readonly finishes: Finish[];
  /** How often the owner was told that there is room again. */
  readonly drained: () => number;
  /** Lets time pass, and everything that is due happen. */
  pass(ms?: number): void;
  /** All frames sent so far, as JSON. */
  sent(): readonly (readonly unknown[])[];
  receive(...frames: readonly (readonly unknown[])[]): boolean;
}

export interface SceneOptions {
  readonly limits?: Partial<Limits>;
  readonly peerMaxFrameBytes?: number;
  readonly onFrame?: (frame: Frame) => void;
}

export function scene({
  limits = {},
  peerMaxFrameBytes = defaultLimits.maxFrameBytes,
  onFrame = () => undefined,
}: SceneOptions = {}): Scene {
  const time = new VirtualTime(1);
  const link = new ScriptedLink();
  const frames: Frame[] = [];
  const finishes: Finish[] = [];
  let drained = 0;
  const owner: SessionOwner = {
    frame: (frame) => {
      frames.push(frame);
      onFrame(frame);
    },
    drained: () => {
      drained++;
    },
    finished: (finish) => {
      finishes.push(finish);
    },
  };
  const session = new Session(time.host, link, owner, { ...defaultLimits, ...limits }, { maxFrameBytes: peerMaxFrameBytes });
  const pass = (ms = 0): void => {
    const until = time.now + ms;
    while (time.nextAt !== undefined && time.nextAt <= until) {
      time.pass(until);
      while (time.step());
    }
    time.pass(until);
  };
  const sent = (): readonly (readonly unknown[])[] =>
    link.batches.flatMap((batch) => {
      readBatch(batch); // whatever is sent has to be a batch
      return JSON.parse(typeof batch === "string" ? batch : textOf(batch)) as readonly (readonly unknown[])[];
    });
  return {
    time,
    link,
    session,
    frames,
    finishes,
    drained: () => drained,
    pass,
    sent,
    receive: (...list) => session.receive(JSON.stringify(list)),
  };
}

function textOf(batch: Uint8Array): string {
  return new TextDecoder().decode(batch.subarray(4, 4 + new DataView(batch.buffer, batch.byteOffset).getUint32(0)));
}

/** Numbered frames `from` to `to`, as the other side sends them. */
export function numbered(from: number, to: number): (readonly unknown[])[] {
  return Array.from({ length: to - from + 1 }, (_, index) => [from + index, "take", 2, from + index]);
}
