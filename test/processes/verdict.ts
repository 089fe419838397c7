/** Was everybody told the truth? What a sender was told about its numbered values, held against what the other side received. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Reports } from "./words.js";

/** What stands in a journal: everything its process received, to its last breath. Nothing lost, doubled or out of order. */
export function readJournal(path: string): number {
  const numbers = readFileSync(path, "latin1").split("\n").slice(0, -1).map(Number);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  return numbers.length;
}

/**
 * @param received - the values 1 to this were received, and no others
 * @returns how many values there were of each kind
 */
export function expectTruth(
  { started, fulfilled, rejected }: Reports["flow"],
  { reason, undelivered }: Reports["ended"],
  capacity: number,
  received: number,
) {
  expect(reason).toBe("lost");
  expect(fulfilled + rejected.length).toBe(started);
  expect(received).toBeLessThanOrEqual(started);
  const errors = new Map(rejected.map((error) => [error.n, error]));
  for (const { n, code, outcome } of rejected) {
    expect(["SESSION_LOST", "RECEIVER_LOST"], `the code of ${n}`).toContain(code);
    expect(["not-sent", "unknown"], `the outcome of ${n}`).toContain(outcome);
    if (outcome === "not-sent") expect(n, "a value that was said not to have been sent").toBeGreaterThan(received);
  }
  const left = undelivered.map(({ value }) => value as number);
  expect(left).toEqual([...new Set(left)].sort((a, b) => a - b));
  expect(left.length).toBeLessThanOrEqual(capacity);
  for (const { value, outcome } of undelivered) {
    expect(errors.has(value as number), `${value} is undelivered, so its send was fulfilled`).toBe(false);
    if (outcome === "not-sent") expect(value, "a value that was said not to have been sent").toBeGreaterThan(received);
  }
  // A fulfilled send means: the other application has it, or it is listed.
  for (let n = received + 1; n <= started; n++) if (!errors.has(n)) expect(left, `${n} was fulfilled and not received`).toContain(n);
  const unknown = rejected.filter(({ outcome }) => outcome === "unknown").length;
  return { fulfilled, received, unknown, notSent: rejected.length - unknown, undelivered: left.length };
}
