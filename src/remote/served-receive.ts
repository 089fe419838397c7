/**
 * Serves a receive end to another process: offers it values as far as it asks, and hears what became of them. Layer: remote.
 *
 * Invariants: offers are numbered 1, 2, 3 …; those in `#open` are the last `#open.length` of them, oldest first; never more are made
 * than the other side asked for; a decline takes back that offer and all behind it, and begins a new epoch.
 * Source: PROTOCOL.md "Receiving".
 */
import type { ReceivePort } from "../core/end.js";
import { Home } from "../core/home.js";
import type { Ending, Offered } from "../core/offered.js";
import { Remaining } from "../core/selection.js";
import { ReceiveWaiter, type Source } from "../core/waiter.js";
import { NetchanError } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import type { UserFrame } from "../wire/frame.js";
import type { Content } from "./content.js";
import { contentFor } from "./content.js";
import type { Context } from "./context.js";
import { Ledger } from "./ledger.js";
import { Served } from "./served.js";
import { tellEnding, toldError } from "./told-error.js";

/** The end at one of its sources. */
class Facet extends ReceiveWaiter {
  constructor(
    readonly served: ServedReceive,
    readonly source: Source,
  ) {
    super();
  }
  override get more(): boolean {
    return this.served.wanting;
  }
  override skips(offered: Offered): boolean {
    return this.served.skipped?.has(offered) === true || this.served.drowsyAt(this.source);
  }
  accept(offered: Offered): void {
    this.served.offer(offered);
  }
  finish(ending: Ending): void {
    this.served.sourceEnded(this.source, ending);
  }
  /** For another process the state may heal without its hearing of it. */
  orphaned(): boolean {
    return false;
  }
}

/** An offer without an answer. */
interface Open {
  readonly offered: Offered;
  readonly frame: Posted | undefined;
}

export class ServedReceive extends Served {
  readonly #facets: readonly Facet[];
  readonly #remaining: Remaining;
  readonly #open: Open[] = [];
  readonly #ledger = new Ledger();
  #finished = false;
  /** How it ends, once no offer is open. */
  #ending: { readonly ending: Ending } | undefined;
  /** Values of a select of the other side which would have met its own receive case. */
  skipped: Set<Offered> | undefined;

  constructor(
    readonly exchange: Context,
    id: number,
    override readonly port: ReceivePort,
    override readonly sources: readonly Source[] = port.sources,
    override readonly endsWithFirst: boolean = false,
  ) {
    super(id, port);
    port.holders?.add();
    this.#facets = sources.map((source) => new Facet(this, source));
    this.#remaining = new Remaining(sources.length);
  }

