/**
 * Faults of a home, or of a user, that reach a relay: the relay notices them and ends the session with the one who made them. The other
 * session, whose peer has done no wrong, goes on; and what the rules allow ends none.
 */
import SuperJSON from "superjson";
import { describe, expect, it } from "vitest";
import { chan, select, trySelect } from "../../../src/node.js";
import { endsIn, type Frame, homeByHand, userByHand } from "../../support/raw-beside-relay.js";
import { watch } from "../../support/three-processes.js";

type Home = Awaited<ReturnType<typeof homeByHand>>;

/** Some operation of the user, whatever becomes of it. */
function unheeded(operation: Promise<unknown>): void {
  operation.catch(() => undefined);
}
/** The user sends; the home knows of operation 1. */
async function sends({ send, network }: Home): Promise<void> {
  unheeded(send("v"));
  await network.settle();
}
/** The user selects over channels of two homes; the home knows of its case, operation 1. */
async function selects({ send, network }: Home): Promise<void> {
  unheeded(select({ there: [send, "v"], here: chan().receive }));
  await network.settle();
}
/** The user tries to receive. @returns the number that the relay gave the attempt */
async function tries({ receive, network, heard }: Home): Promise<unknown> {
  unheeded(trySelect({ receive }));
  await network.settle();
  return heard("try")[0];
}

const faultsOfHomes: Record<string, readonly ["send" | "receive", (home: Home) => Promise<readonly Frame[]>]> = {
  "says what was received of an end that is not the pair's": ["send", async ({ fork }) => [["received", fork, 1]]],
  "says that a send end is done": ["send", async ({ fork }) => [["done", fork, null, null]]],
  "says that a receive end takes no more": ["receive", async ({ fork }) => [["ended", fork, null, null]]],
  "mutes a receive end": ["receive", async ({ fork }) => [["mute", fork]]],
  "fetches from a receive end": ["receive", async ({ fork }) => [["fetch", fork, 1]]],
  "claims from a receive end": ["receive", async ({ fork }) => [["claim", fork, 1]]],
  "offers to a send end": ["send", async ({ fork }) => [["offer", fork, 1, 0, null, "v"]]],
  "withdraws an operation that was not asked back": [
    "send",
    async (home) => {
      await sends(home);
      return [["withdrawn", home.fork, 1]];
    },
  ],
  "fulfils a case that was not granted": [
    "send",
    async (home) => {
      await selects(home);
      return [["sent", home.fork, 1]];
    },
  ],
  "fetches the value of a case": [
    "send",
    async (home) => {
      await selects(home);
      return [["fetch", home.fork, 1]];
    },
  ],
  "claims a send that is no case": [
    "send",
    async (home) => {
      await sends(home);
      return [["claim", home.fork, 1]];
    },
  ],
  "claims a case again and again": [
    "send",
    async (home) => {
      await selects(home);
      return [1, 2, 3].map(() => ["claim", home.fork, 1]);
    },
  ],
  "gives an attempt two values": [
    "receive",
    async (home) => {
      const attempt = await tries(home);
      return ["one", "two"].map((value) => ["gave", attempt, 0, 0, value]);
    },
  ],
  "gives an attempt a value, then says that nothing came of it": [
    "receive",
    async (home) => {
      const attempt = await tries(home);
      return [
        ["gave", attempt, 0, 0, "v"],
        ["tried", attempt, 0, "DONE", null, null],
      ];
    },
  ],
};

