/** Who comes in again, and what the others are told: dialers written by hand come back to a listener of this package. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LinkListener } from "../../src/listener.js";
import type { ListenOptions, Peer } from "../../src/node.js";
import type { SessionPeer } from "../../src/peer.js";
import { memoryNetwork } from "../../src/testing.js";
import { limits, RawPeer } from "../hostile/raw-peer.js";

interface Welcome {
  readonly session: string;
  readonly listener: string;
  readonly token: string;
  readonly resumeWindowMs: number;
}
interface Resumed {
  readonly token: string;
  readonly next: number;
  readonly first: number;
}
const violation = "PROTOCOL_VIOLATION";
const unknown = ["refused", "SESSION_LOST", "there is no such session"];

let network = memoryNetwork();
let listeners: LinkListener[] = [];
beforeEach(() => {
  network = memoryNetwork();
  listeners = [];
});
afterEach(async () => {
  const closed = Promise.all(listeners.map((listener) => listener.close({ drainMs: 0 })));
  await network.advance(20_000);
  await closed;
});

async function arrive(listener: LinkListener): Promise<RawPeer> {
  return new RawPeer(await network.address(listener.accept)({ signal: new AbortController().signal }));
}
/** A dialer by hand that was admitted, and what it was told. */
async function admitted(options: ListenOptions = {}, hello: object = {}) {
  const listener = network.listen(options) as unknown as LinkListener;
  listeners.push(listener);
  const raw = await arrive(listener);
  raw.control(["hello", { version: 1, limits, credentials: null, ...hello }]);
  await network.settle();
  const welcome = raw.find("welcome")?.[0] as Welcome;
  raw.say(["ready"]);
  await network.settle();
  const [near] = listener.connected as ReadonlySet<unknown> as ReadonlySet<Peer<unknown, unknown> & SessionPeer>;
  if (near === undefined) throw new Error("nobody arrived");
  const greeting = (more: object = {}) => ({
    version: 1,
    session: welcome.session,
    listener: welcome.listener,
    token: welcome.token,
    epoch: 1,
    next: 1,
    first: 1,
    credentials: null,
    ...more,
  });
  /** Comes back over a new link. */
  const back = async (more: object = {}, at = listener): Promise<RawPeer> => {
    const again = await arrive(at);
    again.control(["resume", greeting(more)]);
    await network.settle();
    return again;
  };
  const lose = async (): Promise<void> => {
    raw.link.close();
    await network.settle();
  };
  return { listener, raw, welcome, near, back, lose };
}
const answerOf = ({ heard }: RawPeer): readonly unknown[] | undefined => heard[0];
const resumedOf = (peer: RawPeer): Resumed => {
  const [type, resumed] = answerOf(peer) ?? [];
  expect(type).toBe("resumed");
  return resumed as Resumed;
};

describe("a dialer that comes back", () => {
  it("is told what is wanted and what there is, gets a new token, and then what it missed", async () => {
    const { lose, back, near, listener, welcome } = await admitted();
    await lose();
    expect(near.status.state).toBe("reconnecting");
    const taken = near.receive();
    void near.send("missed");
    const again = await back();
    const { token, next, first } = resumedOf(again);
    expect([next, first]).toEqual([2, 1]);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(token).not.toBe(welcome.token);
    expect(again.heard[1]).toEqual(["ack", 1]);
    again.raw(
      JSON.stringify([
        ["ack", 0],
        [2, "limit", 2, 1],
        [3, "send", 1, 1, 3, "tea"],
      ]),
    );
    await network.settle();
    expect((await taken).value).toBe("tea");
    expect(again.find("offer")).toEqual([2, 1, 0, null, "missed"]);
    expect(listener.connected.size).toBe(1);
    expect(near.status).toEqual({ state: "connected", transport: "memory" });
  });

  it("with a position that cannot be ends its session", async () => {
    for (const position of [{ next: 2 }, { next: Number.MAX_SAFE_INTEGER }, { first: 3 }]) {
      const { lose, back, near } = await admitted();
      await lose();
      const again = await back(position);
      expect(again.find("end")?.[0]).toBe("PROTOCOL_VIOLATION");
      expect(again.closed).toBe(true);
      expect(await near.ended).toMatchObject({ reason: "aborted", error: { code: "PROTOCOL_VIOLATION" } });
    }
  });

  it("is the same peer as before: nobody new arrives, and what it is known by never changes", async () => {
    const { lose, back, near, listener } = await admitted({ authenticate: () => ({ name: "Ada" }) });
    const { id, identity } = near;
    await lose();
    await back();
    expect([near.id, near.identity]).toEqual([id, identity]);
    expect([...listener.connected]).toEqual([near]);
  });

  it("cannot come back when it said that it will not", async () => {
    const { lose, back, near } = await admitted({}, { resumes: false });
    await lose();
    expect((await near.ended).reason).toBe("lost");
    expect(answerOf(await back())).toEqual(unknown);
  });

  it("is never known by what it shows: its token is not its id, and stands in no status or error", async () => {
    const { lose, near, welcome } = await admitted({ resumeWindowMs: 1_000 });
    expect(near.id).toBe(welcome.session);
    expect(welcome.token).not.toContain(near.id);
    await lose();
    await network.advance(1_000);
    const end = await near.ended;
    expect(JSON.stringify([end, end.error?.message, String(end.error?.stack)])).not.toContain(welcome.token);
  });

  it("has its place among the sessions while it is away", async () => {
    const { lose, back, listener } = await admitted({ limits: { maxSessions: 1 } });
    await lose();
    const other = await arrive(listener);
    other.control(["hello", { version: 1, limits, credentials: null }]);
    await network.settle();
    expect(other.find("refused")?.[0]).toBe("LIMIT_EXCEEDED");
    resumedOf(await back());
  });
});

