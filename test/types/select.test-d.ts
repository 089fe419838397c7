/** Results: `Received` narrowed by `done`, what `select` gives narrowed by `case`, and cases that are off. */
import {
  after,
  type Case,
  chan,
  type Peer,
  type ReceiveChannel,
  type Received,
  type Selected,
  type SendChannel,
  select,
  trySelect,
} from "netchan";
import { describe, expectTypeOf, it } from "vitest";

declare const numbers: ReceiveChannel<number>;
declare const words: ReceiveChannel<string>;
declare const say: SendChannel<string>;
declare const maybe: boolean;

describe("what is received", () => {
  it("is narrowed by done", async () => {
    const got = await numbers();
    expectTypeOf(got).toEqualTypeOf<Received<number>>();
    expectTypeOf(got.value).toEqualTypeOf<number | undefined>();
    if (got.done) expectTypeOf(got.value).toEqualTypeOf<undefined>();
    else {
      expectTypeOf(got.value).toEqualTypeOf<number>();
      expectTypeOf(got.from).toEqualTypeOf<Peer | undefined>();
    }
    // @ts-expect-error it may be done
    const value: number = got.value;
    // @ts-expect-error it is readonly
    got.done = true;
    void value;
  });
  it("is narrowed when destructured", async () => {
    const { done, value } = await numbers();
    if (!done) expectTypeOf(value).toEqualTypeOf<number>();
  });
  it("has the bare type in a loop", async () => {
    for await (const value of numbers) expectTypeOf(value).toEqualTypeOf<number>();
    for await (const value of words.values()) expectTypeOf(value).toEqualTypeOf<string>();
  });
  it("may hold ends, whose types are kept", async () => {
    const { receive } = chan<{ reply: SendChannel<Date>; feed: ReceiveChannel<1 | 2> }>();
    const got = await receive();
    if (got.done) return;
    expectTypeOf(got.value.reply).toEqualTypeOf<SendChannel<Date>>();
    expectTypeOf(await got.value.feed()).toEqualTypeOf<Received<1 | 2>>();
  });
});

describe("select", () => {
  it("is told apart by case", async () => {
    const got = await select({ number: numbers, word: words, told: [say, "x"], late: after(5) });
    expectTypeOf(got.case).toEqualTypeOf<"number" | "word" | "told" | "late">();
    if (got.case === "number" && !got.done) expectTypeOf(got.value).toEqualTypeOf<number>();
    if (got.case === "word") expectTypeOf(got.value).toEqualTypeOf<string | undefined>();
    if (got.case === "late" && !got.done) expectTypeOf(got.value).toEqualTypeOf<Date>();
    if (got.case === "told") {
      expectTypeOf(got).toEqualTypeOf<{ readonly case: "told" }>();
      // @ts-expect-error nothing is received by a send case
      got.value;
    }
    switch (got.case) {
      case "number":
      case "word":
      case "told":
      case "late":
        break;
      default:
        expectTypeOf(got).toBeNever();
    }
    // @ts-expect-error there is no such case
    if (got.case === "never") return;
  });
  it("checks the value of a send case", () => {
    // @ts-expect-error a number is no string
    void select({ told: [say, 1] });
    // @ts-expect-error nor is undefined
    void select({ told: [say, undefined] });
    // @ts-expect-error the value is missing
    void select({ told: [say] });
    // @ts-expect-error there is one value
    void select({ told: [say, "a", "b"] });
    // @ts-expect-error a number is no string, whether or not the case is on
    void select({ told: maybe && [say, 1] });
    // @ts-expect-error the same for trySelect
    void trySelect({ told: [say, 1] });
    void select({ told: maybe && [say, "a"], other: maybe ? numbers : null });
  });
  it("has no result for a case that is off", async () => {
    const got = await select({ a: undefined, b: null, c: false, d: numbers });
    expectTypeOf(got.case).toEqualTypeOf<"d">();
    const switched = await select({ a: maybe && numbers, b: maybe ? ([say, "x"] as const) : undefined });
    expectTypeOf(switched.case).toEqualTypeOf<"a" | "b">();
    if (switched.case === "a" && !switched.done) expectTypeOf(switched.value).toEqualTypeOf<number>();
    expectTypeOf(await select({})).toBeNever();
  });
  it("takes cases that were built beforehand", async () => {
    const cases = { a: numbers, b: [say, "x"] } as const satisfies Record<string, Case>;
    const got = await select(cases);
    expectTypeOf(got).toEqualTypeOf<Selected<typeof cases>>();
    const many: Record<string, ReceiveChannel<number>> = {};
    const one = await select(many);
    expectTypeOf(one.case).toEqualTypeOf<string>();
    if (!one.done) expectTypeOf(one.value).toEqualTypeOf<number>();
  });
  it("takes no array, no true and no options but a signal", () => {
    // @ts-expect-error true is no case
    void select({ a: true });
    // @ts-expect-error a function is no case
    void select({ a: () => 1 });
    // @ts-expect-error a timeout is a case: after(5)
    void select({ a: numbers }, { timeout: 5 });
    void select({ a: numbers }, { signal: AbortSignal.timeout(5) });
  });
  it("is undefined, for trySelect, when nothing was ready", async () => {
    const got = await trySelect({ a: numbers, b: [say, "x"] });
    expectTypeOf(got?.case).toEqualTypeOf<"a" | "b" | undefined>();
    // @ts-expect-error it may be undefined
    got.case;
    if (got?.case === "a" && !got.done) expectTypeOf(got.value).toEqualTypeOf<number>();
  });
});
