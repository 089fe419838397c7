/**
 * How two processes begin a session, HELLO then WELCOME, or go on with one over a new link, RESUME then RESUMED. Layer: session.
 * Nothing else is read before it has succeeded, and nothing of a stranger's is kept but its one frame of at most 4 KiB.
 * Source: PROTOCOL.md "Handshake", "Resume".
 */
import type { Limits } from "../contract.js";
import { type ErrorCode, NetchanError } from "../errors.js";
import { type Control, readBatch } from "../wire/frame.js";
import type { Host } from "./host.js";
import { closeLink, type Link } from "./link.js";
import { remoteError } from "./remote-error.js";

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
export type Greeting = Hello | Resume | { readonly kind: "elsewhere" };
export interface Resumed {
  readonly kind: "resumed";
  /** Takes the place of the one that was shown. */
  readonly token: string;
  readonly next: number;
  readonly first: number;
}
/**
 * The listener's answer to a resume. A refusal is final, and so is the end of a session that was aborted meanwhile; behind a wrong door is
 * another listener than the session's.
 */
export type ResumeAnswer = Resumed | { readonly kind: "wrong-door" } | { readonly kind: "refused" | "end"; readonly error: NetchanError };

export function told(limits: Limits): ToldLimits {
  const { maxFrameBytes, maxValueBytes, maxQueuedBytes, maxChannels, maxPendingOperations } = limits;
  return { maxFrameBytes, maxValueBytes, maxQueuedBytes, maxChannels, maxPendingOperations };
}

function violation(what: string): NetchanError {
  return new NetchanError("PROTOCOL_VIOLATION", what);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw violation("a handshake frame holds no object");
  return value as Readonly<Record<string, unknown>>;
}
function count(fields: Readonly<Record<string, unknown>>, name: string, least: number): number {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) throw violation(`a handshake frame has no valid ${name}`);
  return value;
}
function readLimits(value: unknown): ToldLimits {
  const fields = fieldsOf(value);
  return Object.fromEntries(
    toldNames.map((name) => [name, count(fields, name, name === "maxFrameBytes" ? helloBytes : 1)]),
  ) as unknown as ToldLimits;
}

/** The one control frame that a batch of the handshake holds. */
function onlyControl(batch: string | Uint8Array): Control {
  const [frame, ...more] = readBatch(batch);
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
async function next(batches: Batches, host: Host): Promise<string | Uint8Array> {
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
function hex(fields: Readonly<Record<string, unknown>>, name: string, bytes: number): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== "string" || value.length !== 2 * bytes || !/^[0-9a-f]+$/.test(value))
    throw violation(`a handshake frame has no valid ${name}`);
  return value;
}
const idBytes = 16;
const tokenBytes = 32;

/** Says the one frame of the dialer, and hears the one frame of the listener. */
async function converse(link: Link, batches: Batches, host: Host, type: "hello" | "resume", content: object): Promise<Control> {
  const first = JSON.stringify([[type, { version: protocolVersion, ...content }]]);
  if (first.length > helloBytes)
    throw new NetchanError("LIMIT_EXCEEDED", `the credentials have to fit a first frame of ${helloBytes} bytes`);
  const sent = (async () => await link.send(first))();
  const broken = new Promise<never>((_resolve, reject) => {
    sent.catch((cause: unknown) => reject(new NetchanError("DIAL_FAILED", "the link failed during the handshake", { cause })));
  });
  return onlyControl(await Promise.race([next(batches, host), broken]));
}

/** What an application has to decide before a link can be used. @throws NetchanError DIAL_FAILED when it takes longer than the handshake may */
export function inTime<T>(host: Host, what: string, decision: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new NetchanError("DIAL_FAILED", `there are no ${what} after ${handshakeMs} ms`));
    const timer = host.clock.start(handshakeMs, late, "idle");
    decision.then(resolve, reject).finally(() => timer.cancel());
  });
}

/**
 * The dialer's side of a new session.
 * @throws NetchanError `SESSION_REFUSED`, `VERSION_MISMATCH`, `LIMIT_EXCEEDED` as the listener says; `DIAL_FAILED` when the link fails or is silent
 */
