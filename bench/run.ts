/**
 * `npm run bench`: measures this project against others and prints one table, losing rows included. Needs dist/ (the npm script builds it).
 *   -- --quick       in under a minute, and noisy
 *   -- --only P1     one row
 *   -- --profile     where netchan's own time goes instead, 20 s for each row; use it with --only
 * The numbers, the machine and the versions go to bench/results/.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.js";
import { fullPlan, measure, quickPlan } from "./measure.js";
import { profile } from "./profile.js";
import { type Line, linesOf, summary, table } from "./report.js";
import { rows, rowsNamed } from "./rows.js";

const profileMs = 20_000;

const { values: options } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" }, profile: { type: "boolean", default: false } },
});
const chosen = options.only === undefined ? rows : rowsNamed(options.only);
if (chosen.length === 0) {
  console.error(`bench: no row is named ${options.only}; there are ${rows.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

if (options.profile) for (const row of chosen) console.log(`${await profile(row, profileMs)}\n`);
else await compare();

async function compare(): Promise<void> {
  const machine = describeMachine();
  const plan = options.quick ? quickPlan : fullPlan;
  const lines: Line[] = [];
  for (const row of chosen) {
    if (process.stderr.isTTY) process.stderr.write(`\r${row.name} …\x1b[K`);
    lines.push(...linesOf(row, await measure(row, plan)));
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");

  console.log(
    `${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}, netchan ${machine.commit}, load before: ${machine.load}`,
  );
  console.log(
    `${Object.entries(machine.packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}\n`,
  );
  console.log(`${table(lines)}\n`);
  console.log(
    `"netchan is": netchan's median ÷ the other's; of ${plan.launches * plan.rounds} interleaved runs each, about ${plan.runMs} ms long.`,
  );
  if (options.quick) console.log("This was --quick: short runs in one launch. It is noisy; 20 % either way means nothing.");
  if (machine.load > machine.cores / 2) console.log(`The machine was busy before it began (load ${machine.load}): distrust every figure.`);
  console.log(summary(lines));

  const folder = fileURLToPath(new URL("results/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString();
  const file = `${folder}${date.replaceAll(":", "-")}${options.quick ? "-quick" : ""}.json`;
  writeFileSync(file, `${JSON.stringify({ date, quick: options.quick, plan, machine, lines }, undefined, 2)}\n`);
  console.log(`written: ${file}`);
  if (lines.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
}
