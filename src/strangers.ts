/**
 * Who stands at the door: links that have not been answered, and addresses whose links were refused lately. Layer: listen.
 * Invariants: whatever the world sends, no more is kept here than the limits say; a session that comes back with its token is kept out by
 * no refusal of others who share its address.
 * Source: PROTOCOL.md "Handshake", "Limits".
 */
import type { Limits, Link } from "./contract.js";

/** How long a refusal counts, milliseconds. */
const refusalMs = 60_000;
/** Addresses remembered for their refusals; the oldest is forgotten for the newest. */
const mostAddresses = 10_000;
/** A session that ended for what was said in it counts for so many: a wrong password is a mistake, a broken rule is none. */
const guiltyWeight = 10;

type StrangerLimits = Pick<Limits, "maxUnauthenticatedLinks" | "maxUnauthenticatedLinksPerAddress" | "maxRefusalsPerMinute">;

export class Strangers {
  readonly #limits: StrangerLimits;
  /** Every link, and whom it counts for. */
  readonly #links = new Map<Link, string | undefined>();
  readonly #perSource = new Map<string, number>();
  /** The oldest first. */
  readonly #refusals = new Map<string, { count: number; readonly until: number }>();

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  /** @returns whether there is room for it; then it stays until it leaves. */
  enter(link: Link, remoteAddress: string | undefined): boolean {
    const source = sourceOf(remoteAddress);
    const there = source === undefined ? 0 : (this.#perSource.get(source) ?? 0);
    if (this.#links.size >= this.#limits.maxUnauthenticatedLinks || there >= this.#limits.maxUnauthenticatedLinksPerAddress) return false;
    this.#links.set(link, source);
    if (source !== undefined) this.#perSource.set(source, there + 1);
    return true;
  }
  leave(link: Link): void {
    const source = this.#links.get(link);
    this.#links.delete(link);
    if (source === undefined) return;
    const left = (this.#perSource.get(source) ?? 0) - 1;
    if (left > 0) this.#perSource.set(source, left);
    else this.#perSource.delete(source);
  }
  [Symbol.iterator](): Iterator<Link> {
    return this.#links.keys();
  }

  /** A link from there was refused for what it said or could not prove */
  refused(remoteAddress: string | undefined, now: number): void {
    this.#count(remoteAddress, now, 1);
  }
  /** A session from there ended for what was said in it. */
  guilty(remoteAddress: string | undefined, now: number): void {
    this.#count(remoteAddress, now, guiltyWeight);
  }
  #count(remoteAddress: string | undefined, now: number, count: number): void {
    const source = sourceOf(remoteAddress);
    if (source === undefined) return;
    for (const [old, { until }] of this.#refusals) {
      if (until > now && this.#refusals.size < mostAddresses) break;
      this.#refusals.delete(old);
    }
    const before = this.#refusals.get(source);
    if (before === undefined) this.#refusals.set(source, { count, until: now + refusalMs });
    else before.count += count;
  }
  /** Has it been refused so often within a minute that nobody new from there is asked who he is? */
  isSuspect(remoteAddress: string | undefined, now: number): boolean {
    const source = sourceOf(remoteAddress);
    const before = source === undefined ? undefined : this.#refusals.get(source);
    return before !== undefined && before.until > now && before.count >= this.#limits.maxRefusalsPerMinute;
  }
}

/**
 * Whom an address counts for. One customer has an IPv4 address or 64 bits of an IPv6 address (RFC 6177) to make up more from. This machine
 * counts for nobody: a proxy on it stands for everybody.
 */
export function sourceOf(remoteAddress: string | undefined): string | undefined {
  if (remoteAddress === undefined) return undefined;
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (address === "::1" || address.startsWith("127.")) return undefined;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const behind = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - behind.length) }, () => "0");
  return `${[...groups, ...zeros, ...behind].slice(0, 4).join(":")}::/64`;
}
