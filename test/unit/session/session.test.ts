/** Numbers, acknowledgements, batches, backpressure, liveness and ends of a session, on a virtual clock. */
import { describe, expect, it, onTestFinished } from "vitest";
import { NetchanError } from "../../../src/errors.js";
import { remoteError } from "../../../src/session/remote-error.js";
import { microtasks, numbered, type Scene, type SceneOptions, scene, take } from "./support.js";

/** A scene that has to end quiet: no timer, no frame, no ping is left once its session is over. */
function quiet(options: SceneOptions = {}): Scene {
  const made = scene(options);
  onTestFinished(() => {
    made.session.finish({ reason: "closed", error: undefined });
    made.pass();
    expect(made.time.nextAt, "a timer is left").toBeUndefined();
    expect(made.session.stats).toEqual({ kept: 0, keptBytes: 0, waiting: 0, pings: 0 });
    expect(made.finishes).toHaveLength(1);
    expect(made.link.closed).toHaveLength(1);
  });
  return made;
}
const acks = ({ sent }: Scene) => sent().filter(([type]) => type === "ack");
const ends = ({ sent }: Scene) => sent().filter(([type]) => type === "end");
const codeOf = ({ finishes }: Scene) => finishes[0]?.error?.code;

describe("numbers", () => {
  it("go up by one with each frame, and control frames have none", () => {
    const { session, pass, sent } = quiet();
    session.post('"ready"');
    session.control('["ping",1]');
    session.post('"bye"');
    pass();
    expect(sent()).toEqual([
      [1, "ready"],
      ["ping", 1],
      [2, "bye"],
    ]);
  });

  it("are accepted in order, each once", () => {
    const { receive, frames } = quiet();
    expect(receive(...numbered(1, 3))).toBe(true);
    expect(receive(...numbered(4, 4))).toBe(true);
    expect(frames.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  it("of answers to pings that are never read are limited", () => {
    const it_ = quiet();
    it_.link.congest();
    const pings = Array.from({ length: 10_000 }, (_, id) => ["ping", id]);
    it_.session.post('"ready"');
    it_.pass();
    let alive = 0;
    while (alive < 20 && it_.receive(...pings)) alive++;
    expect(alive).toBe(10);
    expect(codeOf(it_)).toBe("LIMIT_EXCEEDED");
  });
  it("are written in batches of 10,000 frames at most", () => {
    const { session, pass, link } = quiet({ peerMaxFrameBytes: 2 ** 30 });
    for (let count = 0; count < 25_000; count++) session.post('"bye"');
    pass();
    const sizes = link.batches.map((batch) => (JSON.parse(batch as string) as unknown[]).length);
    expect(sizes.every((size) => size <= 10_000)).toBe(true);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(25_000);
  });
  it("are taken a share at a time, so that others have their turns between", async () => {
    const { link, pass, frames, time } = quiet();
    await link.bring(...numbered(1, 1_000));
    expect(frames.length).toBeLessThan(300);
    let turns = 0;
    for (let before = -1; before < frames.length; turns++) {
      before = frames.length;
      time.schedule(0, () => undefined); // somebody else's turn
      pass();
      await microtasks();
      expect(frames.length - before).toBeLessThan(300);
    }
    expect(frames.map(({ number }) => number)).toEqual(numbered(1, 1_000).map(([number]) => number));
    expect(turns).toBeGreaterThan(3);
  });
  it("that wait for their turn when another link takes over are dropped: they will come again", async () => {
    const { link, pass, frames, relink, session } = quiet();
    await link.bring(...numbered(1, 1_000));
    const taken = frames.length;
    const next = relink({ next: 1, first: 1 });
    pass();
    await microtasks();
    expect(frames).toHaveLength(taken);
    await next.bring(...numbered(1, 200), [201, "take", 2, 201]);
    for (let turn = 0; turn < 5; turn++) {
      pass();
      await microtasks();
    }
    expect(session.position.next).toBe(Math.max(taken, 201) + 1);
  });
  it("that were accepted before are dropped without a word", () => {
    const { receive, frames, finishes } = quiet();
    receive(...numbered(1, 3));
    for (let again = 0; again < 100; again++) receive(...numbered(1, 3));
    receive(...numbered(2, 4));
    expect(frames.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(finishes).toEqual([]);
  });

  it.each([2, 3, 1e9, Number.MAX_SAFE_INTEGER])("that leave a gap end the session: %d first", (first) => {
    const it_ = quiet();
    expect(it_.receive([first, "take", 2, 1])).toBe(false);
    expect(it_.frames).toEqual([]);
    expect(codeOf(it_)).toBe("PROTOCOL_VIOLATION");
  });

  it("that leave a gap in the middle of a batch end it there: what came before counts", () => {
    const it_ = quiet();
    expect(it_.receive([1, "take", 2, 1], [3, "take", 2, 3], [2, "take", 2, 2])).toBe(false);
    expect(it_.frames.map(({ number }) => number)).toEqual([1]);
  });

  it("of frames that could not be handled are not tried again", () => {
    const it_ = quiet({
      onFrame: () => {
        throw new NetchanError("LIMIT_EXCEEDED", "more than 3 cups");
      },
    });
    expect(it_.receive([1, "take", 2, 1], [2, "take", 2, 2])).toBe(false);
    expect(it_.frames).toHaveLength(1);
    expect(ends(it_)).toEqual([["end", "LIMIT_EXCEEDED", "more than 3 cups"]]);
  });
});

describe("acknowledgements", () => {
  it("come 50 ms after a lone frame, once", () => {
    const it_ = quiet();
    it_.receive(...numbered(1, 1));
    it_.pass(49);
    expect(acks(it_)).toEqual([]);
    it_.pass(1);
    expect(acks(it_)).toEqual([["ack", 1]]);
    it_.pass(1_000);
    expect(acks(it_)).toHaveLength(1);
  });

  it("come 50 ms after the first of several frames, for all of them", () => {
    const it_ = quiet();
    it_.receive(...numbered(1, 1));
    it_.pass(40);
    it_.receive(...numbered(2, 5));
    it_.pass(10);
    expect(acks(it_)).toEqual([["ack", 5]]);
    it_.pass(1_000);
    expect(acks(it_)).toHaveLength(1);
  });

  it("come at the end of the turn after 32 frames", () => {
    const it_ = quiet();
    it_.receive(...numbered(1, 31));
    it_.pass();
    expect(acks(it_)).toEqual([]);
    it_.receive(...numbered(32, 32));
    it_.pass();
    expect(acks(it_)).toEqual([["ack", 32]]);
  });

  it("come at the end of the turn after 64 KiB", () => {
    const it_ = quiet();
    const value = (length: number) => "x".repeat(length);
    it_.receive([1, "send", 1, 1, 40_002, value(40_000)]);
    it_.pass();
    expect(acks(it_)).toEqual([]);
    it_.receive([2, "send", 1, 2, 30_002, value(30_000)]);
    it_.pass();
    expect(acks(it_)).toEqual([["ack", 2]]);
  });

  it("travel with whatever goes out before that, in front of it", () => {
    const it_ = quiet();
    it_.receive(...numbered(1, 2));
    it_.session.post('"sent",1,1');
    it_.pass();
    expect(it_.sent()).toEqual([
      ["ack", 2],
      [1, "sent", 1, 1],
    ]);
    it_.pass(1_000);
    expect(acks(it_)).toHaveLength(1);
  });

  it("are not sent when there is nothing new to acknowledge", () => {
    const it_ = quiet();
    it_.receive(["ping", 1]);
    it_.receive(["ack", 0]);
    it_.pass(1_000);
    expect(acks(it_)).toEqual([]);
  });

  it("free what was kept for them", () => {
    const { session, receive, pass } = quiet();
    for (let count = 0; count < 5; count++) session.post('"ready"');
    pass();
    const { keptBytes } = session.stats;
    receive(["ack", 2]);
    expect(session.stats.kept).toBe(3);
    expect(session.stats.keptBytes).toBe((keptBytes / 5) * 3);
    receive(["ack", 2]);
    expect(session.stats.kept).toBe(3);
    receive(["ack", 5]);
    expect(session.stats).toMatchObject({ kept: 0, keptBytes: 0 });
  });

  it("free what was kept for thousands of frames, in steps of any size", () => {
    const { session, receive, pass } = quiet();
    for (let count = 0; count < 5_000; count++) session.post('"ready"');
    pass();
    for (let acknowledged = 7; acknowledged <= 5_000; acknowledged += 7) {
      receive(["ack", acknowledged]);
      expect(session.stats.kept).toBe(5_000 - acknowledged);
    }
  });

  it.each([
    ["of what was never sent", 3],
    ["that goes back", 0],
    ["that is negative", -1],
    ["of half a frame", 1.5],
    ["in text", "1"],
    ["of nothing", null],
    ["of a list", [1]],
    ["of 2^53", 2 ** 53],
  ])("%s ends the session", (_what, acknowledged) => {
    const it_ = quiet();
    it_.session.post('"ready"');
    it_.session.post('"ready"');
    it_.pass();
    expect(it_.receive(["ack", 1])).toBe(true);
    expect(it_.receive(["ack", acknowledged])).toBe(false);
    expect(codeOf(it_)).toBe("PROTOCOL_VIOLATION");
    expect(ends(it_)).toHaveLength(1);
  });
});

describe("batches", () => {
  it("hold all frames of one turn", () => {
    const { session, pass, link } = quiet();
    for (let count = 0; count < 100; count++) session.post('"ready"');
    expect(link.batches).toEqual([]);
    pass();
    expect(link.batches).toHaveLength(1);
    session.post('"ready"');
    pass();
    expect(link.batches).toHaveLength(2);
  });

  it("hold what is posted while frames are handled, in one more", () => {
    const it_: Scene = quiet({ onFrame: () => it_.session.post('"sent",1,1') });
    it_.receive(...numbered(1, 20));
    it_.pass();
    expect(it_.link.batches).toHaveLength(1);
    expect(it_.sent()).toHaveLength(21);
  });

  it("are split so that the other side accepts each", () => {
    const peerMaxFrameBytes = 1_000;
    const { session, pass, link, sent } = quiet({ peerMaxFrameBytes });
    for (let count = 1; count <= 100; count++) session.post(`"send",1,${count},100,"${"x".repeat(98)}"`);
    pass();
    expect(link.batches.length).toBeGreaterThan(10);
    for (const batch of link.batches) expect(batch.length).toBeLessThanOrEqual(peerMaxFrameBytes);
    expect(sent().map(([number]) => number)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it("are split at 256 KiB, so that the other side can begin with the first", () => {
    const { session, pass, link } = quiet();
    for (let count = 1; count <= 10; count++) session.post(`"send",1,${count},100002,"${"x".repeat(100_000)}"`);
    pass();
    expect(link.batches.length).toBe(5);
    for (const batch of link.batches) expect(batch.length).toBeLessThan(256 * 1024);
  });

  it("hold one frame at least", () => {
    const { session, pass, link } = quiet();
    session.post(`"send",1,1,1000002,"${"x".repeat(1_000_000)}"`);
    session.post('"bye"');
    pass();
    expect(link.batches).toHaveLength(2);
  });

  it("are bytes when there is binary, its sidecars in the order of the frames", () => {
    const { session, pass, link } = quiet();
    session.post('"send",1,1,2,0,null,[],[2]', [Uint8Array.of(1, 2)]);
    session.post('"ready"');
    session.post('"send",1,2,1,0,null,[],[1]', [Uint8Array.of(3)]);
    pass();
    expect(link.batches).toHaveLength(1);
    expect(Array.from((link.batches[0] as Uint8Array).subarray(-3))).toEqual([1, 2, 3]);
  });

  it("count sidecars, and each batch has its own", () => {
    const { session, pass, link } = quiet({ peerMaxFrameBytes: 3_000 });
    for (let count = 1; count <= 4; count++) session.post(`"send",1,${count},400,0,null,[],[400]`, [new Uint8Array(400).fill(count)]);
    pass();
    expect(link.batches).toHaveLength(2);
    expect(link.batches.map((batch) => Array.from(new Set((batch as Uint8Array).subarray(-800))))).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});

describe("backpressure", () => {
  it("holds everything back while the link is congested", async () => {
    const { session, pass, link, sent } = quiet();
    link.congest();
    session.post('"ready"');
    pass();
    session.post('"drain",5000');
    session.post('"drained"');
    pass(10);
    expect(link.batches).toHaveLength(1);
    await link.relieve();
    expect(link.batches).toHaveLength(2);
    expect(sent().map(([, type]) => type)).toEqual(["ready", "drain", "drained"]);
  });

  it("gives the link up when that says that waiting is in vain: what was not acknowledged goes out over the next one", async () => {
    const { session, pass, link, relink, suspensions } = quiet();
    link.congest();
    session.post('"ready"');
    pass();
    session.post('"drained"');
    await link.relieve(true);
    pass();
    expect(suspensions).toMatchObject([{ code: "DIAL_FAILED", cause: { message: "the link failed" } }]);
    expect(link.batches).toHaveLength(1);
    const next = relink({ next: 1, first: 1 });
    pass();
    expect(next.sent()).toEqual([
      ["ack", 0],
      [1, "ready"],
      [2, "drained"],
    ]);
  });

  it("stops between two batches when the link becomes congested", async () => {
    const { session, pass, link, sent } = quiet({ peerMaxFrameBytes: 1_000 });
    link.congest();
    for (let count = 1; count <= 20; count++) session.post(`"send",1,${count},300,"${"x".repeat(298)}"`);
    pass();
    expect(link.batches).toHaveLength(1);
    await link.relieve();
    expect(sent()).toHaveLength(20);
  });

  it("says that it is congested while more is unacknowledged than may be kept, and once when there is room again", () => {
    const { session, pass, receive, drained } = quiet({ limits: { maxReplayBytes: 4_096 } });
    expect(session.congested).toBe(false);
    for (let count = 1; count <= 10; count++) session.post(`"send",1,${count},1000,"${"x".repeat(998)}"`);
    expect(session.congested).toBe(true);
    pass();
    receive(["ack", 7]);
    expect(session.congested).toBe(false);
    expect(drained()).toBe(0); // more than half is still there
    receive(["ack", 9]);
    expect(drained()).toBe(1);
    receive(["ack", 10]);
    expect(drained()).toBe(1);
  });

  it("says nothing of room to who never heard that there was none", () => {
    const { session, pass, receive, drained } = quiet();
    session.post('"ready"');
    pass();
    receive(["ack", 1]);
    expect(drained()).toBe(0);
  });

  it("never evicts: what is posted in spite of it is kept", () => {
    const { session, pass, sent } = quiet({ limits: { maxReplayBytes: 4_096 } });
    for (let count = 1; count <= 100; count++) session.post(`"send",1,${count},1000,"${"x".repeat(998)}"`);
    pass();
    expect(session.stats.kept).toBe(100);
    expect(sent()).toHaveLength(100);
  });
});

describe("ping", () => {
  it("measures the round trip, behind all that was sent before", () => {
    const { session, pass, receive, sent } = quiet();
    const answers: number[] = [];
    session.post('"ready"');
    session.ping((ms) => answers.push(ms));
    session.ping((ms) => answers.push(ms));
    pass(25);
    expect(sent().slice(1)).toEqual([
      ["ping", 1],
      ["ping", 2],
    ]);
    receive(["pong", 1]);
    pass(5);
    receive(["pong", 2]);
    expect(answers).toEqual([25, 30]);
  });

  it("is answered with its own number", () => {
    const { pass, receive, sent } = quiet();
    receive(["ping", 7], ["ping", 8]);
    pass();
    expect(sent()).toEqual([
      ["pong", 7],
      ["pong", 8],
    ]);
  });

  it("is answered once: other pongs mean nothing", () => {
    const { session, receive } = quiet();
    const answers: number[] = [];
    session.ping((ms) => answers.push(ms));
    expect(receive(["pong", 9], ["pong", null], ["pong", "__proto__"], ["pong", 1], ["pong", 1])).toBe(true);
    expect(answers).toHaveLength(1);
  });

  it("can be forgotten", () => {
    const { session, receive } = quiet();
    const forget = session.ping(() => {
      throw new Error("forgotten");
    });
    forget();
    expect(session.stats.pings).toBe(0);
    expect(receive(["pong", 1])).toBe(true);
  });

  it("fails when the session ends first", () => {
    const { session } = quiet();
    let failed = 0;
    session.ping(
      () => undefined,
      () => {
        failed++;
      },
    );
    session.finish({ reason: "lost", error: undefined });
    expect(failed).toBe(1);
  });

  it.each([1.5, "1", null, [], 2 ** 53])("with %j for a number ends the session", (number) => {
    const it_ = quiet();
    expect(it_.receive(["ping", number])).toBe(false);
    expect(codeOf(it_)).toBe("PROTOCOL_VIOLATION");
  });
});

describe("silence", () => {
  const asking: SceneOptions = { heartbeatMs: 1_000, asks: true };

  it("of three heartbeats gives the link up, and the session waits for another", () => {
    const it_ = quiet(asking);
    it_.pass(2_999);
    expect(it_.suspensions).toEqual([]);
    it_.pass(1);
    expect(it_.suspensions).toMatchObject([{ code: "DIAL_FAILED" }]);
    expect(it_.link.closed).toHaveLength(1);
    expect(it_.session.linked).toBe(false);
    expect(it_.finishes).toEqual([]);
    expect(ends(it_)).toEqual([]); // nobody is there to hear it
  });

  it("makes the listener ask, once a heartbeat", () => {
    const { pass, sent } = quiet(asking);
    pass(999);
    expect(sent()).toEqual([]);
    pass(1);
    expect(sent()).toEqual([["ping", 1]]);
    pass(1_000);
    expect(sent()).toHaveLength(2);
  });

  it("is over as soon as anything comes", () => {
    const { pass, receive, suspensions, sent } = quiet(asking);
    for (let answered = 1; answered <= 20; answered++) {
      pass(1_000);
      receive(["pong", answered]);
    }
    expect(suspensions).toEqual([]);
    expect(sent()).toHaveLength(20);
  });

  it("needs no question while frames keep coming", () => {
    const { pass, receive, sent } = quiet(asking);
    for (let number = 1; number <= 20; number++) {
      pass(500);
      receive([number, "take", 2, number]);
    }
    expect(sent().filter(([type]) => type === "ping")).toEqual([]);
  });

  it("makes the dialer ask nothing, but it notices", () => {
    const it_ = quiet({ heartbeatMs: 1_000, asks: false });
    it_.pass(3_000);
    expect(it_.sent()).toEqual([]);
    expect(it_.suspensions).toHaveLength(1);
  });
});

describe("the end", () => {
  it("by the other side is an abort, with its code and text", () => {
    const it_ = quiet();
    expect(it_.receive(["end", "SESSION_CLOSED", "going home"])).toBe(false);
    expect(it_.finishes[0]).toMatchObject({ reason: "aborted", error: { code: "SESSION_CLOSED", message: "[SESSION_CLOSED] going home" } });
    expect(ends(it_)).toEqual([]);
  });

  it("by this side is told at once, behind what was waiting", () => {
    const it_ = quiet();
    it_.session.post('"ready"');
    it_.session.fail(new NetchanError("SESSION_CLOSED", "enough"));
    expect(it_.sent()).toEqual([
      [1, "ready"],
      ["end", "SESSION_CLOSED", "enough"],
    ]);
    expect(it_.finishes[0]?.reason).toBe("aborted");
    expect(it_.link.closed).toEqual(["SESSION_CLOSED"]);
  });

  it("after a goodbye comes when the other side has everything", () => {
    const it_ = quiet();
    it_.session.post('"drained"');
    it_.session.post('"bye"');
    it_.session.leave({ reason: "closed", error: undefined });
    expect(it_.sent()).toEqual([
      ["ack", 0],
      [1, "drained"],
      [2, "bye"],
    ]);
    it_.receive(["ack", 1]);
    expect(it_.finishes).toEqual([]);
    it_.receive(["ack", 2]);
    expect(it_.finishes).toEqual([{ reason: "closed", error: undefined }]);
    expect(it_.link.closed).toEqual(["closed"]);
  });

  it("after a goodbye comes at once when the other side has everything already", () => {
    const it_ = quiet();
    it_.session.post('"bye"');
    it_.pass();
    it_.receive(["ack", 1], [1, "bye"]);
    it_.session.leave({ reason: "closed", error: undefined });
    expect(it_.sent()).toEqual([
      [1, "bye"],
      ["ack", 1],
    ]);
    expect(it_.finishes).toHaveLength(1);
  });

  it("after a goodbye says of each frame at once that it has come: the other side waits for nothing else", () => {
    const it_ = quiet();
    it_.session.post('"bye"');
    it_.session.leave({ reason: "closed", error: undefined });
    it_.receive([1, "drained"]);
    it_.pass();
    expect(acks(it_).at(-1)).toEqual(["ack", 1]);
  });

  it("after a goodbye goes out whatever the link says, over the next one if need be", async () => {
    const it_ = quiet();
    it_.link.congest();
    it_.session.post('"drain",5000');
    it_.pass();
    it_.session.post('"bye"');
    it_.session.leave({ reason: "closed", error: undefined });
    expect(it_.sent().map(([, type]) => type)).toContain("bye");
    await it_.link.fail();
    expect(it_.finishes).toEqual([]);
    const next = it_.relink({ next: 2, first: 1 });
    it_.pass();
    expect(next.sent()).toEqual([
      ["ack", 0],
      [2, "bye"],
    ]);
    await next.bring(["ack", 2]);
    expect(it_.finishes).toHaveLength(1);
  });

  it("is one end: whatever comes later changes nothing", () => {
    const it_ = quiet({ heartbeatMs: 1_000, asks: true });
    it_.session.finish({ reason: "closed", error: undefined });
    it_.session.finish({ reason: "lost", error: undefined });
    it_.session.fail(new NetchanError("SESSION_CLOSED", "late"));
    it_.session.leave({ reason: "aborted", error: undefined });
    it_.session.unlink("late");
    it_.session.rouse();
    it_.session.hide(true);
    expect(it_.relink({ next: 1, first: 1 }).closed).toHaveLength(1);
    it_.session.post('"ready"');
    it_.session.control('["ping",1]');
    expect(it_.receive(...numbered(1, 2))).toBe(false);
    it_.pass(10_000);
    expect(it_.finishes).toEqual([{ reason: "closed", error: undefined }]);
    expect(it_.sent()).toEqual([]);
    expect(it_.frames).toEqual([]);
  });

  it("in the middle of a batch lets nothing behind it in", () => {
    const it_ = quiet();
    expect(it_.receive([1, "take", 2, 1], ["end", "SESSION_CLOSED", ""], [2, "take", 2, 2])).toBe(false);
    expect(it_.frames).toHaveLength(1);
  });

  it("by the owner, while it handles a frame, lets nothing behind it in", () => {
    const it_: Scene = quiet({ onFrame: () => it_.session.finish({ reason: "closed", error: undefined }) });
    expect(it_.receive(...numbered(1, 3))).toBe(false);
    expect(it_.frames).toHaveLength(1);
  });

  it("for a fault of this process tells the other side nothing about it", () => {
    const it_ = quiet({
      onFrame: () => {
        throw new Error("/home/me/secret.ts is undefined");
      },
    });
    it_.receive(...numbered(1, 1));
    expect(ends(it_)).toEqual([["end", "PROTOCOL_VIOLATION", "a frame could not be handled"]]);
    expect(it_.finishes[0]?.error?.cause).toBeInstanceOf(Error);
  });

  it.each(["SESSION_CLOSED", "SESSION_LOST", "PROTOCOL_VIOLATION", "LIMIT_EXCEEDED", "SESSION_REFUSED", "VERSION_MISMATCH"])(
    "may say %s",
    (code) => {
      expect(remoteError(code, "x").code).toBe(code);
    },
  );
  it.each(["RECEIVER_LOST", "TEAPOT", "__proto__", "", 5, null, undefined, ["SESSION_CLOSED"], {}])(
    "says PROTOCOL_VIOLATION when it says %j",
    (code) => {
      expect(remoteError(code, "x").code).toBe("PROTOCOL_VIOLATION");
    },
  );
  it("has a text of at most a thousand characters, and a string", () => {
    expect(remoteError("SESSION_CLOSED", "x".repeat(5_000)).message).toHaveLength("[SESSION_CLOSED] ".length + 1_000);
    expect(remoteError("SESSION_CLOSED", { toString: () => "shaped" }).message).not.toContain("shaped");
  });
});

describe("a link", () => {
  it("begins with an acknowledgement, and hears no page before this one was hidden", () => {
    const { session, relink, pass } = quiet();
    const second = relink();
    pass();
    expect(second.sent()).toEqual([["ack", 0]]);
    session.hide(true);
    pass();
    expect(second.sent().slice(1)).toEqual([["page", "hidden"]]);
    const third = relink();
    pass();
    expect(third.sent()).toContainEqual(["page", "hidden"]);
    session.hide(false);
    session.hide(false);
    pass();
    expect(third.sent().filter(([type]) => type === "page")).toEqual([
      ["page", "hidden"],
      ["page", "visible"],
    ]);
  });

  it.each(["end", "fail"] as const)("whose reading %ss suspends the session, with the cause, and drops the link", async (how) => {
    const { link, session, suspensions, finishes } = quiet();
    await link[how]();
    expect(suspensions).toHaveLength(1);
    expect(suspensions[0]).toMatchObject({ code: "DIAL_FAILED", cause: how === "fail" ? { message: "cut" } : undefined });
    expect(session.linked).toBe(false);
    expect(finishes).toEqual([]);
  });

  it("that throws when it is sent on suspends the session", () => {
    const { link, session, pass, suspensions } = quiet();
    link.send = () => {
      throw new Error("boom");
    };
    session.post('"ready"');
    pass();
    expect(suspensions).toMatchObject([{ code: "DIAL_FAILED", cause: { message: "boom" } }]);
  });

  it("of an earlier one changes nothing: what it brings, that it ends, that it fails", async () => {
    const { link, relink, frames, suspensions, session, pass } = quiet();
    const second = relink({ next: 1, first: 1 });
    expect(link.closed).toHaveLength(1);
    await link.bring(...numbered(1, 3), ["ack", 99], ["end", "SESSION_CLOSED", ""]);
    await link.end();
    expect([frames, suspensions]).toEqual([[], []]);
    expect(session.linked).toBe(true);
    await second.bring(...numbered(1, 1));
    expect(frames).toHaveLength(1);
    pass(50);
    expect(second.sent().at(-1)).toEqual(["ack", 1]);
  });

  it("gets again what was not acknowledged, with its old numbers and in order, then what is new", async () => {
    const { session, pass, receive, link, relink } = quiet();
    for (let count = 1; count <= 5; count++) session.post(`"sent",1,${count}`);
    pass();
    receive(["ack", 2]);
    await link.fail();
    session.post('"sent",1,6');
    const second = relink({ next: 4, first: 1 });
    session.post('"sent",1,7');
    pass();
    expect(second.sent()).toEqual([["ack", 0], ...[4, 5, 6, 7].map((number) => [number, "sent", 1, number])]);
  });

  it("carries sidecars again", async () => {
    const { session, pass, link, relink } = quiet();
    session.post('"send",1,1,2,0,null,[],[2]', [Uint8Array.of(1, 2)], true);
    pass();
    await link.fail();
    const second = relink({ next: 1, first: 1 });
    pass();
    expect(Array.from((second.batches[0] as Uint8Array).subarray(-2))).toEqual([1, 2]);
  });

  it("may be lost before anything was written: numbers begin with the first that was", async () => {
    const { session, pass, link, relink } = quiet();
    session.post('"ready"');
    await link.fail();
    pass(1_000);
    expect(link.batches).toEqual([]);
    const second = relink({ next: 1, first: 1 });
    pass();
    expect(second.sent()).toEqual([
      ["ack", 0],
      [1, "ready"],
    ]);
  });

  it("that is congested holds up no other", async () => {
    const { session, pass, link, relink } = quiet();
    link.congest();
    session.post('"ready"');
    pass();
    session.post('"drain",5000');
    pass();
    const second = relink({ next: 1, first: 1 });
    pass();
    expect(second.sent().map(([, type]) => type)).toEqual([0, "ready", "drain"]);
    await link.relieve();
    pass();
    expect(link.batches).toHaveLength(1);
    expect(second.sent()).toHaveLength(3);
  });

  it("carries no control frame of the one before: pings are asked again, everything else is", async () => {
    const { session, pass, link, relink } = quiet();
    const answers: number[] = [];
    session.ping((ms) => answers.push(ms));
    session.control('["pong",7]');
    await link.fail();
    session.control('["pong",8]');
    pass(5_000);
    const second = relink({ next: 1, first: 1 });
    pass(20);
    expect(second.sent()).toEqual([
      ["ack", 0],
      ["ping", 1],
    ]);
    await second.bring(["pong", 1]);
    expect(answers).toEqual([20]); // the round trip over the present link
  });

  it("lost for good while a goodbye was under way ends nothing by itself", async () => {
    const { session, link, finishes, pass } = quiet();
    session.post('"bye"');
    session.leave({ reason: "closed", error: undefined });
    await link.fail();
    pass(60_000);
    expect(finishes).toEqual([]);
  });

  it.each([
    ["wants a frame that was never sent", { next: 5, first: 1 }],
    ["wants a frame that was never sent, far away", { next: Number.MAX_SAFE_INTEGER, first: 1 }],
    ["has not kept what is wanted", { next: 1, first: 4 }],
    ["has not kept anything", { next: 1, first: Number.MAX_SAFE_INTEGER }],
  ])("over which the other side %s ends the session", (_what, position) => {
    const it_ = quiet();
    for (let count = 1; count <= 3; count++) it_.session.post(`"sent",1,${count}`);
    it_.pass();
    it_.receive(...numbered(1, 2));
    const second = it_.relink(position);
    expect(codeOf(it_)).toBe("PROTOCOL_VIOLATION");
    expect(second.sent().at(-1)?.slice(0, 2)).toEqual(["end", "PROTOCOL_VIOLATION"]);
    expect(second.closed).toHaveLength(1);
    expect(it_.connected()).toBe(1);
  });

  it("may say less than is known already: an acknowledgement over the old one overtook it", () => {
    const { session, pass, receive, relink, finishes } = quiet();
    for (let count = 1; count <= 3; count++) session.post(`"sent",1,${count}`);
    pass();
    receive(["ack", 3]);
    const second = relink({ next: 2, first: 1 });
    pass();
    expect(finishes).toEqual([]);
    expect(second.sent()).toEqual([["ack", 0]]);
  });

  it("tells that there is room again when its answer made some", async () => {
    const { session, pass, link, relink, drained } = quiet({ limits: { maxReplayBytes: 4_096 } });
    for (let count = 1; count <= 10; count++) session.post(`"send",1,${count},1000,"${"x".repeat(998)}"`, [], true);
    expect(session.congested).toBe(true);
    pass();
    await link.fail();
    relink({ next: 11, first: 1 });
    expect(drained()).toBe(1);
    expect(session.congested).toBe(false);
  });
});

describe("a frame that no link has carried", () => {
  it("can be taken back, and leaves no gap", () => {
    const { session, pass, sent } = quiet();
    session.post('"sent",1,1');
    const second = session.post('"sent",1,2');
    session.post('"sent",1,3');
    expect(second.number).toBe(0);
    expect(session.recall(second)).toBe(true);
    expect(session.recall(second)).toBe(false);
    pass();
    expect(sent()).toEqual([
      [1, "sent", 1, 1],
      [2, "sent", 1, 3],
    ]);
  });

  it("can be taken back while there is no link; one that was written cannot", async () => {
    const { session, pass, link, relink } = quiet();
    const written = session.post('"sent",1,1');
    pass();
    await link.fail();
    const waiting = session.post('"sent",1,2');
    expect([session.recall(written), session.recall(waiting)]).toEqual([false, true]);
    const second = relink({ next: 1, first: 1 });
    pass();
    expect(second.sent()).toEqual([
      ["ack", 0],
      [1, "sent", 1, 1],
    ]);
  });

  it("leaves nothing behind when it is taken back", async () => {
    const { session, link } = quiet();
    await link.fail();
    for (let count = 0; count < 1_000; count++) session.recall(session.post(`"send",1,1,1000,"${"x".repeat(998)}"`, [], true));
    expect(session.stats).toEqual({ kept: 0, keptBytes: 0, waiting: 0, pings: 0 });
  });
});

describe("a side that was silent", () => {
  it("is fresh for a second after it was heard, and never without a link", async () => {
    const { session, pass, receive, link } = quiet();
    expect(session.fresh).toBe(true);
    pass(1_001);
    expect(session.fresh).toBe(false);
    receive(["pong", 1]);
    expect(session.fresh).toBe(true);
    await link.fail();
    expect(session.fresh).toBe(false);
  });

  it("is asked once, and awake with whatever it says", async () => {
    const { session, pass, sent, receive, awake, relink, link } = quiet();
    pass(5_000);
    for (let count = 0; count < 3; count++) session.rouse();
    pass();
    expect(sent().filter(([type]) => type === "ping")).toHaveLength(1);
    expect(awake()).toBe(0);
    receive(["ack", 0]);
    expect(awake()).toBe(1);
    receive(["ack", 0]);
    expect(awake()).toBe(1);
    session.rouse();
    await link.fail();
    const second = relink({ next: 1, first: 1 });
    await second.bring(["ack", 0]);
    expect(awake()).toBe(1); // asked over a link that is gone
  });

  it("is asked again once it was awake", () => {
    const { session, pass, sent, receive } = quiet();
    session.rouse();
    pass();
    receive(["pong", 1]);
    session.rouse();
    pass();
    expect(sent().filter(([type]) => type === "ping")).toHaveLength(2);
  });
});

describe("a hostile peer", () => {
  it.each([
    ["nothing", ""],
    ["null", "null"],
    ["a number", "5"],
    ["a string", '"x"'],
    ["an object", "{}"],
    ["an empty list", "[]"],
    ["an empty frame", "[[]]"],
    ["half a batch", '[[1,"take"'],
    ["an unknown type", '[[1,"nonsense"]]'],
    ["__proto__ for a type", '[["__proto__",1]]'],
    ["a field too few", '[[1,"take",2]]'],
    ["a field too many", '[[1,"take",2,1,1]]'],
    ["number 0", '[[0,"take",2,1]]'],
    ["number -1", '[[-1,"take",2,1]]'],
    ["number 1.5", '[[1.5,"take",2,1]]'],
    ["number 1e400", '[[1e400,"take",2,1]]'],
    ["a number in text", '[["1","take",2,1]]'],
    ["number 2^53", '[[9007199254740992,"take",2,1]]'],
    ["a gap of a thousand million", '[[1000000001,"take",2,1]]'],
    ["a release of 2^53", '[[1,"release",4,9007199254740992]]'],
    ["a release of less than nothing", '[[1,"release",4,-1]]'],
    ["a window of less than nothing", '[[1,"window",-1]]'],
    ["an end named __proto__", '[[1,"take","__proto__",1]]'],
    ["a second hello", '[["hello",{"version":1}]]'],
    ["a second welcome", '[["welcome",{}]]'],
    ["a resume on a link that was admitted", '[["resume",{}]]'],
    ["a resumed out of place", '[["resumed",{}]]'],
    ["a wrong door out of place", '[["wrong-door"]]'],
    ["a page that is nothing of both", '[["page","toString"]]'],
    ["a page of null", '[["page",null]]'],
    ["a refusal out of place", '[["refused","SESSION_REFUSED",""]]'],
    ["bytes of nothing", new Uint8Array(0)],
    ["three bytes", new Uint8Array(3)],
    ["bytes that promise more", Uint8Array.of(255, 255, 255, 255, 91, 93)],
    ["bytes that are not UTF-8", Uint8Array.of(0, 0, 0, 2, 0xff, 0xfe)],
  ])("that sends %s is told PROTOCOL_VIOLATION and is gone", (_what, batch) => {
    const it_ = quiet();
    expect(take(it_.session, batch)).toBe(false);
    expect(codeOf(it_)).toBe("PROTOCOL_VIOLATION");
    expect(ends(it_)).toHaveLength(1);
    expect(ends(it_)[0]?.[1]).toBe("PROTOCOL_VIOLATION");
    expect(it_.frames).toEqual([]);
    expect(it_.link.closed).toHaveLength(1);
    expect(take(it_.session, '[[1,"take",2,1]]')).toBe(false);
  });

  it("that repeats old frames a hundred thousand times changes nothing", () => {
    const { receive, frames, session } = quiet();
    receive(...numbered(1, 10));
    const again = JSON.stringify(numbered(1, 10));
    for (let count = 0; count < 10_000; count++) expect(take(session, again)).toBe(true);
    expect(frames).toHaveLength(10);
  });

  it("gets its own text back in no error", () => {
    const it_ = quiet();
    take(it_.session, '[["s3cret",1]]');
    expect(JSON.stringify(it_.sent())).not.toContain("s3cret");
    expect(it_.finishes[0]?.error?.message).not.toContain("s3cret");
  });
});
