/**
 * The values of a channel that nobody has yet. Layer: core.
 * Two lists, each in the order of arrival: `buffer` (their sends are fulfilled) and `waiting` (their sends are not). A value that was
 * offered is in neither, and returns to its place. Invariant: `absent` counts the waiting values that are still with their senders.
 */
import type { Item } from "./item.js";
import { List } from "./list.js";

export class Line {
  readonly buffer = new List<Item>();
  readonly waiting = new List<Item>();
  absent = 0;

  /** How many a drop policy threw away. */
  dropped = 0;

  constructor(
    readonly capacity: number,
    readonly whenFull: "wait" | "drop-oldest" | "drop-newest",
  ) {}
  /** Sends wait for those before them, rather than never. */
  get #patient(): boolean {
    return this.whenFull === "wait";
  }

  get empty(): boolean {
    return this.buffer.size === 0 && this.waiting.size === 0;
  }

  /** In the order of arrival. What returns is older than nearly all others, what is new is younger than all: both ends are near. */
  insert(item: Item): void {
    const list = item.fulfilled ? this.buffer : this.waiting;
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

  /** Takes it out of whichever list it is in. */
  take(item: Item): void {
    if (!this.waiting.remove(item)) this.buffer.remove(item);
  }

  /** Nobody will have it. */
  drop(item: Item): void {
    item.state = "gone";
    this.present(item);
    this.take(item);
    item.parcel?.discard();
    item.letGo();
  }

  /** Absent values that were sent for. */
  wanted = 0;
  want(item: Item): void {
    if (!item.wanted) this.wanted++;
    item.wanted = true;
    item.sender.fetch?.();
  }

  announce(item: Item): void {
    item.absent = true;
    this.absent++;
  }
  /** It is with its sender no longer. */
  present(item: Item): void {
    if (item.absent) this.absent--;
    if (item.wanted) this.wanted--;
    item.absent = item.wanted = false;
  }

  /** Has its send to wait, because an older value is still with its sender? */
  heldBack(item: Item): boolean {
    let absent = this.#patient && this.absent > 0 ? this.waiting.head : undefined;
    while (absent?.absent === false) absent = absent.next as Item | undefined;
    return absent !== undefined && absent.order < item.order;
  }
  /** The oldest value. */
  first(): Item | undefined {
    const [buffered, waiting] = [this.buffer.head, this.waiting.head];
    if (buffered === undefined || waiting === undefined) return buffered ?? waiting;
    return buffered.order < waiting.order ? buffered : waiting;
  }
  /** The next older one behind `item`, which is in line. */
  after(item: Item): Item | undefined {
    const mine = item.next as Item | undefined;
    const others = item.fulfilled ? this.waiting : this.buffer;
    let other = others.tail !== undefined && others.tail.order > item.order ? others.head : undefined; // most often all are older
    while (other !== undefined && other.order < item.order) other = other.next as Item | undefined;
    if (mine === undefined || other === undefined) return mine ?? other;
    return mine.order < other.order ? mine : other;
  }

  /** Puts a fulfilled value in the buffer, where a drop policy makes room. */
  store(item: Item): void {
    if (!this.#patient && this.buffer.size >= this.capacity) {
      const oldest = this.buffer.head;
      const victim = this.whenFull === "drop-newest" || oldest === undefined || oldest.order > item.order ? item : oldest;
      this.dropped++;
      this.drop(victim);
      if (victim === item) return;
    }
    this.insert(item);
  }
  /** Drops the oldest one of the buffer. @returns whether there was one */
  shed(): boolean {
    const oldest = this.buffer.head;
    if (oldest === undefined) return false;
    this.dropped++;
    this.drop(oldest);
    return true;
  }
}
