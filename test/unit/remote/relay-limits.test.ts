/**
 * Limits along a relay, where each session has its own: what the next process would not take fails where that is found, its sender is
 * told, and everything else goes on. No session ends for it, nothing is received twice, and the user's order stays.
 */
import { describe, expect, it } from "vitest";
import { chan, type Limits, type ReceiveChannel, select } from "../../../src/node.js";
import { userByHand } from "../../support/raw-beside-relay.js";
import { type Became, threeProcesses, watch } from "../../support/three-processes.js";

/** The user of these tests accepts values of 1,024 bytes. */
const small = { maxValueBytes: 1_024 };
const large = "x".repeat(2_000);

/** What a receiver got, in order; "large" stands for what was too large for the user. */
function collect(got: string[], received: Promise<{ readonly value?: unknown }>): void {
  received.then(
    ({ value }) => got.push(value === large ? "large" : String(value)),
    () => undefined,
  );
}

describe("a value too large for the user behind a relay", () => {
  it("is refused to its sender, and what the user took before it goes to nobody else", async () => {
    const { network, carry, broken } = await threeProcesses({ user: small });
    const { send, receive } = chan<unknown>();
    const there = await carry(receive);
    const [atUser, atHome]: [string[], string[]] = [[], []];
    collect(atUser, there());
    collect(atUser, there());
    await network.settle();
    const [first, second] = [watch(send("one")), watch(send(large))];
    await network.settle();
    collect(atHome, receive());
    await network.settle();
    expect([atUser, atHome]).toEqual([["one"], []]);
    expect([first.what, second.what, broken()]).toEqual(["done", "LIMIT_EXCEEDED", []]);
    void send("two");
    void send("three");
    await network.settle();
    expect([...atUser, ...atHome].sort()).toEqual(["one", "three", "two"]);
  });

  it.each([0, 10])("costs that value only: the user has the others in order, with capacity %i", async (capacity) => {
    const { network, carry, broken } = await threeProcesses({ user: small });
    const { send, receive } = chan<unknown>(capacity);
    const there = await carry(receive);
    const values = ["1", large, "2", large, large, "3", "4", large, "5"];
    const got: string[] = [];
    for (let asked = 0; asked < 3; asked++) collect(got, there());
    await network.settle();
    const sent = values.map((value) => watch(send(value)));
    await network.settle();
    expect(got).toEqual(["1", "2", "3"]);
    for (const next of ["4", "5"]) {
      collect(got, there());
      await network.settle();
      expect(got.at(-1)).toBe(next);
    }
    expect(broken()).toEqual([]);
    const told = (value: string): string => (value === large && capacity === 0 ? "LIMIT_EXCEEDED" : "done"); // a buffered one was fulfilled
    expect(sent.map(({ what }) => what)).toEqual(values.map(told));
    send.close();
    expect(await there()).toMatchObject({ done: true });
  });

  it.each([0, 10])("costs that value only when the user keeps changing its mind, with capacity %i", async (capacity) => {
    for (let seed = 1; seed <= 60; seed++) {
      const { network, carry, broken } = await threeProcesses({ user: small, seed, delayMs: [1, 12] });
      const { send, receive } = chan<unknown>(capacity);
      const there = await carry(receive);
      const values = Array.from({ length: 24 }, (_, index) => ((index * 7 + seed) % 3 === 0 ? large : String(index)));
      const sent: Became[] = [];
      const [atUser, waiting]: [string[], AbortController[]] = [[], []];
      for (const [index, value] of values.entries()) {
        sent.push(watch(send(value)));
        const controller = new AbortController();
        collect(atUser, there({ signal: controller.signal }));
        waiting.push(controller);
        if ((index * 5 + seed) % 4 === 0) for (const one of waiting.splice(0, 2)) one.abort(); // perhaps with an offer on its way to it
        await network.advance((index * 11 + seed) % 9);
      }
      for (let asked = 0; asked < values.length; asked++) {
        collect(atUser, there());
        await network.advance(80);
      }
      expect(broken(), `seed ${seed}`).toEqual([]);
      expect(atUser, `seed ${seed}`).toEqual(values.filter((value) => value !== large));
      const told = (value: string): string => (value === large && capacity === 0 ? "LIMIT_EXCEEDED" : "done");
      expect(
        sent.map(({ what }) => what),
        `seed ${seed}`,
      ).toEqual(values.map(told));
    }
  });

  it.each([0, 10])("costs that value only when the user declines what came behind it, with capacity %i", async (capacity) => {
    const { network, arrived, carry, broken } = await threeProcesses({ user: small, delayMs: [10, 10] });
    const { send, receive } = chan<unknown>(capacity);
    const there = await carry(receive);
    const [atUser, controllers]: [string[], AbortController[]] = [[], []];
    for (let asked = 0; asked < 4; asked++) {
      const controller = new AbortController();
      collect(atUser, there({ signal: controller.signal }));
      controllers.push(controller);
    }
    await network.advance(30);
    for (const value of ["1", large, "2", "3"]) watch(send(value));
    await network.advance(15); // the relay has passed on the first
    for (const controller of controllers.slice(1)) controller.abort();
    await network.advance(200);
    expect(atUser).toEqual(["1"]);
    const rest = [];
    for (const value of ["2", "3", "4"]) {
      if (value === "4") watch(send(value));
      rest.push((await arrived(there())).value);
    }
    expect([rest, broken()]).toEqual([["2", "3", "4"], []]);
  });

  it("may be had by another process that takes larger ones, if it asks first", async () => {
    const { network, carry, broken } = await threeProcesses({ user: small });
    const { send, receive } = chan<unknown>();
    const there = await carry(receive);
    const [atUser, atHome]: [string[], string[]] = [[], []];
    collect(atHome, receive());
    collect(atUser, there());
    await network.settle();
    const sent = [large, "1"].map((value) => watch(send(value)));
    await network.settle();
    expect([atHome, atUser, broken()]).toEqual([["large"], ["1"], []]);
    expect(sent.map(({ what }) => what)).toEqual(["done", "done"]);
  });
});

