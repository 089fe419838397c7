/** SIGKILL: a process that is gone without a word. The other is told so in time, and told the truth about every value. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FaultProxy, type ProxiedConnection } from "../support/fault-proxy.js";
import { Child } from "./child.js";
import { expectTruth, readJournal } from "./verdict.js";

const seconds = Number(process.env.PROCESS_SECONDS ?? 3);
const resumeWindowMs = 500;
/** A test, its processes and its windows, on a busy machine. */
const timeoutMs = 120_000;
/** So long that silence is nobody's reason here. */
const quietMs = 60_000;
const lost = { code: "SESSION_LOST" };

/** A server with a listener for each capacity, a client with a session to each, through a proxy each. */
async function start(capacities: readonly number[], heartbeatMs: number, windowMs = resumeWindowMs, again = false) {
  const server = Child.server({ listeners: capacities.map((capacity) => ({ capacity, heartbeatMs, resumeWindowMs: windowMs })) });
  const listening = await Promise.all(capacities.map((_, at) => server.heard("listening", (report) => report.at === at)));
  const ports = listening.map(({ url }) => Number(new URL(url).port));
  const proxies = await Promise.all(ports.map((port, at) => FaultProxy.start(port, at)));
  const client = Child.client({ dials: proxies.map(({ port }) => ({ url: `ws://127.0.0.1:${port}`, heartbeatMs, again })) });
  const peers = await Promise.all(
    [server, client].flatMap((child) => capacities.map((_, at) => child.heard("peer", (peer) => peer.at === at))),
  );
  return {
    server,
    client,
    ports,
    proxies,
    peers,
    async [Symbol.asyncDispose]() {
      for (const end of [server, client, ...proxies]) await end[Symbol.asyncDispose]();
    },
  };
}

/** A single operation, which has begun when the next command is said. */
function send(child: Child, at: number, value: string): void {
  child.say({ do: "send", at, label: value, value });
}
function receive(child: Child, at: number, label: string): void {
  child.say({ do: "receive", at, label });
}
function settled(child: Child, at: number, label: string) {
  return child.heard("settled", (report) => report.at === at && report.label === label);
}
/** When this is over, what the client said before has been heard by the server. */
async function mark(server: Child, client: Child, at: number, label: string): Promise<void> {
  send(client, at, label);
  receive(server, at, `got ${label}`);
  expect(await settled(server, at, `got ${label}`)).toMatchObject({ value: label });
}
function only(proxy: FaultProxy | undefined): ProxiedConnection {
  const [connection] = proxy?.sound ?? [];
  if (connection === undefined) throw new Error("Expected a connection");
  return connection;
}

/** Not long before the window is over (the status is read a little late), and soon after: the dialer may make one attempt more. */
async function expectLost(child: Child, at: number) {
  const [away, end] = await Promise.all([
    child.heard("status", (status) => status.at === at && status.state === "reconnecting"),
    child.heard("ended", (ended) => ended.at === at),
  ]);
  expect(end).toMatchObject({ reason: "lost", code: "SESSION_LOST" });
  expect(end.ms - away.ms).toBeGreaterThan(resumeWindowMs / 2);
  expect(end.ms - away.ms).toBeLessThan(resumeWindowMs + 5_000);
  return end;
}

