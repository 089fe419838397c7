/**
 * The receive end of a channel whose home is in another process. Layer: remote.
 *
 * Demand is told to the home as an absolute number: offers seen + waiters. An offer belongs to this end and goes to its oldest waiter
 * that may have it. With no waiter left it is declined, and with it all that come after it: the home puts them back in their places
 * and begins a new epoch; offers of older epochs are dropped here. Offers are answered strictly in their order, so that "everything
 * before this one was taken" is always true. Source: PROTOCOL.md "Receiving".
 */
import type { ReceiveChannel, Received } from "../contract.js";
import type { Timer } from "../core/clock.js";
import type { ReceivePort } from "../core/end.js";
import { List } from "../core/list.js";
import type { Ending, Offered } from "../core/offered.js";
import { receiveFrom } from "../core/operations.js";
import type { Selection } from "../core/selection.js";
import type { ReceiveWaiter, Source } from "../core/waiter.js";
import { NetchanError, plainMessage } from "../errors.js";
import type { HomeFrame } from "../wire/frame.js";
import type { WireParcel } from "./content.js";
import type { Context } from "./context.js";
import { RemoteEnd } from "./remote-end.js";
import { toldEnding } from "./told-error.js";

/** So often an end makes way in a row and asks again at once; then after a random time of up to 1 ms, twice as much each time, at most this. */
const waysAtOnce = 8;
const mostPauseMs = 1_000;

/** An offer of the home that this end has not answered. */
class RemoteOffer implements Offered {
  readonly value = undefined;
  /** A waiter has it and has not said what becomes of it. */
  given = false;

  constructor(
    readonly end: RemoteReceive,
    readonly number: number,
    readonly parcel: WireParcel | undefined,
    /** Why the value cannot be accepted here. */
    readonly fault: NetchanError | undefined,
    readonly selectId: string | undefined,
  ) {}
  taken(): void {
    this.end.answered(this, "take");
  }
  returned(): void {
    this.given = false;
    this.end.answered(this, undefined);
  }
  refused(error: NetchanError): void {
    this.end.answered(this, "refuse", error);
  }
  /** The waiter stood for a process that is lost: nobody knows whether it had the value, so the home cannot know either. */
  doubtful(cause: NetchanError): void {
    this.end.answered(this, "refuse", new NetchanError("RECEIVER_LOST", "the receiver was lost before it answered", { cause }));
  }
}

export class RemoteReceive extends RemoteEnd<ReceiveChannel<unknown>> implements ReceivePort, Source {
  readonly kind = "receive";
  readonly sources: readonly Source[] = [this];
  readonly #waiters = new List<ReceiveWaiter>();
  readonly #held: RemoteOffer[] = [];
  /** Waiters that are just being given one. */
  #passing = 0;
  /** Offers answered for good: taken or refused. */
  #seen = 0;
  #epoch = 0;
  #limit = 0;
  #ending: { readonly ending: Ending } | undefined;
  #letGoHere = false;
  /** The home was told that some select's own value is not for its own receive case. */
  #skipped = false;
  /** A select that is being decided made way for another: no demand for it until it is decided. */
  #busy = 0;
  /** How often in a row that happened. */
  #ways = 0;
  #pause: Timer | undefined;

  get remote(): Context {
    return this.exchange;
  }
  get buffered(): number {
    return this.#held.length;
  }
  get closed(): boolean {
    return this.#letGoHere || this.#ending !== undefined;
  }

  /** How its channel has ended, if it has. */
  get finished(): { readonly ending: Ending } | undefined {
    return this.#ending;
  }
  /** How it has ended, if it has: a `trySelect` need not ask its home any more. */
  get over(): { readonly ending: Ending } | undefined {
    const loss = this.#ending === undefined ? this.loss : undefined;
    return this.#ending ?? (loss === undefined ? (this.#letGoHere ? { ending: undefined } : undefined) : { ending: loss });
  }

  receive(signal: AbortSignal | undefined): Promise<Received<unknown>> {
    return receiveFrom(this, signal);
  }

  /** Selects that wait at their home with a case of this end. */
  readonly selects = new Set<{ closed(end: RemoteReceive): void }>();

