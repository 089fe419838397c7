/** Ends of channels that are over, sent on to others: they find them as they are, closed or lost. */
import { describe, expect, it } from "vitest";
import { chan, dial, type Peer, type ReceiveChannel, type SendChannel } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";

type Any = Peer<unknown, unknown>;

/** One process between two others. */
async function inTheMiddle() {
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>();
  const dialing = [dial<unknown, unknown>(network.address(listener.accept)), dial<unknown, unknown>(network.address(listener.accept))];
  await network.settle();
  const [one, two] = (await Promise.all(dialing)) as [Any, Any];
  const [toOne, toTwo] = [(await listener.peers()).value as Any, (await listener.peers()).value as Any];
  const carry = async <T>(end: T, from: Any, to: Any): Promise<T> => {
    void from.send([end]);
    return ((await to.receive()) as { readonly value: readonly [T] }).value[0];
  };
  return { network, one, two, toOne, toTwo, carry };
}

describe("an end sent on", () => {
  it("after its channel is done is done for the next one too", async () => {
    const { one, two, toOne, toTwo, carry } = await inTheMiddle();
    const { send, receive } = chan<number>(3);
    const there: ReceiveChannel<number> = await carry(receive, one, toOne);
    send.close();
    expect(await there()).toEqual({ done: true, value: undefined });
    const beyond = await carry(there, toTwo, two);
    expect(await beyond()).toEqual({ done: true, value: undefined });
    expect(beyond.capacity).toBe(3);
  });

  it("after its channel was closed for a reason says the reason", async () => {
    const { one, two, toOne, toTwo, carry } = await inTheMiddle();
    const { send, receive } = chan<number>();
    const there: ReceiveChannel<number> = await carry(receive, one, toOne);
    send.close(new Error("out of tea"));
    await expect(there()).rejects.toMatchObject({ cause: { message: "out of tea" } });
    await expect((await carry(there, toTwo, two))()).rejects.toMatchObject({ code: "CHANNEL_CLOSED", cause: { message: "out of tea" } });
  });

  it("after it was closed to sending is closed to the next one too", async () => {
    const { one, two, toOne, toTwo, carry } = await inTheMiddle();
    const { send } = chan<number>();
    const there: SendChannel<number> = await carry(send, one, toOne);
    there.close();
    await expect((await carry(there, toTwo, two))(1)).rejects.toMatchObject({ code: "CHANNEL_CLOSED" });
  });

  it("after its session is over is lost", async () => {
    const { network, one, two, toOne, toTwo, carry } = await inTheMiddle();
    const there: ReceiveChannel<number> = await carry(chan<number>().receive, one, toOne);
    one.abort();
    await network.settle();
    await expect((await carry(there, toTwo, two))()).rejects.toMatchObject({ code: expect.stringMatching(/^SESSION_/) });
  });
});
