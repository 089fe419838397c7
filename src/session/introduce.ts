/**
 * The dialer's side of a handshake. Layer: session. Of one that knows the listener's key nothing that the listener says counts as a yes
 * before the listener has proved that it knows it too.
 * Source: PROTOCOL.md "Handshake", "Key", "Resume".
 */
import type { Limits } from "../contract.js";
import { NetchanError } from "../errors.js";
import { type Control, violation } from "../wire/frame.js";
import {
  type Batches,
  count,
  fieldsOf,
  helloBytes,
  hex,
  idBytes,
  next,
  onlyControl,
  protocolVersion,
  type Resume,
  type Resumed,
  readLimits,
  tokenBytes,
  told,
  type Welcome,
} from "./handshake.js";
import { type Host, toHex } from "./host.js";
import { type KeyProof, nonceBytes, proofBytes, type Transcript } from "./key-proof.js";
import type { Link } from "./link.js";
import { remoteError } from "./remote-error.js";

/**
 * The listener's answer to a resume. A refusal is final, and so is the end of a session that was aborted meanwhile; behind a wrong door is
 * another listener than the session's.
 */
export type ResumeAnswer = Resumed | { readonly kind: "wrong-door" } | { readonly kind: "refused" | "end"; readonly error: NetchanError };

/** What a dialer proves, and where. */
export interface Proves {
  readonly key: KeyProof;
  /** As it was dialed; empty for a link of its own making. */
  readonly host: string;
}
/** Says the first frame of the dialer and hears the answer of the listener, with the proofs of a key between them if there is one. */
async function converse(
  link: Link,
  batches: Batches,
  host: Host,
  type: "hello" | "resume",
  content: object,
  proves: Proves | undefined,
): Promise<Control> {
  const dialerNonce = proves === undefined ? "" : toHex(host.randomBytes(nonceBytes));
  const key = proves === undefined ? {} : { key: { nonce: dialerNonce, host: proves.host } };
  const first = JSON.stringify([[type, { version: protocolVersion, ...content, ...key }]]);
  if (first.length > helloBytes)
    throw new NetchanError("LIMIT_EXCEEDED", `the credentials have to fit a first frame of ${helloBytes} bytes`);
  const hear = async (sent: Promise<void>): Promise<Control> => {
    const broken = new Promise<never>((_resolve, reject) => {
      sent.catch((cause: unknown) => reject(new NetchanError("DIAL_FAILED", "the link failed during the handshake", { cause })));
    });
    return onlyControl(await Promise.race([next(batches, host), broken]));
  };
  const say = async (text: string): Promise<void> => await link.send(text);
  const answer = await hear(say(first));
  if (proves === undefined || (answer.type !== "challenge" && !isYes(answer))) return answer;
  const challenge = answer.type === "challenge" ? fieldsOf(answer.fields[0]) : undefined;
  if (challenge === undefined) throw unproved();
  const transcript: Transcript = {
    version: protocolVersion,
    listener: hex(challenge, "listener", idBytes),
    host: proves.host,
    dialerNonce,
    listenerNonce: hex(challenge, "nonce", nonceBytes),
    greeting: first,
  };
  const verdict = await hear(say(JSON.stringify([["proof", proves.key.prove("dialer", transcript)]])));
  if (isYes(verdict)) {
    const yes = fieldsOf(verdict.fields[0]);
    const known = yes.listener === undefined || yes.listener === transcript.listener;
    if (!known || !proves.key.accepts(hex(yes, "proof", proofBytes), "listener", transcript)) throw unproved();
  }
  return verdict;
}
function isYes({ type }: Control): boolean {
  return type === "welcome" || type === "resumed";
}
function unproved(): NetchanError {
  return new NetchanError("SESSION_REFUSED", "the listener does not prove that it knows the key");
}

/** What a dialer says of itself. */
export interface Introduction {
  readonly limits: Limits;
  readonly credentials: unknown;
  /** Default true. */
  readonly resumes?: boolean;
  readonly proves?: Proves | undefined;
}

/**
 * The dialer's side of a new session.
 * @throws NetchanError `SESSION_REFUSED`, `VERSION_MISMATCH`, `LIMIT_EXCEEDED` as the listener says; `DIAL_FAILED` when the link fails or is silent
 */
export async function introduce(link: Link, batches: Batches, host: Host, introduction: Introduction): Promise<Welcome> {
  const { limits, credentials, resumes, proves } = introduction;
  const content = { limits: told(limits), credentials: credentials ?? null, ...(resumes === false ? { resumes } : {}) };
  const { type, fields } = await converse(link, batches, host, "hello", content, proves);
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
export async function resume(
  link: Link,
  batches: Batches,
  host: Host,
  { kind, ...resume }: Resume,
  proves?: Proves,
): Promise<ResumeAnswer> {
  const { type, fields } = await converse(link, batches, host, kind, resume, proves);
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
