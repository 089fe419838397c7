/** Many addresses, one of which is enough. */
import { describe, expect, it } from "vitest";
import type { Link } from "../../src/contract.js";
import { NetchanError } from "../../src/errors.js";
import { type Door, knock, race } from "../../src/race.js";
import { VirtualTime } from "../../src/transports/memory.js";
import { microtasks, passTime } from "./session/support.js";

function racing(count: number, signal?: AbortSignal) {
  const time = new VirtualTime(1);
  const doors = Array.from(
    { length: count },
    (): Door => ({ open: () => Promise.reject(new Error("never opened")), host: time.host, authority: "" }),
  );
  const entries: { readonly door: number; readonly signal: AbortSignal; resolve(won: string): void; reject(error: unknown): void }[] = [];
  const left: string[] = [];
  const won = race<string>(
    doors,
    (door, given) => new Promise((resolve, reject) => entries.push({ door: doors.indexOf(door), signal: given, resolve, reject })),
    (late) => left.push(late),
    signal,
  );
  won.catch(() => undefined);
  const pass = async (ms: number): Promise<void> => {
    await microtasks();
    passTime(time, ms);
    await microtasks();
  };
  return { time, entries, left, won, pass, tried: () => entries.map(({ door }) => door) };
}

describe("a race", () => {
  it("gives each address 250 ms for itself", async () => {
    const { pass, tried } = racing(3);
    await pass(249);
    expect(tried()).toEqual([0]);
    await pass(1);
    expect(tried()).toEqual([0, 1]);
    await pass(250);
    expect(tried()).toEqual([0, 1, 2]);
  });

  it("goes on at once when one fails", async () => {
    const { pass, tried, entries } = racing(3);
    entries[0]?.reject(new Error("no"));
    await pass(0);
    expect(tried()).toEqual([0, 1]);
    await pass(249);
    expect(tried()).toEqual([0, 1]);
  });

  it("is won by the first that is entered: the others are given up, and leave what they won too late", async () => {
    const { time, pass, entries, left, won } = racing(3);
    await pass(250);
    entries[1]?.resolve("second");
    await expect(won).resolves.toBe("second");
    expect(entries.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    entries[0]?.resolve("first");
    await pass(1_000);
    expect(left).toEqual(["first"]);
    expect(entries).toHaveLength(2);
    expect(time.nextAt).toBeUndefined();
  });

  it("is lost when all have failed, with the one error or all of them", async () => {
    const alone = racing(1);
    const refusal = new NetchanError("SESSION_REFUSED", "no");
    alone.entries[0]?.reject(refusal);
    await expect(alone.won).rejects.toBe(refusal);
    const other = racing(1);
    other.entries[0]?.reject(new Error("no"));
    await expect(other.won).rejects.toMatchObject({ code: "DIAL_FAILED", cause: { message: "no" } });
    const many = racing(2);
    many.entries[0]?.reject(new Error("one"));
    await many.pass(0);
    many.entries[1]?.reject(new Error("two"));
    await expect(many.won).rejects.toMatchObject({ code: "DIAL_FAILED", cause: { errors: [{ message: "one" }, { message: "two" }] } });
    expect(many.time.nextAt).toBeUndefined();
  });

  it("ends with its signal, and gives everybody up", async () => {
    const stop = new AbortController();
    const { time, pass, entries, left, won } = racing(2, stop.signal);
    await pass(250);
    stop.abort("enough");
    await expect(won).rejects.toBe("enough");
    expect(entries.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    entries[0]?.resolve("late");
    await pass(1_000);
    expect(left).toEqual(["late"]);
    expect(time.nextAt).toBeUndefined();
    const before = racing(1, AbortSignal.abort("before"));
    await expect(before.won).rejects.toBe("before");
    expect(before.entries).toEqual([]);
  });
});

describe("a knock", () => {
  function door() {
    const time = new VirtualTime(1);
    const closed: (string | undefined)[] = [];
    const opened: object[] = [];
    const link: Link = {
      transport: "scripted",
      send: () => undefined,
      received: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) },
      close: (reason) => {
        closed.push(reason);
      },
    };
    let bring: (link: Link) => void = () => undefined;
    const opening = new Promise<Link>((resolve) => {
      bring = resolve;
    });
    const one: Door = {
      authority: "",
      open: (options) => {
        opened.push(options);
        return opening;
      },
      host: time.host,
    };
    return { time, door: one, link, closed, opened, bring: () => bring(link) };
  }

  it("gives what was talked about, and keeps the link", async () => {
    const { door: one, closed, opened, bring, time } = door();
    bring();
    await expect(knock(one, "listener", new AbortController().signal, async () => "words")).resolves.toBe("words");
    expect(closed).toEqual([]);
    expect(opened).toMatchObject([{ listener: "listener" }]);
    expect(time.nextAt).toBeUndefined();
  });

  it("closes a link that came to nothing", async () => {
    const { door: one, closed, bring } = door();
    bring();
    await expect(knock(one, undefined, new AbortController().signal, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(closed).toHaveLength(1);
  });

  it("that is aborted while it talks closes the link and says why", async () => {
    const { door: one, closed, bring } = door();
    bring();
    const stop = new AbortController();
    let talk: () => void = () => undefined;
    const talking = knock(one, undefined, stop.signal, () => new Promise<void>((resolve) => (talk = resolve)));
    talking.catch(() => undefined);
    await microtasks();
    stop.abort("enough");
    expect(closed).toHaveLength(1);
    talk();
    await expect(talking).rejects.toBe("enough");
  });

  it("that is aborted before there is a link closes the one that comes", async () => {
    const { door: one, closed, bring, time } = door();
    const stop = new AbortController();
    const talking = knock(one, undefined, stop.signal, async () => "never");
    talking.catch(() => undefined);
    stop.abort("enough");
    await expect(talking).rejects.toBe("enough");
    bring();
    await microtasks();
    expect(closed).toHaveLength(1);
    expect(time.nextAt).toBeUndefined();
  });

  it("at an address that says neither yes nor no is given up after 10 s, and the link that comes is closed", async () => {
    const { door: one, closed, bring, time } = door();
    const talking = knock(one, undefined, new AbortController().signal, async () => "never");
    const failed = expect(talking).rejects.toMatchObject({ code: "DIAL_FAILED" });
    await microtasks();
    passTime(time, 10_000);
    await failed;
    bring();
    await microtasks();
    expect(closed).toHaveLength(1);
  });
});
