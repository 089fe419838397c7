import superjson, { SuperJSON } from "superjson";
import { describe, expect, it } from "vitest";
import { chan } from "../../../src/core/channel.js";
import { portOf } from "../../../src/core/end.js";
import { NetchanError } from "../../../src/errors.js";
import { defaultLimits } from "../../../src/limits.js";
import { Codec, type CodecOptions, type EncodedValue, type WireValue } from "../../../src/wire/codec.js";

/** As a key of its own name it would be taken for a mistake. */
const then = "then";
const codec = new Codec({ limits: defaultLimits });

function wire(encoded: EncodedValue): WireValue {
  const { json, meta, ends, blobs } = encoded;
  return { json: JSON.parse(json), meta: meta === undefined ? undefined : JSON.parse(meta), ends: ends.length, blobs };
}

function arrive(encoded: EncodedValue, at: Codec = codec): unknown {
  const value = wire(encoded);
  at.check(
    value,
    encoded.ends.map((port) => port.kind),
  );
  return at.decode(
    value,
    encoded.ends.map((port) => port.end),
  );
}

const trip = <T>(value: T, at: Codec = codec): T => arrive(at.encode(value), at) as T;

function failure(act: () => unknown): NetchanError {
  try {
    act();
  } catch (error) {
    if (NetchanError.is(error)) return error;
    throw error;
  }
  throw new Error("Expected a NetchanError");
}

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}

describe("plain JSON", () => {
  it.each([
    ["null", null],
    ["a string", "hello"],
    ["the empty string", ""],
    ["lone surrogates, separators and a byte order mark", "\ud800 \udc00x \u2028\u2029\ufeff\u0000"],
    ["numbers", [0, 1.5, -1, 1e308, Number.MIN_VALUE, 2 ** 53]],
    ["empty containers", { a: {}, b: [] }],
    ["odd keys", { "": 1, "a.b": 2, "\\": 3, "2": 4, "1": 5, [then]: "x", toJSON: 1, toString: null, hasOwnProperty: 1, length: 3 }],
    ["more objects than are searched as a list", Array.from({ length: 50 }, (_, index) => ({ index, list: [index] }))],
  ])("travels without annotations: %s", (_name, value) => {
    const encoded = codec.encode(value);
    expect(encoded.meta).toBeUndefined();
    expect(encoded.json).toBe(JSON.stringify(value));
    expect(encoded.bytes).toBe(encoded.json.length);
    expect(arrive(encoded)).toStrictEqual(value);
  });

  it("keeps the order of keys", () => {
    expect(Object.keys(trip({ b: 1, a: 2, c: 3 }))).toEqual(["b", "a", "c"]);
  });

  it("takes an object without a prototype, and one with members that are not enumerable", () => {
    const value = Object.assign(Object.create(null), { a: 1 }) as object;
    Object.defineProperty(value, "hidden", { value: () => 1 });
    expect(codec.encode(value).meta).toBeUndefined();
    expect(trip(value)).toEqual({ a: 1 });
  });

  it("says its size in UTF-8 where that decides about the limit", () => {
    const small = new Codec({ limits: { ...defaultLimits, maxValueBytes: 1_024 } });
    expect(small.encode("a".repeat(1_022)).bytes).toBe(1_024);
    expect(small.encode("é".repeat(511)).bytes).toBe(1_024);
    expect(small.encode("😀".repeat(255)).bytes).toBe(1_022);
    for (const text of ["a".repeat(1_023), "é".repeat(512), "€".repeat(341), "😀".repeat(256)])
      expect(failure(() => small.encode(text))).toMatchObject({ code: "LIMIT_EXCEEDED", outcome: "not-sent" });
  });
});

