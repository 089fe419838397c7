/**
 * Honest sessions, recorded: every batch of both directions, in order, and the script that is made of them for whoever says one of the
 * directions again. The simulation's scenarios give more frames to mix in.
 */
import type { Limits, Link, Listener, Peer } from "../../src/contract.js";
import { makeSelect, type Select } from "../../src/core/select.js";
import { hostOf, inWorld } from "../../src/host.js";
import { chan, dial } from "../../src/node.js";
import { type MemoryNetwork, memoryNetwork } from "../../src/testing.js";
import { seeded } from "../../src/transports/memory.js";
import { scenarios } from "../simulation/scenarios.js";
import { perform } from "../simulation/stage.js";
import { Operations } from "./fuzz-laws.js";
import { type App, anythingGoes, type Program, programs } from "./fuzz-programs.js";

type AnyPeer = Peer<unknown, unknown>;
type AnyListener = Listener<unknown, unknown>;
export type Role = "dialer" | "listener";

// ───────────── one side of a program, live ─────────────

/** What a program calls time. Longer than an acknowledgement may take, and than a dialer waits before it comes back. */
export const tickMs = 100;

export class Side extends Operations implements App {
  readonly select: Select["select"];
  readonly trySelect: Select["trySelect"];
  over = false;
  readonly #given: Disposable[] = [];
  #waiting: (() => void)[] = [];

  constructor(
    readonly peer: AnyPeer,
    readonly listener: AnyListener | undefined,
    readonly third: App["third"],
    readonly drop: () => void,
  ) {
    super();
    const { select, trySelect } = makeSelect(seeded(7));
    this.select = select;
    this.trySelect = trySelect;
  }

