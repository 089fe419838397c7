/** Sessions that are lost for good, on a virtual clock: what both sides are told, and when. How they survive a cut is in resume.test.ts. */
import { type Channel, chan, type DialOptions, dial, type ListenOptions, type Peer, type ReceiveChannel, type SendChannel } from "netchan";
import { memoryNetwork } from "netchan/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { all, codeOf, errorOf, inMemory, isPending, noUnhandledRejections, range, take, useWorld } from "./support.js";

let network = memoryNetwork();
beforeEach(() => {
  network = memoryNetwork({ seed: 7 });
});

/** How a session is lost: nobody comes back for it, or not in time. */
const ways: readonly {
  readonly name: string;
  readonly listen: ListenOptions<never>;
  readonly dial: DialOptions;
  readonly lose: (kind?: "clean" | "half-open") => Promise<void>;
}[] = [
  {
    name: "whose dialer does not reconnect",
    listen: {},
    dial: { reconnect: false },
    lose: async (kind) => {
      network.cut(kind);
      await network.settle();
    },
  },
  {
    name: "that nobody mends within the window",
    listen: { resumeWindowMs: 1_000, heartbeatMs: 200 },
    dial: {},
    lose: async (kind) => {
      network.cut(kind);
      await network.advance(2_500);
    },
  },
];

describe.each(ways)("a link that is cut, $name,", ({ listen: listenOptions, dial: dialOptions, lose }) => {
  noUnhandledRejections();
  const world = useWorld(() => inMemory(network));
  const pair = <T>(options: ListenOptions<T> = {}) => world().pair<T>({ ...options, ...listenOptions } as ListenOptions<T>, dialOptions);

  it("ends the session as lost on both sides", async () => {
    const { server, near, far } = await pair<number>();
    const feeds = [near.statuses(), far.statuses()];
    await lose();
    for (const peer of [near, far]) {
      const end = await peer.ended;
      expect(end).toMatchObject({ reason: "lost", undelivered: [], error: { code: "SESSION_LOST", scope: "session", retryable: true } });
    }
    for (const feed of feeds) expect((await all(feed)).at(-1)).toMatchObject({ state: "ended", end: { reason: "lost" } });
    expect(server.connected.size).toBe(0);
    network.heal();
    const again = await world().dial(server);
    again.far.send(1);
    expect(await take(server.receive)).toBe(1);
  });

  it("rejects what is pending: sends with an outcome, receives never as done", async () => {
    const { near, far } = await pair<number>();
    const sends = [far.send(1), near.send(2)];
    await network.settle();
    await lose();
    for (const send of sends) {
      const error = await errorOf(send);
      expect(error.code).toBe("SESSION_LOST");
      expect(["not-sent", "unknown"]).toContain(error.outcome);
    }
    expect(await codeOf(far.receive())).toBe("SESSION_LOST");
    expect(await codeOf(far.receive())).toBe("SESSION_LOST");
    expect(await errorOf(far.send(3))).toMatchObject({ code: "SESSION_LOST", outcome: "not-sent" });
    expect(await errorOf(near.send(3))).toMatchObject({ code: "SESSION_LOST", outcome: "not-sent" });
    expect(await codeOf(near.receive())).toBe("SESSION_LOST");
    expect(["SESSION_LOST", "SESSION_CLOSED"]).toContain(await codeOf(far.ping()));
  });

  it("rejects receives that were waiting", async () => {
    const { near, far } = await pair<number>();
    const codes = [far.receive(), near.receive(), all(far.receive), all(near.receive)].map(codeOf);
    await network.settle();
    await lose();
    for (const code of codes) expect(await code).toBe("SESSION_LOST");
  });

  it("leaves what the dialer had buffered at the listener to be received, then SESSION_LOST", async () => {
    const { server, near, far } = await pair<number>({ capacity: 3 });
    for (const value of range(3)) await far.send(value);
    const fourth = far.send(3);
    await network.settle();
    await lose();
    await near.ended;
    expect((await errorOf(fourth)).code).toBe("SESSION_LOST");
    expect([await take(near.receive), await take(server.receive), await take(near.receive)]).toEqual([0, 1, 2]);
    expect(await codeOf(near.receive())).toBe("SESSION_LOST");
    expect(server.receive.closed).toBe(false);
  });

  it("lists what the listener had buffered as undelivered, in order", async () => {
    const { near, far } = await pair<string>({ capacity: 2 });
    await near.send("a");
    await near.send("b");
    const third = near.send("c");
    expect(await take(far.receive)).toBe("a");
    await third;
    await network.settle();
    await lose();
    const end = await near.ended;
    expect(end.undelivered).toEqual([
      { send: near.send, value: "b", outcome: "not-sent" },
      { send: near.send, value: "c", outcome: "not-sent" },
    ]);
    expect(end.undelivered[0]?.send).toBe(near.send);
    expect((await far.ended).reason).toBe("lost");
  });

  it("settles ends that travelled: holders, homes and questions", async () => {
    const { near, far } = await pair<Channel<number>>();
    const home = chan<number>();
    far.send({ send: home.send, receive: home.receive });
    const remote = await take(near.receive);
    const codes = [remote.receive(), home.receive()].map(codeOf);
    home.send[Symbol.dispose]();
    await network.settle();
    await lose();
    for (const code of codes) expect(await code).toBe("SESSION_LOST");
    expect(await errorOf(remote.send(1))).toMatchObject({ code: "SESSION_LOST", outcome: "not-sent" });
  });

  it("gives a task to another worker when it was offered and not answered", async () => {
    const server = await world().listen<never, string>({ whenInDoubt: "redeliver", ...listenOptions });
    const one = await world().dial(server, dialOptions);
    const first = codeOf(one.far.receive());
    await network.settle();
    network.cut("half-open");
    const sent = server.send("task");
    await network.settle();
    await lose("half-open");
    network.heal();
    const two = await world().dial(server, { reconnect: false });
    const second = two.far.receive();
    await network.advance(50_000);
    expect(await first).toBe("SESSION_LOST");
    expect((await second).value).toBe("task");
    await sent;
  });

  it("rejects RECEIVER_LOST, by default, for a value in doubt", async () => {
    const server = await world().listen<never, string>(listenOptions);
    const { far } = await world().dial(server, dialOptions);
    const first = codeOf(far.receive());
    await network.settle();
    network.cut("half-open");
    const outcome = errorOf(server.send("task"));
    await network.advance(50_000);
    expect(await first).toBe("SESSION_LOST");
    expect(await outcome).toMatchObject({ code: "RECEIVER_LOST", outcome: "unknown", retryable: true });
  });
});

