/** How a dialer gets its session another link: when it tries, where, and what a page has to do with it. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { PeerStatus } from "../../src/contract.js";
import { inWorld } from "../../src/host.js";
import { dial, type Link, type Peer } from "../../src/node.js";
import { World } from "./resume-world.js";

const reconnecting = ({ status }: Pick<Peer, "status">): Extract<PeerStatus, { readonly state: "reconnecting" }> => {
  if (status.state !== "reconnecting") throw new Error(`Expected a session without a link, got ${status.state}`);
  return status;
};

/** At its end nothing is left: no timer, nobody who watches the page. */
function world(): World {
  const made = new World();
  onTestFinished(async () => {
    made.down = false;
    await made.advance(300_000);
    expect(made.page.listeners.size, "the page is watched").toBe(0);
    expect(made.time.nextAt, "a timer is left").toBeUndefined();
  });
  return made;
}
/** Ends it all, whatever the state of things. */
async function over(made: World, { far, listener }: { readonly far: Peer; readonly listener: { close(): Promise<void> } }): Promise<void> {
  far.abort();
  const closed = listener.close();
  await made.advance(300_000);
  await closed;
}

describe("a link that is lost", () => {
  it("is made again within minMs, and the session goes on", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 1_000, maxMs: 60_000 } } });
    const { far, near } = scene;
    net.cut();
    await net.settle();
    const { attempt, retryInMs = Number.NaN, endsInMs } = reconnecting(far);
    expect(attempt).toBe(1);
    expect(retryInMs).toBeLessThanOrEqual(1_000);
    expect(endsInMs).toBe(120_000);
    await net.advance(retryInMs);
    expect([far.status.state, near.status.state]).toEqual(["connected", "connected"]);
    expect(net.attempts).toHaveLength(1);
    await over(net, scene);
  });

  it("is tried for after times that double up to maxMs, each at random below", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 100, maxMs: 5_000 } } });
    const { far } = scene;
    net.down = true;
    net.cut();
    await net.settle();
    let most = 0;
    for (let attempt = 1; attempt <= 20; attempt++) {
      const status = reconnecting(far);
      expect(status.attempt).toBe(attempt);
      expect(status.retryInMs).toBeLessThanOrEqual(Math.min(5_000, 100 * 2 ** (attempt - 1)));
      most = Math.max(most, status.retryInMs ?? 0);
      await net.advance(status.retryInMs ?? 0);
      expect(net.attempts).toHaveLength(attempt);
    }
    expect(most).toBeGreaterThan(2_500);
    net.down = false;
    await net.advance(5_000);
    expect(far.status.state).toBe("connected");
    net.cut();
    await net.settle();
    expect(reconnecting(far).attempt).toBe(1); // from the beginning
    await over(net, scene);
  });

  it("is tried for a last time when the window is over: the listener, which noticed later, knows better", async () => {
    const net = world();
    const scene = await net.session({
      listen: { resumeWindowMs: 10_000, heartbeatMs: 30_000 },
      dial: { heartbeatMs: 1_000, reconnect: { minMs: 1_000_000, maxMs: 1_000_000 } },
    });
    const { far, near } = scene;
    net.cut("half-open");
    await net.advance(5_000);
    expect(reconnecting(far).endsInMs).toBeGreaterThanOrEqual(8_000);
    expect(near.status.state).toBe("connected");
    const { endsInMs } = reconnecting(far);
    await net.advance(endsInMs - 1);
    expect(net.attempts).toEqual([]);
    await net.advance(1);
    expect(net.attempts).toHaveLength(1);
    expect(far.status.state).toBe("connected");
    await over(net, scene);
  });

  it.each([
    ["is there", 0],
    ["says whether there is a way, within a second", 1_000],
    ["answers who is asked, within ten", 10_000],
  ] as const)("is lost for good when at that last time nobody %s", async (how, afterMs) => {
    const net = world();
    const listener = net.listen({ resumeWindowMs: 1_000 });
    let accept = listener.accept;
    const open = net.address((link) => accept(link));
    const never = new Promise<Link>(() => undefined);
    let hangs = false;
    const address = inWorld((options: { readonly signal: AbortSignal }) => (hangs ? never : open(options)), net.host());
    const far = await dial(address, { reconnect: { minMs: 1_000_000, maxMs: 1_000_000 } });
    await net.settle();
    if (how === "is there") net.down = true;
    else if (afterMs === 1_000) hangs = true;
    else accept = () => undefined;
    net.cut();
    await net.advance(1_000);
    if (afterMs > 0) {
      expect(reconnecting(far).endsInMs).toBe(0);
      await net.advance(afterMs - 1);
      expect(far.status.state).toBe("reconnecting");
      await net.advance(1);
    }
    expect(await far.ended).toMatchObject({ reason: "lost", error: { code: "SESSION_LOST" } });
    const closed = listener.close();
    await net.advance(20_000);
    await closed;
  });

  it("is tried for at once by reconnect, and that attempt takes the place of the one under way", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 100_000, maxMs: 100_000 } } });
    const { far } = scene;
    net.down = true;
    net.cut();
    await net.settle();
    far.reconnect();
    await net.settle();
    expect(net.attempts).toHaveLength(1);
    net.down = false;
    far.reconnect();
    far.reconnect();
    await net.settle();
    expect(far.status.state).toBe("connected");
    await over(net, scene);
  });

  it("is replaced by reconnect only when the new one is there", async () => {
    const net = world();
    const scene = await net.session();
    const { far, near } = scene;
    net.down = true;
    far.reconnect();
    await net.advance(60_000);
    expect([far.status.state, near.status.state]).toEqual(["connected", "connected"]);
    net.down = false;
    const [old] = net.links;
    far.reconnect();
    await net.advance(1_000);
    expect(net.links).toHaveLength(2);
    await expect(old?.received.next()).resolves.toMatchObject({ done: true });
    const got = near.receive();
    await Promise.all([far.send("over the new one"), net.settle()]);
    expect((await got).value).toBe("over the new one");
    await over(net, scene);
  });

  it("is made again behind a wrong door, through the next address", async () => {
    const net = world();
    const [one, two] = [net.listen(), net.listen()];
    let first = one;
    const balancer = net.address((link) => first.accept(link));
    const far = await dial([balancer, net.address((link) => one.accept(link))], { reconnect: { minMs: 10, maxMs: 10 } });
    await net.settle();
    first = two;
    net.cut();
    await net.advance(1_000);
    expect(far.status.state).toBe("connected");
    expect([one.connected.size, two.connected.size]).toEqual([1, 0]);
    far.abort();
    const closed = Promise.all([one.close(), two.close()]);
    await net.advance(60_000);
    await closed;
  });

  it("is looked for behind wrong doors until the window is over: that is no refusal", async () => {
    const net = world();
    const [one, two] = [net.listen({ resumeWindowMs: 5_000 }), net.listen()];
    let present = one;
    const far = await dial(
      net.address((link) => present.accept(link)),
      { reconnect: { minMs: 100, maxMs: 100 } },
    );
    await net.settle();
    present = two;
    net.cut();
    await net.advance(4_000);
    expect(far.status.state).toBe("reconnecting");
    expect(net.attempts.length).toBeGreaterThan(20);
    await net.advance(3_000);
    expect(await far.ended).toMatchObject({ reason: "lost" });
    const closed = Promise.all([one.close(), two.close()]);
    await net.advance(60_000);
    await closed;
  });

  it("is asked credentials for anew, and a question that fails is asked again", async () => {
    const net = world();
    const seen: unknown[] = [];
    let asked = 0;
    const scene = await net.session({
      listen: {
        authenticate: (credentials) => {
          seen.push(credentials);
        },
      },
      dial: {
        credentials: () => {
          if (++asked === 2) throw new Error("not now");
          return asked;
        },
        reconnect: { minMs: 100, maxMs: 100 },
      },
    });
    net.cut();
    await net.advance(1_000);
    expect(scene.far.status.state).toBe("connected");
    expect(seen).toEqual([1, 3]);
    await over(net, scene);
  });

  it("may take nearly ten seconds to find credentials: the listener's time begins when there is a link", async () => {
    const net = world();
    net.delayMs = 50;
    const slow = (): Promise<string> => new Promise((resolve) => net.time.schedule(9_950, () => resolve("at last")));
    const listener = net.listen();
    const dialing = dial(net.address(listener.accept), { credentials: slow, reconnect: { minMs: 100, maxMs: 100 } });
    await net.advance(11_000);
    const far = await dialing;
    net.cut();
    await net.advance(11_000);
    expect(far.status.state).toBe("connected");
    await over(net, { far, listener });
  });

  it("is not waited for by credentials that never come: they are asked for again", async () => {
    const net = world();
    let asked = 0;
    const scene = await net.session({
      dial: {
        credentials: () => (++asked === 2 ? new Promise(() => undefined) : "at once"),
        reconnect: { minMs: 100, maxMs: 100 },
      },
    });
    net.cut();
    await net.advance(9_000);
    expect(scene.far.status.state).toBe("reconnecting");
    await net.advance(2_000);
    expect(scene.far.status.state).toBe("connected");
    expect(asked).toBe(3);
    await over(net, scene);
  });
});

