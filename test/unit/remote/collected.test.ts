/**
 * Ends that the application has dropped without a word: the garbage collector's hint gives them back, and never while something of theirs
 * is going on. The collector is one of the test's own, which says when.
 */
import SuperJSON from "superjson";
import { describe, expect, it } from "vitest";
import { chan } from "../../../src/core/channel.js";
import { endOf, portOf } from "../../../src/core/end.js";
import { dial, merge, type Peer, type ReceiveChannel, type SendChannel } from "../../../src/node.js";
import type { SessionPeer } from "../../../src/peer.js";
import { type MemoryNetwork, memoryNetwork } from "../../../src/testing.js";

/** Remembers who is to be told, and forgets an end when the test says so. */
class Collector {
  readonly #kept = new Map<object, { gone: () => void; collected: boolean }>();
  weakly<T extends object>(thing: T, gone: () => void): { deref(): T | undefined } {
    const entry = { gone, collected: false };
    this.#kept.set(thing, entry);
    return { deref: () => (entry.collected ? undefined : thing) };
  }
  collect(thing: object): void {
    const entry = this.#kept.get(thing);
    if (entry === undefined) throw new Error("nobody asked to be told of that end");
    entry.collected = true;
    entry.gone();
  }
}

/** An end of `owner`'s at `holder`, and what is seen of it from both. */
async function handedOver(options: { readonly superjson?: SuperJSON } = {}) {
  const network: MemoryNetwork = memoryNetwork();
  const listener = network.listen<unknown, unknown>(options);
  const dialing = dial<unknown, unknown>(network.address(listener.accept), options);
  await network.settle();
  const holder = await dialing;
  const owner = (await listener.peers()).value as Peer<unknown, unknown>;
  const collector = new Collector();
  Object.assign((holder as SessionPeer).exchange.host, { weakly: collector.weakly.bind(collector) });
  const hand = async <T>(end: T): Promise<T> => {
    void owner.send([end]);
    return ((await holder.receive()) as { readonly value: readonly [T] }).value[0];
  };
  return { network, holder, owner, collector, hand };
}

const unreached = { by: "application", holder: "here" } as const;

