/** Builds the demo's pages into demo/dist, which demo/server.ts serves. They get the browser entry from src/. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { showCode } from "./demo/show-code.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("./demo"),
  plugins: [showCode(here("./demo"))],
  resolve: {
    alias: [
      { find: /^netchan$/, replacement: here("./src/browser.ts") },
      { find: /^netchan\/(testing|streams|worker)$/, replacement: `${here("./src/")}$1.ts` },
    ],
  },
  build: { outDir: here("./demo/dist"), emptyOutDir: true, target: "es2022", sourcemap: true },
});
