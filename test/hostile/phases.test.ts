/**
 * Peers that break the protocol, at every time of a session. Whatever one of them says, its own session ends with the right code (or the
 * frame is dropped, where PROTOCOL.md says so), everything that depended on it settles, its tables are empty, and nobody else notices.
 * Said before the peer is admitted, or in place of its resume, the same words cost it the link, and the session nothing.
 */
import { describe, expect, it } from "vitest";
import type { Act, Expected } from "./acts.js";
import * as dialer from "./inputs-dialer.js";
import * as listener from "./inputs-listener.js";
import { comeBack, dialers, listeners, reopen, resumed, resumption, speak, unknownDialer } from "./phases.js";
import { dialingOut, hostileDialer, hostileListener, limits, type Scene, sceneOf, stranger } from "./raw-peer.js";

async function judge(scene: Scene, act: Act, expected: Expected): Promise<void> {
  const { network, raw, victim, pingPong } = scene;
  await act(scene);
  await network.settle();
  await pingPong();
  if (expected === "lives") {
    expect(victim.status.state).toBe("connected");
    victim.abort();
  } else {
    if (expected === "closed") {
      expect(victim.status.state).toBe("connected");
      await network.advance(1_000);
    }
    const end = await victim.ended;
    const well = expected === "closed" || expected === "closed at once";
    expect([end.reason, end.error?.code]).toEqual(well ? ["closed", undefined] : ["aborted", expected]);
    if (!well) expect(raw.find("end")?.[0] ?? expected).toBe(expected);
    // Refused by a rule, not by something in here that failed.
    expect(end.error?.message ?? "").not.toContain("could not be handled");
  }
  await network.settle();
  expect(scene.pending(), "operations that hang").toBe(0);
  expect(raw.closed).toBe(true);
  const { waitingBytes: _, ...tables } = victim.exchange.stats;
  expect(tables).toEqual({ served: 0, remotes: 0, named: 0, fetches: 0, operations: 0, admitted: 0 });
  expect(victim.session.stats).toEqual({ kept: 0, keptBytes: 0, waiting: 0, pings: 0 });
  raw.raw(`[[999,"limit",2,1]]`); // nobody is there any more
  await pingPong();
  await scene.listener.close({ drainMs: 0 });
}

/** After it all the session goes on: a value goes each way. */
async function goesOn({ network, victim, raw }: Scene): Promise<void> {
  await network.settle();
  expect(victim.status.state).toBe("connected");
  victim.abort();
  await network.settle();
  expect(raw.closed).toBe(true);
}

describe.each(Object.entries(dialers))("a dialer breaks the protocol %s:", (_phase, arrive) => {
  it.each(dialer.fromDialers)("%s", async (_name, act, expected) => {
    await judge(await arrive(), act, expected);
  });
});

describe.each(Object.entries(listeners))("a listener breaks the protocol %s:", (_phase, arrive) => {
  it.each(listener.fromListeners)("%s", async (_name, act, expected) => {
    await judge(await arrive(), act, expected);
  });
});

describe("a dialer breaks the protocol before it is admitted:", () => {
  it.each(dialer.neverRight)("%s", async (_name, act) => {
    const scene = await unknownDialer();
    await speak(act, scene);
    const { raw, listener, pingPong } = scene;
    expect(raw.closed).toBe(true);
    expect(raw.heard).toEqual([["refused", "PROTOCOL_VIOLATION", expect.any(String)]]);
    expect(listener.connected.size).toBe(1);
    await pingPong();
  });

  it("any frame before ready", async () => {
    const { network, raw, listener, pingPong } = await stranger();
    raw.control(["hello", { version: 1, limits, credentials: null }]);
    await network.settle();
    raw.say(["limit", 2, 1]);
    await network.settle();
    expect(raw.find("end")?.[0]).toBe("PROTOCOL_VIOLATION");
    expect(raw.closed).toBe(true);
    expect(listener.connected.size).toBe(1);
    await pingPong();
  });
});

describe("a dialer breaks the protocol in place of its resume:", () => {
  it.each(dialer.neverRight)("%s", async (_name, act) => {
    const scene = await hostileDialer();
    await reopen(scene);
    const { raw } = scene;
    await speak(act, scene);
    expect(raw.closed).toBe(true);
    expect(raw.heard.at(-1)).toEqual(["refused", "PROTOCOL_VIOLATION", expect.any(String)]);
    expect(scene.victim.status.state).toBe("reconnecting");
    await scene.pingPong();
    await reopen(scene);
    raw.raw(resumption(raw));
    await goesOn(scene);
  });
});

describe("a listener breaks the protocol in place of its welcome:", () => {
  it.each(listener.neverRight)("%s", async (_name, act) => {
    const { dialed, ...there } = await dialingOut();
    await speak(act, sceneOf(there, [...there.listener.connected][0] as Scene["victim"]));
    expect(there.raw.closed).toBe(true);
    await expect(dialed).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
    await there.pingPong();
  });
});

describe("a listener breaks the protocol in place of its answer to a resume:", () => {
  it.each(listener.neverRight)("%s", async (_name, act) => {
    const scene = await hostileListener();
    await comeBack(scene);
    await speak(act, scene);
    expect(scene.raw.closed).toBe(true);
    await scene.pingPong();
    await comeBack(scene);
    scene.raw.raw(resumed(scene.raw));
    await goesOn(scene);
  });
});
