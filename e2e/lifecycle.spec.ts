/**
 * What happens to people's tabs, in a real browser: hidden, frozen, left and come back to, without a network. The session outlives it, and
 * values that stream to the page and back from it meanwhile arrive once, in order. Nothing is timed here but silence, by the listener.
 */
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setImmediate, setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { type ListenOptions, listen, type Peer, type PeerStatus } from "netchan";
import sirv from "sirv";
import "./support/library.js";
import { expect, test } from "./support/tab.js";

declare global {
  interface Window {
    readonly peer: Peer<number>;
    /** What the page has received, and sent back. */
    readonly shown: readonly number[];
  }
}

// Each test begins with a browser, and a frozen page takes its time.
test.describe.configure({ timeout: 60_000 });

const folder = fileURLToPath(new URL("dist", import.meta.url));

/** Waits of which no test sees the end: then only an event can bring a page back. */
const long = { minMs: 240_000, maxMs: 240_000 };
const short = { minMs: 10, maxMs: 20 };

/** So many values are under way together, so that there is something to lose, and to say twice, when a link ends. */
const atOnce = 16;

/** Begins a session in a page that sends back what it receives. @returns the session's id */
function begin({ url, reconnect, atOnce }: { url: string; reconnect: typeof long; atOnce: number }): Promise<string> {
  Math.random = () => 1 / 2; // the waits are random: of these half is waited
  return window.netchan.dial<number>(url, { reconnect }).then((peer) => {
    const shown: number[] = [];
    Object.assign(window, { peer, shown });
    for (let under = 0; under < atOnce; under++) {
      void (async () => {
        for await (const value of peer.receive) {
          shown.push(value);
          void peer.send(value);
        }
      })();
    }
    return peer.id;
  });
}

