/**
 * Sessions outlive their links: what users see of a cut, over a network in memory on a virtual clock and over real WebSockets whose
 * connections are destroyed. Sessions that are lost for good are in loss.test.ts.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  ask,
  type Channel,
  chan,
  type DialOptions,
  dial,
  type Listener,
  type ListenOptions,
  listen,
  type Peer,
  type PeerStatus,
  type ReceiveChannel,
  type SendChannel,
  select,
  sessions,
  trySelect,
} from "netchan";
import { type MemoryNetwork, memoryNetwork } from "netchan/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { all, codeOf, errorOf, isPending, noUnhandledRejections, range, take } from "./support.js";

interface Both<T> {
  readonly server: Listener<T, T>;
  readonly near: Peer<T, T>;
  readonly far: Peer<T, T>;
}
interface Net {
  pair<T = unknown>(options?: ListenOptions<T>, dialOptions?: DialOptions): Promise<Both<T>>;
  /** All connections fail; none can be made until `mend`. */
  cut(): Promise<void>;
  /** Connections can be made again, and both sides have one. */
  mend(peers: { readonly near: Peer; readonly far: Peer }): Promise<void>;
  dispose(): Promise<void>;
}

/** The first status of that kind. */
async function until<S extends PeerStatus["state"]>(peer: Peer, state: S): Promise<Extract<PeerStatus, { readonly state: S }>> {
  using feed = peer.statuses();
  for await (const status of feed) if (status.state === state) return status as Extract<PeerStatus, { readonly state: S }>;
  throw new Error(`Expected the status ${state}, got none`);
}
const quick: DialOptions = { reconnect: { minMs: 10, maxMs: 20 } };

function inMemory(network: MemoryNetwork = memoryNetwork()): Net {
  const peers: Peer[] = [];
  const servers: Listener[] = [];
  return {
    async pair<T>(options: ListenOptions<T> = {}, dialOptions: DialOptions = {}) {
      const server = network.listen<T, T>(options);
      servers.push(server as Listener);
      const far = await dial<T, T>(network.address(server.accept), { ...quick, ...dialOptions });
      const near = await take(server.peers);
      peers.push(near as Peer, far as Peer);
      return { server, near, far };
    },
    async cut() {
      network.cut();
      await network.settle();
    },
    async mend() {
      network.heal();
      await network.advance(100);
    },
    async dispose() {
      for (const peer of peers) peer.abort();
      const closed = Promise.all(servers.map((server) => server.close({ drainMs: 0 })));
      await network.advance(5_000);
      await closed;
    },
  };
}

function overWebSocket(): Net {
  const sockets = new Set<Socket>();
  const https: Server[] = [];
  const peers: Peer[] = [];
  const servers: Listener[] = [];
  let down = false;
  return {
    async pair<T>(options: ListenOptions<T> = {}, dialOptions: DialOptions = {}) {
      const http = createServer();
      https.push(http);
      http.on("connection", (socket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => sockets.delete(socket));
        if (down) socket.destroy();
      });
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      const server = (await listen<T, T>({ server: http }, options)) as Listener<T, T>;
      servers.push(server as Listener);
      const far = await dial<T, T>(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, { ...quick, ...dialOptions });
      const near = (await take(server.peers)) as Peer<T, T>;
      peers.push(near as Peer, far as Peer);
      return { server, near, far };
    },
    async cut() {
      down = true;
      const linked = peers.filter(({ status }) => status.state === "connected");
      for (const socket of sockets) socket.destroy();
      for (const peer of linked) await Promise.race([until(peer, "reconnecting"), peer.ended]);
    },
    async mend({ near, far }) {
      down = false;
      await Promise.all([until(near, "connected"), until(far, "connected")]);
    },
    async dispose() {
      down = false;
      for (const peer of peers) peer.abort();
      await Promise.all(servers.map((server) => server.close({ drainMs: 0 })));
      await Promise.all(https.map((http) => new Promise((resolve) => http.close(resolve))));
    },
  };
}

