/** The demo's page as a page: headers, widths, keyboard, a quiet console. */
import { expect, test } from "@playwright/test";
import { watchConsole } from "./support/console.js";

declare global {
  interface Window {
    shifts: number;
  }
}

test("the server sends the page with a strict policy, and nothing that is not there", async ({ request }) => {
  const page = await request.get("/");
  expect(page.status()).toBe(200);
  const policy = page.headers()["content-security-policy"];
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  expect(page.headers()["x-content-type-options"]).toBe("nosniff");

  for (const path of ["/nothing", "/../server.ts", "/%2e%2e/server.ts", "/channel"]) {
    const missing = await request.get(path);
    expect(missing.status(), path).toBe(404);
    expect(missing.headers()["content-security-policy"], path).toBe(policy);
  }
  expect((await request.post("/")).status()).toBe(405);
});

for (const width of [360, 768, 1280]) {
  test(`nothing sticks out or moves at ${width} px`, async ({ page }) => {
    const expectQuiet = watchConsole(page);
    await page.setViewportSize({ width, height: 800 });
    await page.addInitScript(() => {
      window.shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if ("value" in entry) window.shifts += Number(entry.value);
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto("/");
    await expect(page.getByTestId("verdict")).toHaveText("✓ π(1,000,000), as published", { timeout: 15_000 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await page.evaluate(() => window.shifts)).toBeLessThan(0.01); // "Good" is below 0.1.
    expectQuiet();
  });
}

test("the keyboard is enough", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByTestId("status")).toHaveText("Connected");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Open another tab" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Pause" })).toBeFocused();
  await page.keyboard.press("Space");
  await expect(page.getByRole("button", { name: "Resume" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Pause" })).toBeFocused();
});

test("the page shows the code that runs", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator("pre").first()).toContainText("ask(send, (reply) => ({ ...range, reply }))");
  await expect(page.locator("pre").last()).toContainText("for await (const task of server.receive.values({ signal }))");
});
