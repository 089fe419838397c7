/**
 * `trySelect` across a session: one round trip in which the home decides all cases at one moment. Layer: remote.
 * Invariant: every attempt is answered once; a value that was given is answered with `took`, so that its sender knows.
 * Source: PROTOCOL.md "Attempts".
 */

import { ReceiveCase, SendCase } from "../core/cases.js";
import type { HomeSend } from "../core/channel.js";
import type { Attempt, Attempted, Offered } from "../core/offered.js";
import { Asking } from "../core/select.js";
import { type Entry, Remaining, Selection } from "../core/selection.js";
import type { Source } from "../core/waiter.js";
import { NetchanError, withOutcome } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import { type CaseTail, type EndRef, type ValueTail, writeValue } from "../wire/frame.js";
import { type Content, WireParcel } from "./content.js";
import type { Context } from "./context.js";
import { RemoteReceive } from "./remote-receive.js";
import { RemoteSend } from "./remote-send.js";
import { toldError } from "./told-error.js";

type Settled = (result: Attempted | undefined) => void;
/** A value of no size, to ask whether one of another size would pass. */
const nothing: Content = { json: "", meta: undefined, ends: [], blobs: [], bytes: 0 };
/** A value that was lost on the way, or whose receiver was, may have been received. */
const lossCodes: ReadonlySet<string> = new Set(["SESSION_LOST", "SESSION_CLOSED", "RECEIVER_LOST"]);
/** In place of an error code: the case was done because its channel has ended. */
const endedWord = "DONE";

/** A receive case that hands the value on as it is. */
class PassingCase extends ReceiveCase {
  constructor(
    selection: Selection,
    index: number,
    source: Source,
    remaining: Remaining,
    readonly won: (index: number, offered: Offered) => void,
  ) {
    super(selection, index, source, remaining);
  }
  override accept(offered: Offered): void {
    this.won(this.index, offered);
    this.selection.win(this.index, undefined);
  }
}

/** The end that a case is about. */
function endOf(attempt: Attempt): RemoteSend | RemoteReceive {
  const end: unknown = "source" in attempt ? attempt.source : attempt.port;
  if (end instanceof RemoteSend || end instanceof RemoteReceive) return end;
  throw new TypeError("another process is asked about its own channels only");
}

/** Attempts under way at once, each way: their values are in no window. More wait for their turn. */
const mostAttempts = 16;

/** An attempt of ours. */
interface Asked {
  readonly cases: readonly Attempt[];
  readonly settled: Settled;
  /** Absent when its values hold channel ends: those cannot be taken back. */
  readonly frame: Posted | undefined;
}

export class Attempts {
  #number = 0;
  /** Ours that the other side has not answered. */
  readonly #asked = new Map<number, Asked>();
  /** Ours that wait for room among those. */
  #queue: (() => void)[] = [];
  /** Theirs that got a value they have not answered. */
  readonly #given = new Map<number, { readonly offered: Offered; readonly frame: Posted | undefined }>();
  #answering = 0;

  constructor(readonly exchange: Context) {}

  get busy(): boolean {
    return this.#asked.size > 0 || this.#given.size > 0 || this.#answering > 0;
  }

