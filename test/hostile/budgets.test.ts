/** What a session may do in a while, and what all sessions of a listener may hold: at the limit, and beyond it. */
import { describe, expect, it } from "vitest";
import { Budget, type Holder } from "../../src/budget.js";
import { defaultLimits } from "../../src/limits.js";
import { dial, type Peer } from "../../src/node.js";
import type { SessionPeer } from "../../src/peer.js";
import { type MemoryNetwork, memoryNetwork } from "../../src/testing.js";
import { VirtualTime } from "../../src/transports/memory.js";
import { hostileDialer, type RawPeer } from "./raw-peer.js";

const KiB = 1024;
const MiB = 1024 * KiB;

describe("maxSubscriptions", () => {
  const subscribe = (from: number, count: number): (readonly unknown[])[] =>
    Array.from({ length: count }, (_, index) => ["subscribe", from + 2 * index, "news", 1, "drop-oldest"]);

  it("lets in as many, and ends one more, not the session", async () => {
    const { raw, network, listener, victim } = await hostileDialer({ limits: { maxSubscriptions: 3 } });
    const topic = listener.topic("news", { allow: "subscribe" });
    raw.say(...subscribe(5, 4));
    await network.settle();
    expect(raw.heard.filter(([, type]) => type === "done").map(([, , ...fields]) => fields)).toEqual([
      [11, "LIMIT_EXCEEDED", "the session has 3 subscriptions, and may have no more"],
    ]);
    raw.say(...[5, 7, 9].map((id) => ["limit", id, 1]));
    await topic.publish("one");
    await network.settle();
    expect(raw.heard.filter(([, type]) => type === "offer").map(([, , id]) => id)).toEqual([5, 7, 9]);
    expect(victim.status.state).toBe("connected");
  });
  it("has room for another when one was let go of", async () => {
    const { raw, network, listener } = await hostileDialer({ limits: { maxSubscriptions: 1 } });
    listener.topic("news", { allow: "subscribe" });
    for (let id = 5; id < 45; id += 2) raw.say(["subscribe", id, "news", 1, "drop-oldest"], ["release", id, 1]);
    raw.say(["subscribe", 45, "news", 1, "drop-oldest"]);
    await network.settle();
    expect(raw.find("done")).toBe(undefined);
    raw.say(["subscribe", 47, "news", 1, "drop-oldest"], ["subscribe", 49, "nothing", 1, "wait"], ["release", 45, 1]);
    await network.settle();
    expect(raw.heard.filter(([, type]) => type === "done").map(([, , id]) => id)).toEqual([47, 49]);
    raw.say(["subscribe", 51, "news", 1, "drop-oldest"]); // what was refused takes no place
    await network.settle();
    expect(raw.heard.filter(([, type]) => type === "done")).toHaveLength(2);
  });
});

describe("maxOpensPerSecond", () => {
  const open = (from: number, count: number): (readonly unknown[])[] =>
    Array.from({ length: count }, (_, index) => ["open", from + 2 * index, "jobs", "send"]);
  /** How long a ping waits behind what was said, milliseconds. */
  async function delayOf(raw: RawPeer, network: MemoryNetwork): Promise<number> {
    raw.control(["ping", 7]);
    await network.settle();
    for (let ms = 0; ; ms++) {
      if (raw.find("pong") !== undefined) return ms;
      await network.advance(1);
    }
  }

  it("takes five seconds' worth at once", async () => {
    const { raw, network, listener } = await hostileDialer({ limits: { maxOpensPerSecond: 10 } });
    listener.channel("jobs", { allow: "send" });
    raw.say(...open(5, 50));
    expect(await delayOf(raw, network)).toBe(0);
  });
  it("waits before it reads on behind what comes too fast", async () => {
    const { raw, network, listener, victim, pingPong } = await hostileDialer({ limits: { maxOpensPerSecond: 10 } });
    listener.channel("jobs", { allow: "send" });
    raw.say(...open(5, 51));
    expect(await delayOf(raw, network)).toBe(100);
    await pingPong();
    expect(victim.status.state).toBe("connected");
  });
  it("counts those that were given back at once, and subscriptions", async () => {
    const { raw, network, listener } = await hostileDialer({ limits: { maxOpensPerSecond: 10 } });
    listener.topic("news", { allow: "subscribe" });
    raw.say(
      ...open(5, 60).flatMap(([, id]) => [
        ["subscribe", id, "news", 1, "wait"],
        ["release", id, 1],
      ]),
    );
    expect(await delayOf(raw, network)).toBe(1_000);
  });
  it("forgets with time", async () => {
    const { raw, network, listener } = await hostileDialer({ limits: { maxOpensPerSecond: 10 } });
    listener.channel("jobs", { allow: "send" });
    raw.say(...open(5, 50));
    await network.advance(2_000);
    raw.say(...open(105, 20));
    await network.settle();
    expect(await delayOf(raw, network)).toBe(0);
  });
  it("does not take a session that is made to wait for one that is silent", async () => {
    const { raw, network, listener, victim } = await hostileDialer({
      limits: { maxOpensPerSecond: 1, maxChannels: 1_000 },
      heartbeatMs: 1_000,
    });
    listener.channel("jobs", { allow: "send" });
    raw.say(...open(5, 60));
    await network.advance(30_000);
    expect(victim.status.state).toBe("connected");
  });
});

