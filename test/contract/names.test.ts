/** Channels by name: who may reach which, what closing means, what a reconnect asks again. PROTOCOL.md "Named channels". */
import { type Channel, chan, type ListenOptions, type NamedChannelOptions, type Peer, select, trySelect } from "netchan";
import { memoryNetwork } from "netchan/testing";
import { expect, it } from "vitest";
import type { SessionPeer } from "../../src/peer.js";
import { all, codeOf, errorOf, inMemory, isPending, overBoth, range, take, useWorld } from "./support.js";

const open: NamedChannelOptions<never> = { allow: "both" };

overBoth("a named channel", (world) => {
  it("is found by its name, by every peer and by the listener itself", async () => {
    const server = await world().listen();
    const jobs = server.channel<string>("jobs", open);
    expect(server.channel("jobs")).toBe(jobs);
    const [one, two] = [await world().dial(server), await world().dial(server)];
    one.far.channel<string>("jobs").send("from one");
    const got = await jobs.receive();
    expect(got).toMatchObject({ done: false, value: "from one" });
    if (!got.done) expect(got.from).toBe(one.near);
    two.far.channel<string>("jobs").send("from two");
    expect(await take(one.far.channel<string>("jobs").receive)).toBe("from two");
    jobs.send("from here");
    expect(await take(two.far.channel<string>("jobs").receive)).toBe("from here");
  });

  it("is a rendezvous unless it has a capacity, and its ends say which once they are used", async () => {
    const { server, far } = await world().pair();
    const here = server.channel<number>("r", open);
    const sent = far.channel<number>("r").send(1);
    expect(await isPending(world(), sent)).toBe(true);
    expect(await take(here.receive)).toBe(1);
    await sent;
    server.channel<number>("b", { allow: "send", capacity: 3 });
    const buffered = far.channel<number>("b").send;
    await buffered(1);
    expect(buffered.capacity).toBe(3);
  });

  it("keeps the order of one sender, and drops what its policy says", async () => {
    const { server, far } = await world().pair();
    const here = server.channel<number>("in order", open);
    const { send } = far.channel<number>("in order");
    for (const value of range(500)) send(value);
    for (const value of range(500)) expect(await take(here.receive)).toBe(value);
    const latest = server.channel<number>("latest", { allow: "send", capacity: 1, whenFull: "drop-oldest" });
    for (const value of range(10)) await far.channel<number>("latest").send(value);
    expect(await take(latest.receive)).toBe(9);
  });

  it("that nobody has published is unknown, whatever is done first", async () => {
    const { far } = await world().pair();
    const { send, receive } = far.channel<number>("nothing");
    expect(await errorOf(send(1))).toMatchObject({ code: "CHANNEL_UNKNOWN", outcome: "not-sent" });
    expect(await codeOf(receive())).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(send(2))).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(receive())).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(select({ a: far.channel<number>("other").receive }))).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(select({ a: [far.channel<number>("third").send, 1] }))).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(trySelect({ a: far.channel<number>("fourth").receive }))).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(trySelect({ a: [far.channel<number>("fifth").send, 1] }))).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(all(far.channel<number>("sixth").receive))).toBe("CHANNEL_UNKNOWN");
  });

  it("on the dialing side is unknown too: dialers publish nothing", async () => {
    const { near } = await world().pair();
    expect(await codeOf(near.channel("x").send(1))).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(near.channel("x").receive())).toBe("CHANNEL_UNKNOWN");
  });

  it("is reachable only as far as `allow` says, by default not at all", async () => {
    const { server, far } = await world().pair();
    server.channel<number>("none", {});
    const inbox = server.channel<number>("inbox", { allow: "send", capacity: 1 });
    server.channel<number>("outbox", { allow: "receive", capacity: 1 }).send(7);
    expect(await errorOf(far.channel<number>("none").send(1))).toMatchObject({ code: "CHANNEL_REFUSED", outcome: "not-sent" });
    expect(await codeOf(far.channel("none").receive())).toBe("CHANNEL_REFUSED");
    await far.channel<number>("inbox").send(1);
    expect(await codeOf(far.channel("inbox").receive())).toBe("CHANNEL_REFUSED");
    expect(await take(far.channel<number>("outbox").receive)).toBe(7);
    expect(await codeOf(far.channel<number>("outbox").send(1))).toBe("CHANNEL_REFUSED");
    expect(await take(inbox.receive)).toBe(1);
  });

  it("is not closed by a peer that closes its end, or goes", async () => {
    const server = await world().listen();
    const here = server.channel<number>("shared", open);
    const [one, two] = [await world().dial(server), await world().dial(server)];
    const ends = one.far.channel<number>("shared");
    const pending = ends.send(1);
    ends.send.close();
    ends.receive.close();
    expect(await codeOf(ends.send(2))).toBe("CHANNEL_CLOSED");
    expect(await ends.receive()).toEqual({ done: true, value: undefined });
    expect(await take(here.receive)).toBe(1);
    await pending;
    const again = one.far.channel<number>("shared");
    again.send(3);
    expect(await take(here.receive)).toBe(3);
    one.far.abort();
    two.far.channel<number>("shared").send(4);
    expect(await take(here.receive)).toBe(4);
    await two.far.close();
    const waiting = here.receive();
    expect(await isPending(world(), waiting)).toBe(true); // nobody there, and that is nothing to be told of
    const three = await world().dial(server);
    three.far.channel<number>("shared").send(5);
    expect(await waiting).toMatchObject({ value: 5 });
  });

  it("that is closed here is published no longer, and the next of its name is another", async () => {
    const { server, far } = await world().pair();
    const first = server.channel<number>("x", open);
    const there = far.channel<number>("x");
    there.send(1);
    expect(await take(first.receive)).toBe(1); // the word of it may still be on its way
    first.send.close();
    const second = server.channel<number>("x", { ...open, capacity: 1 });
    expect(second).not.toBe(first);
    // Asked for at once, while the word of the end may still be on its way.
    const anew = far.channel<number>("x");
    await anew.send(2);
    expect(await take(second.receive)).toBe(2);
    expect(await codeOf(there.send(3))).toBe("CHANNEL_CLOSED");
    expect(await first.receive()).toEqual({ done: true, value: undefined });
    second.send.close();
    await world().settle();
    expect(await codeOf(far.channel("x").send(4))).toBe("CHANNEL_UNKNOWN");
  });

  it("shows peers that receive its end, and those that send", async () => {
    const { server, far } = await world().pair();
    const here = server.channel<number>("x", { ...open, capacity: 2 });
    const { send, receive } = far.channel<number>("x");
    await send(1);
    const got = all(receive);
    await send(2);
    here.send.close();
    expect(await got).toEqual([1, 2]);
    expect(await codeOf(send(3))).toBe("CHANNEL_CLOSED");
  });

  it("may be asked for anew for every value", async () => {
    const { server, far, near } = await world().pair();
    const here = server.channel<number>("log", { ...open, capacity: 1 });
    for (const value of range(300)) {
      await far.channel<number>("log").send(value);
      expect(await take(here.receive)).toBe(value);
    }
    for (const value of range(300)) far.channel<number>("log").send(value);
    for (const value of range(300)) expect(await take(here.receive)).toBe(value);
    await world().settle();
    expect(far.stats().holds.length).toBeLessThan(5);
    expect(near.stats().holds.length).toBeLessThan(5);
  });

  it("takes part in selects like any other", async () => {
    const { server, far } = await world().pair();
    const [a, b] = [server.channel<number>("a", open), server.channel<string>("b", open)];
    const there = { a: far.channel<number>("a"), b: far.channel<string>("b") };
    expect(await trySelect({ a: there.a.receive })).toBeUndefined();
    const chosen = select({ a: there.a.receive, b: [there.b.send, "x"] });
    a.send(1);
    expect(await chosen).toMatchObject({ case: "a", value: 1 });
    const other = select({ a: there.a.receive, b: [there.b.send, "x"] });
    expect(await take(b.receive)).toBe("x");
    expect(await other).toEqual({ case: "b" });
    const mixed = chan<number>();
    const both = select({ a: there.a.receive, mine: mixed.receive });
    mixed.send(5);
    expect(await both).toMatchObject({ case: "mine", value: 5 });
  });

  it("comes home as itself, and works for a third process", async () => {
    const server = await world().listen();
    const here = server.channel<number>("x", open);
    const [one, two] = [await world().dial(server), await world().dial(server)];
    const ends = one.far.channel<number>("x");
    one.far.send({ ends });
    const home = (await take(one.near.receive)) as { readonly ends: Channel<number> };
    expect(home.ends.send).toBe(here.send);
    expect(home.ends.receive).toBe(here.receive);
    // Through the listener to another dialer.
    two.near.send({ send: home.ends.send });
    const { send } = (await take(two.far.receive)) as Channel<number>;
    send(9);
    expect(await take(ends.receive)).toBe(9);
    // Its close ends its own use only.
    send.close();
    await world().settle();
    ends.send(10);
    expect(await take(here.receive)).toBe(10);
  });

  it("may be used again by an end that was let rest", async () => {
    const { server, far } = await world().pair();
    const here = server.channel<number>("x", { ...open, capacity: 3 });
    const first = far.channel<number>("x");
    await first.send(1);
    expect(await take(first.receive)).toBe(1);
    const second = far.channel<number>("x");
    await second.send(2);
    expect(await take(second.receive)).toBe(2);
    await world().settle();
    await first.send(3);
    expect(await take(first.receive)).toBe(3);
    const chosen = select({ a: first.receive });
    await world().settle();
    here.send(4);
    expect(await chosen).toMatchObject({ value: 4 });
  });

  it("that is let rest gives back what was on its way to it", async () => {
    const { server, near, far } = await world().pair();
    const here = server.channel<Channel<number>["send"]>("x", open);
    const stop = new AbortController();
    const aborted = far.channel("x").receive({ signal: stop.signal });
    await world().settle();
    const inner = chan<number>();
    here.send(inner.send); // on its way …
    stop.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    const { receive } = far.channel<Channel<number>["send"]>("x");
    const end = await take(receive); // … and put back
    inner.send[Symbol.dispose]();
    end[Symbol.dispose]();
    receive.close();
    expect(await inner.receive()).toEqual({ done: true, value: undefined });
    await world().settle();
    expect(far.stats().holds).toEqual([]);
    expect(near.stats().holds).toEqual([]);
  });

  it("that may not be used, is over: nothing of it is held", async () => {
    const { server, near, far } = await world().pair();
    server.channel<number>("x", { allow: "none" });
    for (const name of ["x", "y"]) {
      const { send, receive } = far.channel<number>(name);
      expect(await codeOf(send(1))).toMatch(/CHANNEL_REFUSED|CHANNEL_UNKNOWN/);
      expect(await codeOf(receive())).toMatch(/CHANNEL_REFUSED|CHANNEL_UNKNOWN/);
      await world().settle();
      expect([send.closed, receive.closed]).toEqual([true, true]);
    }
    expect(far.stats().holds).toEqual([]);
    expect(near.stats().holds).toEqual([]);
  });

  it("counts as one of the ends that a peer may have", async () => {
    const { server, far } = await world().pair({ limits: { maxChannels: 6 } });
    for (const name of range(9)) server.channel<number>(`x${name}`, { ...open, capacity: 1 });
    const ends = range(9).map((name) => far.channel<number>(`x${name}`));
    const codes = await Promise.all(
      ends.map(({ send }) =>
        send(1).then(
          () => "sent",
          ({ code }: { code: string }) => code,
        ),
      ),
    );
    expect(codes).toEqual([...Array.from({ length: 4 }, () => "sent"), ...Array.from({ length: 5 }, () => "LIMIT_EXCEEDED")]);
    expect(await codeOf((ends[8] as Channel<number>).receive())).toBe("LIMIT_EXCEEDED");
    expect(await codeOf(far.send({ end: (ends[8] as Channel<number>).receive }))).toBe("LIMIT_EXCEEDED");
    (ends[0] as Channel<number>).send.close();
    await world().settle();
    await (ends[8] as Channel<number>).send(1);
  });

  it("lends no end to those who may not use it", async () => {
    const { server, near, far } = await world().pair();
    const secret = server.channel<number>("secret", { allow: "receive", capacity: 1 });
    far.send({ reply: far.channel<number>("secret").send });
    const { reply } = (await take(near.receive)) as { readonly reply: Channel<number>["send"] };
    expect(reply).not.toBe(secret.send);
    expect(await codeOf(reply(1))).toBe("CHANNEL_REFUSED");
    expect(secret.receive.buffered).toBe(0);
  });

  it("ends with its session, and with its listener", async () => {
    const { server, far } = await world().pair();
    const here = server.channel<number>("x", open);
    const { send, receive } = far.channel<number>("x");
    const unused = far.channel<number>("x").receive;
    const sent = send(1);
    await world().settle();
    far.abort();
    expect(await codeOf(sent)).toBe("SESSION_CLOSED");
    expect(await codeOf(receive())).toBe("SESSION_CLOSED");
    expect(await codeOf(unused())).toBe("SESSION_CLOSED");
    expect(await codeOf(far.channel<number>("later").send(1))).toBe("SESSION_CLOSED");
    expect(await codeOf(far.channel<number>("later").receive())).toBe("SESSION_CLOSED");
    await world().settle();
    const waiting = here.receive();
    await server.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await codeOf(here.send(1))).toMatch(/CHANNEL_CLOSED|SESSION_CLOSED/);
  });

  it("says at once what is wrong with its name or its options", async () => {
    const server = await world().listen();
    expect(() => server.channel("")).toThrow(RangeError);
    expect(() => server.channel("x".repeat(257))).toThrow(RangeError);
    expect(() => server.channel(5 as never)).toThrow(TypeError);
    expect(() => server.channel("a", { allow: "all" as never })).toThrow(TypeError);
    expect(() => server.channel("a", { capacity: -1 })).toThrow(RangeError);
    expect(() => server.channel("a", { schema: {} as never })).toThrow(TypeError);
    server.channel("a", { allow: "send", capacity: 2 });
    expect(() => server.channel("a", { allow: "both", capacity: 2 })).toThrow(/allow send, not both/);
    expect(() => server.channel("a", { allow: "send" })).toThrow(/capacity 2, not 0/);
    server.channel("a", { allow: "send", capacity: 2 });
    server.channel("a");
  });

  it("of any text may be asked for", async () => {
    const { server, far } = await world().pair();
    const long = far.channel<number>("x".repeat(20_000));
    expect(await codeOf(long.send(1))).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(long.receive())).toBe("CHANNEL_UNKNOWN");
    for (const name of ["__proto__", "constructor", "", "a b/ç✓", "x".repeat(256)]) {
      expect(await codeOf(far.channel(name).send(1)), name).toBe("CHANNEL_UNKNOWN");
      if (name === "") continue;
      const here = server.channel(name, open);
      far.channel(name).send(name);
      expect(await take(here.receive)).toBe(name);
    }
  });
});

