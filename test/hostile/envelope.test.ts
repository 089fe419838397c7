/**
 * Peers that break the protocol. Whatever one of them says, its own session ends with the right code (or the frame is dropped, where
 * PROTOCOL.md says so), everything that depended on it settles, its tables are empty, and nobody else notices.
 */
import { describe, expect, it } from "vitest";
import { ask, chan, dial, select, trySelect } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";
import { hostileDialer, hostileListener, limits, RawPeer, type Scene, stranger, welcome as welcomed } from "./raw-peer.js";

/** "closed": when it has waited long enough for an acknowledgement; "closed at once": it was acknowledged. */
type Expected = "PROTOCOL_VIOLATION" | "LIMIT_EXCEEDED" | "lives" | "closed" | "closed at once";
type Act = (scene: Scene) => unknown;
type Row = readonly [name: string, act: Act, expected: Expected];

const violation = "PROTOCOL_VIOLATION";
const limit = "LIMIT_EXCEEDED";

/** Batches as they are. */
const raw =
  (...batches: readonly (string | Uint8Array)[]): Act =>
  ({ raw }) => {
    for (const batch of batches) raw.raw(batch);
  };
/** Numbered frames. */
const say =
  (...frames: readonly (readonly unknown[])[]): Act =>
  ({ raw }) =>
    raw.say(...frames);
const control =
  (...frames: readonly (readonly unknown[])[]): Act =>
  ({ raw }) =>
    raw.control(...frames);
const inTurn =
  (...acts: readonly Act[]): Act =>
  async (scene) => {
    for (const act of acts) {
      await act(scene);
      await scene.network.settle();
    }
  };
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
function withText(text: string, ...more: readonly number[]): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  return Uint8Array.from([0, 0, encoded.length >> 8, encoded.length & 255, ...encoded, ...more]);
}
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

/** Operations of the application, under way while the peer misbehaves. */
const sending: Act = ({ victim, must }) => must(victim.send("a value"));
const receiving: Act = ({ victim, must }) => must(victim.receive());
/** The application gives the peer both ends of a channel: ids 6 (send) and 8 (receive) of a listener, 5 and 7 of a dialer. */
const giving: Act = ({ victim, must }) => {
  const { send, receive } = chan<unknown>();
  must(victim.send({ send, receive }));
};

/** The number of the last frame that was heard. */
const lastOf = ({ heard }: RawPeer): number => heard.reduce((last, [number]) => Math.max(last, typeof number === "number" ? number : 0), 0);
const acknowledging: Act = ({ raw }) => raw.control(["ack", lastOf(raw)]);

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

const envelope: readonly Row[] = [
  ["empty text", raw(""), violation],
  ["text that is no JSON", raw("hello?"), violation],
  ["null", raw("null"), violation],
  ["a number", raw("5"), violation],
  ["a string", raw('"x"'), violation],
  ["an empty list", raw("[]"), violation],
  ["an object", raw("{}"), violation],
  ["an empty frame", raw("[[]]"), violation],
  ["an object for a frame", raw("[{}]"), violation],
  ["null for a frame", raw("[null]"), violation],
  ["a frame of null", raw("[[null]]"), violation],
  ["a frame without a type", raw("[[2]]"), violation],
  ["a type that is a number", raw("[[2,2]]"), violation],
  ["a type that is a list", raw(`[[2,["limit"]]]`), violation],
  ["an unknown control type", raw(`[["nope",1]]`), violation],
  ["an unknown type", raw(`[[2,"nope"]]`), violation],
  ["a control type every object has", raw(`[["constructor",1]]`), violation],
  ["a type every object has", raw(`[[2,"toString"]]`), violation],
  ["a type __proto__", raw(`[[2,"__proto__"]]`), violation],
  ["no bytes", raw(bytes()), violation],
  ["three bytes", raw(bytes(0, 0, 0)), violation],
  ["a length beyond the batch", raw(bytes(255, 255, 255, 255, 91, 93)), violation],
  ["bytes that are not UTF-8", raw(bytes(0, 0, 0, 2, 0xc3, 0x28)), violation],
  ["sidecars nobody names", raw(withText(`[["ack",0]]`, 1, 2, 3)), violation],
  [
    "sidecars that are not there",
    raw(withText(`[[2,"send",1,1,9,[0,"Uint8Array"],{"values":[["custom","netchan/bytes"]],"v":1},[],[9]]]`, 1)),
    violation,
  ],
  ["a sidecar of negative length", raw(withText(`[[2,"send",1,1,9,[0,"Uint8Array"],null,[],[-1]]]`)), violation],
  ["a field too few", raw(`[[2,"limit",2]]`), violation],
  ["a field too many", raw(`[[2,"limit",2,1,1]]`), violation],
  ["an ack of nothing", raw(`[["ack"]]`), violation],
  ["an ack of two", raw(`[["ack",0,0]]`), violation],
  ["a value of no fields", raw(`[[2,"send",1,1,1]]`), violation],
  ["a value of two fields", raw(`[[2,"send",1,1,1,null,null]]`), violation],
  ["a value of five fields", raw(`[[2,"send",1,1,1,null,null,[],[],0]]`), violation],
  ["a count that is text", raw(`[[2,"limit","2",1]]`), violation],
  ["a count below zero", raw(`[[2,"limit",2,-1]]`), violation],
  ["a count that is no whole number", raw(`[[2,"limit",2,0.5]]`), violation],
  ["a count of 2^53", raw(`[[2,"limit",2,9007199254740992]]`), violation],
  ["an infinite count", raw(`[[2,"limit",2,1e400]]`), violation],
  ["a text that is a number", raw(`[[2,"close",1,5]]`), violation],
  ["1e5 nested lists for a batch", raw(nested(100_000)), violation],
  ["1e5 nested lists for a type", raw(`[[2,${nested(100_000)}]]`), violation],
  ["1e5 nested lists for a count", raw(`[[2,"limit",2,${nested(100_000)}]]`), violation],
  ["a batch larger than its frames say", raw(`[[2,"send",1,1,0,"${"x".repeat(100_000)}"]]`), violation],
  ["a batch of spaces", raw(`[["ack",0]${" ".repeat(100_000)}]`), violation],
];

