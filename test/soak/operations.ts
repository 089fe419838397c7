/** What operations.test.ts and its child processes tell each other. */
import type { Held } from "./words.js";

export type OperationsScenario =
  | "selects in one process"
  | "selects over a link"
  | "selects over two homes"
  | "nested ends"
  | "aborted operations in one process"
  | "aborted operations over a link";

export interface OperationsReport {
  readonly held: readonly Held[];
  /** What was left in the tables of both sides when everything was let go. */
  readonly left: readonly string[];
  readonly seconds: number;
}
