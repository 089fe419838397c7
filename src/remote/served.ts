/** What the other side of a session holds here: an entry of the table of served ends. Layer: remote. */

import type { Port } from "../core/end.js";
import type { Source } from "../core/waiter.js";
import type { NetchanError } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import type { UserFrame } from "../wire/frame.js";
import type { Permit, PermitUser } from "./permit.js";

export abstract class Served implements PermitUser {
  /** References the other side holds; at zero it holds the end no longer. */
  count = 0;
  /** The end as the exchange knows it; another than `port` when that one is gone and a closed channel stands in for it. */
  key: Port;

  /** Of a published channel: may the other side use it? */
  permit: Permit | undefined = undefined;
  #introduced = false;

  /** The frame that tells the other side of its id; undefined for ends that stand in no value. */
  introduction: Posted | undefined = undefined;

  /** Where its values come from, if that is more than its port says. */
  readonly sources: readonly Source[] | undefined = undefined;

  /** The end is done as soon as its first source is: the others are shared with other peers. */
  readonly endsWithFirst: boolean = false;
  /** How often offers were taken back: those of an earlier epoch mean nothing. */
  get epoch(): number {
    return 0;
  }
  /** The same, with what a relay has taken back by itself. */
  get age(): number {
    return this.epoch;
  }
  /** Values of this end that were given to attempts and not answered: at the present age, and before. */
  #given = 0;
  #stale = 0;
  /** Attempts that wait until those of earlier epochs have come back: what they bring is older than what is in line. */
  readonly behindIt = new Set<{ resume(): void }>();
  get behind(): boolean {
    return this.#stale > 0;
  }
  gave(age: number): void {
    if (age === this.age) this.#given++;
    else this.#stale++;
  }
  /** Another epoch begins: what was given before is going to come back. */
  protected outdated(): void {
    this.#stale += this.#given;
    this.#given = 0;
  }
  /** A value that was given has been answered, and is back in its place if it was not taken. */
  gaveOver(age: number): void {
    if (age === this.age) this.#given--;
    else if (--this.#stale === 0) {
      this.resume();
      const waiting = [...this.behindIt];
      this.behindIt.clear();
      for (const one of waiting) one.resume();
    }
  }
  /** Can nobody but this side's user have the values of that source? */
  alone(_source: Source): boolean {
    return false;
  }

  constructor(
    readonly id: number,
    readonly port: Port,
  ) {
    this.key = port;
  }

  /** The other side knows the id from now on, and may be told what the channel's state is. */
  introduced(): void {}
  /** It is asked whether the other side may use it. */
  get barred(): boolean {
    return this.permit?.pending === true;
  }
  permitted(): void {
    if (!this.#introduced) {
      this.#introduced = true;
      this.introduced();
    }
    this.resume();
  }
  /** The other side may not use it (any more). What it is being offered now it may still take. */
  revoked(_refusal: NetchanError): void {}
  abstract frame(frame: UserFrame): void;
  /** The other side no longer holds the end: by its own will (`undefined`), or because it is gone. */
  abstract left(loss: NetchanError | undefined, graceful: boolean): void;
  /** A goodbye: whatever of the other side's waits here is refused, so that it knows what became of it. */
  abstract dismiss(): void;
  /** Something of the other side's is still open here. */
  abstract get busy(): boolean;
  /** Operations or offers without an answer. */
  abstract get openCount(): number;
  /** The session has no link. */
  pause(): void {}
  /** There is room on the session again, or a link, or the other side has shown that it is there. */
  resume(): void {}
}
