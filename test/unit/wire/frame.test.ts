/** Batches and frames beyond the vectors: what they cost, what they share with the bytes they came in, and what they may not understate. */
import { describe, expect, it } from "vitest";
import { NetchanError } from "../../../src/errors.js";
import { defaultLimits } from "../../../src/limits.js";
import { readBatch, writeBatch } from "../../../src/wire/batch.js";
import { type ValueTail, writeValue } from "../../../src/wire/frame.js";

function errorOf(act: () => unknown): NetchanError {
  try {
    act();
  } catch (error) {
    if (NetchanError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
/** Bytes with the text and the sidecars given, and another length for the text if that is given. */
function bytesOf(text: string, sidecars: readonly number[] = [], length?: number): Uint8Array {
  const json = new TextEncoder().encode(text);
  const batch = new Uint8Array(4 + json.length + sidecars.length);
  new DataView(batch.buffer).setUint32(0, length ?? json.length);
  batch.set(json, 4);
  batch.set(sidecars, 4 + json.length);
  return batch;
}
function tailOf(batch: string | Uint8Array): ValueTail {
  const [frame] = readBatch(batch, defaultLimits.maxNodes);
  if (frame?.type !== "send") throw new Error("not a send");
  return frame.fields[3];
}
const plain = { meta: undefined, refs: [], blobs: [] };

describe("readBatch", () => {
  it("gives the frames in the order of the batch, numbered or not", () => {
    const frames = readBatch('[["ack",3],[4,"take",2,1],["ping",7],[5,"bye"]]', defaultLimits.maxNodes);
    expect(frames.map(({ number, type }) => [number, type])).toEqual([
      [undefined, "ack"],
      [4, "take"],
      [undefined, "ping"],
      [5, "bye"],
    ]);
  });

  it("takes the last of two members with one name, as JSON.parse does", () => {
    expect(tailOf('[[1,"send",1,1,20,{"a":1,"a":2}]]').json).toEqual({ a: 2 });
  });

  it("keeps own members named like the language's machinery for the guard to judge", () => {
    expect(Object.keys(tailOf('[[1,"send",1,1,20,{"__proto__":{"x":1}}]]').json as object)).toEqual(["__proto__"]);
  });

  it("reads bytes that begin in the middle of a buffer", () => {
    const inner = bytesOf('[[1,"send",1,1,8,0,null,[],[2]]]', [7, 8]);
    const outer = new Uint8Array(inner.length + 10);
    outer.set(inner, 5);
    expect(Array.from(tailOf(outer.subarray(5, 5 + inner.length)).blobs[0] ?? [])).toEqual([7, 8]);
  });

  it("shares a sidecar that is most of the batch, and copies one that would keep the rest alive", () => {
    const batch = bytesOf('[[1,"send",1,1,203,0,null,[],[1,0,200]]]', [1, ...Array<number>(200).fill(2)]);
    const [small, none, large] = tailOf(batch).blobs;
    expect([small, none, large].map((blob) => Array.from(new Set(blob)))).toEqual([[1], [], [2]]);
    expect([small, none, large].map((blob) => blob?.buffer === batch.buffer)).toEqual([false, false, true]);
  });

  it("survives JSON that is nested a hundred thousand deep", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(Array.isArray(tailOf(`[[1,"send",1,1,200000,${deep}]]`).json)).toBe(true);
    expect(errorOf(() => readBatch(deep, defaultLimits.maxNodes)).code).toBe("PROTOCOL_VIOLATION");
  });

  it("accepts a value of the size it gives for itself, in any characters", () => {
    for (const text of ["x".repeat(100_000), "漢".repeat(100_000), "🍵".repeat(50_000)]) {
      const frame = `[1,"send",1,1,${text.length + 2},"${text}"]`;
      expect(tailOf(`[${frame}]`).json).toBe(text);
      expect(tailOf(bytesOf(`[${frame}]`)).json).toBe(text);
    }
  });

  it.each(["send", "value"])("refuses a %s that is far larger than it says: windows count what it says", (type) => {
    expect(errorOf(() => readBatch(`[[1,"${type}",1,1,5,"${"x".repeat(100_000)}"]]`, defaultLimits.maxNodes)).code).toBe(
      "PROTOCOL_VIOLATION",
    );
    expect(
      errorOf(() => readBatch(bytesOf(`[[1,"${type}",1,1,5,0,null,[],[100000]]]`, Array(100_000).fill(1)), defaultLimits.maxNodes)).code,
    ).toBe("PROTOCOL_VIOLATION");
  });

  it.each([
    '[1,"close",1,"LONG"]',
    '[1,"refuse",2,1,"VALUE_REFUSED","LONG"]',
    '[1,"failed",1,1,"VALUE_REFUSED","LONG",null]',
    '["end","SESSION_CLOSED","LONG"]',
  ])("refuses a text longer than anybody reads: %s", (frame) => {
    expect(errorOf(() => readBatch(`[${frame.replace("LONG", "x".repeat(20_000))}]`, defaultLimits.maxNodes)).code).toBe(
      "PROTOCOL_VIOLATION",
    );
    expect(readBatch(`[${frame.replace("LONG", "x".repeat(1_000))}]`, defaultLimits.maxNodes)).toHaveLength(1);
  });

  it.each(['[1,"offer",2,1,0,null,"LONG"]', '[1,"gave",1,0,0,"LONG"]', '[1,"grant",5,1,"LONG"]', '[1,"try",1,[[5,1,0,"LONG"]]]'])(
    "accepts a value of any size where it was asked for: %s",
    (frame) => {
      expect(readBatch(`[${frame.replace("LONG", "x".repeat(100_000))}]`, defaultLimits.maxNodes)).toHaveLength(1);
    },
  );

  it("says what is wrong without repeating what the peer wrote", () => {
    for (const batch of [
      '[["s3cret",1]]',
      '[[1,"s3cret"]]',
      '[[1,"take","s3cret",1]]',
      "s3cret",
      '[[1,"send",1,1,5,0,null,[["s3cret"]],[]]]',
    ]) {
      const { message } = errorOf(() => readBatch(batch, defaultLimits.maxNodes));
      expect(message).toMatch(/^\[PROTOCOL_VIOLATION\] /);
      expect(message).not.toContain("s3cret");
    }
  });

  it("finds nothing in what objects inherit", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"]) {
      expect(errorOf(() => readBatch(`[[1,"${name}"]]`, defaultLimits.maxNodes)).code).toBe("PROTOCOL_VIOLATION");
      expect(errorOf(() => readBatch(`[["${name}",1]]`, defaultLimits.maxNodes)).code).toBe("PROTOCOL_VIOLATION");
    }
  });

  it("reads ten thousand frames in a moment", () => {
    const frames = Array.from({ length: 10_000 }, (_, index) => `[${index + 1},"take",2,${index + 1}]`);
    expect(readBatch(`[${frames.join(",")}]`, defaultLimits.maxNodes)).toHaveLength(10_000);
  });
});

