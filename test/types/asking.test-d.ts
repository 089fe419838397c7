/** `ask` finds the answer's type from the field that holds `reply`; `askMany` has it named. */
import { ask, askMany, type ReceiveChannel, type Reply, type SendChannel } from "netchan";
import { describe, expectTypeOf, it } from "vitest";

interface Price {
  readonly kind: "price";
  readonly item: string;
  readonly reply: SendChannel<number>;
}
interface Name {
  readonly kind: "name";
  readonly id: number;
  readonly reply: SendChannel<string>;
}
interface Feed {
  readonly kind: "feed";
  readonly answer: SendChannel<ReceiveChannel<Date>>;
}
declare const prices: SendChannel<Price>;
declare const service: SendChannel<Price | Name | Feed>;

describe("ask", () => {
  it("takes the answer's type from the field", () => {
    expectTypeOf(ask(prices, (reply) => ({ kind: "price", item: "tea", reply }))).toEqualTypeOf<Promise<number>>();
  });
  it("takes it from the kind of message that was built", () => {
    expectTypeOf(ask(service, (reply) => ({ kind: "price", item: "tea", reply }))).toEqualTypeOf<Promise<number>>();
    expectTypeOf(ask(service, (reply) => ({ kind: "name", id: 1, reply }))).toEqualTypeOf<Promise<string>>();
    expectTypeOf(ask(service, (answer) => ({ kind: "feed", answer }))).toEqualTypeOf<Promise<ReceiveChannel<Date>>>();
  });
  it("takes it from a message that is the reply end itself", () => {
    const ends = {} as SendChannel<SendChannel<Date>>;
    expectTypeOf(ask(ends, (reply) => reply)).toEqualTypeOf<Promise<Date>>();
  });
  it("takes it from explicit type arguments, wherever the end is", () => {
    interface Deep {
      readonly head: { readonly reply: SendChannel<boolean> };
      readonly body: string;
    }
    const deep = {} as SendChannel<Deep>;
    expectTypeOf(ask<Deep, boolean>(deep, (reply) => ({ head: { reply }, body: "x" }))).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(ask<Price, number>(prices, (reply) => ({ kind: "price", item: "tea", reply }))).toEqualTypeOf<Promise<number>>();
  });
  it("checks the question", () => {
    // @ts-expect-error the item is missing
    void ask(prices, (reply) => ({ kind: "price", reply }));
    // @ts-expect-error an item is a string
    void ask(prices, (reply) => ({ kind: "price", item: 1, reply }));
    // @ts-expect-error there is no such kind
    void ask(service, (reply) => ({ kind: "nothing", reply }));
    // @ts-expect-error a receive end cannot be asked
    void ask({} as ReceiveChannel<Price>, (reply) => ({ kind: "price", item: "tea", reply }));
    // @ts-expect-error a question is a function
    void ask(prices, { kind: "price", item: "tea" });
    // @ts-expect-error a question is built at once
    void ask(prices, async (reply) => ({ kind: "price", item: "tea", reply }));
  });
  it("takes a signal", () => {
    void ask(prices, (reply) => ({ kind: "price", item: "tea", reply }), { signal: AbortSignal.timeout(5) });
    // @ts-expect-error a capacity is for askMany
    void ask(prices, (reply) => ({ kind: "price", item: "tea", reply }), { capacity: 1 });
  });
  it("keeps the rest of a question, arrays and optional fields included", () => {
    interface Order {
      readonly items: readonly { readonly name: string; readonly count: number }[];
      readonly note?: string;
      readonly reply: SendChannel<{ readonly total: number }>;
    }
    const orders = {} as SendChannel<Order>;
    const answer = ask(orders, (reply) => ({ items: [{ name: "tea", count: 2 }], reply }));
    expectTypeOf(answer).toEqualTypeOf<Promise<{ readonly total: number }>>();
    expectTypeOf(ask(orders, (reply) => ({ items: [], note: "soon", reply }))).toEqualTypeOf<Promise<{ readonly total: number }>>();
  });
  it("takes messages with mutable arrays and any other data", () => {
    interface Job {
      tags: string[];
      at: Date;
      map: Map<string, number>;
      bytes: Uint8Array;
      reply: SendChannel<number>;
    }
    const jobs = {} as SendChannel<Job>;
    const answer = ask(jobs, (reply) => ({ tags: ["a"], at: new Date(), map: new Map([["a", 1]]), bytes: new Uint8Array(1), reply }));
    expectTypeOf(answer).toEqualTypeOf<Promise<number>>();
  });
  it("gives a reply end that is a send end", () => {
    expectTypeOf<Reply>().toExtend<SendChannel<number>>();
  });
});

describe("askMany", () => {
  interface Search {
    readonly query: string;
    readonly results: SendChannel<{ readonly hit: number }>;
  }
  const searches = {} as SendChannel<Search>;
  it("is a receive end of the answers", () => {
    expectTypeOf(askMany<Search, { readonly hit: number }>(searches, (results) => ({ query: "q", results }))).toEqualTypeOf<
      ReceiveChannel<{ readonly hit: number }>
    >();
    expectTypeOf(
      askMany(searches, (results: SendChannel<{ readonly hit: number }>) => ({ query: "q", results }), {
        capacity: 8,
        whenFull: "drop-oldest",
        signal: AbortSignal.timeout(5),
      }),
    ).toEqualTypeOf<ReceiveChannel<{ readonly hit: number }>>();
    // @ts-expect-error the query is missing
    askMany<Search, { readonly hit: number }>(searches, (results) => ({ results }));
    // @ts-expect-error the results are hits
    askMany<Search, string>(searches, (results) => ({ query: "q", results }));
  });
});