describe("whoever shows what is not valid", () => {
  it.each<[string, (scene: Awaited<ReturnType<typeof admitted>>) => object]>([
    ["a token that was never issued", () => ({ token: "0".repeat(64) })],
    ["the session's id for a token", ({ welcome }) => ({ token: welcome.session.repeat(2) })],
    ["a session that never was", () => ({ session: "0".repeat(32) })],
    ["a session and a token that never were", () => ({ session: "0".repeat(32), token: "0".repeat(64) })],
  ])("is told the same, and nobody is asked: %s", async (_what, wrong) => {
    let asked = 0;
    const scene = await admitted({
      authenticate: () => {
        asked++;
      },
    });
    await scene.lose();
    const stranger = await scene.back(wrong(scene));
    expect(stranger.heard).toEqual([unknown]);
    expect(stranger.closed).toBe(true);
    expect(asked).toBe(1);
    expect(scene.near.status.state).toBe("reconnecting");
    resumedOf(await scene.back()); // and the one whose session it is comes in
  });

  it("is told the same of a session that is lost", async () => {
    const { lose, back, near } = await admitted({ resumeWindowMs: 1_000 });
    await lose();
    await network.advance(1_000);
    expect((await near.ended).reason).toBe("lost");
    expect((await back()).heard).toEqual([unknown]);
  });

  it("is told the same of a session that ended, and nothing of how", async () => {
    const { back, near } = await admitted();
    near.abort(new Error("s3cret"));
    await network.settle();
    expect((await back({ token: "0".repeat(64) })).heard).toEqual([unknown]);
  });

  it("a thousand times harms nobody", async () => {
    const { lose, back } = await admitted();
    await lose();
    for (let count = 0; count < 1_000; count++) await back({ token: count.toString(16).padStart(64, "0"), epoch: count + 100 });
    resumedOf(await back());
  });

  it("at another listener is at the wrong door, whatever it shows", async () => {
    let asked = 0;
    const { lose, back, near } = await admitted();
    const other = network.listen({
      authenticate: () => {
        asked++;
      },
    }) as unknown as LinkListener;
    listeners.push(other);
    await lose();
    const stranger = await back({}, other);
    expect(stranger.heard).toEqual([["wrong-door"]]);
    expect(stranger.closed).toBe(true);
    expect(asked).toBe(0);
    expect(near.status.state).toBe("reconnecting");
    resumedOf(await back());
  });
});

describe("a token", () => {
  it("that was shown stays good until the new one has proved to have arrived", async () => {
    const { lose, back, near } = await admitted();
    await lose();
    const lost = await back({ epoch: 1 }); // its answer never arrives
    resumedOf(lost);
    const second = await back({ epoch: 2 });
    const { token } = resumedOf(second);
    expect(lost.closed).toBe(true);
    second.control(["ack", 0]);
    await network.settle();
    expect((await back({ epoch: 3 })).heard).toEqual([unknown]);
    expect(near.status.state).toBe("connected");
    resumedOf(await back({ epoch: 4, token }));
  });

  it("of an answer that was lost is good for nothing", async () => {
    const { back } = await admitted();
    const { token: lost } = resumedOf(await back({ epoch: 1 }));
    resumedOf(await back({ epoch: 2 }));
    expect((await back({ epoch: 3, token: lost })).heard).toEqual([unknown]);
  });

  it("is not used up by an attempt that was overtaken", async () => {
    const { back } = await admitted();
    const { token } = resumedOf(await back({ epoch: 5 }));
    expect((await back({ epoch: 4 })).heard).toEqual([]);
    resumedOf(await back({ epoch: 6, token }));
  });
});

