/** The codec's laws: what is encoded passes the check and arrives as it was; whatever else a peer sends is refused by a NetchanError. */
import fc from "fast-check";
import { SuperJSON } from "superjson";
import { describe, expect, it } from "vitest";
import { chan } from "../../src/core/channel.js";
import { portOf } from "../../src/core/end.js";
import { NetchanError } from "../../src/errors.js";
import { defaultLimits } from "../../src/limits.js";
import { Codec, type EncodedValue, type WireValue } from "../../src/wire/codec.js";
import { faultOf } from "../support/planted.js";

class Point {
  x: unknown = 0;
}
class Sealed {
  readonly inner: unknown;
  constructor(inner: unknown) {
    this.inner = inner;
  }
}
const color = Symbol("color");
const mine = new SuperJSON();
mine.registerClass(Point);
mine.registerSymbol(color);
mine.registerCustom<Sealed, never>(
  {
    isApplicable: (value): value is Sealed => value instanceof Sealed,
    serialize: (sealed) => ({ i: sealed.inner }) as never,
    deserialize: (json) => new Sealed((json as { i: unknown }).i),
  },
  "sealed",
);
const codec = new Codec({ superjson: mine, limits: defaultLimits });
const channels = Array.from({ length: 3 }, () => chan());
const ends = channels.flatMap(({ send, receive }) => [send, receive]);

function wire({ json, meta, ends: ports, blobs }: EncodedValue): WireValue {
  return { json: JSON.parse(json), meta: meta === undefined ? undefined : JSON.parse(meta), ends: ports.length, blobs };
}
function arrive(encoded: EncodedValue): unknown {
  const value = wire(encoded);
  codec.check(
    value,
    encoded.ends.map((port) => port.kind),
  );
  return codec.decode(
    value,
    encoded.ends.map((port) => port.end),
  );
}

/** superjson refuses three keys, and a function under four others would be a method. */
const key = fc
  .oneof(
    fc.string({ maxLength: 4 }),
    fc.constantFrom("a.b", "\\", "\\.", "", "0", "1", "then", "length", "name", "message", "cause", "size"),
  )
  .filter((text) => !["__proto__", "constructor", "prototype"].includes(text));
const views = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];
const bytes = fc.tuple(fc.constantFrom(...views), fc.nat(3), fc.uint8Array({ maxLength: 8 })).map(([View, length, content]) => {
  const view = new View(length);
  new Uint8Array(view.buffer).set(content.subarray(0, view.byteLength));
  return view;
});
const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom<unknown>(null, undefined, -0, 0, Number.NaN, Number.POSITIVE_INFINITY, 5n, color, /a\/[/]b/gi, new URL("https://a/b?c")),
  bytes,
  bytes.map((view) => view.buffer),
  fc.constantFrom<unknown>(...ends),
);
const tree = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("node"), { maxLength: 4 }),
    fc.dictionary(key, tie("node"), { maxKeys: 4, noNullPrototype: true }).map(withoutMethods),
    fc.array(fc.tuple(tie("node"), tie("node")), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie("node"), { maxLength: 4 }).map((elements) => new Set(elements)),
    fc.tuple(fc.string(), tie("node")).map(([message, cause]) => new Error(message, { cause })),
    tie("node").map((x) => Object.assign(new Point(), { x })),
    tie("node").map((inner) => new Sealed(inner)),
  ),
})).node;

/** An end under `then` is refused, which other tests say. */
function withoutMethods(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name, member]) => name !== "then" || portOf(member) === undefined));
}

/** Containers, each of which is then joined to some others, so that every kind of sharing and cycle comes up. */
const graph = fc
  .tuple(
    fc.array(fc.constantFrom("object", "array", "map", "set", "point", "error"), { minLength: 1, maxLength: 7 }),
    fc.array(fc.tuple(fc.nat(6), fc.nat(6), fc.nat(6), fc.constantFrom("member", "key", "both")), { maxLength: 20 }),
    fc.array(leaf, { minLength: 3, maxLength: 3 }),
  )
  .map(([kinds, joints, leaves]) => {
    const nodes = kinds.map((kind): object => {
      if (kind === "object") return {};
      if (kind === "array") return [...leaves];
      if (kind === "map") return new Map();
      if (kind === "set") return new Set();
      return kind === "point" ? new Point() : new Error("e");
    });
    for (const [from, to, other, how] of joints) {
      const node = nodes[from % nodes.length] as object;
      const target = nodes[to % nodes.length];
      const more = how === "both" ? nodes[other % nodes.length] : leaves[other % 3];
      if (Array.isArray(node)) node.push(target, more);
      else if (node instanceof Map) node.set(how === "member" ? `k${to}` : target, how === "key" ? more : target);
      else if (node instanceof Set) node.add(target).add(more);
      else if (node instanceof Error) node.cause = target;
      else if (node instanceof Point) node.x = [target, more];
      else Object.assign(node, { [`m${to}`]: target, [`o${other}`]: more });
    }
    return nodes[0];
  });