describe("the types of superjson", () => {
  it.each<readonly [string, unknown]>([
    ["undefined", undefined],
    ["NaN", Number.NaN],
    ["Infinity", [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ["-0", -0],
    ["-0 within", { a: [-0, 0] }],
    ["a Date", new Date(0)],
    ["dates at the ends of time", [new Date(8.64e15), new Date(-8.64e15)]],
    ["a BigInt", -(2n ** 200n)],
    ["equal BigInts", [5n, 5n, { a: 5n }]],
    ["NaN twice", [Number.NaN, Number.NaN]],
    ["RegExps", [/a\/b[/]\n/giu, /(?:)/, /\//]],
    ["a URL", new URL("https://example.org/a?b=c#d")],
    [
      "a Map",
      new Map<unknown, unknown>([
        ["a", 1],
        [2, new Date(5)],
        [null, undefined],
      ]),
    ],
    [
      "a Map with keys of every kind",
      new Map<unknown, unknown>([
        [Number.NaN, 1],
        [5n, 2],
        [new Date(1), 3],
        [{ a: 1 }, 4],
        [/x/, 5],
        [undefined, 6],
        [[1n], 7],
      ]),
    ],
    ["a Map of Maps", new Map([[new Map([[1, 2n]]), new Map([[new Set([new Date(3)]), new Set<unknown>()]])]])],
    ["a Set", new Set<unknown>([1, "a", undefined, new Date(1), new Date(1), 7n, Number.NaN, new Set([new Set()])])],
    ["undefined members and elements", { a: undefined, b: [undefined, null] }],
    ["dots and backslashes in keys", { "a.b": { "c\\d": new Date(1), "\\.": 2n, "": { "": 3n } }, "\\": -0, ".": [1n] }],
    ["integer keys", { 2: 1n, 1: 2n, b: 3n, 0: new Map([[1n, 2n]]) }],
  ])("%s", (_name, value) => {
    expect(trip(value)).toStrictEqual(value);
    expect(trip({ in: [value] })).toStrictEqual({ in: [value] });
  });

  it("keeps the order of a Map whose keys are revived", () => {
    const map = new Map<unknown, number>([
      [1n, 0],
      ["a", 1],
      [new Date(1), 2],
      [3, 3],
      [{ b: 1n }, 4],
      [2n, 5],
    ]);
    expect([...trip(map).values()]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...trip(new Set([...map.keys()]))]).toStrictEqual([...map.keys()]);
  });

  it("an Error with name, message and cause, and without its stack", () => {
    class Custom extends Error {
      override name = "Custom";
      secret = 5;
    }
    const got = trip(new Custom("no", { cause: { at: new Date(1) } }));
    expect(got).toBeInstanceOf(Error);
    expect([got.name, got.message, got.cause]).toStrictEqual(["Custom", "no", { at: new Date(1) }]);
    expect(got.stack).toBe("Custom: no");
    expect(Object.keys(got)).toEqual([]);
    expect(codec.encode(new Custom("no")).json).toBe('{"name":"Custom","message":"no"}');
    expect("cause" in trip(new Error("x"))).toBe(false);
    expect(Object.hasOwn(trip(new Error("x", { cause: undefined })), "cause")).toBe(true);
  });

  it("an Error of the language with its class, a DOMException as an Error of its name", () => {
    expect(trip(new RangeError("far"))).toStrictEqual(new RangeError("far"));
    const abort = trip<Error>(new DOMException("stop", "AbortError"));
    expect([abort.name, abort.message, abort instanceof Error]).toEqual(["AbortError", "stop", true]);
  });

  it("an Error that is its own cause", () => {
    const error = new Error("round");
    error.cause = [error];
    const got = trip(error);
    expect((got.cause as unknown[])[0]).toBe(got);
  });
});

describe("identity", () => {
  it("a shared object arrives as one", () => {
    const shared = { a: 1 };
    const got = trip({ x: shared, y: [shared, { z: shared }] });
    expect(got.y[0]).toBe(got.x);
    expect((got.y[1] as { z: unknown }).z).toBe(got.x);
  });

  it("also one that comes up again behind many others", () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ index }));
    const got = trip([...many, many[29], many[0]]);
    expect([got[30] === got[29], got[31] === got[0]]).toEqual([true, true]);
  });

  it("cycles close, through every kind of container", () => {
    interface Node {
      self?: Node;
      list: unknown[];
      map: Map<unknown, unknown>;
      set: Set<unknown>;
    }
    const node: Node = { list: [], map: new Map(), set: new Set() };
    node.self = node;
    node.list.push(node.list, node);
    node.map.set(node.map, node).set(node, node.set);
    node.set.add(node.set).add(node).add(node.map);
    const got = trip(node);
    expect(got.self).toBe(got);
    expect([got.list[0] === got.list, got.list[1] === got]).toEqual([true, true]);
    expect([...got.map]).toEqual([
      [got.map, got],
      [got, got.set],
    ]);
    expect([...got.set].map((element) => [got.set, got, got.map].indexOf(element as never))).toEqual([0, 1, 2]);
  });

  it("a cycle met through a second reference survives (superjson without dedupe loses it)", () => {
    const a: Record<string, unknown> = {};
    const b = { a };
    a.b = b;
    const got = trip([b, a, { b }]) as [{ a: { b: unknown } }, unknown, { b: unknown }];
    expect(got[0].a).toBe(got[1]);
    expect(got[0].a.b).toBe(got[0]);
    expect(got[2].b).toBe(got[0]);
  });

  it("a Map or Set at the root that holds itself", () => {
    const map = new Map<unknown, unknown>();
    map.set("me", map);
    expect(trip(map).get("me")).toStrictEqual(trip(map));
    const set = new Set<unknown>();
    set.add(set);
    const got = trip(set);
    expect(got.has(got)).toBe(true);
  });

  it("shared dates, bytes and symbols are one object", () => {
    const date = new Date(1);
    const bytes = new Float32Array([1, -0]);
    const got = trip({ d: [date, date], b: new Map([[bytes, bytes]]), after: 1 });
    expect(got.d[0]).toBe(got.d[1]);
    const [[key, value]] = [...got.b] as [[unknown, unknown]];
    expect(key).toBe(value);
    expect(codec.encode([bytes, bytes]).blobs).toHaveLength(1);
  });

  it("a graph shared a hundred times over 22 levels is small", () => {
    let level: unknown = { end: new Date(1) };
    for (let depth = 0; depth < 22; depth++) level = Array.from({ length: 100 }, () => level);
    const encoded = codec.encode(level);
    expect(encoded.bytes).toBeLessThan(400_000);
    const got = arrive(encoded) as unknown[][];
    expect(got[99]).toBe(got[0]);
  });
});

