/**
 * A relay between a home and a user that are both written by hand: what it keeps, what it gives back, and what has to wait behind that.
 * The channel's end is 5 at its home, where the relay's own fork of it is `own`, and `end` to the user.
 */
import { describe, expect, it } from "vitest";
import type { Peer, ReceiveChannel } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";
import { limits, RawPeer } from "../../hostile/raw-peer.js";

type Any = Peer<unknown, unknown>;
type Frame = readonly unknown[];

const endIn = { values: [["custom", "netchan/end"]], v: 1 };

/** The frames heard since then, or since the last call, without their numbers and without what belongs to links. */
function listening(raw: RawPeer): () => readonly Frame[] {
  let from = raw.heard.length;
  return () => {
    const frames = raw.heard.slice(from).flatMap(([number, ...frame]) => (typeof number === "number" ? [frame] : []));
    from = raw.heard.length;
    return frames;
  };
}

async function relayed() {
  const network = memoryNetwork();
  const join = async (maxReplayBytes: number) => {
    const listener = network.listen<unknown, unknown>({ limits: { maxReplayBytes } });
    const address = network.address(listener.accept);
    const link = async (): Promise<RawPeer> => new RawPeer(await address({ signal: new AbortController().signal }));
    const raw = await link();
    raw.control(["hello", { version: 1, limits, credentials: null }]);
    await network.settle();
    raw.say(["ready"]);
    return { raw, link, peer: (await listener.peers()).value as Any };
  };
  const [home, user] = [await join(2 ** 20), await join(4_096)];
  let carried = 0;
  /** An end goes from the home over the relay to the user. @returns what the home and the user call it */
  const carry = async (idAtHome: number) => {
    home.raw.say(["send", 1, ++carried, 9, 0, endIn, [[0, idAtHome, 1, 0]], []]);
    const value = (await home.peer.receive()).value as ReceiveChannel<unknown>;
    user.raw.say(["limit", 2, carried]);
    void user.peer.send(value);
    await network.settle();
    user.raw.say(["take", 2, carried]);
    await network.settle();
    const refs = user.raw.heard.findLast((frame) => frame[1] === "offer")?.[8] as readonly Frame[];
    return { own: home.raw.heard.findLast((frame) => frame[1] === "fork")?.[3], id: refs[0]?.[1] };
  };
  const { own, id: end } = await carry(5);
  /** The user has heard everything. */
  const relieve = async (): Promise<void> => {
    const last = user.raw.heard.findLast(([number]) => typeof number === "number");
    user.raw.control(["ack", last?.[0]]);
    await network.settle();
  };
  /** The user hears so much and acknowledges nothing of it that there is no room for more. */
  const crowd = async (): Promise<void> => {
    await relieve();
    user.raw.say(["limit", 2, 10]);
    void user.peer.send("x".repeat(3_700)).catch(() => undefined);
    await network.settle();
  };
  const [homeHears, userHears] = [listening(home.raw), listening(user.raw)];
  const say = async (raw: RawPeer, ...frames: readonly Frame[]): Promise<void> => {
    raw.say(...frames);
    await network.settle();
  };
  return { network, home, user, own, end, carry, crowd, relieve, homeHears, userHears, say };
}

/** The user has asked for that many values, and the home has offered the first while the user had no room. */
async function kept(asked = 1, value: Frame = ["first"]) {
  const all = await relayed();
  await all.say(all.user.raw, ["limit", all.end, asked]);
  await all.crowd();
  all.homeHears();
  all.userHears();
  await all.say(all.home.raw, ["offer", all.own, 1, 0, null, ...value]);
  return all;
}

