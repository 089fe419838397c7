/**
 * Socket.IO over WebSocket alone, as its documentation shows it: events, and `emitWithAck` where the sender wants to know.
 * A loop of emits never waits by itself, so after each 1,024 it waits for the engine to have written them.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import { type Socket as ClientSocket, io } from "socket.io-client";
import type { Contender } from "../contender.js";
import { Bell } from "../signal.js";
import { block, blockBytes, Countdown, isLastBlock, keepInFlight, lastBlock, type Small, small } from "../values.js";

async function serve(meet: (socket: Socket) => void): Promise<string> {
  const http = createServer();
  new Server(http, { transports: ["websocket"] }).on("connection", meet);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}
async function connect(url: string): Promise<ClientSocket> {
  const socket = io(url, { transports: ["websocket"] });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
  return socket;
}

const streaming = <T>(pace: number, make: (id: number) => T, isLast: () => (value: T) => boolean): Contender => ({
  serve: () =>
    serve((socket) => {
      const last = isLast();
      socket.on("value", (value: T) => {
        if (last(value)) socket.emit("done");
      });
    }),
  connect: async (url) => {
    const socket = await connect(url);
    const [done, drained] = [new Bell(), new Bell()];
    socket.on("done", done.tell);
    socket.io.engine.on("drain", drained.tell);
    return async (count) => {
      const end = done.next();
      for (let id = count - 1; id >= 0; id--) {
        const wait = id % pace === 0 ? drained.next() : undefined;
        socket.emit("value", make(id));
        if (wait !== undefined && id > 0) await wait;
      }
      await end;
    };
  },
});

export const oneWay = streaming<Small>(1024, small, () => {
  const countdown = new Countdown();
  return (value) => countdown.take(value.id);
});
/** 1 MiB and then it waits. */
export const blocks = streaming<Uint8Array>(
  2 ** 20 / blockBytes,
  (id) => (id === 0 ? lastBlock : block),
  () => isLastBlock,
);

/** The server answers through the acknowledgement: the form that its documentation has for a request. */
export const pingPong: Contender = {
  serve: () => serve((socket) => socket.on("value", (value: Small, reply: (value: Small) => void) => reply(value))),
  connect: async (url) => {
    const socket = await connect(url);
    return async (count) => {
      const countdown = new Countdown();
      for (let id = count - 1; id >= 0; id--) countdown.take(((await socket.emitWithAck("value", small(id))) as Small).id);
    };
  },
};

export const manyInFlight: Contender = {
  serve: () =>
    serve((socket) => {
      const countdown = new Countdown();
      socket.on("value", (value: Small, taken: () => void) => {
        countdown.take(value.id);
        taken();
      });
    }),
  connect: async (url) => {
    const socket = await connect(url);
    return (count) => keepInFlight(count, (id) => socket.emitWithAck("value", small(id)));
  },
};
