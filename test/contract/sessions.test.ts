/** Programs about a session: how it is, how it ends, and what every operation on it is told. */
import { type Channel, chan, type Peer, type PeerStatus, type ReceiveChannel, type SendChannel, type SessionEnd } from "netchan";
import { expect, it } from "vitest";
import { all, codeOf, errorOf, isPending, overBoth, range, take } from "./support.js";

overBoth("a session", (world) => {
  it("has one id, unguessable, on both sides", async () => {
    const server = await world().listen();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    expect(one.near.id).toBe(one.far.id);
    expect(one.near.id).not.toBe(two.near.id);
    expect(one.near.id.length).toBeGreaterThanOrEqual(16);
    expect([...server.connected]).toEqual([one.near, two.near]);
  });

  it("has a status: the present one first, then the end, then done", async () => {
    const { near, far } = await world().pair();
    for (const peer of [near, far] as Peer[]) expect(peer.status).toMatchObject({ state: "connected", transport: expect.any(String) });
    const feeds = [near.statuses(), near.statuses(), far.statuses()];
    expect(feeds[0]).not.toBe(feeds[1]);
    for (const feed of feeds) expect(await take(feed)).toMatchObject({ state: "connected" });
    const waiting = feeds.map((feed) => feed());
    await far.close();
    for (const status of await Promise.all(waiting)) expect(status.value).toMatchObject({ state: "ended", end: { reason: "closed" } });
    for (const feed of feeds) expect(await feed()).toMatchObject({ done: true });
    expect(far.status).toMatchObject({ state: "ended", end: { reason: "closed", undelivered: [] } });
    const late: PeerStatus[] = await all(far.statuses());
    expect(late).toEqual([far.status]);
  });

  it("has a status feed that is stopped by closing it", async () => {
    const { far } = await world().pair();
    const feed = far.statuses();
    feed.close();
    expect(await feed()).toMatchObject({ done: true });
    using other = far.statuses();
    expect(await take(other)).toEqual(far.status);
  });

  it("ends as closed on both sides when either closes it", async () => {
    for (const closer of ["near", "far"] as const) {
      const { near, far } = await world().pair();
      await { near, far }[closer].close();
      const ends: SessionEnd[] = await Promise.all([near.ended, far.ended]);
      for (const end of ends) expect(end).toEqual({ reason: "closed", undelivered: [] });
    }
  });

  it("ends as aborted on both sides when either aborts it, and pending operations reject", async () => {
    for (const aborter of ["near", "far"] as const) {
      const { near, far } = await world().pair<number>();
      const operations = [near.receive(), far.receive()];
      const { far: other, near: otherNear } = await world().pair<number>();
      const sends = [other.send(1), otherNear.send(2)];
      await world().settle();
      const reason = new Error("fed up");
      ({ near, far })[aborter].abort(reason);
      ({ near: otherNear, far: other })[aborter].abort();
      for (const operation of operations) expect(await codeOf(operation)).toBe("SESSION_CLOSED");
      for (const send of sends) {
        const error = await errorOf(send);
        expect(error).toMatchObject({ code: "SESSION_CLOSED", scope: "session", retryable: false });
        expect(["not-sent", "unknown"]).toContain(error.outcome);
      }
      for (const peer of [near, far]) expect((await peer.ended).reason).toBe("aborted");
      expect((await { near, far }[aborter].ended).error?.cause).toBe(reason);
    }
  });

  it("delivers what is buffered and takes pending sends before it closes", async () => {
    const { near, far } = await world().pair<number>({ capacity: 2 });
    for (const [here, there] of [[far, near]] as const) {
      const sends = range(5).map((value) => here.send(value));
      await Promise.all(sends.slice(0, 2));
      const closed = here.close({ drainMs: 60_000 });
      expect(await isPending(world(), closed)).toBe(true);
      expect(await all(there.receive)).toEqual(range(5));
      await Promise.all([closed, ...sends]);
    }
  });

  it("delivers, in a drain, what the listener sent", async () => {
    const { server, near, far } = await world().pair<number>({ capacity: 2 });
    const sends = range(5).map((value) => near.send(value));
    await Promise.all(sends.slice(0, 2));
    const closed = server.close({ drainMs: 60_000 });
    expect(await isPending(world(), closed)).toBe(true);
    expect(await all(far.receive)).toEqual(range(5));
    await Promise.all([closed, ...sends]);
    expect(await far.ended).toMatchObject({ reason: "closed", undelivered: [] });
  });

  it("lets the other side take, while it drains, what waits at an end that travelled", async () => {
    const { near, far } = await world().pair<ReceiveChannel<number>>();
    const { send, receive } = chan<number>();
    far.send(receive);
    const theirs = await take(near.receive);
    const sent = send(1);
    await world().settle();
    const closed = far.close({ drainMs: 60_000 });
    await world().settle();
    expect(await take(theirs)).toBe(1);
    await sent;
    theirs.close();
    receive.close();
    await near.close({ drainMs: 0 });
    await closed;
  });

  it("ends at once on both sides, whoever measures a round trip meanwhile", async () => {
    for (const turns of range(6)) {
      const { near, far } = await world().pair();
      const states = all(near.statuses()).then((seen) => seen.map(({ state }) => state));
      await far.close();
      for (const _ of range(turns)) await new Promise((resolve) => setImmediate(resolve));
      expect(await codeOf(near.ping())).toBe("SESSION_CLOSED");
      expect(await states, `${turns} turns later`).toEqual(["connected", "ended"]);
    }
  });

  it("rejects, without a drain, what is pending", async () => {
    const { near, far } = await world().pair<number>();
    const sends = [far.send(1), near.send(2)];
    await world().settle();
    await far.close({ drainMs: 0 });
    for (const send of sends) expect(["SESSION_CLOSED", "CHANNEL_CLOSED"]).toContain(await codeOf(send));
    expect(await far.ended).toMatchObject({ reason: "closed" });
    expect(await near.ended).toMatchObject({ reason: "closed" });
  });

  it("is done, after a graceful end, on the pair; other remote ends reject SESSION_CLOSED", async () => {
    const { near, far } = await world().pair<Channel<number>>();
    const home = chan<number>();
    near.send(home);
    const remote = await take(far.receive);
    const pending = [near.receive(), far.receive()];
    await far.close();
    expect(await Promise.all(pending)).toMatchObject([{ done: true }, { done: true }]);
    expect(await far.receive()).toMatchObject({ done: true });
    expect(await near.receive()).toMatchObject({ done: true });
    expect(await codeOf(remote.receive())).toBe("SESSION_CLOSED");
    const error = await errorOf(remote.send(1));
    expect(error).toMatchObject({ code: "SESSION_CLOSED", outcome: "not-sent" });
    expect(["CHANNEL_CLOSED", "SESSION_CLOSED"]).toContain(await codeOf(far.send(home)));
    expect(await codeOf(far.ping())).toBe("SESSION_CLOSED");
  });

  it("may be closed again and again, on both sides at once", async () => {
    const { near, far } = await world().pair();
    await Promise.all([near.close(), far.close(), far.close({ drainMs: 0 }), near.close({ drainMs: 5 })]);
    await far.close();
    far.abort();
    expect(await near.ended).toEqual({ reason: "closed", undelivered: [] });
    expect(await far.ended).toEqual({ reason: "closed", undelivered: [] });
  });

  it("is closed with await using", async () => {
    const server = await world().listen<number>();
    const { near, far } = await world().dial(server);
    {
      await using peer = far;
      void peer.send(1);
      expect(await take(near.receive)).toBe(1);
    }
    expect((await near.ended).reason).toBe("closed");
  });

  it("ends by itself when both directions are closed and nothing else is open", async () => {
    const server = await world().listen<string>();
    const { near, far } = await world().dial(server);
    const { send, receive } = far;
    const echo = (async () => {
      for await (const word of near.receive) await near.send(word.toUpperCase());
      near.send.close();
    })();
    send("a");
    send("b");
    send.close();
    expect(await all(receive)).toEqual(["A", "B"]);
    await echo;
    expect(await far.ended).toEqual({ reason: "closed", undelivered: [] });
    expect(await near.ended).toEqual({ reason: "closed", undelivered: [] });
    expect(server.connected.size).toBe(0);
  });

  it("does not end by itself while another end is open", async () => {
    const { near, far } = await world().pair<ReceiveChannel<number>>();
    const { send, receive } = chan<number>();
    far.send(receive);
    const theirs = await take(near.receive);
    far.send.close();
    near.send.close();
    expect(await near.receive()).toMatchObject({ done: true });
    expect(await far.receive()).toMatchObject({ done: true });
    expect(await isPending(world(), far.ended)).toBe(true);
    const sent = send(1);
    expect(await take(theirs)).toBe(1);
    await sent;
    send.close();
    expect(await theirs()).toMatchObject({ done: true });
    receive.close();
    expect((await far.ended).reason).toBe("closed");
    expect((await near.ended).reason).toBe("closed");
  });

  it("is pinged hundreds of times a second from both sides, also with a signal", async () => {
    const { near, far } = await world().pair();
    const stop = new AbortController();
    const pings = range(400).map((index) => (index % 2 === 0 ? near : far).ping({ signal: stop.signal }));
    for (const ms of await Promise.all(pings)) expect(ms).toBeGreaterThanOrEqual(0);
    for (let count = 0; count < 200; count++) await far.ping();
    const aborted = far.ping({ signal: stop.signal });
    stop.abort("enough");
    await expect(aborted).rejects.toBe("enough");
    expect(await far.ping()).toBeGreaterThanOrEqual(0);
    expect((await far.status).state).toBe("connected");
  });

  it("takes reconnect as no change", async () => {
    const { near, far } = await world().pair<number>();
    far.reconnect();
    near.reconnect();
    far.send(1);
    expect(await take(near.receive)).toBe(1);
    expect(far.status.state).toBe("connected");
    await far.close();
    far.reconnect();
    expect(far.status.state).toBe("ended");
  });

  it("settles every operation of every kind when it is aborted", async () => {
    const { near, far } = await world().pair<unknown>();
    const home = chan<number>();
    far.send({ send: home.send, receive: home.receive });
    const remote = (await take(near.receive)) as { send: SendChannel<number>; receive: ReceiveChannel<number> };
    home.send[Symbol.dispose]();
    home.receive.close();
    const operations = [far.receive(), near.receive(), remote.receive(), far.ping(), near.ping()];
    const outcomes = Promise.allSettled(operations);
    far.abort();
    await outcomes;
    expect((await near.ended).reason).toBe("aborted");
    expect((await errorOf(remote.send(1))).code).toBe("SESSION_CLOSED");
  });

  it("refuses wrong arguments at once", async () => {
    const { far } = await world().pair();
    expect(() => far.close({ drainMs: -1 })).toThrow(RangeError);
    expect(() => far.close({ drainMs: Number.NaN })).toThrow(RangeError);
    expect(() => far.close({ drainMs: "5" as never })).toThrow(TypeError);
    expect(() => far.abort("no error" as never)).toThrow(TypeError);
    expect(() => far.ping({ signal: {} as never })).toThrow(TypeError);
    expect(() => far.send(1, { signal: "x" as never })).toThrow(TypeError);
    expect(() => far.receive("x" as never)).toThrow(TypeError);
    expect(far.status.state).toBe("connected");
  });
});

overBoth("a dialer that was refused or is gone", (world) => {
  it("leaves the listener's other peers alone", async () => {
    const server = await world().listen<string>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    one.far.abort();
    await one.near.ended;
    expect([...server.connected]).toEqual([two.near]);
    two.far.send("still here");
    expect((await server.receive()).value).toBe("still here");
  });
});
