/**
 * The one error class of netchan and its closed list of codes. Leaf: imports nothing.
 * Invariant: only `code` and `message` ever cross the wire; `scope` and `retryable` follow from the code.
 */

/** What an error is about: the smallest thing that is unusable once it is raised. */
export type ErrorScope = "value" | "channel" | "session" | "link";

/** For a send that failed: `"not-sent"` when provably nobody received the value, else `"unknown"`. */
export type Outcome = "not-sent" | "unknown";

/** Every code with its scope, and whether the same call may succeed when it is made again. docs/errors.md has a paragraph for each. */
const codes = {
  ENCODE_FAILED: ["value", false],
  DECODE_FAILED: ["value", false],
  VALUE_REFUSED: ["value", false],
  RECEIVER_LOST: ["value", true],
  LIMIT_EXCEEDED: ["value", true],
  CHANNEL_CLOSED: ["channel", false],
  CHANNEL_UNKNOWN: ["channel", false],
  CHANNEL_REFUSED: ["channel", false],
  SESSION_CLOSED: ["session", false],
  SESSION_LOST: ["session", true],
  SESSION_REFUSED: ["session", false],
  PROTOCOL_VIOLATION: ["session", false],
  VERSION_MISMATCH: ["session", false],
  DIAL_FAILED: ["link", true],
  LISTEN_FAILED: ["link", true],
} as const satisfies Record<string, readonly [ErrorScope, boolean]>;

/** Stable names of what can go wrong; match on these, never on messages. */
export type ErrorCode = keyof typeof codes;

/** All codes, for checks of what a peer names and for documentation. */
export const errorCodes: readonly ErrorCode[] = Object.freeze(Object.keys(codes) as ErrorCode[]);

// Registered, so that two copies of this package in one process recognise each other's errors.
const brand = Symbol.for("netchan.error");

/**
 * Every failure netchan itself raises, except wrong arguments (TypeError, RangeError) and aborts (the signal's own reason).
 * @example
 * try { await send(order) } catch (error) { if (NetchanError.is(error) && error.code === "CHANNEL_CLOSED") return }
 */
export class NetchanError extends Error {
  override readonly name: string = "NetchanError";
  readonly code: ErrorCode;
  readonly scope: ErrorScope;
  readonly retryable: boolean;
  /** Set on SESSION_LOST, SESSION_CLOSED, RECEIVER_LOST and LIMIT_EXCEEDED when they reject a send. */
  declare readonly outcome?: Outcome;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { readonly outcome?: Outcome }) {
    super(`[${code}] ${message}`, options);
    this.code = code;
    [this.scope, this.retryable] = codes[code];
    if (options?.outcome !== undefined) this.outcome = options.outcome;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Is it a NetchanError, of any copy of this package? */
  static is(error: unknown): error is NetchanError {
    return typeof error === "object" && error !== null && (error as { readonly [brand]?: unknown })[brand] === true;
  }
}

/** The same error for one send: with what is known of its value. Each rejected operation gets an error of its own. */
export function withOutcome(error: NetchanError, outcome: Outcome): NetchanError {
  return new NetchanError(error.code, plainMessage(error), { cause: error.cause, outcome });
}

/** The message without its `[CODE]` prefix: what crosses the wire beside the code. */
export function plainMessage(error: NetchanError): string {
  const prefix = `[${error.code}] `;
  return error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
}
