/**
 * WebSocket by hand: `ws`, one message for each value. A sender stops at 1 MiB unsent and waits for the callback of its last message;
 * without that a loop would fill the memory, which none of the others may do either.
 */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import superjson from "superjson";
import { WebSocket, WebSocketServer } from "ws";
import type { Contender } from "../contender.js";
import { Bell } from "../signal.js";
import { block, Countdown, checkRich, isLastBlock, lastBlock, type Rich, rich, type Small, small } from "../values.js";

const mostUnsentBytes = 2 ** 20;

/** @returns a promise only when the sender has to wait */
function send(ws: WebSocket, data: string | Uint8Array): Promise<void> | undefined {
  if (ws.bufferedAmount < mostUnsentBytes) {
    ws.send(data);
    return undefined;
  }
  return new Promise((resolve, reject) => ws.send(data, (error) => (error ? reject(error) : resolve())));
}

async function serve(meet: (ws: WebSocket) => (data: Buffer) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (ws) => ws.on("message", meet(ws)));
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
async function connect(url: string): Promise<WebSocket> {
  const ws = new WebSocket(url);
  await once(ws, "open");
  return ws;
}

/** Messages in a loop; the far side says when it has the last one. */
const streaming = (encode: (id: number) => string | Uint8Array, isLast: () => (data: Buffer) => boolean): Contender => ({
  serve: () =>
    serve((ws) => {
      const last = isLast();
      return (data) => {
        if (last(data)) ws.send("done");
      };
    }),
  connect: async (url) => {
    const ws = await connect(url);
    const done = new Bell();
    ws.on("message", done.tell);
    return async (count) => {
      const end = done.next();
      for (let id = count - 1; id >= 0; id--) {
        const wait = send(ws, encode(id));
        if (wait !== undefined) await wait;
      }
      await end;
    };
  },
});

export const oneWay = streaming(
  (id) => JSON.stringify(small(id)),
  () => {
    const countdown = new Countdown();
    return (data) => countdown.take((JSON.parse(data.toString()) as Small).id);
  },
);
export const richValues = streaming(
  (id) => superjson.stringify(rich(id)),
  () => {
    const countdown = new Countdown();
    return (data) => {
      const value = superjson.parse<Rich>(data.toString());
      checkRich(value);
      return countdown.take(value.id);
    };
  },
);
export const blocks = streaming(
  (id) => (id === 0 ? lastBlock : block),
  () => isLastBlock,
);

export const pingPong: Contender = {
  serve: () => serve((ws) => (data) => ws.send(JSON.stringify(JSON.parse(data.toString())))),
  connect: async (url) => {
    const ws = await connect(url);
    const countdown = new Countdown();
    const answer = new Bell();
    ws.on("message", (data: Buffer) => {
      countdown.take((JSON.parse(data.toString()) as Small).id);
      answer.tell();
    });
    return async (count) => {
      for (let id = count - 1; id >= 0; id--) {
        const got = answer.next();
        ws.send(JSON.stringify(small(id)));
        await got;
      }
    };
  },
};

const batchLength = 128;
/** What the wire can do when somebody collects the values: an array of them in each message. */
export const batched: Contender = {
  serve: () =>
    serve((ws) => {
      const countdown = new Countdown();
      return (data) => {
        for (const value of JSON.parse(data.toString()) as Small[]) if (countdown.take(value.id)) ws.send("done");
      };
    }),
  connect: async (url) => {
    const ws = await connect(url);
    const done = new Bell();
    ws.on("message", done.tell);
    return async (count) => {
      const end = done.next();
      for (let left = count; left > 0; ) {
        const batch: Small[] = [];
        while (batch.length < batchLength && left > 0) batch.push(small(--left));
        const wait = send(ws, JSON.stringify(batch));
        if (wait !== undefined) await wait;
      }
      await end;
    };
  },
};
