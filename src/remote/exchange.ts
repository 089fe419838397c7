/**
 * The two tables of one session: the ends the other side holds here, and the ends this side holds there. Layer: remote.
 *
 * Who may name an end: ids are given out by either side (the dialer's are odd, the listener's even) and mean something in this session
 * only. A frame about an end that was let go meanwhile is dropped; one about an id that was never given out is a violation.
 * Source: PROTOCOL.md "Ends".
 */
import type { Limits } from "../contract.js";
import type { HomeSend } from "../core/channel.js";
import type { Port } from "../core/end.js";
import type { Attempt, Attempted } from "../core/offered.js";
import type { Source } from "../core/waiter.js";
import { NetchanError } from "../errors.js";
import type { Host } from "../session/host.js";
import type { Codec } from "../wire/codec.js";
import { type EndRef, type Frame, type HomeFrame, isHomeFrame, type ValueTail, writeValue } from "../wire/frame.js";
import { Attempts } from "./attempts.js";
import { type Content, checkSize, WireParcel } from "./content.js";
import type { Context, EndUser } from "./context.js";
import { homeFor } from "./gone.js";
import { Ids } from "./ids.js";
import { Relay } from "./relay.js";
import { RemoteEnd } from "./remote-end.js";
import { RemoteReceive } from "./remote-receive.js";
import { RemoteSend } from "./remote-send.js";
import type { Served } from "./served.js";
import { ServedReceive } from "./served-receive.js";
import { ServedSend } from "./served-send.js";
import { Fetches, ReceiveWindow, SendWindow } from "./windows.js";

/** What the exchange needs of its session. */
export interface Outlet {
  post(rest: string, blobs?: readonly Uint8Array[], value?: boolean): void;
  readonly congested: boolean;
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
}

