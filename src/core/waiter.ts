/**
 * Those who wait for a value, and what they are given. Layer: core.
 * A value is always *offered* first: it is reserved for one waiter until that waiter says what became of it. A waiter in this
 * process answers inside the call; one that stands for another process answers when that process has.
 * Invariant: each offered value is answered exactly once: taken, returned, refused or doubtful.
 */
import type { NetchanError } from "../errors.js";
import { Linked } from "./list.js";
import type { Selection } from "./selection.js";

/** A value that came over a session: checked on arrival, revived only when somebody takes it. */
export interface Parcel {
  /** The peer whose session brought it; undefined when its channel lives elsewhere. */
  readonly from: unknown;
  /** The value itself, its channel ends alive from now on. Called at most once. */
  revive(): unknown;
  /** Nobody will have it: what its channel ends held is given back. Called at most once, never after `revive`. */
  discard(): void;
}

/** A value reserved for one waiter. */
export interface Offered {
  /** A value of this process, by reference; meaningless when there is a parcel. */
  readonly value: unknown;
  readonly parcel: Parcel | undefined;
  /** Who sends it, if that is a select case: its place in the order that keeps selects from waiting for each other in a circle. */
  readonly selectId: string | undefined;
  /** The waiter's application has it. */
  taken(): void;
  /** Nobody waits for it any more: it goes back to its place. */
  returned(): void;
  /** The waiter's process cannot accept this value: it is dropped, and its sender told. */
  refused(error: NetchanError): void;
  /** The waiter is gone and nobody knows whether it had the value. */
  doubtful(error: NetchanError): void;
}

/** How a channel ended for its receivers: `undefined` is a plain `done`. */
export type Ending = NetchanError | undefined;

/** One place where values come from: a channel that lives here, the many channels of a listener, or a channel of another process. */
export interface Source {
  /** Matches the waiter at once if it can, else lets it wait. Safe to call again for a waiter that waits already: it keeps its place. */
  join(waiter: ReceiveWaiter): void;
  /** The waiter wants nothing any more. */
  leave(waiter: ReceiveWaiter): void;
  /** Set when the source is in another process, which has to be asked what it has at once. */
  readonly remote: RemoteHome | undefined;
}

/** One case of a `trySelect` that is asked of its home: a receive from `source`, or a send of `value` (or of an unrevived parcel) to `port`. */
export type Attempt =
  | { readonly index: number; readonly source: Source }
  | { readonly index: number; readonly port: unknown; readonly value: unknown; readonly parcel: Parcel | undefined };

/** What came of an attempt: the case that was done (with the value, still to be answered, if it received one), or why it failed. */
export type Attempted = { readonly index: number; readonly offered?: Offered; readonly done?: boolean } | { readonly error: unknown };

/** Another process, as the one who judges which case of a `trySelect` was ready there. */
export interface RemoteHome {
  /** One round trip, deciding all cases at one moment. `settled` is called once, with nothing when no case was ready. */
  attempt(cases: readonly Attempt[], settled: (result: Attempted | undefined) => void): void;
}

/** Somebody who waits at a source. */
export abstract class ReceiveWaiter extends Linked {
  /** The select it is a case of. It takes part only while that select is open. */
  selection: Selection | undefined = undefined;
  /** A value is reserved for it. It is out of the source's list and may join again. */
  abstract accept(offered: Offered): void;
  /** The source has ended and gives no values any more. It is out of the source's list. */
  abstract finish(ending: Ending): void;
  /** For the time being nobody is left who could send. @returns whether that settles this waiter. */
  abstract orphaned(ending: Ending): boolean;
  /** Has it said that this value is not for it? */
  skips(_offered: Offered): boolean {
    return false;
  }
  /** Does it want another value after the one it has just accepted? Then it keeps waiting, behind the others. */
  get more(): boolean {
    return false;
  }
}

/** Reads an offered value. */
export function openOffered(offered: Offered): unknown {
  return offered.parcel === undefined ? offered.value : offered.parcel.revive();
}
