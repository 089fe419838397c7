/** Cap'n Web over `ws`, as its README sets it up: an RpcTarget on the server, calls on its stub, or a ReadableStream as an argument. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { newWebSocketRpcSession, type RpcStub, RpcTarget } from "capnweb";
import { WebSocket as NodeWebSocket, WebSocketServer } from "ws";
import type { Contender } from "../contender.js";
import { Countdown, keepInFlight, type Small, small } from "../values.js";

class Api extends RpcTarget {
  readonly #countdown = new Countdown();
  take(value: Small): void {
    this.#countdown.take(value.id);
  }
  echo(value: Small): Small {
    return value;
  }
  async consume(stream: ReadableStream<Small>): Promise<void> {
    const reader = stream.getReader();
    for (let got = await reader.read(); !got.done; got = await reader.read()) this.#countdown.take(got.value.id);
  }
}

// It reads the constants of the global class, which Node has from version 22 on.
globalThis.WebSocket ??= NodeWebSocket as unknown as typeof WebSocket;

/** `ws` keeps to the standard, its type declarations do not; the README casts as well. */
const asStandard = (ws: NodeWebSocket): WebSocket => ws as unknown as WebSocket;

async function serve(): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (ws) => newWebSocketRpcSession(asStandard(ws), new Api()));
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
async function connect(url: string): Promise<RpcStub<Api>> {
  const ws = new NodeWebSocket(url);
  await once(ws, "open");
  return newWebSocketRpcSession<Api>(asStandard(ws));
}

export const stream: Contender = {
  serve,
  connect: async (url) => {
    const api = await connect(url);
    return async (count) => {
      let left = count;
      await api.consume(
        new ReadableStream<Small>({
          pull: (controller) => {
            controller.enqueue(small(--left));
            if (left === 0) controller.close();
          },
        }),
      );
    };
  },
};

/** A call for each value, as many at a time as the workload with acknowledgements has. */
export const calls: Contender = {
  serve,
  connect: async (url) => {
    const api = await connect(url);
    return (count) => keepInFlight(count, (id) => api.take(small(id)));
  },
};

export const pingPong: Contender = {
  serve,
  connect: async (url) => {
    const api = await connect(url);
    return async (count) => {
      const countdown = new Countdown();
      for (let id = count - 1; id >= 0; id--) countdown.take((await api.echo(small(id))).id);
    };
  },
};
