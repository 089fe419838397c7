/** What a home does with selects of a user that is written by hand: behind a decline, and around its own goodbye. */
import { describe, expect, it } from "vitest";
import { chan, type ReceiveChannel } from "../../../src/node.js";
import { hostileDialer } from "../../hostile/raw-peer.js";

type Frame = readonly unknown[];

const endIn = { values: [["custom", "netchan/end"]], v: 1 };

/** The user holds the receive ends of two channels and the send end of the second, by these ids. */
async function served() {
  const { network, raw, victim } = await hostileDialer();
  const [channel, other] = [chan<unknown>(), chan<unknown>()];
  raw.say(["limit", 2, 1]);
  void victim.send([channel.receive, other.receive, other.send]);
  await network.settle();
  const refs = (raw.find("offer") as readonly unknown[])[6] as readonly (readonly number[])[];
  const [id, idle, give] = refs.map((ref) => ref[1]) as [number, number, number];
  raw.say(["take", 2, 1]);
  await network.settle();
  let from = raw.heard.length;
  /** What the user has heard since the last call. */
  const hears = (): readonly Frame[] => {
    const frames = raw.heard.slice(from).flatMap(([number, ...frame]) => (typeof number === "number" ? [frame] : []));
    from = raw.heard.length;
    return frames;
  };
  const say = async (...frames: readonly Frame[]): Promise<void> => {
    raw.say(...frames);
    await network.settle();
  };
  return { network, raw, home: victim, channel, other, id, idle, give, hears, say };
}
/** A select was given the first of three values, and the user has declined what comes next. */
async function declined() {
  const all = await served();
  for (const text of ["first", "second", "third"]) void all.channel.send(text).catch(() => undefined);
  await all.say(["select", 1, [[all.id], [all.idle]]]);
  expect(all.hears()).toEqual([["gave", 1, 0, 0, "first"]]);
  await all.say(["decline", all.id, 1, 1]);
  return all;
}
/** A receive at home, and what it has got so far. */
function receivingAt(receive: ReceiveChannel<unknown>): { got: unknown } {
  const seen: { got: unknown } = { got: undefined };
  receive().then(
    ({ value }) => {
      seen.got = value;
    },
    () => undefined,
  );
  return seen;
}

describe("what was given to a select before its user declined what comes behind it", () => {
  it("comes back before anything else is offered", async () => {
    const { id, hears, say } = await declined();
    await say(["limit", id, 1]);
    expect(hears()).toEqual([]);
    await say(["quit", 1], ["took", 1, 3]); // it wants no other value either
    expect(hears()).toEqual([
      ["offer", id, 1, 1, null, "first"],
      ["tried", 1, -1, null, null, null],
    ]);
  });

  it("comes back before another select is given anything", async () => {
    const { id, idle, hears, say } = await declined();
    await say(["select", 2, [[id], [idle]]]);
    expect(hears()).toEqual([]);
    await say(["quit", 1], ["took", 1, 3]);
    expect(hears()).toEqual(expect.arrayContaining([["gave", 2, 0, 1, "first"]]));
  });

  it("comes back before it is decided what is there now", async () => {
    const { id, hears, say } = await declined();
    await say(["try", 2, [[id]]]);
    expect(hears()).toEqual([]);
    await say(["quit", 1], ["took", 1, 3]);
    expect(hears()).toEqual(expect.arrayContaining([["gave", 2, 0, 1, "first"]]));
  });

  it("holds nothing back once it was taken after all", async () => {
    const { id, hears, say } = await declined();
    await say(["limit", id, 1], ["took", 1, 1]);
    expect(hears()).toEqual([["offer", id, 1, 1, null, "second"]]);
  });
});

describe("a user that is silent, and whose select has been given a value", () => {
  it("is not asked whether it is there for another value: that could not go to its select", async () => {
    const { network, raw, channel, other, id, idle, hears, say } = await served();
    const third = await hostileDialer();
    third.raw.say(["limit", 2, 1]);
    void third.victim.send([other.send]);
    await third.network.settle();
    const [[, give]] = (third.raw.find("offer") as readonly unknown[])[6] as [readonly number[]];
    await say(["select", 1, [[id], [idle]]]);
    void channel.send("given").catch(() => undefined);
    await network.advance(2_000);
    expect(hears()).toEqual([["gave", 1, 0, 0, "given"]]);
    void other.send("from here").catch(() => undefined);
    third.raw.say(["announce", give, 1, 10]);
    await third.network.settle();
    third.raw.say(["value", give, 1, 10, "from afar"]);
    await third.network.settle();
    await network.settle();
    expect(raw.find("ping")).toBeUndefined();
  });
});

describe("a home that has said goodbye", () => {
  it("reserves nothing for a select or trySelect that crosses it, and keeps nothing of what it brings", async () => {
    const { network, home, channel, id, give, hears, say } = await served();
    void home.close({ drainMs: 0 });
    await network.advance(1);
    expect(hears().at(-1)).toEqual(["bye"]);
    await say(["try", 1, [[id]]], ["select", 2, [[id], [give, 1, 1, 0, endIn, [[0, 7, 1, 0]], []]]]);
    void channel.send("for whoever is here").catch(() => undefined);
    expect(home.stats().window.used).toBe(0);
    const here = receivingAt(channel.receive);
    await network.settle();
    expect(here.got).toBe("for whoever is here");
    expect(hears()).toEqual([]);
  });

  it("gives a select nothing more when a value comes back from it", async () => {
    const { network, home, channel, id, idle, hears, say } = await served();
    void channel.send("first").catch(() => undefined);
    await say(["select", 1, [[id], [idle]]]);
    void home.close({ drainMs: 0 });
    await network.advance(1);
    expect(hears().map(([type]) => type)).toEqual(["gave", "drain", "done", "bye"]);
    await say(["took", 1, 3]);
    const here = receivingAt(channel.receive);
    await network.settle();
    expect(here.got).toBe("first");
  });

  it("has given nobody what another process answers then, and lets it have the value back", async () => {
    const { network, raw, home, hears, say } = await served();
    const third = await hostileDialer();
    third.raw.say(["send", 1, 1, 9, 0, endIn, [[0, 5, 1, 0]], []]);
    const far = (await third.victim.receive()).value;
    raw.say(["limit", 2, 2]);
    void home.send(far);
    await network.settle();
    const refs = hears().find(([type]) => type === "offer")?.[7] as readonly Frame[];
    await say(["try", 1, [[refs[0]?.[1]]]]);
    await third.network.settle();
    void home.close({ drainMs: 0 });
    await network.advance(1);
    third.raw.say(["gave", 1, 0, 0, "from afar"]);
    await third.network.settle();
    raw.control(["end", "SESSION_ABORTED", "enough"]);
    await network.settle();
    await third.network.settle();
    expect(third.raw.find("took")).toEqual([1, 3]);
  });
});
