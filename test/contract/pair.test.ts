/** Programs over the default pair and over ends in messages: what a user writes first. */
import {
  after,
  ask,
  askMany,
  chan,
  isReceive,
  isSend,
  merge,
  pipe,
  type ReceiveChannel,
  type SendChannel,
  select,
  trySelect,
} from "netchan";
import { expect, it } from "vitest";
import { all, codeOf, errorOf, isPending, overBoth, range, take } from "./support.js";

overBoth("the default pair", (world) => {
  it("is a rendezvous: a send is pending until the other application receives", async () => {
    const { near, far } = await world().pair<string>();
    const sent = far.send("a");
    expect(await isPending(world(), sent)).toBe(true);
    expect(await take(near.receive)).toBe("a");
    await sent;
    const back = near.send("b");
    expect(await isPending(world(), back)).toBe(true);
    expect(await take(far.receive)).toBe("b");
    await back;
  });

  it("says whose session brought a value", async () => {
    const { server, near, far } = await world().pair<string>();
    far.send("a");
    const got = await server.receive();
    expect(got).toMatchObject({ done: false, value: "a" });
    if (!got.done) expect(got.from).toBe(near);
    near.send("b");
    const back = await far.receive();
    expect(back.done ? undefined : back.value).toBe("b");
    if (!back.done) expect(back.from).toBeUndefined(); // its home is elsewhere
  });

  it("keeps the order of calls, awaited or not", async () => {
    const { server, near, far } = await world().pair<number>();
    for (const value of range(300)) far.send(value);
    far.send.close();
    expect(await all(near.receive)).toEqual(range(300));
    for (const value of range(300)) near.send(value);
    near.send.close();
    expect(await all(far.receive)).toEqual(range(300));
    await server.close();
  });

  it("is iterated with a signal, which ends the loop without throwing and takes nothing", async () => {
    const { near, far } = await world().pair<number>();
    const stop = new AbortController();
    const seen: number[] = [];
    const loop = (async () => {
      for await (const value of near.receive.values({ signal: stop.signal })) seen.push(value);
    })();
    await far.send(1);
    await far.send(2);
    stop.abort();
    await loop;
    const third = far.send(3);
    expect(await isPending(world(), third)).toBe(true);
    expect(seen).toEqual([1, 2]);
    expect(await take(near.receive)).toBe(3);
    await third;
  });

  it("is not closed by leaving a loop", async () => {
    const { near, far } = await world().pair<number>();
    far.send(1);
    far.send(2);
    for await (const value of near.receive) {
      expect(value).toBe(1);
      break;
    }
    expect(near.receive.closed).toBe(false);
    expect(await take(near.receive)).toBe(2);
  });

  it("takes a send back on abort, with the signal's own reason", async () => {
    const { near, far } = await world().pair<string>();
    const stop = new AbortController();
    const reason = { my: "reason" };
    const sent = far.send("never", { signal: stop.signal });
    await world().settle();
    stop.abort(reason);
    await expect(sent).rejects.toBe(reason);
    far.send("next");
    expect(await take(near.receive)).toBe("next");
  });

  it("loses nothing when a receive is aborted", async () => {
    const { near, far } = await world().pair<string>();
    for (const [send, receive] of [
      [far.send, near.receive],
      [near.send, far.receive],
    ] as const) {
      const stop = new AbortController();
      const aborted = receive({ signal: stop.signal });
      await world().settle();
      stop.abort("enough");
      await expect(aborted).rejects.toBe("enough");
      const sent = send("kept");
      expect(await isPending(world(), sent)).toBe(true);
      expect(await take(receive)).toBe("kept");
      await sent;
    }
  });

  it("rejects at once with a signal that was aborted before", async () => {
    const { near, far } = await world().pair<string>();
    const signal = AbortSignal.abort("before");
    await expect(far.send("a", { signal })).rejects.toBe("before");
    await expect(far.receive({ signal })).rejects.toBe("before");
    await expect(near.send("a", { signal })).rejects.toBe("before");
    await expect(near.receive({ signal })).rejects.toBe("before");
    await expect(far.ping({ signal })).rejects.toBe("before");
    await expect(select({ a: far.receive }, { signal })).rejects.toBe("before");
    expect(await trySelect({ a: near.receive })).toBeUndefined();
  });

  it("has the listener's capacity on both sides, whatever the dialer says", async () => {
    const { server, near, far } = await world().pair<number>({ capacity: 2 }, { capacity: 9 });
    for (const end of [server.send, server.receive, near.send, near.receive, far.send, far.receive]) expect(end.capacity).toBe(2);
    await far.send(1);
    await far.send(2);
    const third = far.send(3);
    expect(await isPending(world(), third)).toBe(true);
    expect(near.receive.buffered).toBe(2);
    expect(await take(near.receive)).toBe(1);
    await third;
    await near.send(1);
    await near.send(2);
    const back = near.send(3);
    expect(await isPending(world(), back)).toBe(true);
    expect(await take(far.receive)).toBe(1);
    await back;
  });

  it("closes behind what was sent, then is done for ever", async () => {
    const { near, far } = await world().pair<number>({ capacity: 1 });
    for (const [send, receive] of [
      [far.send, near.receive],
      [near.send, far.receive],
    ] as const) {
      const sends = range(3).map((value) => send(value));
      send.close();
      send.close();
      expect(send.closed).toBe(true);
      expect(await codeOf(send(9))).toBe("CHANNEL_CLOSED");
      expect(await all(receive)).toEqual(range(3));
      await Promise.all(sends);
      expect(await receive()).toEqual({ done: true, value: undefined });
      expect(receive.closed).toBe(true);
    }
  });

  it("closes with a reason, which receivers see as the cause", async () => {
    const { near, far } = await world().pair<number>();
    far.send.close(new Error("no more tea"));
    const error = await errorOf(near.receive());
    expect(error.code).toBe("CHANNEL_CLOSED");
    expect(error.scope).toBe("channel");
    expect((error.cause as Error).message).toContain("no more tea");
    near.send.close(new Error("no more cups"));
    expect(((await errorOf(far.receive())).cause as Error).message).toContain("no more cups");
  });

  it("tells senders when nobody wants more", async () => {
    const { near, far } = await world().pair<number>();
    const pending = near.send(1);
    await world().settle();
    far.receive.close();
    expect(await codeOf(pending)).toBe("CHANNEL_CLOSED");
    expect(await codeOf(near.send(2))).toBe("CHANNEL_CLOSED");
    expect(far.receive.closed).toBe(true);
  });
});

