/** Many addresses, one of which is enough: tried in order, each with a head start. Layer: dial. Source: RFC 8305 section 5. */
import type { Link } from "./contract.js";
import { NetchanError } from "./errors.js";
import { handshakeMs } from "./session/handshake.js";
import type { Host } from "./session/host.js";
import type { Proves } from "./session/introduce.js";
import type { KeyProof } from "./session/key-proof.js";
import { closeLink } from "./session/link.js";

/** One address, checked: how to open a link to it, and in which world. */
export interface Door {
  /** @param listener - the one that knows the session: a load balancer may find it by that name */
  open(options: { readonly signal: AbortSignal; readonly listener?: string }): Promise<Link>;
  readonly host: Host;
  /** "host" or "host:port", as it was dialed; empty for a function that opens a link. */
  readonly authority: string;
}

/** The key as it is proved there. */
export function provesAt({ authority }: Door, key: KeyProof | undefined): Proves | undefined {
  return key === undefined ? undefined : { key, host: authority };
}

/** How long an address has for itself before the next one of a list is tried as well, milliseconds. */
const headStartMs = 250;

/**
 * The first that is entered wins, and the others are given up.
 * @param enter - must leave nothing behind when it fails or is aborted
 * @param leave - gives back what was won too late
 */
export function race<T>(
  doors: readonly Door[],
  enter: (door: Door, signal: AbortSignal) => Promise<T>,
  leave: (won: T) => void,
  signal: AbortSignal | undefined,
): Promise<T> {
  const controllers: AbortController[] = [];
  const errors: unknown[] = [];
  return new Promise<T>((resolve, reject) => {
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
      enter(door, controller.signal).then(
        (won) => {
          if (settled) leave(won);
          settle(() => resolve(won), controller);
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

/** Opens a link and says what has to be said first; a link that comes to nothing is closed. */
export async function knock<T>(
  door: Door,
  listener: string | undefined,
  signal: AbortSignal,
  talk: (link: Link, batches: AsyncIterator<string | Uint8Array>) => Promise<T>,
): Promise<T> {
  const link = await openInTime(door, listener, signal);
  const aborted = (): void => closeLink(link, "the dialing was aborted");
  signal.addEventListener("abort", aborted, { once: true });
  try {
    signal.throwIfAborted();
    const result = await talk(link, link.received[Symbol.asyncIterator]());
    signal.throwIfAborted();
    return result;
  } catch (error) {
    closeLink(link, "the handshake failed");
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}

/** An address that says neither yes nor no is given up like one that says no. */
async function openInTime(door: Door, listener: string | undefined, signal: AbortSignal): Promise<Link> {
  const late = new AbortController();
  const given = (): void => late.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", given, { once: true });
  const timer = door.host.clock.start(
    handshakeMs,
    () => late.abort(new NetchanError("DIAL_FAILED", `no link could be opened in ${handshakeMs} ms`)),
    "idle",
  );
  try {
    const opening = door.open(listener === undefined ? { signal: late.signal } : { signal: late.signal, listener });
    const over = new Promise<never>((_resolve, reject) => {
      late.signal.addEventListener("abort", () => reject(late.signal.reason), { once: true });
    });
    // An opener that does not listen to its signal may still bring a link.
    opening.then(
      (link) => late.signal.aborted && closeLink(link, "too late"),
      () => undefined,
    );
    return await Promise.race([opening, over]);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", given);
  }
}
