/**
 * What the conformance suite is written with: a world of two processes S and R, channels between them, and a few words for programs.
 * Invariant: nothing here waits for time to pass. "Still pending" means: pending after `settle`, when nothing more is under way.
 */
import { it } from "vitest";
import {
  type Channel,
  type ChannelOptions,
  chan,
  NetchanError,
  type Peer,
  type ReceiveChannel,
  type SendChannel,
} from "../../src/index.js";

/** S sends and R receives. On a suite of one process both are the same. */
export type Side = "S" | "R";

/** A process: H is a third one, between S and R. Where there is none, `World.places` does not name it. */
export type Place = Side | "H";

/** Where the channels of a suite live. `third` is a process between S and R. */
export type Home = "sender" | "receiver" | "third";

export interface Route {
  /** The other way: R holds the send end, S the receive end. */
  readonly back?: boolean;
  /** The home is at the other end of the route than the suite says. */
  readonly opposite?: boolean;
}

/** One channel: its send end as one process holds it, its receive end as the other one does. */
export interface Pair<T> extends Channel<T> {
  /** Both ends as the home holds them. */
  readonly home: Channel<T>;
  /** What `received.from` is at `receive`. */
  readonly from: Peer | undefined;
  /** The home lets go of what it handed out: from now on `send` and `receive` have no other holder. */
  letGo(): void;
}

/** One channel with both ends in both processes. */
export type Shared<T> = Readonly<Record<Side, Channel<T>>>;

/** A channel from one process to another, wherever its home is. */
export interface Line {
  readonly from: Place;
  readonly to: Place;
  readonly at: Place;
}

export interface World {
  make<T>(options?: ChannelOptions, route?: Route): Promise<Pair<T>>;
  makeMany<T>(count: number, options?: ChannelOptions, route?: Route): Promise<readonly Pair<T>[]>;
  share<T>(options?: ChannelOptions, route?: Route): Promise<Shared<T>>;
  /** The processes there are. */
  readonly places: readonly Place[];
  line<T>(line: Line, options?: ChannelOptions): Promise<Channel<T>>;
  /** One channel, whose home is `at`, with both ends in every process: one row for each of `places`. */
  everywhere<T>(at: Place, options?: ChannelOptions): Promise<readonly Channel<T>[]>;
  /** Takes a value from the other process to this one and gives what arrives. */
  carry<V>(value: V, to: Side): Promise<V>;
  /** Lets everything happen that can happen. */
  settle(): Promise<void>;
  /** Ends every session and checks that it left nothing. */
  dispose(): Promise<void>;
}

export interface Capabilities {
  /** S and R are one process: values arrive as the very objects that were sent. Otherwise as copies, and functions do not travel. */
  readonly byReference: boolean;
  /** A select may have cases with homes in different processes. */
  readonly selectAcross: boolean;
  /** How many rounds a long program takes: 100 000 is Go's own count. */
  readonly rounds: number;
}

export interface Suite {
  readonly capabilities: Capabilities;
  open(): Promise<World>;
}

type Scene = (title: string, program: (world: World) => Promise<void>, timeoutMs?: number) => void;

/** `it` in a fresh world, which is disposed of at the end of the test whatever became of it. */
export function scenes(suite: Pick<Suite, "open">): Scene {
  return (title, program, timeoutMs = 10_000) =>
    it(title, { timeout: timeoutMs }, async ({ onTestFinished }) => {
      const world = await suite.open();
      onTestFinished(() => world.dispose());
      await program(world);
    });
}

// ───────────────────────────── worlds ─────────────────────────────

export interface Ground {
  readonly places: readonly Place[];
  /** Takes a value from one process to another. */
  hand<V>(value: V, from: Place, to: Place): Promise<V>;
  /** The peer as which `at` knows `of`. */
  peer(at: Place, of: Place): Peer | undefined;
  settle(): Promise<void>;
  dispose(): Promise<void>;
}

/** Ends that are handed over in one value: what the default limits promise to carry. */
const endsInOneValue = 50;

