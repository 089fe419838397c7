/** A peer that says what the test wants it to say: one side of a memory link, by hand. */

import type { Link } from "../../src/contract.js";
import { dial, type Listener, type Peer } from "../../src/node.js";
import type { SessionPeer } from "../../src/peer.js";
import { type MemoryNetwork, memoryNetwork } from "../../src/testing.js";
import { mostFrames } from "../../src/wire/batch.js";

type Frames = readonly (readonly unknown[])[];

export const limits = {
  maxFrameBytes: 2 ** 24,
  maxValueBytes: 2 ** 23,
  maxQueuedBytes: 2 ** 22,
  maxChannels: 10_000,
  maxPendingOperations: 4_096,
};

/** What a listener says of itself and of a new session. */
export const welcome = {
  session: "0123456789abcdef".repeat(2),
  listener: "fedcba9876543210".repeat(2),
  token: "0123456789abcdef".repeat(4),
  capacity: 0,
  heartbeatMs: 15_000,
  resumeWindowMs: 120_000,
  limits,
};

export class RawPeer {
  /** All frames heard, and whether the link is over. */
  readonly heard: (readonly unknown[])[] = [];
  closed = false;
  #number = 0;

  constructor(readonly link: Link) {
    void (async () => {
      for await (const batch of link.received) {
        const text =
          typeof batch === "string" ? batch : new TextDecoder().decode(batch.subarray(4, 4 + new DataView(batch.buffer).getUint32(0)));
        this.heard.push(...(JSON.parse(text) as (readonly unknown[])[]));
      }
    })()
      .catch(() => undefined)
      .finally(() => {
        this.closed = true;
      });
  }

  /** Sends a batch as it is. */
  raw(batch: string | Uint8Array): void {
    void this.link.send(batch);
  }
  /** Control frames. */
  control(...frames: Frames): void {
    this.raw(JSON.stringify(frames));
  }
  /** Numbered frames, in as few batches as hold them. */
  say(...frames: Frames): void {
    for (let from = 0; from < frames.length; from += mostFrames)
      this.raw(JSON.stringify(frames.slice(from, from + mostFrames).map((frame) => [++this.#number, ...frame])));
  }
  /** The number of the next frame, for those who write it themselves. */
  next(): number {
    return ++this.#number;
  }
  /** The first frame of a type: its fields behind the type. */
  find(type: string): readonly unknown[] | undefined {
    const frame = this.heard.find((one) => one[0] === type || one[1] === type);
    return frame?.slice(frame.indexOf(type) + 1);
  }
}

/** One side that is netchan, one that is not, and somebody who does no wrong. */
export interface Scene {
  readonly network: MemoryNetwork;
  readonly raw: RawPeer;
  /** The session with the guilty peer, as its victim sees it. */
  readonly victim: Peer<unknown, unknown> & SessionPeer;
  readonly listener: Listener<unknown, unknown>;
  /** Sends a value there and back on the innocent's session. */
  pingPong(): Promise<void>;
  /** An operation of the victim that has to settle, one way or the other. */
  must(operation: Promise<unknown>): void;
  /** Names of what has not settled. */
  pending(): number;
}

async function innocent(network: MemoryNetwork, listener: Listener<unknown, unknown>): Promise<() => Promise<void>> {
  const here: Peer<unknown, unknown> = await dial<unknown, unknown>(network.address(listener.accept));
  const there = (await listener.peers()).value as Peer<unknown, unknown>;
  let round = 0;
  return async () => {
    const number = ++round;
    const sent = here.send(number);
    const got = await there.receive();
    const answered = there.send({ answer: got.value });
    const answer = (await here.receive()) as { readonly value: { readonly answer: number } };
    await Promise.all([sent, answered]);
    if (answer.value.answer !== number) throw new Error("the innocent peer got a wrong answer");
  };
}

function scene(
  network: MemoryNetwork,
  raw: RawPeer,
  victim: Peer<unknown, unknown>,
  listener: Listener<unknown, unknown>,
  pingPong: () => Promise<void>,
): Scene {
  let pending = 0;
  return {
    network,
    raw,
    victim: victim as Peer<unknown, unknown> & SessionPeer,
    listener,
    pingPong,
    must: (operation) => {
      pending++;
      const over = (): void => {
        pending--;
      };
      operation.then(over, over);
    },
    pending: () => pending,
  };
}

/** A link to a listener of this package, with nothing said yet. */
export async function stranger(options: { readonly capacity?: number } = {}) {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>(options);
  const pingPong = await innocent(network, listener);
  const raw = new RawPeer(await network.address(listener.accept)({ signal: new AbortController().signal }));
  return { network, listener, pingPong, raw };
}

/** A hostile dialer that was admitted. */
export async function hostileDialer(options: { readonly capacity?: number; readonly ready?: boolean } = {}): Promise<Scene> {
  const { network, listener, pingPong, raw } = await stranger(options);
  raw.control(["hello", { version: 1, limits, credentials: null }]);
  await network.settle();
  if (options.ready === false) return scene(network, raw, [...listener.connected][0] as Peer<unknown, unknown>, listener, pingPong);
  raw.say(["ready"]);
  const victim = (await listener.peers()).value as Peer<unknown, unknown>;
  await network.settle();
  return scene(network, raw, victim, listener, pingPong);
}

/** A hostile listener that has admitted a dialer of this package. */
export async function hostileListener(): Promise<Scene> {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>();
  const pingPong = await innocent(network, listener);
  let raw: RawPeer | undefined;
  const dialed = dial<unknown, unknown>(
    network.address((link) => {
      raw = new RawPeer(link);
    }),
  );
  await network.settle();
  if (raw === undefined) throw new Error("nobody dialed");
  raw.control(["welcome", welcome]);
  const victim = await dialed;
  await network.settle();
  return scene(network, raw, victim, listener, pingPong);
}
