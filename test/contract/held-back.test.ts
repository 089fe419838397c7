/**
 * A value that is still with its sender holds back those behind it. When that sender is gone they go with it: nobody receives what came
 * after a value that nobody will have. On a virtual clock, where every message takes 10 ms.
 */
import { dial } from "netchan";
import { type MemoryNetwork, memoryNetwork } from "netchan/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { noUnhandledRejections, range, take } from "./support.js";

const tripMs = 10;
/** Announced, and fetched when it is wanted. */
const large = "x".repeat(100_000);

let network: MemoryNetwork;
beforeEach(() => {
  network = memoryNetwork({ seed: 1, delayMs: [tripMs, tripMs] });
});

/** Time passes until it is there. */
async function arrived<T>(arriving: Promise<T>): Promise<T> {
  let pending = true;
  const over = (): void => {
    pending = false;
  };
  arriving.then(over, over);
  while (pending) await network.advance(1);
  return arriving;
}

/** A channel of the listener that a dialer sends to, in the midst of a large value: it was asked for and has not come. */
async function midway(capacity: number, reconnect?: false, trips = 1.5) {
  let allowed = true;
  const forbid = (): void => {
    allowed = false;
  };
  const server = network.listen({ heartbeatMs: 1_000, resumeWindowMs: 10_000, authorize: () => allowed });
  const far = await arrived(dial(network.address(server.accept), reconnect === false ? { reconnect } : {}));
  const near = (await arrived(server.peers())).value as typeof far;
  const here = server.channel<string>("log", { allow: "send", capacity });
  const { send } = far.channel<string>("log");
  await arrived(Promise.all([take(here.receive), send("known to the other side")]));

  const receives = range(3).map(() => take(here.receive));
  const settled: string[] = [];
  for (const value of ["large", ...range(12).map((n) => `behind it ${n}`)])
    send(value === "large" ? large : value).then(
      () => settled.push(`${value}: sent`),
      (error: { readonly code: string }) => settled.push(`${value}: ${error.code}`),
    );
  await network.advance(trips * tripMs);
  return { server, near, far, here, receives, settled, forbid };
}

/** What the first of those who wait gets when somebody else sends. */
async function firstOf({ receives, here }: Awaited<ReturnType<typeof midway>>): Promise<string> {
  for (const _ of receives) here.send("of somebody else");
  const [first] = await arrived(Promise.all(receives));
  return first === large ? "large" : (first ?? "nothing");
}

const inOrder = ["large", ...range(12).map((n) => `behind it ${n}`)];

describe.each([0, 1, 8])("what waits behind a large value, at a channel of capacity %i,", (capacity) => {
  noUnhandledRejections();

  it("comes after it", async () => {
    const all = await midway(capacity);
    expect(await firstOf(all)).toBe("large");
    all.far.abort();
  });

  it("is not sent before it", async () => {
    const all = await midway(capacity, undefined, 2.9);
    expect(all.settled).toEqual([]);
    all.far.abort();
  });

  it("goes with its sender, whose session is lost", async () => {
    const all = await midway(capacity, false);
    network.cut();
    await arrived(all.far.ended);
    await network.settle();
    expect(await firstOf(all)).toBe("of somebody else");
    expect(all.settled).toEqual(inOrder.map((value) => `${value}: SESSION_LOST`));
  });

  it("is never received without it, whenever the session is lost", async () => {
    for (const moment of range(30)) {
      const { far, here, receives, settled } = await midway(capacity, false, moment / 5);
      network.cut();
      await arrived(far.ended);
      network.heal();
      for (const _ of range(16)) receives.push(take(here.receive));
      for (const _ of receives) here.send("of somebody else");
      const received = (await arrived(Promise.all(receives))).filter((value) => value !== "of somebody else");
      const names = received.map((value) => (value === large ? "large" : value));
      expect(names, `after ${moment / 5} trips`).toEqual(inOrder.slice(0, names.length));
      // A fulfilled send has been received; at this channel nothing else could be said of it.
      expect(inOrder.slice(0, names.length)).toEqual(
        expect.arrayContaining(settled.filter((fate) => fate.endsWith(": sent")).map((fate) => fate.slice(0, -6))),
      );
    }
  });

  it("goes with its sender, to whom this side says goodbye", async () => {
    const all = await midway(capacity);
    await arrived(all.near.close({ drainMs: 0 }));
    expect(await firstOf(all)).toBe("of somebody else");
    expect(all.settled).toEqual(inOrder.map((value) => `${value}: SESSION_CLOSED`));
  });

  it("goes with its sender, who leaves", async () => {
    const all = await midway(capacity);
    await arrived(all.far.close({ drainMs: 0 }));
    expect(await firstOf(all)).toBe("of somebody else");
    expect(all.settled).toEqual(inOrder.map((value) => `${value}: SESSION_CLOSED`));
  });

  it("goes with its sender, who may not send any more", async () => {
    const all = await midway(capacity);
    all.forbid();
    network.cut();
    network.heal();
    await network.advance(1_000);
    expect(await firstOf(all)).toBe("of somebody else");
    expect(all.settled).toEqual(inOrder.map((value) => `${value}: CHANNEL_REFUSED`));
  });
});
