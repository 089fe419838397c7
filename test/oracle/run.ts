/** Histories by their numbers: 1 to 25 are those of world 1, and so on. A fault is told with a program that is as short as possible. */
import { check, type Verdict } from "./checker.js";
import { describeHistory, type History } from "./history.js";
import { type Program, smaller } from "./programs.js";
import { World } from "./world.js";

/** So many histories happen in one world, one after the other: making a world takes longer than they do. */
const historiesInWorld = 25;

export interface Trial {
  readonly number: number;
  readonly program: Program;
  readonly history: History;
  readonly verdict: Verdict;
}

const worldOf = (number: number): number => Math.ceil(number / historiesInWorld);

/** The histories from one number to another. */
export async function* trials(first: number, last: number): AsyncGenerator<Trial, void, void> {
  for (let seed = worldOf(first); seed <= worldOf(last); seed++) {
    const world = await World.open(seed);
    for (let number = (seed - 1) * historiesInWorld + 1; number <= Math.min(last, seed * historiesInWorld); number++) {
      const program = world.generator.program(world.processes);
      const history = await world.run(program);
      if (number >= first) yield { number, program, history, verdict: check(history) };
    }
  }
}

/** The first fault among those histories. */
export async function firstFault(first: number, last: number): Promise<Trial | undefined> {
  for await (const trial of trials(first, last)) if (trial.verdict.fault !== undefined) return trial;
  return undefined;
}

/** Attempts at one program, each with other delays. */
const attempts = 20;

async function fails(program: Program, seed: number): Promise<History | undefined> {
  const world = await World.open(seed);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const history = await world.run(program);
    if (check(history).fault !== undefined) return history;
  }
  return undefined;
}

/** Leaves out of a program what its fault does not need. */
export async function shortest({ number, program, history }: Trial): Promise<History> {
  let best = { program, history };
  for (let shorter = true; shorter; ) {
    shorter = false;
    for (const candidate of smaller(best.program)) {
      const failed = await fails(candidate, worldOf(number));
      if (failed === undefined) continue;
      best = { program: candidate, history: failed };
      shorter = true;
      break;
    }
  }
  return best.history;
}

export async function report(failed: Trial): Promise<string> {
  const least = await shortest(failed);
  return [
    `history ${failed.number}: ${failed.verdict.fault}`,
    describeHistory(failed.history),
    `shortest (${check(least).fault}):`,
    describeHistory(least),
  ].join("\n");
}