type Asked = readonly [string, string];

/** An `authorize` that notes what it was asked, and answers in one way or the other. */
function authorizing(answer: (name: string, end: string) => boolean | Promise<boolean>): {
  readonly asked: Asked[];
  readonly peers: Set<Peer>;
  readonly options: ListenOptions;
} {
  const asked: Asked[] = [];
  const peers = new Set<Peer>();
  const authorize: ListenOptions["authorize"] = (peer, name, end) => {
    asked.push([name, end]);
    peers.add(peer);
    return answer(name, end);
  };
  return { asked, peers, options: { authorize } };
}

for (const [how, answer] of [
  ["at once", (yes: boolean) => yes],
  ["later", async (yes: boolean) => yes],
] as const)
  overBoth(`authorize, which answers ${how},`, (world) => {
    it("is asked once for each name and end, at its first use, and wins over allow", async () => {
      const { asked, peers, options } = authorizing((name) => answer(name !== "no"));
      const { server, near, far } = await world().pair(options);
      const yes = server.channel<number>("yes", { capacity: 10 });
      server.channel<number>("no", { allow: "both", capacity: 1 });
      const { send, receive } = far.channel<number>("yes");
      await world().settle();
      expect(asked).toEqual([]);
      for (const value of range(5)) send(value);
      for (const value of range(5)) expect(await take(yes.receive)).toBe(value);
      expect(asked).toEqual([["yes", "send"]]);
      yes.send(9);
      expect(await take(receive)).toBe(9);
      await far.channel<number>("yes").send(1);
      expect(asked).toEqual([
        ["yes", "send"],
        ["yes", "receive"],
      ]);
      expect([...peers]).toEqual([near]);
      expect(await codeOf(far.channel<number>("no").send(1))).toBe("CHANNEL_REFUSED");
      expect(await codeOf(far.channel<number>("no").receive())).toBe("CHANNEL_REFUSED");
    });

    it("is not asked about names that do not exist", async () => {
      const { asked, options } = authorizing(() => answer(true));
      const { far } = await world().pair(options);
      expect(await codeOf(far.channel<number>("nothing").send(1))).toBe("CHANNEL_UNKNOWN");
      expect(asked).toEqual([]);
    });

    it("refuses selects as well", async () => {
      const { options } = authorizing(() => answer(false));
      const { server, far } = await world().pair(options);
      server.channel<number>("x", { allow: "both" });
      expect(await codeOf(select({ a: far.channel<number>("x").receive }))).toBe("CHANNEL_REFUSED");
      expect(await codeOf(select({ a: [far.channel<number>("x").send, 1] }))).toBe("CHANNEL_REFUSED");
      expect(await codeOf(trySelect({ a: far.channel<number>("x").receive }))).toBe("CHANNEL_REFUSED");
    });

    it("keeps the order of what came before it answered", async () => {
      const { options } = authorizing(() => answer(true));
      const { server, far } = await world().pair(options);
      const here = server.channel<number>("x", {});
      const { send } = far.channel<number>("x");
      send(0);
      const chosen = select({ x: [send, 1] });
      send(2);
      const big = "x".repeat(100_000);
      (send as (value: unknown) => Promise<void>)(big);
      const tried = trySelect({ x: [send, 3] });
      send(4);
      const got: unknown[] = [];
      for (const _ of range(5)) got.push(await take(here.receive));
      const rest = (await tried) === undefined ? [] : [3];
      if (rest.length > 0) got.push(await take(here.receive));
      await chosen;
      expect(got).toEqual([0, 1, 2, big, ...rest, 4]);
    });
  });