describe("writeBatch", () => {
  it("is text when nothing is binary", () => {
    expect(writeBatch(['[1,"ready"]', '["ack",0]'], [])).toBe('[[1,"ready"],["ack",0]]');
  });

  it("is the length of the text, the text in UTF-8 and the sidecars otherwise", () => {
    const text = '[1,"send",1,1,9,"漢",null,[],[2,1]]';
    const batch = writeBatch([text], [Uint8Array.of(1, 2), Uint8Array.of(3)]) as Uint8Array;
    const length = new TextEncoder().encode(`[${text}]`).length;
    expect(new DataView(batch.buffer).getUint32(0)).toBe(length);
    expect(new TextDecoder().decode(batch.subarray(4, 4 + length))).toBe(`[${text}]`);
    expect(Array.from(batch.subarray(4 + length))).toEqual([1, 2, 3]);
  });

  it("writes only the part of a buffer that a sidecar shows", () => {
    const whole = Uint8Array.of(9, 1, 2, 9);
    const batch = writeBatch(['[1,"send",1,1,2,0,null,[],[2]]'], [whole.subarray(1, 3)]);
    expect(Array.from(tailOf(batch).blobs[0] ?? [])).toEqual([1, 2]);
  });

  it("keeps a sidecar that is empty", () => {
    const batch = writeBatch(['[1,"send",1,1,2,0,null,[],[0]]'], [new Uint8Array(0)]);
    expect(tailOf(batch).blobs).toHaveLength(1);
  });
});

describe("writeValue", () => {
  it("is one field for plain JSON", () => {
    expect(writeValue({ json: "null", ...plain })).toBe(",null");
  });

  it("is four fields as soon as there is an annotation, an end or a sidecar", () => {
    expect(writeValue({ ...plain, json: "null", meta: '{"v":1}' })).toBe(',null,{"v":1},[],[]');
    expect(writeValue({ ...plain, json: "0", refs: [[1, 4]] })).toBe(",0,null,[[1,4]],[]");
    expect(writeValue({ ...plain, json: "0", blobs: [new Uint8Array(3)] })).toBe(",0,null,[],[3]");
  });
});
