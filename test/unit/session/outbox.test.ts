/** What one side has to say: its numbers, what is kept, taken back, written again, and how much there is room for. */
import { describe, expect, it } from "vitest";
import { Outbox } from "../../../src/session/outbox.js";

const plenty = 1_000_000;
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Everything that is to be written now, one batch. */
function write(outbox: Outbox, limit = plenty): readonly string[] {
  return outbox.take(limit)?.texts ?? [];
}
function numbersOf(texts: readonly string[]): number[] {
  return texts.map((text) => (JSON.parse(text) as [number])[0]);
}
/** An outbox in which so many frames wait, each of 10 bytes. */
function holding(count: number, maxBytes = plenty): Outbox {
  const outbox = new Outbox(maxBytes);
  for (let index = 1; index <= count; index++) outbox.post(`"take",2,${index % 10}`, [], "answer");
  return outbox;
}

describe("numbers", () => {
  it("are given when a frame is first written, in the order of posting", () => {
    const outbox = new Outbox(plenty);
    const [one, two] = [outbox.post('"ready"', [], "answer"), outbox.post('"bye"', [], "answer")];
    expect([one.number, two.number, outbox.written]).toEqual([0, 0, 0]);
    expect(write(outbox)).toEqual(['[1,"ready"]', '[2,"bye"]']);
    expect([one.number, two.number, outbox.written]).toEqual([1, 2, 2]);
  });

  it("are not for control frames, which keep their place among the others and are not kept", () => {
    const outbox = new Outbox(plenty);
    outbox.post('"ready"', [], "answer");
    outbox.post('["ping",1]', [], "control");
    outbox.post('"bye"', [], "answer");
    expect(write(outbox)).toEqual(['[1,"ready"]', '["ping",1]', '[2,"bye"]']);
    expect(outbox.kept).toBe(2);
    outbox.rewind();
    expect(write(outbox)).toEqual(['[1,"ready"]', '[2,"bye"]']);
  });

  it("stay the same however often a frame is written", () => {
    const outbox = holding(5);
    write(outbox);
    for (let again = 0; again < 3; again++) {
      outbox.rewind();
      expect(numbersOf(write(outbox))).toEqual([1, 2, 3, 4, 5]);
    }
    expect(outbox.written).toBe(5);
  });
});

describe("a batch", () => {
  it("holds what fits, one frame at least, and nothing is skipped", () => {
    const outbox = holding(10);
    const batches: number[][] = [];
    for (let texts = write(outbox, 70); texts.length > 0; texts = write(outbox, 70)) batches.push(numbersOf(texts));
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
      [9, 10],
    ]);
    const large = new Outbox(plenty);
    large.post(`"send",1,1,9,"${"x".repeat(1_000)}"`, [], "value");
    large.post('"bye"', [], "answer");
    expect(numbersOf(write(large, 70))).toEqual([1]);
    expect(numbersOf(write(large, 70))).toEqual([2]);
  });

  it("has the sidecars of its own frames, in their order, again when it is written again", () => {
    const outbox = new Outbox(plenty);
    outbox.post('"send",1,1,1,0,null,[],[1]', [Uint8Array.of(1)], "value");
    outbox.post('"ready"', [], "answer");
    outbox.post('"send",1,2,1,0,null,[],[1,1]', [Uint8Array.of(2), Uint8Array.of(3)], "value");
    const bytes = () => (outbox.take(plenty)?.blobs ?? []).map(([byte]) => byte);
    expect(bytes()).toEqual([1, 2, 3]);
    outbox.acknowledge(1);
    outbox.rewind();
    expect(bytes()).toEqual([2, 3]);
  });

  it("is nothing when there is nothing, or only what was taken back", () => {
    const outbox = new Outbox(plenty);
    expect(outbox.take(plenty)).toBeUndefined();
    outbox.recall(outbox.post('"ready"', [], "answer"));
    expect(outbox.take(plenty)).toBeUndefined();
    expect(outbox.written).toBe(0);
  });
});

