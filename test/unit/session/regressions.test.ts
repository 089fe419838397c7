/**
 * Bugs that others had in their resume code, each as a test of this one. R1 to R14; in brackets where it was found.
 * A test of a rule that holds here is no less a test: it has to go on holding.
 */
import { describe, expect, it } from "vitest";
import type { Link } from "../../../src/contract.js";
import { defaultLimits } from "../../../src/limits.js";
import { dial, type Peer } from "../../../src/node.js";
import { writeResumed, writeWelcome } from "../../../src/session/greet.js";
import type { Resume } from "../../../src/session/handshake.js";
import { introduce, resume } from "../../../src/session/introduce.js";
import { Session } from "../../../src/session/session.js";
import { memoryLinks, VirtualTime } from "../../../src/transports/memory.js";
import { limits, RawPeer, welcome } from "../../hostile/raw-peer.js";
import { World } from "../resume-world.js";
import { microtasks, numbered, passTime, ScriptedLink, scene, take } from "./support.js";

const coming: Resume = {
  kind: "resume",
  session: welcome.session,
  listener: welcome.listener,
  token: welcome.token,
  epoch: 1,
  next: 1,
  first: 1,
  credentials: null,
};

/** A link over which the answer is there before `send` has returned. */
function hasty(answer: string): Link {
  const answers: string[] = [];
  const received: AsyncIterable<string> & AsyncIterator<string> = {
    [Symbol.asyncIterator]: () => received,
    next: () => {
      const value = answers.shift();
      return value === undefined ? new Promise(() => undefined) : Promise.resolve({ done: false, value });
    },
  };
  return {
    transport: "hasty",
    received,
    send: () => {
      answers.push(answer);
    },
    close: () => undefined,
  };
}

async function over(
  world: World,
  { listener, far }: { readonly listener: { close(options: object): Promise<void> }; readonly far: Peer },
): Promise<void> {
  far.abort();
  const closed = listener.close({ drainMs: 0 });
  await world.advance(200_000);
  await closed;
  expect(world.time.nextAt, "a timer is left").toBeUndefined();
}
/** Values each way, all of which have to be there, once and in order. */
function traffic(near: Peer<unknown, unknown>, far: Peer<unknown, unknown>) {
  let count = 0;
  const [up, down]: [unknown[], unknown[]] = [[], []];
  void (async () => {
    for await (const value of near.receive) up.push(value);
  })().catch(() => undefined);
  void (async () => {
    for await (const value of far.receive) down.push(value);
  })().catch(() => undefined);
  const sent: Promise<void>[] = [];
  return {
    add: (more: number): void => {
      for (let index = 0; index < more; index++) {
        sent.push(far.send(count), near.send(count));
        count++;
      }
    },
    check: async (): Promise<void> => {
      const all = Array.from({ length: count }, (_, index) => index);
      expect(up).toEqual(all);
      expect(down).toEqual(all);
      await Promise.all(sent);
    },
  };
}

describe("R1 the answer of a handshake that comes at once is not missed: it was set up to be waited for too late (aspnetcore #50409)", () => {
  const { host } = new VirtualTime(1);
  it("of a hello", async () => {
    const link = hasty(writeWelcome(welcome));
    await expect(
      introduce(link, link.received[Symbol.asyncIterator](), host, { limits: defaultLimits, credentials: undefined }),
    ).resolves.toEqual(welcome);
  });
  it("of a resume", async () => {
    const link = hasty(writeResumed({ token: welcome.token, next: 1, first: 1 }));
    await expect(resume(link, link.received[Symbol.asyncIterator](), host, coming)).resolves.toMatchObject({ kind: "resumed" });
  });
  it("and frames right behind the answer are not either", async () => {
    const world = new World();
    const { listener, far, near } = await world.session();
    world.cut();
    await world.settle();
    void near.send("behind the answer");
    const got = far.receive();
    await world.advance(1_000);
    expect((await got).value).toBe("behind the answer");
    await over(world, { listener, far });
  });
});

