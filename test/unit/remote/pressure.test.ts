/** Honest peers at the limits: nothing is pulled in that nobody can take, and no session dies of what its peer is allowed to do. */
import { describe, expect, it } from "vitest";
import {
  ask,
  chan,
  type DialOptions,
  dial,
  type Link,
  type ListenOptions,
  type Peer,
  type SendChannel,
  trySelect,
} from "../../../src/node.js";
import type { SessionPeer } from "../../../src/peer.js";
import { memoryNetwork } from "../../../src/testing.js";

const MiB = 1024 * 1024;

/** The largest batch that each side has sent, in bytes. */
interface Largest {
  toListener: number;
  toDialer: number;
}
async function joined(options: { readonly listen?: ListenOptions; readonly dial?: DialOptions } = {}) {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>(options.listen);
  const largest: Largest = { toListener: 0, toDialer: 0 };
  const sizeOf = (batch: string | Uint8Array): number =>
    typeof batch === "string" ? new TextEncoder().encode(batch).length : batch.length;
  const measured = (link: Link, side: keyof Largest): void => {
    const send = link.send.bind(link);
    link.send = (batch) => {
      largest[side] = Math.max(largest[side], sizeOf(batch));
      return send(batch);
    };
  };
  const open = network.address((link) => {
    measured(link, "toDialer");
    listener.accept(link);
  });
  const dialer: Peer<unknown, unknown> = await dial<unknown, unknown>(open, options.dial);
  await network.settle();
  const accepted = (await listener.peers()).value as Peer<unknown, unknown> & SessionPeer;
  return { network, listener, dialer, accepted, largest };
}

describe("values that wait with their senders", () => {
  it("are not all fetched because there is room for one", async () => {
    const { network, listener, dialer, accepted } = await joined({ listen: { capacity: 1, limits: { maxQueuedBytes: MiB } } });
    let arrived = 0;
    const count = accepted.exchange.fetches;
    const done = count.done.bind(count);
    count.done = (key) => {
      arrived++;
      done(key);
    };
    const sends = Array.from({ length: 40 }, (_, index) => dialer.send(String(index).padEnd(MiB / 2, "x")));
    await network.settle();
    expect(arrived, "values pulled in").toBeLessThanOrEqual(4);
    for (let index = 0; index < 40; index++) {
      const got = await listener.receive();
      expect((got.value as string).startsWith(`${index}x`)).toBe(true);
    }
    await Promise.all(sends);
  });

  it("do not end the session when they are all wanted", async () => {
    const { dialer } = await joined({ listen: { capacity: 16, limits: { maxQueuedBytes: 256 * MiB } } });
    const sends = Array.from({ length: 12 }, () => dialer.send("x".repeat(8 * MiB)));
    expect((await Promise.allSettled(sends)).map(({ status }) => status)).toEqual(Array(12).fill("fulfilled"));
  });

  it("do not end the session when little may be kept for replay", async () => {
    const { dialer } = await joined({
      listen: { capacity: 200, limits: { maxFrameBytes: 4_096, maxValueBytes: 2_000 } },
      dial: { limits: { maxReplayBytes: 4_096 } },
    });
    const sends = Array.from({ length: 100 }, () => dialer.send("x".repeat(1_000)));
    expect((await Promise.allSettled(sends)).filter(({ status }) => status === "rejected")).toEqual([]);
  });
});

describe("an answer too many", () => {
  it("costs nobody the session when it is large and crosses the end of the question", async () => {
    const network = memoryNetwork({ delayMs: 10 });
    const listener = network.listen<unknown, unknown>();
    const dialing = dial<unknown, unknown>(network.address(listener.accept));
    await network.advance(200);
    const dialer = await dialing;
    const answer = ask(dialer.send as never, (reply) => ({ reply }));
    const receiving = listener.receive();
    await network.advance(50);
    const { reply } = (await receiving).value as { readonly reply: SendChannel<string> };
    const first = reply("first");
    await network.advance(15);
    const second = reply("x".repeat(100_000));
    await network.advance(300);
    expect(await answer).toBe("first");
    expect(dialer.status.state).toBe("connected");
    await Promise.all([first, second]);
  });
});

describe("a batch is never larger than the other side takes", () => {
  it("with a long text", async () => {
    const { network, accepted, largest } = await joined({ dial: { limits: { maxFrameBytes: 4_096, maxValueBytes: 1_024 } } });
    accepted.send.close(new Error("\u0001".repeat(1_000)));
    await network.settle();
    expect(largest.toDialer).toBeLessThanOrEqual(4_096);
  });

  it("with many ends", async () => {
    const { network, dialer, accepted, largest } = await joined({ dial: { limits: { maxFrameBytes: 8_192, maxValueBytes: 6_000 } } });
    const receiving = dialer.receive();
    await network.settle();
    accepted.send(Array.from({ length: 150 }, () => chan<unknown>(2 ** 31 - 1).receive)).catch(() => undefined);
    accepted.send("small").catch(() => undefined);
    await receiving;
    expect(largest.toDialer).toBeLessThanOrEqual(8_192);
  });
});

describe("the dialer's own receive end", () => {
  it("has what the listener sends to whoever asks first, in an attempt as well", async () => {
    const { network, listener, dialer } = await joined();
    void listener.send("merged" as never);
    await network.settle();
    expect(await trySelect({ next: dialer.receive })).toMatchObject({ case: "next", value: "merged" });
  });

  it("has it in a third process as well", async () => {
    const home = await joined();
    const user = await joined();
    void user.accepted.send([home.dialer.receive]);
    const [there] = (await user.dialer.receive()).value as readonly [typeof home.dialer.receive];
    let got: unknown;
    void there().then(({ value }) => {
      got = value;
    });
    void home.listener.send("merged" as never);
    for (let round = 0; round < 3; round++) {
      await user.network.settle();
      await home.network.settle();
    }
    expect(got).toBe("merged");
  });
});
