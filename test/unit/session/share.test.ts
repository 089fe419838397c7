/** The turns of one session and of the others. */
import { describe, expect, it } from "vitest";
import type { Host } from "../../../src/session/host.js";
import { Share } from "../../../src/session/share.js";

/** A share whose clock stands where the test puts it; what it waits for is written down. */
function shared() {
  const at = { now: 1_000 };
  const waits: (number | "turn")[] = [];
  const clock = {
    now: () => at.now,
    date: () => new Date(0),
    start: (ms: number, callback: () => void) => {
      waits.push(ms);
      at.now += ms;
      callback();
      return { cancel: () => undefined };
    },
  };
  const defer = (callback: () => void): void => {
    waits.push("turn");
    callback();
  };
  const share = new Share({ clock, defer } as unknown as Host);
  const work = (ms: number): void => {
    at.now += ms;
  };
  return { share, waits, work };
}

describe("a session's share", () => {
  it("is over after 256 KiB, or as many frames as count for that, and then begins anew", () => {
    const { share } = shared();
    share.batch(256 * 1024 - 1);
    expect([share.frame(), share.frame()]).toEqual([false, true]);
    for (let round = 0; round < 3; round++) {
      for (let frame = 1; frame < 256; frame++) expect(share.frame()).toBe(false);
      expect(share.frame()).toBe(true);
    }
  });
  it("gives others a turn after 10 ms of work, and 8 times as long after more", async () => {
    for (const [ms, wait] of [
      [0, "turn"],
      [10, "turn"],
      [11, 88],
      [100, 800],
      [125, 1_000],
      [9_000, 1_000],
    ] as const) {
      const { share, waits, work } = shared();
      share.batch(10);
      work(ms);
      expect(share.isLong).toBe(ms > 10);
      await share.others();
      expect(waits).toEqual([wait]);
      expect(share.isLong).toBe(false);
    }
  });
  it("counts neither the turns of others nor the time between batches as work", async () => {
    const { share, waits, work } = shared();
    share.batch(10);
    work(9);
    await share.others();
    work(9);
    await share.others();
    work(1_000); // nothing came
    share.batch(10);
    await share.others();
    expect(waits).toEqual(["turn", "turn", "turn"]);
  });
  it("waits for what came too fast, once, and for the longer of both", async () => {
    const { share, waits, work } = shared();
    share.batch(10);
    share.slow(500);
    share.slow(300);
    expect(share.frame()).toBe(true);
    await share.others();
    work(30);
    share.slow(100);
    await share.others();
    await share.others();
    expect(waits).toEqual([500, 240, "turn"]);
  });
});
