/** The library itself, between a page and this process. To wait for "nothing happens" the tests ping: a ping travels behind all that was sent before. */
import { after, chan, type ReceiveChannel, type SendChannel, select } from "netchan";
import { expect, test } from "./support/library.js";

interface Ends {
  readonly send: SendChannel<string>;
  readonly receive: ReceiveChannel<string>;
}

test("a page gets everything but listen", async ({ page, connect }) => {
  await connect();
  expect(await page.evaluate(() => Object.keys(window.netchan).sort())).toEqual(
    expect.arrayContaining(["NetchanError", "after", "ask", "chan", "dial", "merge", "pipe", "select", "sessions", "tick", "trySelect"]),
  );
  expect(await page.evaluate(() => "listen" in window.netchan)).toBe(false);
});

test("a page's send on capacity 0 settles when the application in Node has the value", async ({ connect }) => {
  const { listener, inPage } = await connect<string, string>();
  const sent = await inPage.evaluateHandle((peer) => {
    const state = { settled: false };
    void peer.send("hello").then(() => {
      state.settled = true;
    });
    return state;
  });
  await inPage.evaluate((peer) => peer.ping());
  await inPage.evaluate((peer) => peer.ping());
  expect(await sent.evaluate((state) => state.settled)).toBe(false);

  expect(await listener.receive()).toMatchObject({ done: false, value: "hello" });
  await expect.poll(() => sent.evaluate((state) => state.settled)).toBe(true);
});

test("Node's send on capacity 0 settles when the page has the value", async ({ connect }) => {
  const { inPage, inNode } = await connect<string, string>();
  let settled = false;
  const sent = inNode.send("hello").then(() => {
    settled = true;
  });
  await inNode.ping();
  await inPage.evaluate((peer) => peer.ping());
  expect(settled).toBe(false);

  expect(await inPage.evaluate(async (peer) => (await peer.receive()).value)).toBe("hello");
  await sent;
});

test("ends of a channel in Node work in the page, and come home as themselves", async ({ connect }) => {
  const { inPage, inNode } = await connect<Ends, Ends>();
  const { send, receive } = chan<string>();
  void inNode.send({ send, receive });
  const inThePage = await inPage.evaluateHandle(async (peer) => {
    const { value } = await peer.receive();
    if (value === undefined) throw new Error("The channel was closed");
    return value;
  });

  const [, atHome] = await Promise.all([inThePage.evaluate((ends) => ends.send("from the page")), receive()]);
  expect(atHome.value).toBe("from the page");
  const [, inPageToo] = await Promise.all([send("from Node"), inThePage.evaluate(async (ends) => (await ends.receive()).value)]);
  expect(inPageToo).toBe("from Node");

  void inPage.evaluate((peer, ends) => peer.send(ends), inThePage);
  const { value: home } = await inNode.receive();
  expect(home?.send).toBe(send);
  expect(home?.receive).toBe(receive);
});

test("ends of a channel in the page work in Node, and come home as themselves", async ({ page, connect }) => {
  const { inPage, inNode } = await connect<Ends, Ends>();
  const own = await page.evaluateHandle(() => window.netchan.chan<string>());
  void inPage.evaluate((peer, { send, receive }) => peer.send({ send, receive }), own);
  const { value: ends } = await inNode.receive();
  if (ends === undefined) throw new Error("The channel was closed");

  const [, atHome] = await Promise.all([ends.send("from Node"), own.evaluate(async ({ receive }) => (await receive()).value)]);
  expect(atHome).toBe("from Node");
  const [, inNodeToo] = await Promise.all([own.evaluate(({ send }) => send("from the page")), ends.receive()]);
  expect(inNodeToo.value).toBe("from the page");

  void inNode.send(ends);
  const same = await inPage.evaluate(async (peer, { send, receive }) => {
    const { value } = await peer.receive();
    return [value?.send === send, value?.receive === receive];
  }, own);
  expect(same).toEqual([true, true]);
});