/** Are two graphs the same shape, identities and all? Deep equality of test tools gives up on cycles through Maps and Sets. */
function sameGraph(left: unknown, right: unknown, met = new Map<unknown, unknown>(), back = new Map<unknown, unknown>()): boolean {
  if (typeof left !== "object" || left === null) return Object.is(left, right);
  if (typeof right !== "object" || right === null) return false;
  if (met.has(left) || back.has(right)) return met.get(left) === right && back.get(right) === left;
  met.set(left, right);
  back.set(right, left);
  const same = (a: unknown, b: unknown): boolean => sameGraph(a, b, met, back);
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  if (left instanceof Map && right instanceof Map) return same([...left].flat(1), [...right].flat(1));
  if (left instanceof Set && right instanceof Set) return same([...left], [...right]);
  if (left instanceof Date || left instanceof RegExp || left instanceof URL || ArrayBuffer.isView(left) || left instanceof ArrayBuffer) {
    expect(right).toStrictEqual(left);
    return true;
  }
  if (left instanceof Error && right instanceof Error)
    return (
      left.name === right.name && left.message === right.message && "cause" in left === "cause" in right && same(left.cause, right.cause)
    );
  const keys = Object.keys(left);
  const members = (object: object): unknown[] => keys.map((name) => (object as Record<string, unknown>)[name]);
  return keys.join("\0") === Object.keys(right).join("\0") && members(left).every((member, index) => same(member, members(right)[index]));
}

