/**
 * Checks the models of the protocol in models/ with Spin: those that are right must hold, every bug planted in one must be found, and
 * what the outcome table calls reachable must be reached. Each run is exhaustive; one that was cut short fails.
 *   node scripts/models.mjs                  all
 *   node scripts/models.mjs resume windows   some
 *   MODELS=large node scripts/models.mjs     and larger ones, which take some minutes and 2 GB
 * Needs spin and gcc (`node scripts/setup.mjs --models`).
 */
import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "../models");
const wrong = "assertion violated";
const stuck = "invalid end state";
const endless = "non-progress cycle";

/** How the checker is built and called. */
const searches = {
  /** No wrong state, and no run that stops too early. */
  states: { label: "states", build: ["-DSAFETY"], call: [] },
  /** The model's formula, by weak fairness. */
  fair: { label: "fair runs", build: ["-DNFAIR=3"], call: ["-a", "-f"] },
  /** No run goes on for ever. */
  endless: { label: "all runs", build: ["-DNP"], call: ["-l"] },
  /** … unless some process is starved. */
  fairlyEndless: { label: "fair runs", build: ["-DNP", "-DNFAIR=3"], call: ["-l", "-f"] },
};

/** `macros` of the model; `finds`: what has to be found, nothing if absent. */
const runs = [
  ...model("resume", {
    long: [""],
    holds: ["FAULTS=3 UP=1 DOWN=0", "FAULTS=3 UP=0 DOWN=1"],
    fair: ["LIVE UP=1"],
    large: ["FAULTS=3 UP=1"],
  }),
  ...planted("resume", {
    "NO_REPLAY DOWN=0": `${wrong} 0`,
    NO_DEDUPE: `${wrong} (number==app`,
    "EVICT BUFFER=1": stuck,
    ACK_EARLY: `${wrong} (acked`,
    NO_FIRST_ACK: stuck,
    NO_FENCE: `${wrong} 0`,
    LATE_END: stuck,
    OLD_EPOCH: wrong,
    STRICT_NEXT: `${wrong} (number>=acked`,
    ONE_TOKEN: `${wrong} 0`,
    "OLD_PROOF UP=1": `${wrong} 0`,
    "STALE_TOKEN FAULTS=3 UP=1": `${wrong} 0`,
    "STALE_REFUSAL UP=1": `${wrong} (type!=`,
  }),
  ...model("windows", { long: [""], holds: ["WINDOW=3"], fair: ["LIVE CUTS=2"], large: ["CUTS=4 VALUES=7 WINDOW=5"] }),
  ...planted("windows", {
    RELATIVE: `${wrong} (((arrived`,
    LOWER: `${wrong} ((posted`,
    LOST_GRANT: stuck,
    "LAZY WINDOW=3": stuck,
    NO_WINDOW: `${wrong} (((arrived`,
    TIMER_STAYS: `${wrong}  !(listenerUp)`,
    NO_HOLD: `${wrong} ( !(ended)`,
    DIALER_JUDGES: `${wrong} ended`,
  }),
  ...model("outcomes", {
    holds: ["", "REDELIVER", "CAPACITY=1", "CAPACITY=1 REDELIVER"],
    large: ["CUTS=6", "CUTS=6 CAPACITY=1 REDELIVER"],
  }),
  ...[1, 2, 3, 4].map((pair) => reached("outcomes", `FIND=${pair}`)),
  ...[6, 7].map((pair) => reached("outcomes", `FIND=${pair} REDELIVER`)),
  ...[1, 2, 3, 4, 5].map((pair) => reached("outcomes", `FIND=${pair} CAPACITY=1`)),
  reached("outcomes", "FIND=6 CAPACITY=1 REDELIVER"),
  ...planted("outcomes", {
    EARLY: `${wrong} 0`,
    "EARLY FIND=5": `${wrong} 0`,
    PUT_BACK: `${wrong} 0`,
    BLIND_ABORT: `${wrong} 0`,
    SURE_LOSS: `${wrong} 0`,
    "LATE_TAKE REDELIVER": wrong,
    "FORGET_DOUBT REDELIVER": `${wrong} 0`,
    "UNLISTED CAPACITY=1": `${wrong} 0`,
  }),
  ...model("select-homes", { holds: ["SELECTS=2", "SELECTS=3"], endless: ["SELECTS=3"], large: ["SELECTS=4"] }),
  ...planted("select-homes", { ROLE_ORDER: `${wrong} (state` }),
  { name: "select-homes", macros: "REFUSE", kind: "planted", search: searches.fairlyEndless, finds: endless },
];