describe("of two links of one session", () => {
  it("the one with the higher epoch holds, though the other still looks alive; what that one says means nothing", async () => {
    const { raw, back, near } = await admitted();
    const again = await back();
    resumedOf(again);
    expect(raw.closed).toBe(true);
    raw.say(["send", 1, 1, 5, "old"]);
    raw.control(["end", "SESSION_CLOSED", "old"]);
    await network.settle();
    expect(near.status.state).toBe("connected");
    const taken = near.receive();
    again.raw(JSON.stringify([[2, "send", 1, 1, 5, "new"]]));
    await network.settle();
    expect((await taken).value).toBe("new");
  });

  it.each([
    ["equal", 3],
    ["lower", 2],
  ])("one with an %s epoch is closed without an answer, and the session stays where it is", async (_what, epoch) => {
    const { back, near } = await admitted();
    const present = await back({ epoch: 3 });
    const { token } = resumedOf(present);
    for (const shown of [{}, { token }]) {
      const late = await back({ epoch, ...shown });
      expect(late.heard).toEqual([]);
      expect(late.closed).toBe(true);
    }
    expect(present.closed).toBe(false);
    expect(near.status.state).toBe("connected");
  });

  it("that come at once the higher one wins, however long each takes to be judged", async () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const judge: (() => void)[] = [];
      let first = true;
      const { back, near } = await admitted({
        authenticate: () => {
          if (first) {
            first = false;
            return undefined;
          }
          return new Promise<void>((resolve) => judge.push(resolve));
        },
      });
      const one = await back({ epoch: 1 });
      const two = await back({ epoch: 2 });
      for (const which of order) {
        judge[which - 1]?.();
        await network.settle();
      }
      expect(two.find("resumed")).toBeDefined();
      expect(two.closed).toBe(false);
      expect(one.closed).toBe(true);
      expect(near.status.state).toBe("connected");
    }
  });
});

describe("authenticate", () => {
  it("is asked for every link, with what that link shows", async () => {
    const asked: unknown[] = [];
    const { lose, back } = await admitted(
      { authenticate: (credentials, { url }) => void asked.push([credentials, url]) },
      { credentials: "first" },
    );
    await lose();
    resumedOf(await back({ credentials: "second" }));
    expect(asked).toEqual([
      ["first", "/"],
      ["second", "/"],
    ]);
  });

  it.each<[string, (count: number) => unknown]>([
    [
      "throws",
      (count) => {
        if (count > 1) throw new Error("s3cret reason");
        return { name: "Ada" };
      },
    ],
    ["rejects", (count) => (count > 1 ? Promise.reject(new Error("s3cret reason")) : { name: "Ada" })],
    ["says it is another", (count) => ({ name: count > 1 ? "Eve" : "Ada" })],
    ["says it is nobody", (count) => (count > 1 ? undefined : { name: "Ada" })],
    ["says it has more than it had", (count) => (count > 1 ? { name: "Ada", admin: true } : { name: "Ada" })],
  ])("that %s ends the session as refused, on both sides, and does not say why", async (_what, authenticate) => {
    let count = 0;
    const { lose, back, near } = await admitted({ authenticate: () => authenticate(++count) });
    const waiting = near.receive().catch((error: unknown) => error);
    await lose();
    const refused = await back();
    expect(refused.heard.map((frame) => frame.slice(0, 2))).toEqual([["refused", "SESSION_REFUSED"]]);
    expect(JSON.stringify(refused.heard)).not.toContain("s3cret");
    expect(refused.closed).toBe(true);
    expect(await near.ended).toMatchObject({ reason: "refused", error: { code: "SESSION_REFUSED" } });
    expect(await waiting).toMatchObject({ code: "SESSION_REFUSED" });
    // It is final: who comes too late to have heard is told the same.
    count = -10;
    expect((await back({ epoch: 2 })).find("refused")?.[0]).toBe("SESSION_REFUSED");
  });

  it("that says the same in another object lets it in", async () => {
    const { lose, back, near } = await admitted({ authenticate: () => ({ name: "Ada", roles: new Set(["a"]) }) });
    await lose();
    resumedOf(await back());
    expect(near.status.state).toBe("connected");
  });

  it("that refuses a link ends the session though its old link is alive", async () => {
    let allowed = true;
    const { raw, back, near } = await admitted({
      authenticate: () => {
        if (!allowed) throw new Error("revoked");
      },
    });
    allowed = false;
    await back();
    expect((await near.ended).reason).toBe("refused");
    expect(raw.closed).toBe(true);
  });

  it("that never decides has refused after 10 s", async () => {
    let count = 0;
    const { lose, back, near } = await admitted({ authenticate: () => (++count > 1 ? new Promise(() => undefined) : undefined) });
    await lose();
    const again = await back();
    await network.advance(9_999);
    expect(again.heard).toEqual([]);
    await network.advance(1);
    expect(again.find("refused")?.[0]).toBe("SESSION_REFUSED");
    expect((await near.ended).reason).toBe("refused");
  });
});

