/**
 * How two processes begin a session, HELLO then WELCOME, or go on with one over a new link, RESUME then RESUMED: what both sides need of
 * it; introduce.ts has the dialer's side, greet.ts the listener's. Layer: session.
 * Where a key is asked for, CHALLENGE and PROOF stand between the two, and the answer proves that the listener knows it as well.
 * Nothing else is read before it has succeeded, and nothing of a stranger's is kept but its one frame of at most 4 KiB.
 * Source: PROTOCOL.md "Handshake", "Key", "Resume".
 */
import type { Limits } from "../contract.js";
import { NetchanError } from "../errors.js";
import { readBatch } from "../wire/batch.js";
import { type Control, violation } from "../wire/frame.js";
import type { Host } from "./host.js";
import { closeLink, type Link } from "./link.js";

/** The version of the protocol. Different versions refuse each other. */
export const protocolVersion = 1;
/** The first frame of a stranger: enough for a token, too little to hurt. */
export const helloBytes = 4 * 1024;
/** A link that has not been admitted by then is closed, milliseconds. */
export const handshakeMs = 10_000;

/** The limits a process tells the other, which has to keep them. */
export type ToldLimits = Pick<Limits, "maxFrameBytes" | "maxValueBytes" | "maxQueuedBytes" | "maxChannels" | "maxPendingOperations">;
const toldNames = ["maxFrameBytes", "maxValueBytes", "maxQueuedBytes", "maxChannels", "maxPendingOperations"] as const;

export interface Hello {
  readonly kind: "hello";
  readonly limits: ToldLimits;
  readonly credentials: unknown;
  /** It comes back when its link fails; otherwise its session ends with the link. */
  readonly resumes: boolean;
}
export interface Welcome {
  /** The id of the session. */
  readonly session: string;
  /** Names the listener, the only one that knows the session. */
  readonly listener: string;
  /** Proves, when the session is resumed, that it is the dialer's. */
  readonly token: string;
  /** Of the default pair. */
  readonly capacity: number;
  readonly heartbeatMs: number;
  readonly resumeWindowMs: number;
  readonly limits: ToldLimits;
}
/** What a dialer says on a new link of a session it has. */
export interface Resume {
  readonly kind: "resume";
  readonly listener: string;
  readonly session: string;
  readonly token: string;
  /** Counts its attempts: of two links the one with the higher epoch holds. */
  readonly epoch: number;
  /** The number of the frame it wants next, and of the first one it can still give. */
  readonly next: number;
  readonly first: number;
  readonly credentials: unknown;
}
export interface Resumed {
  readonly kind: "resumed";
  /** Takes the place of the one that was shown. */
  readonly token: string;
  readonly next: number;
  readonly first: number;
}
export function told(limits: Limits): ToldLimits {
  const { maxFrameBytes, maxValueBytes, maxQueuedBytes, maxChannels, maxPendingOperations } = limits;
  return { maxFrameBytes, maxValueBytes, maxQueuedBytes, maxChannels, maxPendingOperations };
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw violation("a handshake frame holds no object");
  return value as Readonly<Record<string, unknown>>;
}
export function count(fields: Readonly<Record<string, unknown>>, name: string, least: number): number {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) throw violation(`a handshake frame has no valid ${name}`);
  return value;
}
export function readLimits(value: unknown): ToldLimits {
  const fields = fieldsOf(value);
  return Object.fromEntries(
    toldNames.map((name) => [name, count(fields, name, name === "maxFrameBytes" ? helloBytes : 1)]),
  ) as unknown as ToldLimits;
}

/** The one control frame that a batch of the handshake holds. */
export function onlyControl(batch: string | Uint8Array): Control {
  const [frame, ...more] = readBatch(batch, helloBytes);
  if (frame === undefined || more.length > 0 || frame.number !== undefined) throw violation("the handshake is one frame at a time");
  return frame;
}

/** Batches of a link, one by one. */
export type Batches = AsyncIterator<string | Uint8Array>;

/** A link of a user's making may throw or reject: that it failed will be heard from what it receives. */
export function sendSafely(link: Link, batch: string): void {
  try {
    void Promise.resolve(link.send(batch)).catch(() => undefined);
  } catch {
    closeLink(link, "it cannot be sent on");
  }
}

/** The next batch, in time. */
export async function next(batches: Batches, host: Host): Promise<string | Uint8Array> {
  return await new Promise((resolve, reject) => {
    const late = (): void => reject(new NetchanError("DIAL_FAILED", `the handshake took longer than ${handshakeMs} ms`));
    const timer = host.clock.start(handshakeMs, late, "idle"); // the link itself keeps a process alive
    batches.next().then(
      (result) => {
        timer.cancel();
        if (result.done) reject(new NetchanError("DIAL_FAILED", "the link was closed during the handshake"));
        else resolve(result.value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(new NetchanError("DIAL_FAILED", "the link failed during the handshake", { cause: error }));
      },
    );
  });
}

/** A hex text of so many bytes. */
export function hex(fields: Readonly<Record<string, unknown>>, name: string, bytes: number): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== "string" || value.length !== 2 * bytes || !/^[0-9a-f]+$/.test(value))
    throw violation(`a handshake frame has no valid ${name}`);
  return value;
}
export const idBytes = 16;
export const tokenBytes = 32;

/** What an application has to decide before a link can be used. @throws NetchanError DIAL_FAILED when it takes longer than the handshake may */
export function inTime<T>(host: Host, what: string, decision: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new NetchanError("DIAL_FAILED", `there are no ${what} after ${handshakeMs} ms`));
    const timer = host.clock.start(handshakeMs, late, "idle");
    decision.then(resolve, reject).finally(() => timer.cancel());
  });
}
