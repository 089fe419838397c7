/** Says a script to a live victim, and judges what became of it. */
import type { Link, Listener, Peer } from "../../src/contract.js";
import { errorCodes, NetchanError } from "../../src/errors.js";
import { dial } from "../../src/node.js";
import { SessionPeer } from "../../src/peer.js";
import { type MemoryNetwork, memoryNetwork } from "../../src/testing.js";
import { writeBatch } from "../../src/wire/batch.js";
import { type Dice, type Manner, type Mutant, write } from "./fuzz-mutate.js";
import {
  isControl,
  limitsOf,
  type Recording,
  type Role,
  type ScriptFrame,
  Side,
  type Step,
  tailsOf,
  third,
  tickMs,
} from "./fuzz-recorded.js";
import { limits, RawPeer, welcome } from "./raw-peer.js";

type AnyPeer = Peer<unknown, unknown>;

/** What is counted over all sessions. */
export class Tally {
  sessions = 0;
  /** Frames that were handed over while the victim's session was alive. */
  frames = 0;
  /** How sessions ended. */
  readonly ends = new Map<string, number>();
  /** Frames that a live session took, by type; and how many of them did not end it. */
  readonly reached = new Map<string, number>();
  readonly survived = new Map<string, number>();

  static count(counts: Map<string, number>, what: string): void {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
}

const numberOf = (frame: readonly unknown[]): number => (typeof frame[0] === "number" ? frame[0] : 0);

// ───────────── who says it ─────────────

/** Whoever replays: knows just enough of the protocol to be listened to. */
class Actor {
  raw: RawPeer;
  #number = 0;
  #read = 0;
  /** The last number heard, the last acknowledged to the other side, and the last that it acknowledged. */
  #heard = 0;
  #told = 0;
  #acked = 0;
  #isNew = true;
  #epoch = 0;
  token = "";
  session = "";
  listener = "";
  readonly #kept: { readonly number: number; readonly text: string; readonly blobs: readonly Uint8Array[] }[] = [];

  constructor(
    raw: RawPeer,
    readonly manner: Manner,
    readonly dice: Dice,
  ) {
    this.raw = raw;
  }

