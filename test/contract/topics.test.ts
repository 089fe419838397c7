/** Topics: every subscriber gets what was published after it subscribed. PROTOCOL.md "Topics"; design rule 15. */
import { type Channel, chan, dial, type ReceiveChannel, select, type TopicOptions } from "netchan";
import { memoryNetwork } from "netchan/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { all, codeOf, errorOf, inMemory, isPending, noUnhandledRejections, overBoth, range, take, thrownBy, useWorld } from "./support.js";

const open: TopicOptions<never> = { allow: "both" };
/** A subscription like any other, once it has been ended here: what it still has. */
async function rest<T>(
  receive: ReceiveChannel<T> & { readonly missed: number },
): Promise<{ readonly got: readonly T[]; readonly missed: number }> {
  const got = await all(receive);
  return { got, missed: receive.missed };
}

overBoth("a topic", (world) => {
  it("gives each value to every subscriber, here and there, in order", async () => {
    const server = await world().listen();
    const news = server.topic<number>("news", open);
    expect(server.topic("news")).toBe(news);
    const peers = [await world().dial(server), await world().dial(server)];
    const subscriptions = [news.subscribe(), ...peers.map(({ far }) => far.topic<number>("news").subscribe())];
    await world().settle();
    for (const value of range(50)) await news.publish(value);
    for (const subscription of subscriptions) {
      for (const value of range(50)) expect(await take(subscription)).toBe(value);
      expect(subscription.missed).toBe(0);
    }
  });

  it("takes what peers publish, and says whose it is where it lives", async () => {
    const { server, near, far } = await world().pair();
    const here = server.topic<string>("chat", open).subscribe();
    const there = far.topic<string>("chat").subscribe();
    await far.topic<string>("chat").publish("hello");
    expect(await here()).toEqual({ done: false, value: "hello", from: near });
    expect(await there()).toEqual({ done: false, value: "hello" });
  });

  it("publishes to nobody at once", async () => {
    const { server, far } = await world().pair();
    await server.topic<number>("quiet", { allow: "both" }).publish(1);
    await far.topic("quiet").publish(2);
    const late = server.topic("quiet").subscribe();
    expect(await isPending(world(), late())).toBe(true);
  });

  it("counts a subscription before what its session does next", async () => {
    const { server, far } = await world().pair<string>();
    const news = server.topic<string>("news", open);
    const { publish, subscribe } = far.topic<string>("news");
    const own = subscribe();
    publish("mine");
    const other = far.topic<string>("news").subscribe();
    far.send("subscribed");
    expect(await take(server.receive)).toBe("subscribed");
    news.publish("theirs");
    expect([await take(own), await take(own)]).toEqual(["mine", "theirs"]);
    expect(await take(other)).toBe("theirs");
  });

  it("keeps the newest for a slow subscriber, and counts what it missed", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const [here, there] = [news.subscribe({ capacity: 2 }), far.topic<number>("news").subscribe({ capacity: 2 })];
    await world().settle();
    for (const value of range(200)) await news.publish(value);
    await world().settle();
    for (const subscription of [here, there]) {
      expect(subscription.capacity).toBe(2);
      expect([await take(subscription), await take(subscription)]).toEqual([198, 199]);
      expect(subscription.missed).toBe(198);
    }
  });

  it("keeps the oldest for one that wants those", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const options = { capacity: 3, whenFull: "drop-newest" } as const;
    const [here, there] = [news.subscribe(options), far.topic<number>("news").subscribe(options)];
    await world().settle();
    for (const value of range(100)) await news.publish(value);
    await world().settle();
    news.publish.close();
    for (const subscription of [here, there]) expect(await rest(subscription)).toEqual({ got: [0, 1, 2], missed: 97 });
  });

  it("has 64 places for a subscription that does not say", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const [here, there] = [news.subscribe(), far.topic<number>("news").subscribe()];
    await world().settle();
    for (const value of range(100)) await news.publish(value);
    await world().settle();
    news.publish.close();
    for (const subscription of [here, there]) expect(await rest(subscription)).toEqual({ got: range(100).slice(36), missed: 36 });
  });

  it("waits for a peer only if it is to", async () => {
    const { server, far } = await world().pair();
    server.topic<number>("hasty", open);
    expect(await codeOf(far.topic<number>("hasty").subscribe({ capacity: 1, whenFull: "wait" })())).toBe("CHANNEL_REFUSED");
    const patient = server.topic<number>("patient", { allow: "both", whenFull: "wait" });
    const there = far.topic<number>("patient").subscribe({ capacity: 2, whenFull: "wait" });
    await world().settle();
    await patient.publish(1);
    await patient.publish(2);
    const third = patient.publish(3);
    expect(await isPending(world(), third)).toBe(true);
    expect(await take(there)).toBe(1);
    await third;
    there.close();
    await Promise.all(range(5).map((value) => patient.publish(value)));
  });

  it("is a rendezvous for one that has no buffer", async () => {
    const { server, far } = await world().pair();
    const patient = server.topic<number>("patient", { allow: "both", whenFull: "wait" });
    for (const topic of [patient, far.topic<number>("patient")]) {
      const subscription = topic.subscribe({ capacity: 0, whenFull: "wait" });
      await world().settle();
      const sent = patient.publish(1);
      expect(await isPending(world(), sent)).toBe(true);
      expect(await take(subscription)).toBe(1);
      await sent;
      expect(subscription.missed).toBe(0);
      subscription.close();
      await world().settle();
    }
  });

  it("forgets who has unsubscribed, whether by close, dispose or a loop's end", async () => {
    const { server, near, far } = await world().pair();
    const news = server.topic<number>("news", { allow: "both", whenFull: "wait" });
    const options = { capacity: 1, whenFull: "wait" } as const;
    const closed = far.topic<number>("news").subscribe(options);
    closed.close();
    {
      using disposed = far.topic<number>("news").subscribe(options);
      expect(disposed.closed).toBe(false);
    }
    const here = news.subscribe(options);
    here.close();
    await world().settle();
    for (const value of range(10)) await news.publish(value);
    expect(await closed()).toMatchObject({ done: true });
    expect(near.stats().holds).toEqual([]);
  });

  it("ends for its subscribers when its publisher closes it, after what was published", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const [here, there] = [news.subscribe(), far.topic<number>("news").subscribe()];
    await world().settle();
    news.publish(1);
    news.publish(2);
    news.publish.close();
    expect(await all(here)).toEqual([1, 2]);
    expect(await all(there)).toEqual([1, 2]);
    expect(await codeOf(news.publish(3))).toBe("CHANNEL_CLOSED");
    expect(await codeOf(far.topic("news").subscribe()())).toBe("CHANNEL_UNKNOWN");
    const again = server.topic<number>("news", open);
    expect(again).not.toBe(news);
    const anew = far.topic<number>("news").subscribe();
    await world().settle();
    again.publish(4);
    expect(await take(anew)).toBe(4);
  });

  it("is closed by a peer for that peer alone", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const here = news.subscribe();
    const { publish } = far.topic<number>("news");
    await publish(1);
    publish.close();
    expect(await codeOf(publish(2))).toBe("CHANNEL_CLOSED");
    await news.publish(3);
    expect([await take(here), await take(here)]).toEqual([1, 3]);
  });

  it("may be used as it allows, and not at all unless it says so", async () => {
    const { server, far } = await world().pair();
    server.topic("none");
    server.topic("read", { allow: "subscribe" });
    server.topic("write", { allow: "publish" });
    for (const [name, publish, subscribe] of [
      ["unheard of", "CHANNEL_UNKNOWN", "CHANNEL_UNKNOWN"],
      ["none", "CHANNEL_REFUSED", "CHANNEL_REFUSED"],
      ["read", "CHANNEL_REFUSED", undefined],
      ["write", undefined, "CHANNEL_REFUSED"],
    ] as const) {
      const topic = far.topic<number>(name);
      const subscription = topic.subscribe();
      if (publish === undefined) await topic.publish(1);
      else expect(await errorOf(topic.publish(1))).toMatchObject({ code: publish, outcome: "not-sent" });
      if (subscribe === undefined) expect(await isPending(world(), subscription())).toBe(true);
      else expect(await codeOf(subscription())).toBe(subscribe);
    }
    const { far: other } = await world().dial(server);
    other.topic("x".repeat(300)).subscribe();
    expect(await codeOf(other.topic("x".repeat(300)).subscribe()())).toBe("CHANNEL_UNKNOWN");
    expect(await codeOf(other.topic("x".repeat(300)).publish(1))).toBe("CHANNEL_UNKNOWN");
  });

  it("asks authorize, which wins, for each use", async () => {
    const asked: string[] = [];
    const server = await world().listen({
      authorize: async (_peer, name, end) => {
        asked.push(`${end} ${name}`);
        return end === "subscribe";
      },
    });
    const news = server.topic<number>("news", { allow: "publish" });
    const { far } = await world().dial(server);
    const there = far.topic<number>("news").subscribe();
    expect(await codeOf(far.topic<number>("news").publish(1))).toBe("CHANNEL_REFUSED");
    await world().settle();
    await news.publish(2);
    expect(await take(there)).toBe(2);
    expect(asked.sort()).toEqual(["publish news", "subscribe news"]);
  });

  it("has missed nothing for a subscription that is allowed late", async () => {
    let allow = (_yes: boolean): void => undefined;
    const server = await world().listen({
      authorize: () =>
        new Promise<boolean>((resolve) => {
          allow = resolve;
        }),
    });
    const { far } = await world().dial(server);
    const news = server.topic<number>("news", open);
    const there = far.topic<number>("news").subscribe();
    await world().settle();
    for (const value of range(10)) await news.publish(value);
    const first = there();
    expect(await isPending(world(), first)).toBe(true);
    allow(true);
    expect(await first).toMatchObject({ value: 0 });
    for (const value of range(10).slice(1)) expect(await take(there)).toBe(value);
    expect(there.missed).toBe(0);
  });

  it("has the same order for everybody, whoever publishes", async () => {
    const { server, far } = await world().pair();
    const { far: second } = await world().dial(server);
    const topics = [server.topic<string>("news", open), far.topic<string>("news"), second.topic<string>("news")];
    const subscriptions = topics.map(({ subscribe }) => subscribe({ capacity: 1_000 }));
    await world().settle();
    await Promise.all(topics.flatMap(({ publish }, by) => range(100).map((n) => publish(`${by}: ${n}`))));
    const [here = [], ...there] = await Promise.all(subscriptions.map(async (one) => await Promise.all(range(300).map(() => take(one)))));
    for (const received of there) expect(received).toEqual(here);
    for (const by of topics.keys())
      expect(here.filter((value) => value.startsWith(`${by}:`))).toEqual(range(100).map((n) => `${by}: ${n}`));
  });

  it("encodes a value once, however many subscribe", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<{ readonly text: string }>("news", open);
    let looks = 0;
    const looked = async (): Promise<number> => {
      looks = 0;
      await news.publish({
        get text() {
          looks++;
          return "looked at";
        },
      });
      await world().settle();
      return looks;
    };
    const one = far.topic<{ readonly text: string }>("news").subscribe();
    await world().settle();
    const once = await looked();
    expect(once).toBeGreaterThan(0);
    const more = range(5).map(() => far.topic<{ readonly text: string }>("news").subscribe());
    await world().settle();
    expect(await looked()).toBe(once);
    for (const subscription of [one, one, ...more]) expect(await take(subscription)).toEqual({ text: "looked at" });
  });

  it("is something else than a channel of that name", async () => {
    const { server, far } = await world().pair();
    const channel = server.channel<string>("x", { allow: "both", capacity: 1 });
    const topic = server.topic<string>("x", open);
    const subscription = far.topic<string>("x").subscribe();
    await far.channel<string>("x").send("over the channel");
    await topic.publish("over the topic");
    expect(await take(subscription)).toBe("over the topic");
    expect(await take(channel.receive)).toBe("over the channel");
  });

  it("checks what peers publish by its schema", async () => {
    const { server, far } = await world().pair();
    const prices = server.topic("prices", {
      allow: "both",
      schema: z.object({
        cents: z
          .number()
          .int()
          .transform((n) => n + 1),
      }),
    });
    const here = prices.subscribe();
    const there = far.topic<{ cents: number }>("prices").subscribe();
    await far.topic<unknown>("prices").publish({ cents: 1 });
    expect(await errorOf(far.topic<unknown>("prices").publish({ cents: "1" }))).toMatchObject({
      code: "VALUE_REFUSED",
      outcome: "not-sent",
    });
    expect(await take(here)).toEqual({ cents: 2 });
    expect(await take(there)).toEqual({ cents: 2 });
  });

  it("refuses what cannot be sent to all, before anybody has it", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<unknown>("news", open);
    const here = news.subscribe();
    far.topic("news").subscribe();
    await world().settle();
    expect(await errorOf(news.publish(() => 1))).toMatchObject({ code: "ENCODE_FAILED" });
    const throwing = {
      get text(): string {
        throw new TypeError("not today");
      },
    };
    expect(await errorOf(news.publish(throwing))).toMatchObject({ code: "ENCODE_FAILED" });
    await news.publish("sound");
    expect(await take(here)).toBe("sound");
  });

  it("counts as missed what a subscriber does not accept", async () => {
    const server = await world().listen();
    const { far } = await world().dial(server, { limits: { maxValueBytes: 2_000 } });
    const news = server.topic<string>("news", open);
    const [here, there] = [news.subscribe(), far.topic<string>("news").subscribe()];
    await world().settle();
    for (const value of ["small", "x".repeat(5_000), "again"]) await news.publish(value);
    expect([(await take(here)).length, (await take(here)).length, (await take(here)).length]).toEqual([5, 5_000, 5]);
    expect([await take(there), await take(there), there.missed]).toEqual(["small", "again", 1]);
  });

  it("takes channel ends along, to everybody", async () => {
    const { server, near, far } = await world().pair();
    const { far: second } = await world().dial(server);
    const news = server.topic<Channel<string>["send"]>("replies", open);
    const [here, one, two] = [
      news.subscribe(),
      far.topic<Channel<string>["send"]>("replies").subscribe(),
      second.topic<Channel<string>["send"]>("replies").subscribe(),
    ];
    await world().settle();
    const { send, receive } = chan<string>(8);
    await news.publish(send);
    for (const subscription of [here, one, two]) await (await take(subscription))("from somebody");
    for (const _ of range(3)) expect(await take(receive)).toBe("from somebody");
    // And those of a peer.
    const theirs = chan<string>(8);
    await far.topic<Channel<string>["send"]>("replies").publish(theirs.send);
    for (const subscription of [here, one, two]) await (await take(subscription))("again");
    for (const _ of range(3)) expect(await take(theirs.receive)).toBe("again");
    expect(near.status.state).toBe("connected");
  });

  it("lets go of channel ends with the last who has the value, taken or dropped", async () => {
    type Reply = Channel<string>["send"];
    const { server, far } = await world().pair();
    const { far: second } = await world().dial(server);
    const news = server.topic<Reply>("replies", open);
    for (const publish of [news.publish, second.topic<Reply>("replies").publish]) {
      const [here, there, idle] = [
        news.subscribe(),
        far.topic<Reply>("replies").subscribe(),
        far.topic<Reply>("replies").subscribe({ capacity: 1 }),
      ];
      const dropped = news.subscribe({ capacity: 1 });
      await world().settle();
      const replies = range(4).map(() => chan<string>());
      for (const { send } of replies) {
        await publish(send);
        send[Symbol.dispose]();
      }
      for (const _ of replies)
        for (const subscription of [here, there]) {
          const reply = await take(subscription);
          await world().settle();
          reply[Symbol.dispose]();
        }
      await world().settle();
      expect(replies[3] !== undefined && (await isPending(world(), replies[3].receive()))).toBe(true); // two buffers still have it
      for (const subscription of [here, there, idle, dropped]) subscription.close();
      for (const { receive } of replies) expect((await receive()).done).toBe(true);
    }
  });

  it("gives ends that can be passed on, and that outlive whoever did", async () => {
    type Reply = Channel<string>["send"];
    const { server, far } = await world().pair();
    const { near: toSecond, far: second } = await world().dial(server);
    const here = server.topic<Reply>("replies", open).subscribe();
    const { send, receive } = chan<string>();
    await far.topic<Reply>("replies").publish(send);
    const reply = await take(here);
    (toSecond.send as Channel<Reply>["send"])(reply);
    const passed = (await take(second.receive)) as Reply;
    reply[Symbol.dispose]();
    await world().settle();
    const sent = passed("still reaches its home");
    expect(await take(receive)).toBe("still reaches its home");
    await sent;
  });

  it("brings an end home to its process, as itself, and takes it from nobody", async () => {
    type Reply = Channel<string>["send"];
    const { server, near, far } = await world().pair<Reply>();
    const here = server.topic<Reply>("replies", open).subscribe();
    const { send, receive } = chan<string>();
    near.send(send);
    const lent = await take(far.receive);
    await far.topic<Reply>("replies").publish(lent);
    expect(await take(here)).toBe(send);
    send[Symbol.dispose]();
    await world().settle();
    const sent = lent("from the one who still holds it");
    expect(await take(receive)).toBe("from the one who still holds it");
    await sent;
  });

  it("is a channel like any other to a select, a loop, and a value that holds its end", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const subscription = far.topic<number>("news").subscribe();
    await world().settle();
    news.publish(1);
    expect(await select({ news: subscription, never: chan<number>().receive })).toMatchObject({ case: "news", value: 1 });
    news.publish(2);
    for await (const value of subscription) {
      expect(value).toBe(2);
      break;
    }
    far.send(subscription);
    const back = (await take(server.receive)) as ReceiveChannel<number>;
    news.publish(3);
    expect(await take(back)).toBe(3);
  });

  it("takes wrong arguments at once", async () => {
    const { server, far } = await world().pair();
    const news = server.topic("news", open);
    for (const wrong of [{ allow: "send" }, { whenFull: "drop-newest" }, { schema: 1 }, 5])
      expect(await thrownBy(() => server.topic("x", wrong as never))).toBeInstanceOf(TypeError);
    expect(await thrownBy(() => server.topic("news", { allow: "publish" }))).toBeInstanceOf(TypeError);
    expect(await thrownBy(() => server.topic(""))).toBeInstanceOf(RangeError);
    expect(await thrownBy(() => far.topic(7 as never))).toBeInstanceOf(TypeError);
    for (const topic of [news, far.topic("news")]) {
      expect(await thrownBy(() => topic.subscribe({ capacity: 0 }))).toBeInstanceOf(RangeError);
      expect(await thrownBy(() => topic.subscribe({ capacity: -1 }))).toBeInstanceOf(RangeError);
      expect(await thrownBy(() => topic.subscribe(5 as never))).toBeInstanceOf(TypeError);
    }
  });

  it("ends with its listener, and a subscription with its session", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const [here, there] = [news.subscribe(), far.topic<number>("news").subscribe()];
    const { far: leaver } = await world().dial(server);
    const left = leaver.topic<number>("news").subscribe();
    await world().settle();
    await leaver.close();
    expect(await codeOf(left())).toBe("SESSION_CLOSED");
    await news.publish(1);
    await server.close();
    expect(await all(here)).toEqual([1]);
    expect(await all(there)).toEqual([1]);
    expect(await all(server.topic<number>("news", open).subscribe())).toEqual([]);
  });
});