it("an authorize that throws or never answers is a no", async () => {
  const network = memoryNetwork();
  const server = network.listen({
    authorize: (_peer, name) => {
      if (name === "throws") throw new Error("the database is down");
      return name === "rejects" ? Promise.reject(new Error("the database is down")) : new Promise(() => undefined);
    },
  });
  for (const name of ["throws", "rejects", "silent"]) server.channel(name, { allow: "both" });
  const { dial } = await import("netchan");
  const far = await dial(network.address(server.accept));
  const errors = await Promise.all([errorOf(far.channel("throws").send(1)), errorOf(far.channel("rejects").receive())]);
  for (const error of errors) {
    expect(error.code).toBe("CHANNEL_REFUSED");
    expect(error.message).not.toContain("database");
  }
  const silent = far.channel("silent").send(1);
  const stop = new AbortController();
  const aborted = far.channel("silent").send(2, { signal: stop.signal });
  await network.settle();
  stop.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  await network.advance(9_900);
  expect(await isPending(network, silent)).toBe(true);
  await network.advance(200);
  expect(await codeOf(silent)).toBe("CHANNEL_REFUSED");
  far.abort();
  await server.close();
});

it("until authorize has answered nothing of the channel is reached", async () => {
  const network = memoryNetwork();
  const answers: ((yes: boolean) => void)[] = [];
  const server = network.listen<{ readonly end: Channel<number>["send"] }, unknown>({
    authorize: () => new Promise((resolve) => answers.push(resolve)),
  });
  const here = server.channel<number>("x", { capacity: 1 });
  const { dial } = await import("netchan");
  const far = await dial<unknown, unknown>(network.address(server.accept));
  await here.send(1);
  const { send, receive } = far.channel<number>("x");
  const received = receive();
  far.send({ end: send });
  const passed = await take(server.receive);
  await network.settle();
  expect(here.receive.buffered).toBe(1);
  expect(passed.end).not.toBe(here.send);
  expect(await codeOf(passed.end(2))).toBe("CHANNEL_REFUSED");
  for (const answer of answers.splice(0)) answer(true);
  expect(await received).toMatchObject({ value: 1 });
  far.send({ end: send });
  expect((await take(server.receive)).end).toBe(here.send);
  far.abort();
  await server.close();
});

