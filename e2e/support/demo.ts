/** The fixture `demo`: a server of the demo for one test alone, so that tests do not do each other's work, and tabs on it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test as base, expect, type Locator, type Page } from "@playwright/test";
import { watchConsole } from "./console.js";

/** Small enough to be done in seconds, and with a published count. */
export const limit = 10_000_000;
export const primesBelowLimit = 664_579;
export const ranges = 200;

/** A tab with the demo in it. */
export class DemoTab {
  constructor(readonly page: Page) {}

  see(testId: string): Locator {
    return this.page.getByTestId(testId);
  }
  /** A number that the page shows. */
  async number(testId: string): Promise<number> {
    return Number((await this.see(testId).innerText()).replaceAll(",", ""));
  }
  async pause(): Promise<void> {
    await this.see("pause").filter({ hasText: "Pause" }).click();
    await expect(this.see("holding")).toHaveText("nothing: paused");
  }
  async resume(): Promise<void> {
    await this.see("pause").filter({ hasText: "Resume" }).click();
  }
  /** Ranges that each tab has counted, by its number, as this tab shows it. */
  async counts(): Promise<Record<string, number>> {
    const rows = await this.see("row").allInnerTexts();
    return Object.fromEntries(rows.map((row) => [/Tab (\d+)/.exec(row)?.[1], Number(row.split("\t")[1])]));
  }
  /** Waits until all is counted and checks the count against the published one. */
  async expectComplete(): Promise<void> {
    await expect(this.see("verdict")).toHaveText(`✓ π(${limit.toLocaleString("en")}), as published`, { timeout: 30_000 });
    expect(await this.number("primes")).toBe(primesBelowLimit);
    expect(await this.number("done")).toBe(ranges);
    const counts = Object.values(await this.counts());
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ranges);
    await expect(this.see("cells").locator("i:not([data-colour='0'])")).toHaveCount(ranges);
  }
}

export interface Demo {
  /** Opens a tab and waits until it is connected. `prepare` is given the page before it loads. */
  open(prepare?: (page: Page) => Promise<unknown>): Promise<DemoTab>;
}

export const test = base.extend<{ demo: Demo }>({
  demo: async ({ context }, use) => {
    const server = spawn(process.execPath, ["--import", "tsx", "demo/server.ts"], {
      env: { ...process.env, PORT: "0", DEMO_LIMIT: String(limit) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const url = `http://localhost:${await announcedPort(server)}/`;
    const checks: (() => void)[] = [];
    await use({
      async open(prepare) {
        const page = await context.newPage();
        checks.push(watchConsole(page));
        await prepare?.(page);
        await page.goto(url);
        const tab = new DemoTab(page);
        await expect(tab.see("status")).toHaveText("Connected");
        return tab;
      },
    });
    for (const page of context.pages()) await page.close();
    const ended = once(server, "exit");
    server.kill("SIGTERM");
    expect(await ended, "how the server ends when it is asked to").toEqual([0, null]);
    for (const check of checks) check();
  },
});

export { expect };

async function announcedPort(server: ChildProcess): Promise<string> {
  let text = "";
  for await (const part of server.stdout ?? []) {
    text += part;
    const port = /at port (\d+)/.exec(text)?.[1];
    if (port !== undefined) return port;
  }
  throw new Error(`The demo's server ended before it said its port:\n${text}`);
}