describe("binary", () => {
  const views = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array];
  it.each(views)("%o", (View) => {
    const value = new View([0, 1, 2, 250]);
    const encoded = codec.encode({ value });
    expect(encoded.json).toBe(`{"value":[0,"${View.name}"]}`);
    expect(encoded.blobs[0]?.byteLength).toBe(value.byteLength);
    expect(arrive(encoded)).toStrictEqual({ value });
    expect(trip(value)).toStrictEqual(value);
    expect(trip(new View(0))).toStrictEqual(new View(0));
  });

  it("64-bit integers, -0 and NaN in floats, and an ArrayBuffer", () => {
    expect(trip([new BigInt64Array([-1n, 2n ** 62n]), new BigUint64Array([2n ** 64n - 1n])])).toStrictEqual([
      new BigInt64Array([-1n, 2n ** 62n]),
      new BigUint64Array([2n ** 64n - 1n]),
    ]);
    expect(trip(new Float64Array([-0, Number.NaN, Number.POSITIVE_INFINITY]))).toStrictEqual(
      new Float64Array([-0, Number.NaN, Number.POSITIVE_INFINITY]),
    );
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const got = trip(buffer);
    expect(got).toBeInstanceOf(ArrayBuffer);
    expect([...new Uint8Array(got)]).toEqual([1, 2, 3]);
  });

  // Node 20 has none: there is nothing to test then, so there is no test.
  if ("Float16Array" in globalThis)
    it("a Float16Array", () => {
      const Float16 = (globalThis as unknown as { Float16Array: Uint8ArrayConstructor }).Float16Array;
      expect(trip(new Float16([1, 2]))).toStrictEqual(new Float16([1, 2]));
    });

  it("of a view only its own part travels, copied inside the call", () => {
    const whole = new Uint16Array([1, 2, 3, 4]);
    const encoded = codec.encode(whole.subarray(1, 3));
    whole.fill(9);
    expect(encoded.bytes).toBe(encoded.json.length + (encoded.meta?.length ?? 0) + 4);
    expect(arrive(encoded)).toStrictEqual(new Uint16Array([2, 3]));
  });

  it("a Node Buffer arrives as a Uint8Array of its own", () => {
    const got = trip(Buffer.from("hello")) as Uint8Array;
    expect(got).toStrictEqual(new Uint8Array([104, 101, 108, 108, 111]));
    expect(got.buffer.byteLength).toBe(5);
  });

  it("is made from a blob that lies anywhere in a frame", () => {
    const frame = Buffer.alloc(17, 1);
    const value = {
      json: [0, "Float64Array"],
      meta: { values: [["custom", "netchan/bytes"]], v: 1 },
      ends: 0,
      blobs: [frame.subarray(1, 17)],
    };
    codec.check(value, []);
    expect(codec.decode(value, [])).toHaveLength(2);
  });
});

