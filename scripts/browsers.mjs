/** Which of the machine's own browsers can stand in for Playwright's builds. Needs no package: set-up runs it before there are any. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const programs = { chromium: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"] };

/** The path of an installed browser, or undefined. */
export function systemBrowser(name) {
  for (const program of programs[name]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, program);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {}
    }
  }
  return undefined;
}