  /** The other side hears of the end without asking for values: it may be waiting for nothing else. */
  override introduced(): void {
    if (this.#facets.length === 0) this.#done(undefined);
    for (const { source } of this.#facets) {
      if (!(source instanceof Home)) continue;
      if (source.drained) this.sourceEnded(source, source.ending);
      else source.endWatchers.add(this);
    }
  }

  get openCount(): number {
    return this.#open.length;
  }
  /** While a session is being closed the other side may still ask for what waits in its own channels. */
  get busy(): boolean {
    const [own] = this.sources;
    return this.#open.length > 0 || (own instanceof Home && own.ready && !this.#finished);
  }
  /** Would it take another value now? */
  get wanting(): boolean {
    return this.#ledger.wanting && !this.#finished && !this.barred && !this.behind && this.exchange.linked && !this.exchange.congested;
  }
  /** Where somebody else could take a value it is not given to a process that may be gone. Of channels that only this one receives from it is. */
  drowsyAt(source: Source): boolean {
    return !this.alone(source) && this.exchange.drowsy(this);
  }
  override alone(source: Source): boolean {
    return source === this.#facets[0]?.source && this.port.holders?.sole === true;
  }
  override get epoch(): number {
    return this.#ledger.epoch;
  }

  frame(frame: UserFrame): void {
    switch (frame.type) {
      case "limit":
        this.#raise(frame.fields[1]);
        return;
      case "take": {
        const offered = this.#oldest(frame.fields[1]);
        offered.parcel?.discard(); // the other side holds its ends now; what they held here is over
        offered.taken();
        this.#answered();
        return;
      }
      case "refuse":
        this.#refused(frame.fields[1], frame.fields[2], frame.fields[3]);
        return;
      case "decline":
        this.#declined(frame.fields[1], frame.fields[2]);
        return;
      case "skip": {
        const offered = this.#open[this.#ledger.place(frame.fields[1])]?.offered;
        if (offered === undefined) this.exchange.violated(`a skip of offer ${frame.fields[1]}, which is not open`);
        this.skipped ??= new Set();
        this.skipped.add(offered);
        this.#declined(frame.fields[1], frame.fields[2]);
        return;
      }
      case "unskip":
        this.skipped = undefined;
        this.#pull();
        return;
      default:
        this.exchange.violated(`a ${frame.type} frame for a receive end`);
    }
  }

  #raise(limit: number): void {
    const most = this.exchange.limits.maxPendingOperations;
    if (!this.#ledger.raise(limit, most))
      this.exchange.violated(`a limit of ${limit} asks for more than ${most} values at once`, "LIMIT_EXCEEDED");
    this.#pull();
  }

  #pull(): void {
    for (const facet of this.#facets) if (this.wanting) facet.source.join(facet);
    if (this.exchange.congested) this.exchange.starved.add(this);
  }
  override resume(): void {
    this.#pull();
  }
  override pause(): void {
    this.#pause();
  }
  #pause(): void {
    for (const facet of this.#facets) facet.source.leave(facet);
  }

  /** A value was reserved for the other side. */
  offer(offered: Offered): void {
    let content: Content;
    try {
      content = contentFor(this.exchange, offered);
    } catch (error) {
      // Its sender is told; the receive waits for the next value.
      this.withheld();
      offered.refused(NetchanError.is(error) ? error : new NetchanError("ENCODE_FAILED", "the value cannot be encoded", { cause: error }));
      return;
    }
    if (offered.parcel === undefined) offered.hold?.(content.ends);
    const number = this.#ledger.offer();
    const selectId = offered.selectId === undefined ? "null" : JSON.stringify(offered.selectId);
    const frame = this.exchange.postValue(`"offer",${this.id},${number},${this.#ledger.epoch},${selectId}`, content);
    this.#open.push({ offered, frame });
    if (!this.wanting) {
      this.#pause();
      if (this.exchange.congested) this.exchange.starved.add(this);
    }
  }

  /** A value has gone to nobody, because the other side does not accept it. */
  protected withheld(): void {}

  #oldest(number: number): Offered {
    if (!this.#ledger.answer(number)) this.exchange.violated(`an answer to offer ${number}, which is not the oldest open one`);
    return (this.#open.shift() as { readonly offered: Offered }).offered;
  }

  #refused(number: number, code: string, text: string): void {
    const offered = this.#oldest(number);
    this.withheld();
    if (code === "RECEIVER_LOST") offered.doubtful(toldError(code, text, "unknown"));
    else offered.refused(toldError(code === "LIMIT_EXCEEDED" || code === "DECODE_FAILED" ? code : "VALUE_REFUSED", text, "not-sent"));
    this.#answered();
  }

  #declined(number: number, epoch: number): void {
    const index = this.#ledger.decline(number, epoch) ?? this.exchange.violated(`a decline of offer ${number} in epoch ${epoch}`);
    this.#pause();
    this.outdated();
    for (const { offered } of this.#takeBack(index)) offered.returned();
    this.#answered();
  }
  /** A case that comes back opens its select, which looks at the same line at once: what comes back beside it has to be there. */
  #takeBack(index: number): readonly Open[] {
    const back = this.#open.splice(index);
    const isCase = ({ offered }: Open): boolean => offered.selectId !== undefined;
    return [...back.filter((open) => !isCase(open)), ...back.filter(isCase)];
  }

  #answered(): void {
    if (this.#ending !== undefined && this.#open.length === 0) this.#done(this.#ending.ending);
    this.exchange.idle();
  }

  sourceEnded(source: Source, ending: Ending): void {
    if (this.#finished) return;
    if (ending !== undefined || this.#remaining.finish(source) || (this.endsWithFirst && source === this.#facets[0]?.source))
      this.#done(ending);
  }
  /** The end shows only when no offer is open: one that comes back may go to somebody else. */
  #done(ending: Ending): void {
    this.#finished = true;
    this.#pause();
    if (this.#open.length > 0) {
      this.#ending = { ending };
      return;
    }
    this.#ending = undefined;
    this.exchange.post(`"done",${this.id},${tellEnding(ending)}`);
  }

  override revoked(refusal: NetchanError): void {
    if (!this.#finished) this.#done(refusal);
  }

  /** No more offers. What is open stays so until the other side's goodbye: it may have been taken meanwhile. */
  dismiss(): void {
    this.#pause();
    this.#finished = true;
  }

  left(loss: NetchanError | undefined, graceful: boolean): void {
    this.#pause();
    this.#finished = true;
    this.exchange.starved.delete(this);
    for (const { source } of this.#facets) if (source instanceof Home) source.endWatchers.delete(this);
    // First of all: what leaves now makes no room for others, if nobody is left to receive them.
    this.port.holders?.remove(loss, graceful);
    for (const { offered, frame } of this.#takeBack(0)) {
      // What no link has carried nobody has.
      if (loss === undefined || graceful || frame?.number === 0) offered.returned();
      else offered.doubtful(loss);
    }
  }
}
