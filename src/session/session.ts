/**
 * A session: numbered frames, acknowledged, over one link after another (PROTOCOL.md "Resume"). Layer: session.
 *
 *     connected ──link lost──▶ suspended ──new link──▶ connected        what was not acknowledged is written again on the new link
 *         └──────────┴──finish──▶ ended                                 a session ends once, for one reason, and tells its owner
 *
 * Invariants:
 * - Frames are numbered 1, 2, 3 … in each direction. A frame that was accepted before is dropped; one that leaves a gap is a violation.
 * - At most one link is attached; what an earlier one still says, its end included, means nothing.
 * - All frames of one turn of the event loop travel in one batch, unless they would pass the peer's limit of a batch.
 */
import type { Limits } from "../contract.js";
import { NetchanError, plainMessage } from "../errors.js";
import { readBatch, writeBatch } from "../wire/batch.js";
import { type Control, violation } from "../wire/frame.js";
import type { Batches } from "./handshake.js";
import type { Host } from "./host.js";
import { closeLink, dropLink, type Link, sendOn } from "./link.js";
import { Liveness } from "./liveness.js";
import { Outbox, type Posted } from "./outbox.js";
import type { Finish, SessionOwner } from "./owner.js";
import { Pings } from "./pings.js";
import { Receipts } from "./receipts.js";
import { remoteError } from "./remote-error.js";
import { Share } from "./share.js";

export type { Finish, SessionOwner } from "./owner.js";

export interface SessionSettings {
  readonly host: Host;
  readonly limits: Pick<Limits, "maxReplayBytes" | "maxNodes">;
  readonly peerLimits: Pick<Limits, "maxFrameBytes">;
  readonly heartbeatMs: number;
  /** This side asks whether the other is there; at least one side does. */
  readonly asks: boolean;
}

/** Where a side stands, as it says when it resumes: the next number it wants, and the first one it can still give. */
export interface Position {
  readonly next: number;
  readonly first: number;
}

