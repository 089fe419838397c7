/**
 * What is given back when nobody has it any more: ends that were closed or come in a value that is declined, refused or lost on its way.
 * A process that gives back too little keeps channels of others open for ever; one that gives back too early breaks the rules.
 */
import { describe, expect, it } from "vitest";
import { chan, merge, trySelect } from "../../../src/node.js";
import { userByHand } from "../../support/raw-beside-relay.js";
import { keptBy, threeProcesses, watch } from "../../support/three-processes.js";

/** A value that a process with `maxDepth` 3 cannot accept. */
const deep = { a: { b: { c: { d: 1 } } } };

describe("an end that is given back while a value with that very end is on its way to it", () => {
  it.each([
    ["declined", {}, undefined],
    ["refused", { maxDepth: 3 }, deep],
  ])("is given back behind the answer, when the value is %s", async (_how, limits, beside) => {
    const { network, toUser, broken, relayToUser, userToRelay } = await threeProcesses({ user: limits });
    const { send, receive } = chan<unknown>();
    const there = await toUser(receive);
    const controller = new AbortController();
    const received = watch(there({ signal: controller.signal }));
    await network.settle();
    const sent = watch(send([beside, receive])); // the offer is on its way …
    controller.abort();
    there.close(); // … and crosses the release
    await network.advance(100);
    expect(broken()).toEqual([]);
    expect(received.what).toBe("AbortError");
    expect(sent.what).toBe(beside === undefined ? "nothing" : "LIMIT_EXCEEDED");
    expect([relayToUser.stats().ends.given, userToRelay.stats().ends.held]).toEqual([0, 0]);
  });
});

describe("an end of a channel that had ended before its user got it", () => {
  it.each(["send", "receive"] as const)("is given back when its user closes it: a %s end", async (kind) => {
    const { network, userToRelay, relayToUser } = await threeProcesses();
    const channel = chan<unknown>();
    channel.send.close();
    void userToRelay.send(channel[kind]);
    await network.settle(); // it is known there that the channel has ended, before the value is taken
    const there = (await relayToUser.receive()).value as (typeof channel)[typeof kind];
    await network.settle();
    there.close();
    await network.advance(100);
    expect([userToRelay.stats().ends.given, relayToUser.stats().ends.held]).toEqual([0, 0]);
  });
});

describe("the ends in a value that was given to an attempt over a relay", () => {
  it.each([
    ["refuses", 0],
    ["takes", 1],
    ["doubts", 2],
    ["declines", 3],
  ])("are kept by the relay no longer than by its user, who %s it", async (_verdict, took) => {
    const { send, receive } = chan<unknown>();
    const { end, say, heard, relayToHome, relayToUser, homeToRelay } = await userByHand(receive);
    watch(send([chan<unknown>().send]));
    await say(["try", 1, [[end]]]);
    const refs = heard("gave")[5] as readonly (readonly number[])[];
    expect(keptBy(relayToHome, "send")).not.toEqual([]);
    await say(["took", 1, took], ["release", refs[0]?.[1], 1]);
    expect([homeToRelay, relayToHome, relayToUser].map((peer) => keptBy(peer, "send"))).toEqual([[], [], []]);
  });

  it("are given back when the user's process cannot accept the value", async () => {
    const { network, carry, relayToHome, homeToRelay, relayToUser, userToRelay } = await threeProcesses({ user: { maxDepth: 3 } });
    const { send, receive } = chan<unknown>();
    const there = await carry(receive);
    const sent = watch(send([deep, chan<unknown>().send]));
    expect(await trySelect({ there })).toBeUndefined();
    await network.advance(100);
    expect(sent.what).toBe("VALUE_REFUSED");
    expect([homeToRelay, relayToHome, relayToUser, userToRelay].map((peer) => keptBy(peer, "send"))).toEqual([[], [], [], []]);
  });

  it("are given back when the user's session ends while the user has the value", async () => {
    const { network, arrived, carry, relayToHome, relayToUser, homeToRelay, userToRelay } = await threeProcesses({ delayMs: [10, 10] });
    const { send, receive } = chan<unknown>();
    const there = await carry(receive);
    const sent = watch(send([chan<unknown>().send]));
    const attempt = watch(trySelect({ there }));
    await network.advance(35); // to the home and back to the relay, and half way to the user
    expect([attempt.what, keptBy(relayToHome, "send").length]).toEqual(["nothing", 2]); // the value's, and the user's hold on it
    userToRelay.abort();
    await arrived(relayToUser.ended);
    await network.advance(100);
    expect([sent.what, keptBy(relayToHome, "send"), keptBy(homeToRelay, "send")]).toEqual(["RECEIVER_LOST", [], []]);
  });
});

describe("an offer that a merged view has passed on, and whose home is lost", () => {
  it.each(["declines", "refuses", "takes", "is lost with"])("is given back when its user %s it", async (how) => {
    const { send, receive } = chan<unknown>();
    const { network, raw, say, heard, carry, homeToRelay, relayToHome } = await userByHand(chan<unknown>().send);
    const own = chan<unknown>(); // the relay's
    void relayToHome.send(own.send);
    const atHome = (await homeToRelay.receive()).value;
    void homeToRelay.send(receive);
    const atRelay = (await relayToHome.receive()).value as typeof receive;
    const [view] = await carry(merge(atRelay, chan<unknown>().receive));
    watch(send(atHome)); // the relay's own end comes back to it, through the channel of the home
    await say(["limit", view, 1]);
    const offer = heard("offer");
    expect(offer[0]).toBe(view);
    homeToRelay.abort();
    await network.settle();
    if (how === "declines") await say(["decline", view, 1, 1]);
    if (how === "refuses") await say(["refuse", view, 1, "DECODE_FAILED", "x"]);
    if (how === "takes") await say(["take", view, 1]);
    if (how === "is lost with") raw.control(["end", "SESSION_ABORTED", "enough"]);
    else await say(["release", (offer[6] as readonly (readonly number[])[])[0]?.[1], 1]);
    await network.settle();
    own.send[Symbol.dispose]();
    const received = watch(own.receive());
    await network.advance(1_000);
    expect(received.what).not.toBe("nothing"); // nobody can send any more
  });
});
