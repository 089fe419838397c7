/** `dial` and `sessions`: the side that goes to a listener. Layer: dial; the same in browsers and in Node. */
import type { Address, DialOptions, Link, Peer, ReceiveChannel } from "./contract.js";
import { homeChannel } from "./core/channel.js";
import { describe, receiveEnd } from "./core/end.js";
import { NetchanError } from "./errors.js";
import { hostOf } from "./host.js";
import { type CheckedOptions, checkOptions, refuseOptions } from "./options.js";
import { SessionPeer } from "./peer.js";
import { introduce } from "./session/handshake.js";
import type { Host } from "./session/host.js";
import { parseDialAddress } from "./transports/address.js";
import { dialWebSocket } from "./transports/websocket.js";

type Opener = (options: { readonly signal: AbortSignal }) => Promise<Link>;
/** One address, checked: how to open a link to it, and in which world. */
interface Door {
  readonly open: Opener;
  readonly host: Host;
}

/** How long an address has for itself before the next one of a list is tried as well, milliseconds. Source: RFC 8305 section 5. */
const headStartMs = 250;

function doorTo(address: Address, options: DialOptions, checked: CheckedOptions): Door {
  if (typeof address === "function") return { open: address, host: hostOf(address) };
  const { url, scheme } = parseDialAddress(address);
  if (scheme === "https:")
    throw new TypeError(`Expected an address with ws: or wss:, got "${url}": WebTransport is not part of this version`);
  const { ca, certificateHash } = options;
  const fixed = {
    maxFrameBytes: checked.limits.maxFrameBytes,
    ...(ca === undefined ? {} : { ca }),
    ...(certificateHash === undefined ? {} : { certificateHash }),
  };
  return { open: ({ signal }) => dialWebSocket(url, { ...fixed, signal }), host: hostOf(undefined) };
}

function doorsTo(addresses: Address | readonly Address[], options: DialOptions, checked: CheckedOptions): readonly Door[] {
  const list = Array.isArray(addresses) ? (addresses as readonly Address[]) : [addresses as Address];
  if (list.length === 0) throw new TypeError("Expected an address or a list of at least one, got an empty list");
  return list.map((address) => doorTo(address, options, checked));
}

/** Opens one link and begins a session over it. */
async function enter(door: Door, options: DialOptions, checked: CheckedOptions, signal: AbortSignal): Promise<SessionPeer> {
  const credentials: unknown =
    typeof options.credentials === "function" ? await (options.credentials as () => unknown)() : options.credentials;
  signal.throwIfAborted();
  const link = await door.open({ signal });
  const aborted = (): void => link.close("the dialing was aborted");
  signal.addEventListener("abort", aborted, { once: true });
  try {
    signal.throwIfAborted();
    const batches = link.received[Symbol.asyncIterator]();
    const welcome = await introduce(link, batches, door.host, checked.limits, credentials);
    signal.throwIfAborted();
    const peer = new SessionPeer({
      host: door.host,
      link,
      id: welcome.session,
      limits: checked.limits,
      peerLimits: welcome.limits,
      heartbeatMs: Math.min(checked.heartbeatMs, welcome.heartbeatMs),
      asks: checked.heartbeatMs < welcome.heartbeatMs,
      capacity: welcome.capacity,
      whenInDoubt: checked.whenInDoubt,
      superjson: checked.superjson,
      identity: undefined,
      remoteAddress: undefined,
      merged: undefined,
    });
    void peer.pump(batches);
    return peer;
  } catch (error) {
    link.close("the handshake failed");
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}

/** Tries the doors in order, each with a head start; the first session wins and the others are given up. */
function race(doors: readonly Door[], options: DialOptions, checked: CheckedOptions): Promise<SessionPeer> {
  const { signal } = options;
  const controllers: AbortController[] = [];
  const errors: unknown[] = [];
  return new Promise<SessionPeer>((resolve, reject) => {
    let next = 0;
    let settled = false;
    let timer: { cancel(): void } | undefined;
    const settle = (act: () => void, winner?: AbortController): void => {
      if (settled) return;
      settled = true;
      timer?.cancel();
      signal?.removeEventListener("abort", aborted);
      for (const controller of controllers)
        if (controller !== winner) controller.abort(new NetchanError("DIAL_FAILED", "another address was faster"));
      act();
    };
    const aborted = (): void => settle(() => reject(signal?.reason));
    const tryNext = (): void => {
      timer?.cancel();
      const door = doors[next++];
      if (door === undefined || settled) return;
      const controller = new AbortController();
      controllers.push(controller);
      enter(door, options, checked, controller.signal).then(
        (peer) => {
          if (settled) peer.abort();
          settle(() => resolve(peer), controller);
        },
        (error: unknown) => {
          errors.push(error);
          if (errors.length === doors.length) settle(() => reject(dialError(errors)));
          else tryNext();
        },
      );
      if (next < doors.length) timer = door.host.clock.start(headStartMs, tryNext);
    };
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    signal?.addEventListener("abort", aborted, { once: true });
    tryNext();
  });
}

function dialError(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length > 1)
    return new NetchanError("DIAL_FAILED", `none of ${errors.length} addresses could be dialed`, { cause: new AggregateError(errors) });
  return NetchanError.is(first) || first instanceof TypeError || first instanceof RangeError
    ? first
    : new NetchanError("DIAL_FAILED", "the address could not be dialed", { cause: first });
}

/** What later versions will honour. */
const notYet = ["key"] as const;

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
  refuseOptions(options, notYet);
  backoff(options);
  return race(doorsTo(url, options, checked), options, checked) as Promise<unknown> as Promise<Peer<In, Out>>;
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

/**
 * A new session whenever the last one has ended, for ever: the mirror of `listener.peers`. Between attempts it waits, with full jitter,
 * up to a time that doubles from 250 ms to 30 s (`reconnect`). `close` it to stop; the peer in hand stays yours.
 */
export function sessions<In = unknown, Out = In>(
  url: Address | readonly Address[],
  options: DialOptions = {},
): ReceiveChannel<Peer<In, Out>> {
  const checked = checkOptions(options);
  refuseOptions(options, notYet);
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
      try {
        const peer = await race(doors, { ...options, signal: stopped.signal }, checked);
        waitMs = minMs;
        await feed.send.send(peer, stopped.signal).catch(() => peer.abort());
        await Promise.race([peer.ended, stopping]);
      } catch {
        await new Promise<void>((resolve) => {
          const over = (): void => {
            timer.cancel();
            stopped.signal.removeEventListener("abort", over);
            resolve();
          };
          const timer = host.clock.start(host.random() * waitMs, over);
          stopped.signal.addEventListener("abort", over, { once: true });
        });
        waitMs = Math.min(maxMs, waitMs * 2);
      }
    }
    options.signal?.removeEventListener("abort", stop);
  })();
  return receiveEnd<Peer<In, Out>>(feed.receive);
}
