/** Errors as the other side named them. Layer: session. */
import { type ErrorCode, NetchanError } from "../errors.js";

const endCodes: readonly unknown[] = [
  "SESSION_CLOSED",
  "SESSION_LOST",
  "SESSION_REFUSED",
  "PROTOCOL_VIOLATION",
  "LIMIT_EXCEEDED",
  "VERSION_MISMATCH",
];

/** Only codes a session can end with, and a text of bounded length. */
export function remoteError(code: unknown, text: unknown): NetchanError {
  const known = endCodes.includes(code) ? (code as ErrorCode) : "PROTOCOL_VIOLATION";
  return new NetchanError(known, typeof text === "string" ? text.slice(0, 1_000) : "the other side ended the session");
}
