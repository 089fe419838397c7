/**
 * Made-up programs, each as Go and as netchan over a network, have to print the same. `DIFFERENTIAL_PROGRAMS=5000 npx vitest run
 * test/differential` runs more, `DIFFERENTIAL_FROM=7 DIFFERENTIAL_PROGRAMS=1` one again.
 * Without a Go the programs are only compared with themselves: what they print does not depend on which process does what.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { Program } from "./ast.js";
import { generate, needsLinks } from "./generate.js";
import { goSource, type Named, programSource } from "./go-source.js";
import { type GoRun, goVersion, runGo } from "./go-tool.js";
import { Machine, place } from "./machine.js";
import { spoil, spoilt } from "./spoilt.js";
import { openWorld, type Weather } from "./world.js";

const count = Number(process.env.DIFFERENTIAL_PROGRAMS ?? 500);
const from = Number(process.env.DIFFERENTIAL_FROM ?? 1);
/** Every so many-th also runs over real sockets. */
const socketsEvery = 10;

const programs = Array.from({ length: count }, (_, index) => generate(from + index));
const sum = { operations: 0, remote: 0, across: 0, resumes: 0 };
const runs: Record<Weather, number> = { calm: 0, slow: 0, stormy: 0, websocket: 0 };

/** One run here: what was printed, or why it was not. */
interface Run {
  readonly program: Program;
  readonly where: string;
  readonly lines: readonly string[];
  readonly failure?: string;
}

async function run(program: Program, weather: Weather, placement: number): Promise<Run> {
  const placed = place(placement);
  const where = `${weather}, tasks in ${placed.tasks}, homes in ${placed.homes}`;
  const world = await openWorld(program.seed, weather, placed.processes);
  runs[weather]++;
  try {
    const outcome = await new Machine(program, world, placed).run();
    sum.operations += outcome.operations;
    sum.remote += outcome.remote;
    sum.across += outcome.across;
    sum.resumes += world.resumes;
    return { program, where, lines: outcome.lines };
  } catch (error) {
    return { program, where, lines: [], failure: error instanceof Error ? error.message : String(error) };
  } finally {
    await world.dispose();
  }
}

function weatherFor(program: Program): Weather {
  const all = ["calm", "slow", "stormy"] as const;
  const weather = all[program.seed % all.length] ?? "calm";
  return weather === "stormy" && needsLinks(program) ? "slow" : weather;
}

/** The first difference. */
function difference({ lines, failure }: Pick<Run, "lines" | "failure">, wanted: readonly string[] | undefined): string | undefined {
  if (failure !== undefined) return failure;
  if (wanted === undefined) return "it has not been run elsewhere";
  for (let line = 0; line < Math.max(lines.length, wanted.length); line++)
    if (lines[line] !== wanted[line]) return `line ${line + 1}: got "${lines[line]}", wanted "${wanted[line]}"`;
  return undefined;
}

/** All that differ; the first ones with all that is needed to see them again. */
function compare(all: readonly Run[], wanted: (program: Program) => readonly string[] | undefined): void {
  const found = all.flatMap((one) => {
    const how = difference(one, wanted(one.program));
    return how === undefined ? [] : [{ ...one, how: `seed ${one.program.seed}, ${one.where}: ${how}` }];
  });
  for (const { how, program } of found.slice(0, 3)) console.error(`${how}\n${programSource([`p${program.seed}`, program])}`);
  expect(found.map(({ how }) => how)).toEqual([]);
}

describe(`programs from seeds ${from} to ${from + count - 1}`, () => {
  const version = goVersion();
  const [first, anew, sockets]: Run[][] = [[], [], []];
  let go: GoRun | undefined;

  beforeAll(
    async () => {
      const named = [
        ...programs.map((program): Named => [`p${program.seed}`, program]),
        ...spoilt.map(({ name, program }): Named => [name, program]),
      ];
      if (version === undefined) console.log("differential: there is no Go here; the programs are compared with themselves only");
      const building = version === undefined ? undefined : runGo(goSource(named, spoil));
      building?.catch(() => {}); // told below
      for (const program of programs) {
        first?.push(await run(program, weatherFor(program), program.seed));
        anew?.push(await run(program, "calm", program.seed + 1_000_003));
        if (program.seed % socketsEvery === 0) sockets?.push(await run(program, "websocket", program.seed));
      }
      go = await building;
    },
    120_000 + count * 500,
  );

  const wanted = ({ seed }: Program) => (go === undefined ? first?.[seed - from]?.lines : go.lines.get(`p${seed}`));

  it(version === undefined ? "run to their end" : "print what they print in Go", () => compare(first ?? [], wanted));
  it("print the same with every task and channel in another process", () => compare(anew ?? [], wanted));
  it("print the same over WebSocket", () => compare(sockets ?? [], wanted));

  it("are told from Go programs whose text was changed", async () => {
    for (const { name, program, prints } of spoilt) {
      expect(difference(await run(program, "calm", 1), prints)).toBeUndefined();
      if (go !== undefined) expect(difference({ lines: prints }, go.lines.get(name)), name).toContain("line ");
    }
  });

  it("really did what they are for", () => {
    const features = new Map<string, number>();
    for (const program of programs) for (const one of program.features) features.set(one, (features.get(one) ?? 0) + 1);
    const named = [...features].sort(([one], [other]) => (one < other ? -1 : 1)).map(([one, times]) => `${one} ${times}`);
    const built = go === undefined ? "without Go" : `${version}, built in ${(go.buildMs / 1000).toFixed(1)} s`;
    const weather = Object.entries(runs).map(([name, times]) => `${times} ${name}`);
    console.log(
      `differential: ${programs.length} programs (${built}); runs: ${weather.join(", ")}; ${sum.operations} operations, ${sum.remote} of them remote, ` +
        `${sum.across} selects across processes, ${sum.resumes} links lost; ${features.size} features: ${named.join(", ")}`,
    );
    if (count < 500) return; // in a smaller run it is a matter of luck
    expect(sum.operations).toBeGreaterThan(count * 150);
    expect(sum.remote / sum.operations).toBeGreaterThan(0.8);
    expect(Math.min(sum.across, sum.resumes)).toBeGreaterThan(count);
    expect(features.size).toBeGreaterThanOrEqual(50);
    expect([...features].filter(([, times]) => times < count / 50)).toEqual([]);
  });
});