describe("channel ends", () => {
  it("travel as an index, anywhere in a value", () => {
    const { send, receive } = chan<number>();
    const encoded = codec.encode({ reply: send, all: new Map<unknown, unknown>([[receive, [send]]]) });
    expect(encoded.ends).toEqual([portOf(send), portOf(receive)]);
    expect(JSON.parse(encoded.json)).toEqual({ reply: 0, all: [[1, [null]]] });
    const got = arrive(encoded) as { reply: unknown; all: Map<unknown, unknown[]> };
    expect(got.reply).toBe(send);
    expect([...got.all.keys()][0]).toBe(receive);
    expect(got.all.get(receive)?.[0]).toBe(send);
  });

  it("an end is a value by itself, in a Set, in an Error's cause", () => {
    const { send } = chan();
    expect(trip(send)).toBe(send);
    expect([...trip(new Set([send]))]).toEqual([send]);
    expect(trip(new Error("x", { cause: send })).cause).toBe(send);
  });

  it.each(["then", "toJSON", "toString", "valueOf", "constructor", "__proto__"])("are refused under the key %s", (key) => {
    const { send } = chan();
    const value = Object.defineProperty({}, key, { value: send, enumerable: true });
    expect(failure(() => codec.encode({ a: value })).code).toBe("ENCODE_FAILED");
    expect(trip(new Map([["then", send]])).get("then")).toBe(send);
  });
});