it("R2 both sides count the same frames: numbered ones, and no others (aspnetcore #55575)", async () => {
  const time = new VirtualTime(1);
  const links = memoryLinks(time, () => 0);
  const [one, two] = links.map((link) => {
    const nothing = (): void => undefined;
    const session = new Session(
      { frame: nothing, drained: nothing, suspended: nothing, connected: nothing, awake: nothing, finished: nothing },
      { host: time.host, limits: defaultLimits, peerLimits: { maxFrameBytes: 1_000_000 }, heartbeatMs: 1_000, asks: true },
    );
    session.attach(link, link.received);
    return session;
  }) as [Session, Session];
  const settle = async (ms: number): Promise<void> => {
    for (let step = 0; step < 20; step++) {
      await microtasks();
      passTime(time, ms / 20);
    }
  };
  for (let count = 1; count <= 40; count++) {
    one.post(`"take",2,${count}`);
    if (count % 3 === 0) one.ping(() => undefined);
    if (count % 5 === 0) two.post('"send",1,1,1,0,null,[],[1]', [Uint8Array.of(count)], true);
    if (count % 7 === 0) one.hide(count % 2 === 0);
    if (count % 4 === 0) one.recall(one.post('"sent",1,1'));
    two.rouse();
    await settle(count % 10 === 0 ? 1_500 : 20);
  }
  await settle(1_000);
  expect([one.position, two.position]).toEqual([
    { next: 9, first: 41 },
    { next: 41, first: 9 },
  ]);
  for (const session of [one, two]) session.finish({ reason: "closed", error: undefined });
  passTime(time);
  expect(time.nextAt).toBeUndefined();
});

describe("R3 a number that is none ends the session, and is never counted with (aspnetcore #69283)", () => {
  const wrong = ["-1", "0.5", "1e400", "9007199254740992", "9007199254740993", '"1"', "null", "true", "[1]", "{}"];
  it.each(wrong)("a frame number %s", (number) => {
    const { session, finishes, frames } = scene();
    expect(take(session, `[[${number},"take",2,1]]`)).toBe(false);
    expect(finishes[0]?.error?.code).toBe("PROTOCOL_VIOLATION");
    expect(frames).toEqual([]);
  });
  it.each(wrong)("an acknowledgement of %s", (number) => {
    const { session, finishes, pass } = scene();
    session.post('"ready"');
    pass();
    expect(take(session, `[["ack",${number}]]`)).toBe(false);
    expect(finishes[0]?.error?.code).toBe("PROTOCOL_VIOLATION");
  });
  it.each([Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 2 ** 53])("a position of %d", (next) => {
    const { session, finishes, pass, relink } = scene();
    session.post('"ready"');
    pass();
    relink({ next, first: 1 });
    // The handshake lets none of these through; and would one come, what is kept must not be lost for it.
    expect(finishes[0]?.error?.code ?? (session.stats.kept === 1 ? "kept" : "lost")).not.toBe("lost");
  });
});

describe("R4 an acknowledgement of what was never sent is a fault, not good news (SignalR's TypeScript client)", () => {
  it.each([2, 3, 1_000_000])("of frame %d, when one was sent", (number) => {
    const { session, receive, pass, finishes } = scene();
    session.post('"ready"');
    pass();
    expect(receive(["ack", number])).toBe(false);
    expect(finishes[0]?.error?.code).toBe("PROTOCOL_VIOLATION");
  });
  it("of a frame that waits to be written", () => {
    const { session, receive, finishes } = scene();
    session.post('"ready"');
    expect(receive(["ack", 1])).toBe(false);
    expect(finishes[0]?.error?.code).toBe("PROTOCOL_VIOLATION");
  });
  it("of a frame that waits for the next link, in a resume", async () => {
    const { session, link, relink, finishes } = scene();
    await link.fail();
    session.post('"ready"');
    relink({ next: 2, first: 1 });
    expect(finishes[0]?.error?.code).toBe("PROTOCOL_VIOLATION");
  });
});

/** A session whose second link is congested in the middle of what it has to repeat. */
async function repeating() {
  const made = scene({ peerMaxFrameBytes: 1_000 });
  const { session, pass, link } = made;
  for (let count = 1; count <= 40; count++) session.post(`"sent",1,${count}`);
  pass();
  await link.fail();
  const second = new ScriptedLink();
  second.congest();
  session.attach(second, second.received, { next: 1, first: 1 });
  pass();
  const numbers = () =>
    second
      .sent()
      .map(([number]) => number)
      .filter((number) => typeof number === "number");
  return { ...made, second, numbers };
}

