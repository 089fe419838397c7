/** Unit, property, conformance and type tests. They import the package by name and get src/, so that no build is needed. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const src = fileURLToPath(new URL("./src/", import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^netchan$/, replacement: `${src}node.ts` },
      { find: /^netchan\/(node|testing|streams|worker|redis)$/, replacement: `${src}$1.ts` },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    retry: 0,
    restoreMocks: true,
    unstubGlobals: true,
    unstubEnvs: true,
    reporters: ["default", "./test/support/reporters/vitest-totals.ts"],
    // Faults of src/ itself are what `npm run typecheck` reports; here only the assertions about types count.
    typecheck: { enabled: true, include: ["test/types/**/*.test-d.ts"], tsconfig: "./tsconfig.json", ignoreSourceErrors: true },
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/globals.d.ts"], reporter: ["text", "html"] },
  },
});
