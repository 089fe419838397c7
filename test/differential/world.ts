/**
 * Two or three processes that run one program. The first listens and the others dial it, so that what the others have to do with each other
 * passes through the first: news of a channel never overtakes what it is about, as it could if all were linked with each other, and Go's
 * programs rely on that. All that goes from one process to another, tasks and new channels too, goes in messages of the default pair.
 */
import { dial, type Listener, listen, type Peer, type ReceiveChannel, type SendChannel } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";

/** A channel as a task holds it: one end or both. */
export interface Held {
  readonly id: string;
  readonly send?: SendChannel<Value>;
  readonly receive?: ReceiveChannel<Value>;
}
export type Value = number | string | boolean | null | Held | Fields;
export interface Fields {
  readonly [name: string]: Value;
}

/** To another process: start this task; make this channel and reply with it. */
export type Message =
  | { readonly to: number; readonly task: string; readonly name: string; readonly args: readonly Value[] }
  | { readonly to: number; readonly make: string; readonly capacity: number; readonly reply: SendChannel<Held> };

/**
 * calm: everything takes no time, and there is a word for "nothing is under way any more". slow: every batch takes a time of its own.
 * stormy: and every link fails again and again. websocket: real sockets.
 */
export type Weather = "calm" | "slow" | "stormy" | "websocket";

export interface World {
  readonly weather: Weather;
  /** Gives a message to another process. */
  send(from: number, message: Message): Promise<void>;
  /** Calls `arrived` in the process that a message is for. */
  serve(arrived: (message: Message) => void): void;
  /** Lets happen what `waiting` waits for; rejects when that will not come any more. */
  finish<T>(waiting: Promise<T>): Promise<T>;
  /** Links that failed and came back. */
  readonly resumes: number;
  dispose(): Promise<void>;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a process is missing");
  return value;
}

type Dialer = Peer<Message, Message>;
interface Ground {
  readonly weather: Weather;
  readonly listener: Listener<Message, Message>;
  connect(): Promise<Dialer>;
  finish<T>(waiting: Promise<T>): Promise<T>;
}

/** Far more than any program takes. */
const longestMs = 600_000;

function memory(seed: number, weather: Weather): Ground {
  const delays = weather === "calm" ? {} : { delayMs: weather === "slow" ? ([0, 20] as const) : ([0, 6] as const) };
  const network = memoryNetwork({ seed, ...delays, ...(weather === "stormy" ? { cutEveryMs: [30, 120] } : {}) });
  const listener = network.listen<Message, Message>();
  return {
    weather,
    listener,
    connect: () => dial(network.address(listener.accept), { reconnect: { minMs: 10, maxMs: 20 } }),
    finish: async (result) => {
      let over = false;
      const done = result.finally(() => {
        over = true;
      });
      const pass = async (): Promise<void> => {
        for (let ms = 0; ms < longestMs && !over; ms += 20) await network.advance(20);
      };
      // Selects that make way for each other again and again wait a little, even in a calm.
      const calm = async (): Promise<void> => {
        await network.settle();
        if (!over) await network.advance(5_000);
      };
      await Promise.race([done, weather === "calm" ? calm() : pass()]);
      if (!over) throw new Error(weather === "calm" ? "nothing is under way any more" : `not over after ${longestMs} ms`);
      return done;
    },
  };
}

/** A deadline, not a wait: a program takes some milliseconds. */
const socketsMs = 20_000;

async function sockets(): Promise<Ground> {
  const listener = await listen<Message, Message>(0);
  return {
    weather: "websocket",
    listener,
    connect: () => dial(listener.url),
    finish: (waiting) => {
      const tooLong = new Promise<never>((_, reject) => {
        const late = () => reject(new Error(`not over after ${socketsMs} ms`));
        AbortSignal.timeout(socketsMs).addEventListener("abort", late, { once: true });
      });
      return Promise.race([waiting, tooLong]);
    },
  };
}

export async function openWorld(seed: number, weather: Weather, processes: number): Promise<World> {
  const ground = weather === "websocket" ? await sockets() : memory(seed, weather);
  const dialers: Dialer[] = [];
  const accepted: Dialer[] = [];
  for (let index = 1; index < processes; index++) {
    dialers.push(await ground.finish(ground.connect()));
    accepted.push(present((await ground.finish(ground.listener.peers())).value));
  }
  let resumes = 0;
  const count = async (peer: Dialer) => {
    for await (const { state } of peer.statuses()) if (state === "reconnecting") resumes++;
  };
  if (weather === "stormy") for (const peer of dialers) void count(peer);

  /** From the first process straight there; from any other by way of the first. */
  const route = (from: number, to: number): Dialer => present(from === 0 ? accepted[to - 1] : dialers[from - 1]);
  const send = (from: number, message: Message): Promise<void> => route(from, message.to).send(message);
  const read = async (at: number, peer: Dialer, arrived: (message: Message) => void) => {
    for await (const message of peer.receive) {
      if (message.to === at) arrived(message);
      else await send(at, message);
    }
  };
  return {
    weather,
    send,
    serve: (arrived) => {
      // A loop ends with its session, whichever way that goes.
      dialers.forEach((peer, index) => void read(index + 1, peer, arrived).catch(() => {}));
      for (const peer of accepted) void read(0, peer, arrived).catch(() => {});
    },
    finish: (waiting) => ground.finish(waiting),
    get resumes() {
      return resumes;
    },
    dispose: async () => {
      for (const peer of dialers) peer.abort();
      await ground.finish(ground.listener.close({ drainMs: 0 }));
    },
  };
}