it("R5 an acknowledgement that comes while frames are repeated skips those it names, and no others (SignalR ReceiveAckDuringResend)", async () => {
  const { second, numbers, session, pass } = await repeating();
  const before = numbers();
  expect(before[0]).toBe(1);
  expect(before.length).toBeLessThan(40);
  session.post('"sent",1,41');
  await second.bring(["ack", 35]);
  await second.relieve();
  pass();
  expect(numbers()).toEqual([...before, 36, 37, 38, 39, 40, 41]);
  await second.bring(["ack", 41]);
  expect(session.stats).toMatchObject({ kept: 0, keptBytes: 0, waiting: 0 });
});

it("R6 the acknowledgement this side owes may become due while it repeats frames (SignalR SendingAckMessageDelayedDuringResend)", async () => {
  const { second, numbers, pass, sent, finishes } = await repeating();
  await second.bring(...numbered(1, 3));
  pass(60); // its timer fires while the link is congested
  expect(second.batches).toHaveLength(1);
  await second.relieve();
  pass();
  expect(numbers()).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect(second.sent().filter(([type]) => type === "ack")).toEqual([
    ["ack", 0],
    ["ack", 3],
  ]);
  expect(finishes).toEqual([]);
  expect(sent().filter(([type]) => type === "ack")).toEqual([]);
});

it.each([
  ["before its resume has arrived", 50],
  ["before its answer has", 150],
  ["when its answer has just", 200],
  ["before its first frame has arrived", 250],
  ["at every moment", undefined],
] as const)("R7 a link that is lost again %s is no end: the next one is tried (SignalR)", async (_when, afterMs) => {
  const world = new World();
  world.delayMs = 100;
  const listener = world.listen();
  const dialing = dial<unknown, unknown>(world.address(listener.accept), { reconnect: { minMs: 10, maxMs: 10 } });
  await world.advance(1_000);
  const far = await dialing;
  const [near] = listener.connected as ReadonlySet<unknown> as ReadonlySet<Peer<unknown, unknown>>;
  if (near === undefined) throw new Error("nobody arrived");
  const values = traffic(near, far);
  for (let round = 0; round < 30; round++) {
    values.add(2);
    world.cut();
    await world.advance(10); // the next link is there
    await world.advance(afterMs ?? round * 13);
  }
  world.cut();
  await world.advance(60_000);
  expect(far.status.state).toBe("connected");
  await values.check();
  await over(world, { listener, far });
});

describe("R8 a session in which nothing was ever said can be resumed (socket.io #4888)", () => {
  it("by its numbers", async () => {
    const { link, relink, pass, finishes } = scene();
    await link.fail();
    const second = relink({ next: 1, first: 1 });
    pass();
    expect(second.sent()).toEqual([["ack", 0]]);
    expect(finishes).toEqual([]);
  });
  it("before the dialer's first frame has arrived: the listener's application hears of it then", async () => {
    const world = new World();
    world.delayMs = 100;
    const listener = world.listen();
    const dialing = dial<unknown, unknown>(world.address(listener.accept), { reconnect: { minMs: 10, maxMs: 10 } });
    await world.advance(250); // hello and welcome have arrived, ready has not
    const far = await dialing;
    expect(listener.connected.size).toBe(0);
    world.cut();
    await world.advance(1_000);
    expect(listener.connected.size).toBe(1);
    expect(far.status.state).toBe("connected");
    await over(world, { listener, far });
  });
});

it("R9 the second resume is like the first, and the tenth (socket.io #4880)", async () => {
  const world = new World();
  const { listener, far, near } = await world.session({ dial: { reconnect: { minMs: 10, maxMs: 10 } } });
  const values = traffic(near, far);
  for (let round = 0; round < 10; round++) {
    values.add(3);
    await world.settle();
    values.add(3);
    world.cut();
    await world.advance(100);
    expect([far.status.state, near.status.state]).toEqual(["connected", "connected"]);
    await values.check();
  }
  expect(listener.connected.size).toBe(1);
  await over(world, { listener, far });
});

