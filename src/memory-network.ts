/** A network in memory on a virtual clock, repeatable from its seed. Layer: listen. */
import type { Link, Listener, ListenOptions } from "./contract.js";
import { inWorld } from "./host.js";
import { LinkListener } from "./listener.js";
import { defer } from "./runtime.js";
import { type MemoryLink, memoryLinks, VirtualTime } from "./transports/memory.js";

export interface MemoryNetwork {
  /** What `dial` takes; what arrives is given to `accept` (for instance `listener.accept`). */
  address(accept: (link: Link) => void): (options: { readonly signal: AbortSignal }) => Promise<Link>;
  /** A listener without a port, on this network. Works in browsers too. */
  listen<In = unknown, Out = In>(options?: ListenOptions<In>): Listener<In, Out>;
  /** All links fail at once ("clean": both sides see it; "half-open": nothing arrives any more and nobody is told), until `heal`. */
  cut(kind?: "clean" | "half-open"): void;
  heal(): void;
  /** Time passes, timers of every peer on it fire, microtasks drain. */
  advance(ms: number): Promise<void>;
  /** Lets everything that can happen without time happen. */
  settle(): Promise<void>;
}

type Range = number | readonly [number, number];

function pick(range: Range, random: () => number): number {
  return typeof range === "number" ? range : range[0] + random() * (range[1] - range[0]);
}

/** Microtasks of this turn have run when it resolves. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => defer(resolve));
}

/**
 * Makes a network in memory. Nothing on it takes real time: delays, heartbeats and timeouts of its peers run on a clock that only
 * `advance` moves, and everything that is random follows `seed`.
 * @param options - `seed`, default 1; `delayMs` of each batch, default 0, or a range; `cutEveryMs`: how often all links fail by themselves
 */
export function memoryNetwork(
  options: { readonly seed?: number; readonly delayMs?: Range; readonly cutEveryMs?: Range } = {},
): MemoryNetwork {
  const { seed = 1, delayMs = 0, cutEveryMs } = options;
  const time = new VirtualTime(seed);
  const { host } = time;
  const links = new Set<MemoryLink>();
  let down = false;
  let running = false;

  // Whatever needs no time happens by itself, a turn later, so that tests which only await never hang.
  const run = (): void => {
    running = false;
    const [until] = [time.now];
    while (time.due && time.now === until) time.step();
  };
  time.onWork = () => {
    if (running) return;
    running = true;
    defer(run);
  };

  const cut = (kind: "clean" | "half-open" = "clean"): void => {
    down = true;
    for (const link of links) {
      if (kind === "half-open") link.silent = true;
      else link.fail();
    }
    links.clear();
  };
  const heal = (): void => {
    down = false;
  };
  const cutAgain = (range: Range): void => {
    time.schedule(pick(range, time.random), () => {
      cut();
      heal();
      cutAgain(range);
    });
  };
  if (cutEveryMs !== undefined) cutAgain(cutEveryMs);

  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await nextTurn();
      while (time.due) {
        quiet = 0;
        time.step();
        await nextTurn();
      }
    }
  };

  return {
    address: (accept) =>
      inWorld(async ({ signal }) => {
        signal.throwIfAborted();
        if (down) throw new Error("the network is cut");
        const [here, there] = memoryLinks(time, () => pick(delayMs, time.random));
        for (const link of [here, there]) links.add(inWorld(link, host));
        accept(there);
        return here;
      }, host),
    listen: <In, Out>(listenOptions: ListenOptions<In> = {}) =>
      new LinkListener(listenOptions as ListenOptions) as unknown as Listener<In, Out>,
    cut,
    heal,
    settle,
    advance: async (ms) => {
      const until = time.now + ms;
      await settle();
      for (let next = time.nextAt; next !== undefined && next <= until; next = time.nextAt) {
        time.pass(until);
        await settle();
      }
      time.pass(until);
    },
  };
}