describe("what cannot arrive as it is", () => {
  class Private {
    #secret = 1;
    reveal(): number {
      return this.#secret;
    }
  }
  class Sub extends Map {}
  const extra = Object.assign([1], { more: 2 });
  const holes = [1, 2, 3];
  delete holes[1];
  it.each<readonly [string, unknown, string | RegExp]>([
    ["a function", { user: { callback: () => 1 } }, "value.user.callback is a function"],
    ["a method named toJSON", { toJSON: () => 1 }, "value.toJSON is a function"],
    ["a symbol", [Symbol("x")], "value[0] is a symbol"],
    ["a symbol key", { [Symbol("k")]: 1 }, "value has the symbol key Symbol(k)"],
    ["an invalid Date", { at: new Date(Number.NaN) }, "value.at is an invalid Date"],
    ["a sparse array", { a: holes }, "value.a is a sparse array"],
    ["an array of holes", new Array(5), "value is a sparse array"],
    ["an array with extra keys", extra, "value is an array with extra keys"],
    ["the array of a match", "ab".match(/b/), "value is an array with extra keys"],
    ["a DataView", new DataView(new ArrayBuffer(1)), "value is a DataView"],
    ["a boxed number", Object(1), "value is a boxed Number"],
    ["a boxed string", Object("x"), "value is a boxed String"],
    ["a Promise", [Promise.resolve(1)], "value[0] is a Promise: await it first"],
    ["a WeakMap", new WeakMap(), "value is a WeakMap"],
    ["shared memory", new SharedArrayBuffer(8), "value is a SharedArrayBuffer"],
    ["an instance", new Map([["k", new Point(1, 2)]]), "value.value(0) is an instance of Point: register the class with superjson"],
    ["an instance with private state", new Private(), "value is an instance of Private"],
    ["a subclass of Map", new Sub(), "value is an instance of Sub"],
    ["a subclass of Array", new (class List extends Array {})(), "value is an instance of List"],
    ["a subclass of Uint8Array", new (class Bytes extends Uint8Array {})(2), "value is an instance of Bytes"],
    ["a Map with keys of its own", Object.assign(new Map(), { a: 1 }), "value is a Map with extra keys"],
    ["an AggregateError", new AggregateError([new Error("a")], "m"), "value is an AggregateError"],
    [
      "a getter that throws",
      {
        get bad() {
          throw new Error("no");
        },
      },
      "value.bad cannot be read",
    ],
    ["an own __proto__", JSON.parse('{"a":{"__proto__":1}}'), 'value.a has the key "__proto__"'],
    ["an own constructor", { constructor: 1 }, 'value has the key "constructor"'],
    ["an own prototype", [{ prototype: 1 }], 'value[0] has the key "prototype"'],
    ["a huge BigInt", [10n ** 5_000n], "value[0] is a BigInt with too many digits"],
    ["a long RegExp", new RegExp("a".repeat(1_025)), "value is a RegExp of more than 1024 characters"],
    ["an Error with a long message", new Error("a".repeat(65_537)), "value is an Error with too long a name or message"],
    ["an Error without a text", Object.assign(new Error("x"), { message: 5 }), "value is an Error whose name or message is no string"],
    ["an object with a prototype of its own", Object.create({ a: 1 }), "value is an object of another realm"],
    [
      "a revoked Proxy",
      [
        (() => {
          const made = Proxy.revocable({}, {});
          made.revoke();
          return made.proxy;
        })(),
      ],
      "value[0] cannot be read",
    ],
    ["an AbortSignal", { signal: new AbortController().signal }, "value.signal is an instance of AbortSignal"],
  ])("%s", (_name, value, message) => {
    const error = failure(() => codec.encode(value));
    expect(error.code).toBe("ENCODE_FAILED");
    expect(error.message).toContain(message);
  });

  it("keeps the cause of what the user's own code threw", () => {
    const cause = new Error("mine");
    const value = new Proxy(
      { a: 1 },
      {
        ownKeys() {
          throw cause;
        },
      },
    );
    expect(failure(() => codec.encode(value)).cause).toBe(cause);
  });

  it("reads a getter once", () => {
    let reads = 0;
    const value = {
      get a() {
        return ++reads === 1 ? { ok: true } : () => 1;
      },
    };
    expect(trip(value)).toEqual({ a: { ok: true } });
    expect(reads).toBe(1);
    reads = 0;
    expect(trip({ value, date: new Date(1) })).toEqual({ value: { a: { ok: true } }, date: new Date(1) });
  });

  it("writes a Proxy of a plain object as that object", () => {
    expect(trip(new Proxy({ a: [1], at: new Date(1) }, {}))).toEqual({ a: [1], at: new Date(1) });
  });
});