describe("a new link", () => {
  it("is written what was not acknowledged, then what waits", () => {
    const outbox = holding(4);
    write(outbox);
    outbox.acknowledge(2);
    outbox.post('"bye"', [], "answer");
    outbox.rewind();
    expect(outbox.waiting).toBe(3);
    expect(numbersOf(write(outbox))).toEqual([3, 4, 5]);
    expect([outbox.kept, outbox.waiting]).toEqual([3, 0]);
  });

  it("may be lost in the middle of it: the next one is written all of it", () => {
    const outbox = holding(4);
    write(outbox);
    outbox.rewind();
    expect(numbersOf(write(outbox, 70))).toEqual([1, 2]);
    outbox.rewind();
    expect(numbersOf(write(outbox, 70))).toEqual([1, 2]);
    expect(numbersOf(write(outbox, 70))).toEqual([3, 4]);
  });

  it("is not written what is acknowledged while it is written", () => {
    const outbox = holding(6);
    write(outbox);
    outbox.rewind();
    expect(numbersOf(write(outbox, 70))).toEqual([1, 2]);
    outbox.acknowledge(4);
    expect(numbersOf(write(outbox))).toEqual([5, 6]);
    expect(outbox.waiting).toBe(0);
  });

  it("is written all of a long rest, though most was acknowledged half way", () => {
    for (let acknowledged = 1; acknowledged < 100; acknowledged++) {
      const outbox = holding(100);
      write(outbox);
      outbox.rewind();
      const first = numbersOf(write(outbox, 30 * acknowledged));
      outbox.acknowledge(acknowledged);
      expect(outbox.waiting).toBe(100 - Math.max(acknowledged, first.length));
      outbox.post('"bye"', [], "answer");
      expect(numbersOf(write(outbox))).toEqual(range(Math.max(acknowledged, first.length) + 1, 101));
    }
  });

  it("is not written control frames of the one before", () => {
    const outbox = holding(1);
    outbox.post('["pong",7]', [], "control");
    outbox.post('"bye"', [], "answer");
    outbox.rewind();
    expect(outbox.waiting).toBe(2);
    expect(write(outbox)).toHaveLength(2);
  });
});

describe("an acknowledgement", () => {
  it.each([
    ["of a frame that waits", 6],
    ["of what was never posted", 100],
    ["that goes back", 1],
    ["below zero", -1],
    ["of half a frame", 2.5],
    ["of NaN", Number.NaN],
    ["of 2^53", 2 ** 53],
    ["in text", "3"],
    ["of null", null],
    ["of nothing", undefined],
  ])("%s is refused and changes nothing", (_what, number) => {
    const outbox = holding(5);
    write(outbox);
    outbox.post('"bye"', [], "answer");
    outbox.acknowledge(2);
    const before = [outbox.acknowledged, outbox.kept, outbox.bytes];
    expect(() => outbox.acknowledge(number)).toThrow(expect.objectContaining({ code: "PROTOCOL_VIOLATION" }));
    expect([outbox.acknowledged, outbox.kept, outbox.bytes]).toEqual(before);
  });

  it("of the same frame again is nothing new", () => {
    const outbox = holding(3);
    write(outbox);
    for (let again = 0; again < 3; again++) outbox.acknowledge(2);
    expect([outbox.acknowledged, outbox.kept]).toEqual([2, 1]);
  });

  it("of any step leaves the rest in order, whatever is written and lost meanwhile", () => {
    const outbox = new Outbox(plenty);
    let random = 7;
    const dice = (sides: number): number => {
      random = (random * 48_271) % 2_147_483_647;
      return random % sides;
    };
    const sent: number[] = []; // what the other side gets over the present link, from its last link on
    let next = 1; // what it expects
    for (let step = 0; step < 5_000; step++) {
      const act = dice(8);
      if (act < 4) outbox.post(`"take",2,${step}`, [], "answer");
      else if (act < 6) sent.push(...numbersOf(write(outbox, 30 + dice(300))));
      else if (act === 6) {
        for (const number of sent.splice(0, dice(40))) {
          expect(number).toBeLessThanOrEqual(next); // never a gap
          if (number === next) next++;
        }
        outbox.acknowledge(Math.max(outbox.acknowledged, next - 1 - dice(3)));
      } else if (dice(10) === 0) {
        sent.length = 0;
        outbox.rewind();
        outbox.acknowledge(next - 1);
      }
      expect(outbox.kept).toBe(outbox.written - outbox.acknowledged);
    }
    expect(next).toBeGreaterThan(1_000);
  });
});

describe("a frame that waits", () => {
  it("can be taken back once, in the middle too, and counts no more", () => {
    const outbox = holding(2);
    const third = outbox.post(`"send",1,1,100,"${"x".repeat(100)}"`, [new Uint8Array(50)], "value");
    outbox.post('"bye"', [], "answer");
    const before = holding(2).bytes + '"bye"'.length;
    expect(outbox.recall(third)).toBe(true);
    expect(outbox.recall(third)).toBe(false);
    expect([outbox.bytes, outbox.answers]).toEqual([before, 3]);
    expect(write(outbox)).toEqual(['[1,"take",2,1]', '[2,"take",2,2]', '[3,"bye"]']);
    expect(third.number).toBe(0);
  });

  it("cannot be taken back once it was written, acknowledged or not, whatever became of its link", () => {
    const outbox = new Outbox(plenty);
    const one = outbox.post('"ready"', [], "answer");
    write(outbox);
    expect(outbox.recall(one)).toBe(false);
    outbox.rewind();
    expect(outbox.recall(one)).toBe(false);
    outbox.acknowledge(1);
    expect(outbox.recall(one)).toBe(false);
    expect([outbox.bytes, outbox.answers]).toEqual([0, 0]);
  });

  it("that was taken back keeps no memory: nothing grows while there is no link", () => {
    const outbox = new Outbox(plenty);
    for (let count = 0; count < 1_000; count++) outbox.recall(outbox.post(`"send",1,${count},1000,"${"x".repeat(1_000)}"`, [], "value"));
    expect([outbox.bytes, outbox.waiting]).toEqual([0, 0]);
  });
});

