/**
 * `trySelect` over channels of other processes some of which have ended: a merged view is done only when all its sources are, wherever
 * they live; and a user behind a relay still has the channel when the relay has let go of its own end.
 */
import { describe, expect, it } from "vitest";
import { chan, dial, merge, type Peer, type ReceiveChannel, trySelect } from "../../../src/node.js";
import type { MemoryNetwork } from "../../../src/testing.js";
import { threeProcesses } from "../../support/three-processes.js";

type End = ReceiveChannel<unknown>;

/** The receive end of another home, as a process that has dialed that one has it. */
async function fromAnotherHome(network: MemoryNetwork, end: End): Promise<End> {
  const listener = network.listen<unknown, unknown>();
  const here: Peer<unknown, unknown> = await dial<unknown, unknown>(network.address(listener.accept));
  const there = (await listener.peers()).value as Peer<unknown, unknown>;
  void there.send(end);
  return (await here.receive()).value as End;
}

type World = Awaited<ReturnType<typeof threeProcesses>>;
/** Where the sources of a view have their homes, and another channel: as the asker has them. */
type Place = (world: World, first: End, second: End, other: End) => Promise<{ readonly view: End; readonly other: End }>;

const places: Record<string, Place> = {
  "this process": async (_world, first, second, other) => ({ view: merge(first, second), other }),
  "another process": async ({ toRelay }, ...all) => {
    const [first, second, other] = await toRelay(all);
    return { view: merge(first, second), other };
  },
  "two other processes": async ({ network, toRelay }, first, second, third) => {
    const [near, other] = await toRelay([first, third] as const);
    return { view: merge(near, await fromAnotherHome(network, second)), other };
  },
  "this process and another one": async ({ toRelay }, first, second, third) => {
    const [far, other] = await toRelay([second, third] as const);
    return { view: merge(first, far), other };
  },
  "a process behind a relay": async ({ carry }, ...all) => {
    const [first, second, other] = await carry(all);
    return { view: merge(first, second), other };
  },
  "another process, of which a relay hands on a view,": async ({ toRelay, toUser }, ...all) => {
    const [first, second, third] = await toRelay(all);
    const [view, other] = await toUser([merge(first, second), third] as const);
    return { view, other };
  },
};

type State = "ended" | "empty" | "ready";
/** A channel in that state. */
function inState(state: State): End {
  const { send, receive } = chan<unknown>();
  if (state === "ended") send.close();
  if (state === "ready") send("v").catch(() => undefined);
  return receive;
}

const value = { case: "view", done: false, value: "v" };
const done = { case: "view", done: true };
const outcomes: readonly (readonly [State, State, unknown])[] = [
  ["ended", "ready", value],
  ["ready", "ended", value],
  ["ended", "empty", undefined],
  ["empty", "ended", undefined],
  ["ended", "ended", done],
  ["empty", "empty", undefined],
  ["empty", "ready", value],
  ["ready", "ready", value],
];

describe("trySelect over a merged view of channels of", () => {
  it.each(Object.entries(places))("%s is done when all have ended, and has what any of them has", async (_where, place) => {
    for (const known of [true, false]) {
      for (const [first, second, outcome] of outcomes) {
        for (let again = 0; again < 4; again++) {
          const world = await threeProcesses({ seed: again + 1 });
          const { view } = await place(world, inState(first), inState(second), inState("empty"));
          if (known) await world.network.settle(); // else the ends of the channels are perhaps not known here yet
          const what = `${first}, ${second}, ${known ? "after a while" : "at once"}`;
          expect(await trySelect({ view }), what).toEqual(outcome);
        }
      }
    }
  });

  it.each(Object.entries(places))("%s does another case when one source has ended and the other is empty", async (_where, place) => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = await threeProcesses({ seed });
      const states = seed % 2 === 0 ? (["ended", "empty"] as const) : (["empty", "ended"] as const);
      const cases = await place(world, inState(states[0]), inState(states[1]), inState("ready"));
      await world.network.settle();
      expect(await trySelect(cases)).toEqual({ case: "other", done: false, value: "v" });
    }
  });

  it("another process learns there that a source has ended, and asks for the rest", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { toRelay } = await threeProcesses({ seed });
      const [ended, ready, third] = [chan<unknown>(), chan<unknown>(), chan<unknown>()];
      const ends = await toRelay([ended.receive, ready.receive, third.receive]);
      ended.send.close(); // unknown to the asker when it asks
      third.send.close();
      ready.send("v").catch(() => undefined);
      expect(await trySelect({ view: merge(...ends) })).toEqual(value);
    }
  });

  it("another process says why when a source was closed with a reason", async () => {
    const { network, toRelay } = await threeProcesses();
    const [closed, empty] = [chan<unknown>(), chan<unknown>()];
    const ends = await toRelay([closed.receive, empty.receive]);
    closed.send.close(new Error("enough"));
    await network.settle();
    const remote = await trySelect({ view: merge(...ends) }).catch((error: unknown) => error);
    const local = await trySelect({ view: merge(closed.receive, empty.receive) }).catch((error: unknown) => error);
    expect(remote).toMatchObject({ code: "CHANNEL_CLOSED" });
    expect(local).toMatchObject({ code: "CHANNEL_CLOSED" });
  });
});

describe("trySelect over an end that the relay on the way has let go of", () => {
  it("receives what the home has", async () => {
    const { network, toRelay, toUser } = await threeProcesses();
    const { send, receive } = chan<unknown>();
    const atRelay = await toRelay(receive);
    const view = await toUser(atRelay);
    atRelay.close();
    send("v").catch(() => undefined);
    await network.settle();
    expect(await trySelect({ view })).toEqual(value);
  });

  it("sends when the home has room, and not when it has none", async () => {
    const { network, toRelay, toUser } = await threeProcesses();
    const { send, receive } = chan<unknown>(1);
    const atRelay = await toRelay(send);
    const there = await toUser(atRelay);
    atRelay[Symbol.dispose]();
    await network.settle();
    expect(await trySelect({ there: [there, "v"] })).toEqual({ case: "there" });
    expect(await trySelect({ there: [there, "w"] })).toBeUndefined();
    expect(await receive()).toMatchObject({ done: false, value: "v" });
  });

  it("is done, or refused, when the channel has ended at its home, and not before", async () => {
    const { network, toRelay, toUser } = await threeProcesses();
    const { send, receive } = chan<unknown>();
    const [sendAtRelay, receiveAtRelay] = await toRelay([send, receive] as const);
    const [there, view] = await toUser([sendAtRelay, receiveAtRelay] as const);
    sendAtRelay[Symbol.dispose]();
    receiveAtRelay.close();
    await network.settle();
    expect(await trySelect({ view })).toBeUndefined();
    expect(await trySelect({ there: [there, "v"] })).toBeUndefined();
    send.close();
    await network.settle();
    expect(await trySelect({ view })).toEqual(done);
    await expect(trySelect({ there: [there, "v"] })).rejects.toMatchObject({ code: "CHANNEL_CLOSED" });
  });
});
