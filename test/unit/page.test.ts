/** The page a dialer lives in, with globals that are none. */
import { describe, expect, it } from "vitest";
import { platformPage } from "../../src/page.js";
import type { PageEvent } from "../../src/session/host.js";

/** Something that events happen to, and that knows who listens. */
class Target {
  readonly listeners: [string, () => void][] = [];
  addEventListener(type: string, listener: () => void): void {
    this.listeners.push([type, listener]);
  }
  removeEventListener(type: string, listener: () => void): void {
    const index = this.listeners.findIndex(([one, other]) => one === type && other === listener);
    if (index >= 0) this.listeners.splice(index, 1);
  }
  happen(type: string): void {
    for (const [one, listener] of [...this.listeners]) if (one === type) listener();
  }
}
class FakeDocument extends Target {
  visibilityState = "visible";
}
class FakeWindow extends Target {
  readonly document = new FakeDocument();
}

function watched() {
  const window = new FakeWindow();
  const page = platformPage(window);
  if (page === undefined) throw new Error("Expected a page");
  const events: PageEvent[] = [];
  const stop = page.watch((event) => events.push(event));
  return { window, page, events, stop };
}

describe("a page", () => {
  it("is where there is a document, or a worker; not in Node", () => {
    expect(platformPage({})).toBeUndefined();
    expect(platformPage()).toBeUndefined();
    expect(platformPage(new Target())).toBeUndefined();
    expect(platformPage(Object.assign(new Target(), { WorkerGlobalScope: class {} }) as never)).toBeDefined();
    expect(platformPage({ document: new FakeDocument() })).toBeUndefined();
  });

  it("is hidden as its document says, and in a worker never", () => {
    const { window, page } = watched();
    expect(page.hidden).toBe(false);
    window.document.visibilityState = "hidden";
    expect(page.hidden).toBe(true);
    expect(platformPage(Object.assign(new Target(), { WorkerGlobalScope: class {} }) as never)?.hidden).toBe(false);
  });

  it.each<[string, "window" | "document", string, PageEvent]>([
    ["the network is back", "window", "online", "woke"],
    ["it is shown from the cache", "window", "pageshow", "woke"],
    ["it is left", "window", "pagehide", "left"],
    ["it is thawed", "document", "resume", "woke"],
    ["it is shown", "document", "visibilitychange", "woke"],
  ])("tells when %s", (_what, where, type, event) => {
    const { window, events } = watched();
    (where === "window" ? window : window.document).happen(type);
    expect(events).toEqual([event]);
  });

  it("tells when it is hidden", () => {
    const { window, events } = watched();
    window.document.visibilityState = "hidden";
    window.document.happen("visibilitychange");
    expect(events).toEqual(["hidden"]);
  });

  it("is watched by nobody before it is asked, and by nobody after", () => {
    const window = new FakeWindow();
    const page = platformPage(window);
    expect([window.listeners, window.document.listeners]).toEqual([[], []]);
    const stops = [page?.watch(() => undefined), page?.watch(() => undefined)];
    expect(window.listeners.length).toBeGreaterThan(0);
    for (const stop of stops) stop?.();
    expect([window.listeners, window.document.listeners]).toEqual([[], []]);
  });

  it("is watched in a worker by what a worker has", () => {
    const worker = Object.assign(new Target(), { WorkerGlobalScope: class {} });
    const events: PageEvent[] = [];
    const stop = platformPage(worker as never)?.watch((event) => events.push(event));
    worker.happen("online");
    expect(events).toEqual(["woke"]);
    stop?.();
    expect(worker.listeners).toEqual([]);
  });
});
