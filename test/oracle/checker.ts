/**
 * Is there an order in which one process, doing one operation after another, could have come to the same results, and in which
 * everything is later than what had its answer before it was called?
 * Source: Wing and Gong, "Testing and Verifying Concurrent Objects" (1993); what was tried is remembered, after Lowe, "Testing for
 * Linearizability" (2017).
 */
import type { History, Operation } from "./history.js";
import { isPast, Specification, type State } from "./spec.js";

export interface Verdict {
  /** Absent when there is such an order. */
  readonly fault?: string;
  /** How many states were looked at. */
  readonly states: number;
}

/** What no order can explain, said in plain words. */
function absurd({ operations, capacities }: History): string | undefined {
  const sentBy = new Map(operations.flatMap((operation) => operation.parts.map(({ value }) => [value, operation] as const)));
  const received = new Set<number>();
  for (const { result, index, abortedAt } of operations) {
    if (result?.is === "failed") return `operation ${index} failed: ${result.text}`;
    if (result?.is === "aborted" && abortedAt === undefined) return `CANCEL: operation ${index} was aborted by nobody`;
    if (result?.is !== "received") continue;
    const { value } = result;
    const sender = sentBy.get(value);
    if (sender === undefined) return `ONE: operation ${index} received ${value}, which nobody sent`;
    if (received.has(value)) return `ONE: value ${value} was received twice`;
    received.add(value);
    if (sender.result?.is !== "sent" || sender.parts[sender.result.part]?.value !== value)
      return `ONE: value ${value} was received, and operation ${sender.index} does not know it`;
  }
  for (const { result, parts, index } of operations) {
    const part = result?.is === "sent" ? parts[result.part] : undefined;
    if (part?.value !== undefined && capacities[part.channel] === 0 && !received.has(part.value))
      return `ONE: operation ${index} is fulfilled, and nobody received its value`;
  }
  return undefined;
}

function keyOf({ past, channels }: State): string {
  let key = String(past);
  for (const { buffer, closer, lineClosedAt, ended } of channels) key += `|${buffer.join()};${closer?.index};${lineClosedAt};${ended}`;
  return key;
}

/** When it can have taken effect at the earliest. */
const from = (operation: Operation): number => (operation.result?.is === "aborted" ? (operation.abortedAt as number) : operation.calledAt);

export function check(history: History): Verdict {
  const absurdity = absurd(history);
  if (absurdity !== undefined) return { fault: absurdity, states: 0 };
  const specification = new Specification(history);
  const effective = history.operations.filter(({ result, kind }) => result !== undefined || kind === "close");
  const pending = history.operations.filter((operation) => !effective.includes(operation));
  const tried = new Set<string>();
  let most = -1;
  let fault = "";

  /** @returns whether everything else fits behind that state */
  const fits = (state: State): boolean => {
    const key = keyOf(state);
    if (tried.has(key)) return false;
    tried.add(key);
    const left = effective.filter((operation) => !isPast(state, operation));
    const unrest = left.length === 0 ? specification.unrest(state, pending) : undefined;
    if (left.length === 0 && unrest === undefined) return true;
    if (effective.length - left.length > most) {
      most = effective.length - left.length;
      fault =
        unrest ?? `ORDER: none explains it; the longest has no place for any of operations ${left.map(({ index }) => index).join(", ")}`;
    }
    const now = Math.min(...left.map(({ answeredAt }) => answeredAt ?? Number.POSITIVE_INFINITY));
    return left.some((operation) => from(operation) < now && specification.next(state, operation, now).some(fits));
  };
  return fits(specification.start) ? { states: tried.size } : { fault, states: tried.size };
}