describe("limits", () => {
  const nested = (levels: number, leaf: unknown): unknown => (levels === 0 ? leaf : [nested(levels - 1, leaf)]);
  const small = new Codec({ limits: { maxDepth: 4, maxNodes: 10, maxValueBytes: 100 } });

  it.each([
    ["plain", 1],
    ["annotated", 1n],
  ])("depth, %s", (_name, leaf) => {
    expect(trip(nested(4, leaf), small)).toEqual(nested(4, leaf));
    expect(failure(() => small.encode(nested(5, leaf)))).toMatchObject({
      code: "ENCODE_FAILED",
      message: expect.stringContaining("maxDepth"),
    });
  });

  it("counts a Map as two levels, and bytes as one", () => {
    expect(trip(nested(2, new Map([[1, 2]])), small)).toEqual(nested(2, new Map([[1, 2]])));
    expect(failure(() => small.encode(nested(3, new Map([[1, 2]])))).code).toBe("ENCODE_FAILED");
    expect(trip(nested(3, new Map()), small)).toEqual(nested(3, new Map()));
    expect(trip(nested(3, new Uint8Array(1)), small)).toEqual(nested(3, new Uint8Array(1)));
    expect(failure(() => small.encode(nested(4, new Uint8Array(1)))).code).toBe("ENCODE_FAILED");
  });

  it.each<readonly [string, (count: number) => unknown, number]>([
    ["elements", (count) => Array.from({ length: count }, () => 1), 9],
    ["annotated elements", (count) => Array.from({ length: count }, () => undefined), 9],
    ["pairs of a Map", (count) => new Map(Array.from({ length: count }, (_, index) => [index, 0])), 3],
    ["bytes", (count) => Array.from({ length: count }, () => new Uint8Array(1)), 3],
    ["errors", (count) => Array.from({ length: count }, () => new Error("")), 3],
  ])("members: %s", (_name, make, most) => {
    const few = new Codec({ limits: { ...defaultLimits, maxNodes: 10 } });
    expect(trip(make(most), few)).toEqual(make(most));
    expect(failure(() => few.encode(make(most + 1)))).toMatchObject({
      code: "ENCODE_FAILED",
      message: expect.stringContaining("maxNodes"),
    });
  });

  it.each<readonly [string, unknown]>([
    ["a string", "a".repeat(101)],
    ["a string with annotations", ["a".repeat(90), undefined]],
    ["a key", { ["a".repeat(101)]: 1 }],
    ["bytes", new Uint8Array(101)],
    ["escapes", "\u0000".repeat(30)],
  ])("bytes: %s", (_name, value) => {
    expect(failure(() => small.encode(value))).toMatchObject({ code: "LIMIT_EXCEEDED", outcome: "not-sent" });
  });

  it("the defaults allow what the design promises", () => {
    for (const value of [
      "x".repeat(5e6),
      nested(60, 1),
      nested(60, 1n),
      Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index])),
    ])
      expect(trip(value)).toEqual(value);
    const ends = Array.from({ length: 50 }, () => chan().send);
    expect(trip(ends)).toEqual(ends);
    expect(trip(Array.from({ length: 20_000 }, (_, index) => new Date(index)))).toHaveLength(20_000);
  });

  it("works at the deepest limit there can be", () => {
    const deep = new Codec({ limits: { ...defaultLimits, maxDepth: 1_000 } });
    for (const leaf of [1, 1n, new Date(1)])
      expect(deep.encode(trip(nested(1_000, leaf), deep)).json).toBe(deep.encode(nested(1_000, leaf)).json);
  });

  it("names a path of bounded length", () => {
    const deep = Array.from({ length: 60 }).reduce(
      (inner: unknown) => ({ ["k".repeat(50)]: inner }),
      () => 1,
    );
    expect(failure(() => codec.encode(deep)).message.length).toBeLessThan(500);
  });
});

