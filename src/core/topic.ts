/**
 * One to many: what is published goes to every subscription there is when it arrives. Layer: core.
 *
 * The send end of a rendezvous channel is where values come in; nobody receives from it but the one who hands them on. Each subscription
 * is a channel with its own buffer, so that a slow subscriber holds up the publishers only if it is to. Source: design rule 15.
 */
import type { ChannelOptions } from "../contract.js";
import { channelOptions, HomeReceive, type HomeSend, homeChannel, type SendRules } from "./channel.js";
import { describe } from "./end.js";
import { Home } from "./home.js";
import type { Ending, Offered } from "./offered.js";
import type { Sender } from "./operations.js";
import { Shared } from "./shared.js";
import { ReceiveWaiter } from "./waiter.js";

export type Buffer = Required<Pick<ChannelOptions, "capacity" | "whenFull">>;

/** Of a subscription that does not say: enough for a burst. */
const defaultCapacity = 64;

/**
 * The buffer that a subscription asks for.
 * @throws TypeError, RangeError for options that are none
 */
export function subscriptionBuffer(options: ChannelOptions | undefined): Buffer {
  if (options !== undefined && (typeof options !== "object" || options === null))
    throw new TypeError(`Expected the options of a subscription to be an object, got ${describe(options)}`);
  const { capacity, whenFull = "drop-oldest" } = channelOptions({ capacity: defaultCapacity, whenFull: "drop-oldest", ...options });
  return { capacity, whenFull };
}

/** The receive end of a subscription: it counts what it missed. */
export class SubscriptionReceive extends HomeReceive {
  constructor(
    home: Home,
    readonly count: () => number,
  ) {
    super(home, false);
  }
  get missed(): number {
    return this.count();
  }
}

export class Subscription {
  readonly home: Home;
  readonly receive: SubscriptionReceive;
  #bytes = 0;
  #refused = 0;

  constructor(
    buffer: Buffer,
    /** It is for another process, and keeps no more bytes for it than that. */
    readonly mostBytes?: number,
  ) {
    this.home = new Home(buffer);
    this.receive = new SubscriptionReceive(this.home, () => this.missed);
  }
  get missed(): number {
    return this.home.dropped + this.#refused;
  }

  /** @param done - the subscriber has it, has it buffered, or is gone */
  give(shared: Shared, done: () => void): void {
    const { home } = this;
    if (home.closed) {
      done();
      return;
    }
    const bytes = this.mostBytes === undefined ? 0 : shared.content().bytes;
    if (home.whenFull !== "wait" && this.mostBytes !== undefined) {
      const room = this.mostBytes - bytes;
      if (home.whenFull === "drop-oldest") while (this.#bytes > room && home.shed());
      if (this.#bytes > room && this.#bytes > 0) {
        this.#refused++;
        done();
        return;
      }
    }
    this.#bytes += bytes;
    const left = (): void => {
      this.#bytes -= bytes;
    };
    const sender: Sender = { sent: done, failed: done, left };
    home.submit(undefined, shared.copy(), sender);
  }
}
export class TopicHome {
  readonly publish: HomeSend;
  readonly #subscriptions = new Set<Subscription>();
  readonly #inlet;

  constructor(
    rules: SendRules,
    /** @throws NetchanError `ENCODE_FAILED` */
    readonly encode: Shared["encode"],
  ) {
    this.#inlet = homeChannel({ capacity: 0 }, false, rules);
    this.publish = this.#inlet.send;
    this.#inlet.home.join(new Distributor(this));
  }
  /** The end of the inlet that nobody is given; it stands for the topic. */
  get key(): HomeReceive {
    return this.#inlet.receive;
  }
  get subscribers(): number {
    return this.#subscriptions.size;
  }
  get inlet(): Home {
    return this.#inlet.home;
  }

  subscribe(buffer: Buffer, mostBytes?: number): Subscription {
    const subscription = new Subscription(buffer, mostBytes);
    const { home } = subscription;
    if (this.inlet.drained) {
      home.close(this.inlet.ending);
      return subscription;
    }
    this.#subscriptions.add(subscription);
    home.watchers.add({ sendEnded: () => void this.#subscriptions.delete(subscription), sendMuted: () => undefined });
    return subscription;
  }
  distribute(offered: Offered): void {
    const present = [...this.#subscriptions];
    const shared = new Shared(offered.value, offered.parcel, this.encode);
    try {
      // Inside the call of whoever publishes, and before anybody has it: nobody gets what not all can get.
      if (present.some(({ mostBytes }) => mostBytes !== undefined)) shared.content();
    } catch (error) {
      offered.refused(error as Parameters<Offered["refused"]>[0]);
      return;
    }
    let missing = present.length + 1;
    const done = (): void => {
      if (--missing === 0) offered.taken();
    };
    for (const subscription of present) subscription.give(shared, done);
    shared.over();
    done();
  }
  end(ending: Ending): void {
    for (const { home } of [...this.#subscriptions]) home.close(ending);
  }
}

/** Waits at the inlet for ever. */
class Distributor extends ReceiveWaiter {
  constructor(readonly topic: TopicHome) {
    super();
  }
  override get more(): boolean {
    return true;
  }
  accept(offered: Offered): void {
    this.topic.distribute(offered);
  }
  finish(ending: Ending): void {
    this.topic.end(ending);
  }
  orphaned(): boolean {
    return false;
  }
}
