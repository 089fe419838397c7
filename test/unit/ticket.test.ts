/** What lets a dialer come back: two tokens at most, and never fewer than the one it has. */
import { describe, expect, it } from "vitest";
import { Ticket } from "../../src/ticket.js";
import { VirtualTime } from "../../src/transports/memory.js";

const ticket = () => new Ticket(new VirtualTime(1).host);

describe("a ticket", () => {
  it("accepts what it issued, and nothing else", () => {
    const one = ticket();
    const token = one.issue();
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(one.accepts(token)).toBe(true);
    for (const other of [
      "",
      token.slice(1),
      `${token}0`,
      token.toUpperCase(),
      token.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      "0".repeat(64),
    ])
      expect(one.accepts(other), other).toBe(false);
  });

  it("accepts nothing before it has issued anything", () => {
    expect(ticket().accepts("")).toBe(false);
  });

  it("issues another token each time", () => {
    const one = ticket();
    const tokens = new Set(Array.from({ length: 100 }, () => one.rotate(one.issue())));
    expect(tokens.size).toBe(100);
  });

  it("keeps the token that was shown until the new one has proved to have arrived", () => {
    const one = ticket();
    const first = one.issue();
    const second = one.rotate(first);
    expect([first, second].map((token) => one.accepts(token))).toEqual([true, true]);
    one.proved(second);
    expect([first, second].map((token) => one.accepts(token))).toEqual([false, true]);
  });

  it("accepts the old token as often as its answer is lost, and only the last of the new ones", () => {
    const one = ticket();
    const first = one.issue();
    const lost = Array.from({ length: 5 }, () => one.rotate(first));
    const arrived = one.rotate(first);
    expect(lost.map((token) => one.accepts(token))).toEqual([false, false, false, false, false]);
    expect([first, arrived].map((token) => one.accepts(token))).toEqual([true, true]);
  });

  it("goes on from the new token when that one is shown", () => {
    const one = ticket();
    const first = one.issue();
    const second = one.rotate(first);
    const third = one.rotate(second);
    expect([first, second, third].map((token) => one.accepts(token))).toEqual([false, true, true]);
  });

  it("is proved by the token that is in question, not by one that is gone", () => {
    const one = ticket();
    const first = one.issue();
    const lost = one.rotate(first);
    const second = one.rotate(first);
    one.proved(lost);
    expect([first, lost, second].map((token) => one.accepts(token))).toEqual([true, false, true]);
  });
});
