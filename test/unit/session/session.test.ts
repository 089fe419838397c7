/** Numbers, acknowledgements, batches, backpressure, liveness and ends of a session, on a virtual clock. */
import { describe, expect, it, onTestFinished } from "vitest";
import { NetchanError } from "../../../src/errors.js";
import { remoteError } from "../../../src/session/session.js";
import { numbered, type Scene, type SceneOptions, scene } from "./support.js";

/** A scene that has to end quiet: no timer, no frame, no ping is left once its session is over. */
function quiet(options: SceneOptions = {}): Scene {
  const made = scene(options);
  onTestFinished(() => {
    made.session.finish({ reason: "closed", error: undefined });
    made.pass();
    expect(made.time.nextAt, "a timer is left").toBeUndefined();
    expect(made.session.stats).toEqual({ kept: 0, keptBytes: 0, outgoing: 0, pings: 0 });
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
    const { session, receive } = quiet();
    for (let count = 0; count < 5; count++) session.post('"ready"');
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
    const { session, receive } = quiet();
    for (let count = 0; count < 5_000; count++) session.post('"ready"');
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
    session.post('"drain"');
    session.post('"drained"');
    pass(10);
    expect(link.batches).toHaveLength(1);
    await link.relieve();
    expect(link.batches).toHaveLength(2);
    expect(sent().map(([, type]) => type)).toEqual(["ready", "drain", "drained"]);
  });

  it("goes on when the link says that waiting is in vain: `received` tells of its death", async () => {
    const { session, pass, link } = quiet();
    link.congest();
    session.post('"ready"');
    pass();
    session.post('"drain"');
    await link.relieve(true);
    expect(link.batches).toHaveLength(2);
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
  it("of three heartbeats ends the session as lost", () => {
    const it_ = quiet();
    it_.session.watch(1_000, true);
    it_.pass(2_999);
    expect(it_.finishes).toEqual([]);
    it_.pass(1);
    expect(it_.finishes[0]).toMatchObject({ reason: "lost", error: { code: "SESSION_LOST" } });
    expect(ends(it_)).toEqual([]); // nobody is there to hear it
  });

  it("makes the listener ask, once a heartbeat", () => {
    const { session, pass, sent } = quiet();
    session.watch(1_000, true);
    pass(999);
    expect(sent()).toEqual([]);
    pass(1);
    expect(sent()).toEqual([["ping", 1]]);
    pass(1_000);
    expect(sent()).toHaveLength(2);
  });

  it("is over as soon as anything comes", () => {
    const { session, pass, receive, finishes, sent } = quiet();
    session.watch(1_000, true);
    for (let answered = 1; answered <= 20; answered++) {
      pass(1_000);
      receive(["pong", answered]);
    }
    expect(finishes).toEqual([]);
    expect(sent()).toHaveLength(20);
  });

  it("needs no question while frames keep coming", () => {
    const { session, pass, receive, sent } = quiet();
    session.watch(1_000, true);
    for (let number = 1; number <= 20; number++) {
      pass(500);
      receive([number, "take", 2, number]);
    }
    expect(sent().filter(([type]) => type === "ping")).toEqual([]);
  });

  it("makes the dialer ask nothing, but it notices", () => {
    const it_ = quiet();
    it_.session.watch(1_000, false);
    it_.pass(3_000);
    expect(it_.sent()).toEqual([]);
    expect(it_.finishes[0]?.reason).toBe("lost");
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
    it_.session.abort(new NetchanError("SESSION_CLOSED", "enough"));
    expect(it_.sent()).toEqual([
      [1, "ready"],
      ["end", "SESSION_CLOSED", "enough"],
    ]);
    expect(it_.finishes[0]?.reason).toBe("aborted");
    expect(it_.link.closed).toEqual(["SESSION_CLOSED"]);
  });

  it("after a goodbye comes when everything was sent", () => {
    const it_ = quiet();
    it_.session.post('"bye"');
    it_.session.finishAfterFlush({ reason: "closed", error: undefined });
    expect(it_.sent()).toEqual([[1, "bye"]]);
    expect(it_.finishes).toEqual([{ reason: "closed", error: undefined }]);
    expect(it_.link.closed).toEqual(["closed"]);
  });

  it("is one end: whatever comes later changes nothing", () => {
    const it_ = quiet();
    it_.session.watch(1_000, true);
    it_.session.finish({ reason: "closed", error: undefined });
    it_.session.finish({ reason: "lost", error: undefined });
    it_.session.abort(new NetchanError("SESSION_CLOSED", "late"));
    it_.session.finishAfterFlush({ reason: "aborted", error: undefined });
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

  it.each(["SESSION_CLOSED", "PROTOCOL_VIOLATION", "LIMIT_EXCEEDED", "SESSION_REFUSED", "VERSION_MISMATCH"])("may say %s", (code) => {
    expect(remoteError(code, "x").code).toBe(code);
  });
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
    ["a refusal out of place", '[["refused","SESSION_REFUSED",""]]'],
    ["bytes of nothing", new Uint8Array(0)],
    ["three bytes", new Uint8Array(3)],
    ["bytes that promise more", Uint8Array.of(255, 255, 255, 255, 91, 93)],
    ["bytes that are not UTF-8", Uint8Array.of(0, 0, 0, 2, 0xff, 0xfe)],
  ])("that sends %s is told PROTOCOL_VIOLATION and is gone", (_what, batch) => {
    const it_ = quiet();
    expect(it_.session.receive(batch)).toBe(false);
    expect(codeOf(it_)).toBe("PROTOCOL_VIOLATION");
    expect(ends(it_)).toHaveLength(1);
    expect(ends(it_)[0]?.[1]).toBe("PROTOCOL_VIOLATION");
    expect(it_.frames).toEqual([]);
    expect(it_.link.closed).toHaveLength(1);
    expect(it_.session.receive('[[1,"take",2,1]]')).toBe(false);
  });

  it("that repeats old frames a hundred thousand times changes nothing", () => {
    const { receive, frames, session } = quiet();
    receive(...numbered(1, 10));
    const again = JSON.stringify(numbered(1, 10));
    for (let count = 0; count < 10_000; count++) expect(session.receive(again)).toBe(true);
    expect(frames).toHaveLength(10);
  });

  it("gets its own text back in no error", () => {
    const it_ = quiet();
    it_.session.receive('[["s3cret",1]]');
    expect(JSON.stringify(it_.sent())).not.toContain("s3cret");
    expect(it_.finishes[0]?.error?.message).not.toContain("s3cret");
  });
});
