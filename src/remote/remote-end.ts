/**
 * What send and receive ends of channels in other processes have in common: their place in the table of a session. Layer: remote.
 *
 * References: every frame that carries the end counts one, when it is accepted. `#count` says how many were received and not yet given
 * back; of those, `#unrevived` are in values nobody has taken. When none is left the end waits, silent, for its home to say that it is
 * released; if it is sent here again meanwhile (the two crossed on the way) it goes on where it stopped.
 * An end of a published channel has no id before its first use, and gives it back when it is not in use and there is a newer one.
 * Source: PROTOCOL.md "References", "Named channels".
 */

import type { Travel } from "../core/offered.js";
import { NetchanError } from "../errors.js";
import type { HomeFrame } from "../wire/frame.js";
import { WireParcel } from "./content.js";
import type { Asks, Context, EndUser, NamedUser } from "./context.js";

export abstract class RemoteEnd<End extends object = object> implements NamedUser {
  /** The application's end over it: kept by the application alone, if that can be. */
  #end: { deref(): End | undefined } | undefined;
  #adopted = false;
  /** 0 as long as the other side has not heard of it. */
  #id: number;
  #superseded = false;
  /** The application cannot reach its end any more. */
  #unreachable = false;
  #count = 0;
  #unrevived = 0;
  /** The application holds it. */
  #held = false;
  /** Relays that serve it on, and values on their way home to this process that hold it. */
  #borrowed = 0;
  #loss: NetchanError | undefined;
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
    id: number,
    /** Of a published channel it is told when the end is opened. */
    public capacity: number,
    /** Its home is a third process, which the other side relays to. */
    readonly elsewhere = false,
    /** It is of something published. */
    readonly asks: Asks | undefined = undefined,
  ) {
    this.#id = id;
    this.#held = asks !== undefined;
  }

  abstract readonly kind: "send" | "receive";
  /** Whoever asks is about to use it. */
  get id(): number {
    if (this.#id === 0) {
      this.#superseded = false;
      this.#id = this.exchange.open(this);
      this.#count = 1;
    }
    return this.#id;
  }
  /** Its session is over, and why. */
  protected get loss(): NetchanError | undefined {
    return this.#loss ?? (this.#id === 0 ? this.exchange.over : undefined);
  }
  /** The other side has not heard of it, or not since it was let rest. */
  get unopened(): boolean {
    return this.#id === 0;
  }
  /** Why it cannot be opened, if it has to be and cannot. */
  protected get unopenable(): NetchanError | undefined {
    return this.unopened && this.exchange.room < 1
      ? new NetchanError("LIMIT_EXCEEDED", "the other side accepts no more channel ends", { outcome: "not-sent" })
      : undefined;
  }
  /** There are newer ends under its name: it gives back its id whenever nobody is using it, and its next use opens it again. */
  supersede(): void {
    this.#superseded = true;
    this.rest();
  }
  #retire(): void {
    const id = this.#id;
    if (id === 0 || this.#unrevived > 0 || this.loss !== undefined) return;
    this.#id = 0;
    this.#count = 0;
    this.exchange.remotes.set(id, new Retired(this.exchange, id, (frame) => this.#lateFrame(frame)));
    this.exchange.post(`"release",${id},1`);
    this.retired();
  }
  /** The numbers of its home begin anew. */
  protected retired(): void {}
  /** That it is over counts, unless it has been opened again: then it is another's story. */
  #lateFrame(frame: HomeFrame): void {
    if (this.#id === 0) this.homeFrame(frame);
  }
  protected opened(capacity: number): void {
    if (this.asks === undefined) this.exchange.violated(`end ${this.#id} was never to be opened`);
    this.capacity = capacity;
  }

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
    if (!this.#held || this.#borrowed > 0 || this.openCount > 0 || this.waiterCount > 0) return;
    if (this.#unreachable) this.giveUp();
    else if (this.#superseded) this.#retire();
  }

  /** It stands in the table of its session: its id means something to the other side. */
  get known(): boolean {
    return (this.#count > 0 || (this.asks !== undefined && this.#held)) && this.loss === undefined;
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
  get adopted(): boolean {
    return this.#adopted;
  }
  /** It stays as long as the session does. */
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
    this.exchange.post(`"release",${this.#id},${count}`);
  }
  /** The home has forgotten it. */
  protected forgotten(): void {
    if (this.#count > 0) this.exchange.violated(`end ${this.#id} was released while it is held`);
    this.exchange.remotes.delete(this.#id);
    if (this.asks !== undefined) this.exchange.unopen(this);
    this.exchange.idle();
  }

  abstract homeFrame(frame: HomeFrame): void;
  abstract get busy(): boolean;
  abstract part(loss: NetchanError): void;

  sessionEnded(loss: NetchanError, graceful: boolean): void {
    if (this.#loss !== undefined) return;
    this.#loss = loss;
    this.ended(loss, graceful);
  }
  protected abstract ended(loss: NetchanError, graceful: boolean): void;
}

/** In place of an end that has given its id back, until its home has forgotten that. */
class Retired implements EndUser {
  readonly busy = false;
  constructor(
    readonly exchange: Context,
    readonly id: number,
    readonly late: (frame: HomeFrame) => void,
  ) {}
  homeFrame(frame: HomeFrame): void {
    if (frame.type === "released") {
      this.exchange.remotes.delete(this.id);
      this.exchange.idle();
    } else if (frame.type === "ended" || frame.type === "done") this.late(frame);
    else if (frame.type === "offer") {
      // Its home puts the value back; what the frame counts is given back from here.
      const parcel = this.exchange.accept(frame.fields[4], 0);
      if (parcel instanceof WireParcel) parcel.discard();
    }
  }
  part(): void {}
  sessionEnded(): void {}
}

/** A reference that keeps, in place of one that does not. */
function kept<T>(end: T): { deref(): T } {
  return { deref: () => end };
}