const numbers: readonly Row[] = [
  ...(
    [
      ["zero", "0"],
      ["minus zero", "-0"],
      ["below zero", "-1"],
      ["no whole number", "1.5"],
      ["infinite", "1e400"],
      ["text", '"2"'],
      ["2^53", "9007199254740992"],
      ["null", "null"],
      ["true", "true"],
      ["a gap of one", "3"],
      ["a gap of 1e9", "1000000002"],
    ] as const
  ).map(([name, number]): Row => [`a frame number that is ${name}`, raw(`[[${number},"limit",2,1]]`), violation]),
  ["a frame number twice", raw(`[[1,"ready"],[1,"drain",5000]]`), "lives"],
  ["an old frame number 1e5 times", raw(...times(10, () => `[${times(10_000, () => `[1,"ready"]`).join(",")}]`)), "lives"],
  ["10,000 frames in a batch", raw(`[${times(10_000, () => `[1,"ready"]`).join(",")}]`), "lives"],
  ["one more", raw(`[${times(10_001, () => `[1,"ready"]`).join(",")}]`), limit],
  [
    "a value of 1e6 members, whose parsing alone would hold up everybody",
    raw(`[[2,"send",1,1,2000000,[${"0,".repeat(1_000_000)}0]]]`),
    limit,
  ],
  ["a text of 1e6 commas", raw(`[[2,"send",1,1,1000002,"${",[{".repeat(333_334)}"]]`), "lives"],
  ["an ack beyond what was sent", control(["ack", 1_000_000]), violation],
  ["an ack below zero", control(["ack", -1]), violation],
  ["an ack that is no whole number", control(["ack", 0.5]), violation],
  ["an ack that is text", control(["ack", "0"]), violation],
  ["an ack that cannot be made text", control(["ack", { toString: 1, valueOf: 1 }]), violation],
  ["an ack that goes back", inTurn(say(["limit", 2, 1]), sending, control(["ack", 1]), control(["ack", 0])), violation],
  ["hello again", control(["hello", { version: 1, limits, credentials: null }]), violation],
  ["welcome", control(["welcome", {}]), violation],
  ["refused", control(["refused", "SESSION_REFUSED", "no"]), violation],
  ["resume on a link that was admitted", control(["resume", { ...welcomed, version: 1, epoch: 1, next: 1, first: 1 }]), violation],
  ["resumed", control(["resumed", { token: welcomed.token, next: 1, first: 1 }]), violation],
  ["wrong-door", control(["wrong-door"]), violation],
  [
    "a page that is hidden and seen a thousand times",
    control(...times(1_000, (index) => ["page", index % 2 ? "visible" : "hidden"])),
    "lives",
  ],
  ["a page that is nothing of both", control(["page", "__proto__"]), violation],
  ["a page that is true", control(["page", true]), violation],
  ["received on an end that was never given", say(["received", 6, 1]), violation],
  ["a ping of text", control(["ping", "x"]), violation],
  ["a ping of a fraction", control(["ping", 1.5]), violation],
  ["a pong to no ping", control(["pong", 77], ["pong", "__proto__"]), "lives"],
  ["1e5 pings", raw(...times(10, () => `[${times(10_000, () => `["ping",1]`).join(",")}]`)), "lives"],
  ["ready again", say(["ready"]), violation],
  ["open of neither end", say(["open", 5, "name", "both"]), violation],
  ["opened of an end that was never asked for", say(["opened", 6, 1]), violation],
];

