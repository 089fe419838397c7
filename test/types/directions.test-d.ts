/** What the compiler refuses: ends used the wrong way round, wrong values, wrong options. After Go's test/chan/perm.go. */
import { chan, merge, pipe, type ReceiveChannel, type SendChannel, select, tick } from "netchan";
import { describe, expectTypeOf, it } from "vitest";

const { send, receive } = chan<number>();
declare const words: ReceiveChannel<string>;
declare const say: SendChannel<string>;

describe("a send end", () => {
  it("sends its own type", () => {
    expectTypeOf(send(1)).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error a string is no number
    send("1");
    // @ts-expect-error a value is needed
    send();
    // @ts-expect-error undefined is no number
    send(undefined);
    // @ts-expect-error options are an object
    send(1, new AbortController().signal);
    // @ts-expect-error the option is called signal
    send(1, { abort: new AbortController().signal });
  });
  it("does not receive", () => {
    void (async () => {
      // @ts-expect-error it is not iterable
      for await (const value of send) void value;
    });
    // @ts-expect-error it has no values
    send.values();
    // @ts-expect-error it gives no value
    const value: Promise<{ value: number }> = send(1);
    void value;
  });
  it("is closed with an Error or nothing", () => {
    send.close();
    send.close(new Error("over"));
    // @ts-expect-error a reason is an Error
    send.close("over");
  });
  it("has properties for reading only", () => {
    expectTypeOf(send.closed).toEqualTypeOf<boolean>();
    expectTypeOf(send.capacity).toEqualTypeOf<number>();
    expectTypeOf(send.buffered).toEqualTypeOf<number>();
    // @ts-expect-error closed is readonly
    send.closed = true;
    // @ts-expect-error capacity is readonly
    send.capacity = 1;
    // @ts-expect-error buffered is readonly
    send.buffered = 1;
  });
  it("is disposed with using", () => {
    expectTypeOf(send).toExtend<Disposable>();
    expectTypeOf(receive).toExtend<Disposable>();
  });
});

describe("a receive end", () => {
  it("takes no value", () => {
    // @ts-expect-error a number is no options
    receive(1);
    // @ts-expect-error close of a receive end takes no reason
    receive.close(new Error("over"));
    // @ts-expect-error a receive end sends nothing
    receive.send(1);
  });
  it("never resolves to the bare value", () => {
    // @ts-expect-error it is { done, value }
    const bare: Promise<number> = receive();
    void bare;
  });
  it("is iterated asynchronously only", () => {
    // @ts-expect-error for … of needs await
    for (const value of receive) void value;
    expectTypeOf(receive).toExtend<AsyncIterable<number>>();
    expectTypeOf(receive.values({ signal: new AbortController().signal })).toEqualTypeOf<AsyncIterable<number>>();
  });
  it("has properties for reading only", () => {
    // @ts-expect-error closed is readonly
    receive.closed = true;
    // @ts-expect-error capacity is readonly
    receive.capacity = 1;
    // @ts-expect-error buffered is readonly
    receive.buffered = 1;
  });
});

describe("ends as types", () => {
  it("do not fit into the other direction", () => {
    // @ts-expect-error a receive end is no send end
    const wrongSend: SendChannel<number> = receive;
    // @ts-expect-error a send end is no receive end
    const wrongReceive: ReceiveChannel<number> = send;
    void [wrongSend, wrongReceive];
  });
  it("vary as they should: receive ends are covariant, send ends contravariant", () => {
    const wider: ReceiveChannel<number | string> = receive;
    const narrower: SendChannel<1 | 2> = send;
    // @ts-expect-error it may receive more than numbers
    const wrongReceive: ReceiveChannel<1> = receive;
    // @ts-expect-error it takes no strings
    const wrongSend: SendChannel<number | string> = send;
    void [wider, narrower, wrongReceive, wrongSend];
  });
});

describe("chan", () => {
  it("takes a capacity or options", () => {
    chan<number>();
    chan<number>(3);
    chan<number>({ capacity: 1, whenFull: "drop-oldest", whenInDoubt: "redeliver" });
    expectTypeOf(chan()).toEqualTypeOf<ReturnType<typeof chan<unknown>>>();
    // @ts-expect-error a capacity is a number
    chan<number>("3");
    // @ts-expect-error there is no such policy
    chan<number>({ capacity: 1, whenFull: "drop" });
    // @ts-expect-error there is no such option
    chan<number>({ size: 1 });
    // @ts-expect-error the two ends are readonly
    chan<number>().send = send;
  });
});

describe("what takes ends", () => {
  it("takes them in their direction", () => {
    expectTypeOf(merge(receive, receive)).toEqualTypeOf<ReceiveChannel<number>>();
    expectTypeOf(merge<number | string>(receive, words)).toEqualTypeOf<ReceiveChannel<number | string>>();
    expectTypeOf(pipe(receive, send)).toEqualTypeOf<Promise<void>>();
    expectTypeOf(tick(5)).toEqualTypeOf<ReceiveChannel<Date>>();
    // @ts-expect-error a send end cannot be merged
    merge(send);
    // @ts-expect-error numbers and strings are not one type
    merge<number>(receive, words);
    // @ts-expect-error from and to are the wrong way round
    void pipe(send, receive);
    // @ts-expect-error numbers do not go where strings go
    void pipe(receive, say);
    // @ts-expect-error a send end alone is no case
    void select({ a: send });
    // @ts-expect-error a receive end takes no value
    void select({ a: [receive, 1] });
    // @ts-expect-error milliseconds are a number
    tick("5");
  });
});
