/** What was asked for in one run, what came of it, and when: the words in which the oracle's other files talk to each other. */

/** One arm of an operation: a receive from that channel, or, with a value, a send to it. */
export interface Part {
  readonly channel: number;
  readonly value?: number;
}
export type Kind = "send" | "receive" | "try" | "select" | "close";

/** How an operation ended; none is "pending". A close says nothing: what it did shows in other operations. */
export type Result =
  | { readonly is: "sent"; readonly part: number }
  | { readonly is: "received"; readonly part: number; readonly value: number }
  /** The channel has ended. */
  | { readonly is: "done"; readonly part: number }
  /** A trySelect did nothing. */
  | { readonly is: "none" }
  /** CHANNEL_CLOSED */
  | { readonly is: "refused" }
  /** The reason of the operation's own signal. */
  | { readonly is: "aborted" }
  | { readonly is: "failed"; readonly text: string };

export interface Operation {
  /** Its place in `History.operations`, which are in the order of their calls. */
  readonly index: number;
  readonly process: number;
  readonly kind: Kind;
  readonly parts: readonly Part[];
  /** Calls, answers and aborts have numbers in the order in which they were made or seen. */
  readonly calledAt: number;
  answeredAt: number | undefined;
  abortedAt: number | undefined;
  /** The same on the network's clock, in milliseconds; of an answer the end of the step in which it was seen. */
  readonly calledMs: number;
  answeredMs: number | undefined;
  result: Result | undefined;
}

export interface History {
  /** The capacity of each channel. */
  readonly capacities: readonly number[];
  /** The process in which the channels live. */
  readonly home: number;
  /** How long, at most, what a process tells takes to the home, in milliseconds. */
  readonly latencyMs: readonly number[];
  readonly operations: readonly Operation[];
}

export const receivesFrom = (part: Part, channel: number): boolean => part.channel === channel && part.value === undefined;
export const sendsTo = (part: Part, channel: number): boolean => part.channel === channel && part.value !== undefined;

function said({ result, parts }: Operation): string {
  if (result === undefined) return "pending";
  if (result.is === "sent") return `sent ${parts[result.part]?.value}`;
  if (result.is === "received") return `received ${result.value}`;
  return result.is === "failed" ? `failed: ${result.text}` : result.is;
}

/** An operation in one line: `3  P1 select(<c0, c1<7)  4–9 [12–15 ms]  received 5`. */
export function describeOperation(operation: Operation): string {
  const { index, process, kind, calledAt, answeredAt, abortedAt, calledMs, answeredMs } = operation;
  const cases = operation.parts.map(({ channel, value }) => (value === undefined ? `<c${channel}` : `c${channel}<${value}`));
  const what = kind === "close" ? `close(c${operation.parts[0]?.channel})` : `${kind}(${cases.join(", ")})`;
  const when = `${calledAt}–${answeredAt ?? ""}${abortedAt === undefined ? "" : `, aborted at ${abortedAt}`}`;
  return `${index}  P${process} ${what}  ${when} [${calledMs}–${answeredMs ?? ""} ms]  ${kind === "close" ? "" : said(operation)}`.trimEnd();
}

export function describeHistory({ capacities, home, operations }: History): string {
  return [`home P${home}, capacities ${capacities.join(", ")}`, ...operations.map(describeOperation)].join("\n");
}