  /** Takes note of what was said since. */
  listen(): void {
    const { heard } = this.raw;
    for (; this.#read < heard.length; this.#read++) {
      const frame = heard[this.#read] as readonly unknown[];
      this.#heard = Math.max(this.#heard, numberOf(frame));
      if (frame[0] === "ack") this.#acked = Math.max(this.#acked, frame[1] as number);
    }
  }

  #ack(): string[] {
    this.listen();
    const { acks } = this.manner;
    if (!this.#isNew && (acks === "none" || this.#heard === this.#told || this.dice.chance(0.3))) return [];
    // On a new link it has to be right, or there is no session to speak of.
    const wild = !this.#isNew && acks === "wild" && this.dice.chance(0.2);
    this.#isNew = false;
    this.#told = wild ? Math.max(0, this.#heard + this.dice.pick([-3, -1, 1, 5])) : this.#heard;
    return [`["ack",${this.#told}]`];
  }

  /** @returns how many frames were handed over */
  say(frames: readonly ScriptFrame[], mangle: (batch: string | Uint8Array) => string | Uint8Array = (batch) => batch): number {
    const texts = this.#ack();
    const blobs: Uint8Array[] = [];
    for (const frame of frames) {
      const fields = frame.fields.map(write);
      if (isControl(frame)) texts.push(`[${fields.join(",")}]`);
      else {
        const wild = this.manner.numbers === "wild" && this.#number > 0 && this.dice.chance(0.15) ? this.dice.below(40) : undefined;
        const number = wild ?? frame.number;
        if (number === undefined) {
          const text = `[${++this.#number},${fields.join(",")}]`;
          this.#kept.push({ number: this.#number, text, blobs: frame.blobs });
          texts.push(text);
        } else texts.push(`[${write(number)},${fields.join(",")}]`);
      }
      blobs.push(...frame.blobs);
    }
    this.raw.raw(mangle(writeBatch(texts, blobs)));
    return texts.length;
  }

  /** The last word, if there is anything to acknowledge. */
  acknowledge(): void {
    this.listen();
    if (this.#heard === this.#told || this.manner.acks !== "proper") return;
    this.#told = this.#heard;
    this.raw.control(["ack", this.#told]);
  }

  /** From now on over this link. What was not acknowledged is said again. */
  take(raw: RawPeer, acked: unknown): void {
    this.raw = raw;
    this.#read = 0;
    this.#isNew = true;
    if (typeof acked === "number") this.#acked = Math.max(this.#acked, acked);
    const again = this.#kept.filter(({ number }) => number > this.#acked);
    raw.raw(
      writeBatch(
        [...this.#ack(), ...again.map(({ text }) => text)],
        again.flatMap(({ blobs }) => blobs),
      ),
    );
  }
  get #position(): { readonly next: number; readonly first: number } {
    this.listen();
    return { next: this.#heard + 1, first: this.#acked + 1 };
  }
  resume(changes: object): string {
    const { session, listener, token } = this;
    const fields = { version: 1, session, listener, token, epoch: ++this.#epoch, ...this.#position, credentials: null, ...changes };
    return `[["resume",${write(fields)}]]`;
  }
  resumed(changes: object): string {
    return `[["resumed",${write({ token: welcome.token, ...this.#position, ...changes })}]]`;
  }
}

// ───────────── where it is said ─────────────

interface Scene {
  readonly network: MemoryNetwork;
  readonly victim: SessionPeer;
  readonly side: Side;
  readonly actor: Actor;
  /** Says the first word on another link. @returns what answers */
  reopen(changes: object): Promise<void>;
  pingPong(): Promise<void>;
  close(): Promise<void>;
}

/** What has to settle by itself, or in a while of virtual time. @throws where it would be waited for in vain */
export async function within<T>(network: MemoryNetwork, what: string, promise: Promise<T>): Promise<T> {
  let settled = false;
  const over = (): void => {
    settled = true;
  };
  promise.then(over, over);
  for (let ticks = 0; ticks < 50; ticks++) {
    await network.settle();
    if (settled) return await promise;
    await network.advance(tickMs);
  }
  throw new Error(`${what} hangs`);
}

/** Somebody who does no wrong, at the same listener. */
async function innocent(network: MemoryNetwork, listener: Listener<unknown, unknown>): Promise<() => Promise<void>> {
  const here = await dial<unknown, unknown>(network.address(listener.accept));
  const there = (await listener.peers()).value as AnyPeer;
  const pingPong = async (): Promise<void> => {
    const sent = here.send("ping");
    const got = await there.receive();
    const answered = there.send({ answer: got.value });
    const answer = await here.receive();
    await Promise.all([sent, answered]);
    if (got.value !== "ping" || (answer.value as { readonly answer?: unknown } | undefined)?.answer !== "ping")
      throw new Error("the innocent peer got a wrong answer");
  };
  return () => within(network, "the innocent peer", pingPong());
}
const never = { signal: new AbortController().signal };
const told = (program: Recording["program"], side: "a" | "b"): object => {
  const strict = limitsOf(program, side);
  return Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, strict[name as keyof typeof limits] ?? value]));
};

async function againstListener(recording: Recording, mutant: Mutant, dice: Dice): Promise<Scene> {
  const { program, dialer } = recording;
  const listenerIs = dialer === "a" ? "b" : "a";
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>({ capacity: program.capacity ?? 0, limits: limitsOf(program, listenerIs) });
  const pingPong = await innocent(network, listener);
  const open = async (): Promise<RawPeer> => new RawPeer(await network.address(listener.accept)(never));
  const raw = await open();
  raw.control(["hello", { version: 1, limits: told(program, dialer), credentials: null }]);
  await network.settle();
  const actor = new Actor(raw, mutant.manner, dice);
  const [welcomed] = raw.find("welcome") as readonly [{ readonly session: string; readonly listener: string; readonly token: string }];
  Object.assign(actor, { session: welcomed.session, listener: welcomed.listener, token: welcomed.token });
  actor.say([{ fields: ["ready"], blobs: [] }]);
  const victim = (await within(network, "the victim", listener.peers())).value as unknown as SessionPeer;
  const side = new Side(victim as AnyPeer, listener, program.third === listenerIs ? await third(network) : undefined, () => undefined);
  return {
    network,
    victim,
    side,
    actor,
    pingPong,
    reopen: async (changes) => {
      const other = await open();
      other.raw(actor.resume(changes));
      await network.settle();
      const [resumed] = (other.find("resumed") ?? []) as readonly [{ readonly token: string; readonly next: number }?];
      if (resumed === undefined) return;
      actor.token = resumed.token;
      actor.take(other, resumed.next - 1);
    },
    close: () => within(network, "closing the listener", listener.close({ drainMs: 0 })),
  };
}

async function againstDialer(recording: Recording, mutant: Mutant, dice: Dice): Promise<Scene> {
  const { program, dialer } = recording;
  const network = memoryNetwork();
  const listener = network.listen<unknown, unknown>();
  const pingPong = await innocent(network, listener);
  const accepted: RawPeer[] = [];
  const dialed = dial<unknown, unknown>(
    network.address((link: Link) => void accepted.push(new RawPeer(link))),
    { limits: limitsOf(program, dialer) },
  );
  await network.settle();
  const raw = accepted[0] as RawPeer;
  raw.control(["welcome", { ...welcome, capacity: program.capacity ?? 0, limits: told(program, dialer === "a" ? "b" : "a") }]);
  const victim = (await within(network, "the victim", dialed)) as unknown as SessionPeer;
  const actor = new Actor(raw, mutant.manner, dice);
  const side = new Side(victim as AnyPeer, undefined, program.third === dialer ? await third(network) : undefined, () => undefined);
  return {
    network,
    victim,
    side,
    actor,
    pingPong,
    reopen: async (changes) => {
      // It comes when it likes.
      for (let waits = 0; waits < 3 && accepted.at(-1) === actor.raw; waits++) await network.advance(tickMs);
      await network.settle();
      const other = accepted.at(-1);
      const [resume] = (other?.find("resume") ?? []) as readonly [{ readonly next: number }?];
      if (other === undefined || other === actor.raw || resume === undefined) return;
      other.raw(actor.resumed(changes));
      actor.take(other, resume.next - 1);
    },
    close: () => within(network, "closing the listener", listener.close({ drainMs: 0 })),
  };
}

// ───────────── a session, and what has to hold ─────────────

/** Looks on while a peer takes the frames of its session. */
interface Watcher {
  readonly tally: Tally;
  readonly faults: string[];
}
const watchers = new WeakMap<SessionPeer, Watcher>();
const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? String(error)) : String(error));

/**
 * Lets victims be watched: which frames a live session takes, and what is thrown on the way. A frame that fails for any reason but a rule
 * of the protocol is a fault of the victim's, and so is an end that cannot be told: somebody may catch either. @returns ends it
 */
export function watchPeers(): () => void {
  const { frame, finished } = SessionPeer.prototype;
  SessionPeer.prototype.frame = function (given) {
    const watcher = watchers.get(this);
    if (watcher === undefined) return frame.call(this, given);
    Tally.count(watcher.tally.reached, given.type);
    try {
      frame.call(this, given);
    } catch (error) {
      if (!NetchanError.is(error)) watcher.faults.push(`${given.type} threw ${textOf(error)}`);
      throw error;
    }
    if (this.session.ended === undefined) Tally.count(watcher.tally.survived, given.type);
  };
  SessionPeer.prototype.finished = function (finish) {
    try {
      finished.call(this, finish);
    } catch (error) {
      watchers.get(this)?.faults.push(`the end threw ${textOf(error)}`);
      throw error;
    }
  };
  return () => Object.assign(SessionPeer.prototype, { frame, finished });
}

const mayEndWith = new Set<string>(["PROTOCOL_VIOLATION", "LIMIT_EXCEEDED"]);

/** How it ended, in a word; what must not be is added to the faults. */
function endOf({ victim, actor }: Scene, saidEnd: boolean, faults: string[]): string {
  const { status } = victim;
  if (status.state !== "ended") return status.state === "connected" ? "lives" : "without a link";
  const { reason, error } = status.end;
  if (error !== undefined && !(errorCodes as readonly string[]).includes(error.code)) faults.push(`it ended with ${String(error)}`);
  if (error?.cause !== undefined && !NetchanError.is(error.cause) && reason === "aborted")
    faults.push(`it ended because of ${textOf(error.cause)}`);
  if (error?.message.includes("could not be handled")) faults.push(`it ended because ${error.message}`);
  if (reason === "aborted" && !saidEnd) {
    if (!mayEndWith.has(error?.code ?? "")) faults.push(`it was aborted with ${String(error)}`);
    const said = actor.raw.find("end");
    // A side that has no link when it ends has nobody to tell.
    if (said !== undefined && said[0] !== error?.code) faults.push(`it ended with ${String(error)} and said ${String(said[0])}`);
  }
  return reason === "aborted" ? `${reason}: ${error?.code}` : reason;
}

/**
 * Does it send an end of the pair home to the listener? Then the listener's own process holds both ends of that direction, for as long as
 * the value is there or its application has the end; what waits on the other one waits for that, whatever becomes of the session.
 */
function sendsPairHome({ fields }: ScriptFrame): boolean {
  return tailsOf(fields).some(({ list, at }) => {
    const refs = list[at + 2];
    return Array.isArray(refs) && refs.some((ref) => Array.isArray(ref) && ref[0] === 1 && (ref[1] === 1 || ref[1] === 2));
  });
}

export interface Verdict {
  readonly faults: readonly string[];
  readonly end: string;
}

export interface Laws {
  readonly prototypes: () => readonly string[];
  /** Rejections that nobody handled and errors that nobody caught, since the last time. */
  readonly strays: () => readonly string[];
}

/** One session from its beginning to its end. */
export async function replay(recording: Recording, role: Role, mutant: Mutant, dice: Dice, tally: Tally, laws: Laws): Promise<Verdict> {
  const faults: string[] = [];
  const scene = await (role === "dialer" ? againstListener : againstDialer)(recording, mutant, dice);
  const { network, victim, side, actor } = scene;
  watchers.set(victim, { tally, faults });
  tally.sessions++;
  const victimIs = (role === "dialer") === (recording.dialer === "a") ? "b" : "a";
  side.run(recording.program[victimIs]);
  await network.settle();

  let saidEnd = false;
  let pairIsHome = false;
  let afterwards = 0;
  const play = async (step: Step): Promise<void> => {
    const { patience } = mutant.manner;
    switch (step.is) {
      case "frames": {
        const frames = step.frames.filter(
          ({ fields }) => fields[0] !== "ready" || role !== "dialer" || mutant.done.some((one) => one.includes("ready")),
        );
        if (frames.length === 0) return;
        pairIsHome ||= role === "dialer" && frames.some(sendsPairHome);
        saidEnd ||= frames.some(({ fields }) => fields[0] === "end");
        const alive = victim.session.ended === undefined;
        const count = actor.say(frames, step.mangle);
        if (patience === 1 || dice.chance(patience)) await network.settle();
        if (!alive) return;
        tally.frames += count;
        if (patience < 1) return;
        // Control frames are the session's own: nobody is told of them.
        for (const frame of step.mangle === undefined ? frames.filter(isControl) : []) {
          const type = String(frame.fields[0]);
          Tally.count(tally.reached, type);
          if (victim.session.ended === undefined) Tally.count(tally.survived, type);
        }
        return;
      }
      case "tick":
        await network.settle();
        await network.advance(tickMs);
        side.ticked();
        await network.settle();
        return;
      case "drop":
        actor.raw.link.close();
        await network.settle();
        return;
      case "resume":
        await network.settle();
        await scene.reopen(step.changes ?? {});
        await network.settle();
    }
  };
  for (const step of mutant.steps) {
    // What is said to a session that is over is heard by nobody: two steps of it are enough.
    if (victim.session.ended !== undefined && ++afterwards > 2) break;
    await play(step);
  }
  actor.acknowledge();
  await network.settle();
  const end = endOf(scene, saidEnd, faults);
  Tally.count(tally.ends, end);

  // The end, whatever it was: nothing is left of it, nobody else has noticed.
  victim.abort();
  await network.settle();
  if (pairIsHome) Tally.count(tally.ends, "(with the pair sent home)");
  if (side.open.did > 0 && !side.cameHome && !pairIsHome) faults.push(`${side.open.did} operations hang${side.places}`);
  const { waitingBytes: _, ...tables } = victim.exchange.stats;
  for (const [name, left] of Object.entries({ ...tables, ...victim.session.stats }))
    if (left !== 0) faults.push(`${left} ${name} are left`);
  if (victim.status.state !== "ended") faults.push(`the session is ${victim.status.state} when it has ended`);
  if (!actor.raw.closed) faults.push("the link is open when the session has ended");
  actor.say([{ fields: ["limit", 2, 1], blobs: [] }]);
  if (side.third !== undefined && side.third.here.status.state === "ended" && !recording.program.name.includes("lost"))
    faults.push("the session with the third process has ended as well");
  await scene.pingPong();
  side.letGo();
  await scene.close();
  await network.settle();
  // Programs that wait for time to pass end here.
  for (let rounds = 0; rounds < 3; rounds++) {
    side.ticked();
    await network.settle();
  }
  side.letGo();
  await network.settle();
  if (side.open.did + side.open.own > 0 && !pairIsHome)
    faults.push(`${side.open.did + side.open.own} operations hang when nothing is left to wait for${side.places}`);
  faults.push(...side.faults, ...laws.prototypes(), ...laws.strays());
  return { faults, end };
}