describe("a topic over links that fail", () => {
  noUnhandledRejections();
  let network = memoryNetwork();
  const world = useWorld(() => {
    network = memoryNetwork({ seed: 3 });
    return inMemory(network);
  });

  it("loses nothing that a subscription has room for, and counts the rest", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<number>("news", open);
    const [roomy, narrow] = [far.topic<number>("news").subscribe({ capacity: 100 }), far.topic<number>("news").subscribe({ capacity: 10 })];
    await network.settle();
    for (const value of range(20)) await news.publish(value);
    network.cut();
    for (const value of range(60)) await news.publish(20 + value);
    network.heal();
    await network.advance(10_000);
    news.publish.close();
    await network.settle();
    expect(await rest(roomy)).toEqual({ got: range(80), missed: 0 });
    expect(await rest(narrow)).toEqual({ got: range(80).slice(70), missed: 70 });
  });

  it("holds nobody up for a peer that is gone", async () => {
    const { server, far } = await world().pair({ resumeWindowMs: 1_000 });
    const patient = server.topic<number>("patient", { allow: "both", whenFull: "wait" });
    const there = far.topic<number>("patient").subscribe({ capacity: 1, whenFull: "wait" });
    await network.settle();
    await patient.publish(1);
    network.cut();
    const waiting = patient.publish(2);
    expect(await isPending(world(), waiting)).toBe(true);
    await network.advance(5_000);
    await waiting;
    expect(await take(there)).toBe(1);
    expect(await codeOf(there())).toBe("SESSION_LOST");
    expect(await codeOf(far.topic("patient").subscribe()())).toBe("SESSION_LOST");
  });

  it("asks again, and ends what may not go on", async () => {
    let allowed = true;
    const server = await world().listen({ authorize: () => allowed });
    const { far, near } = await world().dial(server);
    const patient = server.topic<number>("patient", { whenFull: "wait" });
    const there = far.topic<number>("patient").subscribe({ capacity: 1, whenFull: "wait" });
    await network.settle();
    await patient.publish(1);
    const waiting = patient.publish(2);
    allowed = false;
    network.cut();
    network.heal();
    await network.advance(1_000);
    await waiting;
    expect(await take(there)).toBe(1);
    expect(await codeOf(there())).toBe("CHANNEL_REFUSED");
    expect(near.stats().holds).toEqual([]);
  });

  it("keeps the channel ends of values for a peer that is away", async () => {
    const { server, far } = await world().pair();
    const news = server.topic<Channel<string>["send"]>("replies", open);
    const there = far.topic<Channel<string>["send"]>("replies").subscribe();
    await network.settle();
    network.cut();
    const { send, receive } = chan<string>(1);
    await news.publish(send);
    send[Symbol.dispose]();
    network.heal();
    await network.advance(10_000);
    await (await take(there))("still open");
    expect(await take(receive)).toBe("still open");
  });

  it("waits no longer for a peer that may not subscribe any more, whatever that one does", async () => {
    network = memoryNetwork({ seed: 3, delayMs: [100, 100] });
    let asked = 0;
    const server = network.listen({ authorize: () => ++asked < 2 });
    const dialing = dial(network.address(server.accept));
    await network.advance(1_000);
    const patient = server.topic<number>("patient", { whenFull: "wait" });
    (await dialing).topic<number>("patient").subscribe({ capacity: 1, whenFull: "wait" });
    await network.advance(1_000);
    const publishing = [patient.publish(1), patient.publish(2)];
    await network.advance(1_000);
    network.cut();
    network.heal();
    while (asked < 2) await network.advance(1);
    let settled = 0;
    for (const one of publishing) void one.then(() => settled++);
    await network.advance(1);
    expect(settled).toBe(2);
    (await dialing).abort();
  });

  it("keeps no more bytes for a slow peer than its window", async () => {
    const { server, far } = await world().pair({ limits: { maxQueuedBytes: 10_000 } });
    const news = server.topic<string>("news", open);
    const there = far.topic<string>("news").subscribe({ capacity: 1_000 });
    await network.settle();
    network.cut();
    for (const value of range(100)) await news.publish(String(value).padStart(1_000, "."));
    network.heal();
    await network.advance(10_000);
    news.publish.close();
    await network.settle();
    const { got, missed } = await rest(there);
    expect(got.length).toBeGreaterThan(5);
    expect(got.length).toBeLessThan(11);
    expect(got.at(-1)).toMatch(/99$/);
    expect(got.length + missed).toBe(100);
  });
});
