/**
 * The fixture `tab`: a tab that is really hidden, frozen, left and come back to. Playwright tells its own pages that they are always seen
 * (and what is seen cannot be frozen), and switches the back-forward cache off; a browser that it finds running it leaves as it is.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test as base, type CDPSession, chromium, type Page, expect as patient } from "@playwright/test";

/** A browser of its own for each test is slow to begin with, beside other tests; how long things take is not what is tested. */
export const expect = patient.configure({ timeout: 20_000 });

declare global {
  interface Window {
    /** What has happened to the page, oldest first. */
    readonly life: string[];
  }
}

/** What Playwright keeps from happening to pages. */
const kept = [
  "--disable-back-forward-cache",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

export class Tab {
  constructor(
    readonly page: Page,
    readonly other: Page,
    readonly devTools: CDPSession,
  ) {}

  /** Waits until something has happened to the page, and forgets what was before. */
  async happened(event: string): Promise<void> {
    await expect.poll(() => this.page.evaluate(() => window.life)).toContain(event);
    await this.page.evaluate((last) => window.life.splice(0, window.life.indexOf(last) + 1), event);
  }
  /** Puts another tab in front of it. */
  async hide(): Promise<void> {
    await this.other.bringToFront();
    await this.happened("hidden");
  }
  async show(): Promise<void> {
    await this.page.bringToFront();
    await this.happened("visible");
  }
  /** Only a hidden tab can be frozen. From then on no task of the page runs; what DevTools asks of it does. */
  async freeze(): Promise<void> {
    await this.devTools.send("Page.setWebLifecycleState", { state: "frozen" });
    await this.happened("freeze");
  }
  async thaw(): Promise<void> {
    await this.devTools.send("Page.setWebLifecycleState", { state: "active" });
    await this.happened("resume");
  }
}

function watchLife(): void {
  const life: string[] = [];
  Object.assign(window, { life });
  for (const type of ["freeze", "resume"]) document.addEventListener(type, () => life.push(type));
  document.addEventListener("visibilitychange", () => life.push(document.visibilityState));
  for (const type of ["online", "offline"]) addEventListener(type, () => life.push(type));
  addEventListener("pageshow", ({ persisted }) => life.push(persisted ? "shown again" : "shown"));
}

export const test = base.extend<{ tab: Tab }>({
  tab: async ({ launchOptions }, use) => {
    const launched = await chromium.launch({
      channel: "chromium", // a whole one: Playwright's smaller one without windows has no tabs to hide
      ...launchOptions,
      args: ["--remote-debugging-port=0"],
      ignoreDefaultArgs: kept,
    });
    const { commandLine } = await (await launched.newBrowserCDPSession()).send("SystemInfo.getInfo");
    const profile = /--user-data-dir=(\S+)/.exec(commandLine)?.[1] ?? "";
    const [port, path] = (await readFile(join(profile, "DevToolsActivePort"), "utf8")).split("\n");
    const browser = await chromium.connectOverCDP(`ws://127.0.0.1:${port}${path}`, { noDefaults: true });
    const [context] = browser.contexts();
    if (context === undefined) throw new Error("The browser has no context of its own");
    const [other, page] = [await context.newPage(), await context.newPage()];
    await page.addInitScript(watchLife);
    await use(new Tab(page, other, await context.newCDPSession(page)));
    await browser.close();
    await launched.close();
  },
});