test("rich values arrive as what they were, both ways", async ({ connect }) => {
  const { inPage, inNode } = await connect<unknown, unknown>();
  const value = {
    date: new Date(86_400_000),
    map: new Map<unknown, unknown>([["a", new Set([1, 2])]]),
    set: new Set(["x", "y"]),
    big: 123456789012345678901234567890n,
    bytes: Uint8Array.of(0, 127, 255),
    nothing: undefined,
    minusZero: -0,
    list: [Number.NaN, null, undefined],
  };
  void inNode.send(value);
  const wrong = await inPage.evaluate(async (peer) => {
    const { value: got } = (await peer.receive()) as { value: typeof value };
    const checks = {
      date: got.date instanceof Date && got.date.getTime() === 86_400_000,
      map: got.map instanceof Map && got.map.get("a") instanceof Set && (got.map.get("a") as Set<number>).has(2),
      set: got.set instanceof Set && [...got.set].join() === "x,y",
      big: got.big === 123456789012345678901234567890n,
      bytes: got.bytes instanceof Uint8Array && got.bytes.join() === "0,127,255",
      nothing: "nothing" in got && got.nothing === undefined,
      minusZero: Object.is(got.minusZero, -0),
      list: got.list.length === 3 && Number.isNaN(got.list[0]) && got.list[1] === null && got.list[2] === undefined,
    };
    void peer.send(got);
    return Object.entries(checks).filter(([, right]) => !right);
  });
  expect(wrong).toEqual([]);

  const back = await inNode.receive();
  expect(back.value).toStrictEqual(value);
});

test("a select over the network runs into its timeout and leaves no trace", async ({ connect }) => {
  const { inPage, inNode } = await connect<string, string>();
  const first = await inPage.evaluate(
    async ({ receive }) => (await window.netchan.select({ receive, timeout: window.netchan.after(20) })).case,
  );
  expect(first).toBe("timeout");
  // Had the first select left a receive behind, it would swallow this.
  void inNode.send("late");
  const second = await inPage.evaluate(async ({ receive }) => {
    const selected = await window.netchan.select({ receive, timeout: window.netchan.after(60_000) });
    return [selected.case, selected.value];
  });
  expect(second).toEqual(["receive", "late"]);

  expect((await select({ value: inNode.receive, timeout: after(20) })).case).toBe("timeout");
  const [, selected] = await Promise.all([
    inPage.evaluate((peer) => peer.send("at last")),
    select({ value: inNode.receive, timeout: after(60_000) }),
  ]);
  expect(selected).toMatchObject({ case: "value", value: "at last" });
});

const count = 10_000;
const inOrder = Array.from({ length: count }, (_, index) => index);

test("10,000 values pass from a page through a channel of capacity 100 in order", async ({ connect }) => {
  const { inPage, inNode } = await connect<number, number>({ capacity: 100 });
  const sent = inPage.evaluate(async ({ send }, count) => {
    for (let value = 0; value < count; value++) await send(value);
    send.close();
  }, count);
  const values: number[] = [];
  for await (const value of inNode.receive) values.push(value);
  await sent;
  expect(values).toEqual(inOrder);
});

test("10,000 values pass to a page through a channel of capacity 100 in order", async ({ connect }) => {
  const { inPage, inNode } = await connect<number, number>({ capacity: 100 });
  const received = inPage.evaluate(async ({ receive }) => {
    const values: number[] = [];
    for await (const value of receive) values.push(value);
    return values;
  });
  for (let value = 0; value < count; value++) await inNode.send(value);
  inNode.send.close();
  expect(await received).toEqual(inOrder);
});

test("Node hears that the page is gone", async ({ page, connect }) => {
  const { inNode, listener } = await connect<string, string>({ resumeWindowMs: 100 });
  const unanswered = inNode.receive();
  await page.goto("about:blank");
  expect((await inNode.ended).reason).toBe("lost");
  await expect(unanswered).rejects.toMatchObject({ code: "SESSION_LOST" });
  expect(listener.connected.size).toBe(0);
});
