/**
 * What one side of a session has to say: frames that wait to be written, and written ones until they are acknowledged. Layer: session.
 * Pure: knows no link and no clock.
 *
 *     queued ──written──▶ kept ──acknowledged──▶ gone        a frame gets its number when it is first written; until then it can be
 *        └─recalled─▶ gone   └─replayed on the next link      taken back without a trace
 *
 * Invariants: `acknowledged <= written`; kept frames have the numbers `acknowledged + 1 … written`, in order; frames are written in the
 * order in which they were posted; a control frame is written behind what was posted before it, once, on one link only.
 * Source: PROTOCOL.md "Numbers and acknowledgements".
 */
import { NetchanError } from "../errors.js";
import { mostFrames } from "../wire/batch.js";

/** A frame on its way. */
export interface Posted {
  /** Its number; 0 as long as it has not been written to any link. */
  readonly number: number;
}

interface Entry {
  number: number;
  /** The text of a control frame; of a numbered frame what stands behind its number. */
  text: string;
  blobs: readonly Uint8Array[];
  readonly bytes: number;
  readonly kind: "value" | "answer" | "control";
  recalled: boolean;
}

/** What goes into one batch. */
export interface Writing {
  readonly texts: readonly string[];
  readonly blobs: readonly Uint8Array[];
}

/** Of the buffer's bytes, so much is for values; the rest is for frames without one, so that control never starves. */
const shareOfValues = 0.9;
/** Frames of one batch, beside an acknowledgement. */
const mostTexts = mostFrames - 1;
/** What a number and its brackets add to a frame. */
const numberBytes = 20;

export class Outbox {
  #written = 0;
  #acknowledged = 0;
  #kept: Entry[] = [];
  #keptFrom = 0;
  /** In `#kept`: the first one that this link has not carried yet. */
  #replay = 0;
  #queue: Entry[] = [];
  #queueFrom = 0;
  /** In `#queue`: frames that were taken back. */
  #recalled = 0;
  #bytes = 0;
  #answers = 0;
  #wasFull = false;

  /** @param maxBytes - of frames that wait or are kept; full means that values have to wait, never that something is lost */
  constructor(readonly maxBytes: number) {}

