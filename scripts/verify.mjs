/**
 * Runs every gate, each to its end whatever the others said, and closes with the verdict of each and the totals of the tests.
 *   node scripts/verify.mjs                 all
 *   node scripts/verify.mjs code vitest     some
 */
import { spawn } from "node:child_process";
import { delimiter, resolve } from "node:path";

/** Build before typecheck: where "netchan" is not mapped to src/, its types are those in dist/. */
const gates = [
  { name: "code", command: "npm run --silent lint:code" },
  { name: "imports", command: "npm run --silent lint:imports" },
  { name: "source", command: "npm run --silent lint:source" },
  { name: "build", command: "npm run --silent build" },
  { name: "typecheck", command: "npm run --silent typecheck" },
  { name: "package", command: "npm run --silent package:check" },
  { name: "models", command: "node scripts/models.mjs", totals: true },
  { name: "vitest", command: "vitest run --allowOnly=false", totals: true },
  { name: "playwright", command: "npm run --silent e2e -- --forbid-only", totals: true },
];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !gates.some((gate) => gate.name === name));
if (unknown.length > 0) {
  console.error(`verify: no gate is called ${unknown.join(", ")}; there are ${gates.map((gate) => gate.name).join(", ")}`);
  process.exit(2);
}

const results = [];
for (const gate of gates) if (asked.length === 0 || asked.includes(gate.name)) results.push(await run(gate));

console.log("");
for (const { name, ok, seconds } of results) console.log(`${ok ? "ok    " : "FAILED"}  ${name.padEnd(10)} ${seconds.toFixed(1)} s`);
for (const { totals } of results) if (totals !== undefined) console.log(totals);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

/** Shows what the gate prints, except its closing line, which is kept for the end. */
function run({ name, command, totals: hasTotals = false }) {
  console.log(`\n── ${name} ── ${command}`);
  const started = performance.now();
  const PATH = `${resolve("node_modules/.bin")}${delimiter}${process.env.PATH}`;
  const env = { ...process.env, PATH, ...(process.stdout.isTTY && { FORCE_COLOR: "1" }) };
  const child = spawn(command, { shell: true, stdio: ["ignore", "pipe", "inherit"], env });
  let totals;
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) show(line);
  });
  return new Promise((settle) => {
    child.on("close", (code) => {
      if (rest !== "") show(rest);
      // Without a closing line the tests broke down before they could count.
      if (hasTotals) totals ??= `${name}: 0 passed, 1 failed, 0 skipped`;
      settle({ name, ok: code === 0, seconds: (performance.now() - started) / 1000, totals });
    });
  });

  function show(line) {
    if (hasTotals && /^\w+: \d+ passed, \d+ failed, \d+ skipped$/.test(line)) totals = line;
    else console.log(line);
  }
}