const ends: readonly Row[] = [
  ...(["send", "announce", "cancel", "limit", "take", "decline", "skip", "unskip", "close", "release", "fork", "lost"] as const).map(
    (type): Row => {
      const fields: Readonly<Record<typeof type, readonly unknown[]>> = {
        send: [1, 1, 1],
        announce: [1, 1],
        cancel: [1],
        limit: [1],
        take: [1],
        decline: [1, 1],
        skip: [1, 1],
        unskip: [],
        close: [null],
        release: [1],
        fork: [5],
        lost: ["SESSION_LOST"],
      };
      return [`${type} on an end that was never given`, say([type, 99, ...fields[type]]), violation];
    },
  ),
  ["an end that is called __proto__", say(["limit", "__proto__", 1]), violation],
  ["send on a receive end", say(["send", 2, 1, 1, 1]), violation],
  ["announce on a receive end", say(["announce", 2, 1, 1]), violation],
  ["case on a receive end", say(["case", 2, 1, "0".repeat(32), 1]), violation],
  ["value on a receive end", say(["value", 2, 1, 1, 1]), violation],
  ["grant on a receive end", say(["grant", 2, 1, 1]), violation],
  ["deny on a receive end", say(["deny", 2, 1]), violation],
  ["cancel on a receive end", say(["cancel", 2, 1]), violation],
  ["close on a receive end", say(["close", 2, null]), violation],
  ["limit on a send end", say(["limit", 1, 1]), violation],
  ["take on a send end", say(["take", 1, 1]), violation],
  ["decline on a send end", say(["decline", 1, 1, 1]), violation],
  ["skip on a send end", say(["skip", 1, 1, 1]), violation],
  ["unskip on a send end", say(["unskip", 1]), violation],
  ["refuse on a send end", say(["refuse", 1, 1, "VALUE_REFUSED", ""]), violation],
  ["an answer about an even end never given", say(["sent", 6, 1]), violation],
  ["an answer about an odd end never given", say(["sent", 5, 1]), violation],
  ["an offer on an end never given", say(["offer", 5, 1, 0, null, 1]), violation],
  ["release of nothing", say(["release", 1, 0]), violation],
  ["release of more than there is", say(["release", 1, 2]), violation],
  ["release of 2^53-1", say(["release", 2, Number.MAX_SAFE_INTEGER]), violation],
  ["release twice", say(["release", 2, 1], ["release", 2, 1]), violation],
  ["use after release", say(["release", 1, 1], ["send", 1, 1, 1, 1]), violation],
  ["a fork under an id of ours", say(["fork", 1, 6]), violation],
  ["a fork under an id of the pair", say(["fork", 1, 1]), violation],
  ["a fork under zero", say(["fork", 1, 0]), violation],
  ["a fork under an id in use", say(["fork", 1, 5], ["fork", 1, 5]), limit],
  ["forks without end", say(...times(10_001, (index) => ["fork", 1, 5 + 2 * index])), limit],
  ["open of a name that is not there", say(["open", 5, "__proto__", "send"], ["send", 5, 1, 1, 1]), "lives"],
  [
    "open, and all that can be done with a send end",
    say(
      ["open", 5, "x", "send"],
      ["send", 5, 1, 1, 1],
      ["announce", 5, 2, 9],
      ["cancel", 5, 2],
      ["case", 5, 3, "0".repeat(32), 1],
      ["deny", 5, 3],
      ["value", 5, 2, 1, 1],
      ["grant", 5, 3, 1],
      ["try", 1, [[5, 4, 1, 1]]],
      ["select", 2, [[5, 5, 1, 1]]],
      ["fork", 5, 7],
      ["send", 7, 1, 1, 1],
      ["close", 5, null],
      ["release", 7, 1],
      ["release", 5, 1],
    ),
    "lives",
  ],
  [
    "open, and all that can be done with a receive end",
    say(
      ["open", 5, "x", "receive"],
      ["limit", 5, 9],
      ["unskip", 5],
      ["try", 1, [[5]]],
      ["select", 2, [[5]]],
      ["quit", 2],
      ["fork", 5, 7],
      ["limit", 7, 1],
      ["decline", 7, 1, 1],
      ["release", 5, 1],
      ["release", 7, 1],
    ),
    "lives",
  ],
  ["a limit on a send end that was opened", say(["open", 5, "x", "send"], ["limit", 5, 1]), violation],
  ["a send on a receive end that was opened", say(["open", 5, "x", "receive"], ["send", 5, 1, 1, 1]), violation],
  [
    "an end that was opened in a value",
    say(["open", 5, "x", "send"], ["send", 1, 1, 9, 0, { values: [["custom", "netchan/end"]], v: 1 }, [[1, 5]], []]),
    "lives",
  ],
  ["opened by the one who opens", say(["open", 5, "x", "send"], ["opened", 5, 1]), "lives"],
  ["an open under an id of ours", say(["open", 6, "x", "send"]), violation],
  ["an open under an id of the pair", say(["open", 1, "x", "send"]), violation],
  ["an open under zero", say(["open", 0, "x", "send"]), violation],
  ["an open under an id in use", say(["open", 5, "x", "send"], ["open", 5, "x", "send"]), limit],
  ["opens without end", say(...times(10_001, (index) => ["open", 5 + 2 * index, `x${index}`, "send"])), limit],
  ["a subscription to nothing", say(["subscribe", 5, "x", 64, "drop-oldest"], ["limit", 5, 9], ["take", 5, 0]), violation],
  [
    "a subscription to nothing that is let go of",
    say(["subscribe", 5, "__proto__", 64, "wait"], ["limit", 5, 9], ["release", 5, 1]),
    "lives",
  ],
  ["a subscription by no policy", say(["subscribe", 5, "x", 64, "constructor"]), violation],
  ["a subscription that drops all", say(["subscribe", 5, "x", 0, "drop-oldest"]), violation],
  ["a subscription of a huge capacity", say(["subscribe", 5, "x", 2 ** 52, "drop-oldest"]), "lives"],
  ["a subscription under an id of ours", say(["subscribe", 6, "x", 1, "wait"]), violation],
  ["a subscription under an id in use", say(["subscribe", 5, "x", 1, "wait"], ["subscribe", 5, "x", 1, "wait"]), limit],
  ["a publisher of nothing", say(["open", 5, "x", "publish"], ["send", 5, 1, 1, 1], ["release", 5, 1]), "lives"],
  ["missed by the one who subscribes", say(["subscribe", 5, "x", 1, "wait"], ["missed", 5, 1]), "lives"],
  ["subscriptions without end", say(...times(10_001, (index) => ["subscribe", 5 + 2 * index, "x", 1, "wait"])), limit],
  ["lost, and then its use", say(["lost", 2, "SESSION_LOST"], ["limit", 2, 1]), violation],
];

