/**
 * Selects that travel whole: all cases are of one home, which does one of them, now or never (`trySelect`) or when it can (`select`).
 * This is the side that asks; `answers.ts` is the home's. Layer: remote.
 * Invariant: every attempt is answered once; a value that was given is answered with `took`, so that its sender knows.
 * Source: PROTOCOL.md "Attempts".
 */

import type { Attempt, Attempted, Offered } from "../core/offered.js";
import type { Entry, Selection } from "../core/selection.js";
import { NetchanError, withOutcome } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import type { ValueTail } from "../wire/frame.js";
import { mostCases } from "../wire/frame.js";
import { type Content, contentFor, WireParcel } from "./content.js";
import type { CasePost, Context } from "./context.js";
import { RemoteReceive } from "./remote-receive.js";
import { announceBytes, RemoteSend } from "./remote-send.js";
import { toldFailure } from "./told-error.js";
import { WholeSelect } from "./whole-select.js";

type Settled = (result: Attempted | undefined) => void;

/** What a case adds to its frame beside its value. */
const caseText = " ".repeat(64);
/** All that one frame brings, to ask whether it would pass. */
function together(contents: readonly (Content | undefined)[]): Content {
  const given = contents.flatMap((content) => content ?? []);
  return {
    get json() {
      return caseText.repeat(contents.length) + given.map(({ json }) => json).join("");
    },
    get meta() {
      return given.map(({ meta }) => meta ?? "").join("");
    },
    ends: given.flatMap(({ ends }) => ends),
    blobs: given.flatMap(({ blobs }) => blobs),
    bytes: given.reduce((sum, { bytes }) => sum + bytes, caseText.length * contents.length),
  };
}
/** In place of an error code: the case was done because its channel has ended. */
export const endedWord = "DONE";

/** What the asker says of a value it was given. */
export const verdicts = { refused: 0, taken: 1, doubtful: 2, declined: 3 } as const;
type Verdict = (typeof verdicts)[keyof typeof verdicts];

/** The end that a case is about. */
export function endOf(attempt: Attempt): RemoteSend | RemoteReceive {
  const end: unknown = "source" in attempt ? attempt.source : attempt.port;
  if (end instanceof RemoteSend || end instanceof RemoteReceive) return end;
  throw new TypeError("another process is asked about its own channels only");
}

/** Attempts at once under way, each way: their values are in no window. More wait for their turn. */
export const mostAttempts = 16;

/** One of its cases. */
interface AskedCase extends CasePost {
  readonly attempt: Attempt;
  readonly end: RemoteSend | RemoteReceive;
}

/** An attempt of ours. */
interface Asked {
  readonly cases: readonly AskedCase[];
  readonly settled: Settled;
  readonly posted: Posted | undefined;
  readonly counted: number;
  /** It waits for its home, and is one of the operations of this side. */
  readonly waits: boolean;
  /** It was asked for back. */
  quits: boolean;
  /** It has a value that it has not answered. */
  given: boolean;
}

export class Attempts {
  #number = 0;
  /** Those that the other side has not answered. */
  readonly #asked = new Map<number, Asked>();
  /** Attempts to do it now that are under way … */
  #hasty = 0;
  /** … and those that wait for room among them. */
  #queue: (() => void)[] = [];
  /** Selects that only receive: a goodbye does not wait for them. */
  #idle = 0;
  /** This side has said goodbye. */
  #parted = false;

  constructor(readonly exchange: Context) {}

  /** Something that a goodbye waits for, apart from operations. */
  get busy(): boolean {
    return this.#hasty > 0;
  }
  /** Operations that no goodbye waits for. */
  get idle(): number {
    return this.#idle;
  }

  // ── now or never ──

