/** What takes over when nobody waits at a channel itself: the seam between a channel and the merged queue over many. Layer: core. */
import type { Item } from "./item.js";
import type { Selection } from "./selection.js";

export interface Gathering<Channel> {
  /** The channel has values that nobody took … */
  ready(channel: Channel): void;
  /** … and has none any more, or is gone for good. */
  remove(channel: Channel): void;
  /** @returns whether somebody who waits there got the value. */
  offer(channel: Channel, item: Item): boolean;
  /** Those who wait there get what the channel has, oldest values first. */
  serve(channel: Channel): void;
  /** Looks for a waiter whom a case of a select elsewhere could serve. */
  askFor(channel: Channel): void;
  /** A select that waits there, is being decided, and has a higher id than that. */
  deciding(id: string): Selection | undefined;
}