const values: readonly Row[] = [
  ["a reference to an end never given", say(["send", 1, 1, 9, 0, { values: [["custom", "netchan/end"]], v: 1 }, [[1, 99]], []]), violation],
  [
    "a reference under an id of ours",
    say(["send", 1, 1, 9, 0, { values: [["custom", "netchan/end"]], v: 1 }, [[0, 6, 0, 0]], []]),
    violation,
  ],
  [
    "a reference under a reserved id",
    say(["send", 1, 1, 9, 0, { values: [["custom", "netchan/end"]], v: 1 }, [[0, 3, 0, 0]], []]),
    violation,
  ],
  [
    "a reference that changes its kind",
    say(...[0, 1].map((kind) => ["send", 1, 1 + kind, 9, 0, { values: [["custom", "netchan/end"]], v: 1 }, [[0, 5, kind, 0]], []])),
    violation,
  ],
  ["a reference of a third kind", say(["send", 1, 1, 9, 0, null, [[0, 5, 2, 0]], []]), violation],
  ["a reference of a third origin", say(["send", 1, 1, 9, 0, null, [[2, 5]], []]), violation],
  ["a reference that is no list", say(["send", 1, 1, 9, 0, null, ["x"], []]), violation],
  ["a capacity below zero", say(["send", 1, 1, 9, 0, null, [[0, 5, 0, -1]], []]), violation],
  ["references nobody uses", say(["send", 1, 1, 9, 0, null, [[0, 5, 0, 0]], []]), violation],
  ["10,001 references", say(["send", 1, 1, 9, 0, null, times(10_001, (index) => [0, 5 + 2 * index, 0, 0]), []]), violation],
  ["10,001 sidecars", say(["send", 1, 1, 9, 0, null, [], times(10_001, () => 0)]), violation],
  ["more bytes than the window", say(["send", 1, 1, 2 ** 22 + 1, 1]), limit],
  ["more bytes than the window, in pieces", say(...times(5, (index) => ["send", 1, index + 1, 2 ** 20, 1])), limit],
  ["a size of 2^53-1", say(["send", 1, 1, Number.MAX_SAFE_INTEGER, 1]), limit],
  ["an own __proto__", raw(`[[2,"send",1,1,30,{"__proto__":{"x":1}}]]`), violation],
  ["a constructor key", raw(`[[2,"send",1,1,30,{"a":{"constructor":1}}]]`), violation],
  [
    "an equality that reads an inherited method",
    say(["send", 1, 1, 99, { a: [] }, { referentialEqualities: { "a.push": ["then"] }, v: 1 }, [], []]),
    violation,
  ],
  [
    "an equality that writes to a prototype",
    say(["send", 1, 1, 99, { a: {} }, { referentialEqualities: { a: ["__proto__.x"] }, v: 1 }, [], []]),
    violation,
  ],
  ["annotations that are text", say(["send", 1, 1, 99, {}, { values: "abc", v: 1 }, [], []]), violation],
  ["annotations nested 1e5 deep", raw(`[[2,"send",1,1,200100,{},{"values":${nested(100_000)},"v":1},[],[]]]`), violation],
  ["an annotation called constructor", say(["send", 1, 1, 99, {}, { values: ["constructor"], v: 1 }, [], []]), violation],
  ["an annotation on a path that is not there", say(["send", 1, 1, 99, {}, { values: { a: ["Date"] }, v: 1 }, [], []]), violation],
  ["an annotation through __proto__", say(["send", 1, 1, 99, {}, { values: { "__proto__.x": ["Date"] }, v: 1 }, [], []]), violation],
  ["a typed array in JSON", say(["send", 1, 1, 99, 200_000_000, { values: [["typed-array", "Float64Array"]], v: 1 }, [], []]), violation],
  ["a Date that is none", say(["send", 1, 1, 99, "nope", { values: ["Date"], v: 1 }, [], []]), violation],
  ["a bigint that is none", say(["send", 1, 1, 99, "", { values: ["bigint"], v: 1 }, [], []]), violation],
  ["a map of no pairs", say(["send", 1, 1, 99, [1], { values: ["map"], v: 1 }, [], []]), violation],
  [
    "an end under then",
    raw(`[[2,"send",1,1,99,{"then":0},{"values":{"then":[["custom","netchan/end"]]},"v":1},[[0,5,0,0]],[]]]`),
    violation,
  ],
  ["a class that is not known", say(["send", 1, 1, 99, {}, { values: [["class", "__proto__"]], v: 1 }, [], []]), "lives"],
  ["a value nested 1e5 deep", raw(`[[2,"send",1,1,200000,${nested(100_000)}]]`), "lives"],
];

