/**
 * A channel in the process that created it: the one judge of which sender meets which receiver. Layer: core.
 *
 * Invariants:
 * - No value in the line and no waiter at the channel could meet: whoever arrives second is matched at once. (Cases of a select that
 *   is being decided take part in nothing; they look again when it opens.)
 * - Fulfilled values that nobody has taken, offered ones included, are at most `capacity`.
 * - Receivers see the end only when the line is empty and no offer is open: an open offer may still come back.
 */
import type { ChannelOptions } from "../contract.js";
import { type NetchanError, type Outcome, withOutcome } from "../errors.js";
import { Closing } from "./closing.js";
import type { Gathering } from "./gathering.js";
import { Item, type Submission } from "./item.js";
import { Line } from "./line.js";
import { Linked, List } from "./list.js";
import type { Ending, Parcel } from "./offered.js";
import type { Sender } from "./operations.js";
import type { Selection } from "./selection.js";
import { decidingAbove, offerTo, Swallower, serveAll } from "./serving.js";
import type { EndWatcher, ReceiveWaiter, SendWatcher, Source } from "./waiter.js";

export class Home extends Linked implements Source {
  readonly remote = undefined;
  readonly capacity: number;
  readonly whenFull: "wait" | "drop-oldest" | "drop-newest";
  readonly whenInDoubt: "reject" | "redeliver";
  readonly #line: Line;
  readonly #receivers = new List<ReceiveWaiter>();
  #order = 0;
  #offered = 0;
  #offeredFulfilled = 0;
  #fulfilling = 0;
  readonly #closing = new Closing();
  #gather: Gathering<Home> | undefined;
  /** The case of a select elsewhere that has been asked for a grant. */
  #claiming: Item | undefined;
  readonly watchers = new Set<SendWatcher>();
  /** Told of a value that was fulfilled and that nobody will have, or may have had. */
  onUndelivered: ((item: Item, outcome: Outcome) => void) | undefined;
  /** Nobody listens any more, and no sender is to fail for it: values are fulfilled and dropped. */
  muted = false;
  readonly endWatchers = new Set<EndWatcher>(); // told once

  constructor(options: Required<Pick<ChannelOptions, "capacity">> & Omit<ChannelOptions, "capacity">) {
    super();
    this.capacity = options.capacity;
    this.whenFull = options.whenFull ?? "wait";
    this.whenInDoubt = options.whenInDoubt ?? "reject";
    this.#line = new Line(this.capacity, this.whenFull);
  }

