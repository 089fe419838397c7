/**
 * Operations leave nothing behind, however many there were: selects whose other case never happened, ends that were handed over and let
 * go, operations that were aborted. Go's select2 allows 1.1 bytes for each select.
 *
 * SOAK_SELECTS says how many selects there are in one process, default 1,000,000; a fiftieth of them runs over a link. SOAK_ENDS says how
 * many ends are opened and let go, default 100,000; as many operations are aborted in one process, and a fifth of them over a link.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { OperationsReport, OperationsScenario } from "./operations.js";
import type { Held } from "./words.js";

const selects = Number(process.env.SOAK_SELECTS ?? 1_000_000);
const ends = Number(process.env.SOAK_ENDS ?? 100_000);
/** Fewer say nothing: noise of some kilobytes would be bytes for each. */
const least = 10_000;
/** For what hangs: all six at once take a minute or two on two cores. */
const timeoutMs = 600_000;

interface Row {
  readonly scenario: OperationsScenario;
  readonly count: number;
  /**
   * The slope that is too much, bytes of heap for each. What is left of one operation is at least 8 bytes, the slot of a table; with fewer
   * operations the noise of some kilobytes is more for each.
   */
  readonly bytes: number;
}
const rows: readonly Row[] = [
  { scenario: "selects in one process", count: selects, bytes: 1 },
  { scenario: "selects over a link", count: Math.max(least, selects / 50), bytes: 4 },
  { scenario: "selects over two homes", count: Math.max(least, selects / 50), bytes: 4 },
  { scenario: "nested ends", count: ends, bytes: 2 },
  { scenario: "aborted operations in one process", count: ends, bytes: 2 },
  { scenario: "aborted operations over a link", count: Math.max(least, ends / 5), bytes: 4 },
];

/** Without the optimizer, whose code and knowledge come and go, what a process holds is the same to a few bytes. */
const flags = ["--expose-gc", "--no-opt", "--no-flush-bytecode"];

async function run({ scenario, count }: Row): Promise<OperationsReport> {
  const path = fileURLToPath(new URL("./operations-child.ts", import.meta.url));
  const child: ChildProcess = fork(path, [scenario, String(Math.ceil(count))], {
    execArgv: [...flags, "--import", "tsx"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let report: OperationsReport | undefined;
  let complaints = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  child.on("message", (said: OperationsReport) => {
    report = said;
  });
  const late = setTimeout(() => child.kill("SIGKILL"), timeoutMs - 5_000);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(late);
  if (code !== 0 || report === undefined) throw new Error(`The process ended (${signal ?? code})\n${complaints}`);
  return report;
}

/** Bytes for each operation: the median over all pairs of looks, which single jumps do not move. Source: Theil 1950, Sen 1968. */
function slope(held: readonly Held[]): number {
  const slopes = held.flatMap((later, at) =>
    held.slice(0, at).map((earlier) => (later.heapBytes - earlier.heapBytes) / (later.done - earlier.done)),
  );
  return slopes.sort((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0;
}

describe("operations leave nothing behind", () => {
  it.concurrent.each(rows.map((row) => [`${row.count} ${row.scenario}`, row] as const))(
    "by %s",
    async (_, row) => {
      const { held, left, seconds } = await run(row);
      const [, ...steady] = held; // with the first look, looking itself is compiled
      const bytes = slope(steady);
      console.log(`${row.scenario}: ${row.count} in ${seconds.toFixed(1)} s, ${bytes.toFixed(3)} bytes of heap for each`);
      expect(left).toEqual([]);
      expect(bytes).toBeLessThan(row.bytes);
    },
    timeoutMs,
  );
});
