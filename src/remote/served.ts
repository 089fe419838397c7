/** What the other side of a session holds here: an entry of the table of served ends. Layer: remote. */

import type { Port } from "../core/end.js";
import type { Source } from "../core/waiter.js";
import type { NetchanError } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import type { UserFrame } from "../wire/frame.js";

export abstract class Served {
  /** References the other side holds; at zero it holds the end no longer. */
  count = 0;
  /** The end as the exchange knows it; another than `port` when that one is gone and a closed channel stands in for it. */
  key: Port;

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