describe("encode, check, decode", () => {
  it("gives the value back", () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(sameGraph(value, arrive(codec.encode(value)))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps every identity and closes every cycle", () => {
    fc.assert(
      fc.property(graph, (value) => {
        expect(sameGraph(value, arrive(codec.encode(value)))).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it("writes a decoded value as it was written before", () => {
    fc.assert(
      fc.property(fc.oneof(tree, graph), (value) => {
        const first = codec.encode(value);
        const second = codec.encode(arrive(first));
        expect([second.json, second.meta, second.ends, second.bytes]).toEqual([first.json, first.meta, first.ends, first.bytes]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps to its limits on both sides: what a codec writes, the same codec takes", () => {
    const small = new Codec({ superjson: mine, limits: { maxDepth: 4, maxNodes: 12, maxValueBytes: 1_024 } });
    fc.assert(
      fc.property(fc.oneof(tree, graph), (value) => {
        let encoded: EncodedValue;
        try {
          encoded = small.encode(value);
        } catch (error) {
          expect(NetchanError.is(error)).toBe(true);
          return;
        }
        small.check(
          wire(encoded),
          encoded.ends.map((port) => port.kind),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a peer's value", () => {
  const kinds = fc.constantFrom<unknown>(
    ...["undefined", "bigint", "Date", "regexp", "number", "URL", "map", "set", "Error", "constructor"],
    ...[
      ["class", "Point"],
      ["class", "constructor"],
      ["symbol", "color"],
      ["typed-array", "Uint8Array"],
    ],
    ...[
      ["custom", "sealed"],
      ["custom", "toString"],
      ["custom", "netchan/end"],
      ["custom", "netchan/bytes"],
    ],
  );
  const steps = fc.constantFrom(
    "a",
    "b",
    "then",
    "0",
    "1",
    "cause",
    "name",
    "i",
    "push",
    "length",
    "constructor",
    "__proto__",
    "4294967294",
    "",
  );
  const path = fc.array(steps, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
  const annotations = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, fc.tuple(kinds), fc.tuple(kinds, fc.dictionary(path, tie("node"), { maxKeys: 2 }))),
  })).node;
  const primitives = fc.constantFrom<unknown>(
    null,
    0,
    1,
    "",
    "NaN",
    "5",
    "1970-01-01T00:00:00.000Z",
    "/a/g",
    "http://a/",
    "color",
    "Uint8Array",
    true,
  );
  const json = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      primitives,
      fc.array(tie("node"), { maxLength: 3 }),
      fc.array(fc.tuple(tie("node"), tie("node")), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "then", "0", "cause", "i", ""), tie("node"), { maxKeys: 3, noNullPrototype: true }),
      fc.record({ name: fc.constant("E"), message: fc.constant("m"), cause: tie("node") }, { requiredKeys: ["name", "message"] }),
    ),
  })).node;
  const meta = fc.oneof(
    fc.record(
      {
        v: fc.constant(1),
        values: fc.oneof(annotations, fc.dictionary(path, annotations, { maxKeys: 4 })),
        referentialEqualities: fc.oneof(
          fc.dictionary(path, fc.array(path, { minLength: 1, maxLength: 2 }), { maxKeys: 2 }),
          fc.tuple(fc.array(path, { minLength: 1, maxLength: 2 })),
        ),
      },
      { requiredKeys: ["v"] },
    ),
    fc.jsonValue(),
  );
  const blobs = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 2 });

  /** Accepted means that it decodes, holds no function but the ends that came, and can be sent on. */
  function examine(value: WireValue): "accepted" | "refused" {
    const given = Array.from({ length: value.ends }, (_, index) => ends[index * 2] as (typeof ends)[number]);
    try {
      codec.check(
        value,
        given.map(() => "send"),
      );
    } catch (error) {
      if (!NetchanError.is(error)) throw error;
      expect(["LIMIT_EXCEEDED", "DECODE_FAILED", "PROTOCOL_VIOLATION"]).toContain(error.code);
      return "refused";
    }
    const decoded = codec.decode(value, given);
    expect(faultOf(decoded, () => undefined, [Point.prototype, Sealed.prototype])).toBe(undefined);
    codec.encode(decoded);
    return "accepted";
  }

  it("of any shape is refused by a NetchanError, or can be decoded and sent on", () => {
    let accepted = 0;
    fc.assert(
      fc.property(json, fc.option(meta, { nil: undefined }), fc.nat(2), blobs, (tree, annotated, count, beside) => {
        const value = {
          json: structuredClone(tree),
          meta: annotated === undefined ? undefined : (JSON.parse(JSON.stringify(annotated)) as unknown),
          ends: count,
          blobs: beside,
        };
        if (examine(value) === "accepted") accepted++;
      }),
      { numRuns: 10_000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it("with anything under any key, in anything, the same", () => {
    const names = "a then toJSON toString valueOf __proto__ constructor prototype hasOwnProperty length cause name message stack i".split(
      " ",
    );
    const shells: readonly (readonly [json: (inner: string) => string, path: string, kind: unknown])[] = [
      [(inner) => inner, "", undefined],
      [(inner) => `[${inner}]`, "0.", undefined],
      [(inner) => `{"b":${inner}}`, "b.", undefined],
      [(inner) => inner, "", ["class", "Point"]],
      [(inner) => `{"name":"E","message":"m","cause":${inner}}`, "cause.", "Error"],
    ];
    const things = ["0", "null", '"5"', "[]", "{}", "[[0,1]]", '"1970-01-01T00:00:00.000Z"', '{"name":"E","message":"m"}'];
    const types = [undefined, ...fc.sample(kinds, { numRuns: 200, seed: 1 }).map((kind) => JSON.stringify(kind))];
    let accepted = 0;
    for (const type of new Set(types))
      for (const name of names)
        for (const [shell, path, kind] of shells)
          for (const thing of things) {
            const inner = type === undefined ? {} : { [`${path}${name}`]: [JSON.parse(type) as unknown] };
            const values = kind === undefined || kind === "Error" ? inner : [kind, inner];
            const json = JSON.parse(shell(`{"${name}":${thing}}`)) as unknown;
            const refs = type === '["custom","netchan/end"]' ? 1 : 0;
            const meta = JSON.parse(JSON.stringify({ v: 1, values: kind === "Error" ? [kind, inner] : values })) as unknown;
            if (examine({ json, meta, ends: refs, blobs: [] }) === "accepted") accepted++;
          }
    expect(accepted).toBeGreaterThan(100);
  });

  it("changed in one place after an honest encoder wrote it, the same", () => {
    fc.assert(
      fc.property(
        fc.oneof(tree, graph),
        fc.nat(),
        fc.nat(),
        fc.oneof(steps, path, kinds, primitives, fc.constantFrom<unknown>({}, [], [[]])),
        (value, where, depth, change) => {
          const encoded = codec.encode(value);
          const honest = wire(encoded);
          const changed = { json: honest.json, meta: honest.meta };
          let place: object = changed;
          for (let level = depth % 6; level >= 0; level--) {
            const keys = Object.keys(place);
            const name = keys[where % Math.max(1, keys.length)];
            if (name === undefined) break;
            const inner = (place as Record<string, unknown>)[name];
            if (level === 0 || typeof inner !== "object" || inner === null) Object.assign(place, { [name]: structuredClone(change) });
            else place = inner;
          }
          examine({ ...honest, ...(JSON.parse(JSON.stringify(changed)) as object) });
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