describe.each([
  ["in memory", () => inMemory()],
  ["over WebSocket", overWebSocket],
])("a cut %s", (_name, make) => {
  noUnhandledRejections();
  let net: Net;
  beforeEach(() => {
    net = make();
  });
  afterEach(() => net.dispose());

  it("rejects nothing: what is pending stays so, and completes when there is a link again", async () => {
    const both = await net.pair<string>();
    const { near, far, server } = both;
    const [up, down] = [far.send("up"), near.send("down")];
    const [waitingUp, waitingDown] = [far.receive(), near.receive()];
    await Promise.all([waitingUp, waitingDown, up, down]);
    const pending = [far.send("up again"), near.send("down again"), server.send("to whoever asks")];
    await net.cut();
    await net.mend(both);
    expect(await take(near.receive)).toBe("up again");
    expect([await take(far.receive), await take(far.receive)].sort()).toEqual(["down again", "to whoever asks"]);
    await Promise.all(pending);
  });

  it("lets values of any size through again: only strangers are limited to a few KiB", async () => {
    const both = await net.pair<string>();
    const large = "x".repeat(200_000);
    for (const round of range(2)) {
      const sent = both.far.send(large + round);
      expect(await take(both.near.receive)).toBe(large + round);
      await sent;
      await net.cut();
      await net.mend(both);
    }
  });

  it("loses nothing, doubles nothing and keeps the order, however often it happens", async () => {
    const both = await net.pair<number>();
    const { near, far } = both;
    const [up, down] = [all(near.receive), all(far.receive)];
    const sends: Promise<void>[] = [];
    for (const round of range(6)) {
      for (const index of range(20)) sends.push(far.send(round * 20 + index), near.send(round * 20 + index));
      if (round % 2 === 0) await far.ping();
      await net.cut();
      await net.mend(both);
    }
    await Promise.all(sends);
    await far.close();
    expect(await up).toEqual(range(120));
    expect(await down).toEqual(range(120));
  });

  it("is a status on both sides, never an error, and only the dialer's says when it tries", async () => {
    const both = await net.pair({ resumeWindowMs: 60_000 }, { reconnect: { minMs: 20, maxMs: 40 } });
    const { near, far } = both;
    const transport = far.status.state === "connected" ? far.status.transport : "";
    await net.cut();
    const [here, there] = [await until(far, "reconnecting"), await until(near, "reconnecting")];
    for (const { endsInMs, error } of [here, there]) {
      expect(endsInMs).toBeGreaterThan(50_000);
      expect(endsInMs).toBeLessThanOrEqual(60_000);
      expect(error).toMatchObject({ code: "DIAL_FAILED", retryable: true });
    }
    expect(here.attempt).toBeGreaterThanOrEqual(1);
    expect(here.retryInMs ?? 0).toBeLessThanOrEqual(40);
    expect("attempt" in there || "retryInMs" in there).toBe(false);
    await net.mend(both);
    expect([near.status, far.status]).toEqual([
      { state: "connected", transport },
      { state: "connected", transport },
    ]);
  });

  it("is told in turns by statuses()", async () => {
    const both = await net.pair();
    for (const peer of [both.near, both.far]) {
      using feed = peer.statuses();
      const states: string[] = [];
      const next = async (): Promise<void> => {
        const { state } = await take(feed);
        if (states.at(-1) !== state) states.push(state);
      };
      await next();
      await net.cut();
      while (states.length < 2) await next();
      await net.mend(both);
      while (states.length < 3) await next();
      expect(states).toEqual(["connected", "reconnecting", "connected"]);
    }
  });

  it("changes nothing that is known of a peer, and brings nobody new", async () => {
    const both = await net.pair({ authenticate: () => ({ name: "Ada" }) });
    const { near, far, server } = both;
    const { id, identity, remoteAddress } = near;
    await net.cut();
    expect(server.connected.has(near)).toBe(true);
    await net.mend(both);
    expect([near.id, far.id, near.identity, near.remoteAddress]).toEqual([id, id, identity, remoteAddress]);
    expect([...server.connected]).toEqual([near]);
    using other = server.peers;
    expect(await trySelect({ other })).toBeUndefined();
  });

  it("leaves channel ends as they are: those that travelled before, in it, and home again", async () => {
    const both = await net.pair<Channel<unknown> | SendChannel<unknown> | ReceiveChannel<unknown>>();
    const { near, far } = both;
    const home = chan<unknown>();
    const sent = far.send({ send: home.send, receive: home.receive });
    const there = (await take(near.receive)) as Channel<unknown>;
    await sent;
    const taken = there.receive();
    await net.cut();
    const given = home.send("in the cut");
    const back = near.send(there.send);
    const again = far.send(home.receive);
    await net.mend(both);
    expect((await taken).value).toBe("in the cut");
    await given;
    expect(await take(far.receive)).toBe(home.send);
    expect(await take(near.receive)).toBe(there.receive);
    await Promise.all([back, again]);
  });

  it("does not disturb a question: its answer arrives", async () => {
    const both = await net.pair<{ readonly reply: SendChannel<string> }>();
    const { near, far } = both;
    const answer = ask(far.send, (reply: SendChannel<string>) => ({ reply }));
    const { reply } = await take(near.receive);
    await net.cut();
    const replied = reply("forty-two");
    await net.mend(both);
    expect(await answer).toBe("forty-two");
    await replied;
  });

  it("does not disturb a select: one case happens", async () => {
    const both = await net.pair<string>();
    const { near, far } = both;
    const local = chan<string>();
    const choosing = select({ remote: far.receive, local: local.receive, send: [far.send, "not this"] });
    await far.ping();
    await net.cut();
    const sent = near.send("this");
    await net.mend(both);
    expect(await choosing).toMatchObject({ case: "remote", value: "this" });
    await sent;
    expect(await trySelect({ up: near.receive })).toBeUndefined();
  });

  it("keeps a buffer what it was", async () => {
    const both = await net.pair<number>({ capacity: 3 });
    const { near, far } = both;
    for (const value of range(3)) await far.send(value);
    const fourth = far.send(3);
    await net.cut();
    expect(await take(near.receive)).toBe(0);
    await net.mend(both);
    await fourth;
    expect([await take(near.receive), await take(near.receive), await take(near.receive)]).toEqual([1, 2, 3]);
  });

  it("lets a ping wait for the next link, and measures that one", async () => {
    const both = await net.pair();
    await net.cut();
    const pings = [both.far.ping(), both.near.ping()];
    await net.mend(both);
    for (const ping of pings) expect(await ping).toBeLessThan(5_000);
  });

  it("lets a ping be aborted", async () => {
    const { far } = await net.pair();
    await net.cut();
    const stop = new AbortController();
    const ping = far.ping({ signal: stop.signal });
    stop.abort("enough");
    await expect(ping).rejects.toBe("enough");
  });

  it("does not keep closes from arriving, in their places", async () => {
    const both = await net.pair<number>();
    const { near, far } = both;
    const reading = all(near.receive);
    await net.cut();
    const sends = range(5).map((value) => far.send(value));
    far.send.close();
    await net.mend(both);
    expect(await reading).toEqual(range(5));
    await Promise.all(sends);
    expect(await codeOf(far.send(9))).toBe("CHANNEL_CLOSED");
    await Promise.all([near.send(7), take(far.receive)]);
  });

  it("lets a session be closed well once there is a link again", async () => {
    const both = await net.pair<number>();
    const { near, far } = both;
    await net.cut();
    const [sent, closed] = [far.send(1), far.close()];
    await net.mend(both).catch(() => undefined);
    expect(await take(near.receive)).toBe(1);
    await Promise.all([sent, closed]);
    for (const peer of [near, far]) expect((await peer.ended).reason).toBe("closed");
    expect(await far.receive()).toMatchObject({ done: true });
  });

  it("lets a dialer abort at once", async () => {
    const { far } = await net.pair<number>();
    const waiting = codeOf(far.receive());
    await net.cut();
    const sent = errorOf(far.send(1));
    far.abort();
    expect(await far.ended).toMatchObject({ reason: "aborted", error: { code: "SESSION_CLOSED" } });
    expect(await waiting).toBe("SESSION_CLOSED");
    expect(await sent).toMatchObject({ code: "SESSION_CLOSED", outcome: "not-sent" });
  });

  it("tells a dialer that comes back that it was aborted meanwhile", async () => {
    const both = await net.pair<number>();
    const { near, far, server } = both;
    await net.cut();
    near.abort(new Error("no longer wanted"));
    await near.ended;
    expect(server.connected.size).toBe(0);
    await net.mend(both).catch(() => undefined);
    expect(await far.ended).toMatchObject({
      reason: "aborted",
      error: { code: "SESSION_CLOSED", message: expect.stringContaining("no longer") as string },
    });
  });

  it("asks for credentials and authenticates anew, and reconnect() does without one", async () => {
    const shown: unknown[] = [];
    let count = 0;
    const both = await net.pair<number>(
      {
        authenticate: (credentials) => {
          shown.push(credentials);
          return "Ada";
        },
      },
      { credentials: async () => ({ token: `a rather long token, as they are: ${"0123456789".repeat(30)}`, count: ++count }) },
    );
    const { near, far } = both;
    await net.cut();
    await net.mend(both);
    expect(shown).toMatchObject([{ count: 1 }, { count: 2 }]);
    far.reconnect();
    await Promise.all([far.send(1), take(near.receive)]);
    while (shown.length < 3) await far.ping();
    expect(shown).toMatchObject([{ count: 1 }, { count: 2 }, { count: 3 }]);
    await Promise.all([near.send(2), take(far.receive)]);
  });

  it("ends a session as refused on both sides when its dialer is not let in again", async () => {
    let allowed = true;
    const both = await net.pair<number>({
      authenticate: () => {
        if (!allowed) throw new Error("revoked, for a reason nobody is told");
      },
    });
    const { near, far } = both;
    const waiting = [near.receive(), far.receive()].map(codeOf);
    await net.cut();
    const sends = [errorOf(far.send(1)), errorOf(near.send(2))];
    allowed = false;
    await net.mend(both).catch(() => undefined);
    for (const peer of [near, far]) expect(await peer.ended).toMatchObject({ reason: "refused", error: { code: "SESSION_REFUSED" } });
    expect((await far.ended).error?.message).not.toContain("reason nobody");
    for (const code of waiting) expect(await code).toBe("SESSION_REFUSED");
    for (const error of sends) expect(await error).toMatchObject({ outcome: "not-sent" });
  });

  it("is the end at once for a dialer that does not reconnect", async () => {
    const { near, far } = await net.pair<number>({}, { reconnect: false });
    const waiting = [near.receive(), far.receive()].map(codeOf);
    await net.cut();
    for (const peer of [near, far]) expect(await peer.ended).toMatchObject({ reason: "lost", error: { code: "SESSION_LOST" } });
    for (const code of waiting) expect(await code).toBe("SESSION_LOST");
    far.reconnect();
    expect(far.status.state).toBe("ended");
  });
});

