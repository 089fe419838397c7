/**
 * One session as the channels see it: hands each frame to the end it is about, and keeps the limits of both sides. Layer: remote.
 * While the session has no link nothing is offered to the other side and no attempt is made at its channels; what is under way waits.
 * Source: PROTOCOL.md "Ends", "Windows", "Resume".
 */
import type { Limits } from "../contract.js";
import type { Port } from "../core/end.js";
import { Home } from "../core/home.js";
import type { Attempt, Attempted } from "../core/offered.js";
import type { Entry, Selection } from "../core/selection.js";
import { NetchanError } from "../errors.js";
import type { Host } from "../session/host.js";
import type { Posted } from "../session/outbox.js";
import type { Codec } from "../wire/codec.js";
import { type EndRef, type Frame, isHomeFrame, type ValueTail, writeValue } from "../wire/frame.js";
import { Answers } from "./answers.js";
import { Attempts } from "./attempts.js";
import { type Content, checkSize, type WireParcel } from "./content.js";
import type { CasePost, Context, EndUser, NamedUser, Starved } from "./context.js";
import { Ends } from "./ends.js";
import { Intake } from "./intake.js";
import type { Published } from "./permit.js";
import { checkRoom } from "./room.js";
import type { Served } from "./served.js";
import { Fetches, SendWindow } from "./windows.js";

/** What the exchange needs of its session. */
export interface Outlet {
  post(rest: string, blobs?: readonly Uint8Array[], value?: boolean): Posted;
  recall(posted: Posted): boolean;
  recallAbout(id: number): void;
  readonly congested: boolean;
  readonly linked: boolean;
  readonly fresh: boolean;
  rouse(): void;
  readonly share: { slow(ms: number): void };
}
/** The limits of the other side that this side has to keep. */
export type PeerLimits = Pick<Limits, "maxFrameBytes" | "maxValueBytes" | "maxQueuedBytes" | "maxChannels" | "maxPendingOperations">;

export interface ExchangeOptions {
  readonly outlet: Outlet;
  readonly host: Host;
  readonly codec: Codec;
  readonly limits: Limits;
  readonly peerLimits: PeerLimits;
  readonly dialer: boolean;
  /** What the other side may name; without it, nothing. */
  readonly published?: Published | undefined;
}

export class Exchange implements Context {
  readonly served: ReadonlyMap<number, Served>;
  readonly remotes: Map<number, EndUser>;
  readonly starved = new Set<Starved>();
  /** Served ends with something to offer, once the other side has shown that it is there. */
  readonly #drowsy = new Set<Starved>();
  readonly fetches: Fetches;
  readonly limits: Limits;
  readonly codec: Codec;
  readonly host: Host;
  from: unknown;
  operations = 0;
  /** Called when something has been finished that a goodbye may be waiting for. */
  onIdle: (() => void) | undefined;
  closing: NetchanError | undefined;

