/**
 * A channel in the process that created it: the one judge of which sender meets which receiver. Layer: core.
 *
 * The line of values that nobody has yet is two lists, each in the order of arrival: `#buffer` (their sends are fulfilled) and
 * `#waiting` (their sends are not). An offered value is in neither, and returns to its place.
 *
 * Invariants:
 * - No value in the line and no waiter at the channel could meet: whoever arrives second is matched at once. (Cases of a select that
 *   is being decided take part in nothing; they look again when it opens.)
 * - Fulfilled values that nobody has taken, offered ones included, are at most `capacity`.
 * - Receivers see the end only when the line is empty and no offer is open: an open offer may still come back.
 */
import type { ChannelOptions } from "../contract.js";
import { NetchanError, type Outcome, withOutcome } from "../errors.js";
import type { Gather } from "./gather.js";
import { type Claim, Item } from "./item.js";
import { Linked, List } from "./list.js";
import type { Sender } from "./operations.js";
import type { Selection } from "./selection.js";
import { type Ending, type Offered, type Parcel, ReceiveWaiter, type Source } from "./waiter.js";

/** Takes every value and keeps none. */
class Swallower extends ReceiveWaiter {
  override get more(): boolean {
    return true;
  }
  accept(offered: Offered): void {
    offered.parcel?.discard();
    offered.taken();
  }
  finish(): void {}
  orphaned(): boolean {
    return false;
  }
}

/** Offers a value to the first of those who wait that may have it. @returns whether there was one. */
export function offerTo(waiters: List<ReceiveWaiter>, home: Home, item: Item): boolean {
  for (let waiter = waiters.head; waiter !== undefined; waiter = waiter.next as ReceiveWaiter | undefined) {
    if (item.absent) {
      item.sender.fetch?.();
      return false;
    }
    if (waiter.skips(item)) continue;
    if (item.ungranted) {
      if (waiter.selection?.state !== "locked") home.claim(item);
      continue;
    }
    if (!item.willing(waiter.selection)) continue;
    home.give(item, waiter);
    if (waiter.more && waiter.list === undefined) waiters.push(waiter);
    return true;
  }
  return false;
}

/** Told when a channel that lives here takes no more values. */
export interface SendWatcher {
  sendEnded(ending: Ending): void;
}

export class Home extends Linked implements Source {
  readonly remote = undefined;
  readonly capacity: number;
  readonly whenFull: "wait" | "drop-oldest" | "drop-newest";
  readonly whenInDoubt: "reject" | "redeliver";
  readonly #buffer = new List<Item>();
  readonly #waiting = new List<Item>();
  readonly #receivers = new List<ReceiveWaiter>();
  #order = 0;
  #offered = 0;
  #offeredFulfilled = 0;
  #fulfilling = 0;
  /** How many values in line are still with their senders. */
  #absent = 0;
  /** How many values a drop policy has thrown away. */
  dropped = 0;
  #closing: { readonly ending: Ending } | undefined;
  #refusing = false;
  #refusalLoss: NetchanError | undefined;
  /** Why nobody is left to talk to at the moment: the last other holder was lost while this process had never used its own end. */
  #orphan: { senders?: NetchanError | undefined; receivers?: NetchanError | undefined } = {};
  #gather: Gather | undefined;
  /** The case of a select elsewhere that has been asked for a grant. */
  #claiming: Item | undefined;
  readonly watchers = new Set<SendWatcher>();
  /** Told of a value that was fulfilled and that nobody will have, or whose receiver is gone without a word. */
  onUndelivered: ((item: Item, outcome: Outcome) => void) | undefined;
  /** Told when the channel can give no more values. */
  onDrained: (() => void) | undefined;

  constructor(options: Required<Pick<ChannelOptions, "capacity">> & Omit<ChannelOptions, "capacity">) {
    super();
    this.capacity = options.capacity;
    this.whenFull = options.whenFull ?? "wait";
    this.whenInDoubt = options.whenInDoubt ?? "reject";
  }