it("over WebSocket names the listener in the query from the second link on, for those who have to find it, beside what stood there", async () => {
  const urls: string[] = [];
  const server = await listen<number>(0, { authenticate: (_credentials, { url }) => void urls.push(url) });
  const far = await dial<number>(`${server.url}/?tea=green`, quick);
  const near = (await take(server.peers)) as Peer<number>;
  far.reconnect();
  while (urls.length < 2) await far.ping();
  await Promise.all([far.send(1), take(near.receive)]);
  expect(urls[0]).toBe("/?tea=green");
  expect(urls[1]).toMatch(/^\/\?tea=green&netchan=[0-9a-f]{32}$/);
  far.reconnect();
  while (urls.length < 3) await far.ping();
  expect(urls[2]).toBe(urls[1]);
  expect(urls[1]).not.toContain(far.id);
  await far.close();
  await server.close();
});

describe("without a link", () => {
  noUnhandledRejections();
  let network: MemoryNetwork;
  let net: Net;
  beforeEach(() => {
    network = memoryNetwork({ seed: 11 });
    net = inMemory(network);
  });
  afterEach(async () => {
    network.heal();
    await net.dispose();
  });
  const aborting = () => {
    const stop = new AbortController();
    return { stop: () => stop.abort("enough"), signal: stop.signal };
  };

  it("receives abort at once and take nothing", async () => {
    const both = await net.pair<string>();
    const { near, far } = both;
    const { signal, stop } = aborting();
    const waiting = far.receive({ signal });
    await network.settle();
    await net.cut();
    const begun = far.receive({ signal });
    const loop = (async () => {
      for await (const _ of far.receive.values({ signal })) throw new Error("Expected nothing");
    })();
    stop();
    await expect(waiting).rejects.toBe("enough");
    await expect(begun).rejects.toBe("enough");
    await loop;
    const sent = near.send("for the next one");
    await net.mend(both);
    expect(await take(far.receive)).toBe("for the next one");
    await sent;
  });

  it("selects of receives, and questions, abort at once", async () => {
    const { far } = await net.pair<unknown>();
    const { signal, stop } = aborting();
    const before = [select({ one: far.receive }, { signal }), ask(far.send as never, (reply) => ({ reply }), { signal })];
    await network.settle();
    await net.cut();
    const choosing = [
      ...before,
      select({ one: far.receive, two: chan().receive }, { signal }),
      ask(far.send as never, (reply) => ({ reply }), { signal }),
    ];
    stop();
    for (const one of choosing) await expect(one).rejects.toBe("enough");
  });

  it("a select whose send no link has carried aborts at once, and neither case happens", async () => {
    const both = await net.pair<string>();
    const { near, far } = both;
    await net.cut();
    const { signal, stop } = aborting();
    const choosing = select({ up: [far.send, "not this"], down: far.receive }, { signal });
    stop();
    await expect(choosing).rejects.toBe("enough");
    const [got, sent] = [near.receive(), near.send("for the next one")];
    await net.mend(both);
    expect(await isPending(network, got)).toBe(true);
    expect(await take(far.receive)).toBe("for the next one");
    await Promise.all([sent, far.send("this")]);
    expect(await got).toMatchObject({ value: "this" });
  });

  it("a send that no link has carried is withdrawn at once, and never arrives", async () => {
    const both = await net.pair<unknown>();
    const { near, far } = both;
    await net.cut();
    for (const value of ["small", "x".repeat(100_000), { end: chan().send }]) {
      const { signal, stop } = aborting();
      const sent = far.send(value, { signal });
      const kept = far.send("kept");
      stop();
      await expect(sent).rejects.toBe("enough");
      expect(await isPending(network, kept)).toBe(true);
    }
    await net.mend(both);
    for (const _ of range(3)) expect(await take(near.receive)).toBe("kept");
    expect(await trySelect({ more: near.receive })).toBeUndefined();
  });

  it("a send that was written waits for its home, which gives it back or has passed it on", async () => {
    for (const received of [false, true]) {
      const both = await net.pair<string>();
      const { near, far } = both;
      const { signal, stop } = aborting();
      const sent = far.send("written", { signal });
      sent.catch(() => undefined);
      await network.settle();
      await net.cut();
      stop();
      expect(await isPending(network, sent)).toBe(true);
      const got = received ? near.receive() : undefined;
      await net.mend(both);
      if (received) {
        await sent;
        expect(await got).toMatchObject({ value: "written" });
      } else {
        await expect(sent).rejects.toBe("enough");
        expect(await trySelect({ nothing: near.receive })).toBeUndefined();
      }
    }
  });

  it("trySelect sees nothing ready there, and what is ready here", async () => {
    const both = await net.pair<string>();
    const { near, far } = both;
    const waiting = [near.send("ready"), near.receive()];
    await network.settle();
    await net.cut();
    expect(await trySelect({ up: [far.send, "x"], down: far.receive })).toBeUndefined();
    const local = chan<string>(1);
    await local.send("here");
    expect(await trySelect({ down: far.receive, here: local.receive })).toMatchObject({ case: "here", value: "here" });
    await net.mend(both);
    expect(await trySelect({ down: far.receive })).toMatchObject({ value: "ready" });
    expect(await trySelect({ up: [far.send, "x"] })).toMatchObject({ case: "up" });
    await Promise.all(waiting);
  });

  it("an attempt that was on its way is answered when there is a link again, and its value is lost for nobody", async () => {
    const both = await net.pair<string>();
    const { near, far } = both;
    const sent = near.send("only one");
    await network.settle();
    const tried = trySelect({ down: far.receive });
    await net.cut();
    await net.mend(both);
    const got = (await tried) ?? (await trySelect({ down: far.receive }));
    expect(got).toMatchObject({ value: "only one" });
    await sent;
  });

  it("wrong values are told at once, not when there is a link", async () => {
    const { far } = await net.pair<unknown>();
    await net.cut();
    expect(await codeOf(far.send(() => undefined))).toBe("ENCODE_FAILED");
    expect(await codeOf(far.send("x".repeat(20_000_000)))).toBe("LIMIT_EXCEEDED");
  });

  it("a value is what it was when it was sent, not what it is when there is a link", async () => {
    const both = await net.pair<{ n: number }>();
    await net.cut();
    const value = { n: 1 };
    const sent = both.far.send(value);
    value.n = 2;
    await net.mend(both);
    expect(await take(both.near.receive)).toEqual({ n: 1 });
    await sent;
  });

  it("no more is kept than may be: the rest is refused, and what is kept arrives", async () => {
    const both = await net.pair<number>({ limits: { maxPendingOperations: 10 } });
    await net.cut();
    const sends = range(15).map((value) => both.far.send(value));
    expect(await codeOf(sends[10] as Promise<void>)).toBe("LIMIT_EXCEEDED");
    await net.mend(both);
    const got: number[] = [];
    for (const _ of range(10)) got.push(await take(both.near.receive));
    expect(got).toEqual(range(10));
    expect((await Promise.allSettled(sends)).filter(({ status }) => status === "rejected")).toHaveLength(5);
  });

  it("endsInMs counts down, and the listener's window holds for both", async () => {
    const { near, far } = await net.pair({ resumeWindowMs: 5_000 }, { resumeWindowMs: 60_000, reconnect: { minMs: 1_000, maxMs: 1_000 } });
    await net.cut();
    const left = (): (number | undefined)[] =>
      [near, far].map(({ status }) => (status.state === "reconnecting" ? status.endsInMs : undefined));
    expect(left()).toEqual([5_000, 5_000]);
    await network.advance(2_000);
    expect(left()).toEqual([3_000, 3_000]);
    await network.advance(2_999);
    expect(left()).toEqual([1, 1]);
    await network.advance(1);
    expect((await near.ended).reason).toBe("lost");
    await network.advance(1_000);
    expect((await far.ended).reason).toBe("lost");
  });

  it("a dialer with a shorter window than its listener waits as long as that one", async () => {
    const both = await net.pair({ resumeWindowMs: 60_000 }, { resumeWindowMs: 1_000 });
    await net.cut();
    await network.advance(30_000);
    await net.mend(both);
    await network.advance(2_000);
    expect([both.near.status.state, both.far.status.state]).toEqual(["connected", "connected"]);
  });

  it("attempts are counted, each after a longer time, and reconnect() tries at once", async () => {
    const { far } = await net.pair({}, { reconnect: { minMs: 100, maxMs: 10_000 } });
    await net.cut();
    const attempts: (number | undefined)[] = [];
    for (const _ of range(5)) {
      const { status } = far;
      if (status.state !== "reconnecting") throw new Error("Expected no link");
      attempts.push(status.attempt);
      expect(status.retryInMs).toBeLessThanOrEqual(100 * 2 ** ((status.attempt ?? 0) - 1));
      await network.advance(status.retryInMs ?? 0);
    }
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    network.heal();
    far.reconnect();
    await network.settle();
    expect(far.status.state).toBe("connected");
  });

  it("a close waits no longer than drainMs and the goodbye, and says closed", async () => {
    const { near, far } = await net.pair<number>({ resumeWindowMs: 10_000 });
    await net.cut();
    const sent = errorOf(far.send(1));
    let over = false;
    void far.close({ drainMs: 2_000 }).then(() => {
      over = true;
    });
    await network.advance(1_999);
    expect(over).toBe(false);
    await network.advance(1_001);
    expect(over).toBe(true);
    expect((await far.ended).reason).toBe("closed");
    expect(await sent).toMatchObject({ code: "SESSION_CLOSED", outcome: "not-sent" });
    await network.advance(10_000);
    expect((await near.ended).reason).toBe("lost"); // it has never heard of it
  });

  it("a close by the listener is heard by a dialer that comes back in time, or too late", async () => {
    for (const late of [false, true]) {
      const both = await net.pair<number>();
      const { near, far } = both;
      await net.cut();
      const closed = near.close({ drainMs: 2_000 });
      if (late) await network.advance(5_000);
      await net.mend(both);
      await network.advance(5_000);
      await closed;
      expect([(await near.ended).reason, (await far.ended).reason]).toEqual(["closed", "closed"]);
      expect([near, far].map(({ status }) => status.state)).toEqual(["ended", "ended"]);
    }
  });

  it("a listener that closes waits for its goodbye to those who are away", async () => {
    const both = await net.pair<number>();
    const { server, near, far } = both;
    await net.cut();
    const sent = far.send(1);
    const closed = server.close({ drainMs: 5_000 });
    await network.advance(1_000);
    const got = near.receive();
    await net.mend(both);
    expect((await got).value).toBe(1);
    await sent;
    await closed;
    expect([(await near.ended).reason, (await far.ended).reason]).toEqual(["closed", "closed"]);
  });
});