const operations: readonly Row[] = [
  ["operation 0", say(["send", 1, 0, 1, 1]), violation],
  ["an operation twice", say(["send", 1, 1, 1, 1], ["send", 1, 1, 1, 1]), violation],
  ["an operation that goes back", say(["send", 1, 2, 1, 1], ["announce", 1, 1, 1]), violation],
  ["4,097 operations", say(...times(4_097, (index) => ["send", 1, index + 1, 1, 1])), limit],
  ["1e5 operations", say(...times(100_000, (index) => ["announce", 1, index + 1, 1])), limit],
  [
    "1e5 operations, each cancelled",
    say(...times(100_000, (index) => [index % 2 === 0 ? "announce" : "cancel", 1, (index >> 1) + 1, ...(index % 2 === 0 ? [1] : [])])),
    "lives",
  ],
  ["cancels of nothing", say(...times(1_000, (index) => ["cancel", 1, index])), "lives"],
  ["an announce nobody wants", say(["announce", 1, 1, 100_000]), "lives"],
  ["an announce that is never answered", inTurn(receiving, say(["announce", 1, 1, 100_000])), "lives"],
  ["an announce of 2^53-1 bytes", say(["announce", 1, 1, Number.MAX_SAFE_INTEGER]), "lives"],
  ["a value nobody asked for", say(["announce", 1, 1, 100_000], ["value", 1, 1, 1, 1]), violation],
  ["a value of no operation", say(["value", 1, 7, 1, 1]), "lives"],
  ["a value larger than announced", inTurn(receiving, say(["announce", 1, 1, 10]), say(["value", 1, 1, 11, "12345678"])), violation],
  ["a value twice", inTurn(receiving, say(["announce", 1, 1, 10]), say(["value", 1, 1, 3, 1], ["value", 1, 1, 3, 2])), "lives"],
  ["a grant of no operation", say(["grant", 1, 7, 1]), "lives"],
  ["a grant nobody asked for", say(["case", 1, 1, "0".repeat(32), 3], ["grant", 1, 1, 1]), "lives"],
  ["a grant of a plain send", say(["send", 1, 1, 1, 1], ["grant", 1, 1, 1]), "lives"],
  ["a denial of no operation", say(["deny", 1, 7]), "lives"],
  ["a case without a select", say(["case", 1, 1, "", 3]), violation],
  ["a case of a select called __proto__", say(["case", 1, 1, "__proto__", 3]), violation],
  ["a case of a select of a megabyte", say(["case", 1, 1, "a".repeat(2 ** 20), 3]), violation],
  ["a claim that is never answered", inTurn(receiving, say(["case", 1, 1, "0".repeat(32), 3])), "lives"],
  ["more wanted than may be", say(["limit", 2, 4_097]), limit],
  ["2^53-1 wanted", say(["limit", 2, Number.MAX_SAFE_INTEGER]), limit],
  ["a limit that goes back", say(["limit", 2, 5], ["limit", 2, 1]), "lives"],
  ["a take of nothing", say(["take", 2, 1]), violation],
  ["a take of 0", inTurn(sending, say(["limit", 2, 1]), say(["take", 2, 0])), violation],
  ["a take twice", inTurn(sending, say(["limit", 2, 1]), say(["take", 2, 1], ["take", 2, 1])), violation],
  ["a take out of turn", inTurn(sending, sending, say(["limit", 2, 2]), say(["take", 2, 2])), violation],
  ["a refusal of nothing", say(["refuse", 2, 1, "VALUE_REFUSED", ""]), violation],
  [
    "a refusal with a code of its own",
    inTurn(sending, say(["limit", 2, 1]), say(["refuse", 2, 1, "__proto__", "x".repeat(5_000)])),
    "lives",
  ],
  ["a decline of what comes next", say(["decline", 2, 1, 1]), "lives"],
  ["a decline of nothing", say(["decline", 2, 2, 1]), violation],
  ["a decline of the present epoch", inTurn(sending, say(["limit", 2, 1]), say(["decline", 2, 1, 0])), violation],
  ["a decline of a later epoch", inTurn(sending, say(["limit", 2, 1]), say(["decline", 2, 1, 2])), violation],
  ["a decline beyond what was offered", inTurn(sending, say(["limit", 2, 1]), say(["decline", 2, 3, 1])), violation],
  ["a take after its decline", inTurn(sending, say(["limit", 2, 1]), say(["decline", 2, 1, 1], ["take", 2, 1])), violation],
  ["a skip of nothing", say(["skip", 2, 1, 1]), violation],
  ["unskips of nothing", say(["unskip", 2], ["unskip", 2]), "lives"],
];

const attempts: readonly Row[] = [
  ["a try of no cases", say(["try", 1, []]), violation],
  ["a try of 257 cases", say(["try", 1, times(257, () => [2])]), violation],
  ["a try that is no list", say(["try", 1, {}]), violation],
  ["a case that is no list", say(["try", 1, [2]]), violation],
  ["a case of an end never given", say(["try", 1, [[99]]]), violation],
  ["a case of __proto__", say(["try", 1, [["__proto__"]]]), violation],
  ["a receive case on a send end", say(["try", 1, [[1]]]), violation],
  ["a send case on a receive end", say(["try", 1, [[2, 1, 1, 5]]]), violation],
  ["a case of three fields", say(["try", 1, [[1, 5, null]]]), violation],
  ["a try under a number that was used", say(["try", 1, [[2]]], ["try", 1, [[2]]]), violation],
  ["a send case under a number that was used", say(["send", 1, 1, 1, 5], ["try", 1, [[1, 1, 1, 5]]]), violation],
  ["a select of no cases", say(["select", 1, []]), violation],
  ["a select of 257 cases", say(["select", 1, times(257, () => [2])]), violation],
  ["a select over an end never given", say(["select", 1, [[99]]]), violation],
  ["a select in the wrong direction", say(["select", 1, [[1], [2, 1, 1, 5]]]), violation],
  ["a select whose value is larger than it says", say(["select", 1, [[1, 1, 0, "x".repeat(2_000)]]]), violation],
  ["a select with a hostile value", raw(`[[2,"select",1,[[1,1,20,{"__proto__":1}]]]]`), violation],
  [
    "selects of more bytes than the window holds",
    say(...times(6, (index) => ["select", index + 1, [[1, index + 1, 1_000_000, "x"], [2]]])),
    limit,
  ],
  ["4,097 selects at once", say(...times(4_097, (index) => ["select", index + 1, [[2]]])), limit],
  ["a select given up that was never made", say(["quit", 1]), violation],
  ["a select given up twice", say(["select", 1, [[2]]], ["quit", 1], ["quit", 1]), "lives"],
  ["a select answered before it was given anything", say(["select", 1, [[2]]], ["took", 1, 1]), violation],
  ["a select's value answered with a word of its own", inTurn(sending, say(["select", 1, [[2]]]), say(["took", 1, 9])), violation],
  ["a select's value answered twice", inTurn(sending, say(["select", 1, [[2]]]), say(["took", 1, 1], ["took", 1, 1])), violation],
  ["a try whose number is text", say(["try", "1", [[2]]]), violation],
  ["took of nothing", say(["took", 1, 1]), violation],
  ["took twice", inTurn(sending, say(["try", 1, [[2]]]), say(["took", 1, 1], ["took", 1, 1])), violation],
  ["tried of nothing", say(["tried", 1, 0, null, null, null]), violation],
  ["gave of nothing", say(["gave", 1, 0, 0, 5]), violation],
  ["17 tries nobody answers", inTurn(...times(17, () => sending), say(...times(17, (index) => ["try", index + 1, [[2]]]))), limit],
];

