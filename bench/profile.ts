/** Where netchan's time goes in a row: V8's sampling profile of each side, and the functions that the samples were in. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Row } from "./contender.js";
import { calibrate } from "./measure.js";
import { Pair } from "./pair.js";

/** The parts of V8's format that are read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const shown = 25;

/** @param ms - how long netchan is kept running, warming up not counted
 *  @returns text: for each process its functions, most time first */
export async function profile(row: Row, ms: number): Promise<string> {
  const folder = join(fileURLToPath(new URL("results/profiles/", import.meta.url)), row.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const [entry] = row.entries;
  if (entry === undefined) throw new Error(`${row.name} has no contender`);
  const pair = await Pair.start(row, entry, ["--cpu-prof", `--cpu-prof-dir=${folder}`]);
  const sides = new Map([[`${pair.client.pid}`, "client"]]).set(`${pair.server?.pid}`, "server");
  try {
    const count = await calibrate(pair, { runMs: 1000, warmMs: 1000 });
    for (let spent = 0; spent < ms; ) spent += await pair.run(count);
  } finally {
    await pair.stop();
  }
  return readdirSync(folder)
    .filter((file) => file.split(".")[4] === "0") // the other threads only load TypeScript
    .map((file) => {
      const side = sides.get(file.split(".")[3] ?? "") ?? "";
      return `${row.name} ${side} (${join(folder, file)})\n${top(JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile)}`;
    })
    .join("\n\n");
}

function top({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, where(callFrame)]));
  const spent = new Map<string, number>();
  let busy = 0;
  samples.forEach((id, index) => {
    const name = names.get(id) ?? "?";
    const delta = timeDeltas[index] ?? 0;
    if (name !== "(idle)") busy += delta;
    spent.set(name, (spent.get(name) ?? 0) + delta);
  });
  const total = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  const idle = `  ${((1 - busy / total) * 100).toFixed(0).padStart(5)} %  of the time idle; of the rest:`;
  spent.delete("(idle)");
  const lines = [...spent].sort((a, b) => b[1] - a[1]).slice(0, shown);
  return [idle, ...lines.map(([name, us]) => `  ${((us / busy) * 100).toFixed(1).padStart(5)} %  ${name}`)].join("\n");
}

function where({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const file = url.replace(/^.*\/(dist|node_modules|bench)\//, "$1/").replace(/\?.*$/, "");
  return `${functionName || "(anonymous)"}${file === "" ? "" : `  ${file}:${lineNumber + 1}`}`;
}
