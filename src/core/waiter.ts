/** Those who wait for a value, and the places where they wait. Layer: core. */
import { Linked } from "./list.js";
import type { Ending, Offered } from "./offered.js";
import type { RemoteHome, Selection } from "./selection.js";

/** One place where values come from: a channel that lives here, the many channels of a listener, or a channel of another process. */
export interface Source {
  /** Matches the waiter at once if it can, else lets it wait. Safe to call again for a waiter that waits already: it keeps its place. */
  join(waiter: ReceiveWaiter): void;
  /** The waiter wants nothing any more. */
  leave(waiter: ReceiveWaiter): void;
  /** Set when the source is in another process, which has to be asked what it has at once. */
  readonly remote: RemoteHome | undefined;
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

/** Told when a channel that lives here gives no more values. */
export interface EndWatcher {
  sourceEnded(source: Source, ending: Ending): void;
}
/** Told when a channel that lives here takes no more values. */
export interface SendWatcher {
  sendEnded(ending: Ending): void;
  /** From now on values are fulfilled and dropped: nobody wants them, and no sender is to fail for it. */
  sendMuted(): void;
}