describe("maxHeldBytes", () => {
  const limits = { maxHeldBytes: MiB, maxQueuedBytes: 128 * KiB, maxReplayBytes: 64 * KiB };
  /** A listener to which everybody has sent 100 KiB that nobody receives. */
  async function holding(count: number) {
    const network = memoryNetwork();
    const listener = network.listen<unknown, unknown>({ limits, resumeWindowMs: 60_000 });
    const lost: (() => void)[] = [];
    const join = async (): Promise<Peer<unknown, unknown>> => {
      const address = network.address(listener.accept);
      const peer = dial<unknown, unknown>(async (options) => {
        const link = await address(options);
        lost.push(() => link.close());
        return link;
      });
      peer.catch(() => undefined);
      await network.settle();
      return await peer;
    };
    for (let number = 0; number < count; number++) {
      const peer = await join();
      for (let part = 0; part < 4; part++) peer.send("x".repeat(25 * KiB - 2)).catch(() => undefined);
      await network.settle();
    }
    const near = [...listener.connected] as unknown as (Peer<unknown, unknown> & SessionPeer)[];
    return { network, listener, join, near, lost };
  }
  const ended = (near: readonly SessionPeer[]): number => near.filter(({ status }) => status.state === "ended").length;

  it("lets sessions hold as much together", async () => {
    const { network, near } = await holding(10);
    const held = near.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    expect(held / KiB).toBeGreaterThan(999);
    expect(held).toBeLessThanOrEqual(MiB);
    await network.advance(5_000);
    expect(ended(near)).toBe(0);
  });
  it("ends as few as it has to when they hold more, and the others go on", async () => {
    const { network, near } = await holding(11); // the eleventh comes before anybody has looked
    await network.advance(5_000);
    expect(ended(near)).toBe(1);
    const gone = near.find(({ status }) => status.state === "ended");
    expect((await gone?.ended)?.error?.code).toBe("LIMIT_EXCEEDED");
    for (const peer of near) if (peer !== gone) expect((await peer.receive()).done).toBe(false);
  });
  it("ends those without a link first", async () => {
    const { network, near, lost } = await holding(11);
    lost[4]?.();
    await network.advance(1_500);
    expect(near.map(({ status }) => status.state === "ended").indexOf(true)).toBe(4);
    expect(ended(near)).toBe(1);
  });
  it("has no room for new sessions from nine tenths on, and has it again", async () => {
    const { network, near, join } = await holding(10);
    await network.advance(1_000);
    await expect(join()).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    for (const peer of near.slice(0, 2)) for (let part = 0; part < 4; part++) await peer.receive();
    await network.advance(1_000);
    expect((await join()).status.state).toBe("connected");
  });
  it("is looked at while the limits of the sessions alone do not keep it", () => {
    const time = new VirtualTime(1);
    const session = { linked: true, fail: () => undefined };
    const live = new Set<Holder>();
    const budget = new Budget({ ...defaultLimits, ...limits }, live); // each may hold 2 × 128 + 64 KiB
    for (let number = 0; number < 3; number++) live.add({ heldBytes: MiB, session });
    budget.watch(time.host);
    expect(time.nextAt).toBe(undefined);
    const fourth = { heldBytes: MiB, session };
    live.add(fourth);
    const look = (): boolean => {
      time.pass(Number.POSITIVE_INFINITY);
      time.step();
      return budget.isTight;
    };
    budget.watch(time.host);
    expect(look()).toBe(true);
    live.delete(fourth);
    expect(look()).toBe(false);
    expect(time.nextAt).toBe(undefined);
    live.add(fourth);
    budget.watch(time.host);
    budget.close();
    expect(time.nextAt).toBe(undefined);
  });
  it("may be held to the last byte; frames that are kept count", () => {
    const time = new VirtualTime(1);
    const failed: number[] = [];
    const holder = (number: number, heldBytes: number): Holder => ({
      heldBytes,
      session: { linked: true, fail: () => void failed.push(number) },
    });
    const live = new Set([MiB / 2, 1, MiB / 4, MiB / 4 - 1].map((bytes, number) => holder(number, bytes)));
    const budget = new Budget({ ...defaultLimits, ...limits }, live);
    const look = (): void => {
      budget.watch(time.host);
      time.pass(Number.POSITIVE_INFINITY);
      time.step();
    };
    look();
    expect(failed).toEqual([]);
    live.add(holder(4, 1));
    look();
    expect(failed).toEqual([0]); // the one that holds most
  });
  it("counts what a listener keeps for those who acknowledge nothing", async () => {
    const { raw, network, victim } = await hostileDialer();
    raw.say(["limit", 2, 10]);
    await network.settle();
    const before = victim.heldBytes;
    victim.send("x".repeat(1_000)).catch(() => undefined);
    await network.settle();
    expect(victim.heldBytes - before).toBeGreaterThan(1_000);
  });
});