const farewells: readonly Row[] = [
  ["bye at once", say(["bye"]), "closed"],
  ["bye, and all is acknowledged", inTurn(say(["bye"]), acknowledging), "closed at once"],
  ["bye, and all but one is acknowledged", inTurn(say(["bye"]), ({ raw }) => raw.control(["ack", lastOf(raw) - 1])), "closed"],
  ["bye, and more than all is acknowledged", inTurn(say(["bye"]), ({ raw }) => raw.control(["ack", lastOf(raw) + 1])), violation],
  ["bye, and more", say(["bye"], ["limit", 2, 1]), "closed"],
  ["bye with our operations open", inTurn(sending, receiving, say(["limit", 2, 1]), say(["bye"])), "closed"],
  ["drained without drain", say(["drained"]), "lives"],
  ["end of a code of its own", control(["end", "__proto__", "x".repeat(2_000)]), violation],
  ["end of no code", control(["end", {}, []]), violation],
  ["end, and more", raw(`[["end","LIMIT_EXCEEDED","enough"],["nope",1]]`), violation],
];

const fromListeners: readonly Row[] = [
  ["an offer nobody asked for", say(["offer", 2, 1, 0, null, 1]), violation],
  ["an offer of number 0", inTurn(receiving, say(["offer", 2, 0, 0, null, 1])), violation],
  ["an offer out of turn", inTurn(receiving, receiving, say(["offer", 2, 2, 0, null, 1])), violation],
  ["an offer twice", inTurn(receiving, receiving, say(["offer", 2, 1, 0, null, 1], ["offer", 2, 1, 0, null, 1])), violation],
  ["an offer of a later epoch", inTurn(receiving, say(["offer", 2, 1, 7, null, 1])), "lives"],
  ["an offer on a send end", say(["offer", 1, 1, 0, null, 1]), violation],
  ["an offer with a hostile value", inTurn(receiving, raw(`[[1,"offer",2,1,0,null,{"__proto__":1}]]`)), violation],
  ["an offer nested 1e5 deep", inTurn(receiving, raw(`[[1,"offer",2,1,0,null,${nested(100_000)}]]`)), "lives"],
  ["done on a send end", say(["done", 1, null, null]), violation],
  ["sent on a receive end", say(["sent", 2, 1]), violation],
  ["ended on a receive end", say(["ended", 2, null, null]), violation],
  ["mute on a receive end", say(["mute", 2]), violation],
  ["mute on the send end of the pair", say(["mute", 1]), violation],
  ["claim on a receive end", say(["claim", 2, 1]), violation],
  ["received on a receive end", say(["received", 2, 1]), violation],
  ["received on a pair without a buffer", inTurn(sending, say(["sent", 1, 1], ["received", 1, 1])), violation],
  ["sent of no operation", say(["sent", 1, 9]), "lives"],
  ["sent twice", inTurn(sending, say(["sent", 1, 1], ["sent", 1, 1])), "lives"],
  ["failed with a code of its own", inTurn(sending, say(["failed", 1, 1, "__proto__", "x".repeat(5_000), "perhaps"])), "lives"],
  ["failed of no operation", say(["failed", 1, 9, "VALUE_REFUSED", "", null]), "lives"],
  ["fetch of no operation", say(["fetch", 1, 9]), "lives"],
  ["fetch of what was sent", inTurn(sending, say(["fetch", 1, 1])), "lives"],
  ["claim of no operation", say(["claim", 1, 9], ["unclaim", 1, 9]), "lives"],
  ["claim of a plain send", inTurn(sending, say(["claim", 1, 1], ["unclaim", 1, 1])), "lives"],
  ["done twice", inTurn(receiving, say(["done", 2, null, null], ["done", 2, "SESSION_LOST", "x"])), "lives"],
  ["done with a code of its own", inTurn(receiving, say(["done", 2, "__proto__", "x"])), "lives"],
  ["ended with a code of its own", inTurn(sending, say(["ended", 1, "toString", "x"])), "lives"],
  ["ready", say(["ready"]), violation],
  ["a window that shrinks", say(["window", 0]), "lives"],
  ["a window of 2^53-1", say(["window", Number.MAX_SAFE_INTEGER]), "lives"],
  ["a user's frame on the pair", say(["limit", 2, 1]), violation],
  ["a send on the pair", say(["send", 1, 1, 1, 1]), violation],
  [
    "a reference under an odd id",
    inTurn(receiving, say(["offer", 2, 1, 0, null, 0, { values: [["custom", "netchan/end"]], v: 1 }, [[0, 5, 0, 0]], []])),
    violation,
  ],
  ["tried of nothing", say(["tried", 1, -1, null, null, null]), violation],
  ["gave of nothing", say(["gave", 1, 0, 0, 1]), violation],
  ["a try on the dialer's own pair", say(["try", 1, [[2]]]), violation],
  ["a fork of the pair", say(["fork", 2, 6]), violation],
  ["an open at a dialer, which publishes nothing", say(["open", 6, "x", "send"], ["send", 6, 1, 1, 1]), "lives"],
  ["an open under an odd id", say(["open", 5, "x", "send"]), violation],
  ["a subscription at a dialer, which publishes nothing", say(["subscribe", 6, "x", 1, "wait"], ["limit", 6, 1]), "lives"],
  ["missed of the pair", say(["missed", 2, 1]), violation],
  ["missed of a send end", say(["missed", 1, 1]), violation],
  ["opened of the pair", say(["opened", 1, 5]), violation],
  ["opened of a receive end of the pair", say(["opened", 2, 5]), violation],
  ["a value of ours it never asked for", inTurn(giving, say(["value", 5, 1, 1, 1])), "lives"],
  ["a receive frame on the send end we gave", inTurn(giving, say(["limit", 5, 1])), violation],
  ["a send frame on the receive end we gave", inTurn(giving, say(["send", 7, 1, 1, 1])), violation],
  ["a fork of what we gave, under an odd id", inTurn(giving, say(["fork", 5, 9])), violation],
  ["more released than given", inTurn(giving, say(["release", 5, 2])), violation],
  ["bye at once", say(["bye"]), "closed"],
  ["bye, and all is acknowledged", inTurn(say(["bye"]), acknowledging), "closed at once"],
  ["bye, and all but one is acknowledged", inTurn(say(["bye"]), ({ raw }) => raw.control(["ack", lastOf(raw) - 1])), "closed"],
  ["bye, and more than all is acknowledged", inTurn(say(["bye"]), ({ raw }) => raw.control(["ack", lastOf(raw) + 1])), violation],
  ["welcome again", control(["welcome", {}]), violation],
];

