/**
 * The demo in real browsers. Playwright's own build is used where it is installed, else the system's browser; with neither, Playwright
 * says what to do. The demo's server takes any free port and names it on stdout, so that runs never collide.
 */
import { existsSync } from "node:fs";
import { chromium, defineConfig, devices } from "@playwright/test";
import { systemBrowser } from "./scripts/browsers.mjs";

const executablePath = existsSync(chromium.executablePath()) ? undefined : systemBrowser("chromium");

export default defineConfig({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  globalSetup: "./e2e/support/build-pages.ts",
  outputDir: "test-results",
  fullyParallel: true,
  retries: 0,
  reporter: [["list"], ["./test/support/reporters/playwright-totals.ts"]],
  use: {
    baseURL: `http://localhost:${process.env.DEMO_PORT}`,
    headless: true,
    video: "off",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    // Playwright itself switches off Chromium's sandbox, updates, sync and background traffic, so that it also runs as root in a container.
    launchOptions: executablePath === undefined ? {} : { executablePath },
  },
  projects: [{ name: "chromium", use: { ...devices["Desktop Chrome"] } }],
  webServer: {
    command: "node --import tsx demo/server.ts",
    env: { PORT: "0", DEMO_LIMIT: "1000000" },
    wait: { stdout: /at port (?<DEMO_PORT>\d+)/ },
    timeout: 30_000,
    gracefulShutdown: { signal: "SIGTERM", timeout: 2_000 },
  },
});
