/**
 * One side of one contender, in a process of its own: `child.ts server|client ROW ENTRY [ADDRESS]`, started by pair.ts, with
 * tsconfig.run.json so that "netchan" is what package.json exports.
 * The client measures: a run is timed where its exchanges are, not where it was ordered.
 */
import type { Contender } from "./contender.js";
import { rows } from "./rows.js";

export type Order = { readonly count: number };
export type Told = { readonly address: string } | { readonly ready: true } | { readonly ms: number } | { readonly failure: string };

const [side, rowName, entryName, address = ""] = process.argv.slice(2);
const tell = (told: Told): void => void process.send?.(told);
const fail = (error: unknown): void => {
  process.send?.({ failure: error instanceof Error ? error.message : String(error) } satisfies Told, () => process.exit(1));
};
process.on("disconnect", () => process.exit());
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

async function server(contender: Contender): Promise<void> {
  if (contender.serve === undefined) throw new Error("this workload has no server");
  tell({ address: await contender.serve() });
}
async function client(contender: Contender): Promise<void> {
  const exchange = await contender.connect(address);
  async function run(count: number): Promise<void> {
    const start = performance.now();
    await exchange(count);
    tell({ ms: performance.now() - start });
  }
  process.on("message", ({ count }: Order) => void run(count).catch(fail));
  tell({ ready: true });
}

if (!import.meta.resolve("netchan/node").endsWith("/dist/node.js")) throw new Error("the benchmark has to measure dist/, not the source");
const entry = rows.find((row) => row.name === rowName)?.entries.find(({ name }) => name === entryName);
if (entry === undefined) throw new Error(`no such contender: ${rowName} ${entryName}`);
entry
  .load()
  .then(side === "server" ? server : client)
  .catch(fail);
