/** Bugs that were found and mended, each as small as it could be made. The simulator's own finds are in test/simulation/seeds.ts. */
import { describe, expect, it } from "vitest";
import { ask, chan, dial, type Peer, type SendChannel } from "../../../src/node.js";
import { memoryNetwork } from "../../../src/testing.js";

interface Question {
  readonly reply: SendChannel<string>;
}

/** One listener and one dialer on a network in memory. */
async function connected() {
  const network = memoryNetwork();
  const listener = network.listen<Question, Question>();
  const dialer: Peer<Question, Question> = await dial(network.address(listener.accept));
  const accepted = (await listener.peers()).value;
  if (accepted === undefined) throw new Error("no peer came");
  return { network, listener, dialer, accepted };
}

describe("an offer that is declined", () => {
  it("leaves the ends in its value as they were", async () => {
    const { network, listener, dialer } = await connected();
    const stop = new AbortController();
    const aborted = dialer.receive({ signal: stop.signal }).catch(() => "aborted");
    await network.settle();
    const answer = ask(listener.send, (reply) => ({ reply }));
    stop.abort();
    expect(await aborted).toBe("aborted");
    await network.settle();
    const question = await dialer.receive();
    if (question.done) throw new Error("the question is gone");
    await question.value.reply("yes");
    expect(await answer).toBe("yes");
    await listener.close();
  });
});

describe("the default pair", () => {
  it("ends its session when both directions are closed, though nobody receives", async () => {
    const { listener, dialer, accepted } = await connected();
    dialer.send.close();
    accepted.send.close();
    expect((await dialer.ended).reason).toBe("closed");
    expect((await accepted.ended).reason).toBe("closed");
    await listener.close();
  });
});

describe("an end that was let go", () => {
  it("works again when it is sent once more", async () => {
    const { network, dialer, listener } = await connected();
    const { send, receive } = chan<string>();
    for (const text of ["once", "again"]) {
      const sent = dialer.send({ reply: send });
      const got = await listener.receive();
      await sent;
      if (got.done) throw new Error("nothing came");
      const delivered = got.value.reply(text);
      expect(await receive()).toMatchObject({ value: text });
      await delivered;
      got.value.reply[Symbol.dispose]();
      if (text === "again") await network.settle();
    }
    await listener.close();
  });
});