describe("a user's SuperJSON instance", () => {
  class Money {
    #cents: number;
    constructor(cents: number) {
      this.#cents = cents;
    }
    get cents(): number {
      return this.#cents;
    }
  }
  class Late {
    n = 1;
  }
  class Failure extends Error {}
  class Account {
    constructor(
      public owner: string,
      public secret: string,
    ) {}
    get label(): string {
      return `of ${this.owner}`;
    }
  }
  class Setter {
    ran = 0;
    set x(_value: number) {
      this.ran++;
    }
  }
  const color = Symbol("color");
  const mine = new SuperJSON();
  mine.registerClass(Point);
  mine.registerClass(Account, { identifier: "acc", allowProps: ["owner", "label"] });
  mine.registerClass(Setter);
  mine.registerClass(Failure);
  mine.registerClass(class Sub extends Map {}, "sub");
  mine.registerSymbol(color, "col");
  mine.registerSymbol(Symbol(), "blank");
  mine.registerCustom<Money, number>(
    {
      isApplicable: (value): value is Money => value instanceof Money,
      serialize: (money) => money.cents,
      deserialize: (cents) => new Money(cents),
    },
    "money",
  );
  mine.registerCustom<{ kind: "tree"; leaves: unknown[] }, never>(
    {
      isApplicable: (value): value is { kind: "tree"; leaves: unknown[] } => (value as { kind?: unknown } | null)?.kind === "tree",
      serialize: (tree) => ({ l: tree.leaves }) as never,
      deserialize: (json) => ({ kind: "tree", leaves: (json as { l: unknown[] }).l }),
    },
    "tree",
  );
  mine.allowErrorProps("code", "stack", "missing");
  const at = new Codec({ superjson: mine, limits: defaultLimits });

  it("registered classes, symbols and custom types travel", () => {
    const got = trip({ p: new Point(3, 4), c: color, m: [new Money(5)] }, at);
    expect(got.p).toStrictEqual(new Point(3, 4));
    expect(got.p.length).toBe(5);
    expect(got.c).toBe(color);
    expect(got.m[0]?.cents).toBe(5);
  });

  it("of a class with allowProps only those, and setters of its prototype do not run", () => {
    const got = trip(new Account("ann", "pw"), at);
    expect(got).toBeInstanceOf(Account);
    expect({ ...got }).toEqual({ owner: "ann", label: "of ann" });
    const trap = Object.defineProperty(new Setter(), "x", { value: 5, enumerable: true });
    expect({ ...trip(trap, at) }).toEqual({ ran: 0, x: 5 });
  });

  it("an instance may be shared, and refer to itself", () => {
    const point = Object.assign(new Point(1, 2), { self: undefined as unknown });
    point.self = point;
    const got = trip([point, point], at);
    expect(got[0]).toBe(got[1]);
    expect(got[0]?.self).toBe(got[0]);
    const money = new Money(1);
    const [a, b] = trip([money, money], at);
    expect(a).toBe(b);
  });

  it("a custom type may claim a plain object, and hold what JSON cannot", () => {
    const { send } = chan();
    const inner = { kind: "tree", leaves: [new Date(1), 5n, send, new Uint8Array([1])] } as const;
    const got = trip({ t: { kind: "tree", leaves: [inner, inner] }, again: inner }, at);
    expect(got).toEqual({ t: { kind: "tree", leaves: [inner, inner] }, again: inner });
    expect(got.t.leaves[0]).toBe(got.again);
    expect(got.again.leaves[2]).toBe(send);
  });

  it("an object that is both itself and what a custom type gave is each in its place", () => {
    class Wrap {
      constructor(readonly inner: object) {}
    }
    const own = new SuperJSON();
    own.registerCustom<Wrap, never>(
      {
        isApplicable: (value): value is Wrap => value instanceof Wrap,
        serialize: (wrap) => wrap.inner as never,
        deserialize: (json) => new Wrap(json),
      },
      "wrap",
    );
    const inner = { a: 1n };
    const got = trip([inner, new Wrap(inner), inner, new Wrap(inner)], new Codec({ superjson: own, limits: defaultLimits }));
    expect(got).toEqual([inner, new Wrap(inner), inner, new Wrap(inner)]);
    expect(got[1]).toBeInstanceOf(Wrap);
    expect(got[2]).toBe(got[0]);
    const turned = trip([new Wrap(inner), inner], new Codec({ superjson: own, limits: defaultLimits }));
    expect(turned).toEqual([new Wrap(inner), inner]);
    expect(turned[1]).not.toBeInstanceOf(Wrap);
  });

  it("a custom type may claim texts, but not those of an Error", () => {
    const own = new SuperJSON();
    own.registerCustom<string, string>(
      {
        isApplicable: (value): value is string => typeof value === "string",
        serialize: (text) => [...text].reverse().join(""),
        deserialize: (text) => text.toUpperCase(),
      },
      "loud",
    );
    const got = trip({ a: "abc", e: new Error("abc") }, new Codec({ superjson: own, limits: defaultLimits }));
    expect([got.a, got.e.name, got.e.message]).toEqual(["CBA", "Error", "abc"]);
  });

  it("a custom type that contains itself is refused", () => {
    const tree: { kind: "tree"; leaves: unknown[] } = { kind: "tree", leaves: [] };
    tree.leaves.push({ deeper: tree });
    expect(failure(() => at.encode(tree)).message).toContain("value.l[0].deeper refers to itself through its custom type");
  });

  it("allowed error properties travel, the stack never", () => {
    const error = Object.assign(new Error("x"), { code: 5n });
    const encoded = at.encode(error);
    expect(encoded.json).not.toContain("at ");
    const got = arrive(encoded, at) as Error & { code: unknown };
    expect(got.code).toBe(5n);
    expect(Object.keys(got)).toEqual(["code"]);
    expect(got.stack).toBe("Error: x");
  });

  it.each<readonly [string, unknown, string]>([
    ["a class that extends a built-in one", new (mine.classRegistry.getValue("sub") as new () => object)(), "register it as a custom type"],
    ["an Error of a registered class, without its message", new Failure("x"), 'name "message" in its allowProps'],
    ["a symbol without a description", mine.symbolRegistry.getValue("blank"), "is a symbol without a description"],
    ["a member of an instance", new Point((() => 1) as never, 2), "value.x is a function"],
  ])("refuses %s", (_name, value, message) => {
    expect(failure(() => at.encode(value))).toMatchObject({ code: "ENCODE_FAILED", message: expect.stringContaining(message) });
  });

  it("counts what is registered later", () => {
    const own = new SuperJSON();
    const later = new Codec({ superjson: own, limits: defaultLimits });
    expect(failure(() => later.encode(new Late())).code).toBe("ENCODE_FAILED");
    own.registerClass(Late);
    expect(trip(new Late(), later)).toBeInstanceOf(Late);
  });

  it("is left as it was", () => {
    const own = new SuperJSON();
    const user = new Codec({ superjson: own, limits: defaultLimits });
    trip({ s: chan().send, b: new Uint8Array(2) }, user);
    expect(own.customTransformerRegistry.findByName("netchan/end")).toBeUndefined();
    expect(own.serialize(new Uint8Array([7]))).toEqual({ json: [7], meta: { values: [["typed-array", "Uint8Array"]], v: 1 } });
  });

  it("may be superjson's default export, and nothing else", () => {
    expect(trip(new Date(1), new Codec({ superjson, limits: defaultLimits }))).toEqual(new Date(1));
    for (const wrong of [{}, [], () => 1, { classRegistry: {} }] as CodecOptions["superjson"][])
      expect(() => new Codec({ superjson: wrong as object, limits: defaultLimits })).toThrow(TypeError);
  });

  it.each<readonly [string, unknown, string]>([
    ["throws", new Error("no"), "value.m cannot be read"],
    ["gives NaN", Number.NaN, "serialize gave NaN"],
    ["gives undefined", undefined, "serialize gave undefined"],
    ["gives a Map", new Map(), "neither JSON nor a plain object or array"],
  ])("a custom type whose serialize %s is refused", (_name, result, message) => {
    const own = new SuperJSON();
    own.registerCustom<Money, never>(
      {
        isApplicable: (value): value is Money => value instanceof Money,
        serialize: () => {
          if (result instanceof Error) throw result;
          return result as never;
        },
        deserialize: () => new Money(1),
      },
      "m",
    );
    const user = new Codec({ superjson: own, limits: defaultLimits });
    expect(failure(() => user.encode({ m: new Money(1) }))).toMatchObject({
      code: "ENCODE_FAILED",
      message: expect.stringContaining(message),
    });
  });
});

