/**
 * Every limit that guards this process against a peer, with unit, default and reason. Leaf: imports only types.
 * Each is enforced before anything of that size is allocated; PROTOCOL.md section "Limits" says which error answers which limit.
 */
import type { Limits } from "./contract.js";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Frozen. Change single ones with the `limits` option of `dial` and `listen`. */
export const defaultLimits: Limits = Object.freeze({
  /** Bytes of one batch on a link. Range 4 KiB to 1 GiB. 16 MiB: the largest value with room for its frame. */
  maxFrameBytes: 17 * MiB,
  /** Bytes of one encoded value, binary included. 16 MiB: a photo passes, a film is better sent in pieces. */
  maxValueBytes: 16 * MiB,
  /** Bytes of values one peer may have waiting here. Beyond it values are announced and fetched when they are wanted. */
  maxQueuedBytes: 4 * MiB,
  /** Sessions of one listener, those without a link included. */
  maxSessions: 10_000,
  /** Links of one listener that have not been admitted yet. */
  maxUnauthenticatedLinks: 1_000,
  /** Nesting of a value. 64: JSON made by people is under 20, and recursion stays far from the end of the stack. */
  maxDepth: 64,
  /** Objects, arrays, members and elements of one value. */
  maxNodes: 100_000,
  /** Channel ends one session may have open, each way. */
  maxChannels: 10_000,
  /** Operations one session may have waiting here, and one process may have waiting for a peer. */
  maxPendingOperations: 4_096,
  /** Bytes of frames kept until the peer has acknowledged them; full means that sends wait. */
  maxReplayBytes: 8 * MiB,
  /**
   * Links of one address that have not been admitted yet. An address is one of IPv4, or 64 bits of IPv6; links from this machine count only
   * for `maxUnauthenticatedLinks`. 32: an office behind one address comes in at once, and nobody fills the listener alone. Behind a proxy on
   * another machine everybody has its address: set it as high as `maxUnauthenticatedLinks`.
   */
  maxUnauthenticatedLinksPerAddress: 32,
  /**
   * Links of one address that were refused within a minute, for their credentials, their key or a violation; a session from there that ended
   * for a violation or a limit counts for ten. Beyond it nobody new from there is answered until the minute is over; sessions that come back
   * are. 60: a guess each second, and an office whose logins have expired.
   */
  maxRefusalsPerMinute: 60,
  /** Subscriptions to topics that one session may have open: each of them costs every publish. 1,024: more topics than a page shows. */
  maxSubscriptions: 1_024,
  /**
   * Published names that one session may open, or subscribe to, within a second, over time; five seconds' worth may come at once. Each may
   * ask `authorize`. What comes faster is read more slowly. 200: a page that opens 1,000 names at once is not held up.
   */
  maxOpensPerSecond: 200,
  /**
   * Bytes that all sessions of a listener may hold together: values that wait here, and frames that are kept until they are acknowledged. It
   * is looked at each second. From nine tenths on there are no new sessions; beyond it sessions end with `LIMIT_EXCEEDED`: first those
   * without a link, of those and of the others first the one that holds most. 512 MiB: it leaves a process of 1 GiB room for its own.
   */
  maxHeldBytes: 512 * MiB,
} as const);

/** Characters of a published name: a path with a few ids in it, and room. */
export const mostNameCharacters = 256;

const ranges: { readonly [K in keyof Limits]: readonly [number, number] } = {
  maxFrameBytes: [4 * KiB, 1024 * MiB],
  maxValueBytes: [1 * KiB, 1024 * MiB],
  maxQueuedBytes: [1 * KiB, 1024 * MiB],
  maxSessions: [1, 10_000_000],
  maxUnauthenticatedLinks: [1, 10_000_000],
  maxDepth: [1, 1_000],
  maxNodes: [1, 10_000_000],
  maxChannels: [4, 10_000_000],
  maxPendingOperations: [1, 10_000_000],
  maxReplayBytes: [4 * KiB, 1024 * MiB],
  maxUnauthenticatedLinksPerAddress: [1, 10_000_000],
  maxRefusalsPerMinute: [1, 10_000_000],
  maxSubscriptions: [1, 10_000_000],
  maxOpensPerSecond: [1, 10_000_000],
  maxHeldBytes: [1 * MiB, 1024 * 1024 * MiB],
};

/**
 * The defaults with a user's changes.
 * @throws RangeError for a name that is no limit or a number out of its range; TypeError for anything but a number.
 */
export function resolveLimits(changes: Partial<Limits> = {}): Limits {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!Object.hasOwn(ranges, name))
      throw new RangeError(`Expected limits to name one of ${Object.keys(ranges).join(", ")}, got "${name}"`);
    const [least, most] = ranges[name as keyof Limits];
    if (typeof value !== "number") throw new TypeError(`Expected limits.${name} to be a number, got ${typeof value}`);
    if (!Number.isSafeInteger(value) || value < least || value > most)
      throw new RangeError(`Expected limits.${name} to be a whole number from ${least} to ${most}, got ${value}`);
  }
  return Object.freeze({ ...defaultLimits, ...Object.fromEntries(given) });
}
