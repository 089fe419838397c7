import { SuperJSON } from "superjson";
import { describe, expect, it } from "vitest";
import { type ErrorCode, NetchanError } from "../../../src/errors.js";
import { defaultLimits } from "../../../src/limits.js";
import { Codec, type WireValue } from "../../../src/wire/codec.js";

class Point {
  x = 0;
}
class Narrow {
  only = 0;
}
const mine = new SuperJSON();
mine.registerClass(Point);
mine.registerClass(Narrow, { allowProps: ["only"] });
mine.registerSymbol(Symbol("s"), "sym");
let tried = 0;
mine.registerCustom<Date, string>(
  {
    isApplicable: (_value): _value is Date => false,
    serialize: () => "",
    deserialize: (text) => {
      tried++;
      if (text !== "good") throw new Error("bad");
      return new Date(1);
    },
  },
  "picky",
);
mine.registerCustom<unknown[], never>(
  { isApplicable: (_value): _value is unknown[] => false, serialize: () => [] as never, deserialize: (json) => json },
  "as-is",
);
const codec = new Codec({ superjson: mine, limits: defaultLimits });
const bare = new Codec({ limits: defaultLimits });

/** As a key of its own name it would be taken for a mistake. */
const then = "then";

interface Parts {
  readonly values?: unknown;
  readonly refs?: unknown;
  readonly meta?: unknown;
  readonly ends?: number;
  readonly blobs?: readonly Uint8Array[];
}
function value(json: unknown, { values, refs, meta, ends = 0, blobs = [] }: Parts = {}): WireValue {
  const annotations = { ...(values === undefined ? {} : { values }), ...(refs === undefined ? {} : { referentialEqualities: refs }), v: 1 };
  const plain = values === undefined && refs === undefined && meta === undefined;
  return { json, meta: plain ? undefined : meta === undefined ? annotations : meta, ends, blobs };
}

/** The code that the check refuses it with, or "accepted" when it can be decoded and encoded again. */
function verdict(given: WireValue, at: Codec = codec): ErrorCode | "accepted" {
  const kinds = Array.from({ length: given.ends }, () => "send" as const);
  try {
    at.check(given, kinds);
  } catch (error) {
    if (NetchanError.is(error)) return error.code;
    throw error;
  }
  at.decode(
    given,
    kinds.map(() => () => undefined),
  );
  return "accepted";
}

