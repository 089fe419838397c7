/** `dial` and `sessions`: the side that goes to a listener. Layer: dial; the same in browsers and in Node. */
import { Await } from "./comeback.js";
import type { Address, DialOptions, Peer, ReceiveChannel } from "./contract.js";
import { homeChannel } from "./core/channel.js";
import { describe, receiveEnd } from "./core/end.js";
import { hostOf } from "./host.js";
import { type CheckedOptions, checkOptions } from "./options.js";
import { SessionPeer } from "./peer.js";
import { type Door, knock, provesAt, race } from "./race.js";
import { Redial } from "./redial.js";
import type { Host } from "./session/host.js";
import { introduce } from "./session/introduce.js";
import { parseDialAddress } from "./transports/address.js";
import { dialWebSocket } from "./transports/websocket.js";

function doorTo(address: Address, options: DialOptions, checked: CheckedOptions): Door {
  if (typeof address === "function") return { open: ({ signal }) => address({ signal }), host: hostOf(address), authority: "" };
  const { url, scheme } = parseDialAddress(address);
  if (scheme === "https:")
    throw new TypeError(`Expected an address with ws: or wss:, got "${url}": WebTransport is not part of this version`);
  const { ca, certificateHash } = options;
  const fixed = {
    maxFrameBytes: checked.limits.maxFrameBytes,
    ...(ca === undefined ? {} : { ca }),
    ...(certificateHash === undefined ? {} : { certificateHash }),
  };
  return {
    open: ({ signal, listener }) => dialWebSocket(sticky(url, listener), { ...fixed, signal }),
    host: hostOf(undefined),
    authority: new URL(url).host,
  };
}

function doorsTo(addresses: Address | readonly Address[], options: DialOptions, checked: CheckedOptions): readonly Door[] {
  const list = Array.isArray(addresses) ? (addresses as readonly Address[]) : [addresses as Address];
  if (list.length === 0) throw new TypeError("Expected an address or a list of at least one, got an empty list");
  return list.map((address) => doorTo(address, options, checked));
}

/** The address of one listener behind a load balancer that routes by the query. Not secret: it opens nothing. */
function sticky(url: string, listener: string | undefined): string {
  if (listener === undefined) return url;
  const exact = new URL(url);
  exact.searchParams.set("netchan", listener);
  return exact.href;
}

/** Begins a session through one door. */
async function enter(
  door: Door,
  doors: readonly Door[],
  options: DialOptions,
  checked: CheckedOptions,
  signal: AbortSignal,
): Promise<SessionPeer> {
  const credentials = async (): Promise<unknown> =>
    typeof options.credentials === "function" ? await (options.credentials as () => unknown)() : options.credentials;
  const said = await credentials();
  signal.throwIfAborted();
  const resumes = options.reconnect !== false;
  const { host } = door;
  return await knock(door, undefined, signal, async (link, batches) => {
    const { limits, key } = checked;
    const welcome = await introduce(link, batches, host, { limits, credentials: said, resumes, proves: provesAt(door, key) });
    signal.throwIfAborted();
    const { session, listener, token, resumeWindowMs: windowMs } = welcome;
    const peer = new SessionPeer({
      host,
      id: session,
      limits,
      peerLimits: welcome.limits,
      heartbeatMs: Math.min(checked.heartbeatMs, welcome.heartbeatMs),
      asks: checked.heartbeatMs < welcome.heartbeatMs,
      capacity: welcome.capacity,
      whenInDoubt: checked.whenInDoubt,
      superjson: checked.superjson,
      identity: undefined,
      remoteAddress: undefined,
      merged: undefined,
      comeback: (returning) =>
        resumes
          ? new Redial(returning, { host, doors, credentials, key, ...backoff(options), windowMs, session, listener, token })
          : new Await(returning, host, 0),
    });
    peer.session.attach(link, batches);
    return peer;
  });
}

function first(
  doors: readonly Door[],
  options: DialOptions,
  checked: CheckedOptions,
  signal: AbortSignal | undefined,
): Promise<SessionPeer> {
  return race(
    doors,
    (door, given) => enter(door, doors, options, checked, given),
    (peer) => peer.abort(),
    signal,
  );
}

