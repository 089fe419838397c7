/**
 * What the ends of one session need of the table they stand in. Layer: remote. Implemented by exchange.ts.
 * An interface of its own, so that ends do not know the table that makes them.
 */
import type { Limits } from "../contract.js";
import type { Port } from "../core/end.js";
import type { RemoteHome } from "../core/selection.js";
import type { NetchanError } from "../errors.js";
import type { Host } from "../session/host.js";
import type { Posted } from "../session/outbox.js";
import type { EndRef, HomeFrame, ValueTail } from "../wire/frame.js";
import type { Content, ParcelOwner, WireParcel } from "./content.js";
import type { Served } from "./served.js";
import type { Fetches } from "./windows.js";

/** Whoever uses an end of the other side: the application, or a relay for a third process. */
export interface EndUser {
  homeFrame(frame: HomeFrame): void;
  /** Offers were passed on, and their answers have not come. */
  readonly busy: boolean;
  /** This side says goodbye: it takes nothing any more, and says of what it passed on that nobody can vouch for it. */
  part(loss: NetchanError): void;
  /** The session has ended: everything that is open here settles. */
  sessionEnded(loss: NetchanError, graceful: boolean): void;
}

/** How an end of something published is asked for. */
export interface Asks {
  /** The frame that gives it an id. */
  frame(id: number): string;
  /** What all have in common that ask for the same; undefined when each gets an end of its own. */
  readonly key?: string;
}

/** One that uses an end of something published. */
export interface NamedUser extends EndUser {
  readonly asks: Asks | undefined;
  /** There is a newer one for the same end: it gives its id back as soon as it is not in use. */
  supersede(): void;
}

/** Somebody who has something to send that can wait until there is room. */
export interface Starved {
  resume(): void;
}

/** One case of a select that goes to its home. */
export interface CasePost {
  readonly end: { readonly id: number };
  /** The number of the operation; meaningless for a receive. */
  readonly operation: number;
  /** Its value; absent in a receive case. */
  readonly content: Content | undefined;
}

export interface Context extends RemoteHome, ParcelOwner {
  readonly limits: Limits;
  readonly host: Host;
  /** The ends the other side holds here … */
  readonly served: ReadonlyMap<number, Served>;
  /** … and the ends this side holds there. */
  readonly remotes: Map<number, EndUser>;
  /** Whoever waits for room on the session. */
  readonly starved: Set<Starved>;
  readonly fetches: Fetches;
  /** The peer of this session, which `received.from` shows for values of channels that live here. */
  readonly from: unknown;
  /** Operations of this side that the other side has not answered. */
  operations: number;
  /** Why the session is over, if it is. */
  readonly over: NetchanError | undefined;
  /** The session is being closed: no new operations. */
  readonly closing: NetchanError | undefined;

  /** Sends a numbered frame. @returns undefined once the session is over */
  post(rest: string, blobs?: readonly Uint8Array[]): Posted | undefined;
  /** Takes a frame back that no link has carried. @returns whether that was possible. @param counted - what the other side's window counts for it */
  recall(posted: Posted, counted?: number): boolean;
  /** The session has a link. */
  readonly linked: boolean;
  /** The other side was silent for a while and is asked first whether it is there; then `served` is resumed. */
  drowsy(served: Starved): boolean;
  /** Nothing that can wait should be added now. */
  readonly congested: boolean;
  /** Sends a frame that ends in a value. The references of its ends are counted from here on. */
  postValue(start: string, content: Content): Posted | undefined;
  /** The same for a value that the other side's window counts. */
  postCounted(start: string, content: Content): Posted | undefined;
  /** Sends a select. @param counted - what the other side's window counts for its values */
  postCases(start: string, cases: readonly CasePost[], counted: number): Posted | undefined;
  fits(bytes: number): boolean;
  /**
   * Makes a value ready for this session.
   * @throws NetchanError `ENCODE_FAILED`, or `LIMIT_EXCEEDED` for what the other side would not take
   */
  encode(value: unknown): Content;
  /** The same limits for a value that is passed on as it came. */
  admit(content: Content): Content;
  /** @throws NetchanError `LIMIT_EXCEEDED`: the other side, or the home of one of these ends, would not take so many more of them now */
  checkRoom(ends: readonly Port[]): void;
  /** How many values the other side lets this side ask for at once. */
  readonly mostDemand: number;
  /** How many ends more this side may hold at the other. */
  readonly room: number;
  /** Why no operation, or not so many, can begin now. */
  refusal(more?: number): NetchanError | undefined;
  /** How an end is written in a value for the other side. */
  reference(port: Port): EndRef;
  /** The frame that names new ends has been sent: now their state may follow. */
  introduce(): void;
  /** Asks for an end of a channel that the other side has published. @returns its id */
  open(user: NamedUser): number;
  /** It has given its id back. */
  unopen(user: NamedUser): void;
  /** Takes an end of its own at the home of one that this side holds. */
  fork(id: number, user: EndUser): number;
  unfork(id: number, loss: NetchanError | undefined): void;
  /**
   * Takes a value off a frame: counts it and its references, and checks it.
   * @param bytes - what the window counts for it; 0 for values that were asked for
   * @param from - the peer, for a value of a channel that lives here
   * @returns the parcel, or why the value cannot be accepted here
   * @throws NetchanError when no honest peer sends such a value
   */
  accept(tail: ValueTail, bytes: number, from?: unknown): WireParcel | NetchanError;
  /** The same for a value that only passes through: what is not known here may be known where it goes. */
  pass(tail: ValueTail, bytes: number, from?: unknown): WireParcel | NetchanError;
  /** The other side does something too often: its next frame has to wait so long, milliseconds. */
  slow(ms: number): void;
  /** Counts operations of the other side that wait here. */
  admitOperations(more: number): void;
  releaseOperation(): void;
  /** Something has been finished that a goodbye may be waiting for. */
  idle(): void;
  /** @throws NetchanError: the other side broke the rules, and the session ends with that code. */
  violated(what: string, code?: "PROTOCOL_VIOLATION" | "LIMIT_EXCEEDED"): never;
}
