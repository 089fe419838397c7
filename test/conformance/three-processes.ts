/** Programs that are spread over three processes: who waits where, and where a channel lives, must make no difference. */
import { describe, expect } from "vitest";
import { type Channel, chan, type SendChannel, select, trySelect } from "../../src/index.js";
import { Crew, isPending, type Place, present, range, type Suite, scenes, seeded, take, turn, type World } from "./support.js";

/** The home of a channel, by the two processes that use it. */
const homes: Readonly<Record<string, (from: Place, to: Place) => Place>> = {
  "at its sender": (from) => from,
  "at its receiver": (_, to) => to,
  "at the third process": (from, to) => present((["S", "R", "H"] as const).find((place) => place !== from && place !== to)),
};

export function describeThreeProcesses(name: string, open: Suite["open"]): void {
  const scene = scenes({ open });

  describe(`three processes ${name}`, () => {
    for (const at of ["S", "R", "H"] satisfies Place[]) {
      scene(
        `forty tasks that each send or receive on one rendezvous make twenty pairs, and both sides of a pair agree; home at ${at}`,
        async (world) => {
          for (const round of range(5)) {
            const ends = await world.everywhere<Offer>(at);
            const late = seeded(round);
            const meeting = range(40).map((me) => meet(me, present(ends[me % ends.length]), round === 0 ? 0 : Math.floor(4 * late())));
            checkPairs(await Promise.all(meeting), 20);
            for (const { receive } of ends) expect(await trySelect({ receive })).toBeUndefined();
          }
        },
        30_000,
      );

      scene(
        `of forty-one tasks one is left, and meets the next that comes (crossbeam: matching_with_leftover); home at ${at}`,
        async (world) => {
          const ends = await world.everywhere<Offer>(at);
          const met: Met[] = [];
          let all: Promise<unknown> = Promise.resolve();
          await new Promise<void>((resolve) => {
            const meeting = range(41).map(async (me) => {
              if (met.push(await meet(me, present(ends[me % ends.length]), me % 3)) === 40) resolve();
            });
            all = Promise.all(meeting);
          });
          checkPairs(met, 20);
          expect(await isPending(world, all)).toBe(true);
          met.push(await meet(41, present(ends[0]), 0));
          await all;
          checkPairs(met, 21);
        },
      );
    }

    for (const [where, homeOf] of Object.entries(homes))
      scene(
        `sieve1: the first 50 primes through filters in all three, each channel's home ${where}`,
        async (world) => {
          expect(await sieve(world, 50, homeOf)).toEqual(firstPrimes(50));
        },
        60_000,
      );

    scene(
      "SelectPhilosophers (Kotlin): neighbours never eat at the same time, and every fork is back on the table",
      (world) => dine(world, 6, 30),
      60_000,
    );

    scene(
      "a value goes round through all three a hundred times, each channel's home elsewhere",
      async (world) => {
        const places = world.places;
        const lines: Channel<number>[] = [];
        for (const [index, from] of places.entries())
          for (const [other, at] of places.entries())
            lines.push(await world.line<number>({ from, to: present(places[(index + other) % places.length]), at }));
        const tasks = lines.map(async ({ receive }, index) => {
          const { send } = present(lines[(index + 1) % lines.length]);
          for await (const value of receive) {
            if (value >= 100 * lines.length) return send.close();
            await send(value + 1);
          }
          send.close();
        });
        await present(lines[0]).send(1);
        await Promise.all(tasks.slice(0, 1));
        expect((await Promise.all(tasks)).length).toBe(lines.length);
      },
      30_000,
    );
  });
}

/** What a sender offers: its number, and where whoever takes it says its own. */
interface Offer {
  readonly by: number;
  readonly answer: SendChannel<number>;
}
interface Met {
  readonly me: number;
  readonly sent: boolean;
  readonly partner: number;
}

