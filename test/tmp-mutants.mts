import { mutants } from "./simulation/mutants.ts";
import { loadMutated } from "./simulation/mutated.ts";
const [part, parts] = process.argv.slice(2).map(Number) as [number, number];
Error.stackTraceLimit = 0;
for (const [i, m] of mutants.entries()) {
  if (i % parts !== part || (process.argv[4] && m.seed !== 0)) continue;
  let mutated; const t = Date.now();
  try { mutated = await loadMutated(m); } catch (e) { console.log(i, m.name, "LOAD", (e as Error).message); continue; }
  let found = 0, law = "";
  for (let seed = 1; seed <= 10_000 && !found; seed++) {
    try { await Promise.race([mutated.runSeed(seed), new Promise((_, r) => setTimeout(() => r(new Error("LIVE: hangs")), 20_000).unref())]); } catch (e) { found = seed; law = (e as Error).message; }
    if (Date.now() - t > 200_000) break;
  }
  console.log(JSON.stringify({ i, name: m.name, found, law: law.slice(0, 100), ms: Date.now() - t }));
  await mutated.close();
}
process.exit(0);
