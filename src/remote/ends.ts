/**
 * The two tables of one session: the ends the other side holds here, and the ends this side holds there. Layer: remote.
 *
 * Who may name an end: ids are given out by either side (the dialer's are odd, the listener's even) and mean something in this session
 * only. A frame about an end that was let go meanwhile is dropped; one about an id that was never given out is a violation.
 * Source: PROTOCOL.md "Ends".
 */
import type { HomeSend } from "../core/channel.js";
import type { Port, ReceivePort, SendPort } from "../core/end.js";
import type { Buffer } from "../core/topic.js";
import type { Source } from "../core/waiter.js";
import { NetchanError } from "../errors.js";
import { mostNameCharacters } from "../limits.js";
import type { Posted } from "../session/outbox.js";
import type { EndRef, HomeFrame } from "../wire/frame.js";
import type { Asks, Context, EndUser, NamedUser } from "./context.js";
import { deadPort, homeFor } from "./gone.js";
import { Ids } from "./ids.js";
import { type Permit, Permits, type Published, unknownName } from "./permit.js";
import { Rate } from "./rate.js";
import { Relay } from "./relay.js";
import { RelayReceive } from "./relay-receive.js";
import { RelaySend } from "./relay-send.js";
import { RemoteEnd } from "./remote-end.js";
import { RemoteReceive } from "./remote-receive.js";
import { RemoteSend } from "./remote-send.js";
import type { Served } from "./served.js";
import { ServedReceive } from "./served-receive.js";
import { ServedSend } from "./served-send.js";
import { ServedSubscription } from "./served-subscription.js";
import { RemoteSubscription, subscribed } from "./subscription.js";

const isPolicy = (text: string): text is Buffer["whenFull"] => text === "wait" || text === "drop-oldest" || text === "drop-newest";

function opening(name: string, use: "send" | "receive" | "publish"): Asks {
  return { key: `${use} ${name}`, frame: (id) => `"open",${id},${JSON.stringify(name)},"${use}"` };
}

export class Ends {
  readonly served = new Map<number, Served>();
  readonly remotes = new Map<number, EndUser>();
  readonly #servedByPort = new Map<Port, Served>();
  /** Served ends whose id the other side has not been told yet. */
  readonly #fresh: Served[] = [];
  /** For each published end of the other side that is open here, the latest user. */
  readonly #named = new Map<string, NamedUser>();
  readonly permits: Permits;
  readonly #opens: Rate;
  #subscriptions = 0;
  readonly #ids: Ids;
  /** The served ends that a frame refers to, once for each reference. */
  readonly #carried = new WeakMap<Posted, readonly Served[]>();

  constructor(
    readonly exchange: Context,
    dialer: boolean,
    published: Published | undefined,
  ) {
    this.#ids = new Ids(dialer);
    this.permits = new Permits(exchange, published);
    this.#opens = new Rate(exchange.host.clock, exchange.limits.maxOpensPerSecond);
  }

  // ── what the other side holds here ──

  /** How an end is written in a value for the other side. Counts the reference. */
  reference(port: Port): EndRef {
    if (port instanceof RemoteEnd && port.exchange === this.exchange && port.known) return [1, port.id];
    const served = this.#servedByPort.get(port) ?? this.serve(port, this.#ids.next());
    served.count++;
    const elsewhere = served instanceof Relay;
    const kind = port.kind === "send" ? (elsewhere ? 2 : 0) : elsewhere ? 3 : 1;
    return [0, served.id, kind, port.capacity];
  }
  /** Would the other side have to be given another end, to be told of that one? */
  isNew(port: Port): boolean {
    return !this.#servedByPort.has(port) && !(port instanceof RemoteEnd && port.exchange === this.exchange && port.known);
  }
  /** The references of a value have been posted with this frame. */
  posted(frame: Posted, refs: readonly EndRef[]): void {
    const served = refs.flatMap((ref) => (ref[0] === 0 ? [this.servedAt(ref[1])] : []));
    if (served.length > 0) this.#carried.set(frame, served);
    this.introduce(frame);
  }