/**
 * Dials a listener: `ws:` or `wss:`, or "host:port" (ws: on a loopback host, wss: elsewhere), or a function that opens a link.
 * A list is tried in order, each with a head start of 250 ms; the first that answers is taken.
 * @returns the peer at the other side, whose `send` and `receive` are the default pair
 * @throws NetchanError `DIAL_FAILED` when nobody answers; `SESSION_REFUSED`, `VERSION_MISMATCH`, `LIMIT_EXCEEDED` as the listener says;
 *   `options.signal.reason` on abort. TypeError and RangeError for wrong arguments, at once.
 * @example
 * const { send, receive } = await dial<string>("ws://localhost:8000");
 */
export function dial<In = unknown, Out = In>(url: Address | readonly Address[], options: DialOptions = {}): Promise<Peer<In, Out>> {
  const checked = checkOptions(options);
  backoff(options);
  return first(doorsTo(url, options, checked), options, checked, options.signal) as Promise<unknown> as Promise<Peer<In, Out>>;
}

const defaultBackoff = { minMs: 250, maxMs: 30_000 };

/** The option `reconnect`, checked. */
function backoff({ reconnect }: DialOptions): { readonly minMs: number; readonly maxMs: number } {
  if (reconnect === undefined || reconnect === false) return defaultBackoff;
  if (typeof reconnect !== "object" || reconnect === null)
    throw new TypeError(`Expected reconnect to be false or an object, got ${describe(reconnect)}`);
  const { minMs, maxMs } = { ...defaultBackoff, ...reconnect };
  if (!(minMs >= 10) || !(maxMs >= minMs) || maxMs > 2 ** 31 - 1)
    throw new RangeError(`Expected 10 <= reconnect.minMs <= reconnect.maxMs, got ${minMs} and ${maxMs}`);
  return { minMs, maxMs };
}

/** A session that lasted this long was not a failure: after it the wait is short again, milliseconds. */
const steadyMs = 5_000;

function pause(host: Host, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = host.clock.start(ms, over);
    signal.addEventListener("abort", over, { once: true });
  });
}

/**
 * A new session whenever the last one has ended, for ever: the mirror of `listener.peers`. Between attempts it waits, with full jitter,
 * up to a time that doubles from 250 ms to 30 s (`reconnect`). `close` it to stop; the peer in hand stays yours.
 */
export function sessions<In = unknown, Out = In>(
  url: Address | readonly Address[],
  options: DialOptions = {},
): ReceiveChannel<Peer<In, Out>> {
  const checked = checkOptions(options);
  const doors = doorsTo(url, options, checked);
  const host = (doors[0] as Door).host;
  const { minMs, maxMs } = backoff(options);
  const feed = homeChannel({ capacity: 0 });
  const stopped = new AbortController();
  feed.home.watchers.add({ sendEnded: () => stopped.abort(), sendMuted: () => undefined });
  const stop = (): void => {
    feed.home.close(undefined);
  };
  options.signal?.addEventListener("abort", stop, { once: true });
  const stopping = new Promise<void>((resolve) => stopped.signal.addEventListener("abort", () => resolve(), { once: true }));
  void (async () => {
    let waitMs = minMs;
    while (!stopped.signal.aborted) {
      const begunAt = host.clock.now();
      try {
        const peer = await first(doors, options, checked, stopped.signal);
        await feed.send.send(peer, stopped.signal).catch(() => peer.abort());
        await Promise.race([peer.ended, stopping]);
      } catch {
        // Tried again below.
      }
      if (stopped.signal.aborted) break;
      if (host.clock.now() - begunAt >= steadyMs) waitMs = minMs;
      await pause(host, host.random() * waitMs, stopped.signal);
      waitMs = Math.min(maxMs, waitMs * 2);
    }
    options.signal?.removeEventListener("abort", stop);
  })();
  return receiveEnd<Peer<In, Out>>(feed.receive);
}