overBoth("ends in messages", (world) => {
  it("work at the other side, and come home as themselves", async () => {
    const { near, far } = await world().pair<{ deep: { ends: unknown[] } }>();
    const here = chan<number>();
    far.send({ deep: { ends: [here.send, here.receive, here.send] } });
    const [send, receive, again] = (await take(near.receive)).deep.ends as [SendChannel<number>, ReceiveChannel<number>, unknown];
    expect(isSend(send) && isReceive(receive)).toBe(true);
    expect(isSend(receive) || isReceive(send) || isSend({}) || isReceive(undefined)).toBe(false);
    expect(again).toBe(send);
    const sent = send(1);
    expect(await take(here.receive)).toBe(1);
    await sent;
    here.send(2);
    expect(await take(receive)).toBe(2);
    near.send({ deep: { ends: [send, receive] } });
    expect((await take(far.receive)).deep.ends).toEqual([here.send, here.receive]);
  });

  it("are let go with using", async () => {
    const { near, far } = await world().pair<SendChannel<number>>();
    const { send, receive } = chan<number>();
    far.send(send);
    send[Symbol.dispose]();
    {
      using theirs = await take(near.receive);
      theirs(1);
      expect(await take(receive)).toBe(1);
    }
    expect(await receive()).toEqual({ done: true, value: undefined });
  });

  it("reject CHANNEL_CLOSED when the receive end was let go", async () => {
    const { near, far } = await world().pair<ReceiveChannel<number>>();
    const { send, receive } = chan<number>();
    far.send(receive);
    receive.close();
    const theirs = await take(near.receive);
    const sent = send(1);
    expect(await take(theirs)).toBe(1);
    await sent;
    theirs[Symbol.dispose]();
    expect(await codeOf(send(2))).toBe("CHANNEL_CLOSED");
  });

  it("ask and answer, of several kinds", async () => {
    type Question =
      | { kind: "double"; of: number; reply: SendChannel<number> }
      | { kind: "shout"; word: string; reply: SendChannel<string> };
    const server = await world().listen<Question, never>();
    const { far } = await world().dial(server);
    void (async () => {
      for await (const question of server.receive) {
        if (question.kind === "double") question.reply(question.of * 2);
        else question.reply(question.word.toUpperCase());
      }
    })();
    const [double, shout] = await Promise.all([
      ask(far.send, (reply) => ({ kind: "double", of: 4, reply })),
      ask(far.send, (reply) => ({ kind: "shout", word: "hey", reply })),
    ]);
    expect(double + 1).toBe(9);
    expect(shout.length).toBe(3);
  });

  it("ask: rejects when nobody will answer, and at once on abort; a late answer is fulfilled", async () => {
    type Question = { reply: SendChannel<number> };
    const server = await world().listen<Question, never>();
    const { far } = await world().dial(server);
    const closed = ask(far.send, (reply) => ({ reply }));
    (await take(server.receive)).reply.close();
    expect(await codeOf(closed)).toBe("CHANNEL_CLOSED");
    const letGo = ask(far.send, (reply) => ({ reply }));
    (await take(server.receive)).reply[Symbol.dispose]();
    expect(await codeOf(letGo)).toBe("CHANNEL_CLOSED");
    const stop = new AbortController();
    const aborted = ask(far.send, (reply) => ({ reply }), { signal: stop.signal });
    const { reply } = await take(server.receive);
    stop.abort("enough");
    await expect(aborted).rejects.toBe("enough");
    await reply(1);
    const waiting = ask(far.send, (reply) => ({ reply }));
    const { reply: never } = await take(server.receive);
    far.abort();
    expect(["SESSION_CLOSED", "SESSION_LOST"]).toContain(await codeOf(waiting));
    await expect(never(1)).rejects.toMatchObject({ code: "SESSION_CLOSED" });
  });

  it("askMany: is done when the other side closes or lets go", async () => {
    type Search = { upTo: number; results: SendChannel<number> };
    const server = await world().listen<Search, never>();
    const { far } = await world().dial(server);
    void (async () => {
      for await (const { upTo, results } of server.receive) {
        for (const value of range(upTo)) await results(value);
        if (upTo % 2 === 0) results.close();
        else results[Symbol.dispose]();
      }
    })();
    for (const upTo of [0, 1, 6, 7])
      expect(await all(askMany<Search, number>(far.send, (results) => ({ upTo, results }), { capacity: upTo }))).toEqual(range(upTo));
  });

  it("select over both directions and a timer does one case", async () => {
    const { near, far } = await world().pair<string>();
    const first = select({ heard: near.receive, told: [near.send, "from near"], late: after(60_000), off: null });
    const second = far.send("from far");
    expect(await first).toMatchObject({ case: "heard", done: false, value: "from far" });
    await second;
    const third = select({ heard: near.receive, told: [near.send, "from near"], off: false });
    expect(await take(far.receive)).toBe("from near");
    expect(await third).toEqual({ case: "told" });
    expect(await isPending(world(), far.receive())).toBe(true);
  });

  it("select: a done case is ready, a send case on a closed channel rejects", async () => {
    const { near, far } = await world().pair<string>();
    near.send.close();
    expect(await select({ a: far.receive })).toEqual({ case: "a", done: true, value: undefined });
    expect(await codeOf(select({ a: near.receive, b: [near.send, "x"] }))).toBe("CHANNEL_CLOSED");
  });

  it("select: an abort does no case, also with all cases off", async () => {
    const { near, far } = await world().pair<string>();
    const stop = new AbortController();
    const nothing = select({ a: undefined, b: null, c: false }, { signal: stop.signal });
    const remote = select({ a: far.receive, b: [far.send, "x"] }, { signal: stop.signal });
    expect(await isPending(world(), nothing)).toBe(true);
    stop.abort("enough");
    await expect(nothing).rejects.toBe("enough");
    await expect(remote).rejects.toBe("enough");
    expect(await trySelect({ a: near.receive })).toBeUndefined();
    near.send("y");
    expect(await take(far.receive)).toBe("y");
  });

  it("trySelect: undefined when nothing is ready, else the ready one", async () => {
    const { near, far } = await world().pair<string>();
    expect(await trySelect({ a: far.receive, b: [far.send, "x"] })).toBeUndefined();
    near.send("ready");
    await world().settle();
    expect(await trySelect({ a: far.receive, b: [far.send, "x"] })).toMatchObject({ case: "a", value: "ready" });
    const waiting = near.receive();
    await world().settle();
    expect(await trySelect({ b: [far.send, "x"] })).toEqual({ case: "b" });
    expect((await waiting).value).toBe("x");
  });

  it.each(["select", "trySelect"] as const)(
    "%s rejects ENCODE_FAILED for a value that cannot travel, and the receiver waits on",
    async (name) => {
      const { near, far } = await world().pair<unknown>();
      const choose = { select, trySelect }[name];
      expect(await codeOf(choose({ told: [far.send, () => 1], heard: far.receive }))).toBe("ENCODE_FAILED");
      const waiting = far.receive();
      await world().settle();
      const chosen = choose({ told: [near.send, () => 1], heard: near.receive });
      expect(await isPending(world(), chosen)).toBe(false);
      expect(await codeOf(chosen)).toBe("ENCODE_FAILED");
      near.send("after");
      expect((await waiting).value).toBe("after");
    },
  );

  it("select across several peers and local channels", async () => {
    const server = await world().listen<string>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    const local = chan<string>();
    const chosen = select({ one: one.near.receive, two: two.near.receive, local: local.receive });
    two.far.send("b");
    expect(await chosen).toMatchObject({ case: "two", value: "b", from: two.near });
    const dialers = select({ one: one.far.receive, two: two.far.receive, local: local.receive });
    one.near.send("a");
    expect(await dialers).toMatchObject({ case: "one", value: "a" });
  });

  it("merge and pipe work over ends of any process", async () => {
    const server = await world().listen<number>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    const both = merge(one.far.receive, two.far.receive);
    const out = chan<number>();
    const piped = pipe(both, out.send);
    for (const value of range(10)) (value % 2 === 0 ? one : two).near.send(value);
    one.near.send.close();
    two.near.send.close();
    expect((await all(out.receive)).sort((a, b) => a - b)).toEqual(range(10));
    await piped;
    const through = pipe(out.receive, one.far.send);
    await through;
    expect(await one.near.receive()).toEqual({ done: true, value: undefined });
  });
});