  /**
   * Takes back a frame that no link has carried: the references in it do not count.
   * @param recall - takes the frame back, and those about ends that the other side will then never hear of
   * @returns whether it could be done: not when another frame that waits builds on what this one introduces
   */
  unpost(frame: Posted, recall: (unheardOf: readonly number[]) => boolean): boolean {
    const counts = new Map<Served, number>();
    for (const served of this.#carried.get(frame) ?? []) counts.set(served, (counts.get(served) ?? 0) + 1);
    for (const [served, count] of counts) if (served.introduction === frame && served.count > count) return false;
    const unheardOf = [...counts.keys()].filter((served) => served.introduction === frame).map(({ id }) => id);
    if (!recall(unheardOf)) return false;
    for (const [served, count] of counts) {
      served.count -= count;
      if (served.count > 0) continue;
      if (served.introduction !== frame) this.exchange.post(`"released",${served.id}`);
      this.remove(served, undefined);
    }
    return true;
  }

  /** Lets the other side use an end under an id. */
  serve(port: Port, id: number, sources?: readonly Source[]): Served {
    const served = this.#makeServed(port, id, sources);
    served.key = port;
    this.served.set(id, served);
    if (!this.#servedByPort.has(port)) this.#servedByPort.set(port, served);
    this.#fresh.push(served);
    return served;
  }
  #makeServed(port: Port, id: number, sources: readonly Source[] | undefined): Served {
    const { exchange } = this;
    if (port instanceof RemoteSend || port instanceof RemoteReceive) {
      if (port.known && port.exchange !== exchange && port.exchange.room > 0)
        return new (port.kind === "send" ? RelaySend : RelayReceive)(exchange, id, port);
      return port.kind === "send"
        ? new ServedSend(exchange, id, homeFor(port).send)
        : new ServedReceive(exchange, id, homeFor(port).receive);
    }
    if (port.kind === "receive") return new ServedReceive(exchange, id, port, sources ?? port.sources, sources !== undefined);
    return new ServedSend(exchange, id, port as HomeSend);
  }
  /** The listener's default pair: a receive end with its peer's own queue first and the merged queue behind it. */
  servePair(port: Port, id: number, sources: readonly Source[] | undefined): void {
    const served = this.#makeServed(port, id, sources);
    served.count = 1;
    if (served instanceof ServedSend) served.reports = port.capacity > 0;
    this.served.set(id, served);
    this.#servedByPort.set(port, served);
    this.#fresh.push(served);
  }
  /** The frame that names new ends has been sent: now their state may follow. */
  introduce(frame?: Posted): void {
    for (let served = this.#fresh.shift(); served !== undefined; served = this.#fresh.shift()) {
      served.introduction = frame;
      served.introduced();
    }
  }

  servedAt(id: number): Served {
    return this.served.get(id) ?? this.exchange.violated(`a frame about end ${id}, which the other side does not hold`);
  }
  released(id: number, count: number): void {
    const served = this.servedAt(id);
    if (count === 0 || count > served.count)
      this.exchange.violated(`a release of ${count} references to end ${id}, of which there are ${served.count}`);
    served.count -= count;
    if (served.count > 0) return;
    this.exchange.post(`"released",${id}`);
    this.remove(served, undefined);
  }
  remove(served: Served, loss: NetchanError | undefined, graceful = loss === undefined): void {
    this.served.delete(served.id);
    if (this.#servedByPort.get(served.key) === served) this.#servedByPort.delete(served.key);
    served.permit?.leave(served);
    if (served instanceof ServedSubscription) this.#subscriptions--;
    served.left(loss, graceful);
    this.exchange.idle();
  }
  /** The other side lost the process for which it held the end. */
  lost(id: number): void {
    this.remove(this.servedAt(id), new NetchanError("SESSION_LOST", "a session on the way was lost"));
  }
  /** The other side wants an end of its own at the home of one that it holds. */
  forked(id: number, own: number): void {
    const { port, sources, permit } = this.servedAt(id);
    this.#foreign(own);
    if (this.served.has(own) || this.served.size >= this.exchange.limits.maxChannels)
      this.exchange.violated("a fork that cannot be", "LIMIT_EXCEEDED");
    if (permit !== undefined) {
      const reachable = permit.refusal === undefined ? port : deadPort(permit.kind, permit.refusal);
      this.#serveNamed(permit, this.#makeServed(reachable, own, sources));
    } else {
      this.serve(port, own, sources).count = 1;
      this.introduce();
    }
  }

  // ── what the other side may name ──

  /** The other side wants an end of a published channel. */
  opened(id: number, name: string, kind: string): void {
    if (kind !== "send" && kind !== "receive" && kind !== "publish") this.exchange.violated("an end of no kind that can be opened");
    this.#admit(id);
    const permit = this.permits.of(name, kind);
    this.#serveNamed(permit, this.#makeServed(permit.port ?? deadPort(permit.kind, permit.refusal), id, undefined), id);
  }
  /** The other side wants a subscription to a topic. */
  subscribed(id: number, name: string, capacity: number, whenFull: string): void {
    const { exchange } = this;
    const policy = isPolicy(whenFull) ? whenFull : exchange.violated("a subscription of no known policy");
    if (capacity === 0 && policy !== "wait") exchange.violated("a subscription that drops all");
    this.#admit(id);
    const permit = this.permits.of(name, "subscribe");
    // The other side's buffer is what publishers wait for, if they do.
    const buffer = { capacity: policy === "wait" ? 0 : Math.min(capacity, exchange.limits.maxPendingOperations), whenFull: policy };
    const full = this.#subscriptions >= exchange.limits.maxSubscriptions ? tooManySubscriptions(exchange.limits) : undefined;
    const port = permit.refusal ?? full ?? this.permits.published?.subscribe(name, buffer, exchange.limits) ?? unknownName();
    const refused = port instanceof NetchanError;
    if (!refused) this.#subscriptions++;
    this.#serveNamed(
      permit,
      refused ? new ServedReceive(exchange, id, deadPort("receive", port)) : new ServedSubscription(exchange, id, port),
      id,
    );
  }
  #admit(id: number): void {
    const waitMs = this.#opens.take();
    if (waitMs > 0) this.exchange.slow(waitMs);
    this.#foreign(id);
    if (this.served.has(id) || this.served.size >= this.exchange.limits.maxChannels)
      this.exchange.violated("an end that cannot be opened", "LIMIT_EXCEEDED");
  }
  #serveNamed(permit: Permit, served: Served, opening?: number): void {
    served.count = 1;
    served.permit = permit;
    this.served.set(served.id, served);
    permit.join(served, opening);
  }
  /** What a reference to a served end means: of a channel that the other side may not use (yet), nothing. */
  #portOf({ port, permit }: Served): Port {
    return permit === undefined || permit.granted ? port : deadPort(permit.kind, permit.refusal);
  }

  // ── what this side holds there ──

  /** An end of the other side that stands in no value. */
  adopt(id: number, kind: "send" | "receive", capacity: number): RemoteSend | RemoteReceive {
    const remote = kind === "send" ? new RemoteSend(this.exchange, id, capacity) : new RemoteReceive(this.exchange, id, capacity);
    remote.adopt();
    this.remotes.set(id, remote);
    return remote;
  }

  /**
   * The ends of a channel that the other side may have published. Always new ones, because it may have been closed and published anew;
   * nobody is asked before they are used.
   */
  named(name: string): { readonly send: SendPort; readonly receive: ReceivePort } {
    if (name.length > mostNameCharacters) return { send: deadPort("send", unknownName()), receive: deadPort("receive", unknownName()) };
    return {
      send: new RemoteSend(this.exchange, 0, 0, false, opening(name, "send")),
      receive: new RemoteReceive(this.exchange, 0, 0, false, opening(name, "receive")),
    };
  }
  publish(name: string): SendPort {
    if (name.length > mostNameCharacters) return deadPort("send", unknownName());
    return new RemoteSend(this.exchange, 0, 0, false, opening(name, "publish"));
  }
  subscribe(name: string, buffer: Buffer): ReceivePort {
    if (name.length > mostNameCharacters) return deadPort("receive", unknownName());
    return subscribed(new RemoteSubscription(this.exchange, name, buffer), buffer);
  }
  open(user: NamedUser): number {
    const id = this.#ids.next();
    const key = user.asks?.key;
    if (key !== undefined) {
      this.#named.get(key)?.supersede();
      this.#named.set(key, user);
    }
    this.remotes.set(id, user);
    if (user.asks !== undefined) this.exchange.post(user.asks.frame(id));
    return id;
  }
  unopen(user: NamedUser): void {
    const key = user.asks?.key;
    if (key !== undefined && this.#named.get(key) === user) this.#named.delete(key);
  }

  /** The session is over: nothing of the other side means anything any more. */
  forget(): void {
    this.remotes.clear();
    this.#named.clear();
  }
  get namedCount(): number {
    return this.#named.size;
  }

  fork(id: number, user: EndUser): number {
    const own = this.#ids.next();
    this.remotes.set(own, user);
    this.exchange.post(`"fork",${id},${own}`);
    return own;
  }
  unfork(id: number, loss: NetchanError | undefined): void {
    if (!this.remotes.delete(id)) return;
    this.exchange.post(loss === undefined ? `"release",${id},1` : `"lost",${id},${JSON.stringify(loss.code)}`);
  }

  /** The end that a reference of the other side means. Counts the reference. */
  port(ref: EndRef): Port {
    const { exchange } = this;
    if (ref[0] === 1)
      return this.#portOf(this.served.get(ref[1]) ?? exchange.violated(`a reference to end ${ref[1]}, which the other side does not hold`));
    const [, id, kind, capacity] = ref;
    const sends = kind % 2 === 0;
    let remote = this.remotes.get(id);
    if (remote === undefined) {
      this.#foreign(id);
      if (this.remotes.size >= exchange.limits.maxChannels)
        exchange.violated(`more than ${exchange.limits.maxChannels} channel ends`, "LIMIT_EXCEEDED");
      remote = new (sends ? RemoteSend : RemoteReceive)(exchange, id, capacity, kind > 1);
      this.remotes.set(id, remote);
    }
    if (
      !(remote instanceof RemoteSend || remote instanceof RemoteReceive) ||
      (remote.kind === "send") !== sends ||
      remote.elsewhere !== kind > 1
    )
      return exchange.violated(`end ${id} was introduced as another kind`);
    remote.counted();
    return remote;
  }
  #foreign(id: number): void {
    if (!this.#ids.foreign(id)) this.exchange.violated(`end ${id} is not the other side's to give out`);
  }

  /** @returns whether somebody here uses the end that the frame is about; else it was let go of meanwhile. */
  homeFrame(frame: HomeFrame): boolean {
    const id = frame.fields[0];
    const user = this.remotes.get(id);
    if (user === undefined && !this.#ids.known(id)) this.exchange.violated(`a frame about end ${id}, which was never given out`);
    user?.homeFrame(frame);
    return user !== undefined;
  }
}

function tooManySubscriptions({ maxSubscriptions }: { readonly maxSubscriptions: number }): NetchanError {
  return new NetchanError("LIMIT_EXCEEDED", `the session has ${maxSubscriptions} subscriptions, and may have no more`);
}
