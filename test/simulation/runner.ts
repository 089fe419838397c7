/**
 * Runs seeds in a process of its own and reports to its parent: `runner.ts first last`. The parent starts one for each core.
 * Every hundredth seed is run twice: two runs of a seed have the same trace.
 */
import type { Coverage } from "./faults.js";
import { type Report, runSeed } from "./program.js";

export interface Tally {
  readonly failed: readonly string[];
  readonly seeds: number;
  readonly twice: number;
  readonly sums: Readonly<Record<"events" | "operations" | "selects" | "faults" | "resumes" | "lost" | "inDoubt", number>>;
  readonly coverage: readonly (readonly [string, number])[];
  readonly slowest: { readonly seed: number; readonly ms: number };
}

export const emptyTally: Tally = {
  failed: [],
  seeds: 0,
  twice: 0,
  sums: { events: 0, operations: 0, selects: 0, faults: 0, resumes: 0, lost: 0, inDoubt: 0 },
  coverage: [],
  slowest: { seed: 0, ms: 0 },
};

function addUp(
  left: readonly (readonly [string, number])[],
  right: Iterable<readonly [string, number]>,
): readonly (readonly [string, number])[] {
  const sum = new Map(left);
  for (const [key, count] of right) sum.set(key, (sum.get(key) ?? 0) + count);
  return [...sum];
}

export function add(left: Tally, right: Tally): Tally {
  const names = Object.keys(left.sums) as (keyof Tally["sums"])[];
  return {
    failed: [...left.failed, ...right.failed],
    seeds: left.seeds + right.seeds,
    twice: left.twice + right.twice,
    sums: Object.fromEntries(names.map((name) => [name, left.sums[name] + right.sums[name]])) as Tally["sums"],
    coverage: addUp(left.coverage, right.coverage),
    slowest: left.slowest.ms > right.slowest.ms ? left.slowest : right.slowest,
  };
}

/** One seed, checked. */
export async function tallySeed(seed: number): Promise<Tally> {
  const begun = performance.now();
  let failure: string | undefined;
  let report: Report | undefined;
  const again = seed % 100 === 0;
  try {
    report = await runSeed(seed);
    if (again && (await runSeed(seed)).trace !== report.trace) failure = "two runs of it differ";
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const coverage: Coverage = report?.coverage ?? new Map();
  const { events = 0, operations = 0, selects = 0, faults = 0, resumes = 0, lost = 0, inDoubt = 0 } = report ?? {};
  return {
    failed: failure === undefined ? [] : [`seed ${seed}: ${failure}`],
    seeds: 1,
    twice: again ? 1 : 0,
    sums: { events, operations, selects, faults, resumes, lost, inDoubt },
    coverage: [...coverage],
    slowest: { seed, ms: performance.now() - begun },
  };
}

/** So many seeds between two reports. */
const chunk = 250;

const [first, last] = process.argv.slice(2).map(Number);
if (process.send !== undefined && first !== undefined && last !== undefined) {
  Error.stackTraceLimit = 0; // errors are values here, by the million
  for (let from = first; from <= last; from += chunk) {
    let tally = emptyTally;
    for (let seed = from; seed < from + chunk && seed <= last; seed++) tally = add(tally, await tallySeed(seed));
    process.send(tally);
  }
  process.disconnect();
}