  ask(cases: readonly Attempt[], settled: Settled, over: NetchanError | undefined): void {
    const { exchange } = this;
    if (over !== undefined || exchange.closing !== undefined) {
      settled({ error: over ?? exchange.closing });
      return;
    }
    // An end that was closed meanwhile means nothing to the other side any more; what it would say is known.
    for (const [position, one] of cases.entries()) {
      const known = whatIsKnown(one, position);
      if (known === undefined) continue;
      settled(known);
      return;
    }
    // A home that cannot be asked has nothing ready.
    if (!exchange.linked) settled(undefined);
    else if (this.#hasty >= mostAttempts) this.#queue.push(() => this.ask(cases, settled, undefined));
    else this.#hurry(cases, settled);
  }

  #hurry(cases: readonly Attempt[], settled: Settled): void {
    let contents: readonly (Content | undefined)[];
    try {
      contents = cases.map((one) => this.#content(one));
      if (contents.length > 1) this.exchange.admit(together(contents));
    } catch (error) {
      settled({ error });
      return;
    }
    this.#hasty++;
    this.#post("try", cases, contents, settled, false);
  }

  // ── when it can be ──

  /**
   * A select whose cases are all of that home.
   * @returns what stands for all of them; undefined when they have to be told one by one: their homes are several, what becomes of one is known here, or there is no room for the values
   */
  travel(selection: Selection, cases: readonly Attempt[], over: NetchanError | undefined): Entry | undefined {
    const { exchange } = this;
    if (over !== undefined || exchange.closing !== undefined || exchange.refusal(cases.length) !== undefined || cases.length > mostCases)
      return undefined;
    if (cases.some((one) => endOf(one).elsewhere || whatIsKnown(one, 0) !== undefined)) return undefined;
    let contents: readonly (Content | undefined)[];
    try {
      contents = cases.map((one) => this.#content(one));
      this.exchange.admit(together(contents));
    } catch {
      return undefined; // its own case will say why
    }
    const bytes = contents.reduce((sum, content) => sum + (content?.bytes ?? 0), 0);
    if (bytes > 0 && (bytes > announceBytes || !exchange.fits(bytes) || exchange.congested)) return undefined;
    return new WholeSelect(this, selection, cases, contents);
  }
  /**
   * @param settled - may be called with a value more than once: one that is returned or refused was not the answer
   * @returns the number of the attempt
   */
  begin(cases: readonly Attempt[], contents: readonly (Content | undefined)[], settled: Settled): number {
    return this.#post("select", cases, contents, settled, true);
  }
  /** Asks for the select back. @returns whether it is over at once: no link has carried it */
  quit(number: number): boolean {
    const asked = this.#asked.get(number);
    if (asked === undefined) return true;
    if (asked.posted !== undefined && this.exchange.recall(asked.posted, asked.counted)) {
      this.#answered(number, asked);
      return true;
    }
    asked.quits = true;
    this.exchange.post(`"quit",${number}`);
    return false;
  }

  // ── both ──

  #content(attempt: Attempt): Content | undefined {
    if ("source" in attempt) return undefined;
    if (attempt.parcel !== undefined) return contentFor(this.exchange, attempt);
    return (attempt.encoded as Content | undefined) ?? this.exchange.encode(attempt.value);
  }

  #post(
    type: "try" | "select",
    cases: readonly Attempt[],
    contents: readonly (Content | undefined)[],
    settled: Settled,
    waits: boolean,
  ): number {
    const { exchange } = this;
    const number = ++this.#number;
    const posts = cases.map((attempt, index): AskedCase => {
      const end = endOf(attempt);
      const content = contents[index];
      return { attempt, end, content, operation: end.kind === "send" ? end.nextOperation() : 0 };
    });
    const counted = waits ? contents.reduce((sum, content) => sum + (content?.bytes ?? 0), 0) : 0;
    const posted = exchange.postCases(`"${type}",${number}`, posts, counted);
    for (const { end } of posts) end.borrow(); // it means something to its home until that has answered
    if (waits) {
      exchange.operations += posts.length;
      if (posts.every(({ end }) => end.kind === "receive")) this.#idle += posts.length;
    }
    this.#asked.set(number, { cases: posts, settled, posted, counted, waits, quits: false, given: false });
    return number;
  }

