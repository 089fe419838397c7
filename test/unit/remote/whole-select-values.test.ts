/** A user's own type is read inside the library: what a select does when that fails, and what its code may do to the select meanwhile. */
import SuperJSON from "superjson";
import { describe, expect, it } from "vitest";
import { chan, dial, type Link, type Peer, type ReceiveChannel, select } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";

type Any = Peer<unknown, unknown>;

class Tea {
  constructor(readonly beside?: unknown) {}
}

/** Two peers; `reading` is called whenever tea is read by its receiver, not when it is only checked on arrival. */
async function served() {
  let reading: () => void = () => undefined;
  const tea = () => {
    let reads = 0;
    const instance = new SuperJSON();
    instance.registerCustom<Tea, string>(
      {
        isApplicable: (value): value is Tea => value instanceof Tea,
        serialize: () => "tea",
        deserialize: () => {
          if (++reads % 2 === 0) reading();
          return new Tea();
        },
      },
      "tea",
    );
    return instance;
  };
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>({ superjson: tea() });
  const sent: string[] = [];
  const address = network.address((link: Link) => {
    const received = (async function* () {
      for await (const batch of link.received) {
        for (const frame of JSON.parse(batch as string) as readonly (readonly unknown[])[])
          if (typeof frame[0] === "number") sent.push(String(frame[1]));
        yield batch;
      }
    })();
    const { transport } = link;
    listener.accept({ transport, send: (bytes) => link.send(bytes), close: (reason) => link.close(reason), received });
  });
  const dialing = dial<unknown, unknown>(address, { superjson: tea() });
  await network.settle();
  const user = (await dialing) as Any;
  const home = (await listener.peers()).value as Any;
  const [channel, other] = [chan<unknown>(), chan<unknown>()];
  void home.send([channel.receive, other.receive, channel.send]);
  const handed = (await user.receive()).value as readonly [ReceiveChannel<unknown>, ReceiveChannel<unknown>, typeof channel.send];
  const [far, idle, give] = handed;
  await network.settle();
  sent.length = 0;
  const onRead = (act: () => void): void => {
    reading = act;
  };
  return { network, user, home, channel, far, idle, give, sent, onRead };
}
const spilt = (): never => {
  throw new Error("spilt");
};

describe("a value that cannot be read when it is received", () => {
  it("leaves nothing behind: neither its bytes nor the ends in it", async () => {
    const { network, user, home, channel, give, onRead } = await served();
    onRead(spilt);
    const before = home.stats();
    const receiving = channel.receive();
    await expect(give([new Tea(), chan<unknown>().send])).rejects.toMatchObject({ code: "DECODE_FAILED" });
    await network.settle();
    expect(home.stats().window.used).toBe(0);
    expect([home.stats().holds.length, user.stats().holds.length]).toEqual([before.holds.length, before.holds.length]);
    void give("water");
    expect(await receiving).toMatchObject({ value: "water" });
  });

  it("leaves a select that only receives free: it has the next one, or is aborted at once, link or no link", async () => {
    const { network, channel, far, idle, onRead } = await served();
    onRead(spilt);
    const controller = new AbortController();
    const aborted = select({ far, idle }, { signal: controller.signal }).catch((error: Error) => error.name);
    const waiting = select({ far, idle });
    for (let count = 0; count < 2; count++) await expect(channel.send(new Tea())).rejects.toMatchObject({ code: "VALUE_REFUSED" });
    network.cut();
    await network.settle();
    controller.abort();
    expect(await aborted).toBe("AbortError");
    network.heal();
    void channel.send("water");
    await network.advance(60_000);
    expect(await waiting).toEqual({ case: "far", done: false, value: "water" });
  });
});

describe("a select with a send case, while it reads a value that is spilt", () => {
  it("is aborted if its abort came meanwhile", async () => {
    const { network, user, channel, far, onRead } = await served();
    const controller = new AbortController();
    onRead(() => {
      controller.abort();
      spilt();
    });
    const selecting = select({ far, give: [user.send, 1] }, { signal: controller.signal });
    selecting.catch(() => undefined);
    await expect(channel.send(new Tea())).rejects.toMatchObject({ code: "VALUE_REFUSED" });
    await network.settle();
    await expect(selecting).rejects.toMatchObject({ name: "AbortError" });
  });

  it("is done with the case whose end was closed meanwhile", async () => {
    const { network, user, channel, far, onRead } = await served();
    onRead(() => {
      far.close();
      spilt();
    });
    const selecting = select({ far, give: [user.send, 1] });
    await expect(channel.send(new Tea())).rejects.toMatchObject({ code: "VALUE_REFUSED" });
    await network.settle();
    expect(await selecting).toEqual({ case: "far", done: true, value: undefined });
  });
});

describe("a select of two", () => {
  it("asks for nothing back when the value aborts it: it has it already", async () => {
    const { network, channel, far, idle, sent, onRead } = await served();
    const controller = new AbortController();
    onRead(() => controller.abort());
    const selecting = select({ far, idle }, { signal: controller.signal });
    await channel.send(new Tea());
    expect(await selecting).toEqual({ case: "far", done: false, value: new Tea() });
    await network.settle();
    expect(sent).toEqual(["select", "took"]);
  });
});