describe("a value too large for the home behind a relay", () => {
  // Short enough for the home in UTF-16 units, as its sender may count; too long for its batches in UTF-8.
  const limits: Partial<Limits> = { maxFrameBytes: 200 * 1_024, maxValueBytes: 190 * 1_024 };
  const long = "中".repeat(100_000);

  it("that was announced fails, and the home is sent nothing longer than it takes", async () => {
    const { network, carry, broken, seen } = await threeProcesses({ home: limits });
    const { send, receive } = chan<unknown>();
    const there = await carry(send);
    const sent = watch(there(long));
    const received = watch(receive());
    await network.settle();
    expect([sent.what, received.what, broken()]).toEqual(["LIMIT_EXCEEDED", "nothing", []]);
    await there("short");
    await network.advance(1_000);
    expect([received.what, broken()]).toEqual(["done", []]);
    expect(seen.longest).toBeLessThanOrEqual(200 * 1_024);
  });

  it("that a select was asked for fails it, and the home is sent nothing longer than it takes", async () => {
    const { network, carry, broken, seen } = await threeProcesses({ home: limits });
    const { send, receive } = chan<unknown>();
    const there = await carry(send);
    const received = watch(receive());
    const selected = watch(select({ there: [there, long], here: chan<unknown>().receive }));
    await network.settle();
    expect([selected.what, received.what, broken()]).toEqual(["LIMIT_EXCEEDED", "nothing", []]);
    await there("short");
    await network.advance(1_000);
    expect([received.what, broken()]).toEqual(["done", []]);
    expect(seen.longest).toBeLessThanOrEqual(200 * 1_024);
  });
});

describe("channel ends that pass a relay", () => {
  it("are counted together at their home, when several come in one value", async () => {
    const { network, toRelay, relayToUser, userToRelay, broken } = await threeProcesses({ home: { maxChannels: 7 } });
    const ends = await toRelay([chan<unknown>().send, chan<unknown>().send, chan<unknown>().send]);
    const sent = watch(relayToUser.send(ends));
    const received = userToRelay.receive();
    await network.settle();
    expect([sent.what, broken()]).toEqual(["LIMIT_EXCEEDED", []]);
    await relayToUser.send(ends.slice(0, 1)); // for one there is room
    expect(((await received).value as unknown[]).length).toBe(1);
    await network.settle();
    expect(broken()).toEqual([]);
  });

  it("are counted when the value that was announced with them is asked for", async () => {
    const { network, hand, userToRelay, relayToUser, broken } = await threeProcesses({ user: { maxChannels: 6 } });
    const { send, receive } = chan<unknown>();
    const there = await hand(userToRelay, relayToUser, send);
    const sent = Array.from({ length: 10 }, () => watch(there(["x".repeat(70_000), chan<unknown>().send])));
    await network.settle();
    const received: ReceiveChannel<unknown>[] = [];
    for (let asked = 0; asked < 10; asked++) void receive().then(({ value }) => received.push(value as ReceiveChannel<unknown>));
    await network.settle();
    expect(broken()).toEqual([]);
    const taken = sent.filter(({ what }) => what === "done").length;
    expect(received).toHaveLength(taken);
    expect(taken).toBeGreaterThan(0);
    expect(sent.filter(({ what }) => what === "LIMIT_EXCEEDED")).toHaveLength(10 - taken);
  });

  it("do not end the relay's session with the home when its user forks them more often than the home allows", async () => {
    const { send, receive } = chan<unknown>();
    const { end, say, states } = await userByHand(receive, { home: { limits: { maxChannels: 8 } } });
    const forks = Array.from({ length: 8 }, (_, index) => 5 + 2 * index);
    await say(...forks.map((fork) => ["fork", end, fork]));
    expect(states()).toEqual(["connected", "connected", "connected"]);
    const sent = watch(send("v"));
    await say(["limit", 5, 1]);
    await say(["take", 5, 1]);
    expect([sent.what, states()]).toEqual(["done", ["connected", "connected", "connected"]]);
  });
});

describe("operations that a user has at a relay beyond its limit", () => {
  it("of a select end its session, and leave nothing counted", async () => {
    const {
      network,
      end: _end,
      say,
      relayToUser,
      states,
    } = await userByHand(chan<unknown>().receive, { relay: { maxPendingOperations: 4 } });
    await say(["announce", 1, 1, 10], ["announce", 1, 2, 10], ["select", 1, Array.from({ length: 6 }, () => [2])]);
    await network.settle();
    expect(states()).toEqual(["connected", "connected", "ended"]);
    expect(relayToUser.stats()).toMatchObject({ operations: { here: 0 }, window: { used: 0 } });
  });

  it("of a relayed end end its session, and leave nothing counted there or at the home", async () => {
    const { network, end, say, relayToUser, relayToHome, homeToRelay, states } = await userByHand(chan<unknown>().send, {
      relay: { maxPendingOperations: 2 },
    });
    await say(["send", end, 1, 1, 1], ["send", end, 2, 1, 1], ["send", end, 3, 1, 1]);
    await network.settle();
    expect(states()).toEqual(["connected", "connected", "ended"]);
    expect(relayToUser.stats()).toMatchObject({ operations: { here: 0 }, window: { used: 0 } });
    expect(relayToHome.stats().operations).toEqual({ there: 0, here: 0 });
    expect(homeToRelay.stats()).toMatchObject({ operations: { here: 0 }, window: { used: 0 } });
  });
});
