/** The demo: several tabs do one job, whoever of them pauses or goes. */
import { expect, ranges, test } from "./support/demo.js";

test("two tabs share the work and every range is counted once", async ({ demo }) => {
  const a = await demo.open();
  await a.pause();
  const b = await demo.open();
  await b.pause();
  await a.resume();
  await b.resume();

  await a.expectComplete();
  await b.expectComplete();
  const [ofA, ofB] = [await a.number("yours"), await b.number("yours")];
  expect(ofA).toBeGreaterThan(0);
  expect(ofB).toBeGreaterThan(0);
  expect(ofA + ofB).toBe(ranges);
  expect(await a.counts()).toEqual({ 1: ofA, 2: ofB });
  expect(await b.counts()).toEqual({ 1: ofA, 2: ofB });
});

test("a paused tab gets nothing while another finishes, and takes part again when it is resumed", async ({ demo }) => {
  const a = await demo.open();
  await a.pause();
  const b = await demo.open();
  await expect.poll(() => b.number("yours")).toBeGreaterThan(0);
  const before = (await b.counts())["1"] ?? 0;

  await b.expectComplete();
  await a.expectComplete(); // A paused tab sees how it goes.
  await expect(a.see("holding")).toHaveText("nothing: paused");
  expect(await a.number("yours")).toBe(before);
  expect(await b.number("yours")).toBe(ranges - before);

  await b.pause();
  await b.see("again").click();
  await expect(a.see("done")).toHaveText("0");
  await expect(a.see("again")).toBeDisabled();
  await a.resume();
  await expect.poll(() => a.number("yours")).toBeGreaterThan(0);
  await b.resume();
  await a.expectComplete();
  expect((await a.number("yours")) + (await b.number("yours"))).toBe(ranges);
});

test("the range that a closed tab had in hand goes to another tab", async ({ demo }) => {
  // Its counting worker never answers, so it keeps the range that it took.
  const stuck = await demo.open((page) =>
    page.route("**/counter-worker-*.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" })),
  );
  await expect(stuck.see("holding")).toHaveText(/^0 – /);
  const b = await demo.open();
  await expect(b.see("done")).toHaveText(String(ranges - 1), { timeout: 30_000 });
  await expect(b.see("holding")).toHaveText("nothing: asking");
  await expect(b.see("tabs")).toHaveText("2 tabs");

  await stuck.page.close();
  await b.expectComplete();
  expect(await b.number("yours")).toBe(ranges);
  await expect(b.see("tabs")).toHaveText("1 tab");
});

test("what a closed tab had counted stays counted", async ({ demo }) => {
  const a = await demo.open();
  await expect.poll(() => a.number("yours")).toBeGreaterThan(0);
  const b = await demo.open();
  await expect.poll(() => b.number("yours")).toBeGreaterThan(0);
  await a.page.close();
  await b.expectComplete();
  const counts = await b.counts();
  expect(counts["1"]).toBeGreaterThan(0);
  expect(counts["2"]).toBe(await b.number("yours"));
  await expect(b.see("row").first()).toHaveText(/^Tab 1, closed/);
});
