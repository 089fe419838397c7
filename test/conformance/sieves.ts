/** Go's prime sieves: sieve1 with a filter for each prime, every other one in the other process; sieve2 with a heap of channels and an unbounded proxy. */
import { expect } from "vitest";
import { type ReceiveChannel, type SendChannel, select } from "../../src/index.js";
import { Crew, present, range, type Suite, scenes, take, type World } from "./support.js";

const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97];

export function describeSieves(suite: Suite): void {
  const scene = scenes(suite);

  scene(
    "sieve1: 25 primes through a chain of filters in both processes",
    (world) => {
      const crew = new Crew();
      const { signal } = crew;
      return crew.run(async () => {
        const found: number[] = [];
        let channel = await world.make<number>();
        const numbers = channel.send;
        crew.go(async () => {
          for (let n = 2; ; n++) await numbers(n, { signal });
        });
        for (const index of range(primes.length)) {
          const from = channel.receive;
          const prime = await take(from, signal);
          found.push(prime);
          // The filter runs where its numbers arrive, and sends what is left to the other process.
          channel = await world.make<number>({}, { back: index % 2 === 0 });
          const to = channel.send;
          crew.go(async () => {
            for (;;) {
              const n = await take(from, signal);
              if (n % prime !== 0) await to(n, { signal });
            }
          });
        }
        expect(found).toEqual(primes);
      });
    },
    60_000,
  );

  scene(
    "sieve2: 25 primes with a heap of channels",
    (world) => {
      const crew = new Crew();
      return crew.run(async () => {
        const found: number[] = [];
        const out = await sieve2(world, crew);
        while (found.length < primes.length) found.push(await take(out, crew.signal));
        expect(found).toEqual(primes);
      });
    },
    60_000,
  );
}

interface Peeked {
  head: number;
  readonly rest: ReceiveChannel<number>;
}

/** The primes, made in R out of numbers and multiples that S counts. */
async function sieve2(world: World, crew: Crew): Promise<ReceiveChannel<number>> {
  const { signal } = crew;
  const counting = async (first: number, step: number, capacity: number): Promise<ReceiveChannel<number>> => {
    const { send, receive } = await world.make<number>({ capacity });
    crew.go(async () => {
      for (let n = first; ; n += step) await send(n, { signal });
    });
    return receive;
  };
  const out = await world.make<number>({ capacity: 10 }, { back: true });
  const composites = await world.make<number>({ capacity: 50 });
  const feedback = await world.make<number>({ capacity: 10 }, { back: true });
  const proxy = await sendProxy(world, crew, feedback.send);
  for (const prime of [2, 3]) await out.send(prime);
  await feedback.send(3);

  crew.go(async () => {
    const heap: Peeked[] = [];
    const push = (peeked: Peeked) => {
      const at = heap.findIndex(({ head }) => head > peeked.head);
      heap.splice(at < 0 ? heap.length : at, 0, peeked);
    };
    /** Moves the smallest on and gives the one that was its head. */
    const advance = async (): Promise<number> => {
      const smallest = present(heap.shift());
      const { head } = smallest;
      smallest.head = await take(smallest.rest, signal);
      push(smallest);
      return head;
    };
    for (let least = 15; ; ) {
      const prime = await take(feedback.receive, signal);
      const multiples = await counting(prime * prime, 2 * prime, 10);
      const head = await take(multiples, signal);
      while (least < head) {
        await composites.send(least, { signal });
        least = await advance();
      }
      while (least === head) least = await advance();
      await composites.send(head, { signal });
      push({ head: await take(multiples, signal), rest: multiples });
    }
  });

  crew.go(async () => {
    const candidates = await counting(5, 2, 50);
    let candidate = await take(candidates, signal);
    for (;;) {
      const composite = await take(composites.receive, signal);
      while (candidate < composite) {
        await proxy(candidate, { signal });
        await out.send(candidate, { signal });
        candidate = await take(candidates, signal);
      }
      if (candidate === composite) candidate = await take(candidates, signal);
    }
  });
  return out.receive;
}

/** A channel whose values go to `out` by way of a list without an end, so that sending to it never waits for long. */
async function sendProxy(world: World, crew: Crew, out: SendChannel<number>): Promise<SendChannel<number>> {
  const proxy = await world.make<number>({ capacity: 10 });
  const { signal } = crew;
  crew.go(async () => {
    const waiting: number[] = [];
    for (;;) {
      const [first] = waiting;
      const selected = await select({ into: proxy.receive, out: first !== undefined && ([out, first] as const) }, { signal });
      if (selected.case === "out") waiting.shift();
      else if (!selected.done) waiting.push(selected.value);
    }
  });
  return proxy.send;
}
