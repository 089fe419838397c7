/**
 * A subscription to a topic of the other side: what is offered goes into a buffer of this process at once, so that it is at hand when it
 * is received, and the drop policy sees all there is. Layer: remote.
 * Invariant: with "wait" no more is asked for than the buffer has room for. Source: PROTOCOL.md "Topics".
 */

import type { ReceivePort } from "../core/end.js";
import { Home } from "../core/home.js";
import type { Ending, Offered } from "../core/offered.js";
import { type Buffer, SubscriptionReceive } from "../core/topic.js";
import { ReceiveWaiter } from "../core/waiter.js";
import type { HomeFrame } from "../wire/frame.js";
import type { Context } from "./context.js";
import { RemoteReceive } from "./remote-receive.js";

/** So many values are asked for ahead, of a topic that drops what nobody has room for. */
const ahead = 64;

export class RemoteSubscription extends RemoteReceive {
  /** Of those that never left the publisher. */
  missed = 0;

  constructor(exchange: Context, name: string, { capacity, whenFull }: Buffer) {
    super(exchange, 0, 0, false, { frame: (id) => `"subscribe",${id},${JSON.stringify(name)},${capacity},"${whenFull}"` });
  }
  /** It takes effect before whatever this side does next. */
  begin(): void {
    if (this.loss === undefined && this.unopenable === undefined) void this.id;
  }
  override homeFrame(frame: HomeFrame): void {
    if (frame.type !== "missed") super.homeFrame(frame);
    else if (frame.fields[1] < this.missed) this.exchange.violated("fewer missed values than before");
    else this.missed = frame.fields[1];
  }
}

/** Asks for one value after the other. */
class Fetcher extends ReceiveWaiter {
  constructor(
    readonly remote: RemoteSubscription,
    readonly buffer: Home,
  ) {
    super();
  }
  override get more(): boolean {
    return this.buffer.whenFull !== "wait";
  }
  accept(offered: Offered): void {
    if (this.buffer.closed) {
      offered.parcel?.discard();
      offered.taken();
      return;
    }
    this.buffer.submit(undefined, offered.parcel, { sent: nothing, failed: nothing, left: () => this.#left() });
    offered.taken(); // last: the next offer may follow inside the call
  }
  #left(): void {
    if (!this.more && this.list === undefined) this.remote.join(this);
  }
  finish(ending: Ending): void {
    this.buffer.close(ending);
  }
  orphaned(): boolean {
    return false;
  }
}
const nothing = (): void => undefined;

/** The receive end that the application is given. */
export function subscribed(remote: RemoteSubscription, buffer: Buffer): ReceivePort {
  remote.begin();
  if (buffer.capacity === 0) return remote;
  const home = new Home(buffer);
  const most = Math.min(remote.exchange.mostDemand, buffer.whenFull === "wait" ? buffer.capacity : ahead);
  for (let count = most; count > 0; count--) remote.join(new Fetcher(remote, home));
  home.watchers.add({ sendEnded: () => remote.letGo(), sendMuted: nothing });
  return new SubscriptionReceive(home, () => home.dropped + remote.missed);
}
