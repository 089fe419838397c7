/** Before the tests: builds e2e/pages, which have nothing but the library in them, into e2e/dist. With the demo's own Vite settings. */
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default async function buildPages(): Promise<void> {
  await build({
    configFile: here("../../vite.config.ts"),
    root: here("../pages"),
    logLevel: "warn",
    build: { outDir: here("../dist"), emptyOutDir: true },
  });
}