describe("a server that is killed", () => {
  it(
    "leaves its client with the truth about each operation",
    async () => {
      await using both = await start([0, 4], quietMs);
      const { server, client, proxies } = both;
      receive(client, 0, "received");
      for (const value of ["a", "b", "c", "d", "e", "f"]) send(client, 1, value);
      receive(server, 1, "first");
      expect(await settled(server, 1, "first")).toMatchObject({ value: "a" });
      expect(await settled(client, 1, "e")).not.toHaveProperty("error"); // there is room since "a" was taken

      // The server's application gets a value, and the client does not hear of it.
      await mark(server, client, 0, "mark");
      await settled(client, 0, "mark");
      receive(server, 0, "second");
      const connections = proxies.map((proxy) => only(proxy));
      for (const connection of connections) connection.freeze("down");
      send(client, 0, "in doubt");
      expect(await settled(server, 0, "second")).toMatchObject({ value: "in doubt" });
      send(client, 0, "written");
      await server.kill();
      for (const connection of connections) connection.cut("reset");
      await client.heard("status", ({ at, state }) => at === 0 && state === "reconnecting");
      send(client, 0, "late");

      expect(await expectLost(client, 0)).toMatchObject({ undelivered: [] });
      expect(await settled(client, 0, "received")).toMatchObject({ error: lost });
      expect(await settled(client, 0, "in doubt")).toMatchObject({ error: { ...lost, outcome: "unknown" } });
      expect(await settled(client, 0, "written")).toMatchObject({ error: { ...lost, outcome: "unknown" } });
      expect(await settled(client, 0, "late")).toMatchObject({ error: { ...lost, outcome: "not-sent" } });
      const end = await expectLost(client, 1);
      expect(end.undelivered).toEqual(["b", "c", "d", "e"].map((value) => ({ value, outcome: "unknown" })));
      expect(await settled(client, 1, "f")).toMatchObject({ error: { ...lost, outcome: "unknown" } });
      // And nothing begins any more.
      send(client, 0, "after");
      receive(client, 0, "after that");
      expect(await settled(client, 0, "after")).toMatchObject({ error: { ...lost, outcome: "not-sent" } });
      expect(await settled(client, 0, "after that")).toMatchObject({ error: lost });
      expect(await client.leave()).toBe("0");
    },
    timeoutMs,
  );
});

describe("a client that is killed", () => {
  it(
    "leaves the listener with the truth about each operation, and at work for others",
    async () => {
      await using both = await start([0, 4], quietMs);
      const { server, client, ports, proxies } = both;
      receive(server, 0, "received");
      for (const at of [0, 1]) {
        receive(client, at, "wanted");
        if (at === 1) await mark(server, client, at, "mark");
      }
      send(client, 0, "mark");
      expect(await settled(server, 0, "received")).toMatchObject({ value: "mark" });
      receive(server, 0, "received next");
      const connections = proxies.map((proxy) => only(proxy));
      for (const connection of connections) connection.freeze("up");
      // The client's application gets a value on each, and the server does not hear of it; for the others there is no demand.
      for (const value of ["offered", "waiting"]) send(server, 0, value);
      for (const value of ["offered", "waiting", "b", "c", "one too many"]) send(server, 1, value);
      for (const at of [0, 1]) expect(await settled(client, at, "wanted")).toMatchObject({ value: "offered" });
      await client.kill();
      for (const connection of connections) connection.cut("reset");

      expect(await expectLost(server, 0)).toMatchObject({ undelivered: [] });
      expect(await settled(server, 0, "offered")).toMatchObject({ error: { code: "RECEIVER_LOST", outcome: "unknown" } });
      expect(await settled(server, 0, "waiting")).toMatchObject({ error: { ...lost, outcome: "not-sent" } });
      expect(await settled(server, 0, "received next")).toMatchObject({ error: lost });
      expect((await expectLost(server, 1)).undelivered).toEqual([
        { value: "offered", outcome: "unknown" },
        ...["waiting", "b", "c"].map((value) => ({ value, outcome: "not-sent" })),
      ]);
      expect(await settled(server, 1, "one too many")).toMatchObject({ error: { ...lost, outcome: "not-sent" } });
      for (const value of ["offered", "waiting", "b", "c"]) expect(await settled(server, 1, value)).not.toHaveProperty("error");

      const from = server.position;
      await using other = Child.client({ dials: [{ url: `ws://127.0.0.1:${ports[0]}`, heartbeatMs: quietMs }] });
      await Promise.all([other.heard("peer"), server.heard("peer", undefined, from)]);
      receive(other, 0, "next");
      send(server, 0, "for another");
      expect(await settled(other, 0, "next")).toMatchObject({ value: "for another" });
      expect(await other.leave()).toBe("0");
      expect(await server.leave()).toBe("0");
    },
    timeoutMs,
  );
});

