/** A process in the middle says goodbye to the home of a channel while a value that it passed on has no answer yet. */
import { describe, expect, it } from "vitest";
import { chan, dial, type Peer, type ReceiveChannel } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";

type Any = Peer<unknown, unknown>;

describe("a relay that says goodbye to a channel's home", () => {
  it("tells it that nobody knows what became of a value on its way, so that nobody else gets it", async () => {
    const network = memoryNetwork({ delayMs: 10 });
    const listener = network.listen<unknown, unknown>();
    const join = async (): Promise<readonly [Any, Any]> => {
      const dialing = dial<unknown, unknown>(network.address(listener.accept));
      await network.advance(100);
      return [await dialing, (await listener.peers()).value as Any];
    };
    const carry = async <T>(end: T, from: Any, to: Any): Promise<T> => {
      void from.send([end]);
      const taking = to.receive();
      await network.advance(100);
      return ((await taking) as { readonly value: readonly [T] }).value[0];
    };
    const [home, atHome] = await join();
    const [user, toUser] = await join();
    const { send, receive } = chan<string>();
    const middle: ReceiveChannel<string> = await carry(receive, home, atHome);
    const beyond = await carry(middle, toUser, user);

    const received = beyond();
    await network.advance(100);
    const sending = send("once").catch((error: unknown) => error);
    await network.advance(15); // it has passed the middle
    const closed = atHome.close({ drainMs: 0 });
    await network.advance(1_000);
    await closed;
    expect(await received).toEqual({ done: false, value: "once" });
    expect(await sending).toMatchObject({ code: "RECEIVER_LOST", outcome: "unknown" });
    let again: unknown;
    void receive().then((result) => {
      again = result;
    });
    await network.advance(1_000);
    expect(again).toBeUndefined();
  });
});
