/**
 * What the server and the tabs say to each other. Shared by both, so that the compiler holds them to it. What a stranger could have
 * made up is checked by the guards at the end, because types do not cross a network.
 */
import { isSend, type SendChannel } from "netchan";

/** The numbers from `from` up to, and without, `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Server to whichever tab asks first. The tab answers on `reply`: a channel end inside a message. */
export interface Task extends Range {
  readonly reply: SendChannel<Result>;
}

/** Tab to server, on the task's own `reply`. */
export interface Result {
  readonly primes: number;
  /** The tab's `peer.id`. */
  readonly by: string;
}

/** Tab to server, on the default pair. */
export type FromTab =
  /** "Here I am; tell me on this end how it goes." */
  | { readonly kind: "join"; readonly progress: SendChannel<Progress> }
  /** "Count everything once more." Heard only when the count is complete. */
  | { readonly kind: "again" };

/** Server to each tab that joined: the state of the whole job, the newest only. */
export interface Progress {
  /** Primes below this are counted. */
  readonly limit: number;
  /** How many primes were found so far. */
  readonly primes: number;
  /** For each range the number of the tab that counted it; 0 while it is not counted. */
  readonly owners: Uint16Array;
  readonly tabs: readonly TabState[];
  /** The number of the tab that this was sent to. */
  readonly you: number;
}

export interface TabState {
  readonly number: number;
  /** Ranges it has counted. */
  readonly done: number;
  /** false: it was closed. What it had counted stays counted. */
  readonly connected: boolean;
}

export function isFromTab(value: unknown): value is FromTab {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  return value.kind === "again" || (value.kind === "join" && "progress" in value && isSend(value.progress));
}

export function isResult(value: unknown, { from, to }: Range): value is Result {
  if (typeof value !== "object" || value === null || !("primes" in value) || !("by" in value)) return false;
  const { primes, by } = value;
  return typeof by === "string" && typeof primes === "number" && Number.isInteger(primes) && primes >= 0 && primes <= to - from;
}