  /** By the drop policy. */
  get dropped(): number {
    return this.#line.dropped;
  }
  get buffered(): number {
    return this.#line.buffer.size + this.#offeredFulfilled;
  }
  /** No more values may be sent. */
  get closed(): boolean {
    return this.#closing.closed || this.#closing.refusing;
  }
  /** How it ends for receivers, once it does. */
  get ending(): Ending {
    return this.#closing.ending;
  }
  /** No more values will come. */
  get drained(): boolean {
    return (this.#closing.closed && this.#offered === 0 && this.#line.empty) || this.#closing.refusing;
  }
  /** Is there a value that a waiter could have now? */
  get ready(): boolean {
    return !this.#line.empty;
  }
  get wanted(): boolean {
    return this.#receivers.size > 0;
  }
  /** The merged queue that takes what nobody takes here. */
  set gather(gather: Gathering<Home>) {
    this.#gather = gather;
    if (this.ready) gather.ready(this);
  }

  /** Why a send would fail now, if it would. */
  refusal(): NetchanError | undefined {
    return this.#closing.refusal();
  }

  // ── senders ──

  /** Queues a value for a sender. The caller has asked `refusal` first. */
  submit(value: unknown, parcel: Parcel | undefined, sender: Sender, { selection, claim, absent }: Submission = {}): Item {
    const item = new Item(this, ++this.#order, value, parcel, sender, selection, claim);
    if (absent === true) this.#line.announce(item);
    this.#place(item);
    return item;
  }

  /** The value of an announced item has come. Those behind it have been waiting for it. */
  arrived(item: Item, parcel: Parcel): void {
    if (item.state !== "queued") {
      parcel.discard();
      return;
    }
    item.parcel = parcel;
    this.#line.present(item);
    this.#line.take(item);
    this.#place(item);
    this.#matchAll();
    this.#advance();
  }
  #matchAll(): void {
    serveAll(this.#receivers, this);
    this.#gather?.serve(this);
  }

  /** An announced value has come and is not what it should be. */
  expel(item: Item, error: NetchanError): void {
    if (item.state !== "queued") return;
    this.#fail(item, error);
    this.#matchAll();
    this.#advance();
  }

  /** Takes a value back for its sender: at once, or when the waiter it is offered to did not take it. */
  withdraw(item: Item, withdrawn: () => void): void {
    if (item.state === "offered") item.withdrawn = withdrawn;
    else if (item.state === "queued" && !item.fulfilled) {
      const absent = item.absent;
      this.#line.drop(item);
      item.takenBack(withdrawn);
      if (absent) this.#matchAll();
      this.#advance();
    }
  }

  /** A select case looks again: its select has opened. */
  retry(item: Item): void {
    if (item.state !== "queued" || item.fulfilled || item.list === undefined) return;
    this.#line.take(item);
    this.#place(item);
  }

  /** One select elsewhere is asked at a time: two that could meet each other here would both be bound, and neither free to receive. */
  claim(item: Item): void {
    if (this.#claiming !== undefined) return;
    this.#claiming = item;
    item.claim?.request();
  }
  /** That select has granted, or its case is gone, or nothing came of the grant: the next one may be asked. */
  claimOver(item: Item): void {
    if (this.#claiming !== item) return;
    this.#claiming = undefined;
    if (this.capacity > 0 && this.#hasRoom()) this.#advance();
    this.askFor(this.#receivers);
    this.#gather?.askFor(this);
  }
  /** Looks for a waiter whom a case of a select elsewhere could serve. */
  askFor(waiters: List<ReceiveWaiter>): void {
    for (const waiter of waiters.toArray()) if (this.#claiming === undefined) this.peek(waiter);
  }
  /** A select that waits here, is being decided, and has a higher id than that. */
  deciding(id: string): Selection | undefined {
    return decidingAbove(this.#receivers, id) ?? this.#gather?.deciding(id);
  }

  #hasRoom(kept = 0): boolean {
    return this.whenFull !== "wait" || this.#line.buffer.size + this.#offeredFulfilled + this.#fulfilling + kept < this.capacity;
  }
  /** Values that were sent for have their places kept. */
  #hasRoomToFetch(): boolean {
    return this.#hasRoom(this.#line.wanted) && this.#line.wanted < this.capacity;
  }

  /** Finds a place for a value that is in no list: fulfilled if there is room, with a waiter if there is one. */
  #place(item: Item): void {
    if (!item.absent && !item.fulfilled && this.capacity > 0 && this.#hasRoom() && !this.#line.heldBack(item)) {
      if (item.ungranted) this.claim(item);
      else if (item.willing(undefined)) this.#fulfil(item);
    }
    if (item.state === "gone") return; // fulfilling a case may have reached back here
    // It may be behind a value that is on its way: then it waits with those who wait for that one.
    if (this.#line.absent === 0 && this.#offer(item)) return;
    if (item.fulfilled) this.#line.store(item);
    else this.#line.insert(item);
    if (item.absent && this.#hasRoomToFetch()) this.#line.want(item);
    this.#gather?.ready(this);
    if (this.#line.absent > 0) this.#matchAll();
  }

  #fulfil(item: Item): void {
    item.fulfilled = true;
    this.#fulfilling++; // it is in no list yet, and telling its sender may reach back here
    item.sender.sent();
    this.#fulfilling--;
  }

  // ── receivers ──

  join(waiter: ReceiveWaiter): void {
    for (;;) {
      const item = this.peek(waiter);
      if (item === undefined) break;
      this.give(item, waiter);
      if (!waiter.more) return;
    }
    if (waiter.selection !== undefined && waiter.selection.state === "done") return;
    if (this.drained) {
      this.leave(waiter);
      waiter.finish(this.ending);
    } else if (this.#closing.orphanedReceivers !== undefined && waiter.orphaned(this.#closing.orphanedReceivers)) this.leave(waiter);
    else if (waiter.list === undefined) this.#receivers.push(waiter);
  }

  leave(waiter: ReceiveWaiter): void {
    this.#receivers.remove(waiter);
  }

  /** The first value of the line that `waiter` could have. A value that is still with its sender is sent for, and holds the line. */
  peek(waiter: ReceiveWaiter): Item | undefined {
    let asked: Item | undefined;
    for (let item = this.#line.first(); item !== undefined; item = this.#line.after(item)) {
      if (item.absent) {
        this.#line.want(item);
        return undefined;
      }
      if (!(item.ungranted || item.willing(waiter.selection)) || waiter.skips(item)) continue;
      if (!item.ungranted) return item;
      asked ??= item;
    }
    // Only when nothing else would do: a select that is bound to this waiter's process by a claim could not take what it is offered.
    if (asked !== undefined && waiter.selection?.state !== "locked") this.claim(asked);
    return undefined;
  }

  /** Reserves a value for a waiter. One that wants more is put back in its list by the caller. */
  give(item: Item, waiter: ReceiveWaiter): void {
    this.#line.take(item);
    (waiter.list as List<Linked> | undefined)?.remove(waiter);
    item.state = "offered";
    this.#offered++;
    if (item.fulfilled) {
      if (this.whenFull === "wait") this.#offeredFulfilled++;
    } else item.selection?.lock(item.sender);
    this.#leftLine();
    waiter.accept(item);
  }
  #leftLine(): void {
    if (this.list !== undefined && this.#line.empty) this.#gather?.remove(this);
  }

  #offer(item: Item): boolean {
    return offerTo(this.#receivers, this, item) || this.#gather?.offer(this, item) === true;
  }

  // ── verdicts ──

  itemTaken(item: Item): void {
    this.#leaveOffer(item);
    if (!item.fulfilled) item.sender.sent();
    item.letGo();
    this.#advance();
  }

  itemReturned(item: Item): void {
    this.#leaveOffer(item);
    const withdrawn = item.withdrawn;
    if (withdrawn !== undefined && !item.fulfilled) {
      this.#line.drop(item);
      item.takenBack(withdrawn); // before its select opens: what is in doubt is the select's outcome
      item.selection?.unlock();
    } else if (this.#closing.refusing || (this.#closing.closed && item.conditional)) {
      if (item.fulfilled) this.onUndelivered?.(item, item.outcome);
      this.#fail(item, this.#closing.closedError());
    } else if (item.selection !== undefined && item.conditional) {
      this.#line.insert(item);
      item.selection.unlock(); // its cases look again, this one among them
    } else {
      item.state = "queued";
      this.#place(item);
      if (item.list !== undefined && item.conditional) item.claim?.release();
    }
    this.#advance();
  }

  itemRefused(item: Item, error: NetchanError): void {
    this.#leaveOffer(item);
    this.#fail(item, error);
    this.#advance();
  }

  itemDoubtful(item: Item, error: NetchanError): void {
    const doubt = item.doubted(error);
    if (this.whenInDoubt === "redeliver") {
      this.itemReturned(item);
      return;
    }
    this.#leaveOffer(item);
    if (item.fulfilled) this.onUndelivered?.(item, "unknown");
    this.#fail(item, doubt);
    this.#advance();
  }

  #leaveOffer(item: Item): void {
    item.state = "gone";
    this.#offered--;
    if (item.fulfilled && this.whenFull === "wait") this.#offeredFulfilled--;
  }

  #fail(item: Item, error: NetchanError): void {
    this.#line.drop(item);
    if (!item.fulfilled) item.sender.failed(item.doubt === undefined ? error : withOutcome(error, "unknown"));
  }

  /** Something left the channel: fulfils what has room now, and shows the end when it has come. */
  #advance(): void {
    while (this.capacity > 0 && this.#line.waiting.size > 0 && this.#hasRoom()) {
      const item = this.#firstWilling();
      if (item === undefined) break;
      if (item.absent) {
        if (this.#hasRoomToFetch()) this.#line.want(item);
        break;
      }
      this.#line.take(item);
      this.#fulfil(item);
      if (this.#line.buffer.size > 0 || !this.#offer(item)) this.#line.store(item); // those who wait are being served, oldest values first
    }
    this.#leftLine();
    if (this.drained) this.#finish();
  }

  #firstWilling(): Item | undefined {
    let item = this.#line.waiting.head;
    while (item !== undefined && !item.willing(undefined)) {
      if (item.ungranted) this.claim(item);
      item = item.next as Item | undefined;
    }
    return item;
  }

  /** The oldest value that nobody has been offered makes way. @returns whether there was one */
  shed(): boolean {
    return this.#line.shed();
  }

  // ── the end ──

  /** No more values after those in line. */
  close(ending: Ending): void {
    if (!this.#closing.close(ending)) return;
    for (const item of this.#line.waiting.toArray()) // a case of a select is no send yet, and will not become one
      if (item.conditional && item.list !== undefined) this.#fail(item, this.#closing.closedError());
    for (const watcher of [...this.watchers]) watcher.sendEnded(ending);
    if (this.drained) this.#finish();
  }

  /** Nobody receives any more: what waits fails, what is buffered is dropped. `loss` is why, when it is not that they closed. */
  refuse(loss?: NetchanError): void {
    if (!this.#closing.refuse(loss)) return;
    const refusal = this.#closing.closedError();
    for (const item of this.#line.buffer.toArray()) {
      this.onUndelivered?.(item, item.outcome);
      this.#line.drop(item);
    }
    for (const item of this.#line.waiting.toArray()) if (item.list !== undefined) this.#fail(item, refusal);
    for (const watcher of [...this.watchers]) watcher.sendEnded(undefined);
    this.#finish();
  }

  mute(): void {
    this.muted = true;
    this.join(new Swallower());
    for (const watcher of [...this.watchers]) watcher.sendMuted();
  }

  /** The last other sender is gone while this process, which still could send, never has: those who wait are told. */
  orphanReceivers(error: NetchanError | undefined): void {
    this.#closing.orphanedReceivers = error;
    if (error === undefined) return;
    for (const waiter of this.#receivers.toArray()) if (waiter.list !== undefined && waiter.orphaned(error)) this.leave(waiter);
  }

  /** The same for senders, when the last other receiver is gone. */
  orphanSenders(error: NetchanError | undefined): void {
    this.#closing.orphanedSenders = error;
    if (error === undefined) return;
    for (const item of this.#line.waiting.toArray()) if (item.list !== undefined) this.#fail(item, withOutcome(error, "not-sent"));
  }

  #finish(): void {
    for (let waiter = this.#receivers.shift(); waiter !== undefined; waiter = this.#receivers.shift()) waiter.finish(this.ending);
    for (const watcher of this.endWatchers) {
      this.endWatchers.delete(watcher);
      watcher.sourceEnded(this, this.ending);
    }
  }
}