describe("the window", () => {
  it("is judged here, to the millisecond", async () => {
    const early = await admitted({ resumeWindowMs: 5_000 });
    await early.lose();
    await network.advance(4_999);
    resumedOf(await early.back());
    const late = await admitted({ resumeWindowMs: 5_000 });
    await late.lose();
    await network.advance(5_000);
    expect((await late.back()).heard).toEqual([unknown]);
    expect(await late.near.ended).toMatchObject({
      reason: "lost",
      error: { code: "SESSION_LOST", message: expect.stringContaining("5000 ms") as string },
    });
  });

  it("begins anew with each loss", async () => {
    const { lose, back, near } = await admitted({ resumeWindowMs: 5_000 });
    await lose();
    let token: string | undefined;
    for (let epoch = 1; epoch <= 5; epoch++) {
      await network.advance(4_000);
      const again = await back(token === undefined ? { epoch } : { epoch, token });
      ({ token } = resumedOf(again));
      again.control(["ack", 0]);
      await network.settle();
      again.link.close();
      await network.settle();
    }
    await network.advance(4_999);
    expect(near.status.state).toBe("reconnecting");
    await network.advance(1);
    expect((await near.ended).reason).toBe("lost");
  });

  it("does not end while somebody with the right token is judged, and ends when it may not come in after all", async () => {
    let judge: () => void = () => undefined;
    let count = 0;
    const authenticate = (): unknown => (++count > 1 ? new Promise<void>((resolve) => (judge = resolve)) : undefined);
    const { lose, back, near } = await admitted({ resumeWindowMs: 5_000, authenticate });
    await lose();
    await network.advance(4_000);
    const again = await back();
    await network.advance(5_000);
    expect(near.status.state).toBe("reconnecting");
    judge();
    await network.settle();
    resumedOf(again);
    expect(near.status.state).toBe("connected");
  });

  it("ends for a dialer that is overtaken by nobody: an old link at the door does not hold it up", async () => {
    const { back, near } = await admitted({ resumeWindowMs: 5_000 });
    const again = await back({ epoch: 2 });
    again.link.close();
    await network.advance(4_000);
    await back({ epoch: 1 });
    await network.advance(1_000);
    expect((await near.ended).reason).toBe("lost");
  });

  it("keeps no timer when it is over", async () => {
    const { lose, listener } = await admitted({ resumeWindowMs: 5_000 });
    await lose();
    await network.advance(5_000);
    expect(listener.connected.size).toBe(0);
  });
});

describe("a session that ended while its dialer was away", () => {
  it("by abort, is answered with the word that was missed", async () => {
    const { lose, back, near } = await admitted();
    await lose();
    near.abort(new Error("enough"));
    const again = await back();
    expect(again.heard).toEqual([["end", "SESSION_CLOSED", expect.stringContaining("enough") as string]]);
    expect(again.closed).toBe(true);
  });

  it("by a goodbye nobody heard, is answered as closed", async () => {
    const { lose, back, near } = await admitted();
    await lose();
    const closed = near.close({ drainMs: 100 });
    await network.advance(2_000);
    await closed;
    expect((await near.ended).reason).toBe("closed");
    expect((await back()).heard.map((frame) => frame.slice(0, 2))).toEqual([["refused", "SESSION_CLOSED"]]);
  });

  it("is remembered for one window", async () => {
    const { lose, back, near } = await admitted({ resumeWindowMs: 5_000 });
    await lose();
    near.abort();
    await network.advance(4_999);
    expect((await back()).find("end")).toBeDefined();
    await network.advance(1);
    expect((await back({ epoch: 2 })).heard).toEqual([unknown]);
  });
});

