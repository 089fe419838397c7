/** This project's selects, beside others that wait: what one of them costs must not depend on how many there are. */
import { chan, dial, listen, type ReceiveChannel, select } from "netchan/node";
import type { Contender } from "../contender.js";

/** Twice as many as the row with most selects needs. */
const limits = { maxPendingOperations: 20_001 };

interface Offered {
  readonly go: ReceiveChannel<number>;
  readonly never: ReceiveChannel<number>;
}

/** So many selects wait for what never comes; all of them share a case with the one that is measured. */
function crowd(size: number, { never }: Offered): void {
  for (let each = 0; each < size; each++) select({ never, other: never }).catch(() => undefined); // their session ends some day
}
async function chooseOften(count: number, { go, never }: Offered): Promise<void> {
  for (let done = 0; done < count; done++) await select({ go, never });
}

export const amongLocal = (size: number): Contender => ({
  connect: async () => {
    const go = chan<number>();
    const offered: Offered = { go: go.receive, never: chan<number>().receive };
    crowd(size, offered);
    return async (count) => {
      const chosen = chooseOften(count, offered);
      for (let value = 0; value < count; value++) await go.send(value);
      await chosen;
    };
  },
});

/** Both channels live at the server: it decides each select. */
export const amongRemote = (size: number): Contender => ({
  serve: async () => {
    const server = await listen<never, Offered>(0, { limits });
    void (async () => {
      for await (const peer of server.peers) {
        const go = chan<number>();
        void (async () => {
          for (let value = 0; ; value++) await go.send(value);
        })().catch(() => undefined); // until its peer is gone
        void peer.send({ go: go.receive, never: chan<number>().receive });
      }
    })();
    return server.url;
  },
  connect: async (address) => {
    const peer = await dial<Offered, never>(address, { limits });
    const offered = await peer.receive();
    if (offered.done) throw new Error("the server said nothing");
    crowd(size, offered.value);
    await peer.ping();
    return (count) => chooseOften(count, offered.value);
  },
});