  get written(): number {
    return this.#written;
  }
  get acknowledged(): number {
    return this.#acknowledged;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** Frames that are kept until they are acknowledged. */
  get kept(): number {
    return this.#kept.length - this.#keptFrom;
  }
  /** Frames that wait for a link, or for room on it. */
  get waiting(): number {
    return this.#queue.length - this.#queueFrom - this.#recalled + this.#kept.length - this.#replay;
  }
  /** Frames without a value that wait or are kept. Values wait for room, answers cannot. */
  get answers(): number {
    return this.#answers;
  }
  /** There is no room for a value now. Asking is remembered: see {@link relieved}. */
  get full(): boolean {
    const full = this.#bytes >= this.maxBytes * shareOfValues;
    if (full) this.#wasFull = true;
    return full;
  }
  /** Has somebody been told that there is no room, and is there room again? True once. */
  relieved(): boolean {
    if (!this.#wasFull || this.#bytes >= (this.maxBytes * shareOfValues) / 2) return false;
    this.#wasFull = false;
    return true;
  }

  /** @param text - of a numbered frame, what stands behind the number: `"take",7,1` */
  post(text: string, blobs: readonly Uint8Array[], kind: Entry["kind"]): Posted {
    let bytes = text.length;
    for (const blob of blobs) bytes += blob.length;
    const entry: Entry = { number: 0, text, blobs, bytes, kind, recalled: false };
    this.#queue.push(entry);
    if (kind !== "control") this.#bytes += bytes;
    if (kind === "answer") this.#answers++;
    return entry;
  }

  /** Takes a frame back that no link has carried. @returns whether that was possible. */
  recall(posted: Posted): boolean {
    const entry = posted as Entry;
    if (entry.number > 0 || entry.recalled) return false;
    this.#forget(entry);
    entry.recalled = true;
    entry.text = "";
    entry.blobs = [];
    if (++this.#recalled > 64 && this.#recalled * 2 > this.#queue.length - this.#queueFrom) this.#tidy(() => true);
    return true;
  }
  #tidy(keep: (entry: Entry) => boolean): void {
    this.#queue = this.#queue.slice(this.#queueFrom).filter((entry) => !entry.recalled && keep(entry));
    this.#queueFrom = this.#recalled = 0;
  }
  /** Takes back every frame about an end that the other side will never hear of. */
  recallAbout(id: number): void {
    const about = new RegExp(`^"(mute|ended|done|released)",${id}(,|$)`);
    for (const entry of this.#queue.slice(this.#queueFrom))
      if (entry.kind === "answer" && !entry.recalled && about.test(entry.text)) this.recall(entry);
  }
  #forget(entry: Entry): void {
    if (entry.kind === "control") return;
    this.#bytes -= entry.bytes;
    if (entry.kind === "answer") this.#answers--;
  }

  /**
   * The next frames for a batch of about `limit` bytes and no more frames than a batch may have: what has to be replayed first, then what
   * waits. One frame at least, if there is any, whatever its size.
   */
  take(limit: number): Writing | undefined {
    const texts: string[] = [];
    let blobs: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const again = this.#kept[this.#replay];
      const entry = again ?? this.#queue[this.#queueFrom];
      if (entry === undefined) break;
      if (!entry.recalled) bytes += entry.bytes + numberBytes;
      if (texts.length > 0 && (bytes > limit || texts.length >= mostTexts)) break;
      if (again !== undefined) this.#replay++;
      else {
        this.#queueFrom++;
        if (entry.recalled) {
          this.#recalled--;
          continue;
        }
        if (entry.kind !== "control") this.#keep(entry);
      }
      texts.push(entry.kind === "control" ? entry.text : `[${entry.number},${entry.text}]`);
      if (entry.blobs.length > 0) blobs = blobs.concat(entry.blobs);
    }
    if (this.#queueFrom === this.#queue.length) {
      this.#queue.length = 0;
      this.#queueFrom = 0;
    }
    return texts.length === 0 ? undefined : { texts, blobs };
  }
  #keep(entry: Entry): void {
    entry.number = ++this.#written;
    this.#kept.push(entry);
    this.#replay = this.#kept.length;
  }

  /**
   * The other side has everything up to `number`.
   * @throws NetchanError PROTOCOL_VIOLATION for a number that was never written, that goes back, or that is none
   */
  acknowledge(number: unknown): void {
    if (typeof number !== "number" || !Number.isSafeInteger(number) || number < this.#acknowledged || number > this.#written)
      throw new NetchanError("PROTOCOL_VIOLATION", `an acknowledgement is not from ${this.#acknowledged} to ${this.#written}`);
    this.#acknowledged = number;
    for (let kept = this.#kept[this.#keptFrom]; kept !== undefined && kept.number <= number; kept = this.#kept[this.#keptFrom]) {
      this.#forget(kept);
      this.#keptFrom++;
    }
    this.#replay = Math.max(this.#replay, this.#keptFrom);
    if (this.#keptFrom > 64 && this.#keptFrom * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#keptFrom);
      this.#replay -= this.#keptFrom;
      this.#keptFrom = 0;
    }
    if (this.#keptFrom === this.#kept.length) this.#kept.length = this.#keptFrom = this.#replay = 0;
  }

  /** A new link: whatever the other side has not acknowledged is written again, and control frames of the old link are not. */
  rewind(): void {
    this.#replay = this.#keptFrom;
    this.#tidy((entry) => entry.kind !== "control");
  }

  clear(): void {
    this.#kept = [];
    this.#queue = [];
    this.#keptFrom = this.#replay = this.#queueFrom = this.#recalled = this.#bytes = this.#answers = 0;
  }
}
