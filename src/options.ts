/** Checks of the options that `dial` and `listen` share. Layer: peer. Wrong ones throw at once, saying what was expected. */
import type { Limits, SessionOptions } from "./contract.js";
import { channelOptions } from "./core/channel.js";
import { describe } from "./core/end.js";
import { resolveLimits } from "./limits.js";
import { SharedKey } from "./shared-key.js";

/** How often a silent listener asks whether the dialer is still there, milliseconds; 15 s: proxies drop what is silent for a minute. */
const defaultHeartbeatMs = 15_000;

/** How long a session without a link is kept, milliseconds; 2 minutes: a tunnel, a lift, a server's restart of its network. */
const defaultWindowMs = 120_000;

export interface CheckedOptions {
  readonly limits: Limits;
  readonly capacity: number;
  readonly whenInDoubt: "reject" | "redeliver";
  readonly heartbeatMs: number;
  readonly resumeWindowMs: number;
  readonly superjson: object | undefined;
  readonly key: SharedKey | undefined;
}

/** A duration in milliseconds. */
function duration(name: string, value: unknown, least: number, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number") throw new TypeError(`Expected ${name} to be a number, got ${describe(value)}`);
  if (!(value >= least) || value > 2 ** 31 - 1)
    throw new RangeError(`Expected ${name} to be from ${least} to ${2 ** 31 - 1} milliseconds, got ${value}`);
  return Math.ceil(value); // the other side is told whole ones
}

/** Options of later versions: better an error than a promise that is not kept. */
export function refuseOptions(options: object, names: readonly string[]): void {
  for (const name of names)
    if ((options as Readonly<Record<string, unknown>>)[name] !== undefined)
      throw new TypeError(`The option ${name} is not supported by this version`);
}

export function checkOptions(options: SessionOptions & { readonly key?: string | Uint8Array }): CheckedOptions {
  if (typeof options !== "object" || options === null) throw new TypeError(`Expected options to be an object, got ${describe(options)}`);
  const { capacity, whenInDoubt = "reject" } = channelOptions({
    ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
    ...(options.whenInDoubt === undefined ? {} : { whenInDoubt: options.whenInDoubt }),
  });
  return {
    limits: resolveLimits(options.limits),
    capacity,
    whenInDoubt,
    heartbeatMs: duration("heartbeatMs", options.heartbeatMs, 10, defaultHeartbeatMs),
    resumeWindowMs: duration("resumeWindowMs", options.resumeWindowMs, 100, defaultWindowMs),
    superjson: options.superjson,
    key: options.key === undefined ? undefined : new SharedKey(options.key),
  };
}