  run(program: (app: App) => Promise<unknown>): void {
    program(this)
      .catch((error: unknown) => this.blame(error))
      .finally(() => {
        this.over = true;
      });
  }
  chan(...[options]: Parameters<App["chan"]>): ReturnType<App["chan"]> {
    const ends = chan<unknown>(options);
    this.#given.push(ends.send, ends.receive);
    this.mine(ends.send, ends.receive);
    return ends;
  }
  tick(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }
  ticked(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
  /** Nothing of this process keeps an operation from settling any more. */
  letGo(): void {
    this.third?.here.abort();
    this.third?.there.abort();
    for (const end of this.#given) {
      (end as unknown as { close(): void }).close();
      end[Symbol.dispose]();
    }
  }
}

/** A third process, which this one dials. */
export async function third(network: MemoryNetwork): Promise<NonNullable<App["third"]>> {
  const listener = network.listen<unknown, unknown>();
  const here = await dial<unknown, unknown>(network.address(listener.accept));
  return { here, there: (await listener.peers()).value as AnyPeer };
}

// ───────────── scripts ─────────────

/** A frame without its number; `blobs` are its sidecars. */
export interface ScriptFrame {
  readonly fields: readonly unknown[];
  readonly blobs: readonly Uint8Array[];
  /** In place of the number that is its turn. */
  readonly number?: unknown;
}
export type Step =
  | {
      readonly is: "frames";
      readonly frames: readonly ScriptFrame[];
      readonly mangle?: (batch: string | Uint8Array) => string | Uint8Array;
    }
  | { readonly is: "tick" }
  | { readonly is: "drop" }
  | { readonly is: "resume"; readonly changes?: Readonly<Record<string, unknown>> };

export interface Recording {
  readonly name: string;
  readonly program: Program;
  /** Which side of the program dialed. */
  readonly dialer: "a" | "b";
  /** It was another application that was recorded: saying it again is no honest session. */
  readonly foreign: boolean;
  readonly scripts: Readonly<Record<Role, readonly Step[]>>;
}

const controls = new Set([
  "hello",
  "challenge",
  "proof",
  "welcome",
  "refused",
  "resume",
  "resumed",
  "wrong-door",
  "ack",
  "ping",
  "pong",
  "end",
  "page",
]);
export const isControl = ({ fields }: ScriptFrame): boolean => controls.has(fields[0] as string);

/** Where the value of a frame begins, behind its type. */
const valueAt: Readonly<Record<string, number>> = { send: 4, value: 4, grant: 3, offer: 5, gave: 4 };
/** The values of a frame: where each begins, and what it begins in. */
export function tailsOf(fields: readonly unknown[]): readonly { readonly list: readonly unknown[]; readonly at: number }[] {
  const [type] = fields;
  if (type === "try" || type === "select")
    return (Array.isArray(fields[2]) ? (fields[2] as unknown[]) : []).flatMap((one) =>
      Array.isArray(one) && one.length > 3 ? [{ list: one as unknown[], at: 3 }] : [],
    );
  const at = typeof type === "string" && Object.hasOwn(valueAt, type) ? valueAt[type] : undefined;
  return at === undefined || fields.length <= at ? [] : [{ list: fields, at }];
}

type Batch = string | Uint8Array;
function readFrames(batch: Batch): { readonly number: number | undefined; readonly frame: ScriptFrame }[] {
  let text = batch as string;
  let at = 0;
  const bytes = typeof batch === "string" ? new Uint8Array() : batch;
  if (typeof batch !== "string") {
    at = 4 + new DataView(batch.buffer, batch.byteOffset).getUint32(0);
    text = new TextDecoder().decode(batch.subarray(4, at));
  }
  return (JSON.parse(text) as unknown[][]).map((given) => {
    const numbered = typeof given[0] === "number";
    const fields = numbered ? given.slice(1) : given;
    const lengths = tailsOf(fields).flatMap(({ list, at: from }) => (list[from + 3] as readonly number[] | undefined) ?? []);
    const blobs = lengths.map((length) => {
      at += length;
      return bytes.slice(at - length, at);
    });
    return { number: numbered ? (given[0] as number) : undefined, frame: { fields, blobs } };
  });
}

type Event = { readonly from: Role; readonly batch: Batch } | { readonly is: "tick" | "drop" };

/** Acknowledgements and numbers are left out: whoever says it again has to make his own. */
function scriptOf(events: readonly Event[], role: Role): readonly Step[] {
  const steps: Step[] = [];
  let last = 0;
  for (const event of events) {
    if (!("batch" in event)) {
      steps.push({ is: event.is });
      continue;
    }
    if (event.from !== role) continue;
    const frames: ScriptFrame[] = [];
    for (const { number, frame } of readFrames(event.batch)) {
      const [type] = frame.fields;
      if (type === "resume" || type === "resumed") steps.push({ is: "resume" });
      if (number !== undefined && number <= last) continue; // written again
      last = number ?? last;
      if (number !== undefined || type === "ping" || type === "pong" || type === "page" || type === "end") frames.push(frame);
    }
    if (frames.length > 0) steps.push({ is: "frames", frames });
  }
  return steps;
}

// ───────────── recording ─────────────

function taped(link: Link, events: Event[]): Link {
  const received = (async function* () {
    for await (const batch of link.received) {
      events.push({ from: "dialer", batch });
      yield batch;
    }
  })();
  const tape: Link = {
    transport: link.transport,
    received,
    send: (batch) => {
      events.push({ from: "listener", batch });
      return link.send(batch);
    },
    close: (reason) => link.close(reason),
  };
  return inWorld(tape, hostOf(link));
}

export function limitsOf({ limits, strict }: Program, side: "a" | "b"): Partial<Limits> {
  return { ...smallLimits, ...limits, ...(side === "b" ? strict : {}) };
}
/** So small that a frame said many times is over them. */
const smallLimits: Partial<Limits> = { maxQueuedBytes: 64 * 1024, maxChannels: 100, maxPendingOperations: 200 };

/** How long a program may run, and for how long it may say nothing. */
const mostTicks = 40;
const mostQuiet = 4;

async function record(program: Program, dialerIs: "a" | "b"): Promise<Recording> {
  const network = memoryNetwork();
  const { capacity = 0 } = program;
  const listenerIs = dialerIs === "a" ? "b" : "a";
  const listener = network.listen<unknown, unknown>({ capacity, limits: limitsOf(program, listenerIs) });
  const events: Event[] = [];
  let link: Link | undefined;
  const address = network.address((arriving) => {
    link = arriving;
    listener.accept(taped(arriving, events));
  });
  const dialed = await dial<unknown, unknown>(address, { limits: limitsOf(program, dialerIs) });
  const accepted = (await listener.peers()).value as AnyPeer;
  await network.settle();
  const drop = (): void => {
    events.push({ is: "drop" });
    link?.close();
  };
  const sides = [
    new Side(dialed, undefined, program.third === dialerIs ? await third(network) : undefined, drop),
    new Side(accepted, listener, program.third === listenerIs ? await third(network) : undefined, drop),
  ] as const;
  sides[0].run(program[dialerIs]);
  sides[1].run(program[listenerIs]);
  for (let ticks = 0, quiet = 0; ticks < mostTicks && quiet < mostQuiet && !sides.every(({ over }) => over); ticks++) {
    await network.settle();
    const before = events.length;
    events.push({ is: "tick" });
    await network.advance(tickMs);
    for (const side of sides) side.ticked();
    await network.settle();
    quiet = events.length > before + 1 ? 0 : quiet + 1;
  }
  await network.settle();
  const faults = sides.flatMap((side) => side.faults);
  if (faults.length > 0) throw new Error(`recording "${program.name}": ${faults.join("; ")}`);
  const scripts = { dialer: scriptOf(events, "dialer"), listener: scriptOf(events, "listener") };
  for (const side of sides) {
    side.peer.abort();
    side.letGo();
  }
  await listener.close({ drainMs: 0 });
  return { name: `${program.name} (${dialerIs} dials)`, program, dialer: dialerIs, foreign: false, scripts };
}

/** What the processes of a scenario said, to be said to somebody who runs another application. */
async function scenarioRecordings(): Promise<readonly Recording[]> {
  const recordings: Recording[] = [];
  for (const [seed, scenario] of scenarios.entries()) {
    const { frames } = await perform(scenario, seed, undefined);
    for (const line of new Set(frames.map((frame) => frame.line))) {
      const events = frames
        .filter((frame) => frame.line === line && frame.text.startsWith("["))
        .map(({ direction, text }): Event => ({ from: direction === "up" ? "dialer" : "listener", batch: `[${text}]` }));
      const scripts = { dialer: scriptOf(events, "dialer"), listener: scriptOf(events, "listener") };
      if (scripts.dialer.length > 2 && scripts.listener.length > 2)
        recordings.push({ name: `${scenario.name}, line ${line}`, program: anythingGoes, dialer: "a", foreign: true, scripts });
    }
  }
  return recordings;
}

export interface Corpus {
  readonly honest: readonly Recording[];
  readonly foreign: readonly Recording[];
  /** Every frame of each type, of both. */
  readonly frames: ReadonlyMap<string, readonly ScriptFrame[]>;
}

export async function makeCorpus(): Promise<Corpus> {
  const honest: Recording[] = [];
  for (const program of programs) {
    honest.push(await record(program, "a"));
    if (program.names !== true) honest.push(await record(program, "b"));
  }
  const foreign = await scenarioRecordings();
  const frames = new Map<string, ScriptFrame[]>();
  for (const { scripts } of [...honest, ...foreign])
    for (const step of [...scripts.dialer, ...scripts.listener])
      if (step.is === "frames")
        for (const frame of step.frames) {
          const type = String(frame.fields[0]);
          frames.set(type, [...(frames.get(type) ?? []), frame]);
        }
  return { honest, foreign, frames };
}