it("what waits for authorize holds nothing once its session is over", async () => {
  const network = memoryNetwork();
  const server = network.listen<unknown, { readonly send: Channel<number>["send"] }>({ authorize: () => new Promise(() => undefined) });
  server.channel("x", { capacity: 1 });
  const { dial } = await import("netchan");
  const far = await dial<{ readonly send: Channel<number>["send"] }>(network.address(server.accept));
  const mine = chan<number>();
  server.send({ send: mine.send });
  const { send } = await take(far.receive);
  mine.send[Symbol.dispose]();
  const sent = far.channel("x").send({ send });
  const waiting = mine.receive();
  await network.settle();
  far.abort();
  expect(await codeOf(sent)).toBe("SESSION_CLOSED");
  await network.settle();
  expect(await isPending(network, waiting)).toBe(false);
  await server.close();
});

const quick = { reconnect: { minMs: 10, maxMs: 20 } };

for (const [how, answer] of [
  ["at once", (yes: boolean) => yes],
  ["later", async (yes: boolean) => yes],
] as const) {
  it(`after a reconnect authorize is asked again (${how}), and a no ends the use`, async () => {
    const network = memoryNetwork();
    const { dial } = await import("netchan");
    let allowed = true;
    const asked: string[] = [];
    const server = network.listen({
      authorize: (_peer, name, end) => {
        asked.push(`${name} ${end}`);
        return answer(allowed || name === "stays");
      },
    });
    const here = server.channel<number>("goes", { capacity: 1 });
    const stays = server.channel<number>("stays", {});
    const far = await dial(network.address(server.accept), quick);
    const ends = far.channel<number>("goes");
    await ends.send(1);
    expect(await take(here.receive)).toBe(1);
    const received = ends.receive();
    const [up] = [server.channel<number>("up", {}), server.channel<number>("down", {})];
    const { send } = far.channel<number>("up");
    const down = far.channel<number>("down").receive;
    const before = [send(1), select({ a: [send, 2], b: down }), select({ b: down })];
    const kept = far.channel<number>("stays").receive();
    await network.settle();
    expect(asked.splice(0)).toEqual(["goes send", "goes receive", "up send", "down receive", "stays receive"]);
    allowed = false;
    network.cut();
    await network.settle();
    const late = ends.send(2);
    const chosen = select({ a: ends.receive, b: [ends.send, 3] });
    network.heal();
    await network.advance(1_000);
    expect(asked.splice(0).sort()).toEqual(["down receive", "goes receive", "goes send", "stays receive", "up send"]);
    expect(await Promise.all(before.map((one) => codeOf(one)))).toEqual(before.map(() => "CHANNEL_REFUSED"));
    expect(await trySelect({ a: up.receive })).toBeUndefined();
    expect(await codeOf(late)).toBe("CHANNEL_REFUSED");
    expect(await codeOf(received)).toBe("CHANNEL_REFUSED");
    expect(await codeOf(chosen)).toBe("CHANNEL_REFUSED");
    expect(here.receive.buffered).toBe(0);
    expect(await codeOf(far.channel<number>("goes").send(4))).toBe("CHANNEL_REFUSED");
    stays.send(5);
    expect(await kept).toMatchObject({ value: 5 });
    // Allowed again, it may be used again after the next link.
    allowed = true;
    network.cut();
    network.heal();
    await network.advance(1_000);
    await far.channel<number>("goes").send(6);
    expect(await take(here.receive)).toBe(6);
    far.abort();
    await server.close();
  });
}

const tables = useWorld(() => inMemory(memoryNetwork()));
it("leaves no trace of names once they are let go of", async () => {
  const { server, near, far } = await tables().pair({ authorize: async () => true });
  const here = server.channel<number>("x", { capacity: 1 });
  for (const value of range(50)) {
    const { send, receive } = far.channel<number>("x");
    await send(value);
    expect(await take(receive)).toBe(value);
    send.close();
    receive.close();
  }
  await tables().settle();
  expect((far as unknown as SessionPeer).exchange.stats.named).toBe(0);
  expect(far.stats().holds).toEqual([]);
  expect(near.stats().holds).toEqual([]);
  expect(here.send.closed).toBe(false);
});

it("forgets what it was asked about channels that are gone", async () => {
  const { server, near, far } = await tables().pair();
  for (const round of range(500)) {
    const here = server.channel<number>(`room ${round}`, { allow: "send", capacity: 1 });
    const { send } = far.channel<number>(`room ${round}`);
    await send(round);
    here.send.close();
  }
  await tables().settle();
  const { exchange } = near as unknown as SessionPeer;
  expect(exchange.ends.permits.size).toBeLessThan(150);
  expect(near.stats().holds).toEqual([]);
});