/** Compiling well takes longer than a search of less than a few hundred thousand states. */
function model(name, { long = [], holds = [], fair = [], endless = [], large = [] }) {
  const list = (all, search, more) => all.map((macros) => ({ name, macros, kind: "holds", search, ...more }));
  return [
    ...list(long, searches.states, { level: "-O1" }),
    ...list(holds, searches.states),
    ...list(fair, searches.fair),
    ...list(endless, searches.endless),
    ...list(large, searches.states, { level: "-O2", isLarge: true }),
  ];
}
function planted(name, bugs) {
  return Object.entries(bugs).map(([macros, finds]) => ({ name, macros, kind: "planted", search: searches.states, finds }));
}
function reached(name, macros) {
  return { name, macros, kind: "reached", search: searches.states, finds: `${wrong} 0` };
}

const known = readdirSync(folder).flatMap((file) => (file.endsWith(".pml") ? [file.slice(0, -4)] : []));
const asked = process.argv.slice(2);
const unknown = [...asked.filter((name) => !known.includes(name)), ...known.filter((name) => !runs.some((run) => run.name === name))];
if (unknown.length > 0) {
  console.error(`models: nothing is known of ${unknown.join(", ")}; there are ${known.join(", ")}`);
  process.exit(2);
}
const missing = ["spin", "gcc"].filter((tool) => spawnSync(tool, [tool === "spin" ? "-V" : "--version"]).status !== 0);
if (missing.length > 0) {
  console.error(
    `models: ${missing.join(" and ")} cannot be run. \`sudo apt-get install spin gcc libc6-dev\` helps on Debian; elsewhere see spinroot.com.`,
  );
  console.log("models: 0 passed, 1 failed, 0 skipped");
  process.exit(1);
}

const chosen = runs.filter(
  ({ name, isLarge }) => (asked.length === 0 || asked.includes(name)) && (!isLarge || process.env.MODELS === "large"),
);
const results = new Map();
const queue = [...chosen];
let shown = 0;
let failed = 0;
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
console.log(`models: ${chosen.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 ? 1 : 0;

async function work() {
  for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
    results.set(run, await check(run));
    while (results.has(chosen[shown])) show(chosen[shown++]);
  }
}

function show(run) {
  const { ok, states, verdict, seconds, detail } = results.get(run);
  const what = `${run.name.padEnd(13)} ${run.kind.padEnd(8)} ${run.search.label.padEnd(10)} ${run.macros.padEnd(28)}`;
  console.log(`${ok ? "ok    " : "FAILED"}  ${what} ${String(states).padStart(8)} states ${seconds.toFixed(1).padStart(5)} s  ${verdict}`);
  if (ok) return;
  failed++;
  console.log(detail);
}

/** @returns the verdict on one run; seconds with compiling */
async function check({ name, macros, search, finds, level = "-O0" }) {
  const started = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "netchan-model-"));
  const defines = macros.split(" ").flatMap((macro) => (macro === "" ? [] : [`-D${macro}`]));
  const result = (ok, verdict, output, detail = output) => ({
    ok,
    verdict,
    states: Number(/(\d+) states, stored/.exec(output)?.[1] ?? 0),
    seconds: (performance.now() - started) / 1000,
    detail,
  });
  try {
    copyFileSync(join(folder, `${name}.pml`), join(directory, "model.pml"));
    const made = await call("spin", [...defines, "-a", "model.pml"], directory);
    if (!made.ok) return result(false, "spin does not understand it", made.output);
    const built = await call("gcc", [level, "-w", ...search.build, "-o", "pan", "pan.c"], directory);
    if (!built.ok) return result(false, "gcc does not compile it", built.output);
    const { output } = await call(join(directory, "pan"), [`-w${level === "-O0" ? 20 : 24}`, ...search.call], directory);
    const errors = Number(/errors: (\d+)/.exec(output)?.[1] ?? -1);
    const found = /^pan:1: (.*?) \(at depth/m.exec(output)?.[1];
    if (errors < 0 || /pan: error|too small|out of memory|memory limit|truncated/i.test(output))
      return result(false, "was cut short", output);
    if (finds !== undefined) {
      if (found === undefined) return result(false, `nothing found; wanted: ${finds}`, output);
      return result(found.startsWith(finds), `found: ${found}`, output);
    }
    if (errors === 0 && !/search not completed/i.test(output)) return result(true, "holds", output);
    const trail = await call("spin", [...defines, "-p", "-g", "-t", "model.pml"], directory);
    return result(false, `does not hold: ${found}`, output, trail.output.split("\n").slice(-120).join("\n"));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function call(command, args, cwd) {
  return new Promise((settle) => {
    execFile(command, args, { cwd, maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      settle({ ok: error === null, output: stdout + stderr }),
    );
  });
}
