/**
 * Thousands of made-up programs on made-up networks, each law checked in each. `SIM_SEEDS=1000000 npx vitest run test/simulation` runs more,
 * `SIM_FROM=7 SIM_SEEDS=1` one again. A seed that fails is printed; once its bug is mended it is kept in `seeds.ts`.
 */
import { describe, expect, it } from "vitest";
import { runSeed } from "./program.js";
import { seedsOfMendedBugs } from "./seeds.js";

const seeds = Number(process.env.SIM_SEEDS ?? 20_000);
const from = Number(process.env.SIM_FROM ?? 1);
/** So many runs a test, so that a failure is found soon and each test stays short. */
const chunk = 2_000;

async function failures(
  run: Iterable<number>,
): Promise<{ readonly failed: readonly string[]; readonly events: number; readonly selects: number; readonly cuts: number }> {
  const failed: string[] = [];
  let [events, selects, cuts] = [0, 0, 0];
  for (const seed of run) {
    try {
      const report = await runSeed(seed);
      events += report.events;
      selects += report.selects;
      cuts += report.cuts;
    } catch (error) {
      failed.push(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { failed, events, selects, cuts };
}

function* range(first: number, last: number): Generator<number> {
  for (let seed = first; seed <= last; seed++) yield seed;
}

describe("every law holds", () => {
  it("in the seeds that once found a bug", async () => {
    expect((await failures(seedsOfMendedBugs)).failed).toEqual([]);
  });

  for (let first = from; first < from + seeds; first += chunk) {
    const last = Math.min(first + chunk, from + seeds) - 1;
    it(`in seeds ${first} to ${last}`, { timeout: 600_000 }, async () => {
      const { failed, events, selects, cuts } = await failures(range(first, last));
      expect(failed).toEqual([]);
      expect(events).toBeGreaterThan(last - first);
      console.log(`seeds ${first}–${last}: ${events} events, ${selects} selects, ${cuts} cuts, no violation`);
    });
  }
});

describe("the simulator", () => {
  it("repeats a run exactly from its seed", async () => {
    for (const seed of [3, 14, 15, 92, 65]) expect(await runSeed(seed)).toEqual(await runSeed(seed));
  });
});