describe("the format", () => {
  it.each<readonly [string, unknown]>([
    ["a tree", { a: [new Date(1), { b: new Set([1n]) }], m: new Map([["k", /x/g]]), u: undefined, "x.y": -0 }],
    [
      "shared references",
      (() => {
        const shared = { d: new Date(2) };
        return { a: shared, b: [shared] };
      })(),
    ],
  ])("is superjson's: its own reader understands %s", (_name, value) => {
    const { json, meta } = codec.encode(value);
    expect(superjson.deserialize({ json: JSON.parse(json), meta: JSON.parse(meta ?? "null") })).toEqual(value);
  });

  it("decodes what superjson itself wrote with dedupe", () => {
    const shared = { a: new Date(1) };
    const { json, meta } = new SuperJSON({ dedupe: true }).serialize({ x: shared, y: [shared, new Set([shared])] });
    const value = { json, meta: JSON.parse(JSON.stringify(meta)) as unknown, ends: 0, blobs: [] };
    codec.check(value, []);
    const got = codec.decode(value, []) as { x: unknown; y: [unknown, Set<unknown>] };
    expect(got.y[0]).toBe(got.x);
    expect(got.y[1].has(got.x)).toBe(true);
  });

  it("decodes an annotated value again, into other objects", () => {
    const value = wire(codec.encode({ m: new Map([[1n, new Date(1)]]) }));
    codec.check(value, []);
    const first = codec.decode(value, []) as object;
    const second = codec.decode(value, []);
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });
});