describe("when a session is lost after all", () => {
  noUnhandledRejections();
  let network: MemoryNetwork;
  let net: Net;
  beforeEach(() => {
    network = memoryNetwork({ seed: 5 });
    net = inMemory(network);
  });
  afterEach(() => net.dispose());
  const lose = async (): Promise<void> => {
    network.cut();
    await network.advance(10_000);
  };

  it("a send that no link has carried was not sent, one that was may have been", async () => {
    const { near, far } = await net.pair<string>({ resumeWindowMs: 1_000 });
    const written = errorOf(far.send("written"));
    const large = errorOf(far.send("x".repeat(100_000))); // announced only
    await network.settle();
    await net.cut();
    const waiting = [far.send("never written"), near.send("never offered")].map(errorOf);
    await lose();
    expect(await written).toMatchObject({ code: "SESSION_LOST", outcome: "unknown" });
    expect(await large).toMatchObject({ code: "SESSION_LOST", outcome: "not-sent" });
    for (const error of waiting) expect(await error).toMatchObject({ code: "SESSION_LOST", outcome: "not-sent" });
  });

  it("a dialer lists what was fulfilled and may not have been received: unknown, in order, at most the capacity", async () => {
    const { near, far } = await net.pair<number>({ capacity: 3, resumeWindowMs: 1_000 });
    for (const value of range(3)) await far.send(value);
    expect(await take(near.receive)).toBe(0);
    await far.send(3);
    const fifth = errorOf(far.send(4));
    await network.settle();
    await lose();
    const { undelivered } = await far.ended;
    expect(undelivered).toEqual([1, 2, 3].map((value) => ({ send: far.send, value, outcome: "unknown" })));
    expect(undelivered[0]?.send).toBe(far.send);
    expect(await fifth).toMatchObject({ outcome: "unknown" });
  });

  it("a dialer lists nothing that it knows was received", async () => {
    const { near, far } = await net.pair<number>({ capacity: 3, resumeWindowMs: 1_000 });
    for (const value of range(9)) {
      await far.send(value);
      expect(await take(near.receive)).toBe(value);
    }
    await network.settle();
    await lose();
    expect((await far.ended).undelivered).toEqual([]);
  });

  it("a dialer lists nothing on a rendezvous", async () => {
    const { near, far } = await net.pair<number>({ resumeWindowMs: 1_000 });
    await Promise.all([far.send(1), take(near.receive)]);
    const second = errorOf(far.send(2));
    await network.settle();
    await lose();
    expect((await far.ended).undelivered).toEqual([]);
    expect(await second).toMatchObject({ outcome: "unknown" });
  });

  it("a dialer that closed well lists nothing that was received", async () => {
    const { near, far } = await net.pair<number>({ capacity: 3 });
    for (const value of range(3)) await far.send(value);
    const got = [take(near.receive), take(near.receive), take(near.receive)];
    const closed = far.close();
    await Promise.all([...got, closed]);
    expect((await far.ended).undelivered).toEqual([]);
    expect((await near.ended).undelivered).toEqual([]);
  });

  it("a dialer lists nothing that was received, when the listener closes in the same breath", async () => {
    const { near, far } = await net.pair<number>({ capacity: 3 });
    for (const value of range(3)) await far.send(value);
    const got = [take(near.receive), take(near.receive), take(near.receive)];
    const closed = near.close({ drainMs: 0 });
    await Promise.all([...got, closed]);
    expect((await far.ended).undelivered).toEqual([]);
  });

  it("a listener lists what nobody was offered as not sent, and what was offered as unknown", async () => {
    const { near, far } = await net.pair<string>({ capacity: 2, resumeWindowMs: 1_000, heartbeatMs: 200 }, { heartbeatMs: 200 });
    const waiting = codeOf(far.receive());
    await network.settle();
    network.cut("half-open");
    await near.send("offered");
    await near.send("buffered");
    await network.settle();
    await lose();
    expect(await waiting).toBe("SESSION_LOST");
    expect((await near.ended).undelivered).toEqual([
      { send: near.send, value: "offered", outcome: "unknown" },
      { send: near.send, value: "buffered", outcome: "not-sent" },
    ]);
  });

  it("a value in doubt is given to nobody else, or to the next one with redeliver", async () => {
    for (const whenInDoubt of ["reject", "redeliver"] as const) {
      const { server, far } = await net.pair<string>({ whenInDoubt, resumeWindowMs: 1_000, heartbeatMs: 200 }, { heartbeatMs: 200 });
      const first = codeOf(far.receive());
      await network.settle();
      network.cut("half-open");
      const sent = server.send("task");
      const outcome = sent.then(
        () => "fulfilled",
        (error: { readonly code: string }) => error.code,
      );
      await lose();
      expect(await first).toBe("SESSION_LOST");
      network.heal();
      const second = await dial<string>(network.address(server.accept), { reconnect: false });
      const got = second.receive();
      got.catch(() => undefined);
      await network.settle();
      if (whenInDoubt === "reject") {
        expect(await outcome).toBe("RECEIVER_LOST");
        expect(await isPending(network, got)).toBe(true);
      } else {
        expect((await got).value).toBe("task");
        expect(await outcome).toBe("fulfilled");
      }
      second.abort();
    }
  });

  it("a value that no link has carried is in no doubt: the next one gets it", async () => {
    const { server, far } = await net.pair<string>({ resumeWindowMs: 1_000 });
    const first = codeOf(far.receive());
    await network.settle();
    const sent = server.send("task"); // offered, but not written when the link fails
    network.cut();
    await network.settle();
    await lose();
    expect(await first).toBe("SESSION_LOST");
    network.heal();
    const second = await dial<string>(network.address(server.accept));
    expect(await take(second.receive)).toBe("task");
    await sent;
    second.abort();
  });
});

