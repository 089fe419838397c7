/** Loads the oracle with one change made to the code under test. One server for all of them: each loading begins with nothing cached. */
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import type { Mutant } from "./mutants.js";
import type { Trial } from "./run.js";

interface Oracle {
  firstFault(first: number, last: number): Promise<Trial | undefined>;
}
export interface Loader {
  /** The oracle over code with that bug. */
  load(mutant: Mutant): Promise<Oracle>;
  close(): Promise<void>;
}

export async function makeLoader(): Promise<Loader> {
  let planted: Mutant | undefined;
  let changed = 0;
  const server = await createServer({
    root: fileURLToPath(new URL("../..", import.meta.url)),
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
          if (planted === undefined || !id.endsWith(planted.file)) return undefined;
          const parts = code.split(planted.from);
          if (parts.length !== 2)
            throw new Error(`the text of mutant "${planted.name}" stands ${parts.length - 1} times in ${planted.file}`);
          changed++;
          return parts.join(planted.to);
        },
      },
    ],
  });
  return {
    load: async (mutant) => {
      planted = mutant;
      changed = 0;
      server.environments.ssr.moduleGraph.invalidateAll();
      const loaded = (await server.ssrLoadModule("/test/oracle/run.ts")) as Oracle;
      if (changed !== 1) throw new Error(`mutant "${mutant.name}" was applied ${changed} times`);
      return loaded;
    },
    close: () => server.close(),
  };
}
