/**
 * The send end of a channel whose home is in another process. Layer: remote. Forwards; decides nothing.
 * Invariants: each operation has a number of its own and settles by the home's answer or the session's end; a value that is large, or
 * that finds the home's window used up, is announced and stays here until the home asks for it: its place in line is kept either way.
 * Source: PROTOCOL.md "Sending".
 */
import type { SendChannel } from "../contract.js";
import type { Port, SendPort } from "../core/end.js";
import type { Attempt, Parcel } from "../core/offered.js";
import { dropEnds, holdEnds } from "../core/offered.js";
import { rejected, SendOperation, sentAtOnce } from "../core/operations.js";
import type { Entry, Selection } from "../core/selection.js";
import { NetchanError, withOutcome } from "../errors.js";
import type { Posted } from "../session/outbox.js";
import type { HomeFrame } from "../wire/frame.js";
import type { Content } from "./content.js";
import type { Pending } from "./pending.js";
import { RemoteCase } from "./remote-case.js";
import { RemoteEnd } from "./remote-end.js";
import { refuses, toldEnding, toldError } from "./told-error.js";

/** Values above this size are announced: they would fill the window for all others. */
export const announceBytes = 64 * 1024;

class PlainPending extends SendOperation implements Pending {
  ends?: readonly Port[];
  told?: Posted | undefined;
  counted?: number;
  carried?: Posted | undefined;
  value?: unknown;
  constructor(public content: Content | undefined) {
    super();
  }
  reason: unknown;
  cancelled = false;
  expects(answer: "sent" | "withdrawn"): boolean {
    return answer === "sent" || this.cancelled;
  }
  withdrawn(): void {
    this.failed(this.reason);
  }
}

export class RemoteSend extends RemoteEnd<SendChannel<unknown>> implements SendPort {
  readonly kind = "send";
  readonly #pending = new Map<number, Pending>();
  #operation = 0;
  /** The home takes no more: closed here, or heard from there. */
  #closing: { readonly error: () => NetchanError } | undefined;
  #letGoHere = false;
  /** Its home fulfils and drops whatever is sent. */
  #muted = false;
  /** Fulfilled and, for all that is known, not received yet: on the default pair, whose home reports what was. */
  #unreceived: Map<number, unknown> | undefined;
  readonly #fetched: number[] = [];

  get buffered(): number {
    return 0;
  }
  get closed(): boolean {
    return this.#closing !== undefined || this.#letGoHere || this.loss !== undefined;
  }
  get muted(): boolean {
    return this.#muted && !this.#letGoHere;
  }

  /** Why a send would fail now, if it would. */
  #refusal(): NetchanError | undefined {
    if (this.loss !== undefined) return withOutcome(this.loss, "not-sent");
    if (this.#closing !== undefined) return this.#closing.error();
    if (this.#letGoHere) return new NetchanError("CHANNEL_CLOSED", "this process has let go of the end", { outcome: "not-sent" });
    return this.exchange.refusal() ?? this.unopenable;
  }

  send(value: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason);
    if (this.muted) return sentAtOnce();
    const refusal = this.#refusal();
    if (refusal !== undefined) return rejected(refusal);
    let content: Content;
    try {
      content = this.exchange.encode(value);
    } catch (error) {
      return rejected(error);
    }
    const pending = new PlainPending(undefined);
    if (this.#unreceived !== undefined) pending.value = value;
    const number = this.#post(content, pending);
    if (signal !== undefined) {
      pending.watch(signal, () => {
        pending.reason = signal.reason;
        this.#cancel(number, pending);
      });
    }
    return pending.promise;
  }

  #post(content: Content, pending: Pending): number {
    const number = this.#add(pending, content);
    if (content.bytes > announceBytes || !this.exchange.fits(content.bytes) || this.exchange.congested) {
      pending.content = content;
      pending.told = this.exchange.post(`"announce",${this.id},${number},${content.bytes}`);
    } else {
      pending.counted = content.bytes;
      pending.told = pending.carried = this.exchange.postCounted(`"send",${this.id},${number}`, content);
    }
    return number;
  }

