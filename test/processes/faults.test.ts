/**
 * Two processes, a proxy between them, and a fault every 50 to 500 ms: nothing is lost, doubled, changed or out of order.
 *
 * Each mode runs with two sessions at once, capacity 0 and 64, both directions of each under load, and the faults go on until both sides have
 * finished, so that draining and goodbyes are hit as well. PROCESS_SECONDS says for how long (30 is the full run), PROCESS_SEED which faults.
 */
import { describe, expect, it } from "vitest";
import { FaultProxy } from "../support/fault-proxy.js";
import { Child } from "./child.js";
import { type Mode, Weather } from "./weather.js";
import type { Reports } from "./words.js";

const seconds = Number(process.env.PROCESS_SECONDS ?? 3);
const seed = Number(process.env.PROCESS_SEED ?? 1);
const capacities = [0, 64] as const;
const modes: readonly Mode[] = ["clean", "reset", "half-open", "drip", "corrupt", "inside-frame", "mixed"];
/** In "mixed" the other side is this far away, one way: more is under way when it is cut. */
const farMs = 10;
/** Links at work that are brought down in each session, at the least. */
const leastCuts = 2 * seconds;
/** Links that stay silent for three of these are given up. */
const heartbeatMs = 60;

/** Runs at the same time; more would fight for two cores, and heartbeats be missed for that. */
let free = 2;
const queue: (() => void)[] = [];
async function inTurn<T>(run: () => Promise<T>): Promise<T> {
  if (free === 0) await new Promise<void>((resolve) => queue.push(resolve));
  else free--;
  try {
    return await run();
  } finally {
    const next = queue.shift();
    if (next === undefined) free++;
    else next();
  }
}

interface Session {
  readonly capacity: number;
  readonly proxy: FaultProxy;
  readonly flows: readonly Reports["flow"][];
  readonly ends: readonly Reports["ended"][];
  readonly peers: readonly Reports["peer"][];
  /** Links the dialer got back after the first. */
  readonly resumes: number;
}

async function run(mode: Mode): Promise<readonly Session[]> {
  const tls = mode === "corrupt"; // there any turned bit is noticed
  await using server = Child.server({ listeners: capacities.map((capacity) => ({ capacity, heartbeatMs, resumeWindowMs: 30_000, tls })) });
  const listening = await Promise.all(capacities.map((_, at) => server.heard("listening", (report) => report.at === at)));
  const proxies = await Promise.all(listening.map(({ url }, at) => FaultProxy.start(Number(new URL(url).port), seed * 1_000 + at)));
  if (mode === "mixed") for (const proxy of proxies) proxy.delayMs = farMs;
  await using _ = { [Symbol.asyncDispose]: () => Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]())).then(() => {}) };
  await using client = Child.client({
    dials: proxies.map(({ port }, at) => {
      const certificateHash = listening[at]?.certificateHash;
      return { url: `${tls ? "wss" : "ws"}://127.0.0.1:${port}`, heartbeatMs, ...(certificateHash !== undefined && { certificateHash }) };
    }),
  });
  const both = [server, client];

  const session = async (proxy: FaultProxy, at: number): Promise<Session> => {
    const all = <K extends keyof Reports>(kind: K): Promise<readonly Reports[K][]> =>
      Promise.all(both.map((child) => child.heard(kind, (report) => report.at === at)));
    await all("peer");
    for (const child of both) child.say({ do: "flow", at, ahead: 32, questions: true });
    await all("progress");
    const weather = new Weather(proxy, mode);
    try {
      await weather.lasts(seconds * 1_000, leastCuts, () => both.every((child) => child.all("ended", at).length === 0));
      for (const child of both) child.say({ do: "finish", at });
      const [flows, ends] = await Promise.all([all("flow"), all("ended")]);
      const resumes = client.all("status", at).filter(({ state }) => state === "connected").length - 1;
      const peers = both.flatMap((child) => child.all("peer", at));
      return { capacity: capacities[at] ?? 0, proxy, flows, ends, peers, resumes };
    } finally {
      await weather.clear();
    }
  };
  const sessions = await Promise.all(proxies.map(session));
  expect(await Promise.all(both.map((child) => child.leave()))).toEqual(["0", "0"]);
  return sessions;
}

/** What the proxy did to the session, and what the session did meanwhile. */
function check(mode: Mode, { capacity, proxy, flows, ends, peers, resumes }: Session): void {
  const [near, far] = flows;
  if (near === undefined || far === undefined) throw new Error("Expected two flows");
  for (const end of ends) expect(end).toMatchObject({ reason: "closed", undelivered: [] });
  for (const [sent, got] of [
    [near, far],
    [far, near],
  ] as const) {
    expect(got.wrong).toEqual([]);
    expect(got.stopped).toBeNull();
    expect(sent.rejected).toEqual([]);
    expect(sent.fulfilled).toBe(sent.started);
    expect(sent.answered).toBe(sent.asked);
    expect(got.received).toBe(sent.started);
  }
  // One session, from the beginning to the end.
  expect(peers).toHaveLength(2);
  expect(new Set([...peers, ...ends].map(({ id }) => id)).size).toBe(1);

  const cuts = proxy.hits.filter(({ kind }) => kind !== "drip");
  const { liveCuts } = proxy;
  expect(cuts.filter((cut) => cut.kind === "inside-frame" && cut.live && !cut.inside)).toEqual([]);
  if (mode === "drip") expect(proxy.hits.filter(({ kind }) => kind === "drip").length).toBeGreaterThanOrEqual(liveCuts);
  // Every link that was brought down was missed, and another took its place; but the last may have been needed no more.
  expect(liveCuts).toBeGreaterThanOrEqual(leastCuts);
  expect(resumes).toBeGreaterThanOrEqual(liveCuts - 1);
  // Between two cuts, work was done.
  for (const { received } of flows) expect(received).toBeGreaterThan(10 * liveCuts);
  const moved = flows.map(({ received, answered }) => `${received} (${answered} answers)`).join(" and ");
  const early = cuts.filter(({ live }) => !live).length;
  console.log(
    `${mode}, capacity ${capacity}: ${moved} values; ${liveCuts} links cut at work and ${early} early, ${resumes} resumes, ` +
      `${proxy.accepted} connections, ${proxy.refused} refused, ${Math.round((proxy.bytes.up + proxy.bytes.down) / 1024)} KiB`,
  );
}

describe("nothing is lost, doubled, changed or out of order", () => {
  it.concurrent.each(modes)(
    "through faults: %s",
    async (mode) => {
      for (const session of await inTurn(() => run(mode))) check(mode, session);
    },
    modes.length * (seconds * 1_000 + 60_000),
  );
});
