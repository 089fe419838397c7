/**
 * Recorded sessions, said again with mutations to a live victim that runs the same program, and to one that runs another. Whatever is
 * said, every law of fuzz-replay.ts holds behind each session.
 * `FUZZ_FRAMES` (default 300000) is how many frames live sessions are told; `FUZZ_SEED` (default 1) is the seed of the first session,
 * the next has the next. `FUZZ_SEED=n FUZZ_FRAMES=1` runs session n alone and prints what was done in it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seeded } from "../../src/transports/memory.js";
import { handshake } from "./fuzz-handshake.js";
import { watchPrototypes } from "./fuzz-laws.js";
import { Dice, mutate, unchanged } from "./fuzz-mutate.js";
import { type Corpus, makeCorpus, type Role } from "./fuzz-recorded.js";
import { type Laws, replay, Tally, watchPeers } from "./fuzz-replay.js";

const mostFrames = Number(process.env.FUZZ_FRAMES ?? 300_000);
const firstSeed = Number(process.env.FUZZ_SEED ?? 1);
const roles: readonly Role[] = ["dialer", "listener"];
/** With as many frames as by default, each type of frame reaches a live session at least so often, and leaves it alive. */
const leastReached = 100;
const leastSurvived = 20;

let corpus: Corpus;
const strays: string[] = [];
const stray = (error: unknown): void => void strays.push(`nobody handled ${text(error)}`);
let laws: Laws;
let unwatch = (): void => undefined;
const { stackTraceLimit } = Error;

beforeAll(async () => {
  Error.stackTraceLimit = mostFrames > 1 ? 0 : 20; // errors are values here, by the hundred thousand
  process.on("unhandledRejection", stray);
  process.on("uncaughtException", stray);
  corpus = await makeCorpus();
  unwatch = watchPeers();
  laws = { prototypes: watchPrototypes(), strays: () => strays.splice(0) };
});
afterAll(() => {
  unwatch();
  process.off("unhandledRejection", stray);
  process.off("uncaughtException", stray);
  Error.stackTraceLimit = stackTraceLimit;
});

const list = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([what, count]) => `${what} ${count}`)
    .join(", ");

const text = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** One session, made of its seed alone. */
async function session(seed: number, tally: Tally): Promise<string | undefined> {
  const dice = new Dice(seeded(Math.imul(seed, 0x9e3779b1)));
  const recording = dice.pick(dice.chance(0.88) ? corpus.honest : corpus.foreign);
  const role = dice.pick(roles);
  let what = `FUZZ_SEED=${seed} FUZZ_FRAMES=1: ${recording.name}, the ${role}'s`;
  try {
    const mutant = mutate(recording, role, corpus, dice);
    what += `: ${mutant.done.join(", ")}`;
    if (mostFrames === 1) console.log(what);
    const { faults, end } = await replay(recording, role, mutant, dice, tally, laws);
    if (mostFrames === 1) console.log(end);
    return faults.length === 0 ? undefined : `${what}\n  ${[...new Set(faults)].slice(0, 5).join("\n  ")}`;
  } catch (error) {
    return `${what}\n  ${text(error)}`;
  }
}

/** What once went wrong. */
const regressions = [
  [1040521, "an acknowledgement that cannot be made text"],
  [1032071, "a muted pair, whose questions nobody answers, not even when the session is over"],
] as const;

describe("recorded sessions", () => {
  it.each(regressions)("hurt nobody: seed %d, %s", async (seed) => {
    expect(await session(seed, new Tally())).toBe(undefined);
  });

  it("are what they were when they are said again as they are", { timeout: 60_000 }, async () => {
    const tally = new Tally();
    const other: string[] = [];
    for (const recording of corpus.honest)
      for (const role of roles) {
        const { faults, end } = await replay(recording, role, unchanged(recording, role), new Dice(seeded(1)), tally, laws);
        expect(faults, `${recording.name}, the ${role}'s`).toEqual([]);
        if (end !== "lives" && end !== "closed") other.push(`${recording.name}, the ${role}'s: ${end}`);
      }
    // What a home decides by lot may be decided otherwise.
    expect(other.length, other.join("\n")).toBeLessThanOrEqual(0.1 * tally.sessions);
  });

  it("hurt nobody when they are mutated", { timeout: 600_000 }, async () => {
    const tally = new Tally();
    const failures: string[] = [];
    for (let seed = firstSeed; tally.frames < mostFrames && failures.length < 10; seed++) {
      const failure = await session(seed, tally);
      if (failure !== undefined) failures.push(failure);
    }
    console.log(
      `${tally.sessions} sessions, ${tally.frames} frames\nended: ${list(tally.ends)}\nreached: ${list(tally.reached)}\nsurvived: ${list(tally.survived)}`,
    );
    expect(failures.join("\n")).toBe("");
    if (mostFrames < 300_000) return;
    for (const type of corpus.frames.keys()) {
      if (type === "ready") continue; // said before anybody looks on
      expect(tally.reached.get(type) ?? 0, `${type} reached a live session`).toBeGreaterThanOrEqual(leastReached);
      expect(tally.survived.get(type) ?? 0, `${type} left a session alive`).toBeGreaterThanOrEqual(type === "end" ? 0 : leastSurvived);
    }
  });

  it("hurt nobody when it is their first words that are mutated", { timeout: 600_000 }, async () => {
    const tally = new Tally();
    const failures: string[] = [];
    for (let seed = firstSeed; tally.frames < mostFrames / 20 && failures.length < 10; seed++) {
      const dice = new Dice(seeded(Math.imul(seed, 0x85ebca6b)));
      try {
        const faults = await handshake(dice, tally, laws);
        if (faults.length > 0) failures.push(`FUZZ_SEED=${seed} FUZZ_FRAMES=1: ${[...new Set(faults)].join("\n  ")}`);
      } catch (error) {
        failures.push(`FUZZ_SEED=${seed} FUZZ_FRAMES=1: ${text(error)}`);
      }
    }
    console.log(`${tally.sessions} handshakes, ${tally.frames} frames`);
    expect(failures.join("\n")).toBe("");
  });
});
