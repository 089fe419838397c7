/** A peer that says what the test wants it to say: one side of a memory link, by hand. */

import type { Link, ListenOptions } from "../../src/contract.js";
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
  #link: Link;
  #number = 0;

  constructor(link: Link) {
    this.#link = link;
    this.#listen(link);
  }
  get link(): Link {
    return this.#link;
  }
  /** Goes on over another link. The numbers of its frames go on as well. */
  move(link: Link): void {
    this.#link = link;
    this.closed = false;
    this.#listen(link);
  }
  #listen(link: Link): void {
    void (async () => {
      for await (const batch of link.received) {
        const text =
          typeof batch === "string" ? batch : new TextDecoder().decode(batch.subarray(4, 4 + new DataView(batch.buffer).getUint32(0)));
        this.heard.push(...(JSON.parse(text) as (readonly unknown[])[]));
      }
    })()
      .catch(() => undefined)
      .finally(() => {
        if (this.#link === link) this.closed = true;
      });
  }

  /** Sends a batch as it is. */
  raw(batch: string | Uint8Array): void {
    void this.#link.send(batch);
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
  /** Where it stands, as it says when a session goes on over another link. */
  get position(): { readonly next: number; readonly first: number } {
    const numbers = this.heard.map(([number]) => (typeof number === "number" ? number : 0));
    return { next: 1 + numbers.reduce((last, number) => Math.max(last, number), 0), first: 1 };
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
  /** How many have not settled. */
  pending(): number;
  /** With a guilty listener: the next link by which its victim has come back. */
  next(): Link | undefined;
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

export function sceneOf(
  given: Pick<Scene, "network" | "raw" | "listener" | "pingPong"> & Partial<Pick<Scene, "next">>,
  victim: Peer<unknown, unknown>,
): Scene {
  let pending = 0;
  return {
    next: () => undefined,
    ...given,
    victim: victim as Scene["victim"],
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
export async function stranger(options: ListenOptions = {}) {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>(options);
  const pingPong = await innocent(network, listener);
  const raw = new RawPeer(await network.address(listener.accept)({ signal: new AbortController().signal }));
  return { network, listener, pingPong, raw };
}

/** A hostile dialer that was admitted. */
export async function hostileDialer({ ready = true, ...options }: ListenOptions & { readonly ready?: boolean } = {}): Promise<Scene> {
  const there = await stranger(options);
  const { network, listener, raw } = there;
  raw.control(["hello", { version: 1, limits, credentials: null }]);
  await network.settle();
  if (!ready) return sceneOf(there, [...listener.connected][0] as Peer<unknown, unknown>);
  raw.say(["ready"]);
  const victim = (await listener.peers()).value as Peer<unknown, unknown>;
  await network.settle();
  return sceneOf(there, victim);
}

/** Somebody who dials a hostile listener, which has not answered yet; and a listener of this package beside it. */
export async function dialingOut() {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>();
  const pingPong = await innocent(network, listener);
  const links: Link[] = [];
  const dialed = dial<unknown, unknown>(network.address((link: Link) => void links.push(link)));
  dialed.catch(() => undefined);
  await network.settle();
  const next = (): Link | undefined => links.shift();
  return { network, listener, pingPong, raw: new RawPeer(next() as Link), dialed, next };
}

/** A hostile listener that has admitted a dialer of this package. */
export async function hostileListener(): Promise<Scene> {
  const { dialed, ...there } = await dialingOut();
  there.raw.control(["welcome", welcome]);
  const victim = await dialed;
  await there.network.settle();
  return sceneOf(there, victim);
}
