/**
 * Scripted programs, run again and again: in each run one link is cut at one frame, before that frame arrives or after, seen by both sides
 * at once or by nobody, and every law has to hold as if nothing had happened. Every frame of every program is tried, in both directions.
 * `CUT_ONLY="name"` runs the scenarios whose name contains that, and prints the frames of the first failure; `CUT_SEED=1` and so on let
 * everything happen in another order.
 */
import { afterAll, describe, expect, it } from "vitest";
import { scenarios } from "./scenarios.js";
import { type Cut, type FrameSeen, PerformError, perform, type Scenario } from "./stage.js";

const only = process.env.CUT_ONLY;
const order = Number(process.env.CUT_SEED ?? 0);
const chosen = scenarios.filter(({ name }) => name.includes(only ?? ""));
/** Of so many runs one has a second cut. */
const secondCutEvery = 5;
const sum = { scenarios: 0, frames: 0, runs: 0, twice: 0 };

/** Every way to cut at every frame. */
function* cutsAt(frames: readonly FrameSeen[]): Generator<Cut> {
  let count = 0;
  for (const { line, direction, index } of frames)
    for (const when of ["before", "after"] as const)
      for (const kind of ["clean", "half-open"] as const) {
        const cut = { line, direction, index, when, kind };
        yield cut;
        // The frames that follow are those of the resume: the second cut hits each of them in turn.
        if (++count % secondCutEvery === 0)
          yield { ...cut, again: { frames: 1 + ((count / secondCutEvery) % 9), kind: count % 2 === 0 ? "clean" : "half-open" } };
      }
}
function describeCut({ line, direction, index, when, kind, again }: Cut, text: string): string {
  const twice = again === undefined ? "" : `, and ${again.kind} ${again.frames} frames later`;
  return `line ${line} ${direction} ${index} ${text.slice(0, 60)}: ${kind} ${when}${twice}`;
}

/** The order of things depends on the scenario alone. Source: FNV-1a. */
function seedOf({ name }: Scenario): number {
  let hash = order;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}

/** @returns what broke a law */
async function cutEverywhere(scenario: Scenario): Promise<readonly string[]> {
  const seed = seedOf(scenario);
  const { frames } = await perform(scenario, seed, undefined);
  sum.scenarios++;
  sum.frames += frames.length;
  const failures: string[] = [];
  for (const cut of cutsAt(frames)) {
    const seen = frames.find(({ line, direction, index }) => line === cut.line && direction === cut.direction && index === cut.index);
    sum.runs++;
    try {
      const { trace, struck } = await perform(scenario, seed, cut);
      if (trace !== seen?.trace || struck === 0) throw new Error("the run was another one before its cut");
      if (struck === 2) sum.twice++;
    } catch (error) {
      failures.push(`${describeCut(cut, seen?.text ?? "")}: ${error instanceof Error ? error.message : String(error)}`);
      if (only !== undefined && failures.length === 1 && error instanceof PerformError)
        console.log(
          error.frames.map(({ line, direction, index, text }) => `${line} ${direction} ${index} ${text.slice(0, 120)}`).join("\n"),
        );
    }
  }
  return failures;
}

describe("every law holds when a link is cut at any frame of", () => {
  for (const scenario of chosen)
    it(scenario.name, { timeout: 120_000 }, async () => {
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 0; // errors are values here
      try {
        expect(await cutEverywhere(scenario)).toEqual([]);
      } finally {
        Error.stackTraceLimit = stackTraceLimit;
      }
    });

  afterAll(() => console.log(`${sum.scenarios} scenarios, ${sum.frames} frames, ${sum.runs} runs, ${sum.twice} with a second cut`));
});
