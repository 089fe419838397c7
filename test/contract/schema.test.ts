/** Schemas on the default pair and on named channels: what peers send is checked before it is queued. PROTOCOL.md "Named channels". */
import { ask, chan, isSend, type ReceiveChannel, type SendChannel, type StandardSchema, select, trySelect } from "netchan";
import * as v from "valibot";
import { expect, it } from "vitest";
import { z } from "zod";
import { codeOf, errorOf, isPending, overBoth, range, take } from "./support.js";

const order = {
  zod: z.object({ id: z.number().int(), note: z.string().optional() }),
  valibot: v.object({ id: v.pipe(v.number(), v.integer()), note: v.optional(v.string()) }),
};

/** A schema made of one function. */
function schemaOf<T>(validate: StandardSchema<T>["~standard"]["validate"]): StandardSchema<T> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}
/** Checks as the inner one does, `turns` turns of the event loop later: the earlier a value came, the longer it takes. */
function slow(most: number): StandardSchema<number> {
  let left = most;
  return schemaOf(async (value) => {
    for (let turns = left--; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    return typeof value === "number" ? { value } : { issues: [{ message: "not a number" }] };
  });
}

for (const [name, schema] of Object.entries(order) as [string, StandardSchema<{ id: number; note?: string }>][])
  overBoth(`a schema of ${name}`, (world) => {
    it("on the default pair refuses to its sender what does not pass, and lets the rest through", async () => {
      const { near, far } = await world().pair<unknown, unknown>({ schema });
      const sent = far.send({ id: 1, note: "a", more: true });
      expect(await take(near.receive)).toMatchObject({ id: 1, note: "a" });
      await sent;
      const error = await errorOf(far.send({ id: "one" }));
      expect(error).toMatchObject({ code: "VALUE_REFUSED", outcome: "not-sent", scope: "value" });
      expect(error.message).toMatch(/schema/);
      far.send({ id: 2 });
      expect(await take(near.receive)).toEqual({ id: 2 });
    });

    it("on a named channel does so for every way to send", async () => {
      const { server, far } = await world().pair();
      const here = server.channel<{ id: number }>("orders", { allow: "send", capacity: 4, schema });
      const { send } = far.channel<unknown>("orders");
      expect(await codeOf(send("x"))).toBe("VALUE_REFUSED");
      expect(await codeOf(send("x".repeat(100_000)))).toBe("VALUE_REFUSED"); // announced and fetched
      expect(await codeOf(select({ a: [send, "x"] }))).toBe("VALUE_REFUSED");
      expect(await codeOf(trySelect({ a: [send, "x"] }))).toBe("VALUE_REFUSED");
      const other = chan<number>();
      expect(await codeOf(select({ a: [send, "x"], b: other.receive }))).toBe("VALUE_REFUSED"); // told case by case
      await send({ id: 1 });
      await send({ id: 2, note: "x".repeat(100_000) });
      await select({ a: [send, { id: 3 }] });
      expect(await trySelect({ a: [send, { id: 4 }] })).toEqual({ case: "a" });
      const last = select({ a: [send, { id: 5 }], b: other.receive });
      for (const id of range(5)) expect(await take(here.receive)).toMatchObject({ id: id + 1 });
      expect(await last).toEqual({ case: "a" });
    });

    it("does not concern what this process sends itself", async () => {
      const { server, near, far } = await world().pair<unknown, unknown>({ schema });
      near.send("as it is");
      expect(await take(far.receive)).toBe("as it is");
      const here = server.channel<unknown>("x", { allow: "receive", capacity: 1, schema });
      here.send("anything");
      expect(await take(far.channel("x").receive)).toBe("anything");
    });
  });

overBoth("what a schema makes of a value", (world) => {
  const upper = z.object({ text: z.string().transform((text) => text.toUpperCase()), n: z.coerce.number().default(7) });

  it("is what arrives: here, at another peer, and when it goes on", async () => {
    const server = await world().listen();
    const here = server.channel<{ text: string; n: number }>("x", { allow: "both", schema: upper as never });
    const [one, two] = [await world().dial(server), await world().dial(server)];
    one.far.channel<unknown>("x").send({ text: "abc" });
    expect(await take(here.receive)).toEqual({ text: "ABC", n: 7 });
    one.far.channel<unknown>("x").send({ text: "def", n: "3" });
    expect(await take(two.far.channel("x").receive)).toEqual({ text: "DEF", n: 3 });
  });

  it("may hold channel ends, which work", async () => {
    const question = schemaOf<{ q: string; reply: SendChannel<string> }>((value) => {
      const { q, reply } = value as { q: unknown; reply: unknown };
      return typeof q === "string" && isSend(reply)
        ? { value: { q: q.trim(), reply: reply as SendChannel<string> } }
        : { issues: [{ message: "not a question" }] };
    });
    const { near, far } = await world().pair<never, { q: string; reply: SendChannel<string> }>({ schema: question as never });
    const answered = ask(far.send as never as SendChannel<{ q: string; reply: SendChannel<string> }>, (reply) => ({ q: " hi ", reply }));
    const { q, reply } = await take(near.receive as unknown as ReceiveChannel<{ q: string; reply: SendChannel<string> }>);
    await reply(`${q}!`);
    expect(await answered).toBe("hi!");
    // The ends in what is refused are let go of.
    const replies = chan<string>();
    expect(await codeOf((far.send as SendChannel<unknown>)({ q: 5, reply: replies.send }))).toBe("VALUE_REFUSED");
    await world().settle();
    expect(far.stats().holds).toEqual([]);
    expect(near.stats().holds).toEqual([]);
  });
});

overBoth("a schema that takes its time", (world) => {
  it("keeps the order of what is sent", async () => {
    const { server, near, far } = await world().pair<number>({ schema: slow(20) });
    for (const value of range(20)) far.send(value);
    for (const value of range(20)) expect(await take(near.receive)).toBe(value);
    const here = server.channel<number>("x", { allow: "send", schema: slow(20) });
    for (const value of range(10)) far.channel<number>("x").send(value); // by ten ends of one sender
    const chosen = select({ a: [far.channel<number>("x").send, 10] });
    const { send } = far.channel<number>("x");
    send(11);
    const big = "x".repeat(100_000);
    const refused = (send as SendChannel<unknown>)(big);
    send(12);
    for (const value of range(13)) expect(await take(here.receive)).toBe(value);
    await chosen;
    expect(await codeOf(refused)).toBe("VALUE_REFUSED");
  });

  it("lets senders take back what it has not decided", async () => {
    let decide: (() => void)[] = [];
    const schema = schemaOf<number>((value) => new Promise((resolve) => decide.push(() => resolve({ value: value as number }))));
    const { near, far } = await world().pair<number>({ schema });
    const stop = new AbortController();
    const [first, second, third] = [far.send(1), far.send(2, { signal: stop.signal }), far.send(3)];
    await world().settle();
    stop.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    const received = [near.receive(), near.receive()];
    for (const _ of range(5)) {
      await world().settle();
      for (const one of decide.splice(0)) one();
    }
    expect((await Promise.all(received)).map(({ value }) => value)).toEqual([1, 3]);
    await Promise.all([first, third]);
    // It never answers: whoever waits for it hears of the end of the session.
    const waiting = far.send(4);
    expect(await isPending(world(), waiting)).toBe(true);
    decide = [];
    far.abort();
    expect(await codeOf(waiting)).toBe("SESSION_CLOSED");
  });

  it("or throws, or makes nothing of it, is a refusal that says nothing of why", async () => {
    const seen: unknown[] = [];
    const schema = schemaOf<number>((value) => {
      seen.push(value);
      if (value === 0) throw new Error("the database is down");
      if (value === 1) return Promise.reject(new Error("the database is down"));
      return (value === 2 ? null : Promise.resolve(undefined)) as never;
    });
    const { far } = await world().pair<number>({ schema });
    for (const value of range(4)) {
      const error = await errorOf(far.send(value));
      expect(error.code, String(value)).toBe("VALUE_REFUSED");
      expect(error.message).not.toContain("database");
    }
    expect(seen).toEqual([0, 1, 2, 3]);
  });
});