describe("a listener that closes", () => {
  it("lets those come back who have a session, for the goodbye, and nobody new", async () => {
    const { lose, back, near, listener } = await admitted();
    await lose();
    const closed = listener.close({ drainMs: 5_000 });
    await network.advance(1_000);
    const other = await arrive(listener);
    other.control(["hello", { version: 1, limits, credentials: null }]);
    await network.settle();
    expect(other.find("refused")?.[0]).toBe("SESSION_REFUSED");
    const again = await back();
    resumedOf(again);
    expect(again.find("drain")).toEqual([5_000]);
    again.raw(
      JSON.stringify([
        [2, "drained"],
        [3, "bye"],
      ]),
    );
    await network.settle();
    again.control(["ack", again.heard.reduce((last, [number]) => Math.max(last, typeof number === "number" ? number : 0), 0)]);
    await network.settle();
    expect(await near.ended).toMatchObject({ reason: "closed" });
    expect(again.find("bye")).toEqual([]);
    await closed;
  });

  it("waits for those who are away no longer than it drains, and says closed", async () => {
    const { lose, near, listener } = await admitted();
    await lose();
    let over = false;
    void listener.close({ drainMs: 5_000 }).then(() => {
      over = true;
    });
    await network.advance(4_999);
    expect(over).toBe(false);
    await network.advance(1_002);
    expect(over).toBe(true);
    expect((await near.ended).reason).toBe("closed");
  });

  it("has closed every link it was asked about, and takes no other", async () => {
    const { listener, back } = await admitted();
    const stranger = await arrive(listener);
    const closed = listener.close({ drainMs: 0 });
    await network.advance(5_000);
    await closed;
    expect(stranger.closed).toBe(true);
    const late = await back();
    expect(late.heard).toEqual([]);
    expect(late.closed).toBe(true);
  });
});

