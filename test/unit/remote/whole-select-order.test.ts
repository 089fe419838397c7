/** What one end receives has one order, in whatever ways it is received, and whoever thinks better of it. */
import { describe, expect, it } from "vitest";
import { chan, dial, type Peer, type ReceiveChannel, select, trySelect } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";

type Any = Peer<unknown, unknown>;
const silent = (): void => undefined;

async function world({ delayMs = 10 } = {}) {
  const network = memoryNetwork({ delayMs });
  const listener = network.listen<unknown, unknown>();
  const join = async (): Promise<readonly [Any, Any]> => {
    const dialing = dial<unknown, unknown>(network.address(listener.accept));
    await network.advance(20 * delayMs);
    return [await dialing, (await listener.peers()).value as Any];
  };
  const carry = async <T>(end: T, from: Any, to: Any): Promise<T> => {
    void from.send([end]);
    const taking = to.receive();
    await network.advance(20 * delayMs);
    return ((await taking) as { readonly value: readonly [T] }).value[0];
  };
  return { network, join, carry };
}

describe("an end far from its channel's home", () => {
  it("keeps its order when a select and a receive on it are aborted in one turn, and another select waits on", async () => {
    const { network, join, carry } = await world();
    const [user, home] = await join();
    const [channel, other] = [chan<string>(), chan<string>()];
    const far: ReceiveChannel<string> = await carry(channel.receive, home, user);
    const idle: ReceiveChannel<string> = await carry(other.receive, home, user);
    const controller = new AbortController();
    const { signal } = controller;
    void select({ far, idle }, { signal }).catch(silent);
    void far({ signal }).catch(silent);
    const waiting = select({ far, idle });
    await network.advance(100);
    void channel.send("first");
    void channel.send("second");
    controller.abort();
    await network.advance(200);
    expect(await waiting).toEqual({ case: "far", done: false, value: "first" });
    const next = far();
    await network.advance(200);
    expect(await next).toEqual({ done: false, value: "second" });
  });

  it("keeps its order when a trySelect over a relay meets the decline of an older value", async () => {
    const { network, join, carry } = await world();
    const [home, atHome] = await join();
    const [user, toUser] = await join();
    const { send, receive } = chan<string>();
    const far: ReceiveChannel<string> = await carry(await carry(receive, home, atHome), toUser, user);
    void send("first");
    void send("second");
    const controller = new AbortController();
    void far({ signal: controller.signal }).catch(silent); // what it asks for is offered, and on its way back when …
    await network.advance(5);
    controller.abort();
    await network.advance(30);
    const tried = trySelect({ far }); // … this is asked
    await network.advance(300);
    expect(await tried).toEqual({ case: "far", done: false, value: "first" });
    const next = far();
    await network.advance(300);
    expect(await next).toEqual({ done: false, value: "second" });
  });
});

describe("a select that crosses its home's goodbye", () => {
  it("is told that the session is closed, and its home knows that it was given nothing", async () => {
    const { network, join, carry } = await world();
    const [user, home] = await join();
    const [channel, other] = [chan<string>(), chan<string>()];
    const far: ReceiveChannel<string> = await carry(channel.receive, home, user);
    const idle: ReceiveChannel<string> = await carry(other.receive, home, user);
    const sending = channel.send("for nobody").catch((error: unknown) => error);
    void home.close({ drainMs: 0 });
    await network.advance(1);
    const crossing = select({ far, idle }).catch((error: unknown) => error);
    await network.advance(11);
    network.cut("half-open");
    await network.advance(400_000);
    expect(await crossing).toMatchObject({ code: "SESSION_CLOSED" });
    expect(await sending).toMatchObject({ code: "SESSION_CLOSED", outcome: "not-sent" });
  });
});