it("R10 what is repeated twice is taken once (socket.io #5419)", async () => {
  const { relink, frames, pass } = scene();
  for (let again = 0; again < 5; again++) {
    const next = relink({ next: 1, first: 1 });
    await next.bring(...numbered(1, 3));
    await next.bring(...numbered(1, 3));
    pass();
    expect(next.sent().at(0)).toEqual(["ack", 3]);
  }
  expect(frames.map(({ number }) => number)).toEqual([1, 2, 3]);
});

describe("R11 the end of an old link, heard after another took over, is not the end of that one (hermes #77127, rsocket-cpp #679)", () => {
  it.each(["end", "fail"] as const)("when it %ss", async (how) => {
    const { link, relink, suspensions, session, pass, receive } = scene();
    const second = relink({ next: 1, first: 1 });
    await link[how]();
    session.detach(link, suspensions[0] as never);
    expect(suspensions).toEqual([]);
    expect(session.linked).toBe(true);
    expect(second.closed).toEqual([]);
    session.post('"ready"');
    pass();
    expect(second.sent().at(-1)).toEqual([1, "ready"]);
    expect(receive(["ack", 1])).toBe(true);
  });
  it("when its congestion is over", async () => {
    const { link, relink, session, pass } = scene();
    link.congest();
    session.post('"ready"');
    pass();
    const second = new ScriptedLink();
    second.congest();
    session.attach(second, second.received, { next: 1, first: 1 });
    pass();
    session.post('"bye"');
    await link.relieve();
    pass();
    expect(second.batches).toHaveLength(1); // it is the second that is congested now
    await second.relieve();
    expect(second.sent().at(-1)).toEqual([2, "bye"]);
    relink({ next: 3, first: 1 });
  });
  it("when its silence is noticed", () => {
    const { relink, suspensions, pass } = scene({ heartbeatMs: 1_000 });
    pass(2_900);
    relink({ next: 1, first: 1 });
    pass(2_900);
    expect(suspensions).toEqual([]);
  });
});

describe("R12 what was meant for an earlier link, or an earlier session, does not count for this one (pekko)", () => {
  it("an acknowledgement over the old link", async () => {
    const { link, relink, session, pass } = scene();
    for (let count = 1; count <= 3; count++) session.post(`"sent",1,${count}`);
    pass();
    relink({ next: 1, first: 1 });
    await link.bring(["ack", 3]);
    expect(session.stats.kept).toBe(3);
  });
  it("a word of the session that was lost, at the next one of the same dialer", async () => {
    const world = new World();
    const listener = world.listen({ resumeWindowMs: 100 });
    const open = world.address(listener.accept);
    const signal = new AbortController().signal;
    const first = new RawPeer(await open({ signal }));
    first.control(["hello", { version: 1, limits, credentials: null }]);
    await world.settle();
    first.say(["ready"]);
    const { session, listener: id, token } = (first.find("welcome") ?? [])[0] as typeof welcome;
    await world.settle();
    first.link.close();
    await world.advance(100);
    const second = await dial(open);
    const late = new RawPeer(await open({ signal }));
    late.control(["resume", { version: 1, session, listener: id, token, epoch: 1, next: 1, first: 1, credentials: null }]);
    await world.settle();
    expect(late.find("refused")?.[0]).toBe("SESSION_LOST");
    expect(second.status.state).toBe("connected");
    expect(listener.connected.size).toBe(1);
    await over(world, { listener, far: second });
  });
});

