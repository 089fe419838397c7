/**
 * Small made-up programs on one or two channels with one home, in two or three processes: is what came of each of them what one
 * channel would have done, one operation after another? `ORACLE_HISTORIES=1000000 npx vitest run test/oracle` runs more,
 * `ORACLE_FROM=7 ORACLE_HISTORIES=1` one again. What is asked for exactly is in `spec.ts`.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { Kind } from "./history.js";
import { report, type Trial, trials } from "./run.js";

const histories = Number(process.env.ORACLE_HISTORIES ?? 20_000);
const from = Number(process.env.ORACLE_FROM ?? 1);
const last = from + histories - 1;

describe(`histories ${from} to ${last}`, () => {
  const kinds: Record<Kind, number> = { send: 0, receive: 0, try: 0, select: 0, close: 0 };
  const sums = { histories: 0, aborted: 0, pending: 0, states: 0 };
  let failed: Trial | undefined;

  function count({ history, verdict }: Trial): void {
    sums.histories++;
    sums.states += verdict.states;
    for (const { kind, result } of history.operations) {
      kinds[kind]++;
      if (result?.is === "aborted") sums.aborted++;
      if (result === undefined && kind !== "close") sums.pending++;
    }
  }

  beforeAll(async () => {
    for await (const trial of trials(from, last)) {
      count(trial);
      if (trial.verdict.fault === undefined) continue;
      failed = trial;
      break;
    }
    const named = Object.entries(kinds).map(([kind, number]) => `${number} ${kind}`);
    console.log(
      `${sums.histories} histories: ${named.join(", ")}; ${sums.aborted} aborted, ${sums.pending} pending at the end; ${sums.states} states searched`,
    );
  }, 7_200_000);

  it("are each explained by an order of their operations", { timeout: 600_000 }, async () => {
    if (failed !== undefined) expect.fail(await report(failed));
    expect(sums.histories).toBe(histories);
  });

  it("hold enough of everything", () => {
    if (histories < 1_000) return; // in a smaller run that is a matter of luck
    const { close, ...operations } = kinds;
    expect(Math.min(...Object.values(operations))).toBeGreaterThan(histories / 2);
    expect(Math.min(close, sums.aborted, sums.pending)).toBeGreaterThan(histories / 10);
  });

  it("are repeated exactly by their numbers", { timeout: 60_000 }, async () => {
    const again = Math.min(last, from + 199);
    const told = async (): Promise<string> => {
      const all: unknown[] = [];
      for await (const { history } of trials(from, again)) all.push(history);
      return JSON.stringify(all);
    };
    expect(await told()).toBe(await told());
  });
});
