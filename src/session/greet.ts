/**
 * The listener's side of a handshake: what is read of a stranger, and what is answered. Layer: session.
 * Source: PROTOCOL.md "Handshake", "Key", "Resume".
 */
import { type ErrorCode, NetchanError } from "../errors.js";
import { violation } from "../wire/frame.js";
import {
  type Batches,
  count,
  fieldsOf,
  type Hello,
  helloBytes,
  hex,
  idBytes,
  next,
  onlyControl,
  protocolVersion,
  type Resume,
  type Resumed,
  readLimits,
  sendSafely,
  tokenBytes,
  type Welcome,
} from "./handshake.js";
import { type Host, toHex } from "./host.js";
import { type KeyProof, nonceBytes, proofBytes, type Transcript } from "./key-proof.js";
import type { Link } from "./link.js";

/** What a stranger says of itself, and what its proof of the key will rest on. */
export interface Greeting {
  readonly said: Hello | Resume | { readonly kind: "elsewhere" };
  readonly claim: Claim;
}
interface Claim {
  /** What it says of a key, if anything; nobody has looked at it yet. */
  readonly key: unknown;
  /** The first batch, as it came. */
  readonly text: string;
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
  const claim = { key: greeting.key, text: batch };
  if (type === "resume" && greeting.listener !== listener) return { said: { kind: "elsewhere" }, claim };
  const version = count(greeting, "version", 0);
  if (version !== protocolVersion)
    throw new NetchanError("VERSION_MISMATCH", `this process speaks version ${protocolVersion} of the protocol, the other ${version}`);
  const { credentials } = greeting;
  if (type === "hello")
    return { said: { kind: type, limits: readLimits(greeting.limits), credentials, resumes: greeting.resumes !== false }, claim };
  const said = {
    kind: type,
    listener: hex(greeting, "listener", idBytes),
    session: hex(greeting, "session", idBytes),
    token: hex(greeting, "token", tokenBytes),
    epoch: count(greeting, "epoch", 1),
    next: count(greeting, "next", 1),
    first: count(greeting, "first", 1),
    credentials,
  } as const;
  return { said, claim };
}

/** Where a dialer's proof of the key is judged. */
export interface Proving {
  readonly key: KeyProof;
  /** The name of this listener. */
  readonly listener: string;
  /** The host that the request named, if there was one. */
  readonly host: string | undefined;
}
/**
 * The listener's side, where a key is asked for, between the two halves: the dialer proves first.
 * @returns the proof of this side, which goes with a yes
 * @throws NetchanError SESSION_REFUSED, the same whatever was wrong
 */
export async function challenge(link: Link, batches: Batches, host: Host, { key: claimed, text }: Claim, at: Proving): Promise<string> {
  const refused = new NetchanError("SESSION_REFUSED", "the key was not proved");
  if (claimed === undefined) throw refused;
  const claim = fieldsOf(claimed);
  if (typeof claim.host !== "string") throw violation("a handshake frame has no valid host");
  const transcript: Transcript = {
    version: protocolVersion,
    listener: at.listener,
    host: claim.host,
    dialerNonce: hex(claim, "nonce", nonceBytes),
    listenerNonce: toHex(host.randomBytes(nonceBytes)),
    greeting: text,
  };
  sendSafely(link, JSON.stringify([["challenge", { listener: at.listener, nonce: transcript.listenerNonce }]]));
  const batch = await next(batches, host);
  if (typeof batch !== "string" || batch.length > helloBytes) throw violation("a proof has to be text");
  const { type, fields } = onlyControl(batch);
  if (type !== "proof") throw violation(`a ${type} frame in place of a proof`);
  const proved = at.key.accepts(hex({ proof: fields[0] }, "proof", proofBytes), "dialer", transcript);
  // Somebody in the middle who is dialed by another name than this listener's, and passes on what he hears.
  const meant = transcript.host === "" || at.host === undefined || transcript.host === at.host.toLowerCase();
  if (!proved || !meant) throw refused;
  return at.key.prove("listener", transcript);
}

/** Second half: yes … */
export function writeWelcome(welcome: Welcome, proof?: string): string {
  return JSON.stringify([["welcome", { ...welcome, proof }]]);
}
export function writeResumed({ token, next, first }: Omit<Resumed, "kind">, proof?: string): string {
  return JSON.stringify([["resumed", { token, next, first, proof }]]);
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
