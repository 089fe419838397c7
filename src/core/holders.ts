/**
 * Who holds the ends of a channel that lives here: this process, and every session an end was sent over. Layer: core.
 * Invariant: a channel without a holder of its send end is closed, one without a holder of its receive end refuses (design rule 6).
 */
import type { NetchanError } from "../errors.js";
import type { Home } from "./home.js";
import type { Travel } from "./offered.js";

export class Holders implements Travel {
  #others = 0;
  #here = true;
  #used = false;
  /** The end was made to be handed out: once another process holds it, this process does not count. */
  handedOut = false;

  constructor(
    /** Nobody is left: what happens to the channel then. */
    readonly abandoned: (loss: NetchanError | undefined, graceful: boolean) => void,
    /** Only this process is left, and it has never used the end: tell those who wait on the other end; `undefined` ends that state. */
    readonly orphaned: (loss: NetchanError | undefined) => void,
  ) {}

  /** Exactly one session holds it, and this process does not. */
  get sole(): boolean {
    return this.#others === 1 && (!this.#here || this.handedOut);
  }
  /** This process used its end, so others may go on waiting for it. */
  use(): void {
    if (this.#used) return;
    this.#used = true;
    if (this.#others === 0) this.orphaned(undefined);
  }
  letGo(): void {
    if (!this.#here) return;
    this.#here = false;
    if (this.#others === 0) this.abandoned(undefined, true);
  }
  /** On its way home in a value. */
  left(): void {
    this.add();
  }
  /** It came back to this process, which may have let go of it before. */
  arrived(): void {
    this.#here = true;
    this.remove(undefined);
  }
  dropped(): void {
    this.remove(undefined);
  }
  /** A session was given the end. */
  add(): void {
    if (this.#others++ === 0) this.orphaned(undefined);
  }
  /** A session holds it no longer; `loss` says how the session ended, if that is why; `graceful`, whether it ended well. */
  remove(loss: NetchanError | undefined, graceful = loss === undefined): void {
    if (--this.#others > 0) return;
    if (!this.#here || this.handedOut) this.abandoned(loss, graceful);
    else if (loss !== undefined && !this.#used) this.orphaned(loss);
  }
}

export function sendHolders(home: Home): Holders {
  return new Holders(
    (loss, graceful) => home.close(graceful ? undefined : loss),
    (loss) => home.orphanReceivers(loss),
  );
}
/** `shared`: the channel is one direction of a session, whose end senders are told by its own name. */
export function receiveHolders(home: Home, shared: boolean): Holders {
  return new Holders(
    (loss) => home.refuse(shared ? loss : undefined),
    (loss) => home.orphanSenders(loss),
  );
}