describe("a dialer that breaks the protocol", () => {
  for (const rows of [envelope, numbers, ends, values, operations, attempts, farewells])
    it.each(rows)("%s", async (_name, act, expected) => {
      await judge(await hostileDialer(), act, expected);
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

describe("a listener that breaks the protocol", () => {
  it.each(fromListeners)("%s", async (_name, act, expected) => {
    await judge(await hostileListener(), act, expected);
  });
});

describe("a stranger that does not say hello as it should", () => {
  const hello = (changes: object): string => JSON.stringify([["hello", { version: 1, limits, credentials: null, ...changes }]]);
  const rows: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["nothing", "", violation],
    ["garbage", "hello!", violation],
    ["bytes", bytes(1, 2, 3, 4, 5), violation],
    ["a hello in bytes", withText(hello({}).slice(0, 200)), violation],
    ["a numbered frame", `[[1,"ready"]]`, violation],
    ["a ping", `[["ping",1]]`, violation],
    ["a welcome", `[["welcome",{}]]`, violation],
    ["an ack", `[["ack",0]]`, violation],
    ["two hellos", `[${hello({}).slice(1, -1)},${hello({}).slice(1, -1)}]`, violation],
    ["a hello and its ready", `[${hello({}).slice(1, -1)},[1,"ready"]]`, violation],
    ["a hello of 4,097 characters", hello({ credentials: "x".repeat(4_097 - hello({ credentials: "" }).length) }), violation],
    ["a hello of a megabyte", hello({ credentials: "x".repeat(2 ** 20) }), violation],
    ["a hello of null", `[["hello",null]]`, violation],
    ["a hello of a list", `[["hello",[]]]`, violation],
    ["a hello of text", `[["hello","hello"]]`, violation],
    ["nested lists", nested(2_000), violation],
    ["no version", `[["hello",{}]]`, violation],
    ["a version of text", hello({ version: "1" }), violation],
    ["version 2", hello({ version: 2 }), "VERSION_MISMATCH"],
    ["no limits", hello({ limits: undefined }), violation],
    ["limits that are inherited", `[["hello",{"version":1,"limits":{"__proto__":${JSON.stringify(limits)}}}]]`, violation],
    ["limits of 0", hello({ limits: { ...limits, maxFrameBytes: 0 } }), violation],
    ["limits that are fractions", hello({ limits: { ...limits, maxChannels: 1.5 } }), violation],
    ["limits of text", hello({ limits: { ...limits, maxValueBytes: "9" } }), violation],
    ["infinite limits", hello({}).replace(String(limits.maxChannels), "1e400"), violation],
  ];
  it.each(rows)("%s", async (_name, first, code) => {
    const { network, raw, listener, pingPong } = await stranger();
    raw.raw(first);
    await network.settle();
    expect(raw.heard).toEqual([["refused", code, expect.any(String)]]);
    expect(raw.closed).toBe(true);
    expect(listener.connected.size).toBe(1);
    await pingPong();
  });

  it("takes a hello of 4,096 characters", async () => {
    const { network, raw } = await stranger();
    raw.raw(hello({ credentials: "x".repeat(4_096 - hello({ credentials: "" }).length) }));
    await network.settle();
    expect(raw.heard[0]?.[0]).toBe("welcome");
  });

  it("silence for 10 s", async () => {
    const { network, raw, pingPong } = await stranger();
    await network.advance(9_999);
    expect(raw.closed).toBe(false);
    await network.advance(2);
    expect(raw.heard).toEqual([]); // a link that was too slow says nothing of the session its dialer may have
    expect(raw.closed).toBe(true);
    await pingPong();
  });

  it("1,000 silent ones take no place for good", async () => {
    const { network, listener, pingPong } = await stranger();
    const open = network.address(listener.accept);
    for (let count = 0; count < 1_100; count++) await open({ signal: new AbortController().signal });
    await network.advance(10_001);
    await pingPong();
    expect((await dial(network.address(listener.accept))).status.state).toBe("connected");
  });
});

describe("a listener that does not welcome as it should", () => {
  const { session } = welcomed;
  const welcome = (changes: object): string => JSON.stringify([["welcome", { ...welcomed, ...changes }]]);
  const rows: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["garbage", "welcome!", violation],
    ["bytes", bytes(0, 0), violation],
    ["a numbered frame", `[[1,"limit",2,1]]`, violation],
    ["a hello", `[["hello",{}]]`, violation],
    ["a welcome and more", `[${welcome({}).slice(1, -1)},[1,"drain",5000]]`, violation],
    ["a welcome of null", `[["welcome",null]]`, violation],
    ["a session called __proto__", welcome({ session: "__proto__" }), violation],
    ["a session in capitals", welcome({ session: session.toUpperCase() }), violation],
    ["a session with a line feed", welcome({ session: `${session}\n` }), violation],
    ["a capacity below zero", welcome({ capacity: -1 }), violation],
    ["a heartbeat of 0", welcome({ heartbeatMs: 0 }), violation],
    ["no limits", welcome({ limits: null }), violation],
    ["no listener", welcome({ listener: undefined }), violation],
    ["a listener called constructor", welcome({ listener: "constructor" }), violation],
    ["no token", welcome({ token: undefined }), violation],
    ["a token that is a number", welcome({ token: 5 }), violation],
    ["a token of a megabyte", welcome({ token: "0".repeat(2 ** 20) }), violation],
    ["a window of 0", welcome({ resumeWindowMs: 0 }), violation],
    ["a window below zero", welcome({ resumeWindowMs: -1 }), violation],
    ["a wrong door", `[["wrong-door"]]`, violation],
    ["a resumed", `[["resumed",{"token":"${welcomed.token}","next":1,"first":1}]]`, violation],
    ["a refusal", `[["refused","SESSION_REFUSED","go away"]]`, "SESSION_REFUSED"],
    ["a refusal with a code of its own", `[["refused","constructor",5]]`, violation],
    ["an end", `[["end","LIMIT_EXCEEDED","full"]]`, "LIMIT_EXCEEDED"],
  ];
  it.each(rows)("%s", async (_name, answer, code) => {
    const network = memoryNetwork();
    let raw: RawPeer | undefined;
    const dialed = dial(
      network.address((link) => {
        raw = new RawPeer(link);
      }),
    );
    const refused = expect(dialed).rejects.toMatchObject({ code });
    await network.settle();
    raw?.raw(answer);
    await network.settle();
    await refused;
    expect(raw?.closed).toBe(true);
  });

  it("silence for 10 s", async () => {
    const network = memoryNetwork();
    let raw: RawPeer | undefined;
    const dialed = dial(
      network.address((link) => {
        raw = new RawPeer(link);
      }),
    );
    const refused = expect(dialed).rejects.toMatchObject({ code: "DIAL_FAILED" });
    await network.advance(10_001);
    await refused;
    expect(raw?.closed).toBe(true);
  });
});

/** What a home may do to an operation that depends on it: whatever it says, the operation settles when the session is over. */
describe("a home that breaks the protocol settles what was asked of it", () => {
  const choosing: Act = ({ victim, must }) => must(select({ to: [victim.send, 1], never: chan<unknown>().receive }));
  const selecting: Act = ({ victim, must }) => must(select({ to: [victim.send, 1], from: victim.receive }));
  const tryingToSend: Act = ({ victim, must }) => must(trySelect({ to: [victim.send, 1] }));
  const tryingToReceive: Act = ({ victim, must }) => must(trySelect({ from: victim.receive }));
  const asking: Act = ({ victim, must }) => {
    must(ask(victim.send as never, (reply) => ({ reply })));
  };
  const rows: readonly Row[] = [
    ["a case done without a claim", inTurn(choosing, say(["sent", 1, 1])), violation],
    ["a case withdrawn that was not cancelled", inTurn(choosing, say(["withdrawn", 1, 1])), violation],
    ["a send released under way", inTurn(sending, say(["released", 1])), violation],
    ["a receive released under way", inTurn(receiving, say(["released", 2])), violation],
    ["an attempt answered with a case it does not have", inTurn(tryingToSend, say(["tried", 1, 7, null, null, null])), violation],
    ["a receive attempt done without a value", inTurn(tryingToReceive, say(["tried", 1, 0, null, null, null])), violation],
    ["a send attempt given a value", inTurn(tryingToSend, say(["gave", 1, 0, 0, 5])), violation],
    ["an attempt given a hostile value", inTurn(tryingToReceive, raw(`[[1,"gave",1,0,0,{"__proto__":1}]]`)), violation],
    ["a select answered with a case it does not have", inTurn(selecting, say(["tried", 1, 7, null, null, null])), violation],
    ["a select's receive done without a value", inTurn(selecting, say(["tried", 1, 1, null, null, null])), violation],
    ["a select's send given a value", inTurn(selecting, say(["gave", 1, 0, 0, 5])), violation],
    ["a select given a hostile value", inTurn(selecting, raw(`[[1,"gave",1,1,0,{"__proto__":1}]]`)), violation],
    ["a select answered twice", inTurn(selecting, say(["tried", 1, 0, null, null, null], ["tried", 1, 0, null, null, null])), violation],
    ["a select given a value after its answer", inTurn(selecting, say(["tried", 1, 0, null, null, null], ["gave", 1, 1, 0, 5])), violation],
    ["a select given up that nobody asked for", inTurn(selecting, say(["tried", 1, -1, null, null, null])), violation],
    [
      "a reply end sent home in an offer nobody asked for",
      inTurn(asking, say(["sent", 1, 1]), say(["offer", 2, 1, 0, null, 0, { values: [["custom", "netchan/end"]], v: 1 }, [[1, 5]], []])),
      violation,
    ],
  ];
  it.each(rows)("%s", async (_name, act, expected) => {
    await judge(await hostileListener(), act, expected);
  });
});
