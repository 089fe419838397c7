/**
 * A session: numbered frames, acknowledged, over a link. Layer: session; knows nothing of channels.
 *
 *     open ──finish──▶ ended          a session ends once, for one reason, and says so to whoever owns it
 *
 * Invariants:
 * - Frames are numbered 1, 2, 3 … in each direction. A frame that was accepted before is dropped; one that leaves a gap is a violation.
 * - Every frame is kept, encoded, until it is acknowledged: `0 <= acknowledged <= sent`.
 * - All frames of one turn of the event loop travel in one batch, unless they would pass the peer's limit of a batch.
 * Source: PROTOCOL.md "Numbers and acknowledgements".
 */
import type { Limits } from "../contract.js";
import type { Timer } from "../core/clock.js";
import { NetchanError, plainMessage } from "../errors.js";
import { type Control, type Frame, readBatch, writeBatch } from "../wire/frame.js";
import type { Host } from "./host.js";
import type { Link } from "./link.js";

/** How a session ended, before the application hears of it. */
export interface Finish {
  readonly reason: "closed" | "aborted" | "lost" | "refused";
  readonly error: NetchanError | undefined;
}

export interface SessionOwner {
  /** A new frame, in order, once. A thrown error ends the session. */
  frame(frame: Frame): void;
  /** There is room again: what was held back may go on. */
  drained(): void;
  finished(finish: Finish): void;
}

interface Kept {
  readonly number: number;
  readonly text: string;
  readonly blobs: readonly Uint8Array[];
  readonly bytes: number;
  /** It holds no value. */
  readonly answer: boolean;
}

/** An acknowledgement is due after so many frames … */
const ackFrames = 32;
/** … or so many bytes … */
const ackBytes = 64 * 1024;
/** … or so long after a frame, at the latest. */
const ackMs = 50;
/** Frames without a value that may be kept until they are acknowledged. */
const mostAnswers = 100_000;
/** Characters of an error text that crosses the wire. */
const mostText = 500;
/** Frames that may wait for the link while the other side goes on asking for pongs. */
const mostWaiting = 100_000;
/** Frames are split into batches of about this size, so that the other side can begin with the first while the next is on its way. */
const batchBytes = 256 * 1024;

export class Session {
  readonly #host: Host;
  readonly #owner: SessionOwner;
  readonly #link: Link;
  readonly #peerLimits: Pick<Limits, "maxFrameBytes">;
  readonly #maxReplayBytes: number;
  /** Frames without a value that are kept. Values wait for room, answers cannot: a peer that makes us answer and never reads ends at some number. */
  #answers = 0;
  #overflowing = false;
  #finish: Finish | undefined;

  #sent = 0;
  #acknowledged = 0;
  /** Sent and not acknowledged, oldest first; from `#keptFrom` on. */
  #kept: Kept[] = [];
  #keptFrom = 0;
  #keptBytes = 0;
  /** What goes out at the end of this turn. */
  #outgoing: { readonly text: string; readonly blobs: readonly Uint8Array[]; readonly bytes: number }[] = [];
  #flushing = false;
  #blocked = false;
  /** The last frames go out whatever the link says: nobody comes back to send them. */
  #parting = false;
  #wasCongested = false;

  #received = 0;
  #ackSent = 0;
  #ackWanted = false;
  #unackedBytes = 0;
  #ackTimer: Timer | undefined;
  #heardAt: number;
  #heartbeat: Timer | undefined;
  readonly #pings = new Map<number, { readonly answered: (now: number) => void; readonly failed: () => void }>();
  #pingId = 0;

  constructor(host: Host, link: Link, owner: SessionOwner, limits: Limits, peerLimits: Pick<Limits, "maxFrameBytes">) {
    this.#host = host;
    this.#link = link;
    this.#owner = owner;
    this.#peerLimits = peerLimits;
    this.#maxReplayBytes = limits.maxReplayBytes;
    this.#heardAt = host.clock.now();
  }

  get ended(): Finish | undefined {
    return this.#finish;
  }
  get transport(): string {
    return this.#link.transport;
  }
  /** More is waiting to be acknowledged than the replay buffer holds: nothing should be added that can wait. */
  get congested(): boolean {
    const full = this.#keptBytes >= this.#maxReplayBytes;
    if (full) this.#wasCongested = true;
    return full;
  }
  /** Frames, bytes and timers that are still held: all zero when everything has settled. */
  get stats(): { readonly kept: number; readonly keptBytes: number; readonly outgoing: number; readonly pings: number } {
    return {
      kept: this.#kept.length - this.#keptFrom,
      keptBytes: this.#keptBytes,
      outgoing: this.#outgoing.length,
      pings: this.#pings.size,
    };
  }

  // ── out ──