  readonly #options: ExchangeOptions;
  readonly #attempts: Attempts;
  readonly #answers: Answers;
  readonly #sendWindow: SendWindow;
  readonly #intake: Intake;
  #admitted = 0;
  readonly ends: Ends;
  #over: NetchanError | undefined;
  /** Its last frame is posted. */
  #silent = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.codec = options.codec;
    this.host = options.host;
    this.ends = new Ends(this, options.dialer, options.published);
    this.served = this.ends.served;
    this.remotes = this.ends.remotes;
    this.#sendWindow = new SendWindow(options.peerLimits.maxQueuedBytes);
    this.#intake = new Intake(this, options.limits.maxQueuedBytes, (ref) => this.ends.port(ref));
    this.fetches = new Fetches(options.limits.maxQueuedBytes);
    this.#attempts = new Attempts(this);
    this.#answers = new Answers(this);
  }

  post(rest: string, blobs?: readonly Uint8Array[]): Posted | undefined {
    return this.#over === undefined && !this.#silent ? this.#options.outlet.post(rest, blobs) : undefined;
  }
  get congested(): boolean {
    return this.#options.outlet.congested;
  }
  get linked(): boolean {
    return this.#options.outlet.linked;
  }
  slow(ms: number): void {
    this.#options.outlet.share.slow(ms);
  }
  postValue(start: string, content: Content): Posted | undefined {
    if (this.#over !== undefined || this.#silent) return undefined;
    const { json, meta, blobs, ends } = content;
    const refs = ends.map((port) => this.reference(port));
    const posted = this.#options.outlet.post(start + writeValue({ json, meta, refs, blobs }), blobs, true);
    if (refs.length > 0) this.ends.posted(posted, refs);
    return posted;
  }
  postCases(start: string, cases: readonly CasePost[], counted: number): Posted | undefined {
    if (this.#over !== undefined || this.#silent) return undefined;
    const refs: EndRef[] = [];
    const blobs: Uint8Array[] = [];
    const texts = cases.map(({ end, operation, content }) => {
      if (content === undefined) return `[${end.id}]`;
      const own = content.ends.map((port) => this.reference(port));
      refs.push(...own);
      blobs.push(...content.blobs);
      return `[${end.id},${operation},${content.bytes}${writeValue({ json: content.json, meta: content.meta, refs: own, blobs: content.blobs })}]`;
    });
    const posted = this.#options.outlet.post(`${start},[${texts.join(",")}]`, blobs, counted > 0);
    this.#sendWindow.post(counted);
    if (refs.length > 0) this.ends.posted(posted, refs);
    return posted;
  }
  postCounted(start: string, content: Content): Posted | undefined {
    this.#sendWindow.post(content.bytes);
    return this.postValue(`${start},${content.bytes}`, content);
  }
  recall(posted: Posted, counted = 0): boolean {
    const { outlet } = this.#options;
    const recalled = this.ends.unpost(posted, (unheardOf) => {
      if (!outlet.recall(posted)) return false;
      for (const id of unheardOf) outlet.recallAbout(id);
      return true;
    });
    if (recalled) this.#sendWindow.post(-counted);
    return recalled;
  }
  fits(bytes: number): boolean {
    return this.#sendWindow.fits(bytes);
  }
  encode(value: unknown): Content {
    return this.admit(this.codec.encode(value));
  }
  admit(content: Content): Content {
    checkSize(content, this.#options.peerLimits);
    this.checkRoom(content.ends);
    return content;
  }
  checkRoom(ends: readonly Port[]): void {
    if (ends.length === 0) return;
    const added = new Set(ends.filter((port) => this.ends.isNew(port)));
    checkRoom(ends, added, this, this.#options.peerLimits.maxChannels - this.served.size);
  }
  get mostDemand(): number {
    return this.#options.peerLimits.maxPendingOperations;
  }
  get room(): number {
    return this.#options.peerLimits.maxChannels - this.remotes.size;
  }

  refusal(more = 1): NetchanError | undefined {
    if (this.closing !== undefined) return new NetchanError(this.closing.code, "the session is being closed", { outcome: "not-sent" });
    const most = this.#options.peerLimits.maxPendingOperations;
    return this.operations + more <= most
      ? undefined
      : new NetchanError("LIMIT_EXCEEDED", `${most} operations are waiting for the other side already`, { outcome: "not-sent" });
  }

  // ── ends ──

  reference(port: Port): EndRef {
    return this.ends.reference(port);
  }
  introduce(): void {
    this.ends.introduce();
  }
  open(user: NamedUser): number {
    return this.ends.open(user);
  }
  unopen(user: NamedUser): void {
    this.ends.unopen(user);
  }
  fork(id: number, user: EndUser): number {
    return this.ends.fork(id, user);
  }
  unfork(id: number, loss: NetchanError | undefined): void {
    this.ends.unfork(id, loss);
  }

  // ── values ──

  accept(tail: ValueTail, bytes: number, from?: unknown): WireParcel | NetchanError {
    return this.#intake.accept(tail, bytes, from);
  }
  pass(tail: ValueTail, bytes: number, from?: unknown): WireParcel | NetchanError {
    return this.#intake.pass(tail, bytes, from);
  }
  freed(bytes: number): void {
    const grant = this.#intake.freed(bytes);
    if (grant !== undefined) this.post(`"window",${grant}`);
  }
  admitOperations(more: number): void {
    if (this.#admitted + more > this.limits.maxPendingOperations)
      this.violated(`more than ${this.limits.maxPendingOperations} operations at once`, "LIMIT_EXCEEDED");
    this.#admitted += more;
  }
  releaseOperation(): void {
    this.#admitted--;
  }

  frame(frame: Frame): void {
    try {
      this.#dispatch(frame);
      this.#intake.done();
    } catch (error) {
      this.#intake.undo(); // the frame broke the rules half way
      throw error;
    }
  }
  #dispatch(frame: Frame): void {
    if (isHomeFrame(frame)) {
      // Of an offer to an end that was let go of meanwhile only the references count; its home has put the value back.
      if (!this.ends.homeFrame(frame) && frame.type === "offer") this.#intake.parcel(frame.fields[4], 0, undefined).discard();
      return;
    }
    switch (frame.type) {
      case "window":
        this.#sendWindow.grant(frame.fields[0]);
        return;
      case "release":
        this.ends.released(frame.fields[0], frame.fields[1]);
        return;
      case "lost":
        this.ends.lost(frame.fields[0]);
        return;
      case "fork":
        this.ends.forked(frame.fields[0], frame.fields[1]);
        return;
      case "open":
        this.ends.opened(...frame.fields);
        return;
      case "subscribe":
        this.ends.subscribed(...frame.fields);
        return;
      case "try":
      case "select":
        this.#answers.asked(frame.fields[0], frame.fields[1], frame.type === "select");
        return;
      case "quit":
        this.#answers.quit(frame.fields[0]);
        return;
      case "took":
        this.#answers.took(frame.fields[0], frame.fields[1]);
        return;
      case "tried":
        this.#attempts.tried(...frame.fields);
        return;
      case "gave":
        this.#attempts.gave(...frame.fields);
        return;
      case "ready":
      case "drain":
      case "drained":
      case "bye":
        this.violated(`a ${frame.type} frame does not belong here`);
        break;
      default:
        this.ends.servedAt(frame.fields[0]).frame(frame);
    }
  }
  attempt(cases: readonly Attempt[], settled: (result: Attempted | undefined) => void): void {
    this.#attempts.ask(cases, settled, this.#over);
  }
  travel(selection: Selection, cases: readonly Attempt[]): Entry | undefined {
    return this.#attempts.travel(selection, cases, this.#over);
  }

  // ── links ──

  /** The link is gone: nothing is offered until there is another, and what was never written need not wait for one. */
  suspended(): void {
    for (const served of this.served.values()) served.pause();
    this.#answers.suspended();
    this.#attempts.suspended();
  }
  /** There is a link. */
  connected(): void {
    this.#drowsy.clear();
    this.ends.permits.askAgain();
    for (const served of [...this.served.values()]) served.resume();
    this.#answers.connected();
  }
  drowsy(served: Starved): boolean {
    // Whoever was passed over stays so until it looks again itself: what is older than the value at hand may wait for it.
    if (this.#options.outlet.fresh && !this.#drowsy.has(served)) return false;
    this.#drowsy.add(served);
    this.#options.outlet.rouse();
    return true;
  }
  /** The other side is there. */
  awake(): void {
    const drowsy = [...this.#drowsy];
    this.#drowsy.clear();
    for (const served of drowsy) served.resume();
  }
  /** There is room on the session again. */
  resume(): void {
    const starved = [...this.starved];
    this.starved.clear();
    for (const one of starved) one.resume();
  }

  // ── the end ──

  idle(): void {
    this.onIdle?.();
  }
  /** Operations and offers that a goodbye waits for. */
  get busy(): boolean {
    if (this.operations > this.#attempts.idle || this.#attempts.busy || this.#answers.busy) return true;
    for (const served of this.served.values()) if (served.busy) return true;
    for (const remote of this.remotes.values()) if (remote.busy) return true;
    return false;
  }
  /** A goodbye: says what became of the operations of the other side that wait here, and then nothing any more. */
  goodbye(): void {
    this.#dismiss();
    this.post(`"bye"`);
    this.#silent = true;
  }
  #dismiss(): void {
    for (const served of [...this.served.values()]) served.dismiss();
    this.#answers.dismiss();
    // Behind a goodbye nothing is taken: whoever waits here hears of the end now, and what still comes is dropped.
    const loss = this.closing ?? new NetchanError("SESSION_CLOSED", "the session was closed");
    for (const remote of this.remotes.values()) remote.part(loss);
    this.#attempts.part(loss);
  }
  /** Why the session is over, if it is. */
  get over(): NetchanError | undefined {
    return this.#over;
  }
  /** The channels of this process whose values the other side may be offered. */
  get offering(): ReadonlySet<Home> {
    const sources = [...this.served.values()].flatMap((served) => served.sources ?? []);
    return new Set(sources.filter((source) => source instanceof Home));
  }
  /** The session is over: everything settles. */
  finish(loss: NetchanError, graceful: boolean): void {
    if (this.#over !== undefined) return;
    this.#over = loss;
    this.onIdle = undefined;
    for (const remote of [...this.remotes.values()]) remote.sessionEnded(loss, graceful);
    this.ends.forget();
    this.#attempts.finish(loss);
    this.#answers.finish(loss, graceful);
    for (const served of [...this.served.values()]) this.ends.remove(served, loss, graceful);
    this.starved.clear();
    this.#drowsy.clear();
  }
  /** Bytes of values: how many more the other side takes, and how many of its own wait here. */
  get window(): { readonly free: number; readonly used: number } {
    return { free: this.#sendWindow.free, used: this.#intake.waiting };
  }
  /** What is still held, for tests and for finding leaks: all zero when everything has settled. */
  get stats(): Record<"served" | "remotes" | "named" | "operations" | "admitted" | "waitingBytes" | "fetches", number> {
    const [served, remotes, fetches, named] = [this.served.size, this.remotes.size, this.fetches.size, this.ends.namedCount];
    return { served, remotes, fetches, named, operations: this.operations, admitted: this.#admitted, waitingBytes: this.#intake.waiting };
  }

  violated(what: string, code: "PROTOCOL_VIOLATION" | "LIMIT_EXCEEDED" = "PROTOCOL_VIOLATION"): never {
    throw new NetchanError(code, what);
  }
}