/** A listener that streams 0, 1, 2 … to a page, and gets each of them back. */
async function setUp(page: Page, reconnect: typeof long, options: ListenOptions<number> = {}) {
  const server = createServer(sirv(folder));
  const sockets = new Set<Socket>();
  /** Links that were let in, attempts that were not. */
  const counts = { links: 0, refused: 0 };
  const door = { shut: false };
  server.on("upgrade", (_request, socket: Socket) => {
    counts[door.shut ? "refused" : "links"]++;
    if (door.shut) socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const listener = await listen<number>({ server, path: "/channel" }, { capacity: 64, ...options });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const frames: string[] = [];
  page.on("websocket", (link) => link.on("framesent", ({ payload }) => frames.push(String(payload))));
  await page.goto(`http://${host}/`);

  const dial = async (): Promise<Peer<number>> => {
    const id = await page.evaluate(begin, { url: `ws://${host}/channel`, reconnect, atOnce });
    const { value: peer } = await listener.peers();
    if (peer === undefined) throw new Error("the listener was closed");
    expect(peer.id).toBe(id);
    return peer;
  };
  const inNode = await dial();

  const returned: number[] = [];
  const collecting = (async () => {
    for await (const value of inNode.receive) returned.push(value);
  })();
  let sent = 0;
  const burst = (): Promise<unknown> => Promise.all(Array.from({ length: atOnce }, () => inNode.send(sent++)));
  let stopped = false;
  const streaming = (async () => {
    while (!stopped) {
      await burst();
      await setTimeout(50); // at full speed the page would be too busy to be asked anything
    }
  })();
  /** How a session ends is the tests' to look at. */
  const unheard = (work: Promise<unknown>): void => void work.catch(() => undefined);
  unheard(streaming);
  unheard(collecting);

  return {
    inNode,
    counts,
    door,
    dial,
    elsewhere: `http://${host}/?elsewhere`,
    /** Waits until values have come through, from now on. */
    async flows(): Promise<void> {
      const before = returned.length;
      await expect.poll(() => returned.length).toBeGreaterThan(before + 50);
    },
    /** Sends no more, and expects that every value has arrived on both sides, once, in order, in the session that there was. */
    async expectAll(): Promise<void> {
      stopped = true;
      await streaming;
      await expect.poll(() => returned.length).toBeGreaterThanOrEqual(sent);
      await inNode.ping(); // comes behind what is one too many
      const all = Array.from({ length: sent }, (_, index) => index);
      expect(await page.evaluate(() => window.shown)).toEqual(all);
      expect(returned).toEqual(all);
      expect(await page.evaluate(() => [window.peer.id, window.peer.status.state])).toEqual([inNode.id, "connected"]);
    },
    async connected(): Promise<void> {
      for await (const { state } of inNode.statuses()) if (state === "connected") return;
      throw new Error("the session has ended");
    },
    /** Waits until the listener has no link. @returns why */
    async lost(): Promise<string> {
      for await (const status of inNode.statuses()) if (status.state === "reconnecting") return status.error.message;
      throw new Error("the session has ended");
    },
    /** Waits until the page has no link and waits itself, for a time or only for an event. */
    async waits(expected: Pick<PeerStatus & { state: "reconnecting" }, "attempt" | "retryInMs">): Promise<void> {
      const waiting = (): Promise<unknown> =>
        page.evaluate(() => {
          const { status } = window.peer;
          return status.state === "reconnecting" && { attempt: status.attempt, retryInMs: status.retryInMs };
        });
      await expect.poll(waiting).toEqual(expected);
    },
    /** Waits until the page has said so many times that it is hidden, or visible. */
    async said(what: "hidden" | "visible", times: number): Promise<void> {
      await expect.poll(() => frames.filter((batch) => batch.includes(`["page","${what}"]`)).length).toBe(times);
    },
    /** Drops the link, with values on it. */
    async cut(): Promise<void> {
      unheard(burst());
      await setImmediate();
      expect(sockets.size).toBe(1);
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close(): Promise<void> {
      await listener.close({ drainMs: 0 });
      server.closeAllConnections();
      server.close();
    },
  };
}

test("a frozen tab is given five heartbeats, not three, and goes on when it is thawed", async ({ tab }) => {
  const heartbeatMs = 300;
  const stage = await setUp(tab.page, short, { heartbeatMs });
  const shown = (): Promise<number> => tab.page.evaluate(() => window.shown.length);
  await stage.flows();
  await tab.hide();
  await stage.said("hidden", 1);
  await stage.flows();
  const { links } = stage.counts;

  await tab.freeze();
  const before = await shown();
  const [, silentMs] = /silent for (\d+) ms/.exec(await stage.lost()) ?? [];
  expect(Number(silentMs)).toBeGreaterThanOrEqual(5 * heartbeatMs);
  expect(await shown(), "values that the page has when it has been frozen for so long").toBe(before);
  expect(stage.counts.links).toBe(links);

  await tab.thaw();
  await stage.connected();
  await stage.flows();
  await tab.show();
  await stage.flows();
  await stage.expectAll();
  expect(stage.counts).toEqual({ links: links + 1, refused: 0 });
  await stage.close();
});

test("a hidden tab says so; without a link it tries once, and then not before it is seen", async ({ tab }) => {
  const stage = await setUp(tab.page, short);
  await tab.hide();
  await stage.said("hidden", 1);
  await tab.show();
  await stage.said("visible", 1);
  await tab.hide();
  await stage.said("hidden", 2);
  await stage.flows();

  stage.door.shut = true;
  await stage.cut();
  await stage.waits({ attempt: 2 });
  // A timer for the next attempt, of 10 ms, would have come before the third of these.
  await tab.page.evaluate(async () => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => window.setTimeout(resolve, 50));
  });
  expect(stage.counts).toEqual({ links: 1, refused: 1 });

  stage.door.shut = false;
  await tab.show();
  await stage.connected();
  await stage.flows();
  await stage.expectAll();
  expect(stage.counts).toEqual({ links: 2, refused: 1 });
  await stage.close();
});

test("a page that is left and shown again from the back-forward cache goes on", async ({ tab }) => {
  const stage = await setUp(tab.page, long);
  await stage.flows();
  await tab.page.goto(stage.elsewhere);
  expect(await stage.lost()).toContain("the link was lost"); // by its end: silence would be noticed after 45 s
  expect(stage.counts.links).toBe(1);

  await tab.page.goBack({ waitUntil: "commit" });
  await stage.connected();
  await tab.happened("shown again");
  await stage.flows();
  await stage.expectAll();
  expect(stage.counts).toEqual({ links: 2, refused: 0 });
  await stage.close();
});

test("a page that is loaded again is a new session, and the old one is kept until its window is over", async ({ tab }) => {
  const resumeWindowMs = 2_000;
  const stage = await setUp(tab.page, short, { resumeWindowMs });
  const { send, id, ended } = stage.inNode;
  await stage.flows();
  await stage.expectAll();
  const beganAt = performance.now();
  await tab.page.reload();
  expect(await stage.lost()).toContain("the link was lost");
  await send(-1); // there is room for it, and it waits for the page that was

  const second = await stage.dial();
  expect(second.id).not.toBe(id);
  const { reason, undelivered } = await ended;
  expect(performance.now() - beganAt).toBeGreaterThanOrEqual(resumeWindowMs);
  expect(reason).toBe("lost");
  expect(undelivered).toEqual([{ send, value: -1, outcome: "not-sent" }]);

  await second.send(1);
  expect(await second.receive()).toMatchObject({ done: false, value: 1 });
  expect(await tab.page.evaluate(() => window.shown)).toEqual([1]);
  expect(stage.counts).toEqual({ links: 2, refused: 0 });
  await stage.close();
});

test("a page without a network is back when that is, however long it meant to wait", async ({ tab }) => {
  const context = tab.page.context();
  const stage = await setUp(tab.page, long, { heartbeatMs: 2_000 });
  await stage.flows();
  // Chromium leaves the link open and lets nothing through; even the cut the page may not hear of, but the silence it does.
  await context.setOffline(true);
  await tab.happened("offline");
  await stage.cut();
  await stage.waits({ attempt: 1, retryInMs: long.minMs / 2 });
  await tab.page.evaluate(() => window.peer.reconnect());
  await stage.waits({ attempt: 2, retryInMs: long.minMs / 2 });
  expect(stage.counts).toEqual({ links: 1, refused: 0 });

  await context.setOffline(false);
  await tab.happened("online");
  await stage.connected();
  await stage.flows();
  await stage.expectAll();
  expect(stage.counts).toEqual({ links: 2, refused: 0 });
  await stage.close();
});
