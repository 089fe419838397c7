/** Counting what is in a text of JSON, before it is parsed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasMoreParts } from "../../../src/wire/parts.js";

/** Commas and opening brackets, counted on what was parsed. */
function partsOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const members = Object.values(value);
  return 1 + Math.max(0, members.length - 1) + members.reduce<number>((sum, member) => sum + partsOf(member), 0);
}

describe("parts", () => {
  it.each([
    ["0", 0],
    ["[]", 1],
    ["{}", 1],
    ["[0,0]", 2],
    ['{"a":[],"b":{}}', 4],
    ['",,,[[[{{{"', 0],
    ['["\\",,,",0]', 2],
    ['["\\\\",0]', 2],
    ['["\\\\\\",,",0]', 2],
    ['{",":","}', 1],
  ])("of %s are %i", (json, parts) => {
    expect(() => JSON.parse(json) as unknown).not.toThrow();
    expect([hasMoreParts(json, parts), hasMoreParts(json, parts - 1)]).toEqual([false, true]);
  });
  it("of what is no JSON are counted, or not, in time", () => {
    expect(hasMoreParts(`${",".repeat(100)}"${",".repeat(100)}`, 50)).toBe(true);
    expect(hasMoreParts(`"${",".repeat(1_000)}`, 50)).toBe(false);
    expect(hasMoreParts('"'.repeat(1_001), 50)).toBe(false);
  });
  it("of a text that is all quotes and backslashes are counted in linear time", () => {
    const most = 1_000;
    const commas = ",".repeat(2 * most);
    for (const text of ['\\"'.repeat(1_000_000), "\\\\".repeat(1_000_000)]) expect(hasMoreParts(`["${commas}${text}"]`, most)).toBe(false);
  });
});

it("are counted as they are in the value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(60), (value, most) => {
      expect(hasMoreParts(JSON.stringify(value), most)).toBe(partsOf(value) > most);
    }),
  );
});