export function worldOf(ground: Ground, home: Home): World {
  const { places: all, settle, dispose } = ground;
  const places = ({ back = false, opposite = false }: Route) => {
    const [source, sink]: [Side, Side] = back ? ["R", "S"] : ["S", "R"];
    const near = (home === "receiver") === opposite;
    const at: Place = home === "third" && !opposite ? "H" : near ? source : sink;
    return { source, sink, at };
  };
  async function handAll<V>(values: readonly V[], from: Place, to: Place): Promise<V[]> {
    const arrived: V[] = [];
    for (let first = 0; first < values.length; first += endsInOneValue)
      arrived.push(...(await ground.hand(values.slice(first, first + endsInOneValue), from, to)));
    return arrived;
  }
  async function makeMany<T>(count: number, options: ChannelOptions = {}, route: Route = {}): Promise<Pair<T>[]> {
    const { source, sink, at } = places(route);
    const homes = Array.from({ length: count }, () => chan<T>(options));
    const sends = await handAll(
      homes.map((channel) => channel.send),
      at,
      source,
    );
    const receives = await handAll(
      homes.map((channel) => channel.receive),
      at,
      sink,
    );
    return homes.map((channel, index) => {
      const send = present(sends[index]);
      const receive = present(receives[index]);
      const letGo = () => {
        if (send !== channel.send) channel.send[Symbol.dispose]();
        if (receive !== channel.receive) channel.receive[Symbol.dispose]();
      };
      return { send, receive, home: channel, from: sink === at ? ground.peer(sink, source) : undefined, letGo };
    });
  }
  async function share<T>(options: ChannelOptions = {}, route: Route = {}): Promise<Shared<T>> {
    const { at } = places(route);
    const channel = chan<T>(options);
    const ends = { send: channel.send, receive: channel.receive };
    return { S: await ground.hand(ends, at, "S"), R: await ground.hand(ends, at, "R") };
  }
  async function line<T>({ from, to, at }: Line, options: ChannelOptions = {}): Promise<Channel<T>> {
    const { send, receive } = chan<T>(options);
    return { send: await ground.hand(send, at, from), receive: await ground.hand(receive, at, to) };
  }
  async function everywhere<T>(at: Place, options: ChannelOptions = {}): Promise<Channel<T>[]> {
    const ends = chan<T>(options);
    const rows: Channel<T>[] = [];
    for (const place of all) rows.push(await ground.hand({ send: ends.send, receive: ends.receive }, at, place));
    return rows;
  }
  return {
    make: async <T>(options?: ChannelOptions, route?: Route) => present((await makeMany<T>(1, options, route))[0]),
    makeMany,
    share,
    places: all,
    line,
    everywhere,
    carry: (value, to) => ground.hand(value, to === "R" ? "S" : "R", to),
    settle,
    dispose,
  };
}

/** One process, which goes by all names. */
export const oneProcess: Ground = {
  places: ["S", "R", "H"],
  hand: async (value) => value,
  peer: () => undefined,
  settle: async () => {
    for (let count = 0; count < 3; count++) await turn();
  },
  dispose: async () => {},
};

// ───────────────────────────── words for programs ─────────────────────────────

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The value, which is known to be there. */
export function present<V>(value: V | undefined): V {
  if (value === undefined) throw new Error("Expected a value, got undefined");
  return value;
}

export const range = (count: number, first = 0): number[] => Array.from({ length: count }, (_, index) => first + index);

/** Receives one value from a channel that is not done. */
export async function take<T>(receive: ReceiveChannel<T>, signal?: AbortSignal): Promise<T> {
  const received = await receive(signal === undefined ? {} : { signal });
  if (received.done) throw new Error("Expected a value, got done");
  return received.value;
}

/** Receives `count` values, one after the other; without a count until the channel is done. */
export async function collect<T>(receive: ReceiveChannel<T>, count = Number.POSITIVE_INFINITY): Promise<T[]> {
  const values: T[] = [];
  while (values.length < count) {
    const received = await receive();
    if (received.done) break;
    values.push(received.value);
  }
  return values;
}

/** Sends the values one after the other, each when the one before was taken or buffered. */
export async function produce<T>(send: SendChannel<T>, values: Iterable<T>): Promise<void> {
  for (const value of values) await send(value);
}

/** Produces and then closes. */
export async function produceAll<T>(send: SendChannel<T>, values: Iterable<T>): Promise<void> {
  await produce(send, values);
  send.close();
}

/** The state of an operation, as far as it is known now. */
export interface Watched {
  state: "pending" | "fulfilled" | "rejected";
}

export function watch(operation: Promise<unknown>): Watched {
  const watched: Watched = { state: "pending" };
  operation.then(
    () => {
      watched.state = "fulfilled";
    },
    () => {
      watched.state = "rejected";
    },
  );
  return watched;
}

/** Is it pending, when nothing more is under way? */
export async function isPending(world: Pick<World, "settle">, operation: Promise<unknown>): Promise<boolean> {
  const watched = watch(operation);
  await world.settle();
  return watched.state === "pending";
}

/** What the operation rejects with. */
export const rejection = (operation: Promise<unknown>): Promise<unknown> =>
  operation.then(
    () => Promise.reject(new Error("Expected a rejection, got a fulfilled promise")),
    (error: unknown) => error,
  );

/** The code that the operation rejects with. */
export async function codeOf(operation: Promise<unknown>): Promise<string> {
  const error = await rejection(operation);
  return NetchanError.is(error) ? error.code : String(error);
}

/** What the operation throws or rejects with. */
export const thrownBy = (operation: () => unknown): Promise<unknown> => rejection((async () => operation())());

/** Repeatable random numbers, 0 ≤ n < 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The tasks of one program. The first that fails fails the program; at its end the others are aborted by `signal`, which they give
 * to every operation, and each of them must then end.
 */
export class Crew {
  readonly #stop = new AbortController();
  readonly #tasks: Promise<void>[] = [];
  readonly signal = this.#stop.signal;

  go(task: () => Promise<void>): void {
    this.#tasks.push(
      task().catch((error: unknown) => {
        if (error !== this.signal.reason) this.#fail(error);
      }),
    );
  }

  async run<V>(program: () => Promise<V>): Promise<V> {
    try {
      return await Promise.race([program(), this.#failed]);
    } finally {
      this.#stop.abort(new Error("The program is over"));
      // A task may start others on its way out.
      for (let ended = -1; ended < this.#tasks.length; ) {
        ended = this.#tasks.length;
        await Promise.all(this.#tasks);
      }
    }
  }

  #fail: (error: unknown) => void = () => {};
  readonly #failed = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });
}