describe("an address", () => {
  async function from(listener: LinkListener, remoteAddress: string | undefined): Promise<RawPeer> {
    const request = { url: "/", headers: {}, ...(remoteAddress === undefined ? {} : { remoteAddress }) };
    const open = network.address((link) => listener.acceptFrom(link, request));
    return new RawPeer(await open({ signal: new AbortController().signal }));
  }
  async function says(listener: LinkListener, remoteAddress: string | undefined, credentials: unknown): Promise<unknown> {
    const raw = await from(listener, remoteAddress);
    raw.control(["hello", { version: 1, limits, credentials }]);
    await network.settle();
    return raw.closed && raw.heard.length === 0 ? "nothing" : answerOf(raw)?.[0];
  }
  const choosy = (more: ListenOptions = {}) => {
    let asked = 0;
    const authenticate = (credentials: unknown): void => {
      asked++;
      if (credentials !== "right") throw new Error("no");
    };
    return admitted({ authenticate, ...more }, { credentials: "right" }).then((given) => ({ ...given, asked: () => asked }));
  };

  it("has 32 links that have not been answered, and another has its own", async () => {
    const { listener } = await admitted();
    const silent = [];
    for (let count = 0; count < 40; count++) silent.push(await from(listener, "192.0.2.1"));
    await network.settle();
    expect(silent.filter(({ closed }) => closed)).toHaveLength(8);
    expect(await says(listener, "192.0.2.1", null)).toBe("nothing");
    expect(await says(listener, "192.0.2.2", null)).toBe("welcome");
    await network.advance(10_000);
    expect(await says(listener, "192.0.2.1", null)).toBe("welcome");
  });
  it("whose links are refused too often within a minute is not answered, and the application is not asked", async () => {
    const { listener, asked } = await choosy({ limits: { maxRefusalsPerMinute: 3 } });
    for (let count = 0; count < 3; count++) expect(await says(listener, "192.0.2.1", "guess")).toBe("refused");
    const before = asked();
    for (const credentials of ["guess", "right"]) expect(await says(listener, "192.0.2.1", credentials)).toBe("nothing");
    expect(asked()).toBe(before);
    expect(await says(listener, "192.0.2.2", "right")).toBe("welcome");
    await network.advance(60_000);
    expect(await says(listener, "192.0.2.1", "right")).toBe("welcome");
  });
  it("of this machine may be refused as often as it likes: a proxy stands for everybody", async () => {
    const { listener } = await choosy({ limits: { maxRefusalsPerMinute: 1 } });
    for (const address of ["127.0.0.1", undefined])
      for (let count = 0; count < 3; count++) expect(await says(listener, address, "guess")).toBe("refused");
  });
  it("that breaks the rules at the door is refused like one that guesses", async () => {
    const { listener } = await choosy({ limits: { maxRefusalsPerMinute: 2 } });
    for (let count = 0; count < 2; count++) {
      const raw = await from(listener, "192.0.2.1");
      raw.raw("nonsense");
      await network.settle();
      expect(raw.find("refused")?.[0]).toBe(violation);
    }
    expect(await says(listener, "192.0.2.1", "right")).toBe("nothing");
  });
  it("whose sessions end for what was said in them is refused like one that guesses", async () => {
    const { listener } = await choosy({ limits: { maxRefusalsPerMinute: 20 } });
    for (const words of ["nonsense", `[[2,"limit",2,1000000]]`]) {
      const raw = await from(listener, "192.0.2.1");
      raw.control(["hello", { version: 1, limits, credentials: "right" }]);
      await network.settle();
      raw.say(["ready"]);
      raw.raw(words);
      await network.settle();
      expect(raw.find("end")?.[0]).toBe(words === "nonsense" ? violation : "LIMIT_EXCEEDED");
    }
    expect(await says(listener, "192.0.2.1", "right")).toBe("nothing");
  });
  it("whose sessions end so counts ten for each", async () => {
    const { listener } = await choosy({ limits: { maxRefusalsPerMinute: 11 } });
    const raw = await from(listener, "192.0.2.1");
    raw.control(["hello", { version: 1, limits, credentials: "right" }]);
    await network.settle();
    raw.raw("nonsense");
    await network.settle();
    expect(await says(listener, "192.0.2.1", "guess")).toBe("refused");
    expect(await says(listener, "192.0.2.1", "right")).toBe("nothing");
  });
  it("is not suspected for sessions that the application ends, or that end themselves", async () => {
    const { listener } = await choosy({ limits: { maxRefusalsPerMinute: 1 } });
    for (const ends of ["aborted", "said so"]) {
      const raw = await from(listener, "192.0.2.1");
      raw.control(["hello", { version: 1, limits, credentials: "right" }]);
      await network.settle();
      raw.say(["ready"]);
      await network.settle();
      if (ends === "aborted") [...listener.connected].at(-1)?.abort();
      else raw.control(["end", violation, "I do not like it"]);
      await network.settle();
      expect(raw.closed).toBe(true);
    }
    expect(await says(listener, "192.0.2.1", "right")).toBe("welcome");
  });
  it("is not suspected for sessions that are gone", async () => {
    const { listener, welcome } = await choosy({ limits: { maxRefusalsPerMinute: 1 } });
    for (let count = 0; count < 3; count++) {
      const raw = await from(listener, "192.0.2.1");
      const token = "0".repeat(64);
      raw.control(["resume", { ...welcome, version: 1, token, session: "0".repeat(32), epoch: 1, next: 1, first: 1, credentials: null }]);
      await network.settle();
      expect(answerOf(raw)).toEqual(unknown);
    }
    expect(await says(listener, "192.0.2.1", "right")).toBe("welcome");
  });
  it("that is suspected lets its own sessions come back, and nobody who only says so", async () => {
    const { listener, welcome, near, lose } = await choosy({ limits: { maxRefusalsPerMinute: 1 } });
    await lose();
    expect(await says(listener, "192.0.2.1", "guess")).toBe("refused");
    const resume = { version: 1, session: welcome.session, listener: welcome.listener, epoch: 1, next: 1, first: 1, credentials: "right" };
    const liar = await from(listener, "192.0.2.1");
    liar.control(["resume", { ...resume, token: "0".repeat(64) }]);
    await network.settle();
    expect([liar.closed, liar.heard]).toEqual([true, []]);
    const raw = await from(listener, "192.0.2.1");
    raw.control(["resume", { ...resume, token: welcome.token }]);
    await network.settle();
    expect(answerOf(raw)?.[0]).toBe("resumed");
    expect(near.status.state).toBe("connected");
  });
});