export async function introduce(
  link: Link,
  batches: Batches,
  host: Host,
  limits: Limits,
  credentials: unknown,
  resumes = true,
): Promise<Welcome> {
  const { type, fields } = await converse(link, batches, host, "hello", {
    limits: told(limits),
    credentials: credentials ?? null,
    ...(resumes ? {} : { resumes }),
  });
  if (type === "refused" || type === "end") throw remoteError(fields[0], fields[1]);
  if (type !== "welcome") throw violation(`a ${type} frame in place of a welcome`);
  const welcome = fieldsOf(fields[0]);
  return {
    session: hex(welcome, "session", idBytes),
    listener: hex(welcome, "listener", idBytes),
    token: hex(welcome, "token", tokenBytes),
    capacity: count(welcome, "capacity", 0),
    heartbeatMs: count(welcome, "heartbeatMs", 1),
    resumeWindowMs: count(welcome, "resumeWindowMs", 1),
    limits: readLimits(welcome.limits),
  };
}

/**
 * The dialer's side of a session it has.
 * @throws NetchanError `DIAL_FAILED` when the link fails or is silent; `PROTOCOL_VIOLATION` for an answer that is none. Neither is final.
 */
export async function resume(link: Link, batches: Batches, host: Host, { kind, ...resume }: Resume): Promise<ResumeAnswer> {
  const { type, fields } = await converse(link, batches, host, kind, resume);
  if (type === "wrong-door") return { kind: type };
  if (type === "refused" || type === "end") return { kind: type, error: remoteError(fields[0], fields[1]) };
  if (type !== "resumed") throw violation(`a ${type} frame in place of a resumed`);
  const resumed = fieldsOf(fields[0]);
  return {
    kind: "resumed",
    token: hex(resumed, "token", tokenBytes),
    next: count(resumed, "next", 1),
    first: count(resumed, "first", 1),
  };
}

/**
 * The listener's side, first half: reads what a stranger says of itself.
 * @param listener - the name of this one; of a resume that names another nothing else is looked at, not even its version
 */
export async function readGreeting(batches: Batches, host: Host, listener: string): Promise<Greeting> {
  const batch = await next(batches, host);
  if (typeof batch !== "string" || batch.length > helloBytes)
    throw violation(`the first frame has to be text of at most ${helloBytes} bytes`);
  const { type, fields } = onlyControl(batch);
  if (type !== "hello" && type !== "resume") throw violation(`a ${type} frame in place of a hello`);
  const greeting = fieldsOf(fields[0]);
  if (type === "resume" && greeting.listener !== listener) return { kind: "elsewhere" };
  const version = count(greeting, "version", 0);
  if (version !== protocolVersion)
    throw new NetchanError("VERSION_MISMATCH", `this process speaks version ${protocolVersion} of the protocol, the other ${version}`);
  const { credentials } = greeting;
  if (type === "hello") return { kind: type, limits: readLimits(greeting.limits), credentials, resumes: greeting.resumes !== false };
  return {
    kind: type,
    listener: hex(greeting, "listener", idBytes),
    session: hex(greeting, "session", idBytes),
    token: hex(greeting, "token", tokenBytes),
    epoch: count(greeting, "epoch", 1),
    next: count(greeting, "next", 1),
    first: count(greeting, "first", 1),
    credentials,
  };
}

/** Second half: yes … */
export function writeWelcome(welcome: Welcome): string {
  return JSON.stringify([["welcome", welcome]]);
}
export function writeResumed({ token, next, first }: Omit<Resumed, "kind">): string {
  return JSON.stringify([["resumed", { token, next, first }]]);
}
/** … no … */
export function writeRefusal(code: ErrorCode, text: string): string {
  return JSON.stringify([["refused", code, text]]);
}
/** What a dialer missed that comes back to a session which was aborted meanwhile. */
export function writeEnd(code: ErrorCode, text: string): string {
  return JSON.stringify([["end", code, text]]);
}
/** … or not here. */
export const wrongDoor = JSON.stringify([["wrong-door"]]);
