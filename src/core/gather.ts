/**
 * One place to receive from many channels, for a listener's merged `receive`. Layer: core.
 * It holds no values: a channel that has some, and no waiter of its own, stands in a ring and is served in turn.
 * Invariant: each step is O(1), however many channels there are; a channel stands in the ring at most once.
 */
import type { Gathering } from "./gathering.js";
import type { Home } from "./home.js";
import type { Item } from "./item.js";
import { List } from "./list.js";
import type { Selection } from "./selection.js";
import { decidingAbove, offerTo, serveAll } from "./serving.js";
import type { ReceiveWaiter, Source } from "./waiter.js";

export class Gather implements Source, Gathering<Home> {
  readonly remote = undefined;
  readonly #receivers = new List<ReceiveWaiter>();
  readonly #ring = new List<Home>();
  closed = false;

  ready(home: Home): void {
    if (home.list === undefined && home.ready) this.#ring.push(home);
  }

  offer(home: Home, item: Item): boolean {
    return offerTo(this.#receivers, home, item);
  }

  serve(home: Home): void {
    serveAll(this.#receivers, home);
  }

  deciding(id: string): Selection | undefined {
    return decidingAbove(this.#receivers, id);
  }

  askFor(home: Home): void {
    home.askFor(this.#receivers);
  }

  join(waiter: ReceiveWaiter): void {
    for (let tries = this.#ring.size; tries > 0; tries--) {
      const home = this.#ring.shift();
      if (home === undefined) break;
      const item = home.peek(waiter);
      if (item !== undefined) {
        home.give(item, waiter);
        tries++; // something moved: the round starts anew
      }
      this.ready(home);
      if (item !== undefined && !waiter.more) return;
    }
    if (this.closed) {
      this.leave(waiter);
      waiter.finish(undefined);
    } else if (waiter.list === undefined) this.#receivers.push(waiter);
  }

  leave(waiter: ReceiveWaiter): void {
    this.#receivers.remove(waiter);
  }

  remove(home: Home): void {
    this.#ring.remove(home);
  }

  get buffered(): number {
    let sum = 0;
    for (let home = this.#ring.head; home !== undefined; home = home.next as Home | undefined) sum += home.buffered;
    return sum;
  }

  /** No more channels: those who wait see `done`. */
  close(): void {
    this.closed = true;
    for (let waiter = this.#receivers.shift(); waiter !== undefined; waiter = this.#receivers.shift()) waiter.finish(undefined);
  }
}