  /** What no link has carried is taken back at once; anything else its home has to give back. */
  #cancel(number: number, pending: PlainPending): void {
    const { told, counted } = pending;
    if (told !== undefined && this.exchange.recall(told, counted)) this.#settle(number)?.withdrawn();
    else {
      pending.cancelled = true;
      this.exchange.post(`"cancel",${this.id},${number}`);
    }
  }

  #add(pending: Pending, { ends }: Content): number {
    if (ends.length > 0) {
      pending.ends = ends;
      holdEnds(ends, pending);
    }
    const number = ++this.#operation;
    this.#pending.set(number, pending);
    this.exchange.operations++;
    return number;
  }

  enlist(selection: Selection, index: number, value: unknown): Entry {
    return new RemoteCase(this, selection, index, value);
  }

  // ── what a select case needs ──

  /** A send case of a third process, for one attempt: its value passes through as it is. */
  passingCase(index: number, parcel: Parcel): Entry {
    const attempt = (): Attempt => ({ index, port: this, value: undefined, parcel, passes: true });
    return { index, remote: this.exchange, enter: () => undefined, withdraw: () => undefined, attempt };
  }

  nextOperation(): number {
    return ++this.#operation;
  }
  /** A select's case was done under that number. */
  sentAs(operation: number, value: unknown): void {
    this.#unreceived?.set(operation, value);
  }
  postCase(content: Content, selectId: string, pending: Pending): number {
    const number = this.#add(pending, content);
    this.exchange.post(`"case",${this.id},${number},${JSON.stringify(selectId)},${content.bytes}`);
    return number;
  }
  /** The value goes with the grant: a case that loses costs its home no room. */
  grant(number: number, content: Content): void {
    const pending = this.#pending.get(number);
    if (pending !== undefined) pending.carried = this.exchange.postValue(`"grant",${this.id},${number}`, content);
  }
  answer(type: "deny" | "cancel", number: number): void {
    if (this.#pending.has(number)) this.exchange.post(`"${type}",${this.id},${number}`);
  }
  caseRefusal(): NetchanError | undefined {
    return this.#refusal();
  }
  /** The same for a case of a third process: it is nothing to that one what this process has let go of. */
  passingRefusal(): NetchanError | undefined {
    return this.loss === undefined ? this.exchange.refusal() : withOutcome(this.loss, "not-sent");
  }

  // ── what the home says ──

  #settle(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    if (pending === undefined) return undefined;
    this.#pending.delete(number);
    if (pending.ends !== undefined) dropEnds(pending.ends, pending);
    this.exchange.operations--;
    if (this.#pending.size === 0 && (this.#letGoHere || this.#muted)) this.giveUp();
    this.rest();
    this.exchange.idle();
    return pending;
  }
  homeFrame(frame: HomeFrame): void {
    switch (frame.type) {
      case "sent":
        this.#expect(frame.fields[1], "sent");
        this.#sent(frame.fields[1]);
        return;
      case "received":
        this.#received(frame.fields[1]);
        return;
      case "failed":
        this.#settle(frame.fields[1])?.failed(toldError(frame.fields[2], frame.fields[3], frame.fields[4]));
        return;
      case "withdrawn":
        this.#expect(frame.fields[1], "withdrawn");
        this.#settle(frame.fields[1])?.withdrawn();
        return;
      case "fetch":
        this.#fetch(frame.fields[1]);
        return;
      case "claim":
        this.#pending.get(frame.fields[1])?.claimed?.();
        return;
      case "unclaim":
        this.#pending.get(frame.fields[1])?.unclaimed?.();
        return;
      case "ended": {
        const ending = toldEnding(frame.fields[1], frame.fields[2]);
        this.#closing ??= {
          error: () =>
            ending !== undefined && refuses(ending)
              ? withOutcome(ending, "not-sent")
              : new NetchanError("CHANNEL_CLOSED", "the channel is closed", { cause: ending?.cause, outcome: "not-sent" }),
        };
        this.letGo();
        return;
      }
      case "opened":
        this.opened(frame.fields[1]);
        return;
      case "mute":
        if (this.adopted) this.exchange.violated(`end ${this.id} is muted, which no question brought`);
        this.#muted = true;
        if (this.#pending.size === 0) this.giveUp(); // nothing more has to be said about it
        return;
      case "released":
        this.forgotten();
        return;
      default:
        this.exchange.violated(`a ${frame.type} frame for a send end`);
    }
  }
  /** An answer that this operation cannot have got ends the session, which settles it. */
  #expect(number: number, answer: "sent" | "withdrawn"): void {
    if (this.#pending.get(number)?.expects(answer) === false) this.exchange.violated(`operation ${number} cannot be ${answer}`);
  }
  #sent(number: number): void {
    const pending = this.#settle(number);
    if (pending !== undefined) this.#unreceived?.set(number, pending.value);
    pending?.sent();
  }
  /** Every operation up to that one has left the channel. */
  #received(number: number): void {
    if (this.#unreceived === undefined) this.exchange.violated(`end ${this.id} is told what was received, and never asked`);
    for (const one of this.#unreceived.keys()) if (one <= number) this.#unreceived.delete(one);
  }
  /** From the beginning on: keeps what is fulfilled until its home says that it was received. */
  remember(): void {
    this.#unreceived = new Map();
  }
  /** What is fulfilled and may not have been received, in the order it was sent. */
  get unreceived(): readonly unknown[] {
    // More than the capacity cannot be: of the others the word has not come yet.
    return [...(this.#unreceived ?? [])]
      .sort(([one], [other]) => one - other)
      .slice(-this.capacity)
      .map(([, value]) => value);
  }

  #fetch(number: number): void {
    this.#fetched.push(number);
    this.resume();
  }
  /** Values that were asked for wait until there is room for them. */
  resume(): void {
    while (this.#fetched.length > 0) {
      if (this.exchange.congested) {
        this.exchange.starved.add(this);
        return;
      }
      const number = this.#fetched.shift() ?? 0;
      const pending = this.#pending.get(number);
      const content = pending?.content;
      if (pending === undefined || content === undefined) continue;
      try {
        this.exchange.checkRoom(content.ends);
      } catch (error) {
        // There was room when it was announced.
        if (pending instanceof PlainPending) {
          pending.reason = error;
          this.#cancel(number, pending);
        }
        continue;
      }
      pending.content = undefined;
      pending.carried = this.exchange.postValue(`"value",${this.id},${number},${content.bytes}`, content);
    }
  }

  // ── letting go ──

  close(reason: Error | undefined): void {
    if (this.loss !== undefined) return;
    if (this.#closing === undefined) {
      this.#closing = { error: () => new NetchanError("CHANNEL_CLOSED", "the channel is closed", { outcome: "not-sent" }) };
      // Of a published channel only this process's use ends.
      if (this.asks === undefined)
        this.exchange.post(`"close",${this.id},${reason === undefined ? "null" : JSON.stringify(reason.message.slice(0, 500))}`);
    }
    this.letGo();
  }
  /** What was sent before still counts: the hold ends when the last of it has settled. */
  letGo(): void {
    this.#letGoHere = true;
    if (this.#pending.size === 0) this.giveUp();
  }
  protected override regained(): void {
    this.#letGoHere = false;
    // Nobody listens any more, or it is closed: it is good for nothing.
    if ((this.#muted || this.#closing !== undefined) && this.#pending.size === 0) this.giveUp();
  }

  get openCount(): number {
    return this.#pending.size;
  }
  /** Its operations are counted where those of all ends are. */
  readonly busy = false;
  part(): void {}

  protected ended(loss: NetchanError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.exchange.operations -= pending.length;
    // What still stands here whole, or was never written to a link, has never left this process.
    for (const one of pending) if (one.ends !== undefined) dropEnds(one.ends, one);
    for (const one of pending) {
      const left = one.content === undefined && (one.carried?.number ?? 0) > 0;
      one.failed(withOutcome(loss, left ? "unknown" : "not-sent"));
    }
  }
}
