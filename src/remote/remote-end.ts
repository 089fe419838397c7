/**
 * What send and receive ends of channels in other processes have in common: their place in the table of a session. Layer: remote.
 *
 * References: every frame that carries the end counts one, when it is accepted. `#count` says how many were received and not yet given
 * back; of those, `#unrevived` are in values nobody has taken. When none is left the end waits, silent, for its home to say that it is
 * released; if it is sent here again meanwhile (the two crossed on the way) it goes on where it stopped.
 * Source: PROTOCOL.md "References".
 */

import type { Travel } from "../core/offered.js";
import type { NetchanError } from "../errors.js";
import type { HomeFrame } from "../wire/frame.js";
import type { Context, EndUser } from "./context.js";

export abstract class RemoteEnd<End extends object = object> implements EndUser {
  /** The application's end over it: kept by the application alone, if that can be. */
  #end: { deref(): End | undefined } | undefined;
  /** It is one of the ends that were never in a value, and stays as long as the session does. */
  #adopted = false;
  /** The application cannot reach its end any more. */
  #unreachable = false;
  #count = 0;
  #unrevived = 0;
  /** The application holds it. */
  #held = false;
  /** Relays that serve it on, and values on their way home to this process that hold it. */
  #borrowed = 0;
  /** Its session is over, and why. */
  protected loss: NetchanError | undefined;
  readonly holders = undefined;
  /** How values that are on their way hold it: those of its own session by the references they brought, others by borrowing. */
  readonly travel: Travel = {
    left: (by) => {
      if (by !== this.exchange) this.borrow();
    },
    arrived: (by) => {
      if (by === this.exchange) this.revived();
      else this.returned();
    },
    dropped: (by) => {
      if (by === this.exchange) this.dropped();
      else this.giveBack();
    },
  };

  constructor(
    readonly exchange: Context,
    readonly id: number,
    readonly capacity: number,
    /** Its home is a third process, which the other side relays to. */
    readonly elsewhere = false,
  ) {}

  get references(): number {
    return this.#count;
  }
  /** What keeps it. */
  get heldBy(): "application" | "value" | "relay" | "release" {
    const inUse = !this.#unreachable || this.openCount > 0 || this.waiterCount > 0;
    if (this.#held && (inUse || this.#borrowed === 0)) return "application";
    if (this.#unrevived > 0) return "value";
    return this.#borrowed > 0 ? "relay" : "release";
  }
  /** Operations or offers without an answer. */
  abstract get openCount(): number;
  /** Receives that wait. */
  get waiterCount(): number {
    return 0;
  }

  get end(): End | undefined {
    return this.#end?.deref();
  }
  set end(end: End | undefined) {
    const { weakly } = this.exchange.host;
    if (end === undefined || this.#adopted || weakly === undefined) this.#end = kept(end);
    else this.#end = weakly(end, this.#whenLost());
  }
  /** Made where no end is in scope: closures of one scope share what they keep alive. */
  #whenLost(): () => void {
    return () => this.#lost();
  }
  /** The garbage collector has its end. A hint, because nobody says when: the contract is to let go of it. */
  #lost(): void {
    if (this.end !== undefined) return; // it came again, and there is a new one
    this.#unreachable = true;
    this.rest();
  }
  /** Something that was open here is over. */
  protected rest(): void {
    if (this.#unreachable && this.#held && this.#borrowed === 0 && this.openCount === 0 && this.waiterCount === 0) this.giveUp();
  }

  /** It stands in the table of its session: its id means something to the other side. */
  get known(): boolean {
    return this.#count > 0 && this.loss === undefined;
  }

  /** A frame with a reference was accepted. */
  counted(): void {
    this.#unrevived++;
    if (this.#count++ === 0) this.resumed();
  }
  /** It means something to its home again. */
  protected resumed(): void {}
  /** The application has the value, and the end with it. */
  revived(): void {
    this.#unrevived--;
    this.#regain();
  }
  /** Nobody will have the value that held the end. */
  dropped(): void {
    this.#unrevived--;
    this.#settle();
  }
  /** Somebody else in this process needs it for a while. */
  borrow(): void {
    this.#borrowed++;
  }
  giveBack(): void {
    this.#borrowed--;
    this.rest();
    this.#settle();
  }
  /** A value that held it has come home. */
  returned(): void {
    this.#borrowed--;
    this.#regain();
  }
  /** Ends that were never in a value: the default pair, named channels. */
  adopt(): void {
    this.#count++;
    this.#held = true;
    this.#adopted = true;
  }
  #regain(): void {
    this.#held = true;
    this.#unreachable = false;
    this.regained();
  }
  /** The application has it again, after it may have let go of it. */
  protected regained(): void {}

  /** The application is done with it. */
  protected giveUp(): void {
    this.#held = false;
    this.#settle();
  }

  /** Gives back all references but those in values that wait, once nobody here needs them. */
  #settle(): void {
    const count = this.#count - this.#unrevived;
    if (this.#held || this.#borrowed > 0 || count === 0 || this.loss !== undefined) return;
    this.#count -= count;
    this.exchange.post(`"release",${this.id},${count}`);
  }
  /** The home has forgotten it. */
  protected forgotten(): void {
    if (this.#count > 0) this.exchange.violated(`end ${this.id} was released while it is held`);
    this.exchange.remotes.delete(this.id);
    this.exchange.idle();
  }

  abstract homeFrame(frame: HomeFrame): void;
  abstract get busy(): boolean;
  abstract part(loss: NetchanError): void;

  sessionEnded(loss: NetchanError, graceful: boolean): void {
    if (this.loss !== undefined) return;
    this.loss = loss;
    this.ended(loss, graceful);
  }
  protected abstract ended(loss: NetchanError, graceful: boolean): void;
}

/** A reference that keeps, in place of one that does not. */
function kept<T>(end: T): { deref(): T } {
  return { deref: () => end };
}
