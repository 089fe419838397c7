import { runSeed } from "./simulation/program.ts";
const [from, count] = process.argv.slice(2).map(Number) as [number, number];
const t = Date.now(); let fails = 0; const sum: Record<string, number> = {};
for (let seed = from; seed < from + count; seed++) {
  try { const r = await runSeed(seed); for (const [k, v] of Object.entries(r)) if (typeof v === "number") sum[k] = (sum[k] ?? 0) + v; }
  catch (e) { fails++; if (fails <= 25) console.log(seed, (e as Error).message.slice(0, 260)); if (process.argv[4]) console.log((e as Error).stack); }
}
console.log(fails, "failures", Date.now() - t, "ms", JSON.stringify(sum));