  get buffered(): number {
    return this.#buffer.size + this.#offeredFulfilled;
  }
  /** No more values may be sent. */
  get closed(): boolean {
    return this.#closing !== undefined || this.#refusing;
  }
  /** How it ends for receivers, once it does. */
  get ending(): Ending {
    return this.#refusing ? undefined : this.#closing?.ending;
  }
  /** No more values will come. */
  get drained(): boolean {
    return (this.#closing !== undefined && this.#offered === 0 && this.#buffer.size === 0 && this.#waiting.size === 0) || this.#refusing;
  }
  /** Is there a value that a waiter could have now? */
  get ready(): boolean {
    return this.#buffer.size > 0 || this.#waiting.size > 0;
  }
  /** Is somebody waiting? */
  get wanted(): boolean {
    return this.#receivers.size > 0;
  }
  /** The merged queue that takes what nobody takes here. */
  set gather(gather: Gather) {
    this.#gather = gather;
    if (this.ready) gather.ready(this);
  }

  /** Why a send would fail now, if it would. */
  refusal(): NetchanError | undefined {
    if (this.#refusalLoss !== undefined) return withOutcome(this.#refusalLoss, "not-sent");
    if (this.#refusing) return new NetchanError("CHANNEL_CLOSED", "nobody receives from this channel any more", { outcome: "not-sent" });
    if (this.#closing !== undefined) return new NetchanError("CHANNEL_CLOSED", "the channel is closed", { cause: this.#closing.ending?.cause, outcome: "not-sent" });
    return this.#orphan.receivers === undefined ? undefined : withOutcome(this.#orphan.receivers, "not-sent");
  }

  // ── senders ──

  /** Queues a value for a sender. The caller has asked `refusal` first. */
  submit(value: unknown, parcel: Parcel | undefined, sender: Sender, { selection, claim, absent = false }: { readonly selection?: Selection; readonly claim?: Claim; readonly absent?: boolean } = {}): Item {
    const item = new Item(this, ++this.#order, value, parcel, sender, selection);
    item.absent = absent;
    if (absent) this.#absent++;
    item.claim = claim;
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
    this.#setPresent(item);
    this.#waiting.remove(item);
    this.#place(item);
    this.#matchAll();
    this.#advance();
  }
  #setPresent(item: Item): void {
    if (item.absent) this.#absent--;
    item.absent = false;
  }
  /** Serves those who wait, oldest values first, until nothing more can move. */
  #matchAll(): void {
    for (let waiter = this.#receivers.head; waiter !== undefined; ) {
      const item = this.peek(waiter);
      const next = waiter.next as ReceiveWaiter | undefined;
      if (item !== undefined) {
        this.give(item, waiter);
        if (waiter.more && waiter.list === undefined) this.#receivers.push(waiter);
        waiter = this.#receivers.head; // much may have changed
      } else waiter = next;
    }
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
      this.#drop(item);
      withdrawn();
      if (absent) this.#matchAll();
      this.#advance();
    }
  }

  /** A select case looks again: its select has opened. */
  retry(item: Item): void {
    if (item.state !== "queued" || item.fulfilled || item.list === undefined) return;
    this.#waiting.remove(item);
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
    for (let waiter = waiters.head; waiter !== undefined && this.#claiming === undefined; waiter = waiter.next as ReceiveWaiter | undefined) this.peek(waiter);
  }

  /** A select that waits here, is being decided, and has a higher id than that. */
  deciding(id: string): Selection | undefined {
    for (let waiter = this.#receivers.head; waiter !== undefined; waiter = waiter.next as ReceiveWaiter | undefined) {
      const { selection } = waiter;
      if (selection?.state === "locked" && selection.id > id) return selection;
    }
    return undefined;
  }

  #hasRoom(): boolean {
    return this.whenFull !== "wait" || this.#buffer.size + this.#offeredFulfilled + this.#fulfilling < this.capacity;
  }

  /** Finds a place for a value that is in no list: fulfilled if there is room, with a waiter if there is one. */
  #place(item: Item): void {
    if (!item.absent && !item.fulfilled && this.#hasRoom() && this.capacity > 0) {
      if (item.ungranted) this.claim(item);
      else if (item.willing(undefined)) this.#fulfil(item);
    }
    if (item.state === "gone") return; // fulfilling a select case may have reached back here
    if (this.#absent === 0) {
      if (this.#offerToWaiter(item)) return;
    } // else it may be behind a value that is on its way, and has to wait with those who wait for that one
    if (item.fulfilled) this.#store(item);
    else this.#insert(this.#waiting, item);
    if (item.absent && this.capacity > 0 && this.#hasRoom()) item.sender.fetch?.();
    this.#gather?.ready(this);
    if (this.#absent > 0) this.#matchAll();
  }

  #fulfil(item: Item): void {
    item.fulfilled = true;
    this.#fulfilling++; // it is in no list yet, and telling its sender may reach back here
    item.sender.sent();
    this.#fulfilling--;
  }

  #store(item: Item): void {
    if (this.whenFull !== "wait" && this.#buffer.size >= this.capacity) {
      const victim = this.whenFull === "drop-newest" ? item : ((this.#buffer.head as Item).order < item.order ? (this.#buffer.head as Item) : item);
      this.dropped++;
      this.#drop(victim);
      if (victim === item) return;
    }
    this.#insert(this.#buffer, item);
  }

  /** In the order of arrival. What returns is older than nearly all others, what is new is younger than all: both ends are near. */
  #insert(list: List<Item>, item: Item): void {
    item.state = "queued";
    const tail = list.tail;
    if (tail === undefined || tail.order < item.order) {
      list.push(item);
      return;
    }
    let place: Item | undefined;
    for (let next = list.head; next !== undefined && next.order < item.order; next = next.next as Item | undefined) place = next;
    list.insertAfter(item, place);
  }

  #drop(item: Item): void {
    item.state = "gone";
    this.#setPresent(item);
    (item.list as List<Linked> | undefined)?.remove(item);
    item.parcel?.discard();
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
    } else if (this.#orphan.senders !== undefined && waiter.orphaned(this.#orphan.senders)) this.leave(waiter);
    else if (waiter.list === undefined) this.#receivers.push(waiter);
  }

  leave(waiter: ReceiveWaiter): void {
    this.#receivers.remove(waiter);
  }

  /** The first value of the line that `waiter` could have. A value that is still with its sender is sent for, and holds the line. */
  peek(waiter: ReceiveWaiter): Item | undefined {
    let buffered = this.#buffer.head;
    let waiting = this.#waiting.head;
    let asked: Item | undefined;
    while (buffered !== undefined || waiting !== undefined) {
      let item: Item;
      if (waiting === undefined || (buffered !== undefined && buffered.order < waiting.order)) {
        item = buffered as Item;
        buffered = item.next as Item | undefined;
      } else {
        item = waiting;
        waiting = item.next as Item | undefined;
      }
      if (item.absent) {
        item.sender.fetch?.();
        return undefined;
      }
      if (waiter.skips(item)) continue;
      if (item.willing(waiter.selection)) return item;
      if (item.ungranted) asked ??= item;
    }
    // Only when nothing else would do: a select that is bound to this waiter's process by a claim could not take what it is offered.
    if (asked !== undefined && waiter.selection?.state !== "locked") this.claim(asked);
    return undefined;
  }

  /** Reserves a value for a waiter. One that wants more is put back in its list by the caller. */
  give(item: Item, waiter: ReceiveWaiter): void {
    (item.list as List<Linked> | undefined)?.remove(item);
    (waiter.list as List<Linked> | undefined)?.remove(waiter);
    item.state = "offered";
    this.#offered++;
    if (item.fulfilled) {
      if (this.whenFull === "wait") this.#offeredFulfilled++;
    } else item.selection?.lock(item);
    waiter.accept(item);
  }

  #offerToWaiter(item: Item): boolean {
    return offerTo(this.#receivers, this, item) || (this.#gather?.offer(this, item) ?? false);
  }

  // ── verdicts ──

  itemTaken(item: Item): void {
    this.#leaveOffer(item);
    if (!item.fulfilled) item.sender.sent();
    this.#advance();
  }

  itemReturned(item: Item): void {
    this.#leaveOffer(item);
    const withdrawn = item.withdrawn;
    if (withdrawn !== undefined && !item.fulfilled) {
      this.#drop(item);
      item.selection?.unlock();
      withdrawn();
    } else if (this.#refusing || (this.#closing !== undefined && item.conditional)) {
      this.#fail(item, this.refusal() as NetchanError);
    } else if (item.selection !== undefined && !item.fulfilled) {
      this.#insert(this.#waiting, item);
      item.selection.unlock(); // its cases look again, this one among them
    } else {
      item.state = "queued";
      this.#place(item);
      if (item.claim !== undefined && item.list !== undefined && !item.fulfilled) item.claim.release();
    }
    this.#advance();
  }

  itemRefused(item: Item, error: NetchanError): void {
    this.#leaveOffer(item);
    this.#fail(item, error);
    this.#advance();
  }

  itemDoubtful(item: Item, error: NetchanError): void {
    if (this.whenInDoubt === "redeliver") {
      this.itemReturned(item);
      return;
    }
    this.#leaveOffer(item);
    if (item.fulfilled) this.onUndelivered?.(item, "unknown");
    this.#fail(item, new NetchanError("RECEIVER_LOST", "the receiver was lost before it said whether it had the value", { cause: error, outcome: "unknown" }));
    this.#advance();
  }

  #leaveOffer(item: Item): void {
    item.state = "gone";
    this.#offered--;
    if (item.fulfilled && this.whenFull === "wait") this.#offeredFulfilled--;
  }

  #fail(item: Item, error: NetchanError): void {
    this.#drop(item);
    if (item.fulfilled) return;
    item.sender.failed(error);
  }

