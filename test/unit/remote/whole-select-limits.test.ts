/** What the other side accepts at once, for selects that bring much or come in great numbers. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../../src/limits.js";
import { chan, dial, type Limits, type Peer, type ReceiveChannel, type SendChannel, select, trySelect } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";
import { readBatch } from "../../../src/wire/batch.js";
import { hostileDialer, hostileListener } from "../../hostile/raw-peer.js";
import { sizeOf, watched } from "../../support/watched-link.js";

type Any = Peer<unknown, unknown>;

/** A listener with limits, and the longest batch that it was sent. */
async function limited(limits: Partial<Limits>) {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>({ limits });
  const seen = { longest: 0 };
  const see = (batch: string | Uint8Array): void => {
    seen.longest = Math.max(seen.longest, sizeOf(batch));
  };
  const address = network.address((link) => listener.accept(watched(link, see)));
  const dialing = dial<unknown, unknown>(address);
  await network.settle();
  const user = await dialing;
  const home = (await listener.peers()).value as Any;
  const hand = async <T>(ends: T): Promise<T> => {
    void home.send(ends);
    return ((await user.receive()) as { readonly value: T }).value;
  };
  return { network, user, home, hand, seen };
}

describe("selects", () => {
  it.each([
    ["select", "x"],
    ["select", "茶"],
    ["trySelect", "x"],
    ["trySelect", "茶"],
  ])("keep within the frames that the other side takes: %s of many %s", async (which, letter) => {
    const { network, user, hand, seen } = await limited({ maxFrameBytes: 8_192 });
    const channels = Array.from({ length: 8 }, () => chan<string>());
    const ends = await hand(channels.map(({ send }) => send));
    const cases = Object.fromEntries(ends.map((end, index) => [`c${index}`, [end, letter.repeat(1_500)] as const]));
    const waiting = channels[3]?.receive();
    const run = which === "select" ? select : trySelect;
    const result = await run(cases).catch((error: unknown) => error);
    await network.settle();
    expect(seen.longest).toBeLessThanOrEqual(8_192);
    expect(user.status.state).toBe("connected");
    if (which === "select") expect([result, await waiting]).toMatchObject([{ case: "c3" }, { done: false }]);
    else expect(result).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("keep within the channel ends that the other side accepts, all their cases together", async () => {
    const { network, user, hand } = await limited({ maxChannels: 10 });
    const [one, two] = [chan<unknown>(), chan<unknown>()];
    const [first, second] = (await hand([one.send, two.send])) as [SendChannel<unknown>, SendChannel<unknown>];
    const sixEnds = () => Array.from({ length: 6 }, () => chan().send);
    await expect(trySelect({ first: [first, sixEnds()], second: [second, sixEnds()] })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    const controller = new AbortController();
    const waiting = select({ first: [first, sixEnds()], second: [second, sixEnds()] }, { signal: controller.signal });
    await network.settle();
    expect(user.status.state).toBe("connected");
    controller.abort();
    await network.settle();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  });

  it("are tried sixteen at a time, and all of them, when the link breaks and when their end is closed", async () => {
    const { network, user, hand } = await limited({});
    for (const stop of [() => network.cut(), (end: ReceiveChannel<unknown>) => end.close()]) {
      const [end] = (await hand([chan<unknown>().receive])) as [ReceiveChannel<unknown>];
      const all = Array.from({ length: 100 }, () => trySelect({ end }));
      stop(end);
      await network.settle();
      network.heal();
      await network.advance(60_000);
      expect(await Promise.all(all)).toHaveLength(100);
    }
    expect(user.stats().operations).toEqual({ there: 0, here: 0 });
  });

  it("find the one value that can be told behind any number that cannot", async () => {
    const { hand } = await limited({});
    const [channel, other] = [chan<unknown>(), chan<unknown>()];
    const [far, idle] = (await hand([channel.receive, other.receive])) as [ReceiveChannel<unknown>, ReceiveChannel<unknown>];
    const refused = Array.from({ length: 5_000 }, () => channel.send(() => 1).catch(({ code }) => code as unknown));
    void channel.send("good");
    expect(await select({ far, idle })).toEqual({ case: "far", done: false, value: "good" });
    expect(new Set(await Promise.all(refused))).toEqual(new Set(["ENCODE_FAILED"]));
  });
});

describe("a peer that breaks the rules of selects", () => {
  it("is refused a text that no size declares, beside a frame of any size too", () => {
    const text = "x".repeat(1_000_000);
    for (const beside of [[], [[1, "try", 1, [[2]]]]])
      for (const frame of [
        [2, "select", 2, [[4, 1, 0, text]]],
        [2, "send", 4, 1, 0, text],
      ])
        expect(() => [...readBatch(JSON.stringify([...beside, frame]), defaultLimits.maxNodes)]).toThrow(
          expect.objectContaining({ code: "PROTOCOL_VIOLATION" }),
        );
  });

  it("may not have more cases waiting than operations", async () => {
    const { victim, raw, network } = await hostileDialer();
    const { receive } = chan<unknown>();
    void victim.send([receive]);
    raw.say(["limit", 2, 1]);
    await network.settle();
    const id = ((raw.find("offer") as unknown[]).at(-2) as readonly (readonly number[])[])[0]?.[1] as number;
    const select = (number: number): readonly unknown[] => ["select", number, Array.from({ length: 256 }, () => [id])];
    for (let number = 1; number <= 16; number++) raw.say(select(number));
    await network.settle();
    expect(victim.status.state).toBe("connected");
    raw.say(select(17));
    await network.settle();
    expect(victim.status).toMatchObject({ state: "ended", end: { reason: "aborted", error: { code: "LIMIT_EXCEEDED" } } });
  });

  it("cannot say of a send case that its channel is done", async () => {
    const { victim, raw, network } = await hostileListener();
    const selecting = select({ give: [victim.send, "x"] }).catch((error: unknown) => error);
    await network.settle();
    raw.control(["ack", 2]);
    raw.say(["tried", 1, 0, "DONE", null, null]);
    await network.settle();
    expect(victim.status).toMatchObject({ state: "ended", end: { reason: "aborted", error: { code: "PROTOCOL_VIOLATION" } } });
    expect(await selecting).toMatchObject({ outcome: "unknown" });
  });
});
