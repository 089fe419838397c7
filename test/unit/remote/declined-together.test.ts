/** Several values that one end gives back at once, a select's own among them. */
import { describe, expect, it } from "vitest";
import { type Channel, chan, dial, type Peer, select } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";

describe("values that come back together", () => {
  it("are all back before a select that one of them frees looks for what it may receive", async () => {
    const network = memoryNetwork({ delayMs: 10 });
    const listener = network.listen<unknown, unknown>();
    const dialing = dial<unknown, unknown>(network.address(listener.accept));
    await network.advance(100);
    const user = await dialing;
    const home = (await listener.peers()).value as Peer<unknown, unknown>;
    const channel = chan<string>();
    void home.send([channel.send, channel.receive]);
    const handed = user.receive();
    await network.advance(100);
    const [send, receive] = ((await handed) as { readonly value: readonly [Channel<string>["send"], Channel<string>["receive"]] }).value;

    const controller = new AbortController();
    for (let count = 2; count > 0; count--) void receive({ signal: controller.signal }).catch(() => undefined);
    const selecting = select({ give: [send, "own"], take: receive }); // offered to the first receive …
    void send("first"); // … and this to the second
    void send("later");
    await network.advance(5);
    controller.abort();
    await network.advance(100);
    expect(await selecting).toEqual({ case: "take", done: false, value: "first" });
    const next = receive();
    await network.advance(100);
    expect(await next).toEqual({ done: false, value: "later" });
  });
});
