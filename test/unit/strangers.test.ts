/** Who stands at the door: counted by address, and forgotten in time. */
import { describe, expect, it } from "vitest";
import type { Link } from "../../src/contract.js";
import { defaultLimits } from "../../src/limits.js";
import { Strangers, sourceOf } from "../../src/strangers.js";

const link = (): Link => ({ transport: "none", send: () => undefined, close: () => undefined, received: (async function* () {})() });
const limited = (limits: Partial<typeof defaultLimits>): Strangers => new Strangers({ ...defaultLimits, ...limits });
const enter = (strangers: Strangers, count: number, address: string | undefined): number =>
  Array.from({ length: count }, () => strangers.enter(link(), address)).filter(Boolean).length;

describe("an address counts for", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::2", "0:0:0:0::/64"],
    ["127.0.0.1", undefined],
    ["127.8.9.10", undefined],
    ["::ffff:127.0.0.1", undefined],
    ["::1", undefined],
    [undefined, undefined],
  ])("%s: %s", (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});

describe("links that have not been answered", () => {
  it("are limited for each address, and leave room for the next when they leave", () => {
    const strangers = limited({ maxUnauthenticatedLinksPerAddress: 3, maxUnauthenticatedLinks: 5 });
    const first = link();
    expect(strangers.enter(first, "192.0.2.1")).toBe(true);
    expect(enter(strangers, 5, "192.0.2.1")).toBe(2);
    expect(enter(strangers, 5, "192.0.2.2")).toBe(2); // five in all
    strangers.leave(first);
    strangers.leave(first);
    expect(enter(strangers, 5, "192.0.2.1")).toBe(1);
  });
  it("of one network of IPv6 are of one address", () => {
    const strangers = limited({ maxUnauthenticatedLinksPerAddress: 2 });
    const entered = Array.from({ length: 50 }, (_, host) => strangers.enter(link(), `2001:db8:0:1::${host.toString(16)}`));
    expect(entered.filter(Boolean)).toHaveLength(2);
    expect(enter(strangers, 1, "2001:db8:0:2::1")).toBe(1);
  });
  it("of this machine, or of nobody knows where, count only among all", () => {
    const strangers = limited({ maxUnauthenticatedLinksPerAddress: 1, maxUnauthenticatedLinks: 10 });
    expect(enter(strangers, 5, "127.0.0.1")).toBe(5);
    expect(enter(strangers, 5, undefined)).toBe(5);
    expect(enter(strangers, 1, undefined)).toBe(0);
  });
  it("are known, so that they can be closed", () => {
    const strangers = limited({});
    const [one, other] = [link(), link()];
    strangers.enter(one, "192.0.2.1");
    strangers.enter(other, undefined);
    strangers.leave(one);
    expect([...strangers]).toEqual([other]);
  });
});

describe("refusals", () => {
  it("make an address suspect at the limit, until a minute after the first of them", () => {
    const strangers = limited({ maxRefusalsPerMinute: 3 });
    for (const now of [1_000, 2_000]) strangers.refused("192.0.2.1", now);
    expect(strangers.isSuspect("192.0.2.1", 2_000)).toBe(false);
    strangers.refused("192.0.2.1", 3_000);
    expect(strangers.isSuspect("192.0.2.1", 3_000)).toBe(true);
    expect(strangers.isSuspect("192.0.2.2", 3_000)).toBe(false);
    expect(strangers.isSuspect("192.0.2.1", 60_999)).toBe(true);
    expect(strangers.isSuspect("192.0.2.1", 61_000)).toBe(false);
    strangers.refused("192.0.2.1", 61_000);
    expect(strangers.isSuspect("192.0.2.1", 61_000)).toBe(false);
  });
  it("of this machine make nobody suspect", () => {
    const strangers = limited({ maxRefusalsPerMinute: 1 });
    strangers.refused("127.0.0.1", 0);
    strangers.refused(undefined, 0);
    expect([strangers.isSuspect("127.0.0.1", 0), strangers.isSuspect(undefined, 0)]).toEqual([false, false]);
  });
  it("of very many addresses are not all remembered: the newest are", () => {
    const strangers = limited({ maxRefusalsPerMinute: 1 });
    for (let host = 0; host < 10_001; host++) strangers.refused(`10.0.${host >> 8}.${host & 255}`, 0);
    expect(strangers.isSuspect("10.0.0.0", 0)).toBe(false);
    expect(strangers.isSuspect("10.0.0.1", 0)).toBe(true);
    expect(strangers.isSuspect("10.0.39.16", 0)).toBe(true);
  });
});