describe("a link that falls silent", () => {
  noUnhandledRejections();
  const world = useWorld(() => inMemory(network));

  it("is noticed within three heartbeats on both sides", async () => {
    const { near, far } = await world().pair<number>({ heartbeatMs: 1_000 }, { heartbeatMs: 1_000, reconnect: false });
    const waiting = far.receive();
    const sent = near.send(1);
    expect((await waiting).value).toBe(1);
    await sent;
    await network.advance(60_000);
    expect([near.status.state, far.status.state]).toEqual(["connected", "connected"]);
    network.cut("half-open");
    const late = errorOf(far.send(2));
    expect(await isPending(network, Promise.race([near.ended, far.ended, late]))).toBe(true);
    await network.advance(3_500);
    expect(await near.ended).toMatchObject({ reason: "lost", error: { code: "SESSION_LOST" } });
    expect(await far.ended).toMatchObject({ reason: "lost", error: { code: "SESSION_LOST" } });
    expect(await late).toMatchObject({ code: "SESSION_LOST", outcome: "unknown" });
  });

  it("is noticed by a dialer within three heartbeats of its own", async () => {
    const { far } = await world().pair<number>({}, { heartbeatMs: 1_000, reconnect: false });
    await network.advance(60_000);
    expect(far.status.state).toBe("connected");
    network.cut("half-open");
    await network.advance(3_500);
    expect(far.status.state).toBe("ended");
  });

  it("is noticed by default within 45 s", async () => {
    const { near, far } = await world().pair<number>({}, { reconnect: false });
    network.cut("half-open");
    await network.advance(47_000);
    expect([(await near.ended).reason, (await far.ended).reason]).toEqual(["lost", "lost"]);
  });

  it("keeps dialing from working until it is healed", async () => {
    const server = network.listen<number>();
    network.cut();
    const error = await errorOf(dial(network.address(server.accept)));
    expect(error.code).toBe("DIAL_FAILED");
    network.heal();
    const far: Peer<number> = await dial(network.address(server.accept));
    far.send(1);
    expect(await take(server.receive)).toBe(1);
    await far.close({ drainMs: 0 });
    await server.close();
  });
});

