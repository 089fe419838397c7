/**
 * How two processes begin a session: HELLO, then WELCOME or REFUSED. Layer: session.
 * Nothing else is read before it has succeeded, and nothing of a stranger's is kept but its one frame of at most 4 KiB.
 * Source: PROTOCOL.md "Handshake".
 */
import type { Limits } from "../contract.js";
import { type ErrorCode, NetchanError } from "../errors.js";
import { type Control, readBatch } from "../wire/frame.js";
import type { Host } from "./host.js";
import type { Link } from "./link.js";
import { remoteError } from "./session.js";

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
  readonly version: number;
  readonly limits: ToldLimits;
  readonly credentials: unknown;
}
export interface Welcome {
  /** The id of the session. */
  readonly session: string;
  /** Of the default pair. */
  readonly capacity: number;
  readonly heartbeatMs: number;
  readonly limits: ToldLimits;
}

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
    link.close("it cannot be sent on");
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

/**
 * The dialer's side.
 * @throws NetchanError `SESSION_REFUSED`, `VERSION_MISMATCH`, `LIMIT_EXCEEDED` as the listener says; `DIAL_FAILED` when the link fails or is silent
 */
export async function introduce(link: Link, batches: Batches, host: Host, limits: Limits, credentials: unknown): Promise<Welcome> {
  const hello = JSON.stringify([["hello", { version: protocolVersion, limits: told(limits), credentials: credentials ?? null }]]);
  if (hello.length > helloBytes)
    throw new NetchanError("LIMIT_EXCEEDED", `the credentials have to fit a first frame of ${helloBytes} bytes`);
  const sent = (async () => await link.send(hello))();
  const broken = new Promise<never>((_resolve, reject) => {
    sent.catch((cause: unknown) => reject(new NetchanError("DIAL_FAILED", "the link failed during the handshake", { cause })));
  });
  const { type, fields } = onlyControl(await Promise.race([next(batches, host), broken]));
  if (type === "refused" || type === "end") throw remoteError(fields[0], fields[1]);
  if (type !== "welcome") throw violation(`a ${type} frame in place of a welcome`);
  const welcome = fieldsOf(fields[0]);
  const { session } = welcome;
  if (typeof session !== "string" || !/^[0-9a-f]{32}$/.test(session)) throw violation("a welcome has no valid session");
  return {
    session,
    capacity: count(welcome, "capacity", 0),
    heartbeatMs: count(welcome, "heartbeatMs", 1),
    limits: readLimits(welcome.limits),
  };
}

/** The listener's side, first half: reads what a stranger says of itself. */
export async function readHello(batches: Batches, host: Host): Promise<Hello> {
  const batch = await next(batches, host);
  if (typeof batch !== "string" || batch.length > helloBytes)
    throw violation(`the first frame has to be text of at most ${helloBytes} bytes`);
  const { type, fields } = onlyControl(batch);
  if (type !== "hello") throw violation(`a ${type} frame in place of a hello`);
  const hello = fieldsOf(fields[0]);
  const version = count(hello, "version", 0);
  if (version !== protocolVersion)
    throw new NetchanError("VERSION_MISMATCH", `this process speaks version ${protocolVersion} of the protocol, the other ${version}`);
  return { version, limits: readLimits(hello.limits), credentials: hello.credentials };
}

/** Second half: yes … */
export function writeWelcome(welcome: Welcome): string {
  return JSON.stringify([["welcome", welcome]]);
}
/** … or no. */
export function writeRefusal(code: ErrorCode, text: string): string {
  return JSON.stringify([["refused", code, text]]);
}
