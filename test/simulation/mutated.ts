/** Loads the simulator with one change made to the code under test, in a module graph of its own. */
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import type { Mutant } from "./mutants.js";

export interface Mutated {
  runSeed(seed: number): Promise<unknown>;
  close(): Promise<void>;
}

export async function loadMutated(mutant: Mutant | undefined): Promise<Mutated> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  let changed = 0;
  const server = await createServer({
    root,
    configFile: false,
    logLevel: "silent",
    appType: "custom",
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true, include: [] },
    plugins: [
      {
        name: "mutant",
        enforce: "pre",
        transform(code, id) {
          if (mutant === undefined || !id.endsWith(mutant.file)) return undefined;
          const parts = code.split(mutant.from);
          if (parts.length !== 2) throw new Error(`the text of mutant "${mutant.name}" stands ${parts.length - 1} times in ${mutant.file}`);
          changed++;
          return parts.join(mutant.to);
        },
      },
    ],
  });
  const { runSeed } = (await server.ssrLoadModule("/test/simulation/program.ts")) as Pick<Mutated, "runSeed">;
  if (mutant !== undefined && changed !== 1) throw new Error(`mutant "${mutant.name}" was applied ${changed} times`);
  return { runSeed, close: () => server.close() };
}