  /**
   * A select was given a value, in that epoch. What was offered before it has to be received before it.
   * @returns whether it may be taken
   */
  inOrder(epoch: number): boolean {
    const waiting = this.#held.findIndex(({ given }) => !given);
    if (waiting >= 0) {
      this.#decline(waiting, "decline");
      this.exchange.host.defer(() => this.#advance());
    }
    return epoch === this.#epoch;
  }
  /** A select gives back its value: what was made after it has to come after it again. */
  declineFollowing(): void {
    if (this.closed || !this.known) return;
    this.#decline(this.#held.length, "decline");
    this.exchange.host.defer(() => this.#advance());
  }

  join(waiter: ReceiveWaiter): void {
    const refusal = this.loss ?? this.unopenable;
    if (refusal !== undefined && this.#ending === undefined) {
      this.leave(waiter);
      waiter.finish(refusal);
      return;
    }
    if (this.closed) {
      this.leave(waiter);
      waiter.finish(this.#ending?.ending);
      return;
    }
    if (waiter.list === undefined) {
      this.#waiters.push(waiter);
      if (this.#skipped) {
        this.#skipped = false;
        this.exchange.post(`"unskip",${this.id}`);
      }
    }
    this.#advance();
  }

  leave(waiter: ReceiveWaiter): void {
    if (!this.#waiters.remove(waiter)) return;
    if (this.#held.length > 0) this.exchange.host.defer(() => this.#advance()); // an offer may have waited for it
    this.rest();
  }

  // ── offers ──

  homeFrame(frame: HomeFrame): void {
    if (frame.type === "offer") {
      const [, number, epoch, selectId, tail] = frame.fields;
      this.borrow(); // the value may hold this very end: it is not given back before its home has been answered
      const parcel = this.exchange.accept(tail, 0);
      if (parcel instanceof NetchanError) this.#offered(number, epoch, undefined, parcel, selectId ?? undefined);
      else this.#offered(number, epoch, parcel, undefined, selectId ?? undefined);
      this.giveBack();
    } else if (frame.type === "done") {
      this.#finish(toldEnding(frame.fields[1], frame.fields[2]));
      this.giveUp();
    } else if (frame.type === "opened") this.opened(frame.fields[1]);
    else if (frame.type === "released") {
      for (const offer of this.#held.splice(0)) offer.parcel?.discard(); // its home has put them back
      this.forgotten();
    } else this.exchange.violated(`a ${frame.type} frame for a receive end`);
  }

  #offered(
    number: number,
    epoch: number,
    parcel: WireParcel | undefined,
    fault: NetchanError | undefined,
    selectId: string | undefined,
  ): void {
    if (epoch !== this.#epoch || this.#ending !== undefined) {
      parcel?.discard(); // the home has put it back already
      return;
    }
    if (number > this.#limit) this.exchange.violated(`offer ${number} was not asked for`);
    if (number !== this.#seen + this.#held.length + 1)
      this.exchange.violated(`offer ${number} came after offer ${this.#seen + this.#held.length}`);
    this.#held.push(new RemoteOffer(this, number, parcel, fault, selectId));
    this.#advance();
  }

  /** Answers offers as far as it can, oldest first, then tells the home what is wanted. */
  #advance(): void {
    if (!this.known) return;
    for (let offer = this.#held[0]; offer !== undefined && !offer.given; offer = this.#held[0]) {
      if (offer.fault !== undefined) this.#answer(offer, "refuse", offer.fault);
      else if (!this.#pass(offer)) break;
    }
    this.#makeWay();
    this.#demand();
  }

  protected override resumed(): void {
    this.#advance();
  }

  /** The first waiter that may have the offer; else a select that is being decided, if one waits; and whether the offer's own select does. */
  #waiterFor(offer: RemoteOffer): { readonly waiter?: ReceiveWaiter; readonly deciding?: Selection; readonly own: boolean } {
    let deciding: Selection | undefined;
    let own = false;
    for (let waiter = this.#waiters.head; waiter !== undefined; waiter = waiter.next as ReceiveWaiter | undefined) {
      const { selection } = waiter;
      if (selection !== undefined && offer.selectId !== undefined && selection.id === offer.selectId) own = true;
      else if (selection?.state === "locked") deciding ??= selection;
      else return { waiter, own };
    }
    return deciding === undefined ? { own } : { deciding, own };
  }

  /** @returns whether there may be more to do. */
  #pass(offer: RemoteOffer): boolean {
    const { waiter, deciding, own } = this.#waiterFor(offer);
    if (waiter !== undefined) {
      this.#waiters.remove(waiter);
      offer.given = true;
      this.#passing++; // it may come back for the next one
      waiter.accept(offer);
      if (waiter.more && waiter.list === undefined && !this.closed) this.#waiters.push(waiter);
      this.#passing--;
      this.rest();
      return true;
    }
    if (deciding === undefined) {
      this.#decline(0, own ? "skip" : "decline");
      if (own) this.#skipped = true;
    } else if (!this.#yields(deciding, offer)) deciding.whenUnlocked(() => this.#advance());
    return false;
  }

  /**
   * Two selects that are each being decided may wait for each other's offers. The one with the lower id makes way: it declines, and asks
   * again when it is decided. So whoever waits, waits for a higher one, and no circle can close. Source: PROTOCOL.md "Select cases".
   */
  #yields(deciding: Selection, offer: RemoteOffer): boolean {
    return offer.selectId !== undefined && deciding.id < offer.selectId;
  }
  #makeWay(): void {
    for (const [index, offer] of this.#held.entries()) {
      if (offer.given || offer.fault !== undefined) continue;
      const { waiter, deciding, own } = this.#waiterFor(offer);
      if (waiter === undefined && deciding === undefined && own) {
        // Nobody here may have it but the select that sends it, and that one may be waiting for an offer before this one.
        this.#skipped = true;
        this.#decline(index, "skip");
        return;
      }
      if (waiter !== undefined || deciding === undefined || !this.#yields(deciding, offer)) continue;
      this.#busy = this.#waiters.size;
      this.#decline(index, "decline");
      this.#pause?.cancel();
      deciding.whenUnlocked(() => this.#askAgain(this.#ways++));
      return;
    }
  }
  /** What came after a declined offer went back with it. If that freed the other side from its own, both may go on like this for ever. */
  #askAgain(ways: number): void {
    const { clock, random } = this.exchange.host;
    const ask = (): void => {
      this.#busy = 0;
      this.#advance();
    };
    if (ways < waysAtOnce) ask();
    else if (!this.closed) this.#pause = clock.start(random() * Math.min(2 ** (ways - waysAtOnce), mostPauseMs), ask);
  }

  /** Gives back the offers from `index` on; those before it are still being answered. */
  #decline(index: number, how: "decline" | "skip"): void {
    const declined = this.#held.splice(index);
    this.#epoch++;
    this.#limit = this.#seen + index;
    this.exchange.post(`"${how}",${this.id},${this.#seen + index + 1},${this.#epoch}`);
    for (const offer of declined) offer.parcel?.discard(); // behind the frame: with them this very end may be given back
  }

  #answer(offer: RemoteOffer, how: "take" | "refuse", error?: NetchanError): void {
    if (this.#held[0] !== offer) return;
    this.#held.shift();
    this.#seen = offer.number;
    this.#ways = 0;
    if (how === "take") this.exchange.post(`"take",${this.id},${offer.number}`);
    else {
      this.exchange.post(
        `"refuse",${this.id},${offer.number},${JSON.stringify(error?.code ?? "VALUE_REFUSED")},${JSON.stringify(error === undefined ? "" : plainMessage(error).slice(0, 500))}`,
      );
      offer.parcel?.discard();
    }
  }

  /** What a waiter says of the offer it was given. */
  answered(offer: RemoteOffer, how: "take" | "refuse" | undefined, error?: NetchanError): void {
    if (this.loss !== undefined) {
      if (how !== "take") offer.parcel?.discard();
      return;
    }
    if (how !== undefined) this.#answer(offer, how, error);
    this.#advance();
    if (this.#letGoHere && this.#held.length === 0) this.giveUp();
    this.rest();
  }

  #demand(): void {
    if (this.#ending !== undefined) return;
    const given = this.#held.reduce((sum, offer) => sum + (offer.given ? 1 : 0), 0);
    const wanted = given + Math.max(0, this.#waiters.size - this.#busy);
    const limit = this.#seen + Math.min(wanted, this.exchange.mostDemand);
    if (limit <= this.#limit) return;
    this.#limit = limit;
    this.exchange.post(`"limit",${this.id},${limit}`);
  }

  // ── the end ──

  #finish(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = { ending };
    for (const offer of this.#held.splice(0)) if (!offer.given) offer.parcel?.discard();
    this.#finishWaiters(ending);
  }

  #finishWaiters(ending: Ending): void {
    this.#pause?.cancel();
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) waiter.finish(ending);
  }

  protected override retired(): void {
    this.#seen = 0;
    this.#epoch = 0;
    this.#limit = 0;
    this.#skipped = false;
  }
  letGo(): void {
    if (this.#letGoHere) return;
    this.#letGoHere = true;
    for (const select of [...this.selects]) select.closed(this);
    this.#finishWaiters(this.#ending?.ending);
    this.#advance(); // with no waiter left, what was offered goes back
    if (this.#held.length === 0) this.giveUp();
  }
  protected override regained(): void {
    this.#letGoHere = false;
  }

  /** It ends with `done` when its session ends well: the default pair does. */
  doneAtGoodbye = false;

  get openCount(): number {
    return this.#held.length;
  }
  override get waiterCount(): number {
    return this.#waiters.size + this.#passing + this.selects.size;
  }
  get busy(): boolean {
    return this.#held[0]?.given === true;
  }
  part(loss: NetchanError): void {
    for (let offer = this.#held[0]; offer?.given; offer = this.#held[0])
      this.#answer(offer, "refuse", new NetchanError("RECEIVER_LOST", "the receiver had not answered when this side said goodbye"));
    this.#finish(this.doneAtGoodbye ? undefined : loss);
  }

  protected ended(loss: NetchanError, graceful: boolean): void {
    this.#finish(graceful && this.doneAtGoodbye ? undefined : loss);
  }
}