describe("a network in memory", () => {
  noUnhandledRejections();

  it("takes its time", async () => {
    const slow = memoryNetwork({ seed: 3, delayMs: [100, 200] });
    const server = slow.listen<number>();
    const dialing = dial<number>(slow.address(server.accept));
    await slow.advance(2_000);
    const far = await dialing;
    far.send(1);
    const got = server.receive();
    expect(await isPending(slow, got)).toBe(true);
    await slow.advance(1_000);
    expect((await got).value).toBe(1);
    const ping = far.ping();
    await slow.advance(500);
    expect(await ping).toBeGreaterThanOrEqual(200);
    expect(await ping).toBeLessThanOrEqual(400);
    const closed = far.close({ drainMs: 0 });
    await slow.advance(60_000);
    await closed;
  });

  it("fails by itself, again and again", async () => {
    const shaky = memoryNetwork({ seed: 3, cutEveryMs: [1_000, 2_000] });
    const server = shaky.listen<number>();
    for (const _ of range(3)) {
      const far = await dial(shaky.address(server.accept), { reconnect: false });
      await shaky.advance(2_500);
      expect((await far.ended).reason).toBe("lost");
    }
    await server.close({ drainMs: 0 });
  });

  it("is repeatable from its seed", async () => {
    const run = async (seed: number) => {
      const net = memoryNetwork({ seed, delayMs: [1, 50] });
      const server = net.listen<number>();
      const dialing = range(3).map(() => dial<number>(net.address(server.accept)));
      await net.advance(1_000);
      const fars = await Promise.all(dialing);
      const order: string[] = [];
      const reading = (async () => {
        for await (const value of server.receive) order.push(String(value));
      })();
      for (const [index, far] of fars.entries()) for (const value of range(10)) far.send(index * 10 + value);
      await net.advance(10_000);
      const closing = server.close({ drainMs: 0 });
      await net.advance(10_000);
      await closing;
      await reading;
      return order.join();
    };
    const first = await run(1);
    expect(first.split(",")).toHaveLength(30);
    expect(await run(1)).toBe(first);
  });

  it("gives up a drain after drainMs, on its own clock", async () => {
    const net = memoryNetwork();
    const server = net.listen<number>();
    const far = await dial<number>(net.address(server.accept));
    const sent = far.send(1);
    const closed = far.close({ drainMs: 10_000 });
    await net.advance(9_000);
    expect(await isPending(net, closed)).toBe(true);
    await net.advance(2_000);
    await closed;
    const error = await errorOf(sent);
    expect(error.code).toBe("SESSION_CLOSED");
    expect(["not-sent", "unknown"]).toContain(error.outcome);
    await server.close();
  });

  it("takes wrong arguments at once", () => {
    const net = memoryNetwork();
    expect(() => net.listen({ capacity: -1 })).toThrow(RangeError);
    expect(() => net.listen({ limits: { nothing: 1 } as never })).toThrow(RangeError);
  });

  it("has peers that say so", async () => {
    const net = memoryNetwork();
    const server = net.listen<string, string>();
    const far: Peer<string> = await dial(net.address(server.accept));
    const near = await take(server.peers);
    expect(far.status).toEqual({ state: "connected", transport: "memory" });
    expect(near.remoteAddress).toBeUndefined();
    expect(server.urls).toEqual([]);
    const ends: [SendChannel<string>, ReceiveChannel<string>] = [far.send, far.receive];
    expect(ends.map((end) => end.capacity)).toEqual([0, 0]);
    await far.close();
    await server.close();
  });
});
