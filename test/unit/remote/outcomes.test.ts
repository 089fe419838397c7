/**
 * What a sender is told when a process on the way is gone, or goes. The worst lie is "not-sent" for a value that somebody has; the
 * next worst is to give it to somebody else as well.
 */
import { describe, expect, it } from "vitest";
import { chan, dial, merge, type Peer, type ReceiveChannel, trySelect } from "../../../src/node.js";
import { type MemoryNetwork, memoryNetwork } from "../../../src/testing.js";

interface Fate {
  told: string;
}
function fate(send: Promise<unknown>): Fate {
  const result: Fate = { told: "nothing" };
  send.then(
    () => {
      result.told = "sent";
    },
    (error: { readonly outcome?: string }) => {
      result.told = error.outcome ?? "no outcome";
    },
  );
  return result;
}

async function joined(network: MemoryNetwork) {
  const listener = network.listen<unknown, unknown>();
  const dialing = dial<unknown, unknown>(network.address(listener.accept));
  await network.advance(500);
  const dialer: Peer<unknown, unknown> = await dialing;
  const accepted = (await listener.peers()).value as Peer<unknown, unknown>;
  return { listener, dialer, accepted };
}

/** A value of the kind that a test sends, out of what was received. */
function only<T>(got: { readonly value?: unknown }): T {
  return (got.value as readonly [T])[0];
}

/** a ── b ══ c: the channel lives at a, c has its receive end (or what b makes of it) over b; the link from b to c takes 10 ms. */
async function threeInARow(handOn: (end: ReceiveChannel<unknown>) => ReceiveChannel<unknown>) {
  const near = memoryNetwork({ seed: 1 });
  const far = memoryNetwork({ seed: 2, delayMs: 10 });
  const a = await joined(near);
  const c = await joined(far);
  const { send, receive } = chan<unknown>();
  void a.accepted.send([receive]);
  const atB = only<ReceiveChannel<unknown>>(await a.dialer.receive());
  void c.accepted.send([handOn(atB)]);
  const arriving = c.dialer.receive();
  await far.advance(200);
  const atC = only<ReceiveChannel<unknown>>(await arriving);
  /** c has the value, and is never heard of again. */
  const loseC = async (): Promise<void> => {
    far.cut("half-open");
    await far.advance(200_000);
    await near.settle();
  };
  return { near, far, send, atC, loseC };
}

describe("a value that somebody received before he was lost", () => {
  it("is not called not-sent when an attempt took it over a relay", async () => {
    const { near, far, send, atC, loseC } = await threeInARow((end) => end);
    const told = fate(send("v"));
    const attempt = trySelect({ atC });
    await far.advance(11);
    await near.settle();
    await far.advance(10);
    expect(await attempt).toMatchObject({ value: "v" });
    await loseC();
    expect(told.told).toBe("unknown");
  });

  it("is not called not-sent when a merged view was handed on", async () => {
    const { near, far, send, atC, loseC } = await threeInARow((end) => merge(end, chan<unknown>().receive));
    const receiving = atC();
    await far.advance(50);
    await near.settle();
    const told = fate(send("v"));
    await near.settle();
    await far.advance(10);
    expect(await receiving).toMatchObject({ value: "v" });
    await loseC();
    expect(told.told).toBe("unknown");
  });

  it("is not called not-sent when its session was closed without his goodbye", async () => {
    const network = memoryNetwork({ delayMs: 10 });
    const { dialer, accepted } = await joined(network);
    const receiving = dialer.receive();
    await network.advance(20);
    const told = fate(accepted.send("v"));
    await network.advance(10);
    expect(await receiving).toMatchObject({ value: "v" });
    network.cut("half-open");
    void accepted.close({ drainMs: 50 });
    await network.advance(3_000);
    expect(told.told).toBe("unknown");
  });

  it("is not given to another peer when its session was closed without his goodbye", async () => {
    const network = memoryNetwork({ delayMs: 10 });
    const { listener, dialer, accepted } = await joined(network);
    const other = memoryNetwork();
    const second = await dial<unknown, unknown>(other.address(listener.accept));
    const receiving = dialer.receive();
    await network.advance(20);
    const told = fate(listener.send("job" as never));
    await network.advance(10);
    expect(await receiving).toMatchObject({ value: "job" });
    network.cut("half-open");
    let doubled = false;
    void second.receive().then(({ done }) => {
      doubled ||= done !== true;
    });
    await other.settle();
    void accepted.close({ drainMs: 50 });
    await network.advance(3_000);
    await other.settle();
    expect(doubled).toBe(false);
    expect(told.told).toBe("unknown");
  });

  it("is not called not-sent when the offer crossed his goodbye", async () => {
    const network = memoryNetwork({ delayMs: 20 });
    const { dialer, accepted } = await joined(network);
    const { send, receive } = chan<unknown>();
    void accepted.send([receive]);
    const arriving = dialer.receive();
    await network.advance(200);
    const there = only<ReceiveChannel<unknown>>(await arriving);
    dialer.send("nobody receives this, so the goodbye waits").catch(() => undefined);
    let got = false;
    there().then(
      ({ done }) => {
        got = done !== true;
      },
      () => undefined,
    );
    await network.advance(100);
    void dialer.close({ drainMs: 100 });
    await network.advance(110);
    const told = fate(send("v"));
    await network.advance(3_000);
    expect({ got, told: told.told }).not.toEqual({ got: true, told: "not-sent" });
  });

  it("is not given to another peer when his end is done while its offer is open", async () => {
    const near = memoryNetwork({ seed: 1 });
    const other = memoryNetwork({ seed: 2 });
    const far = memoryNetwork({ seed: 3, delayMs: 50 });
    const { listener, dialer, accepted } = await joined(near);
    const second = await dial<unknown, unknown>(other.address(listener.accept));
    const third = await joined(far);
    void third.accepted.send([merge(dialer.receive, chan<unknown>().receive)]);
    const arriving = third.dialer.receive();
    await far.advance(500);
    const receivers: string[] = [];
    const there = only<ReceiveChannel<unknown>>(await arriving);
    void there().then(({ done }) => done !== true && receivers.push("third"));
    await far.advance(100);
    await near.settle();
    void listener.send("job" as never);
    await near.settle();
    void second.receive().then(({ done }) => done !== true && receivers.push("second"));
    accepted.send.close();
    for (const network of [near, other]) await network.settle();
    await far.advance(500);
    for (const network of [near, other]) await network.settle();
    expect(receivers).toHaveLength(1);
  });
});
