/** Go's select5: every way to phrase one send or one receive, among cases that must not run. All of them where they are quick, a sample elsewhere. */
import { describe, expect } from "vitest";
import { type Case, type Channel, select, trySelect } from "../../src/index.js";
import { type Suite, scenes, take, type World } from "./support.js";

const decoyNames = ["idle send", "idle receive", "off send", "off receive"] as const;
type Decoy = (typeof decoyNames)[number];

interface Phrase {
  readonly name: string;
  readonly operation: "send" | "receive";
  readonly trying: boolean;
  /** What makes the operation ready: room or a value in the buffer, or a partner that waits. */
  readonly ready: "buffer" | "partner";
  readonly decoys: readonly Decoy[];
  readonly decoysFirst: boolean;
}

const subsets = Array.from({ length: 2 ** decoyNames.length }, (_, bits) => decoyNames.filter((_, bit) => bits & (1 << bit)));

function phrases(): Phrase[] {
  const all: Phrase[] = [];
  for (const operation of ["send", "receive"] as const)
    for (const trying of [false, true])
      for (const ready of ["buffer", "partner"] as const)
        for (const decoys of subsets)
          for (const decoysFirst of decoys.length > 0 ? [true, false] : [true]) {
            const beside = decoys.length > 0 ? `${decoysFirst ? "after" : "before"} ${decoys.join(", ")}` : "alone";
            all.push({
              name: `${trying ? "try to " : ""}${operation}, ready by ${ready}, ${beside}`,
              operation,
              trying,
              ready,
              decoys,
              decoysFirst,
            });
          }
  return all;
}

function decoyCases(decoys: readonly Decoy[], idle: Channel<number>): Record<string, Case> {
  const cases: Record<Decoy, Case> = {
    "idle send": [idle.send, -1],
    "idle receive": idle.receive,
    "off send": undefined,
    "off receive": null,
  };
  return Object.fromEntries(decoys.map((name) => [name, cases[name]]));
}

async function speak(world: World, { operation, trying, ready, decoys, decoysFirst }: Phrase): Promise<void> {
  const sending = operation === "send";
  const channel = await world.share<number>({ capacity: ready === "buffer" ? 1 : 0 });
  const idle = await world.share<number>();
  const [here, there] = sending ? (["S", "R"] as const) : (["R", "S"] as const);
  const received = sending && ready === "partner" ? take(channel[there].receive) : undefined;
  const sent = sending ? undefined : channel[there].send(7);
  await world.settle();

  const real: Record<string, Case> = { real: sending ? [channel[here].send, 7] : channel[here].receive };
  const others = decoyCases(decoys, idle[here]);
  const cases = decoysFirst ? { ...others, ...real } : { ...real, ...others };
  const selected = await (trying ? trySelect(cases) : select(cases));

  expect(selected).toMatchObject(sending ? { case: "real" } : { case: "real", done: false, value: 7 });
  await sent;
  if (sending) expect(await (received ?? take(channel[there].receive))).toBe(7);
  // No trace: nothing is left in either channel, and nobody waits there.
  for (const { send, receive } of [channel[there], idle[there]]) {
    expect(await trySelect({ receive })).toBeUndefined();
    if (send.capacity === 0) expect(await trySelect({ send: [send, 0] })).toBeUndefined();
  }
}

export function describeGoSelectTable(suite: Suite): void {
  const step = suite.capabilities.rounds >= 10_000 ? 1 : 6;
  const sample = phrases().filter((_, index) => index % step === 0);

  const scene = scenes(suite);
  describe("select5", () => {
    for (const phrase of sample) scene(phrase.name, (world) => speak(world, phrase));

    for (const decoys of subsets.filter((_, index) => index % Math.min(step, 3) === 0))
      scene(`nonblock: a try of ${decoys.join(", ") || "nothing"} finds nothing ready`, async (world) => {
        const idle = await world.share<number>();
        for (const side of ["S", "R"] as const) expect(await trySelect(decoyCases(decoys, idle[side]))).toBeUndefined();
      });
  });
}
