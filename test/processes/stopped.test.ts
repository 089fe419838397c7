/**
 * SIGSTOP: a process that falls silent with its sockets open, and wakes up later as if nothing had been. Within the window nothing is lost;
 * after it both sides are told that the session is, and the truth about every value.
 */
import { describe, expect, it } from "vitest";
import { Child } from "./child.js";
import { expectTruth } from "./verdict.js";
import type { Reports } from "./words.js";

const capacities = [0, 64] as const;
const heartbeatMs = 100;
/** A test and its processes, on a busy machine. */
const timeoutMs = 120_000;

/** Both at work: a session of each capacity, under load both ways. */
async function start(resumeWindowMs: number) {
  const server = Child.server({ listeners: capacities.map((capacity) => ({ capacity, heartbeatMs, resumeWindowMs })) });
  const listening = await Promise.all(capacities.map((_, at) => server.heard("listening", (report) => report.at === at)));
  const client = Child.client({ dials: listening.map(({ url }) => ({ url, heartbeatMs })) });
  const both = {
    server,
    client,
    /** One of each session from both sides, from some positions on. */
    all: <K extends keyof Reports>(kind: K, matches: (report: Reports[K]) => boolean = () => true, from: readonly number[] = [0, 0]) =>
      Promise.all(
        [server, client].flatMap((child, side) =>
          capacities.map((_, at) => child.heard(kind, (report) => report.at === at && matches(report), from[side])),
        ),
      ),
    async [Symbol.asyncDispose]() {
      for (const child of [server, client]) await child[Symbol.asyncDispose]();
    },
  };
  await both.all("peer");
  for (const child of [server, client]) for (const at of capacities.keys()) child.say({ do: "flow", at, ahead: 32 });
  await both.all("progress");
  return both;
}

describe.each(["server", "client"] as const)("a %s that is stopped", (sleeper) => {
  const other = sleeper === "server" ? "client" : "server";

  it(
    "for less than the window has lost nothing",
    async () => {
      await using both = await start(30_000);
      const [asleep, awake] = [both[sleeper], both[other]];
      const from = [both.server.position, both.client.position];
      const mark = awake.position;
      asleep.signal("SIGSTOP");
      for (const at of capacities.keys())
        await awake.heard("status", (status) => status.at === at && status.state === "reconnecting", mark);
      const woken = awake.position;
      asleep.signal("SIGCONT");
      for (const at of capacities.keys()) await awake.heard("status", (status) => status.at === at && status.state === "connected", woken);
      await both.all("progress", undefined, from);
      for (const child of [both.server, both.client]) for (const at of capacities.keys()) child.say({ do: "finish", at });
      const [flows, ends] = await Promise.all([both.all("flow"), both.all("ended")]);
      for (const end of ends) expect(end).toMatchObject({ reason: "closed", undelivered: [] });
      for (const [index, flow] of flows.entries()) {
        expect(flow).toMatchObject({ wrong: [], stopped: null, rejected: [] });
        expect(flow.fulfilled).toBe(flow.started);
        expect(flow.received).toBe(flows[(index + capacities.length) % flows.length]?.started);
      }
      expect([await both.server.leave(), await both.client.leave()]).toEqual(["0", "0"]);
    },
    timeoutMs,
  );

  it(
    "for longer than the window is told that its session is lost, and so was the other",
    async () => {
      await using both = await start(500);
      const [asleep, awake] = [both[sleeper], both[other]];
      asleep.signal("SIGSTOP");
      for (const at of capacities.keys()) await awake.heard("ended", (end) => end.at === at);
      expect(asleep.all("ended")).toEqual([]);
      asleep.signal("SIGCONT");
      const [flows, ends] = await Promise.all([both.all("flow"), both.all("ended")]);
      for (const [index, flow] of flows.entries()) {
        const [end, opposite] = [ends[index], flows[(index + capacities.length) % flows.length]];
        const capacity = capacities[index % capacities.length] ?? 0;
        if (end === undefined || opposite === undefined) throw new Error("Expected as many ends as flows");
        expect(end).toMatchObject({ reason: "lost", code: "SESSION_LOST" });
        expect(flow).toMatchObject({ wrong: [], stopped: "SESSION_LOST" });
        const found = expectTruth(flow, end, capacity, opposite.received);
        expect(found.fulfilled).toBeGreaterThan(0);
        console.log(
          `${sleeper} stopped, ${index < capacities.length ? "server" : "client"} sends, capacity ${capacity}: ${JSON.stringify(found)}`,
        );
      }
      expect([await both.server.leave(), await both.client.leave()]).toEqual(["0", "0"]);
    },
    timeoutMs,
  );
});