describe("frames about an end that the other side will never hear of", () => {
  it("are taken back, those about others stay", () => {
    const outbox = new Outbox(plenty);
    for (const text of ['"mute",5', '"ended",5,null,null', '"ended",50,null,null', '"sent",15,5', '"sent",7,5', '"released",5'])
      outbox.post(text, [], "answer");
    outbox.recallAbout(5);
    expect(write(outbox)).toEqual(['[1,"ended",50,null,null]', '[2,"sent",15,5]', '[3,"sent",7,5]']);
  });

  it("are those alone: grants of a window and answers to attempts have other numbers in that place", () => {
    const outbox = new Outbox(plenty);
    const others = ['"window",5', '"try",5,[[2]]', '"took",5,1', '"tried",5,-1,null'];
    for (const text of others) outbox.post(text, [], "answer");
    outbox.recallAbout(5);
    expect(write(outbox)).toEqual(others.map((text, index) => `[${index + 1},${text}]`));
  });

  it("are not those that were written already", () => {
    const outbox = new Outbox(plenty);
    outbox.post('"mute",5', [], "answer");
    write(outbox);
    outbox.recallAbout(5);
    outbox.rewind();
    expect(write(outbox)).toEqual(['[1,"mute",5]']);
  });
});

describe("room", () => {
  const value = (outbox: Outbox, bytes: number) => outbox.post("x".repeat(bytes), [], "value");

  it("is used up by what waits and what is kept, at nine tenths: the rest is for frames without a value", () => {
    const outbox = new Outbox(1_000);
    value(outbox, 899);
    expect(outbox.full).toBe(false);
    value(outbox, 1);
    expect(outbox.full).toBe(true);
    outbox.take(plenty);
    expect(outbox.full).toBe(true);
    outbox.acknowledge(2);
    expect(outbox.full).toBe(false);
  });

  it("is counted with sidecars, and without control frames", () => {
    const outbox = new Outbox(1_000);
    outbox.post("x".repeat(400), [new Uint8Array(300), new Uint8Array(200)], "value");
    expect([outbox.full, outbox.bytes]).toEqual([true, 900]);
    const other = new Outbox(1_000);
    for (let count = 0; count < 100; count++) other.post(`["pong",${count}]`, [], "control");
    expect([other.full, other.bytes]).toEqual([false, 0]);
  });

  it("is there again, once, when half of it is, and only for who was told that there was none", () => {
    const outbox = new Outbox(1_000);
    for (let count = 0; count < 10; count++) value(outbox, 90);
    outbox.take(plenty);
    expect(outbox.relieved()).toBe(false);
    outbox.acknowledge(8);
    expect(outbox.relieved()).toBe(false); // nobody has asked
    for (let count = 0; count < 10; count++) value(outbox, 90);
    outbox.take(plenty);
    expect(outbox.full).toBe(true);
    outbox.acknowledge(14);
    expect(outbox.relieved()).toBe(false);
    outbox.acknowledge(16);
    expect([outbox.relieved(), outbox.relieved()]).toEqual([true, false]);
  });

  it("never ends: what is posted in spite of it is kept", () => {
    const outbox = new Outbox(100);
    for (let count = 0; count < 100; count++) value(outbox, 100);
    outbox.take(plenty);
    outbox.rewind();
    expect(outbox.take(plenty)?.texts).toHaveLength(100);
  });

  it("is what it was after everything", () => {
    const outbox = new Outbox(1_000);
    for (let count = 1; count <= 300; count++) {
      outbox.post('"take",2,1', [], "answer");
      const taken = value(outbox, 10);
      value(outbox, 10);
      outbox.recall(taken);
      outbox.take(plenty);
      if (count % 7 === 0) outbox.rewind();
      outbox.acknowledge(outbox.written);
    }
    expect([outbox.bytes, outbox.answers, outbox.kept, outbox.waiting]).toEqual([0, 0, 0, 0]);
    const over = holding(5);
    over.take(35);
    over.clear();
    expect([over.bytes, over.answers, over.kept, over.waiting, over.take(plenty)]).toEqual([0, 0, 0, 0, undefined]);
  });
});

it("holds a hundred thousand frames without cost for each of those before", () => {
  const outbox = holding(100_000);
  const seen: number[] = [];
  for (let texts = write(outbox, 3_000); texts.length > 0; texts = write(outbox, 3_000)) {
    seen.push(...numbersOf(texts));
    outbox.acknowledge(outbox.written);
  }
  expect(seen).toEqual(range(1, 100_000));
});
