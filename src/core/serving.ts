/** Matching those who wait with what a channel has. Layer: core; shared by a channel and by the merged queue over many. */
import type { Item } from "./item.js";
import type { List } from "./list.js";
import type { Ending, Offered } from "./offered.js";
import type { Selection } from "./selection.js";
import { ReceiveWaiter } from "./waiter.js";

/** A channel, as the one who hands out its values. */
export interface Shelf {
  /** The first value of the line that `waiter` could have. */
  peek(waiter: ReceiveWaiter): Item | undefined;
  /** Reserves a value for a waiter. One that wants more is put back in its list by the caller. */
  give(item: Item, waiter: ReceiveWaiter): void;
  /** Asks the select that a case belongs to whether the match may be made. */
  claim(item: Item): void;
}

function giveFrom(shelf: Shelf, item: Item, waiter: ReceiveWaiter, waiters: List<ReceiveWaiter>): void {
  shelf.give(item, waiter);
  if (waiter.more && waiter.list === undefined) waiters.push(waiter);
}

/** Offers one value to the first of those who wait that may have it. @returns whether there was one. */
export function offerTo(waiters: List<ReceiveWaiter>, shelf: Shelf, item: Item): boolean {
  for (let waiter = waiters.head; waiter !== undefined; waiter = waiter.next as ReceiveWaiter | undefined) {
    if (item.absent) {
      item.sender.fetch?.();
      return false;
    }
    if (!(item.ungranted || item.willing(waiter.selection)) || waiter.skips(item)) continue;
    if (item.ungranted) {
      if (waiter.selection?.state !== "locked") shelf.claim(item);
    } else {
      giveFrom(shelf, item, waiter, waiters);
      return true;
    }
  }
  return false;
}

/** Serves those who wait, oldest values first, until nothing more can move. */
export function serveAll(waiters: List<ReceiveWaiter>, shelf: Shelf): void {
  for (let waiter = waiters.head; waiter !== undefined; ) {
    const item = shelf.peek(waiter);
    if (item === undefined) waiter = waiter.next as ReceiveWaiter | undefined;
    else {
      giveFrom(shelf, item, waiter, waiters);
      waiter = waiters.head; // much may have changed
    }
  }
}

/** The first select among those who wait that is being decided and has a higher id than that. */
export function decidingAbove(waiters: List<ReceiveWaiter>, id: string): Selection | undefined {
  for (let waiter = waiters.head; waiter !== undefined; waiter = waiter.next as ReceiveWaiter | undefined) {
    const { selection } = waiter;
    if (selection?.state === "locked" && selection.id > id) return selection;
  }
  return undefined;
}

/** Takes every value and keeps none: for channels nobody listens to any more, whose senders must not fail for it. */
export class Swallower extends ReceiveWaiter {
  override get more(): boolean {
    return true;
  }
  accept(offered: Offered): void {
    offered.parcel?.discard();
    offered.taken();
  }
  finish(_ending: Ending): void {}
  orphaned(): boolean {
    return false;
  }
}
