/**
 * What send and receive ends of channels in other processes have in common: their place in the table of a session. Layer: remote.
 *
 * References: every frame that carries the end counts one, when it is accepted. `#count` says how many were received and not yet given
 * back; of those, `#unrevived` are in values nobody has taken. The end leaves the table when none is left.
 * Source: PROTOCOL.md "References".
 */
import type { NetchanError } from "../errors.js";
import type { HomeFrame } from "../wire/frame.js";
import type { Exchange } from "./exchange.js";

/** Whoever uses an end of the other side: the application, or a relay for a third process. */
export interface EndUser {
  homeFrame(frame: HomeFrame): void;
  /** The session has ended: everything that is open here settles. */
  sessionEnded(loss: NetchanError, graceful: boolean): void;
}

export abstract class RemoteEnd implements EndUser {
  #count = 0;
  #unrevived = 0;
  /** Its session is over, and why. */
  protected loss: NetchanError | undefined;
  readonly holders = undefined;

  constructor(
    readonly exchange: Exchange,
    readonly id: number,
    readonly capacity: number,
  ) {}

  /** It stands in the table of its session: its id means something to the other side. */
  get known(): boolean {
    return this.#count > 0 && this.loss === undefined;
  }
  /** Its session has not ended. */
  get alive(): boolean {
    return this.loss === undefined;
  }

  /** A frame with a reference was accepted. */
  counted(): void {
    this.#count++;
    this.#unrevived++;
  }
  /** The application has the value, and the end with it. */
  revived(): void {
    this.#unrevived--;
  }
  /** Nobody will have the value that held the end. */
  dropped(): void {
    this.#unrevived--;
    this.#giveBack(1);
  }
  /** Ends that were never in a value: the default pair, named channels, forks. */
  adopt(): void {
    this.#count++;
  }

  /** This process is done with it: what the application held is given back; what is in values that wait stays. */
  protected giveUp(): void {
    this.#giveBack(this.#count - this.#unrevived);
  }

  #giveBack(count: number): void {
    if (count <= 0 || this.loss !== undefined) return;
    this.#count -= count;
    this.exchange.post(`"release",${this.id},${count}`);
    if (this.#count === 0) {
      this.exchange.remotes.delete(this.id);
      this.exchange.idle();
    }
  }

  abstract homeFrame(frame: HomeFrame): void;

  sessionEnded(loss: NetchanError, graceful: boolean): void {
    if (this.loss !== undefined) return;
    this.loss = loss;
    this.ended(loss, graceful);
  }
  protected abstract ended(loss: NetchanError, graceful: boolean): void;
}
