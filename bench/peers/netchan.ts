/** This project, as its README uses it: plain loops with awaited sends. Resolved through package.json, so it is the built dist/. */
import { dial, type ListenOptions, listen, type Peer } from "netchan/node";
import type { Contender } from "../contender.js";
import {
  block,
  blockBytes,
  Countdown,
  checkRich,
  isLastBlock,
  keepInFlight,
  lastBlock,
  type Rich,
  rich,
  type Small,
  small,
} from "../values.js";

/** Serves each peer with `talk`, in its own loop. */
async function serve<In, Out>(capacity: number, talk: (peer: Peer<In, Out>) => Promise<void>): Promise<string> {
  const options: ListenOptions<In> = { capacity };
  const server = await listen<In, Out>(0, options);
  async function meet(): Promise<void> {
    for await (const peer of server.peers) void talk(peer);
  }
  void meet();
  return server.url;
}

/** Awaited sends in a loop; the far side says when it has the last one. */
const streaming = <T>(capacity: number, make: (id: number) => T, isLast: () => (value: T) => boolean): Contender => ({
  serve: () =>
    serve<T, string>(capacity, async (peer) => {
      const last = isLast();
      for await (const value of peer.receive) if (last(value)) void peer.send("done");
    }),
  connect: async (url) => {
    const peer = await dial<string, T>(url);
    return async (count) => {
      for (let id = count - 1; id >= 0; id--) await peer.send(make(id));
      await peer.receive();
    };
  },
});

const counted = () => {
  const countdown = new Countdown();
  return (value: Small) => countdown.take(value.id);
};
const countedRich = () => {
  const countdown = new Countdown();
  return (value: Rich) => {
    checkRich(value);
    return countdown.take(value.id);
  };
};

export const oneWay = streaming<Small>(1024, small, counted);
export const richValues = streaming<Rich>(1024, rich, countedRich);
/** As many blocks as make 1 MiB, what the others may have unsent as well. */
export const blocks = streaming<Uint8Array>(
  2 ** 20 / blockBytes,
  (id) => (id === 0 ? lastBlock : block),
  () => isLastBlock,
);

export const pingPong: Contender = {
  serve: () =>
    serve<Small, Small>(0, async (peer) => {
      for await (const value of peer.receive) await peer.send(value);
    }),
  connect: async (url) => {
    const peer = await dial<Small>(url);
    return async (count) => {
      const countdown = new Countdown();
      for (let id = count - 1; id >= 0; id--) {
        await peer.send(small(id));
        const got = await peer.receive();
        if (got.done) throw new Error("the server hung up");
        countdown.take(got.value.id);
      }
    };
  },
};

export const manyInFlight: Contender = {
  serve: () =>
    serve<Small, never>(0, async (peer) => {
      const countdown = new Countdown();
      for await (const value of peer.receive) countdown.take(value.id);
    }),
  connect: async (url) => {
    const peer = await dial<never, Small>(url);
    return (count) => keepInFlight(count, (id) => peer.send(small(id)));
  },
};
