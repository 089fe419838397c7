/**
 * Selects of the other side, all of whose cases are of this home: it does one of them, now or never (`try`) or when it can (`select`).
 * Layer: remote. The side that asks is `attempts.ts`.
 * Invariants: each is answered once; a value that was given is reserved until `took` says what became of it, and until then the select
 * takes part in nothing. Source: PROTOCOL.md "Attempts".
 */

import { ReceiveCase, SendCase } from "../core/cases.js";
import type { Attempt, Ending, Offered } from "../core/offered.js";
import { Asking } from "../core/select.js";
import { type Entry, finishCase, type Outcome, Remaining, Selection } from "../core/selection.js";
import type { Source } from "../core/waiter.js";
import { type Outcome as Known, NetchanError } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import type { CaseTail } from "../wire/frame.js";
import { endedWord, mostAttempts, verdicts } from "./attempts.js";
import { type Content, contentFor, type WireParcel } from "./content.js";
import type { Context } from "./context.js";
import { Entrance, type Entrant } from "./entrance.js";
import { RemoteReceive } from "./remote-receive.js";
import { RemoteSend } from "./remote-send.js";
import type { Served } from "./served.js";
import { ServedReceive } from "./served-receive.js";
import { ServedSend } from "./served-send.js";
import { tellFailure } from "./told-error.js";

/** A case, taken off its frame. */
interface Told {
  readonly index: number;
  readonly served: Served;
  readonly operation: number;
  readonly parcel: WireParcel | undefined;
}

/** A send case whose user keeps count of what was received. */
class ToldSend extends SendCase {
  constructor(
    selection: Selection,
    index: number,
    readonly served: ServedSend,
    readonly operation: number,
    parcel: WireParcel,
  ) {
    super(selection, index, served.port.home, undefined, parcel);
  }
  override sent(): void {
    this.served.fulfilled({ number: this.operation });
    super.sent();
  }
  left(): void {
    this.served.received({ number: this.operation });
  }
}

/** A receive case that hands the value on as it is. */
class ToldReceive extends ReceiveCase {
  constructor(
    readonly asked: Asked,
    index: number,
    source: Source,
    remaining: Remaining,
    readonly served: Served,
  ) {
    super(asked.selection, index, source, remaining);
  }
  override enter(): void {
    if (this.asked.exchange.linked) super.enter();
  }
  override attempt(): Attempt {
    return { index: this.index, source: this.source, passes: true };
  }
  override skips(): boolean {
    return this.asked.resting(this.served, this.source);
  }
  override accept(offered: Offered): void {
    this.asked.give(this.index, offered, this);
  }
  /** A value that cannot be told to the other side: the next one. */
  override get more(): boolean {
    return this.selection.state === "open";
  }
  override finish(ending: Ending): void {
    const { served, source } = this;
    if (ending !== undefined || !served.endsWithFirst || source !== served.sources?.[0]) super.finish(ending);
    else if (this.selection.state === "open") finishCase(this.selection, this.index, undefined);
  }
  /** For another process the state may heal without its hearing of it. */
  override orphaned(ending: Ending): boolean {
    return !this.asked.waits && super.orphaned(ending);
  }
}

class Asked implements Outcome, Entrant {
  readonly selection: Selection;
  readonly exchange: Context;
  given: { readonly offered: Offered; readonly frame: Posted | undefined; readonly served: Served; readonly age: number } | undefined;
  #entries: readonly Entry[] = [];
  /** Of the ends of a `try`, when it was asked. */
  readonly #asked = new Map<Told, { readonly epoch: number; readonly age: number }>();
  readonly #underWay = new Set<Told>();
  #entrance: Entrance | undefined;
  /** Whatever becomes of it now, it was said already. */
  #said = false;
  #over = false;

