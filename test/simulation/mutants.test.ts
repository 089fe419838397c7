/** Is the simulator able to find bugs? Each listed bug is planted, and its seed has to find it; without the bug the same seed passes. */
import { describe, expect, it } from "vitest";
import { mutants } from "./mutants.js";
import { loadMutated } from "./mutated.js";

/** What a run came to: the law that it broke, or undefined. */
async function verdict(run: Promise<unknown>): Promise<string | undefined> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe("the simulator finds a planted bug that", () => {
  it.each(mutants)("$name", { timeout: 60_000 }, async (mutant) => {
    const mutated = await loadMutated(mutant);
    try {
      expect(await verdict(mutated.runSeed(mutant.seed))).toMatch(/^(ONE|RDV|CAP|SEL|CANCEL|CLOSE|LIVE|SETTLE|CLEAN|FIFO): /);
    } finally {
      await mutated.close();
    }
  });

  it("is not there without the change", { timeout: 60_000 }, async () => {
    const honest = await loadMutated(undefined);
    try {
      for (const { seed } of mutants) expect(await verdict(honest.runSeed(seed))).toBeUndefined();
    } finally {
      await honest.close();
    }
  });
});
