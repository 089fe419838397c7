/** What a listener may say that no honest one does. */
import { ask, chan, select, trySelect } from "../../src/node.js";
import {
  type Act,
  acknowledging,
  control,
  giving,
  inTurn,
  lastOf,
  nested,
  type Row,
  raw,
  receiving,
  say,
  sending,
  violation,
} from "./acts.js";

/** What is wrong at any time. */
export const neverRight: readonly Row[] = [
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

const choosing: Act = ({ victim, must }) => must(select({ to: [victim.send, 1], never: chan<unknown>().receive }));
const selecting: Act = ({ victim, must }) => must(select({ to: [victim.send, 1], from: victim.receive }));
const tryingToSend: Act = ({ victim, must }) => must(trySelect({ to: [victim.send, 1] }));
const tryingToReceive: Act = ({ victim, must }) => must(trySelect({ from: victim.receive }));
const asking: Act = ({ victim, must }) => {
  must(ask(victim.send as never, (reply) => ({ reply })));
};
/** What a home may do to an operation that depends on it: whatever it says, the operation settles when the session is over. */
const fromHomes: readonly Row[] = [
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

export const fromListeners: readonly Row[] = [...neverRight, ...fromHomes];
