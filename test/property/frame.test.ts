/** The laws of batches: what is written is read back, and of what anybody else sends only a NetchanError ever escapes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NetchanError } from "../../src/errors.js";
import { defaultLimits } from "../../src/limits.js";
import { readBatch, writeBatch } from "../../src/wire/batch.js";
import { type CaseTail, type EndKind, type ValueTail, writeValue } from "../../src/wire/frame.js";

const runs = { numRuns: 1_000 };

// ── honest batches ──

const count = fc.oneof(fc.nat(20), fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER));
const text = fc.string({ unit: "binary", maxLength: 12 });
const ref = fc.oneof(
  fc.tuple(fc.constant(1 as const), count),
  fc.tuple(fc.constant(0 as const), count, fc.constantFrom<EndKind>(0, 1, 2, 3), count),
);
const tail = fc.oneof(
  fc.record({
    json: fc.jsonValue(),
    meta: fc.constant(undefined),
    refs: fc.constant([] as const),
    blobs: fc.constant([] as const),
  }),
  fc.record({
    json: fc.jsonValue(),
    meta: fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined }),
    refs: fc.array(ref, { maxLength: 3 }),
    blobs: fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 3 }),
  }),
);

interface Written {
  readonly text: string;
  readonly blobs: readonly Uint8Array[];
  /** What reading it has to give. */
  readonly shows: readonly unknown[];
}
type Part = { readonly text: string; readonly blobs: readonly Uint8Array[]; readonly shows: unknown };

function part(value: number | string | null): Part {
  return { text: `,${JSON.stringify(value)}`, blobs: [], shows: value };
}
/** JSON as it is after one trip: -0 is 0, and an undefined member is none. */
function afterTrip<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}
function writeTail({ json, meta, refs, blobs }: ValueTail): string {
  return writeValue({ json: JSON.stringify(json), meta: meta === undefined ? undefined : JSON.stringify(meta), refs, blobs });
}
function showTail(value: ValueTail): unknown {
  return {
    ...afterTrip({ json: value.json, refs: value.refs }),
    meta: afterTrip(value.meta),
    blobs: value.blobs.map((blob) => Array.from(blob)),
  };
}
const counts = count.map(part);
/** What a value says of its own size: nobody may declare less than he sends. */
const sizes = fc.integer({ min: 1_000_000, max: Number.MAX_SAFE_INTEGER }).map(part);
const texts = text.map(part);
const optionalTexts = fc.option(text).map(part);
const indexes = fc.oneof(count, fc.constant(-1)).map(part);
const tails = tail.map((value): Part => ({ text: writeTail(value), blobs: value.blobs, shows: showTail(value) }));
const size = fc.integer({ min: 1_000_000, max: 1_000_000_000 });
const oneCase = fc.oneof(
  count.map((end) => ({ end })),
  fc.record({ end: count, operation: count, size, value: tail }),
);
const cases = fc.array(oneCase, { minLength: 1, maxLength: 3 }).map((all): Part => {
  const parts = all.map((one) => ("value" in one ? { ...one, blobs: one.value.blobs } : { ...one, blobs: [] }));
  const write = (one: (typeof all)[number]): string =>
    "value" in one ? `[${one.end},${one.operation},${one.size}${writeTail(one.value)}]` : `[${one.end}]`;
  return {
    text: `,[${all.map(write).join(",")}]`,
    blobs: parts.flatMap(({ blobs }) => blobs),
    shows: all.map((one) => ("value" in one ? { ...one, value: showTail(one.value) } : one)),
  };
});

const shapes: Readonly<Record<string, readonly fc.Arbitrary<Part>[]>> = {
  ready: [],
  window: [counts],
  send: [counts, counts, sizes, tails],
  case: [counts, counts, texts, counts],
  grant: [counts, counts, tails],
  decline: [counts, counts, counts],
  refuse: [counts, counts, texts, texts],
  close: [counts, optionalTexts],
  try: [counts, cases],
  select: [counts, cases],
  quit: [counts],
  failed: [counts, counts, texts, texts, optionalTexts],
  offer: [counts, counts, counts, optionalTexts, tails],
  tried: [counts, indexes, optionalTexts, optionalTexts, optionalTexts],
  gave: [counts, indexes, counts, tails],
};
const numbered = fc.constantFrom(...Object.keys(shapes)).chain((type) =>
  fc.tuple(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), ...(shapes[type] ?? [])).map(
    ([number, ...parts]): Written => ({
      text: `[${number},"${type}"${parts.map((one) => one.text).join("")}]`,
      blobs: parts.flatMap((one) => one.blobs),
      shows: [number, type, ...parts.map((one) => one.shows)],
    }),
  ),
);
const control = fc
  .constantFrom("ack", "ping", "pong")
  .chain((type) => count.map((value): Written => ({ text: `["${type}",${value}]`, blobs: [], shows: [undefined, type, value] })));
const frames = fc.array(fc.oneof({ weight: 5, arbitrary: numbered }, { weight: 1, arbitrary: control }), { minLength: 1, maxLength: 6 });

