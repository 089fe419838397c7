import { describe, expect, it } from "vitest";
import { asError, cutReason } from "../../../src/transports/links.js";

const bytes = (text: string) => new TextEncoder().encode(text).length;

describe("cutReason", () => {
  it.each(["", "bye", "x".repeat(123), "é".repeat(61), "😀".repeat(30)])("keeps %j", (reason) => {
    expect(cutReason(reason)).toBe(reason);
  });
  it.each([
    ["x".repeat(124), "x".repeat(123)],
    ["é".repeat(62), "é".repeat(61)],
    ["😀".repeat(31), "😀".repeat(30)],
    [`${"x".repeat(122)}é`, "x".repeat(122)],
    [`${"x".repeat(120)}😀`, "x".repeat(120)],
  ])("cuts %j between code points", (reason, cut) => {
    expect(cutReason(reason)).toBe(cut);
    expect(bytes(cutReason(reason))).toBeLessThanOrEqual(123);
  });
  it("counts a lone surrogate as what it is sent as", () => {
    expect(bytes(cutReason("\ud800".repeat(100)))).toBe(123);
  });
});

describe("asError", () => {
  it("keeps errors and wraps the rest", () => {
    const error = new RangeError("x");
    expect(asError(error)).toBe(error);
    expect(asError("text")).toEqual(new Error("text"));
  });
});