describe("a page", () => {
  it("that is hidden tries once, and then waits until it is seen", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 100, maxMs: 200 } } });
    const { far } = scene;
    net.page.happen("hidden");
    net.down = true;
    net.cut();
    await net.advance(100_000);
    expect(net.attempts).toHaveLength(1);
    expect(reconnecting(far).retryInMs).toBeUndefined();
    net.down = false;
    const before = net.time.now;
    net.page.show();
    await net.settle();
    expect(far.status.state).toBe("connected");
    expect(net.attempts).toEqual([net.attempts[0], before]);
    await over(net, scene);
  });

  it("that is hidden tries when the network is back, once each time", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 100, maxMs: 200 } } });
    net.page.happen("hidden");
    net.down = true;
    net.cut();
    await net.advance(10_000);
    const { length } = net.attempts;
    net.page.happen("woke"); // online, hidden still
    await net.advance(10_000);
    expect(net.attempts).toHaveLength(length + 1);
    net.down = false;
    net.page.happen("woke");
    await net.settle();
    expect(scene.far.status.state).toBe("connected");
    await over(net, scene);
  });

  it("that is hidden for the whole window tries a last time", async () => {
    const net = world();
    const scene = await net.session({ listen: { resumeWindowMs: 10_000 }, dial: { reconnect: { minMs: 100, maxMs: 200 } } });
    net.page.happen("hidden");
    net.down = true;
    net.cut();
    await net.advance(60_000);
    expect(net.attempts).toHaveLength(2);
    expect(net.attempts[1]).toBe(10_000);
    expect((await scene.far.ended).reason).toBe("lost");
    await over(net, scene);
  });

  it("that is left closes the link without a goodbye, tries nothing, and resumes at once when it is shown again", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 100, maxMs: 200 } } });
    const { far, near } = scene;
    net.page.happen("left");
    await net.settle();
    expect([far.status.state, near.status.state]).toEqual(["reconnecting", "reconnecting"]);
    await net.advance(60_000);
    far.reconnect();
    await net.settle();
    expect(net.attempts).toEqual([]);
    net.page.happen("woke");
    await net.settle();
    expect([far.status.state, near.status.state]).toEqual(["connected", "connected"]);
    expect(net.attempts).toEqual([60_000]);
    await over(net, scene);
  });

  it("that is left while it waits to try does not try", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 1_000, maxMs: 1_000 } } });
    net.cut();
    await net.settle();
    net.page.happen("left");
    await net.advance(60_000);
    expect(net.attempts).toEqual([]);
    expect(scene.near.status.state).toBe("reconnecting");
    await over(net, scene);
  });

  it("that is left while it tries keeps no link", async () => {
    const net = world();
    net.delayMs = 100;
    const listener = net.listen();
    const dialing = dial(net.address(listener.accept, net.page), { reconnect: { minMs: 10, maxMs: 10 } });
    await net.advance(1_000);
    const far = await dialing;
    const [near] = listener.connected;
    net.cut();
    await net.advance(50); // its resume is on its way
    expect(net.links).toHaveLength(1);
    net.page.happen("left");
    await net.advance(10_000);
    expect([far.status.state, near?.status.state]).toEqual(["reconnecting", "reconnecting"]);
    await over(net, { far, listener });
  });

  it("that wakes up asks a link that was silent, and gives one up that does not answer in five seconds", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 100, maxMs: 100 } } });
    const { far } = scene;
    await net.advance(5_000);
    net.cut("half-open");
    net.page.happen("woke");
    await net.advance(4_999);
    expect(far.status.state).toBe("connected");
    expect(net.attempts).toEqual([]);
    await net.advance(200);
    expect(net.attempts).toHaveLength(1);
    expect(far.status.state).toBe("connected");
    await over(net, scene);
  });

  it("that wakes up keeps a link that answers, and asks none that was heard a moment ago", async () => {
    const net = world();
    const scene = await net.session();
    const { far } = scene;
    await net.advance(5_000);
    for (let count = 0; count < 5; count++) net.page.happen("woke");
    expect(far.session.stats.pings).toBe(1);
    await net.advance(10_000);
    expect(far.session.stats.pings).toBe(0);
    expect(net.attempts).toEqual([]);
    void far.ping();
    await net.settle();
    net.page.happen("woke");
    expect(far.session.stats.pings).toBe(0);
    await over(net, scene);
  });

  it("that wakes up gives up the link it asked, and not the next one", async () => {
    const net = world();
    const scene = await net.session({ dial: { reconnect: { minMs: 1_000_000, maxMs: 1_000_000 } } });
    const { far } = scene;
    await net.advance(5_000);
    net.cut("half-open");
    net.page.happen("woke");
    await net.advance(4_500);
    net.delayMs = 200;
    net.attempts.length = 0;
    far.reconnect(); // the new link is there in 400 ms, its first answer in 800, and the five seconds are over in between
    await net.advance(30_000);
    expect(net.attempts).toHaveLength(1);
    expect(far.status.state).toBe("connected");
    await over(net, scene);
  });

  it("tells the other side that it is hidden, which waits five heartbeats then", async () => {
    const net = world();
    const scene = await net.session({
      listen: { heartbeatMs: 1_000 },
      dial: { heartbeatMs: 1_000, reconnect: { minMs: 1_000_000, maxMs: 1_000_000 } },
    });
    const { far, near } = scene;
    net.page.happen("hidden");
    await net.settle();
    net.cut("half-open");
    await net.advance(4_500);
    expect([far.status.state, near.status.state]).toEqual(["connected", "connected"]);
    await net.advance(1_500);
    expect([far.status.state, near.status.state]).toEqual(["reconnecting", "reconnecting"]);
    await over(net, scene);
  });

  it("that was hidden when it dialed says so, and says it again over each link", async () => {
    const net = world();
    net.page.hidden = true;
    const scene = await net.session({ listen: { heartbeatMs: 1_000 }, dial: { reconnect: { minMs: 100, maxMs: 100 } } });
    for (let link = 0; link < 2; link++) {
      net.cut("half-open");
      await net.advance(4_500);
      expect(scene.near.status.state).toBe("connected");
      net.page.happen("woke"); // online
      scene.far.reconnect();
      await net.advance(1_000);
    }
    await over(net, scene);
  });
});
