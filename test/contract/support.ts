/**
 * What the programs of this folder run on: a listener and its dialers, over WebSocket or in memory, and words for programs.
 * Invariant: nothing here waits for time to pass. Every program ends with everything ended and without an unhandled rejection.
 */

import { type DialOptions, dial, type Listener, type ListenOptions, listen, NetchanError, type Peer, type ReceiveChannel } from "netchan";
import { type MemoryNetwork, memoryNetwork } from "netchan/testing";
import { afterEach, beforeEach, describe, expect } from "vitest";

export interface World {
  listen<In = unknown, Out = In, Identity = unknown>(options?: ListenOptions<In, Identity>): Promise<Listener<In, Out, Identity>>;
  /** Both sides of one new session. */
  dial<In = unknown, Out = In, Identity = unknown>(
    server: Listener<Out, In, Identity>,
    options?: DialOptions,
  ): Promise<{ near: Peer<Out, In, Identity>; far: Peer<In, Out> }>;
  /** A listener and one session with it. */
  pair<Up = unknown, Down = Up>(
    options?: ListenOptions<Up>,
    dialOptions?: DialOptions,
  ): Promise<{ server: Listener<Up, Down>; near: Peer<Up, Down>; far: Peer<Down, Up> }>;
  /** Lets everything happen that is under way. */
  settle(): Promise<void>;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Carrier {
  listen(options: ListenOptions): Promise<Listener>;
  dial(server: Listener, options: DialOptions): Promise<Peer>;
  settle(peers: readonly Peer[]): Promise<void>;
}

const overWebSocket = (): Carrier => ({
  listen: (options) => listen(0, options),
  dial: (server, options) => dial(server.url, options),
  // A ping travels behind every earlier frame of its link: when it is back, what was under way has arrived.
  settle: async (peers) => {
    for (let trip = 0; trip < 5; trip++) {
      await turn();
      await Promise.allSettled(peers.map((peer) => peer.ping()));
    }
    await turn();
  },
});

export const inMemory = (network: MemoryNetwork): Carrier => ({
  listen: async (options) => network.listen(options),
  dial: (server, options) => dial(network.address(server.accept), options),
  settle: () => network.settle(),
});

/** Makes a world, and ends it at the end of the test whatever became of it. */
export function useWorld(makeCarrier: () => Carrier): () => World {
  let carrier: Carrier;
  let servers: Listener[];
  let peers: Peer[];
  beforeEach(() => {
    carrier = makeCarrier();
    servers = [];
    peers = [];
  });
  afterEach(async () => {
    for (const peer of peers) peer.abort();
    await Promise.all(servers.map((server) => server.close({ drainMs: 0 })));
    await Promise.all(peers.map((peer) => peer.ended));
  });
  const world: World = {
    async listen(options) {
      const server = await carrier.listen((options ?? {}) as ListenOptions);
      servers.push(server);
      return server as never;
    },
    async dial(server, options = {}) {
      const far = await carrier.dial(server, options);
      const near = await take(server.peers);
      peers.push(far, near as Peer);
      return { near, far } as never;
    },
    async pair(options, dialOptions) {
      const server = await world.listen(options);
      return { server, ...(await world.dial(server, dialOptions)) } as never;
    },
    settle: () => carrier.settle(peers),
  };
  return () => world;
}

/** The same programs over a real WebSocket and over a network in memory. */
export function overBoth(title: string, programs: (world: () => World) => void): void {
  describe(`${title} over WebSocket`, () => {
    noUnhandledRejections();
    programs(useWorld(overWebSocket));
  });
  describe(`${title} in memory`, () => {
    noUnhandledRejections();
    programs(useWorld(() => inMemory(memoryNetwork())));
  });
}

/** Every test of this block fails when a promise was rejected that nobody looked at. */
export function noUnhandledRejections(): void {
  const seen: unknown[] = [];
  const note = (reason: unknown) => seen.push(reason);
  beforeEach(() => {
    seen.length = 0;
    process.on("unhandledRejection", note);
  });
  afterEach(async () => {
    await turn();
    await turn();
    process.off("unhandledRejection", note);
    expect(seen).toEqual([]);
  });
}

/** Receives one value from a channel that is not done. */
export async function take<T>(receive: ReceiveChannel<T>): Promise<T> {
  const received = await receive();
  if (received.done) throw new Error("Expected a value, got done");
  return received.value;
}

/** Everything until the channel is done. */
export async function all<T>(receive: ReceiveChannel<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of receive) values.push(value);
  return values;
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** What the operation rejects with, which has to be a NetchanError. */
export async function errorOf(operation: Promise<unknown>): Promise<NetchanError> {
  const error = await operation.then(
    (value) => new Error(`Expected a rejection, got ${String(value)}`),
    (reason: unknown) => reason,
  );
  if (!NetchanError.is(error)) throw error;
  return error;
}

export const codeOf = async (operation: Promise<unknown>): Promise<string> => (await errorOf(operation)).code;

/** Has it settled, when nothing more is under way? */
export async function isPending(world: Pick<World, "settle">, operation: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settled = () => {
    pending = false;
  };
  operation.then(settled, settled);
  await world.settle();
  return pending;
}

/** What the call throws, or the promise it returns rejects with. */
export async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("Expected an error, got none");
}
