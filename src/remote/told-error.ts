/** Errors as another process tells them: a code of the closed list and a text, nothing else. Layer: remote. */
import { closeEnding } from "../core/channel.js";
import type { Ending } from "../core/offered.js";
import { type ErrorCode, errorCodes, NetchanError, plainMessage } from "../errors.js";

/** Texts from a peer are cut: they end up in logs. */
const mostCharacters = 500;

/** The two fields in which the end of a channel is told: nothing for `done`, the reason's own text for a close with a reason. */
export function tellEnding(ending: Ending): string {
  if (ending === undefined) return "null,null";
  const text = ending.code === "CHANNEL_CLOSED" && ending.cause instanceof Error ? ending.cause.message : plainMessage(ending);
  return `${JSON.stringify(ending.code)},${JSON.stringify(text.slice(0, mostCharacters))}`;
}
export function toldEnding(code: string | null, text: string | null): Ending {
  if (code === null) return undefined;
  return code === "CHANNEL_CLOSED" ? closeEnding(new Error((text ?? "").slice(0, mostCharacters))) : toldError(code, text);
}

/** The channel was never this side's to use; anything else is how it ended. */
export function refuses({ code }: NetchanError): boolean {
  return code === "CHANNEL_UNKNOWN" || code === "CHANNEL_REFUSED";
}

export function toldError(code: string, text: string | null, outcome?: string | null): NetchanError {
  const known = (errorCodes as readonly string[]).includes(code) ? (code as ErrorCode) : "VALUE_REFUSED";
  const short = (text ?? "").slice(0, mostCharacters);
  return outcome === "not-sent" || outcome === "unknown" ? new NetchanError(known, short, { outcome }) : new NetchanError(known, short);
}

/** The three fields in which a select's failure is told: code, text, outcome. A channel that was closed with a reason has no outcome, and the reason's text. */
export function tellFailure(error: unknown): string {
  if (!NetchanError.is(error)) return `"CHANNEL_CLOSED","the channel is closed","not-sent"`;
  const { code, outcome, cause } = error;
  if (code === "CHANNEL_CLOSED" && outcome === undefined && cause instanceof Error) return `${tellEnding(error)},null`;
  const told = outcome ?? (code === "CHANNEL_CLOSED" ? "not-sent" : null);
  return `${JSON.stringify(code)},${JSON.stringify(plainMessage(error).slice(0, mostCharacters))},${JSON.stringify(told)}`;
}
export function toldFailure(code: string, text: string | null, outcome: string | null): NetchanError {
  if (code === "CHANNEL_CLOSED" && outcome === null) return closeEnding(new Error((text ?? "").slice(0, mostCharacters))) as NetchanError;
  return toldError(code, text, outcome);
}

/** Ids of selects are compared, so that they have to be of one form. */
export function checkSelectId(id: string, exchange: { violated(what: string): never }): void {
  if (!/^[0-9a-f]{32}$/.test(id)) exchange.violated("a case has no valid select id");
}
