/**
 * Runs the contenders of a row in turns, A B C A B C, so that whatever else the machine does meets all of them.
 * Every contender is warmed up and given as many exchanges as take about `runMs`.
 */
import type { Entry, Row } from "./contender.js";
import { Pair } from "./pair.js";

export interface Plan {
  /** Times that new processes are started. */
  readonly launches: number;
  /** Runs of each in one launch. */
  readonly rounds: number;
  readonly runMs: number;
  readonly warmMs: number;
}
export const fullPlan: Plan = { launches: 3, rounds: 5, runMs: 1000, warmMs: 1000 };
export const quickPlan: Plan = { launches: 1, rounds: 5, runMs: 120, warmMs: 300 };

export interface Measured {
  readonly name: string;
  /** In the unit of the row, one for each run. */
  readonly samples: readonly number[];
  readonly failure?: string;
}

interface Lane {
  readonly entry: Entry;
  readonly samples: number[];
  pair: Pair | undefined;
  count: number;
  failure: string | undefined;
}

export async function measure(row: Row, plan: Plan): Promise<readonly Measured[]> {
  const lanes = row.entries.map((entry): Lane => ({ entry, samples: [], pair: undefined, count: 0, failure: undefined }));
  for (let launch = 0; launch < plan.launches; launch++) {
    const standing = lanes.filter((lane) => lane.failure === undefined);
    await Promise.all(
      standing.map((lane) =>
        guard(lane, async () => {
          lane.pair = await Pair.start(row, lane.entry);
        }),
      ),
    );
    for (const lane of standing)
      await guard(lane, async () => {
        if (lane.pair !== undefined) lane.count = await calibrate(lane.pair, plan);
      });
    for (let round = 0; round < plan.rounds; round++)
      for (const lane of standing)
        await guard(lane, async () => {
          if (lane.pair !== undefined) lane.samples.push(row.unit.of(lane.count, await lane.pair.run(lane.count)));
        });
    await Promise.all(lanes.map((lane) => lane.pair?.stop()));
    for (const lane of lanes) lane.pair = undefined;
  }
  return lanes.map(({ entry, samples, failure }) => ({ name: entry.name, samples, ...(failure !== undefined && { failure }) }));
}

/** One that fails leaves the row; the others go on. */
async function guard(lane: Lane, act: () => Promise<void>): Promise<void> {
  if (lane.failure !== undefined) return;
  try {
    await act();
  } catch (error) {
    lane.failure = error instanceof Error ? error.message : String(error);
  }
}

/** @returns how many exchanges take `runMs`, known after at least `warmMs` of them */
export async function calibrate(pair: Pair, { runMs, warmMs }: Pick<Plan, "runMs" | "warmMs">): Promise<number> {
  let count = 32;
  for (let spentMs = 0; ; ) {
    const ms = await pair.run(count);
    spentMs += ms;
    const fitting = Math.max(1, Math.round((count * runMs) / Math.max(ms, 0.05)));
    if (spentMs >= warmMs) return fitting;
    count = Math.min(fitting, count * 8);
  }
}
