/** The same hint from the real garbage collector: what the application cannot reach any more is given back, over a real link. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { ask, chan, dial, listen, type Peer, type ReceiveChannel, type SendChannel } from "../../../src/node.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Collects until it has settled: the collector says when, and nobody else. The test's timeout is the only bound. */
async function collectedUntil<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const noted = promise.finally(() => {
    settled = true;
  });
  while (!settled) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return noted;
}

it("ends and questions that nobody can reach are given back", { timeout: 20_000 }, async () => {
  const server = await listen<unknown, unknown>(0);
  const dialer = await dial<unknown, unknown>(server.url);
  const accepted = (await server.peers()).value as Peer<unknown, unknown>;
  /** Received in a scope of its own, and forgotten. */
  const forget = async (): Promise<void> => void (await dialer.receive());
  const handOver = async (): Promise<ReceiveChannel<number>> => {
    const { send, receive } = chan<number>();
    const sent = accepted.send([send]);
    await forget();
    await sent;
    send[Symbol.dispose]();
    return receive;
  };
  const kept = chan<number>();
  void accepted.send([kept.send]);
  const [held] = ((await dialer.receive()) as { readonly value: readonly [SendChannel<number>] }).value;

  expect(await collectedUntil((await handOver())())).toEqual({ done: true, value: undefined });
  const asked = ask(accepted.send, (reply) => ({ reply })).catch((error: { readonly code: string }) => error.code);
  await forget();
  expect(await collectedUntil(asked)).toBe("CHANNEL_CLOSED");

  void held(7);
  expect(await kept.receive()).toMatchObject({ value: 7 });
  dialer.abort();
  await server.close({ drainMs: 0 });
});