  /** Something left the channel: fulfils what has room now, and shows the end when it has come. */
  #advance(): void {
    while (this.capacity > 0 && this.#waiting.size > 0 && this.#hasRoom()) {
      const item = this.#firstWilling();
      if (item === undefined) break;
      if (item.absent) {
        item.sender.fetch?.();
        break;
      }
      this.#waiting.remove(item);
      this.#fulfil(item);
      if (!this.#offerToWaiter(item)) this.#store(item);
    }
    if (this.drained) this.#finish();
  }

  #firstWilling(): Item | undefined {
    let item = this.#waiting.head;
    while (item !== undefined && !item.willing(undefined)) {
      if (item.ungranted) this.claim(item);
      item = item.next as Item | undefined;
    }
    return item;
  }

  // ── the end ──

  /** No more values after those in line. */
  close(ending: Ending): void {
    if (this.#closing !== undefined || this.#refusing) return;
    this.#closing = { ending };
    for (const item of this.#snapshot(this.#waiting)) {
      // A case of a select is no send yet, and will not become one.
      if (item.conditional && item.state === "queued") this.#fail(item, this.refusal() as NetchanError);
    }
    for (const watcher of [...this.watchers]) watcher.sendEnded(ending);
    if (this.drained) this.#finish();
  }

  /** Nobody receives any more: what waits fails, what is buffered is dropped. `loss` is why, when it is not that they closed. */
  refuse(loss?: NetchanError): void {
    if (this.#refusing) return;
    this.#refusing = true;
    this.#refusalLoss = loss;
    const refusal = this.refusal() as NetchanError;
    for (const item of this.#snapshot(this.#buffer)) {
      this.onUndelivered?.(item, "not-sent");
      this.#drop(item);
    }
    for (const item of this.#snapshot(this.#waiting)) if (item.list !== undefined) this.#fail(item, refusal);
    for (const watcher of [...this.watchers]) watcher.sendEnded(undefined);
    this.#finish();
  }

  /** Nobody wants the values any more, yet their senders must not fail for it: all that wait and all that come are fulfilled and dropped. */
  swallow(): void {
    this.join(new Swallower());
  }

  /** The last other sender is gone while this process, which still could send, never has: those who wait are told. */
  orphanReceivers(error: NetchanError | undefined): void {
    this.#orphan.senders = error;
    if (error === undefined) return;
    for (const waiter of this.#snapshot(this.#receivers)) if (waiter.list !== undefined && waiter.orphaned(error)) this.leave(waiter);
  }

  /** The same for senders, when the last other receiver is gone. */
  orphanSenders(error: NetchanError | undefined): void {
    this.#orphan.receivers = error;
    if (error === undefined) return;
    for (const item of this.#snapshot(this.#waiting)) if (item.list !== undefined) this.#fail(item, withOutcome(error, "not-sent"));
  }

  #snapshot<T extends Linked>(list: List<T>): T[] {
    const all: T[] = [];
    for (let element = list.head; element !== undefined; element = element.next as T | undefined) all.push(element);
    return all;
  }

  #finish(): void {
    const { ending } = this;
    for (let waiter = this.#receivers.shift(); waiter !== undefined; waiter = this.#receivers.shift()) waiter.finish(ending);
    const onDrained = this.onDrained;
    this.onDrained = undefined;
    onDrained?.();
  }
}