describe("a home behind a relay", () => {
  it.each(Object.entries(faultsOfHomes))("%s: its own session ends, the user's does not", async (_fault, [kind, prepare]) => {
    const home = await homeByHand({ kind });
    const frames = await prepare(home);
    expect(home.states()).toEqual(["connected", "connected", "connected"]);
    await home.say(...frames);
    expect(home.states()).toEqual(["ended", "connected", "connected"]);
    const answered = home.userToRelay.receive();
    await home.relayToUser.send("still there");
    expect(await answered).toEqual({ done: false, value: "still there" });
  });

  it("that offers a value too deep to be written ends no session of others, even if the user had no room for it at first", async () => {
    const { raw, network, fork, receive, heard, states, relayToUser, userToRelay } = await homeByHand({
      kind: "receive",
      relay: { maxReplayBytes: 4_096 },
    });
    unheeded(receive());
    unheeded(userToRelay.receive());
    await network.settle();
    unheeded(relayToUser.send("x".repeat(3_900)));
    raw.raw(`[[${raw.next()},"offer",${fork},1,0,null,${"[".repeat(100_000)}${"]".repeat(100_000)}]]`);
    await network.settle();
    await network.advance(1_000);
    expect(states()).toEqual(["connected", "connected", "connected"]); // it is over a limit, which costs the value only
    expect(heard("refuse")).toEqual([fork, 1, "LIMIT_EXCEEDED", expect.any(String)]);
  });

  it("that offers what nobody honest writes, deeper than the relay looks, does not end the user's session", async () => {
    const { raw, network, fork, receive, heard, states } = await homeByHand({ kind: "receive", relay: { maxDepth: 8 } });
    unheeded(receive());
    await network.settle();
    raw.raw(`[[${raw.next()},"offer",${fork},1,0,null,${"[".repeat(20)}{"__proto__":1}${"]".repeat(20)}]]`);
    await network.settle();
    expect(states().slice(1)).toEqual(["connected", "connected"]);
    expect(heard("refuse")).toEqual([fork, 1, "LIMIT_EXCEEDED", expect.any(String)]);
  });
});

describe("a user behind a relay", () => {
  it("may ask again for a value and give the end back while what it declined is under way", async () => {
    const { end, say, states } = await userByHand(chan<unknown>().receive);
    await say(["try", 1, [[end]]], ["decline", end, 1, 1], ["limit", end, 1], ["release", end, 1]);
    expect(states()).toEqual(["connected", "connected", "connected"]);
  });

  it("that sends what nobody honest writes, deeper than the relay looks, does not end the relay's session with the home", async () => {
    const { raw, network, end, states } = await userByHand(chan<unknown>().send, { relay: { maxDepth: 8 } });
    raw.raw(`[[${raw.next()},"send",${end},1,100,${"[".repeat(20)}{"__proto__":1}${"]".repeat(20)}]]`);
    await network.settle();
    expect(states().slice(0, 2)).toEqual(["connected", "connected"]);
  });

  it("that hides a fault behind a class which only the home knows loses its own session", async () => {
    class Known {}
    const superjson = new SuperJSON();
    superjson.registerClass(Known, "Known");
    const { end, say, states } = await userByHand(chan<unknown>().send, { home: { superjson } });
    const meta = { values: { known: [["class", "Known"]], list: ["map"] }, v: 1 };
    await say(["send", end, 1, 100, { known: {}, list: [1] }, meta, [], []]);
    expect(states()).toEqual(["connected", "connected", "ended"]);
  });

  it("that announces a value and brings it with more ends than the home accepts fails with that value only", async () => {
    const { send, receive } = chan<unknown>();
    const { end, say, heard, states } = await userByHand(send, { home: { limits: { maxChannels: 6 } } });
    const received = watch(receive());
    await say(["announce", end, 1, 1_000]);
    expect(heard("fetch")).toEqual([end, 1]);
    await say(["value", end, 1, 30, ...endsIn(...Array.from({ length: 8 }, (_, index) => [0, 5 + 2 * index, 0, 0]))]);
    expect(states()).toEqual(["connected", "connected", "connected"]);
    expect(heard("failed")).toEqual([end, 1, "LIMIT_EXCEEDED", expect.any(String), "not-sent"]);
    await say(["send", end, 2, 3, "v"]);
    expect([received.what, heard("sent")]).toEqual(["done", [end, 2]]);
  });

  it("that grants a select case a value with more ends than the home accepts fails with that case only", async () => {
    const { send, receive } = chan<unknown>();
    const { end, say, heard, states } = await userByHand(send, { home: { limits: { maxChannels: 6 } } });
    const received = watch(receive());
    await say(["case", end, 1, "8".repeat(32), 1_000]);
    expect(heard("claim")).toEqual([end, 1]);
    await say(["grant", end, 1, ...endsIn(...Array.from({ length: 8 }, (_, index) => [0, 5 + 2 * index, 0, 0]))]);
    expect(states()).toEqual(["connected", "connected", "connected"]);
    expect(heard("failed")).toEqual([end, 1, "LIMIT_EXCEEDED", expect.any(String), "not-sent"]);
    await say(["send", end, 2, 3, "v"]);
    expect([received.what, heard("sent")]).toEqual(["done", [end, 2]]);
  });
});