const deepArray = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
const deepObject = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`) as unknown;

type Row = readonly [string, WireValue, ErrorCode];

describe("size", () => {
  it("accepts depth and members at the limit", () => {
    expect(verdict(value(deepArray(64)))).toBe("accepted");
    expect(verdict(value(deepObject(64)))).toBe("accepted");
    expect(verdict(value(Array.from({ length: 99_999 }, () => 0)))).toBe("accepted");
  });
  it.each<Row>([
    ["65 arrays", value(deepArray(65)), "LIMIT_EXCEEDED"],
    ["65 objects", value(deepObject(65)), "LIMIT_EXCEEDED"],
    ["10 000 arrays", value(deepArray(10_000)), "LIMIT_EXCEEDED"],
    ["a million arrays", value(deepArray(1_000_000)), "LIMIT_EXCEEDED"],
    ["deep maps", value(deepArray(1_000), { values: ["map"] }), "LIMIT_EXCEEDED"],
    ["100 001 members", value(Array.from({ length: 100_000 }, () => 0)), "LIMIT_EXCEEDED"],
    ["a million keys", value(Object.fromEntries(Array.from({ length: 1_000_000 }, (_, key) => [key, 0]))), "LIMIT_EXCEEDED"],
    ["17 MiB of text", value("a".repeat(17 * 2 ** 20)), "LIMIT_EXCEEDED"],
    ["17 MiB of keys", value({ ["a".repeat(17 * 2 ** 20)]: 0 }), "LIMIT_EXCEEDED"],
    [
      "17 MiB of bytes",
      value([0, "Uint8Array"], { values: [["custom", "netchan/bytes"]], blobs: [new Uint8Array(17 * 2 ** 20)] }),
      "LIMIT_EXCEEDED",
    ],
    ["17 MiB of paths", value({ a: [] }, { refs: { a: ["b".repeat(17 * 2 ** 20)] } }), "LIMIT_EXCEEDED"],
  ])("%s", (_name, given, code) => {
    expect(verdict(given)).toBe(code);
  });
  it("accepts bytes up to the limit, and text of any content", () => {
    const small = new Codec({ limits: { ...defaultLimits, maxValueBytes: 16 + 10 } });
    const bytes = (count: number): WireValue =>
      value([0, "Uint8Array"], { values: [["custom", "netchan/bytes"]], blobs: [new Uint8Array(count)] });
    expect(verdict(bytes(0), small)).toBe("accepted");
    expect(verdict(value("a".repeat(26)), small)).toBe("accepted");
    expect(verdict(value("a".repeat(27)), small)).toBe("LIMIT_EXCEEDED");
    for (const text of ["\ud800", "\u2028", "\ufeff", "\u0000"]) expect(verdict(value(text))).toBe("accepted");
  });
});

describe("keys", () => {
  const parsed = (text: string): WireValue => value(JSON.parse(text));
  it.each<Row>([
    ["__proto__", parsed('{"__proto__":{"a":1}}'), "PROTOCOL_VIOLATION"],
    ["__proto__ within", parsed('[{"a":{"__proto__":1}}]'), "PROTOCOL_VIOLATION"],
    ["constructor", parsed('{"constructor":1}'), "PROTOCOL_VIOLATION"],
    ["prototype", parsed('{"prototype":1}'), "PROTOCOL_VIOLATION"],
    ["__proto__ in a class", value(JSON.parse('{"__proto__":{}}'), { values: [["class", "Point"]] }), "PROTOCOL_VIOLATION"],
    ["__proto__ in an Error", value(JSON.parse('{"name":"E","message":"","__proto__":{}}'), { values: ["Error"] }), "PROTOCOL_VIOLATION"],
    ["__proto__ in a Map's key", value(JSON.parse('[[{"__proto__":1},1]]'), { values: ["map"] }), "PROTOCOL_VIOLATION"],
    ["1e400", parsed('{"a":1e400}'), "PROTOCOL_VIOLATION"],
  ])("refuses %s", (_name, given, code) => {
    expect(verdict(given)).toBe(code);
  });
  it.each(["then", "toJSON", "toString", "valueOf", "hasOwnProperty", "__defineGetter__", "length"])("takes data under %s", (key) => {
    expect(verdict(value({ [key]: 1, a: { [key]: "x" } }))).toBe("accepted");
    expect(verdict(value({ [key]: null }, { values: { [key]: ["undefined"] } }))).toBe("accepted");
  });
});

describe("the form of annotations", () => {
  it.each<readonly [string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["a text", "abc"],
    ["an array", []],
    ["no version", {}],
    ["version 0", { v: 0 }],
    ["version -5", { v: -5 }],
    ["version 99", { v: 99 }],
    ["a text for a version", { v: "1" }],
    ["more than annotations", { v: 1, more: 1 }],
    ["a text for values", { v: 1, values: "abc" }],
    ["a number for values", { v: 1, values: 5 }],
    ["null for values", { v: 1, values: null }],
    ["an empty annotation", { v: 1, values: [] }],
    ["a long annotation", { v: 1, values: ["map", {}, 1] }],
    ["children that are no object", { v: 1, values: ["map", "x"] }],
    ["a type by itself", { v: 1, values: { a: "Date" } }],
    ["a tree within a tree", { v: 1, values: { a: { b: ["Date"] } } }],
    ["null for references", { v: 1, referentialEqualities: null }],
    ["a text for references", { v: 1, referentialEqualities: "a" }],
    ["no root references", { v: 1, referentialEqualities: [] }],
    ["empty root references", { v: 1, referentialEqualities: [[]] }],
    ["three parts of references", { v: 1, referentialEqualities: [["a"], {}, {}] }],
    ["references to a text", { v: 1, referentialEqualities: { a: "b" } }],
    ["references to numbers", { v: 1, referentialEqualities: { a: [1] } }],
    ["20 000 levels", { v: 1, values: JSON.parse(`${'["map",{"a":'.repeat(20_000)}["Date"]${"}]".repeat(20_000)}`) }],
  ])("refuses %s", (_name, meta) => {
    expect(verdict(value({ a: { b: null } }, { meta }))).toBe("PROTOCOL_VIOLATION");
  });

  it.each([
    "constructor",
    "__proto__",
    "toString",
    "unknown",
    "typed-array",
    "",
    5,
    null,
    {},
    [],
    ["custom"],
    ["class", 5],
    ["class", "a", "b"],
    ["typed-array", "Float64Array"],
    ["constructor", "x"],
    [["custom"], "x"],
  ])("refuses the type %j", (type) => {
    expect(verdict(value(2e8, { values: [type] }))).toBe("PROTOCOL_VIOLATION");
  });

  it.each([
    ["class", "__proto__"],
    ["class", "constructor"],
    ["class", "Missing"],
    ["custom", "constructor"],
    ["custom", "toString"],
    ["custom", "__proto__"],
    ["custom", "hasOwnProperty"],
    ["symbol", "__proto__"],
    ["symbol", "Missing"],
  ])("what is not registered: %s %s", (family, name) => {
    expect(verdict(value({}, { values: [[family, name]] }))).toBe("DECODE_FAILED");
    expect(verdict(value({}, { values: [[family, name]] }), bare)).toBe("DECODE_FAILED");
  });
});

describe("paths", () => {
  const json = { a: { b: [1, null] }, "x.y": null, s: "text", n: null, e: [] };
  it.each([
    "missing",
    "a.missing",
    "a.b.2",
    "a.b.-1",
    "a.b.01",
    "a.b.1e0",
    "a.b. 1",
    "a.b.length",
    "a.b.push",
    "a.b.4294967294",
    "e.0",
    "s.0",
    "s.length",
    "n.x",
    "__proto__",
    "__proto__.x",
    "constructor",
    "constructor.prototype.x",
    "a.constructor",
    "a.hasOwnProperty",
    "a\\.b",
    "x.y",
    "a\\",
    "a\\b",
    ".",
    "",
    "a..b",
    ".".repeat(100_000),
    "a.".repeat(50_000),
  ])("refuses %.30s", (path) => {
    for (const parts of [{ values: { [path]: ["undefined"] } }, { refs: { a: [path] } }, { refs: { [path]: ["n"] } }] as Parts[])
      expect(verdict(value(json, parts))).toBe("PROTOCOL_VIOLATION");
  });
  it("takes own members and elements, escaped as superjson does", () => {
    expect(verdict(value(json, { values: { "x\\.y": ["undefined"], "a.b.1": ["undefined"], n: ["undefined"] } }))).toBe("accepted");
    expect(verdict(value({ "": { "\\": null } }, { values: { ".\\\\": ["undefined"] } }))).toBe("accepted");
  });
  it("refuses two types in one place, however it is written", () => {
    expect(verdict(value([[[1, null]]], { values: { "0": ["map", { "0.1": ["undefined"] }], "0.0.1": ["undefined"] } }))).toBe(
      "PROTOCOL_VIOLATION",
    );
  });
  it("is quick with very many", () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`${index}`, ["undefined"]]));
    expect(verdict(value([null], { values: many }))).toBe("PROTOCOL_VIOLATION");
    const all = Object.fromEntries(Array.from({ length: 99_000 }, (_, index) => [`${index}`, ["undefined"]]));
    expect(
      verdict(
        value(
          Array.from({ length: 99_000 }, () => null),
          { values: all },
        ),
      ),
    ).toBe("accepted");
    expect(verdict(value({ a: [] }, { refs: { a: Array.from({ length: 100_000 }, () => "b") } }))).toBe("PROTOCOL_VIOLATION");
  });
});

describe("references", () => {
  it.each<readonly [string, unknown, unknown]>([
    ["the hang: a.push under then", { a: [], [then]: null }, { "a.push": ["then"] }],
    ["the hang, without the placeholder", { a: [] }, { "a.push": ["then"] }],
    ["the hang within", { b: { a: [], [then]: null } }, { "b.a.push": ["b.then"] }],
    ["toJSON", { a: [], toJSON: null }, { "a.concat": ["toJSON"] }],
    ["a function of a text", { a: "x", b: null }, { "a.at": ["b"] }],
    ["a place that is not there", { a: {} }, { a: ["b"] }],
    ["an array made longer", { a: {}, b: [] }, { a: ["b.4294967294"] }],
    ["a place with a value", { a: {}, b: {} }, { a: ["b"] }],
    ["a place before its source", { b: null, a: {} }, { a: ["b"] }],
    ["itself", { a: null }, { a: ["a"] }],
    ["a reference", { a: {}, b: null, c: null }, { a: ["b"], b: ["c"] }],
    ["two sources", { a: {}, b: {}, c: null }, { a: ["c"], b: ["c"] }],
    ["twice the same", { a: {}, c: null }, { a: ["c", "c"] }],
    ["a primitive", { a: 5, b: null }, { a: ["b"] }],
    ["null", { a: null, b: null }, { a: ["b"] }],
    ["the root in place of the root", null, [[""]]],
    ["a way through a reference", { a: { x: {} }, b: null, c: null }, { a: ["b"], "b.x": ["c"] }],
  ])("refuses %s", (_name, json, refs) => {
    expect(verdict(value(json, { refs }))).toBe("PROTOCOL_VIOLATION");
  });
  it.each<readonly [string, unknown, Parts]>([
    ["a pair of a Map as a source", [[[1, 2]], null], { values: { "0": ["map"] }, refs: { "0.0": ["1"] } }],
    ["a pair of a Map as a place", [{}, [null]], { values: { "1": ["map"] }, refs: { "0": ["1.0"] } }],
    ["a whole pair of a Map as a place", [{}, [[1, 2]]], { values: { "1": ["map"] }, refs: { "0": ["1.0"] } }],
    ["an annotated pair of a Map", [[[1, 2]]], { values: { "0": ["map", { "0": ["set"] }] } }],
    ["a place with a type", { a: {}, b: null }, { values: { b: ["undefined"] }, refs: { a: ["b"] } }],
    ["the name of an Error", { a: {}, e: { name: null, message: "" } }, { values: { e: ["Error"] }, refs: { a: ["e.name"] } }],
    ["the inside of a Date", { a: {}, d: "1970-01-01T00:00:00.000Z" }, { values: { d: ["Date"] }, refs: { a: ["d.0"] } }],
    [
      "the inside of bytes",
      { a: {}, d: [null, "Uint8Array"] },
      { values: { d: [["custom", "netchan/bytes"]] }, refs: { a: ["d.0"] }, blobs: [new Uint8Array(1)] },
    ],
    ["a custom type from within itself", { c: [null] }, { values: { c: [["custom", "as-is"]] }, refs: { c: ["c.0"] } }],
  ])("refuses %s", (_name, json, parts) => {
    expect(verdict(value(json, parts))).toBe("PROTOCOL_VIOLATION");
  });
  it("what it accepts can be encoded again", () => {
    const given = value({ a: null, b: { root: null, c: [null] }, d: null }, { refs: [["a", "b.root"], { b: ["b.c.0", "d"] }] });
    expect(verdict(given)).toBe("accepted");
    const decoded = codec.decode(given, []) as { a: unknown; b: { c: unknown[] }; d: unknown };
    expect([decoded.a === decoded, decoded.b.c[0] === decoded.b, decoded.d === decoded.b]).toEqual([true, true, true]);
    const again = codec.encode(decoded);
    expect(JSON.parse(again.json)).toEqual(given.json);
    expect(JSON.parse(again.meta ?? "")).toEqual(given.meta);
  });
});

describe("leaves", () => {
  const iso = "1970-01-01T00:00:00.000Z";
  it.each<readonly [string, readonly unknown[], readonly unknown[]]>([
    ["undefined", [null], [0, "", false, {}, []]],
    ["bigint", ["0", "-5", "9".repeat(4_096)], ["", "9".repeat(4_097), "1n", " 1", "0x1", "1e3", "+1", 5, true, [], null, {}, "-", "٣"]],
    ["number", ["NaN", "Infinity", "-Infinity", "-0"], ["0", "1e400", "", 0, null, {}, [], "constructor"]],
    [
      "Date",
      [iso, "+275760-09-13T00:00:00.000Z", "-271821-04-20T00:00:00.000Z"],
      [
        "nope",
        "",
        "275761",
        "+275760-09-13T00:00:00.001Z",
        "2020-02-30T00:00:00.000Z",
        "1970-01-01",
        0,
        8.65e15,
        {},
        [],
        null,
        [iso],
        `${iso} `,
      ],
    ],
    [
      "regexp",
      ["/a/", "/a\\/b/giu", "/(?:)/", `/${"a".repeat(1_024)}/`, "/(a+)+$/"],
      [5, null, {}, [], "", "/", "//", "a", "/a", `/${"a".repeat(1_025)}/`, `/${"a|".repeat(140_000)}/`, "/a/GG", "/a/ggggggggggggg"],
    ],
    ["URL", ["https://a/", "javascript:1", "http://u:p@h/", "data:,x"], [5, null, {}, []]],
  ])("%s", (type, good, bad) => {
    for (const json of good) expect([json, verdict(value([json], { values: { "0": [type] } }))]).toEqual([json, "accepted"]);
    for (const json of bad) expect([json, verdict(value([json], { values: { "0": [type] } }))]).toEqual([json, "PROTOCOL_VIOLATION"]);
    expect(verdict(value(good[0], { values: [type, { "0": ["undefined"] }] }))).toBe("PROTOCOL_VIOLATION");
  });
  it("says DECODE_FAILED for what is only not understood here", () => {
    for (const [type, json] of [
      ["regexp", "/a/zz"],
      ["regexp", "/(/"],
      ["regexp", "/[/"],
      ["URL", "::::"],
      ["URL", ""],
      ["URL", "no url"],
    ])
      expect(verdict(value(json, { values: [type] }))).toBe("DECODE_FAILED");
  });
  it("a symbol", () => {
    expect(verdict(value("s", { values: [["symbol", "sym"]] }))).toBe("accepted");
    expect(verdict(value({}, { values: [["symbol", "sym"]] }))).toBe("PROTOCOL_VIOLATION");
  });
});

describe("containers", () => {
  it.each<readonly [string, unknown, unknown]>([
    ["a Map of a text", "ab", ["map"]],
    ["a Map of an object", {}, ["map"]],
    ["a Map of primitives", [1], ["map"]],
    ["a Map of short pairs", [[1]], ["map"]],
    ["a Map of long pairs", [[1, 2, 3]], ["map"]],
    ["a Map of texts of two", ["ab"], ["map"]],
    ["a Map of objects like pairs", [{ 0: 1, 1: 2, length: 2 }], ["map"]],
    ["a Set of a text", "abc", ["set"]],
    ["a Set of an object", { length: 1 }, ["set"]],
    ["a Set of null", null, ["set"]],
    ["an Error of an array", [], ["Error"]],
    ["an Error of a text", "x", ["Error"]],
    ["an Error without a name", { message: "" }, ["Error"]],
    ["an Error without a message", { name: "" }, ["Error"]],
    ["an Error whose message is an object", { name: "E", message: {} }, ["Error"]],
    ["an Error whose name is annotated", { name: "E", message: "", cause: null }, ["Error", { name: ["set"] }]],
    ["an Error whose name is a BigInt", { name: "5", message: "" }, ["Error", { name: ["bigint"] }]],
    ["an Error with a stack", { name: "E", message: "", stack: "at home" }, ["Error"]],
    ["an Error with a long name", { name: "E".repeat(257), message: "" }, ["Error"]],
    ["an Error with a long message", { name: "E", message: "m".repeat(65_537) }, ["Error"]],
    ["an instance of an array", [], [["class", "Point"]]],
    ["an instance of a text", "x", [["class", "Point"]]],
    ["an instance of null", null, [["class", "Point"]]],
  ])("refuses %s", (_name, json, values) => {
    expect(verdict(value(json, { values }))).toBe("PROTOCOL_VIOLATION");
  });
  it("refuses members that this side does not allow", () => {
    expect(verdict(value({ name: "E", message: "", code: 1 }, { values: ["Error"] }))).toBe("DECODE_FAILED");
    expect(verdict(value({ only: 1, more: 2 }, { values: [["class", "Narrow"]] }))).toBe("DECODE_FAILED");
    expect(verdict(value({ only: 1 }, { values: [["class", "Narrow"]] }))).toBe("accepted");
  });
  it("takes doubled keys and elements", () => {
    const doubled = value(
      [
        [1, 2],
        [1, 3],
      ],
      { values: ["map"] },
    );
    codec.check(doubled, []);
    expect(codec.decode(doubled, [])).toEqual(new Map([[1, 3]]));
    expect(verdict(value([1, 1, 1], { values: ["set"] }))).toBe("accepted");
  });
  it("makes Map keys that refer to the Map, and echoes them", () => {
    const given = value(
      {
        m: [
          [null, 1],
          [[null], 2],
        ],
      },
      { values: { m: ["map"] }, refs: { m: ["m.0.0", "m.1.0.0"] } },
    );
    expect(verdict(given)).toBe("accepted");
    const decoded = codec.decode(given, []) as { m: Map<unknown, unknown> };
    expect(decoded.m.get(decoded.m)).toBe(1);
    expect(JSON.parse(codec.encode(decoded).json)).toEqual(given.json);
  });
});

describe("custom types", () => {
  it("are tried in the check, so that decoding cannot fail", () => {
    tried = 0;
    expect(verdict(value("bad", { values: [["custom", "picky"]] }))).toBe("DECODE_FAILED");
    expect(tried).toBe(1);
    expect(verdict(value("good", { values: [["custom", "picky"]] }))).toBe("accepted");
  });
  it("cannot change the value while they are tried", () => {
    const own = new SuperJSON();
    own.registerCustom<unknown[], never>(
      {
        isApplicable: (_value): _value is unknown[] => false,
        serialize: () => [] as never,
        deserialize: (json: unknown[]) => {
          json.push(1);
          (json[0] as unknown[]).push(2);
          return json;
        },
      },
      "grow",
    );
    const at = new Codec({ superjson: own, limits: defaultLimits });
    const given = value([[7]], { values: [["custom", "grow"]] });
    at.check(given, []);
    at.check(given, []);
    expect(at.decode(given, [])).toEqual([[7, 2], 1]);
  });
});

describe("channel ends", () => {
  const end = ["custom", "netchan/end"];
  it.each<readonly [string, unknown, Parts, number]>([
    ["an index beyond them", 1, { values: [end], ends: 1 }, 1],
    ["a negative index", -1, { values: [end], ends: 1 }, 1],
    ["half an index", 0.5, { values: [end], ends: 1 }, 1],
    ["a text for an index", "0", { values: [end], ends: 1 }, 1],
    ["an end that is not used", [0], { values: { "0": [end] }, ends: 2 }, 2],
    ["ends beside plain JSON", 5, { ends: 1 }, 1],
    ["another count than came", 0, { values: [end], ends: 1 }, 2],
    ["annotations within an end", 0, { values: [end, { a: ["undefined"] }], ends: 1 }, 1],
  ])("refuses %s", (_name, json, parts, count) => {
    const given = value(json, parts);
    expect(() =>
      codec.check(
        given,
        Array.from({ length: count }, () => "send"),
      ),
    ).toThrow("PROTOCOL_VIOLATION");
  });
  it.each(["then", "toJSON", "toString", "valueOf"])("refuses one under %s, also by a reference", (key) => {
    expect(verdict(value({ [key]: 0 }, { values: { [key]: [end] }, ends: 1 }))).toBe("PROTOCOL_VIOLATION");
    expect(verdict(value({ a: 0, [key]: null }, { values: { a: [end] }, refs: { a: [key] }, ends: 1 }))).toBe("PROTOCOL_VIOLATION");
    expect(verdict(value({ p: { [key]: 0 } }, { values: { p: [["class", "Point"], { [key]: [end] }] }, ends: 1 }))).toBe(
      "PROTOCOL_VIOLATION",
    );
    expect(verdict(value([[key, 0]], { values: ["map", { "0.1": [end] }], ends: 1 }))).toBe("accepted");
  });
  it("takes ends as elements, members and keys", () => {
    expect(
      verdict(
        value([0, { then_: 1 }, [[2, 0]]], {
          values: { "0": [end], "1.then_": [end], "2": ["map", { "0.0": [end], "0.1": [end] }] },
          ends: 3,
        }),
      ),
    ).toBe("accepted");
  });
});

describe("binary", () => {
  const bytes = ["custom", "netchan/bytes"];
  const eight = new Uint8Array(8);
  it.each<readonly [string, unknown, readonly Uint8Array[]]>([
    ["a blob that did not come", [1, "Uint8Array"], [eight]],
    ["a negative index", [-1, "Uint8Array"], [eight]],
    ["a name for an index", ["length", "Uint8Array"], [eight]],
    ["half an index", [0.5, "Uint8Array"], [eight]],
    ["an unknown kind", [0, "DataView"], [eight]],
    ["a kind of the prototype", [0, "constructor"], [eight]],
    ["a number for a kind", [0, 5], [eight]],
    ["no kind", [0], [eight]],
    ["a kind too many", [0, "Uint8Array", 1], [eight]],
    ["an object", { 0: 0, 1: "Uint8Array" }, [eight]],
    ["a cut element", [0, "Float64Array"], [new Uint8Array(9)]],
    ["a blob that is not used", [0, "Uint8Array"], [eight, eight]],
  ])("refuses %s", (_name, json, blobs) => {
    expect(verdict(value(json, { values: [bytes], blobs }))).toBe("PROTOCOL_VIOLATION");
  });
  it("refuses annotations within bytes", () => {
    const inner = { "1": [["symbol", "sym"]] };
    expect(verdict(value([0, "Uint8Array"], { values: [bytes, inner], blobs: [eight] }))).toBe("PROTOCOL_VIOLATION");
  });
  it("refuses a blob used twice, and blobs beside plain JSON", () => {
    expect(
      verdict(
        value(
          [
            [0, "Uint8Array"],
            [0, "Uint8Array"],
          ],
          { values: { "0": [bytes], "1": [bytes] }, blobs: [eight] },
        ),
      ),
    ).toBe("PROTOCOL_VIOLATION");
    expect(verdict(value(1, { blobs: [eight] }))).toBe("PROTOCOL_VIOLATION");
  });
  it.runIf(!("Float16Array" in globalThis))("says DECODE_FAILED for a kind that only newer runtimes have", () => {
    expect(verdict(value([0, "Float16Array"], { values: [bytes], blobs: [eight] }))).toBe("DECODE_FAILED");
  });
});