describe("an offer for a user that has no room", () => {
  it("is kept, and what comes behind it declined; the user has both when there is room", async () => {
    const { home, own, end, relieve, homeHears, userHears, say } = await kept(2);
    expect([homeHears(), userHears()]).toEqual([[], []]);
    await say(home.raw, ["offer", own, 2, 0, null, "second"]);
    expect([homeHears(), userHears()]).toEqual([[["decline", own, 2, 1]], []]);
    await relieve();
    expect([homeHears(), userHears()]).toEqual([[["limit", own, 2]], [["offer", end, 1, 0, null, "first"]]]);
    await say(home.raw, ["offer", own, 2, 1, null, "second"]);
    expect(userHears()).toEqual([["offer", end, 2, 0, null, "second"]]);
  });

  it("is made as soon as there is room, if nothing else happens", async () => {
    const { end, relieve, homeHears, userHears } = await kept();
    await relieve();
    expect([homeHears(), userHears()]).toEqual([[], [["offer", end, 1, 0, null, "first"]]]);
  });

  it("cannot be answered by a user that was not told of it", async () => {
    for (const [type, ...text] of [["take"], ["refuse", "VALUE_REFUSED", ""]]) {
      const { user, home, end, homeHears, say } = await kept();
      await say(user.raw, [type, end, 1, ...text]);
      expect([user.peer.status.state, home.peer.status.state]).toEqual(["ended", "connected"]);
      expect(homeHears().map(([heard]) => heard)).not.toContain(type);
    }
  });

  it("goes back when the user declines what it waits for", async () => {
    const { user, own, end, relieve, homeHears, userHears, say } = await kept();
    await say(user.raw, ["decline", end, 1, 1]);
    expect(homeHears()).toEqual([["decline", own, 1, 1]]);
    await relieve();
    expect(userHears()).toEqual([]);
  });

  it("goes back when the user's link is gone, and is asked for again over the next", async () => {
    const { network, user, own, homeHears } = await kept();
    const welcome = user.raw.find("welcome")?.[0] as Record<string, unknown>;
    user.raw.link.close();
    await network.settle();
    expect(homeHears()).toEqual([["decline", own, 1, 1]]);
    const heard = user.raw.heard.findLast(([number]) => typeof number === "number")?.[0] as number;
    const back = await user.link();
    back.control(["resume", { ...welcome, version: 1, epoch: 1, next: heard + 1, first: user.raw.next(), credentials: null }]);
    await network.settle();
    expect(homeHears()).toEqual([["limit", own, 1]]);
  });

  it("goes back with the relay's goodbye: nobody has it", async () => {
    const { network, home, homeHears } = await kept();
    void home.peer.close({ drainMs: 0 });
    await network.advance(1);
    const types = homeHears().map(([type]) => type);
    expect(types).toContain("bye");
    expect(types).not.toContain("refuse"); // which would say that somebody may have it
  });

  it("is not made behind the end of its home's session", async () => {
    const { network, home, relieve, userHears } = await kept();
    home.raw.control(["end", "SESSION_ABORTED", "enough"]);
    await network.settle();
    await relieve();
    expect(userHears().map(([type]) => type)).toEqual(["done"]);
  });

  it("is given back with the ends in its value when the user is gone", async () => {
    const { network, user, own, homeHears } = await kept(1, [0, endIn, [[0, 7, 1, 0]], []]);
    user.raw.control(["end", "SESSION_ABORTED", "enough"]);
    await network.settle();
    expect(homeHears()).toEqual(
      expect.arrayContaining([
        ["lost", own, expect.any(String)],
        ["release", 7, 1],
      ]),
    );
  });
});

describe("what a relay's home was asked now, for a value of an end whose user then declines", () => {
  it.each([
    ["has nothing", ["tried", 1, -1, null, null, null]],
    ["has ended", ["tried", 1, 0, "DONE", null, null]],
  ])("holds back what the user wants next until the home %s", async (_answer, answer) => {
    const { home, user, own, end, homeHears, say } = await relayed();
    await say(user.raw, ["limit", end, 1], ["try", 1, [[end]]], ["decline", end, 1, 1], ["limit", end, 1]);
    expect(homeHears()).toEqual([
      ["limit", own, 1],
      ["try", 1, [[5]]],
      ["decline", own, 1, 1],
    ]);
    await say(home.raw, answer);
    expect(homeHears()).toEqual([["limit", own, 1]]);
  });

  it("is told with the epoch in which it was asked, and holds back the rest until it is answered", async () => {
    const { home, user, own, end, homeHears, userHears, say } = await relayed();
    await say(user.raw, ["limit", end, 1], ["try", 1, [[end]]], ["decline", end, 1, 1], ["limit", end, 1]);
    homeHears();
    userHears();
    await say(home.raw, ["gave", 1, 0, 0, "older"]);
    expect([homeHears(), userHears()]).toEqual([[], [["gave", 1, 0, 0, "older"]]]);
    await say(user.raw, ["took", 1, 3]);
    expect(homeHears()).toEqual([
      ["took", 1, 3],
      ["limit", own, 1],
    ]);
  });

  it("holds back nothing of the other cases any more once one of them was done", async () => {
    const { home, user, end, carry, homeHears, say } = await relayed();
    const { own, id } = await carry(7);
    await say(user.raw, ["limit", id, 1], ["try", 1, [[end], [id]]], ["decline", id, 1, 1], ["limit", id, 1]);
    homeHears();
    const cases = home.raw.heard.findLast((frame) => frame[1] === "try")?.[3] as readonly Frame[];
    const first = cases.findIndex(([asked]) => asked === 5);
    await say(home.raw, ["gave", 1, first, 0, "of the first"]);
    expect(homeHears()).toEqual([["limit", own, 1]]);
  });

  it("goes back to the home when the relay itself has declined an older one meanwhile, and then the user may ask again", async () => {
    const { home, user, own, end, relieve, homeHears, userHears, say } = await kept(2);
    await say(user.raw, ["try", 1, [[end]]]);
    await say(home.raw, ["offer", own, 2, 0, null, "second"]);
    homeHears();
    await relieve();
    expect([homeHears(), userHears()], "the limit waits").toEqual([[], [["offer", end, 1, 0, null, "first"]]]);
    await say(home.raw, ["gave", 1, 0, 0, "third"]);
    expect(userHears()).toEqual([["tried", 1, -1, null, null, null]]);
    expect(homeHears()).toEqual([
      ["decline", 5, 1, 1], // of the end that the relay itself holds: it gives a value back
      ["took", 1, 3],
      ["limit", own, 2],
    ]);
  });

  it("goes back to the home when the user is gone", async () => {
    const { network, home, user, end, say } = await relayed();
    await say(user.raw, ["try", 1, [[end]]]);
    user.raw.control(["end", "SESSION_ABORTED", "enough"]);
    await network.settle();
    await say(home.raw, ["gave", 1, 0, 0, "for nobody"]);
    expect(home.raw.find("took")).toEqual([1, 3]);
  });
});
