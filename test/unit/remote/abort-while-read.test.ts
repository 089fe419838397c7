/** A user's own type is read inside the library, and its code may do anything: here it aborts the very operation that the value is for. */
import SuperJSON from "superjson";
import { describe, expect, it } from "vitest";
import { dial, type Peer, type ReceiveChannel, select, trySelect } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";

class Tea {
  constructor(readonly cups: number) {}
}
/** No cup at all cannot be read. */
async function served() {
  const controller = new AbortController();
  let reads = 0;
  const tea = () => {
    const instance = new SuperJSON();
    instance.registerCustom<Tea, number>(
      {
        isApplicable: (value): value is Tea => value instanceof Tea,
        serialize: ({ cups }) => cups,
        deserialize: (cups) => {
          if (++reads !== 2) return new Tea(cups); // the first time it is only checked
          controller.abort();
          if (cups === 0) throw new Error("no tea");
          return new Tea(cups);
        },
      },
      "tea",
    );
    return instance;
  };
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>({ superjson: tea() });
  const dialing = dial<unknown, unknown>(network.address(listener.accept), { superjson: tea() });
  await network.settle();
  const dialer = (await dialing) as Peer<unknown, unknown>;
  const accepted = (await listener.peers()).value as Peer<unknown, unknown>;
  return { network, controller, dialer, accepted };
}

type Taking = (receive: ReceiveChannel<unknown>, signal: AbortSignal) => Promise<unknown>;
const ways: readonly (readonly [string, Taking])[] = [
  ["a receive", (receive, signal) => receive({ signal })],
  ["a select", (receive, signal) => select({ tea: receive }, { signal })],
  ["a trySelect", (receive, signal) => trySelect({ tea: receive }, { signal })],
  ["a select of two", (receive, signal) => select({ tea: receive, same: receive }, { signal })],
];

describe.each(ways)("%s whose value aborts it while it is read", (_name, take) => {
  describe.each(["at the channel's home", "far from it"] as const)("%s", (where) => {
    const ends = ({ dialer, accepted }: Awaited<ReturnType<typeof served>>) =>
      where === "far from it" ? { send: accepted.send, receive: dialer.receive } : { send: dialer.send, receive: accepted.receive };

    it("has it: the abort comes too late, and no value is lost", async () => {
      const all = await served();
      const { send, receive } = ends(all);
      const sending = send(new Tea(2));
      await all.network.settle();
      const taking = take(receive as ReceiveChannel<unknown>, all.controller.signal);
      await all.network.settle();
      await expect(taking).resolves.toMatchObject({ done: false, value: new Tea(2) });
      await expect(sending).resolves.toBeUndefined();
    });

    it("is aborted if the value cannot be read, and leaves the next one to the next", async () => {
      const all = await served();
      const { send, receive } = ends(all);
      const sending = send(new Tea(0));
      await all.network.settle();
      const taking = take(receive as ReceiveChannel<unknown>, all.controller.signal);
      await all.network.settle();
      await expect(sending).rejects.toMatchObject({ code: expect.stringMatching(/^(DECODE_FAILED|VALUE_REFUSED)$/) });
      void send("milk");
      await expect(taking).rejects.toMatchObject({ name: "AbortError" });
      const next = receive();
      await all.network.settle();
      await expect(next).resolves.toMatchObject({ value: "milk" });
    });
  });
});