describe("an end that the garbage collector has", () => {
  it("is given back, and its channel hears of it", async () => {
    const { network, holder, owner, collector, hand } = await handedOver();
    const { send, receive } = chan<number>();
    const [away, other] = [await hand(send), chan<number>()];
    const drained = await hand(other.receive);
    send[Symbol.dispose]();
    other.receive.close();
    expect(holder.stats().holds).toMatchObject([unreached, unreached]);
    collector.collect(away);
    collector.collect(drained);
    await network.settle();
    expect(await receive()).toEqual({ done: true, value: undefined });
    await expect(other.send(1)).rejects.toMatchObject({ code: "CHANNEL_CLOSED" });
    expect([holder.stats().holds, owner.stats().holds]).toEqual([[], []]);
  });

  it("is kept by a receive whose value cannot be read: it waits for the next", async () => {
    class Tea {}
    let reads = 0;
    const superjson = new SuperJSON();
    superjson.registerCustom<Tea, string>(
      {
        isApplicable: (value): value is Tea => value instanceof Tea,
        serialize: () => "tea",
        deserialize: () => {
          if (++reads === 2) throw new Error("spilt"); // the first time it is only checked
          return new Tea();
        },
      },
      "tea",
    );
    const { network, collector, hand } = await handedOver({ superjson });
    const { send, receive } = chan<unknown>();
    const away = await hand(receive);
    const got = away();
    collector.collect(away);
    const spilt = send(new Tea()).catch(({ code }) => code as unknown);
    await network.settle();
    expect(await spilt).toBe("DECODE_FAILED");
    void send("water");
    await network.settle();
    expect(await got).toEqual({ done: false, value: "water" });
  });

  it("is kept while a receive waits at it, and given back when that is over", async () => {
    const { network, holder, collector, hand } = await handedOver();
    const { send, receive } = chan<number>();
    const away = await hand(receive);
    const got = away();
    collector.collect(away);
    await network.settle();
    expect(holder.stats()).toMatchObject({ receives: 1, holds: [unreached] });
    await send(7);
    expect(await got).toMatchObject({ value: 7 });
    await network.settle();
    expect(holder.stats().holds).toEqual([]);
  });

  it("is kept while a send waits at it", async () => {
    const { network, holder, collector, hand } = await handedOver();
    const { send, receive } = chan<number>();
    const away = await hand(send);
    const sent = away(7);
    collector.collect(away);
    await network.settle();
    expect(holder.stats()).toMatchObject({ operations: { there: 1 }, holds: [{ ...unreached, open: 1 }] });
    expect(await receive()).toMatchObject({ value: 7 });
    await sent;
    await network.settle();
    expect(holder.stats().holds).toEqual([]);
  });

  it("is kept while a select waits with it, and given back when that is over", async () => {
    const { network, holder, collector, hand } = await handedOver();
    const { select } = await import("../../../src/node.js");
    const channels = [chan<number>(), chan<number>()] as const;
    const [one, two] = [await hand(channels[0].receive), await hand(channels[1].receive)];
    const selecting = select({ one, two });
    collector.collect(one);
    collector.collect(two);
    await network.settle();
    expect(holder.stats()).toMatchObject({ receives: 2, holds: [unreached, unreached] });
    await channels[1].send(7);
    expect(await selecting).toMatchObject({ case: "two", value: 7 });
    await network.settle();
    expect(holder.stats().holds).toEqual([]);
  });

  it("is kept when it came again meanwhile, as another function", async () => {
    const { network, holder, collector, hand } = await handedOver();
    const { send, receive } = chan<number>();
    const away = await hand(send);
    collector.collect(away);
    const again = await hand(send);
    expect(again).not.toBe(away);
    await network.settle();
    void again(1);
    expect(await receive()).toMatchObject({ value: 1 });
    expect(holder.stats().holds).toMatchObject([unreached]);
  });

  it("is kept while it is passed on to a third process", async () => {
    const { network, holder, collector, hand } = await handedOver();
    const far = memoryNetwork({ seed: 2 });
    const listener = far.listen<unknown, unknown>();
    const dialing = dial<unknown, unknown>(far.address(listener.accept));
    await far.settle();
    const third = await dialing;
    const middle = (await listener.peers()).value as Peer<unknown, unknown>;
    const { send, receive } = chan<number>();
    const away = await hand(send);
    void middle.send([away]);
    const atThird = ((await third.receive()) as { readonly value: readonly [SendChannel<number>] }).value[0];
    collector.collect(away);
    await network.settle();
    void atThird(7);
    expect(await receive()).toMatchObject({ value: 7 });
    expect(holder.stats().holds).toMatchObject([{ by: "relay" }, { by: "relay" }]);
    atThird[Symbol.dispose]();
    await far.settle();
    await network.settle();
    expect(holder.stats().holds).toEqual([]);
  });

  it("is never one of the default pair", async () => {
    const { network, holder, owner, collector } = await handedOver();
    const port = portOf(holder.send);
    if (port === undefined) throw new Error("not an end");
    expect(endOf(port)).toBe(holder.send);
    expect(() => collector.collect(holder.send)).toThrow("nobody asked");
    void holder.send(1);
    await network.settle();
    expect(await owner.receive()).toMatchObject({ value: 1 });
  });

  it("is in use as long as a loop or a merged view goes over it", async () => {
    const { hand } = await handedOver();
    const { receive } = chan<number>();
    const away: ReceiveChannel<number> = await hand(receive);
    const kept = (holder: object, depth = 0): boolean =>
      depth < 4 &&
      Object.values(holder).some((one: unknown) => one === away || (typeof one === "object" && one !== null && kept(one, depth + 1)));
    expect(kept({ port: portOf(merge(away, chan<number>().receive)) })).toBe(true);
  });
});