describe("a link that falls silent", () => {
  noUnhandledRejections();

  it.each([
    [0, 0],
    [0, 500],
    [1, 0],
    [1, 10],
    [40, 250],
    [100, 0],
    [100, 350],
    [100, 700],
    [150, 500],
  ])("is noticed within three heartbeats, when a batch takes %d ms, cut at %d ms, and replaced", async (delayMs, phaseMs) => {
    for (const side of ["listener", "dialer"]) {
      const network = memoryNetwork({ seed: 2, delayMs });
      const net = inMemory(network);
      const server = network.listen<number, number>({ heartbeatMs: side === "listener" ? 1_000 : 30_000 });
      const dialing = dial<number>(network.address(server.accept), { heartbeatMs: side === "dialer" ? 1_000 : 30_000, ...quick });
      await network.advance(5_000);
      const far = await dialing;
      const near = await take(server.peers);
      await network.advance(60_000 + phaseMs);
      network.cut("half-open");
      await network.advance(3_000 + 2 * delayMs + 100); // three heartbeats, and what was on its way
      const noticed = side === "listener" ? near : far;
      expect(noticed.status.state, side).toBe("reconnecting");
      network.heal();
      await network.advance(120_000);
      expect([near.status.state, far.status.state]).toEqual(["connected", "connected"]);
      far.abort();
      const closed = server.close({ drainMs: 0 });
      await network.advance(10_000);
      await closed;
      await net.dispose();
    }
  });

  it("takes no value that another could have: whoever was silent is asked first", async () => {
    const network = memoryNetwork({ seed: 3 });
    const server = network.listen<string, string>({ heartbeatMs: 10_000 });
    const [asleep, awake] = [await dial<string>(network.address(server.accept), { reconnect: false }), undefined];
    const first = codeOf(asleep.receive());
    await network.advance(5_000);
    network.cut("half-open");
    network.heal();
    expect(awake).toBeUndefined();
    const other = await dial<string>(network.address(server.accept));
    const second = other.receive();
    await network.settle();
    const sent = server.send("for whoever is there");
    await network.settle();
    expect((await second).value).toBe("for whoever is there");
    await sent;
    await network.advance(60_000);
    expect(await first).toBe("SESSION_LOST");
    other.abort();
    const closed = server.close({ drainMs: 0 });
    await network.advance(10_000);
    await closed;
  });

  it("gets the value when it answers, alone or not, and at once on its own pair", async () => {
    const network = memoryNetwork({ seed: 3 });
    const server = network.listen<string, string>({ heartbeatMs: 60_000 });
    const far = await dial<string>(network.address(server.accept));
    const near = await take(server.peers);
    for (const send of [server.send, near.send]) {
      const waiting = far.receive();
      await network.settle();
      await network.advance(30_000);
      const sent = send("after a silence");
      await network.settle();
      expect((await waiting).value).toBe("after a silence");
      await sent;
    }
    far.abort();
    await server.close({ drainMs: 0 });
  });

  it("is offered nothing while it is suspended", async () => {
    const network = memoryNetwork({ seed: 3 });
    const server = network.listen<string, string>();
    const far = await dial<string>(network.address(server.accept), { reconnect: { minMs: 60_000, maxMs: 60_000 } });
    const waiting = far.receive();
    await network.settle();
    network.cut();
    await network.settle();
    const sent = server.send("task");
    await network.settle();
    network.heal();
    const other = await dial<string>(network.address(server.accept));
    expect((await other.receive()).value).toBe("task");
    await sent;
    far.reconnect();
    await network.settle();
    expect(await isPending(network, waiting)).toBe(true);
    const second = server.send("another");
    await network.settle();
    expect((await waiting).value).toBe("another");
    await second;
    for (const peer of [far, other]) peer.abort();
    await server.close({ drainMs: 0 });
  });
});