export class Exchange implements Context {
  readonly served = new Map<number, Served>();
  readonly #servedByPort = new Map<Port, Served>();
  /** Values with ends that the present frame brought. */
  readonly #accepted: WireParcel[] = [];
  /** Served ends whose id the other side has not been told yet. */
  readonly #fresh: Served[] = [];
  readonly remotes = new Map<number, EndUser>();
  readonly starved = new Set<Served>();
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
  readonly #sendWindow: SendWindow;
  readonly #receiveWindow: ReceiveWindow;
  #admitted = 0;
  readonly #ids: Ids;
  #over: NetchanError | undefined;
  #parted = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.codec = options.codec;
    this.host = options.host;
    this.#ids = new Ids(options.dialer);
    this.#sendWindow = new SendWindow(options.peerLimits.maxQueuedBytes);
    this.#receiveWindow = new ReceiveWindow(options.limits.maxQueuedBytes);
    this.fetches = new Fetches(options.limits.maxQueuedBytes);
    this.#attempts = new Attempts(this);
  }

  post(rest: string, blobs?: readonly Uint8Array[]): void {
    if (this.#over === undefined) this.#options.outlet.post(rest, blobs);
  }
  get congested(): boolean {
    return this.#options.outlet.congested;
  }
  postValue(start: string, content: Content): void {
    if (this.#over !== undefined) return;
    const { json, meta, blobs } = content;
    this.#options.outlet.post(
      start + writeValue({ json, meta, refs: content.ends.map((port) => this.reference(port)), blobs }),
      blobs,
      true,
    );
    this.introduce();
  }
  introduce(): void {
    for (let served = this.#fresh.shift(); served !== undefined; served = this.#fresh.shift()) served.introduced();
  }
  postCounted(start: string, content: Content): void {
    this.#sendWindow.post(content.bytes);
    this.postValue(`${start},${content.bytes}`, content);
  }
  fits(bytes: number): boolean {
    return this.#sendWindow.fits(bytes);
  }
  encode(value: unknown): Content {
    return this.admit(this.codec.encode(value));
  }
  admit(content: Content): Content {
    checkSize(content, this.#options.peerLimits);
    const { maxChannels } = this.#options.peerLimits;
    if (content.ends.length > 0 && this.served.size + content.ends.length > maxChannels)
      throw new NetchanError("LIMIT_EXCEEDED", `the other side accepts ${maxChannels} channel ends at once`, { outcome: "not-sent" });
    for (const port of content.ends) {
      if (port instanceof RemoteEnd && port.exchange !== this && port.exchange.full)
        throw new NetchanError("LIMIT_EXCEEDED", "the home of a channel end in the value accepts no more of them", { outcome: "not-sent" });
    }
    return content;
  }
  get mostDemand(): number {
    return this.#options.peerLimits.maxPendingOperations;
  }
  get full(): boolean {
    return this.remotes.size >= this.#options.peerLimits.maxChannels;
  }

  refusal(): NetchanError | undefined {
    if (this.closing !== undefined) return new NetchanError(this.closing.code, "the session is being closed", { outcome: "not-sent" });
    const most = this.#options.peerLimits.maxPendingOperations;
    return this.operations < most
      ? undefined
      : new NetchanError("LIMIT_EXCEEDED", `${most} operations are waiting for the other side already`, { outcome: "not-sent" });
  }

  // ── ends ──

  reference(port: Port): EndRef {
    if (port instanceof RemoteEnd && port.exchange === this && port.known) return [1, port.id];
    const served = this.#servedByPort.get(port) ?? this.serve(port, this.#ids.next());
    served.count++;
    return [0, served.id, port.kind === "send" ? 0 : 1, port.capacity];
  }

  /** Lets the other side use an end under an id. */
  serve(port: Port, id: number, sources?: readonly Source[]): Served {
    const served = this.#makeServed(port, id, sources);
    served.key = port;
    this.served.set(id, served);
    if (!this.#servedByPort.has(port)) this.#servedByPort.set(port, served);
    this.#fresh.push(served);
    return served;
  }
  #makeServed(port: Port, id: number, sources: readonly Source[] | undefined): Served {
    if (port instanceof RemoteSend || port instanceof RemoteReceive) {
      if (port.known && port.exchange !== this) return new Relay(this, id, port);
      return port.kind === "send" ? new ServedSend(this, id, homeFor(port).send) : new ServedReceive(this, id, homeFor(port).receive);
    }
    if (port.kind === "receive") return new ServedReceive(this, id, port, sources ?? port.sources, sources !== undefined);
    return new ServedSend(this, id, port as HomeSend);
  }
  /** The listener's default pair: a receive end with its peer's own queue first and the merged queue behind it. */
  servePair(port: Port, id: number, sources: readonly Source[] | undefined): void {
    const served = this.#makeServed(port, id, sources);
    served.count = 1;
    this.served.set(id, served);
    this.#servedByPort.set(port, served);
    this.#fresh.push(served);
  }
  /** An end of the other side that stands in no value. */
  adopt(id: number, kind: "send" | "receive", capacity: number): RemoteSend | RemoteReceive {
    const remote = kind === "send" ? new RemoteSend(this, id, capacity) : new RemoteReceive(this, id, capacity);
    remote.adopt();
    this.remotes.set(id, remote);
    return remote;
  }

  fork(id: number, user: EndUser): number {
    const own = this.#ids.next();
    this.remotes.set(own, user);
    this.post(`"fork",${id},${own}`);
    return own;
  }
  unfork(id: number, loss: NetchanError | undefined): void {
    if (!this.remotes.delete(id)) return;
    this.post(loss === undefined ? `"release",${id},1` : `"lost",${id},${JSON.stringify(loss.code)}`);
  }

  #port(ref: EndRef): Port {
    if (ref[0] === 1)
      return (this.served.get(ref[1]) ?? this.violated(`a reference to end ${ref[1]}, which the other side does not hold`)).port;
    const [, id, kind, capacity] = ref;
    let remote = this.remotes.get(id);
    if (remote === undefined) {
      this.#foreign(id);
      if (this.remotes.size >= this.limits.maxChannels)
        this.violated(`more than ${this.limits.maxChannels} channel ends`, "LIMIT_EXCEEDED");
      remote = kind === 0 ? new RemoteSend(this, id, capacity) : new RemoteReceive(this, id, capacity);
      this.remotes.set(id, remote);
    }
    if (!(remote instanceof RemoteSend || remote instanceof RemoteReceive) || (remote.kind === "send") !== (kind === 0))
      return this.violated(`end ${id} was introduced as another kind`);
    remote.counted();
    return remote;
  }
  #foreign(id: number): void {
    if (!this.#ids.foreign(id)) this.violated(`end ${id} is not the other side's to give out`);
  }

  accept(tail: ValueTail, bytes: number, from?: unknown): WireParcel | NetchanError {
    const parcel = this.#parcel(tail, bytes, from);
    try {
      this.codec.check(
        parcel.wire,
        parcel.ports.map((port) => port.kind),
      );
      return parcel;
    } catch (error) {
      parcel.discard();
      if (!NetchanError.is(error) || error.code === "PROTOCOL_VIOLATION") throw error;
      return error;
    }
  }
  pass(tail: ValueTail, bytes: number, from?: unknown): WireParcel {
    const parcel = this.#parcel(tail, bytes, from);
    try {
      this.codec.check(
        parcel.wire,
        parcel.ports.map((port) => port.kind),
      );
    } catch (error) {
      // What this process could not take its receiver may; what nobody honest sends goes no further.
      if (NetchanError.is(error) && error.code !== "PROTOCOL_VIOLATION") return parcel;
      parcel.discard();
      throw error;
    }
    return parcel;
  }
  #parcel(tail: ValueTail, bytes: number, from: unknown): WireParcel {
    if (bytes > 0 && !this.#receiveWindow.arrive(bytes)) this.violated("more bytes than the window allows", "LIMIT_EXCEEDED");
    const ports = tail.refs.map((ref) => this.#port(ref));
    const parcel = new WireParcel(this, tail, ports, bytes, from);
    if (ports.length > 0) this.#accepted.push(parcel);
    return parcel;
  }
  /** A value has left. */
  freed(bytes: number): void {
    const grant = bytes === 0 ? undefined : this.#receiveWindow.free(bytes);
    if (grant !== undefined) this.post(`"window",${grant}`);
  }
  admitOperation(): void {
    if (++this.#admitted > this.limits.maxPendingOperations)
      this.violated(`more than ${this.limits.maxPendingOperations} operations at once`, "LIMIT_EXCEEDED");
  }
  releaseOperation(): void {
    this.#admitted--;
  }

  frame(frame: Frame): void {
    this.#accepted.length = 0;
    try {
      this.#dispatch(frame);
    } catch (error) {
      // The frame broke the rules half way: what its values hold must not outlive it.
      for (const parcel of this.#accepted.splice(0)) parcel.discard();
      throw error;
    }
  }
  #dispatch(frame: Frame): void {
    if (isHomeFrame(frame)) {
      this.#home(frame);
      return;
    }
    switch (frame.type) {
      case "window":
        this.#sendWindow.grant(frame.fields[0]);
        return;
      case "release":
        this.#released(frame.fields[0], frame.fields[1]);
        return;
      case "lost":
        this.#remove(this.#servedAt(frame.fields[0]), new NetchanError("SESSION_LOST", "a session on the way was lost"));
        return;
      case "fork": {
        const { port, sources } = this.#servedAt(frame.fields[0]);
        this.#foreign(frame.fields[1]);
        if (this.served.has(frame.fields[1]) || this.served.size >= this.limits.maxChannels)
          this.violated("a fork that cannot be", "LIMIT_EXCEEDED");
        this.serve(port, frame.fields[1], sources).count = 1;
        this.introduce();
        return;
      }
      case "try":
        this.#attempts.asked(frame.fields[0], frame.fields[1]);
        return;
      case "took":
        this.#attempts.took(frame.fields[0], frame.fields[1]);
        return;
      case "tried":
        if (!this.#parted) this.#attempts.tried(frame.fields[0], frame.fields[1], frame.fields[2]);
        return;
      case "gave":
        if (!this.#parted) this.#attempts.gave(frame.fields[0], frame.fields[1], frame.fields[2]);
        return;
      case "ready":
      case "drain":
      case "drained":
      case "bye":
      case "open":
        this.violated(`a ${frame.type} frame does not belong here`);
        break;
      default:
        this.#servedAt(frame.fields[0]).frame(frame);
    }
  }
  #home(frame: HomeFrame): void {
    const id = frame.fields[0];
    const user = this.remotes.get(id);
    if (user !== undefined) user.homeFrame(frame);
    else if (!this.#ids.known(id)) this.violated(`a frame about end ${id}, which was never given out`);
    else if (frame.type === "offer") this.#parcel(frame.fields[4], 0, undefined).discard(); // let go of meanwhile; its home has put the value back
  }
  #servedAt(id: number): Served {
    return this.served.get(id) ?? this.violated(`a frame about end ${id}, which the other side does not hold`);
  }
  #released(id: number, count: number): void {
    const served = this.#servedAt(id);
    if (count === 0 || count > served.count)
      this.violated(`a release of ${count} references to end ${id}, of which there are ${served.count}`);
    served.count -= count;
    if (served.count > 0) return;
    this.post(`"released",${id}`);
    this.#remove(served, undefined);
  }
  #remove(served: Served, loss: NetchanError | undefined, graceful = loss === undefined): void {
    this.served.delete(served.id);
    if (this.#servedByPort.get(served.key) === served) this.#servedByPort.delete(served.key);
    served.left(loss, graceful);
    this.idle();
  }

  attempt(cases: readonly Attempt[], settled: (result: Attempted | undefined) => void): void {
    this.#attempts.ask(cases, settled, this.#over);
  }

  // ── the end ──

  idle(): void {
    this.onIdle?.();
  }
  /** Operations and offers that a goodbye waits for. */
  get busy(): boolean {
    if (this.operations > 0 || this.#attempts.busy) return true;
    for (const served of this.served.values()) if (served.busy) return true;
    return false;
  }
  /** There is room on the session again. */
  resume(): void {
    const starved = [...this.starved];
    this.starved.clear();
    for (const served of starved) served.resume();
  }
  /** A goodbye: says what became of the operations of the other side that wait here. */
  dismiss(): void {
    for (const served of [...this.served.values()]) served.dismiss();
    // Behind a goodbye nothing is taken: whoever waits here hears of the end now, and what still comes is dropped.
    const loss = this.closing ?? new NetchanError("SESSION_CLOSED", "the session was closed");
    for (const remote of this.remotes.values()) if (remote instanceof RemoteReceive) remote.part(loss);
    this.#attempts.part(loss);
    this.#parted = true;
  }
  /** The session is over: everything settles. */
  finish(loss: NetchanError, graceful: boolean): void {
    if (this.#over !== undefined) return;
    this.#over = loss;
    this.onIdle = undefined;
    for (const remote of [...this.remotes.values()]) remote.sessionEnded(loss, graceful);
    this.remotes.clear();
    this.#attempts.finish(loss);
    for (const served of [...this.served.values()]) this.#remove(served, loss, graceful);
    this.starved.clear();
  }
  /** What is still held, for tests and for finding leaks: all zero when everything has settled. */
  get stats(): Record<"served" | "remotes" | "operations" | "admitted" | "waitingBytes" | "fetches", number> {
    const [served, remotes, fetches] = [this.served.size, this.remotes.size, this.fetches.size];
    return { served, remotes, fetches, operations: this.operations, admitted: this.#admitted, waitingBytes: this.#receiveWindow.waiting };
  }

  violated(what: string, code: "PROTOCOL_VIOLATION" | "LIMIT_EXCEEDED" = "PROTOCOL_VIOLATION"): never {
    throw new NetchanError(code, what);
  }
}