/** Sends or receives on the channel, whatever happens first; then each side learns who the other one is. */
async function meet(me: number, { send, receive }: Channel<Offer>, lateTurns: number): Promise<Met> {
  for (let turns = lateTurns; turns > 0; turns--) await turn();
  const answers = chan<number>(1);
  const offer = [send, { by: me, answer: answers.send }] as const;
  const selected = await select(me % 2 ? { send: offer, receive } : { receive, send: offer });
  if (selected.case === "send") return { me, sent: true, partner: await take(answers.receive) };
  if (selected.done) throw new Error("Expected a value, got done");
  await selected.value.answer(me);
  return { me, sent: false, partner: selected.value.by };
}

function checkPairs(met: readonly Met[], pairs: number): void {
  expect(met.filter(({ sent }) => sent)).toHaveLength(pairs);
  expect(met.filter(({ sent }) => !sent)).toHaveLength(pairs);
  const of = new Map(met.map((one) => [one.me, one]));
  expect(of.size).toBe(2 * pairs);
  for (const { me, sent, partner } of met) expect(of.get(partner)).toEqual({ me: partner, sent: !sent, partner: me });
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** Each filter runs in the process after that of the one before it, and sends on to the next. */
function sieve(world: World, count: number, homeOf: (from: Place, to: Place) => Place): Promise<number[]> {
  const crew = new Crew();
  const { signal } = crew;
  const place = (index: number) => present(world.places[index % world.places.length]);
  const lineTo = (index: number) => {
    const [from, to] = [place(index + world.places.length - 1), place(index)];
    return world.line<number>({ from, to, at: homeOf(from, to) });
  };
  return crew.run(async () => {
    const found: number[] = [];
    let line = await lineTo(0);
    const { send: numbers } = line;
    crew.go(async () => {
      for (let n = 2; ; n++) await numbers(n, { signal });
    });
    for (const index of range(count)) {
      const from = line.receive;
      const prime = await take(from, signal);
      found.push(prime);
      line = await lineTo(index + 1);
      const to = line.send;
      crew.go(async () => {
        for (;;) {
          const n = await take(from, signal);
          if (n % prime !== 0) await to(n, { signal });
        }
      });
    }
    return found;
  });
}

/** A fork is the one value in a channel. Whoever has one tries for the other, and puts the first back when that is taken. */
async function dine(world: World, seats: number, rounds: number): Promise<void> {
  const { places } = world;
  const forks: (readonly Channel<string>[])[] = [];
  for (const seat of range(seats)) forks.push(await world.everywhere<string>(present(places[seat % places.length]), { capacity: 1 }));
  for (const [index, fork] of forks.entries()) await present(fork[0]).send(`fork ${index}`);
  const eating = new Set<number>();
  let meals = 0;
  const philosopher = async (seat: number) => {
    const side = Math.floor((seat * places.length) / seats);
    const [left, right] = [present(forks[seat]?.[side]), present(forks[(seat + 1) % seats]?.[side])];
    for (let round = 0; round < rounds; round++) {
      const first = await select({ left: left.receive, right: right.receive });
      if (first.done) throw new Error("Expected a fork, got done");
      const [held, other] = first.case === "left" ? [left, right] : [right, left];
      const second = await trySelect({ fork: other.receive });
      if (second && !second.done) {
        for (const neighbour of [seat + 1, seat + seats - 1]) expect(eating.has(neighbour % seats)).toBe(false);
        eating.add(seat);
        await turn();
        eating.delete(seat);
        meals++;
        await other.send(second.value);
      }
      await held.send(first.value);
    }
  };
  await Promise.all(range(seats).map(philosopher));
  expect(meals).toBeGreaterThan(0);
  for (const [index, fork] of forks.entries()) {
    expect(await trySelect({ fork: present(fork[0]).receive })).toMatchObject({ value: `fork ${index}` });
    expect(await trySelect({ fork: present(fork[0]).receive })).toBeUndefined();
  }
}