describe("R13 a session is resumed as it was agreed, not as the resume would have it (engine.io CVE-2026-102599)", () => {
  async function lost() {
    const world = new World();
    const listener = world.listen();
    const open = world.address(listener.accept);
    const signal = new AbortController().signal;
    const raw = new RawPeer(await open({ signal }));
    raw.control(["hello", { version: 1, limits: { ...limits, maxPendingOperations: 3 }, credentials: null }]);
    await world.settle();
    raw.say(["ready"]);
    await world.settle();
    const { session, listener: id, token } = (raw.find("welcome") ?? [])[0] as typeof welcome;
    const [near] = listener.connected as ReadonlySet<unknown> as ReadonlySet<Peer<unknown, unknown>>;
    raw.link.close();
    await world.settle();
    const back = async (more: object): Promise<RawPeer> => {
      const again = new RawPeer(await open({ signal }));
      again.control(["resume", { version: 1, session, listener: id, token, epoch: 1, next: 1, first: 1, credentials: null, ...more }]);
      await world.settle();
      return again;
    };
    return { world, listener, near: near as Peer<unknown, unknown>, back };
  }
  it("another version is refused, and the session waits for its own", async () => {
    const { world, listener, near, back } = await lost();
    expect((await back({ version: 2 })).find("refused")?.[0]).toBe("VERSION_MISMATCH");
    expect(near.status.state).toBe("reconnecting");
    expect((await back({})).find("resumed")).toBeDefined();
    await over(world, { listener, far: near });
  });
  it("other limits change nothing", async () => {
    const { world, listener, near, back } = await lost();
    const again = await back({ limits, capacity: 1_000, resumes: false });
    for (let count = 0; count < 10; count++) void near.receive().catch(() => undefined);
    await world.settle();
    const peer = near as unknown as { readonly exchange: { readonly mostDemand: number } };
    expect(peer.exchange.mostDemand).toBe(3);
    expect(near.send.capacity).toBe(0);
    again.link.close();
    await world.settle();
    expect(near.status.state).toBe("reconnecting"); // it may come back still
    await over(world, { listener, far: near });
  });
});

describe("R14 the answer to a resume may be lost: the token that was shown stays good (ircv3 #306)", () => {
  it("however often it is lost", async () => {
    const world = new World();
    const { listener, far, near } = await world.session({ dial: { reconnect: { minMs: 10, maxMs: 10 } } });
    const values = traffic(near, far);
    values.add(3);
    let deaf = 5;
    world.shape = (_here, there) => {
      if (deaf-- > 0) there.silent = true; // what the listener says is lost; what it hears is not
    };
    world.cut();
    await world.advance(80_000);
    expect(world.attempts.length).toBe(6);
    expect([far.status.state, near.status.state]).toEqual(["connected", "connected"]);
    await values.check();
    world.cut();
    await world.advance(1_000);
    expect([far.status.state, near.status.state]).toEqual(["connected", "connected"]);
    await over(world, { listener, far });
  });

  it("and a late word over the link before does not make the new one bad", async () => {
    const world = new World();
    const listener = world.listen();
    const signal = new AbortController().signal;
    // Links of a user's making, whose `close` does not stop what is on its way.
    const open = async (): Promise<{ readonly raw: RawPeer; say(frames: unknown): void }> => {
      let bring: (batch: string) => void = () => undefined;
      const coming_: string[] = [];
      const received: AsyncIterable<string> & AsyncIterator<string> = {
        [Symbol.asyncIterator]: () => received,
        next: () =>
          new Promise((resolve) => {
            bring = (value) => resolve({ done: false, value });
            const value = coming_.shift();
            if (value !== undefined) bring(value);
          }),
      };
      const [here, there] = memoryLinks(world.time, () => 0);
      listener.accept({ transport: "slow", received, send: (batch) => there.send(batch), close: () => undefined });
      const raw = new RawPeer(here);
      return {
        raw,
        say: (frames) => {
          bring(JSON.stringify(frames));
        },
      };
    };
    const settle = async (): Promise<void> => {
      for (let count = 0; count < 5; count++) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        await world.settle();
      }
    };
    const first = await open();
    first.say([["hello", { version: 1, limits, credentials: null }]]);
    await settle();
    const { session, listener: id, token } = (first.raw.find("welcome") ?? [])[0] as typeof welcome;
    first.say([[1, "ready"]]);
    await settle();
    const back = async (shown: string, epoch: number) => {
      const link = await open();
      link.say([["resume", { version: 1, session, listener: id, token: shown, epoch, next: 1, first: 1, credentials: null }]]);
      await settle();
      return { ...link, token: (link.raw.find("resumed")?.[0] as { readonly token: string } | undefined)?.token };
    };
    const second = await back(token, 1);
    const third = await back(second.token ?? "", 2);
    second.say([["ack", 0]]); // it had been on its way
    await settle();
    const fourth = await back(third.token ?? "", 3);
    expect(fourth.raw.find("refused")).toBeUndefined();
    expect(fourth.token).toBeDefined();
    const closed = listener.close({ drainMs: 0 });
    expect(signal.aborted).toBe(false);
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (const peer of listener.connected) peer.abort();
    await world.advance(20_000);
    await closed;
  });
});
