/** Is the oracle able to find bugs? Each listed bug is planted, and its history has to find it; without the bug the same history passes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mutants } from "./mutants.js";
import { type Loader, makeLoader } from "./mutated.js";
import { firstFault } from "./run.js";

/** Where the code sends its frames otherwise than it did, delays fall otherwise, and another history finds the bug. */
const leeway = 500;

describe("the oracle finds a planted bug that", () => {
  let loader: Loader;
  beforeAll(async () => {
    loader = await makeLoader();
  }, 60_000);
  afterAll(() => loader.close());

  it.each(mutants)("$name", { timeout: 60_000 }, async (mutant) => {
    const mutated = await loader.load(mutant);
    const found = await mutated.firstFault(mutant.history, mutant.history + leeway);
    expect(found?.verdict.fault).toMatch(/^(ORDER|ONE|LIVE|SETTLE|CANCEL): |failed: /);
  });

  it("is not there without the change", { timeout: 60_000 }, async () => {
    for (const { history } of mutants) expect(await firstFault(history, history)).toBeUndefined();
  });
});
