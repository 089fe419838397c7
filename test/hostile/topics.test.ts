/** What hostile subscribers may cost the others, and the memory of the listener. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../src/limits.js";
import { dial } from "../../src/node.js";
import { hostileDialer } from "./raw-peer.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heapMiB = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

describe.each([
  ["asks for nothing", []],
  ["asks for much and answers nothing", [["limit", 5, 4_096]]],
  [
    "asks for much and takes it back for ever",
    [
      ["limit", 5, 4_096],
      ["decline", 5, 1, 1],
      ["limit", 5, 4_096],
    ],
  ],
] as const)("a subscriber that %s", (_what, frames) => {
  it.each(["drop-oldest", "drop-newest", "wait"] as const)("leaves 1,000 others served, with %s", async (policy) => {
    const { network, raw, listener } = await hostileDialer();
    const topic = listener.topic<number>("news", { allow: "subscribe", whenFull: policy === "wait" ? "wait" : "drop-oldest" });
    raw.say(["subscribe", 5, "news", 100_000, policy], ...frames);
    const others = [];
    for (let count = 0; count < 1_000; count++) {
      const dialing = dial(network.address(listener.accept));
      await network.settle();
      others.push((await dialing).topic<number>("news").subscribe({ capacity: 4 }));
    }
    await network.settle();
    const published = [1, 2, 3].map((value) => topic.publish(value));
    await network.settle();
    for (const subscription of others) for (const value of [1, 2, 3]) expect(await subscription()).toMatchObject({ value });
    // Only publishers wait for it, and only where the topic says so; without a link, or after its session, not even they.
    if (policy === "wait") raw.link.close();
    if (policy === "wait") await network.advance(200_000);
    await Promise.all(published);
  });
});

it("subscriptions that are never read keep one window of values for all, not for each", async () => {
  const { network, raw, listener } = await hostileDialer();
  const topic = listener.topic<string>("news", { allow: "subscribe" });
  raw.say(...Array.from({ length: 500 }, (_, index) => ["subscribe", 5 + 2 * index, "news", 4_096, "drop-oldest"]));
  await network.settle();
  const before = heapMiB();
  for (let count = 0; count < 400; count++) await topic.publish(`${count}`.padEnd(100_000, "."));
  const more = heapMiB() - before;
  expect(more).toBeGreaterThan(1);
  // A value and the text that is written of it.
  expect(more).toBeLessThan((4 * defaultLimits.maxQueuedBytes) / 2 ** 20);
  raw.link.close();
  await network.advance(200_000);
});