function isTail(field: unknown): field is ValueTail {
  return typeof field === "object" && field !== null && Object.hasOwn(field, "blobs") && Object.hasOwn(field, "refs");
}
function show(type: string, field: unknown): unknown {
  if ((type === "try" || type === "select") && Array.isArray(field))
    return (field as CaseTail[]).map(({ end, send }) => (send === undefined ? { end } : { end, ...send, value: showTail(send.value) }));
  return isTail(field) ? showTail(field) : field;
}

function write(written: readonly Written[]): string | Uint8Array {
  return writeBatch(
    written.map((frame) => frame.text),
    written.flatMap((frame) => [...frame.blobs]),
  );
}
/** Only a NetchanError of the one code may escape. */
function survives(batch: string | Uint8Array): void {
  try {
    readBatch(batch, defaultLimits.maxNodes);
  } catch (error) {
    if (!NetchanError.is(error) || error.code !== "PROTOCOL_VIOLATION") throw error;
  }
}

describe("a batch", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(frames, (written) => {
        const read = readBatch(write(written), defaultLimits.maxNodes).map(({ number, type, fields }) => [
          number,
          type,
          ...fields.map((field) => show(type, field)),
        ]);
        expect(read).toEqual(written.map((frame) => frame.shows));
      }),
      runs,
    );
  });

  it("is text unless something in it is binary", () => {
    fc.assert(
      fc.property(frames, (written) => {
        expect(typeof write(written) === "string").toBe(written.every((frame) => frame.blobs.length === 0));
      }),
      runs,
    );
  });
});

describe("a hostile batch", () => {
  it("of any text is refused as a violation", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (batch) => survives(batch)),
      runs,
    );
  });

  it("of any bytes is refused as a violation", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (batch) => survives(batch)),
      runs,
    );
  });

  it("of any JSON is refused as a violation", () => {
    const wild = fc.oneof(
      fc.jsonValue(),
      fc.array(fc.array(fc.oneof(fc.constantFrom(...Object.keys(shapes), "ack", "__proto__"), fc.jsonValue()))),
    );
    fc.assert(
      fc.property(wild, (value) => survives(JSON.stringify(value))),
      runs,
    );
  });

  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    remove: fc.nat(4),
    insert: fc.oneof(
      fc.constantFrom("[", "]", ",", "-", "null", "1e999", '"', "{}", "\\u0000", "[0,", "]]", "__proto__"),
      fc.string({ maxLength: 3 }),
    ),
  });

  it("changed anywhere in its text is read or refused as a violation", () => {
    fc.assert(
      fc.property(frames, fc.array(mutation, { minLength: 1, maxLength: 4 }), (written, mutations) => {
        let batch = `[${written.map((frame) => frame.text).join(",")}]`;
        for (const { at, remove, insert } of mutations) {
          const place = Math.floor(at * batch.length);
          batch = batch.slice(0, place) + insert + batch.slice(place + remove);
        }
        survives(batch);
        const blobs = written.flatMap((frame) => [...frame.blobs]);
        const whole = writeBatch([batch.slice(1, -1)], blobs.length === 0 ? [Uint8Array.of(1)] : blobs);
        survives(whole);
      }),
      runs,
    );
  });

  it("changed in any byte, cut or prolonged is read or refused as a violation", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(frames, changes, fc.nat(), fc.uint8Array({ maxLength: 4 }), (written, bytes, cut, more) => {
        const batch = writeBatch(
          written.map((frame) => frame.text),
          [...written.flatMap((frame) => [...frame.blobs]), Uint8Array.of(1)],
        ) as Uint8Array;
        const changed = batch.slice();
        for (const [at, byte] of bytes) changed[at % changed.length] = byte;
        survives(changed);
        survives(batch.slice(0, cut % batch.length));
        survives(Uint8Array.from([...batch, ...more]));
      }),
      runs,
    );
  });

  it("never gives fields of another kind than its type says", () => {
    const field = fc.oneof(fc.jsonValue({ maxDepth: 1 }), count, text, fc.constant(-1), fc.constant(null));
    const some = fc.tuple(fc.oneof(count, field), fc.constantFrom(...Object.keys(shapes)), fc.array(field, { maxLength: 7 }));
    fc.assert(
      fc.property(some, ([number, type, fields]) => {
        let read: ReturnType<typeof readBatch>;
        try {
          read = readBatch(JSON.stringify([[number, type, ...fields]]), defaultLimits.maxNodes);
        } catch (error) {
          if (NetchanError.is(error)) return;
          throw error;
        }
        const [frame] = read;
        expect(frame?.number).toBeGreaterThan(0);
        expect(frame?.fields).toHaveLength(shapes[type]?.length ?? -1);
        if (type !== "try" && type !== "tried" && type !== "gave" && frame !== undefined && frame.fields.length > 0)
          expect(frame.fields[0]).toSatisfy((first: unknown) => Number.isSafeInteger(first) && (first as number) >= 0);
      }),
      runs,
    );
  });
});