  constructor(
    readonly answers: Answers,
    readonly number: number,
    readonly cases: readonly Told[],
    /** It waits until one of its cases can be done. */
    readonly waits: boolean,
  ) {
    this.exchange = answers.exchange;
    this.selection = new Selection(this.exchange.host.random, this);
  }

  /** Starts, as a rule at once. */
  enter(): void {
    const sends = this.cases.flatMap(({ served, parcel }) => (served instanceof ServedSend && parcel ? [{ served, parcel }] : []));
    const checks = sends.filter(({ served }) => served.guarded);
    const permits = new Set(this.cases.flatMap(({ served }) => served.permit ?? []));
    if (permits.size > 0 || checks.length > 0) this.#entrance = new Entrance(this, permits, checks);
    if (this.#entrance === undefined) this.start();
    else this.#entrance.enter();
  }
  revoked(refusal: NetchanError): void {
    if (this.selection.state === "locked") this.selection.whenUnlocked(() => this.selection.fail(refusal));
    else this.selection.fail(refusal);
  }
  start(): void {
    if (this.#over) return;
    const behind = this.waits ? undefined : this.cases.find(({ parcel, served }) => parcel === undefined && served.behind);
    if (behind !== undefined) {
      behind.served.behindIt.add({ resume: () => this.start() }); // what comes back is older than what is there
      return;
    }
    if (!this.waits) for (const told of this.cases) this.#asked.set(told, { epoch: told.served.epoch, age: told.served.age });
    // What another process is asked for may be on its way here when a decline is passed on to it.
    for (const told of this.cases)
      if (told.parcel === undefined && told.served.port instanceof RemoteReceive) {
        told.served.gave(told.served.age);
        this.#underWay.add(told);
      }
    this.#entries = this.cases.flatMap((told) => this.#enlist(told));
    if (this.waits) {
      this.selection.start(this.#entries);
      return;
    }
    const none = (): void => this.#finish(undefined, "-1,null,null,null");
    const given = (index: number, offered: Offered): void => {
      if (!this.give(index, offered)) none();
    };
    new Asking(this.selection, this.#entries, this.exchange.host.random, none, given).start();
  }
  #enlist({ index, served, operation, parcel }: Told): readonly Entry[] {
    const { port } = served;
    if (parcel === undefined) {
      const from = served.sources ?? (port.kind === "receive" ? port.sources : []);
      const remaining = new Remaining(from.length);
      return from.map((source) => new ToldReceive(this, index, source, remaining, served));
    }
    if (port instanceof RemoteSend) return [port.passingCase(index, parcel)];
    return [new ToldSend(this.selection, index, served as ServedSend, operation, parcel)];
  }

  /** Nothing is given to a process that may be gone where somebody else could have it, nor while too much waits for it. */
  resting(served: Served, source: Source): boolean {
    if (!this.waits) return false; // it has just asked
    if (served.barred) return true;
    if (served.behind) {
      served.behindIt.add(this);
      return true;
    }
    if (this.exchange.congested || this.exchange.starved.has(this)) {
      this.exchange.starved.add(this); // until it looks again itself: what is older than the value at hand may wait for it
      return true;
    }
    return !served.alone(source) && this.exchange.drowsy(this);
  }
  /** There is no link: it receives nothing. */
  pause(): void {
    for (const entry of this.#entries) if (entry instanceof ToldReceive) entry.source.leave(entry);
  }
  /** There is a link, or room, or a sign of life. */
  resume(): void {
    for (const entry of this.#entries) if (entry instanceof ToldReceive && this.selection.state === "open") entry.enter();
  }

  /** A value was reserved for the other side. @returns whether it could be told */
  give(index: number, offered: Offered, entry?: Entry): boolean {
    if (this.#over) {
      offered.returned(); // its asker is gone, and another process has answered only now
      return false;
    }
    let content: Content;
    try {
      content = contentFor(this.exchange, offered);
    } catch (error) {
      offered.refused(NetchanError.is(error) ? error : new NetchanError("ENCODE_FAILED", "the value cannot be encoded", { cause: error }));
      return false;
    }
    if (offered.parcel === undefined) offered.hold?.(content.ends);
    this.selection.lock(entry);
    const told = this.cases[index] as Told;
    const { served } = told;
    // A `try` may be answered by another process, which has not heard of a decline behind it: the asker asks again then.
    const asked = this.#asked.get(told) ?? served;
    const { epoch, age } = asked;
    if (age - epoch !== served.age - served.epoch) {
      offered.returned(); // a relay has given back an older one meanwhile
      return false;
    }
    if (!this.#underWay.delete(told)) served.gave(age);
    this.#arrived();
    this.given = { offered, frame: this.exchange.postValue(`"gave",${this.number},${index},${epoch}`, content), served, age };
    return true;
  }

  /** Nothing else comes of what other processes were asked for. */
  #arrived(): void {
    const arrived = [...this.#underWay];
    this.#underWay.clear();
    for (const told of arrived) told.served.gaveOver(this.#asked.get(told)?.age ?? 0);
  }

  took(verdict: number): void {
    const given = this.given ?? this.exchange.violated(`an answer to attempt ${this.number}, which was given nothing`);
    const { offered } = given;
    if (verdict > verdicts.declined) this.exchange.violated(`an answer ${verdict} to an attempt`);
    this.given = undefined;
    const again = (verdict === verdicts.refused || verdict === verdicts.declined) && this.waits && !this.answers.parted;
    if (!again) this.#end(undefined);
    switch (verdict) {
      case verdicts.refused:
        offered.refused(new NetchanError("VALUE_REFUSED", "the other side could not accept the value", { outcome: "not-sent" }));
        break;
      case verdicts.taken:
        offered.parcel?.discard();
        offered.taken();
        break;
      case verdicts.doubtful:
        offered.doubtful(new NetchanError("RECEIVER_LOST", "the receiver was lost before it answered", { outcome: "unknown" }));
        break;
      default:
        offered.returned();
    }
    given.served.gaveOver(given.age);
    if (again) this.selection.unlock();
    this.exchange.idle();
  }

  quit(): void {
    this.selection.cancel(withdrawn);
  }

  // ── what becomes of it ──

  won(index: number, received: Parameters<Outcome["won"]>[1]): void {
    this.#finish(index, `${index},${received !== undefined && "done" in received ? JSON.stringify(endedWord) : "null"},null,null`);
  }
  failed(error: unknown): void {
    this.#finish(undefined, error === withdrawn ? "-1,null,null,null" : `-1,${tellFailure(error)}`);
  }
  /** @param chosen - the case that happened: its value has gone on */
  #finish(chosen: number | undefined, words: string): void {
    if (!this.#said) this.exchange.post(`"tried",${this.number},${words}`);
    this.#end(chosen);
    this.exchange.idle();
  }
  /** The other side needs no answer any more: it has one, or has said it itself. */
  #end(chosen: number | undefined): void {
    this.#said = true;
    if (this.#over) return;
    this.#over = true;
    this.selection.fail(withdrawn); // its cases leave
    this.exchange.starved.delete(this);
    this.#arrived();
    this.answers.left(this);
    this.#entrance?.leave();
    // What goes on to a third process was copied there, taken or not.
    for (const { index, parcel, served } of this.cases) if (index !== chosen || served.port instanceof RemoteSend) parcel?.discard();
  }

  /** A goodbye: it is told what became of it, as far as that is known. */
  dismiss(): void {
    if (this.given !== undefined || !this.waits) return; // its answer may be on the way
    const outcome: Known = this.selection.state === "locked" ? "unknown" : "not-sent";
    const error = new NetchanError("SESSION_CLOSED", "the session was closed before a case could be done", { outcome });
    this.#finish(undefined, `-1,${tellFailure(error)}`);
  }
  /** The session is over. */
  finish(loss: NetchanError, graceful: boolean): void {
    const { given } = this;
    this.given = undefined;
    this.#end(undefined);
    if (given === undefined) return;
    // What no link has carried nobody has.
    if (graceful || (given.frame?.number ?? 0) === 0) given.offered.returned();
    else given.offered.doubtful(loss);
  }
}

/** Why a select is over that was asked for back. */
const withdrawn = Symbol("withdrawn");

export class Answers {
  readonly #asked = new Map<number, Asked>();
  #latest = 0;
  #hasty = 0;
  /** This side has said goodbye: nothing is begun any more. */
  parted = false;

  constructor(readonly exchange: Context) {}

  get busy(): boolean {
    for (const asked of this.#asked.values()) if (asked.given !== undefined || !asked.waits) return true;
    return false;
  }
  get size(): number {
    return this.#asked.size;
  }

  asked(number: number, tails: readonly CaseTail[], waits: boolean): void {
    const { exchange } = this;
    if (number <= this.#latest) exchange.violated(`attempt ${number} came after attempt ${this.#latest}`);
    this.#latest = number;
    const read = tails.map((tail) => this.#read(tail, waits));
    const cases = read.flatMap((told, index) => (told instanceof NetchanError ? [] : [{ ...told, index }]));
    if (this.parted) {
      for (const { parcel } of cases) parcel?.discard(); // it crossed the goodbye, which was its answer
      return;
    }
    const fault = read.find((told) => told instanceof NetchanError);
    if (fault instanceof NetchanError) {
      for (const { parcel } of cases) parcel?.discard();
      exchange.post(`"tried",${number},-1,${tellFailure(fault)}`);
      return;
    }
    const asked = new Asked(this, number, cases, waits);
    if (waits) exchange.admitOperations(cases.length);
    else if (++this.#hasty > mostAttempts) exchange.violated(`more than ${mostAttempts} attempts at once`, "LIMIT_EXCEEDED");
    this.#asked.set(number, asked);
    asked.enter();
  }

  #read({ end, send }: CaseTail, waits: boolean): Omit<Told, "index"> | NetchanError {
    const { exchange } = this;
    const served = exchange.served.get(end) ?? exchange.violated(`an attempt at end ${end}, which the other side does not hold`);
    if ((served.port.kind === "send") !== (send !== undefined)) exchange.violated("an attempt in the wrong direction");
    const here = served instanceof ServedSend || served instanceof ServedReceive;
    if (waits && !here) exchange.violated("a select over a channel whose home is elsewhere");
    if (send === undefined) return { served, operation: 0, parcel: undefined };
    const parcel = exchange.accept(send.value, waits ? send.size : 0, exchange.from);
    if (served instanceof ServedSend) served.number(send.operation);
    return parcel instanceof NetchanError ? parcel : { served, operation: send.operation, parcel };
  }

  took(number: number, verdict: number): void {
    const asked = this.#asked.get(number) ?? this.exchange.violated(`an answer to attempt ${number}, which is not open`);
    asked.took(verdict);
  }
  /** It may have been answered meanwhile. */
  quit(number: number): void {
    if (number > this.#latest) this.exchange.violated(`attempt ${number} was never made`);
    this.#asked.get(number)?.quit();
  }
  left(asked: Asked): void {
    this.#asked.delete(asked.number);
    if (asked.waits) for (const _ of asked.cases) this.exchange.releaseOperation();
    else this.#hasty--;
  }

  suspended(): void {
    for (const asked of this.#asked.values()) asked.pause();
  }
  connected(): void {
    for (const asked of [...this.#asked.values()]) asked.resume();
  }
  dismiss(): void {
    this.parted = true;
    for (const asked of [...this.#asked.values()]) asked.dismiss();
  }
  finish(loss: NetchanError, graceful: boolean): void {
    for (const asked of [...this.#asked.values()]) asked.finish(loss, graceful);
  }
}