  /** The link is gone. What was written waits for its answer; what was not need not. */
  suspended(): void {
    for (const [number, asked] of [...this.#asked]) {
      if (asked.waits || asked.posted === undefined || !this.exchange.recall(asked.posted)) continue;
      this.#answered(number, asked);
      asked.settled(undefined);
    }
  }

  tried(number: number, position: number, code: string | null, text: string | null, outcome: string | null): void {
    if (this.#parted && !this.#asked.has(number)) return;
    const asked = this.#open(number);
    if (asked.given) this.exchange.violated(`attempt ${number} was answered while it had a value`);
    const decided = asked.cases[position];
    if (position === -1) {
      if (code === null && asked.waits && !asked.quits)
        this.exchange.violated(`attempt ${number} was given up, and nobody had asked for that`);
      this.#answered(number, asked);
      asked.settled(code === null ? undefined : { error: toldFailure(code, text, outcome) });
    } else if (decided === undefined || (decided.content === undefined ? code !== endedWord : code !== null)) {
      this.exchange.violated(`attempt ${number} was answered with a case it does not have`);
    } else {
      const { attempt, end, operation } = decided;
      if (code !== endedWord && end.kind === "send" && "value" in attempt) end.sentAs(operation, attempt.value);
      this.#answered(number, asked);
      asked.settled({ index: decided.attempt.index, done: code === endedWord, position });
    }
  }

  gave(number: number, position: number, epoch: number, tail: ValueTail): void {
    if (this.#parted) {
      const parcel = this.exchange.accept(tail, 0); // its home puts it back
      if (parcel instanceof WireParcel) parcel.discard();
      return;
    }
    const asked = this.#open(number);
    if (asked.given) this.exchange.violated(`attempt ${number} was given a value while it had one`);
    const end = asked.cases[position]?.end;
    if (end?.kind !== "receive") this.exchange.violated("a value for a case that is no receive");
    const parcel = this.exchange.accept(tail, 0);
    const answer = (verdict: Verdict): void => {
      this.exchange.post(`"took",${number},${verdict}`);
    };
    if (!end.inOrder(epoch)) {
      // Something that came before it went back, and has to be received first.
      if (!(parcel instanceof NetchanError)) parcel.discard();
      answer(verdicts.declined);
    } else if (parcel instanceof NetchanError)
      answer(verdicts.refused); // a bad value fails no receive
    else {
      this.#given(number, asked, position, parcel, answer);
      return;
    }
    if (asked.waits) return;
    this.#answered(number, asked);
    const attempts = asked.cases.map(({ attempt }) => attempt);
    this.ask(attempts, asked.settled, undefined); // another case may be ready, or that one again
  }

  #given(number: number, asked: Asked, position: number, parcel: WireParcel, answer: (verdict: Verdict) => void): void {
    const { end, attempt } = asked.cases[position] as AskedCase;
    let inside = true;
    asked.given = true;
    const say = (verdict: Verdict): void => {
      asked.given = false;
      answer(verdict);
      const missed = verdict === verdicts.refused || verdict === verdicts.declined;
      if (this.#asked.has(number) && !(missed && asked.waits)) this.#answered(number, asked);
    };
    const offered: Offered = {
      value: undefined,
      parcel,
      selectId: undefined,
      taken: () => say(verdicts.taken),
      returned: () => {
        parcel.discard();
        if (inside && end.kind === "receive") end.declineFollowing(); // they have to come behind it again
        say(verdicts.declined);
      },
      refused: () => {
        parcel.discard();
        say(verdicts.refused);
      },
      doubtful: () => {
        parcel.discard();
        say(verdicts.doubtful);
      },
    };
    asked.settled({ index: attempt.index, offered });
    inside = false;
  }

  #open(number: number): Asked {
    return this.#asked.get(number) ?? this.exchange.violated(`an answer to attempt ${number}, which is not open`);
  }
  #answered(number: number, asked: Asked): void {
    this.#forget(number, asked);
    for (const { end } of asked.cases) end.giveBack();
    this.exchange.idle();
  }
  #forget(number: number, { waits, cases }: Asked): void {
    this.#asked.delete(number);
    if (waits) {
      this.exchange.operations -= cases.length;
      if (cases.every(({ end }) => end.kind === "receive")) this.#idle -= cases.length;
      return;
    }
    this.#hasty--;
    if (this.#queue.length > 0) this.exchange.host.defer(() => this.#next());
  }
  /** There is room for those that wait; some may be over without taking it. */
  #next(): void {
    while (this.#queue.length > 0 && this.#hasty < mostAttempts) this.#queue.shift()?.();
  }

  /** This side says goodbye: nothing more is received. What may yet be sent is answered by its home. */
  part(loss: NetchanError): void {
    this.#parted = true;
    for (const next of this.#queue.splice(0)) this.exchange.host.defer(next);
    for (const [number, asked] of [...this.#asked]) {
      // A third process has it, and has not answered: nobody can vouch for it any more.
      if (asked.given) this.exchange.post(`"took",${number},${verdicts.doubtful}`);
      if (!this.#asked.has(number) || asked.given || asked.cases.some(({ content }) => content !== undefined)) continue;
      this.#forget(number, asked);
      const position = asked.cases.findIndex(({ end }) => end.kind === "receive" && end.doneAtGoodbye);
      const finished = asked.cases[position];
      asked.settled(finished === undefined ? { error: loss } : { index: finished.attempt.index, done: true, position });
    }
  }
  finish(loss: NetchanError): void {
    this.part(loss);
    for (const [number, asked] of [...this.#asked]) {
      if (!this.#asked.has(number)) continue;
      this.#forget(number, asked);
      if (asked.given) continue; // it has its answer; what it makes of that concerns nobody here any more
      asked.settled({ error: withOutcome(loss, asked.posted?.number === 0 ? "not-sent" : "unknown") });
    }
  }
}

/** What an end would say without its home: it was closed, or its session is over. */
function whatIsKnown(one: Attempt, position: number): Attempted | undefined {
  const end = endOf(one);
  if (end.kind === "send") {
    const error = one.passes === true ? end.passingRefusal() : end.caseRefusal();
    return error === undefined ? undefined : { error };
  }
  const over = one.passes === true && end.known ? end.finished : end.over;
  if (over === undefined) return undefined;
  return over.ending === undefined ? { index: one.index, done: true, position } : { error: over.ending };
}