/** Frames without a value that may wait or be kept until they are acknowledged. */
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
  readonly #maxNodes: number;
  readonly #peerLimits: Pick<Limits, "maxFrameBytes">;
  readonly #outbox: Outbox;
  readonly #liveness: Liveness;
  readonly #pings: Pings;
  #link: Link | undefined;
  #transport = "";
  #finish: Finish | undefined;
  /** How it ends once the other side has acknowledged everything. */
  #leaving: Finish | undefined;
  #overflowing = false;
  #flushing = false;
  #blocked = false;
  /** The last frames go out whatever the link says: nobody comes back to send them. */
  #parting = false;
  readonly #receipts: Receipts;
  readonly share: Share;
  /** The other side was silent and has been asked whether it is there. */
  #rousing = false;
  /** The page this side lives in is hidden. */
  #hidden = false;

  constructor(owner: SessionOwner, { host, limits, peerLimits, heartbeatMs, asks }: SessionSettings) {
    this.#host = host;
    this.#owner = owner;
    this.#maxNodes = limits.maxNodes;
    this.share = new Share(host);
    this.#peerLimits = peerLimits;
    this.#outbox = new Outbox(limits.maxReplayBytes);
    this.#receipts = new Receipts(host.clock, () => this.#flush());
    this.#pings = new Pings(host.clock, (id) => this.control(`["ping",${id}]`));
    this.#liveness = new Liveness(
      host,
      heartbeatMs,
      asks,
      () => this.#pings.ask(),
      (silentMs) => this.unlink(`the other side has been silent for ${Math.round(silentMs)} ms`),
    );
  }

  get ended(): Finish | undefined {
    return this.#finish;
  }
  /** What carries it now, or carried it last. */
  get transport(): string {
    return this.#transport;
  }
  get link(): Link | undefined {
    return this.#link;
  }
  get linked(): boolean {
    return this.#link !== undefined;
  }
  /** No room for values now: nothing should be added that can wait. */
  get congested(): boolean {
    return this.#outbox.full;
  }
  /** The other side has a link and was heard a moment ago. */
  get fresh(): boolean {
    return this.#link !== undefined && this.#liveness.fresh;
  }
  get position(): Position {
    return { next: this.#receipts.received + 1, first: this.#outbox.acknowledged + 1 };
  }
  /** Frames, bytes and pings that are still held: all zero when everything has settled. */
  get stats(): { readonly kept: number; readonly keptBytes: number; readonly waiting: number; readonly pings: number } {
    return { kept: this.#outbox.kept, keptBytes: this.#outbox.bytes, waiting: this.#outbox.waiting, pings: this.#pings.size };
  }

  // ── links ──

  /**
   * Goes on over a link, in place of one that may still look alive. What the other side does not have yet is written (again) on it.
   * @param position - what the other side said of itself when it resumed; absent on the first link
   */
  attach(link: Link, batches: Batches, position?: Position): void {
    if (this.#finish !== undefined) {
      closeLink(link, "the session has ended");
      return;
    }
    if (this.#link !== undefined) dropLink(this.#link, "another link took over");
    this.#unlink();
    this.#link = link;
    this.#transport = link.transport;
    this.#outbox.rewind();
    if (position !== undefined && !this.#agrees(position)) return;
    this.#receipts.wanted = true; // tells the listener that its answer has arrived
    this.#liveness.hidden = this.#hidden;
    this.#liveness.start();
    if (this.#hidden) this.control(`["page","hidden"]`);
    this.#pings.again();
    this.#flushSoon();
    void this.#pump(link, batches);
    this.#owner.connected();
    this.#relieve();
    this.#leave();
  }
  #relieve(): void {
    if (this.#outbox.relieved()) this.#owner.drained();
  }

  #agrees({ next, first }: Position): boolean {
    try {
      const wanted = this.#receipts.received + 1;
      if (first > wanted)
        throw new NetchanError("PROTOCOL_VIOLATION", `frames from ${wanted} on are wanted, and available only from ${first}`);
      // An acknowledgement over the old link may have overtaken this.
      this.#outbox.acknowledge(Math.max(next - 1, this.#outbox.acknowledged));
      return true;
    } catch (error) {
      this.fail(error as NetchanError);
      return false;
    }
  }

  /** Reads a link until it ends, or another takes over. */
  async #pump(link: Link, batches: Batches): Promise<void> {
    let cause: unknown;
    try {
      for (let next = await batches.next(); !next.done; next = await batches.next()) {
        if (this.#link !== link) return;
        for (const _others of this.take(next.value)) {
          await this.share.others();
          if (this.#link !== link) return; // what is left will be replayed
        }
        if (this.#finish !== undefined) return;
      }
    } catch (error) {
      cause = error;
    }
    this.detach(link, new NetchanError("DIAL_FAILED", "the link was lost", { cause }));
  }

  /** A link is gone. Means nothing when another has taken over. */
  detach(link: Link, error: NetchanError): void {
    if (this.#link !== link || this.#finish !== undefined) return;
    dropLink(link, "the link failed");
    this.#unlink();
    this.#outbox.rewind();
    this.#owner.suspended(error);
  }
  #unlink(): void {
    this.#link = undefined;
    this.#liveness.stop();
    this.#blocked = this.#rousing = false;
    this.#receipts.stop();
  }
  /** The present link is given up, if there is one. */
  unlink(why: string): void {
    if (this.#link !== undefined) this.detach(this.#link, new NetchanError("DIAL_FAILED", why));
  }

  // ── out ──

  /** Sends a numbered frame; `rest` is its text behind the number: `"take",7,1`. */
  post(rest: string, blobs: readonly Uint8Array[] = [], value = false): Posted {
    const posted = this.#outbox.post(rest, blobs, value ? "value" : "answer");
    if (this.#finish !== undefined) this.#outbox.clear();
    this.#flushSoon();
    if (this.#outbox.answers > mostAnswers && !this.#overflowing) {
      this.#overflowing = true;
      this.#host.defer(() => this.fail(new NetchanError("LIMIT_EXCEEDED", "the other side acknowledges nothing of what it asks for")));
    }
    return posted;
  }
  /** Takes a frame back that no link has carried. @returns whether that was possible. */
  recall(posted: Posted): boolean {
    if (this.#finish !== undefined || !this.#outbox.recall(posted)) return false;
    this.#host.defer(() => this.#relieve());
    return true;
  }
  recallAbout(id: number): void {
    this.#outbox.recallAbout(id);
  }
  /** Sends a control frame: not numbered, not kept, lost with its link. */
  control(text: string): void {
    if (this.#finish !== undefined || this.#link === undefined) return;
    this.#outbox.post(text, [], "control");
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushing || this.#blocked || this.#link === undefined || this.#finish !== undefined) return;
    this.#flushing = true;
    this.#host.defer(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const link = this.#link;
    if (this.#finish !== undefined || link === undefined) return;
    const receipts = this.#receipts;
    if (this.#outbox.waiting > 0 || receipts.isDue) receipts.wanted ||= receipts.untold;
    // A character may take three bytes; a single frame that is larger has been measured.
    const limit = Math.min(batchBytes, Math.floor(this.#peerLimits.maxFrameBytes / 3) - 64);
    while (this.#link === link && (!this.#blocked || this.#parting)) {
      const writing = this.#outbox.take(limit);
      if (writing === undefined && !receipts.wanted) {
        this.#leave(); // a ping may have been all that was left to write
        return;
      }
      const texts = [...(receipts.wanted ? [receipts.tell()] : []), ...(writing?.texts ?? [])];
      this.#write(link, writeBatch(texts, writing?.blobs ?? []));
    }
  }

  /** A link of a user's making may throw where none should: that is a link that failed. */
  #write(link: Link, batch: string | Uint8Array): void {
    const failed = (cause: unknown): void => this.detach(link, new NetchanError("DIAL_FAILED", "the link failed", { cause }));
    try {
      const congestion = sendOn(link, batch);
      if (congestion === undefined) return;
      this.#blocked = true;
      const go = (): void => {
        if (this.#link !== link) return;
        this.#blocked = false;
        this.#flush();
      };
      congestion.then(go, failed);
    } catch (cause) {
      this.#blocked = true;
      this.#host.defer(() => failed(cause));
    }
  }

  // ── in ──

  /** Takes a batch from the link, and yields whenever it is the turn of others: much of one must not keep them from theirs. */
  *take(batch: string | Uint8Array): Generator<void, void> {
    if (this.#finish !== undefined) return;
    this.#liveness.heard();
    this.share.batch(batch.length);
    try {
      this.#receipts.arrived(batch.length);
      for (const frame of readBatch(batch, this.#maxNodes)) {
        if (this.share.frame()) yield this.#liveness.heard(); // while it is made to wait it is not silent
        if (frame.number === undefined) this.#control(frame);
        else if (this.#receipts.accept(frame.number)) this.#owner.frame(frame);
        if (this.ended !== undefined) return;
      }
      if (this.share.isLong) yield;
    } catch (error) {
      this.fail(NetchanError.is(error) ? error : violation("a frame could not be handled", error), true);
      return;
    }
    this.#ackSoon();
    if (this.#rousing) {
      this.#rousing = false;
      this.#owner.awake();
    }
  }

  #control({ type, fields }: Control): void {
    const [field] = fields;
    switch (type) {
      case "ack":
        this.#outbox.acknowledge(field);
        this.#relieve();
        this.#leave();
        return;
      case "ping":
        if (!Number.isSafeInteger(field)) break;
        if (this.#outbox.waiting > mostWaiting) throw new NetchanError("LIMIT_EXCEEDED", "more pings than answers are read");
        this.control(`["pong",${String(field)}]`);
        return;
      case "pong":
        this.#pings.answered(field);
        return;
      case "page":
        if (field !== "hidden" && field !== "visible") break;
        this.#liveness.hidden = field === "hidden" || this.#hidden;
        return;
      case "end":
        this.finish({ reason: "aborted", error: remoteError(field, fields[1]) });
        return;
    }
    throw violation(`a ${type} frame does not belong here`);
  }

  #ackSoon(): void {
    const receipts = this.#receipts;
    if (!receipts.untold || this.#finish !== undefined) return;
    receipts.wanted ||= this.#leaving !== undefined; // the other side waits for nothing else
    if (receipts.wanted || receipts.isDue) this.#flushSoon();
    else receipts.later();
  }

  // ── liveness ──

  /** Measures a round trip behind all that was sent before. See {@link Pings.measure}. */
  ping(answered: (ms: number) => void, failed: () => void = () => undefined): () => void {
    return this.#pings.measure(answered, failed);
  }
  /** Asks a side that was silent for a while whether it is there; `awake` tells. */
  rouse(): void {
    if (this.#rousing || this.#link === undefined) return;
    this.#rousing = true;
    this.#pings.ask();
  }
  /** The page this side lives in was hidden, or is shown again. */
  hide(hidden: boolean): void {
    if (this.#hidden === hidden) return;
    this.#hidden = this.#liveness.hidden = hidden;
    this.control(`["page","${hidden ? "hidden" : "visible"}"]`);
  }

  // ── the end ──

  /** The peer is guilty of something, or the application wants no more: the other side is told the code, and it is over. */
  fail(error: NetchanError, isGuilty = false): void {
    if (this.#finish !== undefined) return;
    this.control(`["end",${JSON.stringify(error.code)},${JSON.stringify(plainMessage(error).slice(0, mostText))}]`);
    this.#part();
    this.finish({ reason: "aborted", error, isGuilty });
  }
  /** Sends what is waiting, whatever the link says. */
  #part(): void {
    this.#parting = true;
    this.#flush();
  }

  /** Both sides have said goodbye: ends as soon as the other side has acknowledged everything. */
  leave(finish: Finish): void {
    this.#leaving = finish;
    this.#receipts.wanted = true;
    this.#part();
    this.#leave();
  }
  #leave(): void {
    if (this.#leaving !== undefined && this.#outbox.kept === 0 && this.#outbox.waiting === 0) this.finish(this.#leaving);
  }

  finish(finish: Finish): void {
    if (this.#finish !== undefined) return;
    this.#finish = finish;
    const link = this.#link;
    this.#unlink();
    this.#outbox.clear();
    if (link !== undefined) closeLink(link, finish.error === undefined ? finish.reason : finish.error.code);
    this.#pings.fail();
    this.#owner.finished(finish);
  }
}
