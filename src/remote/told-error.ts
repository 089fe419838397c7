/** Errors as another process tells them: a code of the closed list and a text, nothing else. Layer: remote. */
import { type ErrorCode, errorCodes, NetchanError } from "../errors.js";

/** Texts from a peer are cut: they end up in logs. */
const mostCharacters = 1_000;

export function toldError(code: string, text: string | null, outcome?: string | null): NetchanError {
  const known = (errorCodes as readonly string[]).includes(code) ? (code as ErrorCode) : "VALUE_REFUSED";
  const short = (text ?? "").slice(0, mostCharacters);
  return outcome === "not-sent" || outcome === "unknown" ? new NetchanError(known, short, { outcome }) : new NetchanError(known, short);
}