describe("sessions", () => {
  noUnhandledRejections();

  it("gives one peer through any number of cuts, and a new one when that is lost", async () => {
    const network = memoryNetwork({ seed: 4 });
    const server = network.listen<number, number>({ resumeWindowMs: 5_000 });
    const feed = sessions<number>(network.address(server.accept), quick);
    const far = await take(feed);
    const next = feed();
    for (const _ of range(3)) {
      network.cut();
      await network.advance(1_000);
      network.heal();
      await network.advance(1_000);
    }
    expect(far.status.state).toBe("connected");
    expect(await isPending(network, next)).toBe(true);
    network.cut();
    await network.advance(10_000);
    expect((await far.ended).reason).toBe("lost");
    network.heal();
    await network.advance(5_000);
    const second = await next;
    expect(second.value).not.toBe(far);
    expect((second.value as Peer).status.state).toBe("connected");
    feed.close();
    (second.value as Peer).abort();
    await server.close({ drainMs: 0 });
  });
});

describe("a network that fails again and again", () => {
  noUnhandledRejections();

  it.each(range(10).map((seed) => seed + 1))("loses nothing, doubles nothing and keeps the order (seed %d)", async (seed) => {
    const network = memoryNetwork({ seed, delayMs: [1, 30], cutEveryMs: [50, 600] });
    const server = network.listen<number, number>({ capacity: seed % 3 });
    let dialed: Peer<number, number> | undefined;
    while (dialed === undefined) {
      const dialing = dial<number>(network.address(server.accept), quick).catch(() => undefined);
      await network.advance(20_000);
      dialed = await dialing;
    }
    const far = dialed;
    const nears: Peer<number, number>[] = [];
    for (let one = await trySelect({ peer: server.peers }); one !== undefined && !one.done; one = await trySelect({ peer: server.peers }))
      nears.push(one.value);
    const near = nears.find(({ id }) => id === far.id);
    if (near === undefined) throw new Error("nobody arrived");
    const count = 60;
    const [up, down]: [number[], number[]] = [[], []];
    const reading = Promise.allSettled([
      (async () => {
        for await (const value of near.receive) up.push(value);
      })(),
      (async () => {
        for await (const value of far.receive) down.push(value);
      })(),
    ]);
    const sends = range(count).flatMap((value) => [far.send(value), near.send(value)]);
    await network.advance(120_000);
    expect([up, down]).toEqual([range(count), range(count)]);
    await Promise.all(sends);
    far.abort();
    const closed = server.close({ drainMs: 0 });
    await network.advance(200_000);
    await closed;
    await reading;
  });
});