  /** Sends a numbered frame; `rest` is its text behind the number: `"take",7,1`. */
  post(rest: string, blobs: readonly Uint8Array[] = [], value = false): void {
    if (this.#finish !== undefined) return;
    const number = ++this.#sent;
    const text = `[${number},${rest}]`;
    let bytes = text.length;
    for (const blob of blobs) bytes += blob.length;
    const frame = { number, text, blobs, bytes, answer: !value };
    this.#kept.push(frame);
    this.#keptBytes += bytes;
    this.#outgoing.push(frame);
    this.#flushSoon();
    if (!value && ++this.#answers > mostAnswers && !this.#overflowing) {
      this.#overflowing = true;
      this.#host.defer(() => this.fail(new NetchanError("LIMIT_EXCEEDED", "the other side acknowledges nothing of what it asks for")));
    }
  }

  /** Sends a control frame: not numbered, not kept. */
  control(text: string): void {
    if (this.#finish !== undefined) return;
    this.#outgoing.push({ text, blobs: [], bytes: text.length });
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushing || this.#blocked) return;
    this.#flushing = true;
    this.#host.defer(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#finish !== undefined) return;
    if (this.#outgoing.length > 0 || this.#ackDue()) this.#ackWanted = this.#received > this.#ackSent;
    // A character may take three bytes; a single frame that is larger has been measured.
    const limit = Math.min(batchBytes, Math.floor(this.#peerLimits.maxFrameBytes / 3) - 64);
    const outgoing = this.#outgoing;
    let from = 0;
    while ((from < outgoing.length || this.#ackWanted) && (!this.#blocked || this.#parting)) {
      let to = from;
      for (let bytes = 0; to < outgoing.length; to++) {
        bytes += (outgoing[to]?.bytes ?? 0) + 1;
        if (to > from && bytes > limit) break;
      }
      const batch = outgoing.slice(from, to);
      from = to;
      const texts = batch.map((frame) => frame.text);
      if (this.#ackWanted) texts.unshift(this.#acknowledge());
      const blobs = batch.flatMap((frame) => frame.blobs);
      if (!this.#write(writeBatch(texts, blobs))) from = outgoing.length;
    }
    outgoing.splice(0, from);
  }

  /** A link of a user's making may throw where none should: that is a link that failed. */
  #write(batch: string | Uint8Array): boolean {
    try {
      const congestion = this.#link.send(batch);
      if (congestion !== undefined) this.#waitFor(congestion);
      return true;
    } catch (cause) {
      this.#host.defer(() => this.finish({ reason: "lost", error: new NetchanError("SESSION_LOST", "the link failed", { cause }) }));
      this.#ackWanted = false;
      return false;
    }
  }

  #waitFor(congestion: Promise<void>): void {
    this.#blocked = true;
    const go = (): void => {
      this.#blocked = false;
      this.#flush();
    };
    congestion.then(go, go);
  }

  // ── in ──

  /**
   * Takes a batch from the link.
   * @returns whether the session goes on.
   */
  receive(batch: string | Uint8Array): boolean {
    if (this.#finish !== undefined) return false;
    this.#heardAt = this.#host.clock.now();
    try {
      this.#unackedBytes += batch.length;
      for (const frame of readBatch(batch)) {
        if (frame.number === undefined) this.#control(frame);
        else if (frame.number > this.#received + 1)
          throw new NetchanError("PROTOCOL_VIOLATION", `frame ${frame.number} came after frame ${this.#received}`);
        else if (frame.number === this.#received + 1) {
          this.#received++;
          this.#owner.frame(frame);
        }
        if (this.ended !== undefined) return false;
      }
    } catch (error) {
      this.fail(NetchanError.is(error) ? error : new NetchanError("PROTOCOL_VIOLATION", "a frame could not be handled", { cause: error }));
      return false;
    }
    this.#ackSoon();
    return true;
  }

  #control({ type, fields }: Control): void {
    switch (type) {
      case "ack":
        this.#trim(fields[0]);
        return;
      case "ping":
        if (!Number.isSafeInteger(fields[0])) break;
        if (this.#outgoing.length > mostWaiting) throw new NetchanError("LIMIT_EXCEEDED", "more pings than answers are read");
        this.control(`["pong",${String(fields[0])}]`);
        return;
      case "pong": {
        const ping = this.#pings.get(fields[0] as number);
        this.#pings.delete(fields[0] as number);
        ping?.answered(this.#host.clock.now());
        return;
      }
      case "end":
        this.finish({ reason: "aborted", error: remoteError(fields[0], fields[1]) });
        return;
    }
    throw new NetchanError("PROTOCOL_VIOLATION", `a ${type} frame does not belong here`);
  }

  /** The other side has everything up to `number`. */
  #trim(number: unknown): void {
    if (typeof number !== "number" || !Number.isSafeInteger(number) || number < this.#acknowledged || number > this.#sent)
      throw new NetchanError(
        "PROTOCOL_VIOLATION",
        `an acknowledgement of ${String(number)} is outside ${this.#acknowledged} to ${this.#sent}`,
      );
    this.#acknowledged = number;
    for (let kept = this.#kept[this.#keptFrom]; kept !== undefined && kept.number <= number; kept = this.#kept[this.#keptFrom]) {
      this.#keptBytes -= kept.bytes;
      if (kept.answer) this.#answers--;
      this.#keptFrom++;
    }
    if (this.#keptFrom > 64 && this.#keptFrom * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#keptFrom);
      this.#keptFrom = 0;
    }
    if (this.#keptFrom === this.#kept.length) {
      this.#kept.length = 0;
      this.#keptFrom = 0;
    }
    if (this.#wasCongested && this.#keptBytes < this.#maxReplayBytes / 2) {
      this.#wasCongested = false;
      this.#owner.drained();
    }
  }

  #ackDue(): boolean {
    return this.#received - this.#ackSent >= ackFrames || this.#unackedBytes >= ackBytes;
  }

  #ackSoon(): void {
    if (this.#received === this.#ackSent || this.#finish !== undefined) return;
    if (this.#ackDue()) this.#flushSoon();
    else
      this.#ackTimer ??= this.#host.clock.start(
        ackMs,
        () => {
          this.#ackTimer = undefined;
          if (this.#finish !== undefined || this.#received === this.#ackSent) return;
          this.#ackWanted = true;
          this.#flush();
        },
        "idle",
      );
  }

  /** @returns the frame that acknowledges all that was received. */
  #acknowledge(): string {
    this.#ackWanted = false;
    this.#ackSent = this.#received;
    this.#unackedBytes = 0;
    this.#ackTimer?.cancel();
    this.#ackTimer = undefined;
    return `["ack",${this.#received}]`;
  }

  // ── liveness ──

  /** Measures a round trip behind all that was sent before. `answered` gets milliseconds; `failed` is called if the session ends first. @returns a function that forgets the ping. */
  ping(answered: (ms: number) => void, failed: () => void = () => undefined): () => void {
    const id = ++this.#pingId;
    const begun = this.#host.clock.now();
    this.#pings.set(id, { answered: (now) => answered(now - begun), failed });
    this.control(`["ping",${id}]`);
    return () => this.#pings.delete(id);
  }

  /** Notices within three heartbeats that the other side is silent. The listener asks, the dialer answers. */
  watch(heartbeatMs: number, asks: boolean): void {
    const beat = (): void => {
      if (this.#finish !== undefined) return;
      const silentMs = this.#host.clock.now() - this.#heardAt;
      if (silentMs >= 3 * heartbeatMs) {
        this.finish({
          reason: "lost",
          error: new NetchanError("SESSION_LOST", `the other side has been silent for ${Math.round(silentMs)} ms`),
        });
        return;
      }
      if (asks && silentMs >= heartbeatMs * 0.9) this.ping(() => undefined);
      this.#heartbeat = this.#host.clock.start(heartbeatMs, beat, "idle");
    };
    this.#heartbeat = this.#host.clock.start(heartbeatMs, beat, "idle");
  }

  // ── the end ──

  /** The peer broke the rules, or a limit: it is told the code, and the session is over. */
  fail(error: NetchanError): void {
    this.#last(`["end",${JSON.stringify(error.code)},${JSON.stringify(plainMessage(error).slice(0, mostText))}]`);
    this.finish({ reason: "aborted", error });
  }

  /** Ends the session now and tells the other side. */
  abort(error: NetchanError): void {
    this.fail(error);
  }

  /** Sends what is waiting and a last control frame, at once. */
  #last(text: string): void {
    if (this.#finish !== undefined) return;
    this.#outgoing.push({ text, blobs: [], bytes: text.length });
    this.#parting = true;
    this.#flush();
  }

  /** Sends what is waiting and ends. */
  finishAfterFlush(finish: Finish): void {
    if (this.#finish !== undefined) return;
    this.#parting = true;
    this.#flush();
    this.finish(finish);
  }

  finish(finish: Finish): void {
    if (this.#finish !== undefined) return;
    this.#finish = finish;
    this.#ackTimer?.cancel();
    this.#heartbeat?.cancel();
    this.#kept = [];
    this.#keptFrom = this.#keptBytes = 0;
    this.#outgoing = [];
    const pings = [...this.#pings.values()];
    this.#pings.clear();
    for (const ping of pings) ping.failed();
    try {
      this.#link.close(finish.error === undefined ? finish.reason : finish.error.code);
    } catch {
      // A link of a user's making: that it cannot be closed keeps nobody from hearing of the end.
    }
    this.#owner.finished(finish);
  }
}

const endCodes: readonly unknown[] = ["SESSION_CLOSED", "PROTOCOL_VIOLATION", "LIMIT_EXCEEDED", "SESSION_REFUSED", "VERSION_MISMATCH"];

/** An error as the other side named it: only codes a session can end with, and a text of bounded length. */
export function remoteError(code: unknown, text: unknown): NetchanError {
  const known = endCodes.includes(code) ? (code as "SESSION_CLOSED") : "PROTOCOL_VIOLATION";
  return new NetchanError(known, typeof text === "string" ? text.slice(0, 1_000) : "the other side ended the session");
}
