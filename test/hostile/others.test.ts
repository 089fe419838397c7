/** What one hostile peer may cost those who did nothing: the sessions beside it, and the memory and time of the process. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../src/limits.js";
import { ask, chan, dial, type Link, type SendChannel, select } from "../../src/node.js";
import { Session } from "../../src/session/session.js";
import { memoryNetwork } from "../../src/testing.js";
import { VirtualTime } from "../../src/transports/memory.js";
import { hostileDialer, hostileListener, limits, RawPeer } from "./raw-peer.js";

const _id = "0".repeat(32);
const endIn = { values: [["custom", "netchan/end"]], v: 1 };

/** The guilty peer uses an end (6) of a channel that lives at a third process, over an innocent relay. */
async function relayed() {
  const home = memoryNetwork();
  const listener = home.listen<unknown, unknown>();
  const relay = await dial<unknown, unknown>(home.address(listener.accept));
  const { send, receive } = chan<unknown>();
  void listener.send([send] as never);
  const [atRelay] = (await relay.receive()).value as readonly [SendChannel<unknown>];
  const guilty = await hostileDialer();
  guilty.raw.say(["limit", 2, 10]);
  void guilty.victim.send([atRelay]);
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await guilty.network.settle();
      await home.settle();
    }
  };
  await settle();
  return { relay, receive, settle, raw: guilty.raw, guilty: guilty.victim };
}

describe("a peer that breaks the protocol over a relay ends its own session, not the relay's", () => {
  it("with a case of no select", async () => {
    const { relay, raw, guilty, settle } = await relayed();
    raw.say(["case", 6, 1, "zz", 3]);
    await settle();
    expect([relay.status.state, guilty.status.state]).toEqual(["connected", "ended"]);
  });
  it("with a value nobody asked for", async () => {
    const { relay, raw, guilty, settle } = await relayed();
    raw.say(["announce", 6, 1, 100], ["value", 6, 1, 5, 1]);
    await settle();
    expect([relay.status.state, guilty.status.state]).toEqual(["connected", "ended"]);
  });
  it("with a value larger than announced", async () => {
    const { relay, raw, guilty, receive, settle } = await relayed();
    void receive();
    raw.say(["announce", 6, 1, 10]);
    await settle();
    raw.say(["value", 6, 1, 1_000, 1]);
    await settle();
    expect([relay.status.state, guilty.status.state]).toEqual(["connected", "ended"]);
  });
  it("with a value that grows when it is written anew", async () => {
    const { relay, raw, receive, settle } = await relayed();
    void receive();
    raw.say(["announce", 6, 1, 40_000]);
    await settle();
    raw.raw(`[[${raw.next()},"value",6,1,40000,[${Array(20_000).fill("1e20").join(",")}]]]`);
    await settle();
    expect(relay.status.state).toBe("connected");
  });
  it("with a value nested deeper than it can be written", async () => {
    const { relay, raw, settle } = await relayed();
    raw.raw(`[[${raw.next()},"send",6,1,200000,${"[".repeat(100_000)}${"]".repeat(100_000)}]]`);
    await settle();
    expect(relay.status.state).toBe("connected");
    expect(raw.find("failed") ?? raw.find("end"), "an answer in JSON").toBeDefined();
  });
});

describe("holds of a peer that is gone", () => {
  it("end with it, whatever frame it was stopped at", async () => {
    const { network, raw, victim } = await hostileDialer();
    raw.say(["limit", 2, 10]);
    let fate = "hangs";
    ask(victim.send as never, (reply) => ({ reply })).then(
      () => undefined,
      (error: { readonly code: string }) => {
        fate = error.code;
      },
    );
    await network.settle();
    raw.say(["take", 2, 1]);
    raw.say(["send", 1, 0, 9, 0, endIn, [[1, 6]], []]);
    await network.settle();
    expect(victim.status.state).toBe("ended");
    expect(fate).not.toBe("hangs");
  });
});

describe("memory", () => {
  function session(maxFrameBytes: number) {
    const time = new VirtualTime(1);
    let ended = false;
    let batches = 0;
    const received: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
    const link: Link = {
      transport: "scripted",
      received,
      send: () => {
        batches++;
      },
      close: () => undefined,
    };
    const finished = (): void => {
      ended = true;
    };
    const nothing = (): void => undefined;
    const subject = new Session(
      { frame: nothing, drained: nothing, suspended: nothing, connected: nothing, awake: nothing, finished },
      { host: time.host, limits: defaultLimits, peerLimits: { maxFrameBytes }, heartbeatMs: 15_000, asks: false },
    );
    subject.attach(link, received[Symbol.asyncIterator]());
    const pass = (): void => {
      while (time.step());
    };
    return { subject, pass, ended: () => ended, batches: () => batches };
  }

  it("small frames that are kept count what they take", () => {
    const { subject, pass, ended } = session(defaultLimits.maxFrameBytes);
    for (let count = 1; count <= 1_000_000 && !ended(); count++) {
      subject.post(`"sent",1,${count}`);
      if (count % 1_000 === 0) pass();
    }
    expect(ended()).toBe(true);
  });

  it("a case is asked once, or its session ends", async () => {
    const { network, raw, victim } = await hostileListener();
    // A case in this process keeps the others from going to their home as one select.
    select({ one: [victim.send, 1], two: [victim.send, 2], here: chan().receive }).catch(() => undefined);
    await network.settle();
    raw.say(["claim", 1, 1]);
    raw.say(...Array.from({ length: 10_000 }, () => ["claim", 1, 2]));
    await network.settle();
    expect(victim.status.state).toBe("ended");
  });
});

describe("admission", () => {
  it("ends for a link whose credentials are never judged", async () => {
    const network = memoryNetwork();
    const listener = network.listen({ authenticate: () => new Promise(() => undefined) });
    const raw = new RawPeer(await network.address(listener.accept)({ signal: new AbortController().signal }));
    raw.control(["hello", { version: 1, limits, credentials: null }]);
    await network.advance(30_000);
    expect(raw.closed).toBe(true);
  });

  it.each(["throws", "rejects"])("survives a link whose send %s", async (how) => {
    const network = memoryNetwork();
    const listener = network.listen();
    const failures: unknown[] = [];
    const failed = (reason: unknown): void => {
      failures.push(reason);
    };
    process.on("unhandledRejection", failed);
    const received: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: false, value: "garbage" }) }),
    };
    const send = (): Promise<void> => {
      if (how === "throws") throw new Error("sending failed");
      return Promise.reject(new Error("sending failed"));
    };
    listener.accept({ transport: "custom", received, send, close: () => undefined });
    await network.settle();
    process.off("unhandledRejection", failed);
    expect(failures).toEqual([]);
  });
});
