/** What a select takes on the wire and at its home, all cases together: it never brings more than was allowed, and never claims less. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../../src/limits.js";
import { chan, dial, type Limits, type Peer, type ReceiveChannel, type SendChannel, select, trySelect } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";
import { readBatch, writeBatch } from "../../../src/wire/batch.js";
import { sizeOf, watched } from "../../support/watched-link.js";

type Any = Peer<unknown, unknown>;

/** A listener with limits, the longest batch that it was sent, and an end of its own at the dialer. */
async function limited<T>(limits: Partial<Limits>, ends: readonly T[]) {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>({ limits });
  const seen = { longest: 0 };
  const see = (batch: string | Uint8Array): void => {
    seen.longest = Math.max(seen.longest, sizeOf(batch));
  };
  const address = network.address((link) => listener.accept(watched(link, see)));
  const dialing = dial<unknown, unknown>(address);
  await network.settle();
  const user = (await dialing) as Any;
  const home = (await listener.peers()).value as Any;
  void home.send(ends);
  const far = ((await user.receive()) as { readonly value: readonly T[] }).value;
  return { network, user, home, far, seen };
}
const named = <T>(cases: readonly T[]): Record<string, T> => Object.fromEntries(cases.map((one, index) => [`c${index}`, one]));

describe("the frame of a trySelect", () => {
  const tea = "茶";
  it.each<readonly [string, number, number, unknown]>([
    ["what stands around many small values", 4_096, 256, "x"],
    ["what says how the values are written", 8_192, 8, { [tea.repeat(200)]: new Date(0) }],
    ["bytes beside texts", 8_192, 4, [tea.repeat(400), new Uint8Array(950)]],
  ])("counts %s", async (_what, maxFrameBytes, count, value) => {
    const { network, user, far, seen } = await limited<SendChannel<unknown>>({ maxFrameBytes }, [chan<unknown>().send]);
    const cases = named(Array.from({ length: count }, () => [far[0] as SendChannel<unknown>, value] as const));
    const result = await trySelect(cases).catch((error: unknown) => error);
    await network.settle();
    expect(seen.longest).toBeLessThanOrEqual(maxFrameBytes);
    expect(result).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(user.status.state).toBe("connected");
  });
});

describe("selects of many cases", () => {
  it("are told case by case when they would be too many operations for their home", async () => {
    const channels = Array.from({ length: 6 }, () => chan<unknown>());
    const ends = channels.map(({ receive }) => receive);
    const { network, user, home, far } = await limited<ReceiveChannel<unknown>>({ maxPendingOperations: 10 }, ends);
    const both = [select(named(far)), select(named(far))];
    await network.settle();
    expect([user.status.state, home.stats().operations.here]).toEqual(["connected", 6]);
    for (const value of ["one", "two"]) await channels[4]?.send(value);
    expect((await Promise.all(both)).map(({ value }) => value).toSorted()).toEqual(["one", "two"]);
    await network.settle();
    expect([user.stats().operations.there, home.stats().operations.here]).toEqual([0, 0]);
  });
});

describe("bytes that no size declares", () => {
  it.each([
    ["a send", (blob: number) => [2, "send", 4, 1, 0, 0, { values: [] }, [], [blob]]],
    ["a case of a select", (blob: number) => [2, "select", 2, [[4, 1, 0, 0, { values: [] }, [], [blob]]]]],
  ])("are refused in %s, beside a frame of any size too", (_what, frame) => {
    const read = (blob: number) => [
      ...readBatch(writeBatch(['[1,"try",1,[[2]]]', JSON.stringify(frame(blob))], [new Uint8Array(blob)]), defaultLimits.maxNodes),
    ];
    expect(read(100)).toHaveLength(2);
    expect(() => read(1_000_000)).toThrow(expect.objectContaining({ code: "PROTOCOL_VIOLATION" }));
  });
});