describe("a process that is killed with questions unanswered", () => {
  it.each(["server", "client"] as const)(
    "leaves nobody waiting for an answer: %s",
    async (victim) => {
      await using both = await start([0, 4], quietMs);
      const { [victim]: killed, [victim === "server" ? "client" : "server"]: survivor } = both;
      receive(killed, 0, "question");
      for (const at of [0, 1]) survivor.say({ do: "ask", at, label: "answer" });
      send(survivor, 1, "behind it");
      expect(await settled(survivor, 1, "behind it")).not.toHaveProperty("error"); // so the question is in the buffer
      expect(await settled(killed, 0, "question")).toMatchObject({ value: null }); // and this one is in the victim's hands
      await killed.kill();
      for (const at of [0, 1]) {
        await expectLost(survivor, at);
        const { error } = await settled(survivor, at, "answer");
        expect(["SESSION_LOST", "RECEIVER_LOST"]).toContain(error?.code); // was it heard that the victim had the question?
      }
      expect(await survivor.leave()).toBe("0");
    },
    timeoutMs,
  );
});

describe("a process that is killed at work", () => {
  const rounds = Array.from({ length: Math.ceil(seconds / 3) }, (_, round) => round + 1);
  it.each(rounds.flatMap((round) => [["server", round] as const, ["client", round] as const]))(
    "leaves the other with the truth about every value: %s, round %i",
    async (victim, round) => {
      const folder = mkdtempSync(join(tmpdir(), "netchan-processes-"));
      try {
        const capacities = [0, 64];
        await using both = await start(capacities, 100);
        const { [victim]: killed, [victim === "server" ? "client" : "server"]: survivor } = both;
        const journal = (at: number): string => join(folder, String(at));
        for (const at of capacities.keys()) {
          killed.say({ do: "flow", at, ahead: 32, journal: journal(at) });
          survivor.say({ do: "flow", at, ahead: 32 });
        }
        for (const at of capacities.keys()) await killed.heard("progress", (report) => report.at === at && report.received >= 100 * round);
        await killed.kill();
        for (const [at, capacity] of capacities.entries()) {
          const [flow, end] = await Promise.all([survivor.heard("flow", (report) => report.at === at), expectLost(survivor, at)]);
          expect(flow.wrong).toEqual([]);
          const found = expectTruth(flow, end, capacity, readJournal(journal(at)));
          expect(found.fulfilled).toBeGreaterThan(0);
          console.log(`${victim} killed, capacity ${capacity}: ${JSON.stringify(found)}`);
        }
        expect(await survivor.leave()).toBe("0");
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    timeoutMs,
  );
});

describe("a server that is killed and started again on its port", () => {
  it(
    "does not know the session, which is lost, and begins another",
    async () => {
      const listener = { capacity: 0, heartbeatMs: quietMs, resumeWindowMs: 4_000 };
      await using both = await start([0], listener.heartbeatMs, listener.resumeWindowMs, true);
      const { server, client, ports, proxies, peers } = both;
      receive(client, 0, "received");
      await mark(server, client, 0, "mark");
      const [from, first] = [client.position, peers[0]?.id];
      await using another = Child.server({ waits: true, listeners: [{ ...listener, port: ports[0] ?? 0 }] });
      await server.kill();
      another.say({ do: "listen" });
      await another.heard("listening");
      // It answers, again and again, but that is not the end: the session might live behind another door.
      for (let knock = 0; knock < 2; knock++) {
        const answered = await proxies[0]?.next();
        await answered?.closed;
        expect(answered?.down.bytes).toBeGreaterThan(0);
        expect([client.all("ended"), another.all("peer")]).toEqual([[], []]);
      }
      const end = await client.heard("ended", undefined, from);
      expect(end).toMatchObject({ id: first, reason: "lost", code: "SESSION_LOST", undelivered: [] });
      expect(await settled(client, 0, "received")).toMatchObject({ error: lost });

      const fresh = await client.heard("peer", undefined, from);
      expect(fresh.id).not.toBe(first);
      expect(await another.heard("peer")).toMatchObject({ id: fresh.id });
      receive(client, 0, "down");
      receive(another, 0, "up");
      send(client, 0, "there");
      send(another, 0, "here");
      expect(await settled(client, 0, "down")).toMatchObject({ value: "here" });
      expect(await settled(another, 0, "up")).toMatchObject({ value: "there" });
      expect(another.all("peer")).toHaveLength(1);
      expect([await client.leave(), await another.leave()]).toEqual(["0", "0"]);
    },
    timeoutMs,
  );
});
