/**
 * Selects that offer values to each other at the same moment, on a network where everything takes the same time: each makes way for the
 * other, in step, for ever, unless chance parts them. Source: PROTOCOL.md "Select cases".
 */
import { describe, expect, it } from "vitest";
import { chan, type ReceiveChannel } from "../../src/node.js";
import { World } from "./world.js";

/** Many times what one pair takes. */
const mostEvents = 500;

interface Side {
  send(value: unknown): Promise<void>;
  readonly receive: ReceiveChannel<unknown>;
}

/** @returns how many events it takes until two of the four selects have met. */
async function meet(seed: number): Promise<number> {
  const world = new World(seed, { processes: 2, limits: {}, windowMs: 600_000 });
  await world.connect();
  const [here, there] = world.peersOf.flat() as unknown as readonly [Side, Side];
  const carry = async (from: Side, to: Side, end: ReceiveChannel<number>): Promise<ReceiveChannel<number>> => {
    let got: ReceiveChannel<number> | undefined;
    void from.send([end]);
    void to.receive().then((result) => {
      got = (result.value as readonly [ReceiveChannel<number>])[0];
    });
    await world.quiet(() => got !== undefined);
    return got as unknown as ReceiveChannel<number>;
  };
  const [a, b, c] = [chan<number>(), chan<number>(), chan<number>()];
  const away = { a: await carry(here, there, a.receive), b: await carry(here, there, b.receive), c: await carry(there, here, c.receive) };
  await world.quiet();

  const before = world.events;
  const { select } = world.select;
  let met = 0;
  for (const one of [
    select({ give: [a.send, 1], take: away.c }),
    select({ give: [b.send, 2], take: away.c }),
    select({ give: [c.send, 3] }),
    select({ give: [c.send, 4], one: away.a, two: away.b }),
  ])
    void one.then(() => met++);
  while (met < 2 && world.events < before + mostEvents) if (!(await world.step())) world.pass(1_000);
  return world.events - before;
}

describe("four selects of two processes that offer to each other at once", () => {
  it("meet, whatever the order of their ids and of what happens", async () => {
    const slow: number[] = [];
    for (let seed = 1; seed <= 500; seed++) if ((await meet(seed)) >= mostEvents) slow.push(seed);
    expect(slow).toEqual([]);
  });
});