  ask(cases: readonly Attempt[], settled: Settled, over: NetchanError | undefined): void {
    const { exchange } = this;
    if (over !== undefined || exchange.closing !== undefined) {
      settled({ error: over ?? exchange.closing });
      return;
    }
    // An end that was closed meanwhile means nothing to the other side any more; what it would say is known.
    for (const one of cases) {
      const end = endOf(one);
      if (end.kind === "send") {
        const error = end.caseRefusal();
        if (error === undefined) continue;
        settled({ error });
        return;
      }
      if (end.over === undefined) continue;
      settled(end.over.ending === undefined ? { index: one.index, done: true } : { error: end.over.ending });
      return;
    }
    // A home that cannot be asked has nothing ready.
    if (!exchange.linked) settled(undefined);
    else if (this.#asked.size >= mostAttempts) this.#queue.push(() => this.ask(cases, settled, undefined));
    else this.#send(cases, settled);
  }

  #send(cases: readonly Attempt[], settled: Settled): void {
    const { exchange } = this;
    let contents: readonly (Content | undefined)[];
    try {
      contents = cases.map((one) => this.#content(one));
      const sizes = contents.map((content) => content?.bytes ?? 0);
      if (sizes.length > 1) this.exchange.admit({ ...nothing, bytes: sizes.reduce((sum, size) => sum + size, 0) });
    } catch (error) {
      settled({ error });
      return;
    }
    // Only now are the ends of the values counted: every case can be sent.
    const number = ++this.#number;
    const text = cases.map((one, index) => this.#write(endOf(one).id, contents[index])).join(",");
    const posted = exchange.post(
      `"try",${number},[${text}]`,
      contents.flatMap((content) => content?.blobs ?? []),
    );
    const plain = contents.every((content) => content === undefined || content.ends.length === 0);
    this.#asked.set(number, { cases, settled, frame: plain ? posted : undefined });
    exchange.introduce();
  }

  /** The link is gone. What was written waits for its answer; what was not need not. */
  suspended(): void {
    for (const [number, { frame, settled }] of [...this.#asked]) {
      if (frame === undefined || !this.exchange.recall(frame)) continue;
      this.#answered(number);
      settled(undefined);
    }
  }

  #content(attempt: Attempt): Content | undefined {
    if ("source" in attempt) return undefined;
    return attempt.parcel instanceof WireParcel ? this.exchange.admit(attempt.parcel.content()) : this.exchange.encode(attempt.value);
  }
  #write(end: number, content: Content | undefined): string {
    if (content === undefined) return `[${end}]`;
    const refs: readonly EndRef[] = content.ends.map((port) => this.exchange.reference(port));
    return `[${end}${writeValue({ json: content.json, meta: content.meta, refs, blobs: content.blobs })}]`;
  }

  tried(number: number, position: number, code: string | null): void {
    const asked = this.#open(number);
    const decided = asked.cases[position];
    if (position === -1) {
      this.#answered(number);
      asked.settled(
        code === null ? undefined : { error: toldError(code, "the attempt failed at its home", lossCodes.has(code) ? "unknown" : null) },
      );
    } else if (decided === undefined || (code !== endedWord && "source" in decided)) {
      this.exchange.violated(`attempt ${number} was answered with a case it does not have`);
    } else {
      this.#answered(number);
      asked.settled({ index: decided.index, done: code === endedWord });
    }
  }

  gave(number: number, position: number, tail: ValueTail): void {
    const asked = this.#open(number);
    const decided = asked.cases[position];
    if (decided === undefined || !("source" in decided)) this.exchange.violated("a value for a case that is no receive");
    const parcel = this.exchange.accept(tail, 0);
    this.#answered(number);
    const answer = (ok: 0 | 1 | 2): void => {
      this.exchange.post(`"took",${number},${ok}`);
    };
    if (parcel instanceof NetchanError) {
      answer(0); // a bad value fails no receive: there was nothing
      asked.settled(undefined);
      return;
    }
    const no = (): void => answer(0);
    const offered = {
      value: undefined,
      parcel,
      selectId: undefined,
      taken: () => answer(1),
      returned: no,
      refused: no,
      doubtful: () => answer(2),
    };
    asked.settled({ index: decided.index, offered });
  }

  #open(number: number): Asked {
    return this.#asked.get(number) ?? this.exchange.violated(`an answer to attempt ${number}, which is not open`);
  }
  #answered(number: number): void {
    this.#asked.delete(number);
    const next = this.#queue.shift();
    if (next !== undefined) this.exchange.host.defer(next);
    this.exchange.idle();
  }

  /** The other side asks. */
  asked(number: number, cases: readonly CaseTail[]): void {
    const { exchange } = this;
    const parcels = cases.map(({ value }) => (value === undefined ? undefined : exchange.accept(value, 0, exchange.from)));
    // What goes on to a third process was copied there, taken or not.
    const passes = cases.map(({ end }) => exchange.served.get(end)?.port instanceof RemoteSend);
    const discard = (except: number | undefined): void => {
      for (const [index, parcel] of parcels.entries())
        if (parcel instanceof WireParcel && (index !== except || passes[index])) parcel.discard();
    };
    const fault = parcels.find((parcel) => parcel instanceof NetchanError);
    if (fault instanceof NetchanError) {
      discard(undefined);
      exchange.post(`"tried",${number},-1,${JSON.stringify(fault.code)}`);
      return;
    }
    if (this.#answering + this.#given.size >= mostAttempts)
      exchange.violated(`more than ${mostAttempts} attempts at once`, "LIMIT_EXCEEDED");
    this.#answering++;
    let given: Offered | undefined;
    const decided = (index: number | undefined, error?: unknown, word: string | null = null): void => {
      this.#answering--;
      discard(index);
      if (error !== undefined)
        exchange.post(`"tried",${number},-1,${JSON.stringify(NetchanError.is(error) ? error.code : "CHANNEL_CLOSED")}`);
      else if (index === undefined) exchange.post(`"tried",${number},-1,null`);
      else if (given === undefined) exchange.post(`"tried",${number},${index},${JSON.stringify(word)}`);
      else this.#give(number, index, given);
      exchange.idle();
    };
    const selection = new Selection(exchange.host.random, {
      won: (index, received) => decided(index, undefined, received !== undefined && "done" in received ? endedWord : null),
      failed: (error) => decided(undefined, error),
    });
    const keep = (_index: number, offered: Offered): void => {
      given = offered;
    };
    const entries = cases.flatMap(({ end, value }, index) =>
      this.#entries(selection, index, end, value === undefined ? undefined : (parcels[index] as WireParcel), keep),
    );
    new Asking(
      selection,
      entries,
      exchange.host.random,
      () => decided(undefined),
      (index, offered) => {
        given = offered;
        selection.win(index, undefined);
      },
    ).start();
  }

  #entries(
    selection: Selection,
    index: number,
    end: number,
    parcel: WireParcel | undefined,
    won: (index: number, offered: Offered) => void,
  ): readonly Entry[] {
    const { port, sources } =
      this.exchange.served.get(end) ?? this.exchange.violated(`an attempt at end ${end}, which the other side does not hold`);
    if (port.kind === "receive" && parcel === undefined) {
      const from = sources ?? port.sources;
      const remaining = new Remaining(from.length);
      return from.map((source) => new PassingCase(selection, index, source, remaining, won));
    }
    if (port.kind !== "send" || parcel === undefined) return this.exchange.violated("an attempt in the wrong direction");
    if (port instanceof RemoteSend) return [port.passingCase(index, parcel)];
    return [new SendCase(selection, index, (port as HomeSend).home, undefined, parcel)];
  }

  #give(number: number, index: number, offered: Offered): void {
    let content: Content;
    try {
      content = offered.parcel instanceof WireParcel ? this.exchange.admit(offered.parcel.content()) : this.exchange.encode(offered.value);
    } catch (error) {
      offered.refused(NetchanError.is(error) ? error : new NetchanError("ENCODE_FAILED", "the value cannot be encoded", { cause: error }));
      this.exchange.post(`"tried",${number},-1,null`);
      return;
    }
    const frame = this.exchange.postValue(`"gave",${number},${index}`, content);
    this.#given.set(number, { offered, frame });
  }

  took(number: number, answer: number): void {
    const offered = this.#given.get(number)?.offered;
    if (offered === undefined) this.exchange.violated(`an answer to attempt ${number}, which was given nothing`);
    this.#given.delete(number);
    if (answer > 2) this.exchange.violated(`an answer ${answer} to an attempt`);
    if (answer === 2)
      offered.doubtful(new NetchanError("RECEIVER_LOST", "the receiver was lost before it answered", { outcome: "unknown" }));
    else if (answer === 1) {
      offered.parcel?.discard();
      offered.taken();
    } else offered.refused(new NetchanError("VALUE_REFUSED", "the other side could not accept the value", { outcome: "not-sent" }));
    this.exchange.idle();
  }

  /** This side says goodbye: nothing more is received. */
  part(loss: NetchanError): void {
    const asked = [...this.#asked.values()];
    const unknown = withOutcome(loss, "unknown");
    this.#asked.clear();
    for (const next of this.#queue.splice(0)) this.exchange.host.defer(next);
    for (const { settled } of asked) settled({ error: unknown });
  }
  finish(loss: NetchanError, graceful: boolean): void {
    this.part(loss);
    const given = [...this.#given.values()];
    this.#given.clear();
    for (const { offered, frame } of given) {
      if (graceful || frame?.number === 0) offered.returned();
      else offered.doubtful(loss);
    }
  }
}
