/**
 * Nothing is left behind, however often a session gets a new link and however many sessions there were: heap, buffers and handles are
 * where they were after the first of them.
 *
 * SOAK_RECONNECTS says how many reconnects there are in memory, default 10,000; a tenth of them runs over WebSocket as well, and there is
 * a session that begins and ends for every five, or ten.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Held, Report, Scenario } from "./words.js";

const reconnects = Number(process.env.SOAK_RECONNECTS ?? 10_000);
/** A hundredth of the runs of a scenario is what one slot of a table, one listener or one string costs: bytes for each reconnect or session. */
const mostBytes = 100;
/** Fewer say nothing: what is compiled on the way weighs more. */
const least = 500;
const timeoutMs = 120_000;

const scenarios: readonly (readonly [scenario: Scenario, count: number])[] = [
  ["reconnects in memory", reconnects],
  ["reconnects over WebSocket", reconnects / 10],
  ["sessions in memory", reconnects / 5],
  ["sessions over WebSocket", reconnects / 10],
];

/**
 * The optimizer's code and what it learns come and go by hundreds of kilobytes, as do functions that were not called for a while; without
 * both, a process that leaks nothing holds the same to a few bytes.
 */
const flags = ["--expose-gc", "--no-opt", "--no-flush-bytecode"];

async function run(scenario: Scenario, count: number): Promise<Report> {
  const path = fileURLToPath(new URL("./child.ts", import.meta.url));
  const child: ChildProcess = fork(path, [scenario, String(count)], {
    execArgv: [...flags, "--import", "tsx"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let report: Report | undefined;
  let complaints = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  child.on("message", (said: Report) => {
    report = said;
  });
  const late = setTimeout(() => child.kill("SIGKILL"), timeoutMs - 5_000);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(late);
  // Killed means that something kept it alive when all was closed, or that it hung.
  if (code !== 0 || report === undefined) throw new Error(`The process ended (${signal ?? code})\n${complaints}`);
  return report;
}

/** Bytes for each time: the median over all pairs of looks, which single jumps do not move. Source: Theil 1950, Sen 1968. */
function slope(held: readonly Held[], bytes: (look: Held) => number): number {
  const slopes = held.flatMap((later, at) =>
    held.slice(0, at).map((earlier) => (bytes(later) - bytes(earlier)) / (later.done - earlier.done)),
  );
  return slopes.sort((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0;
}

describe("nothing is left behind", () => {
  it.concurrent.each(scenarios)(
    "by %s",
    async (scenario, asked) => {
      const count = Math.max(least, Math.round(asked));
      const { held, links, seconds } = await run(scenario, count);
      expect(links).toBeGreaterThanOrEqual(count);
      const [, ...steady] = held; // with the first look, looking itself is compiled
      const perOne = { heap: slope(steady, (look) => look.heapBytes), buffers: slope(steady, (look) => look.externalBytes) };
      const handles = held.map((look) => look.handles.join());
      console.log(
        `${scenario}: ${count} in ${seconds.toFixed(1)} s, ${links} links; for each ${perOne.heap.toFixed(1)} bytes of heap and ` +
          `${perOne.buffers.toFixed(1)} of buffers, ${((steady.at(-1)?.heapBytes ?? 0) / 2 ** 20).toFixed(1)} MiB at the end; ` +
          `handles: ${handles.at(-1) || "none"}`,
      );
      expect(handles).toEqual(handles.map(() => handles[0]));
      expect(perOne.heap).toBeLessThan(mostBytes);
      expect(perOne.buffers).toBeLessThan(mostBytes);
    },
    timeoutMs,
  );
});
