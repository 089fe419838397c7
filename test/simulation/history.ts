/** What was done in a run and what came of it, and the laws it has to obey (design: FIFO, ONE, RDV, CAP, SEL, CANCEL, CLOSE, LIVE, SETTLE). */
import { NetchanError } from "../../src/errors.js";

export interface Channel {
  readonly index: number;
  readonly home: number;
  readonly capacity: number;
  closedAt: number | undefined;
  doneAt: number | undefined;
  /** A value in doubt is offered again. */
  readonly redelivers: boolean;
  /** A session was lost: whoever depended on it may have been told. */
  touchedByLoss: boolean;
}
export interface Part {
  readonly channel: Channel;
  /** The value a send case sends; undefined in a receive. */
  readonly value: number | undefined;
  /** The end of a receive, unless it takes what is left when everybody else has done. */
  readonly end?: object;
}
export interface Operation {
  readonly process: number;
  readonly kind: "send" | "receive" | "select" | "try";
  readonly parts: readonly Part[];
  readonly begunAt: number;
  /** The end a plain send was made on: a channel reached over two routes has two, and what goes over one may overtake the other. */
  end?: object;
  aborted: boolean;
  /** Its process was killed. */
  gone?: boolean;
  settledAt: number | undefined;
  /** In which turn of the world it settled: promises of one turn settle together, whatever the order of their callbacks. */
  settledIn?: number;
  /** The part that was done. */
  done?: Part;
  /** What it received; "done" when the channel had ended. */
  received?: number | "done";
  error?: unknown;
}

export class History {
  readonly channels: Channel[] = [];
  readonly operations: Operation[] = [];
  #clock = 0;
  turn = 0;

  now(): number {
    return ++this.#clock;
  }
  begin(process: number, kind: Operation["kind"], parts: readonly Part[]): Operation {
    const operation: Operation = { process, kind, parts, begunAt: this.now(), aborted: false, settledAt: undefined };
    this.operations.push(operation);
    return operation;
  }
  settle(operation: Operation, outcome: Pick<Operation, "done" | "received" | "error">): void {
    operation.settledAt = this.now();
    operation.settledIn = this.turn;
    Object.assign(operation, outcome);
    if (outcome.received === "done" && operation.done !== undefined) operation.done.channel.doneAt ??= operation.settledAt;
  }

  get pending(): readonly Operation[] {
    return this.operations.filter((operation) => operation.settledAt === undefined && operation.gone !== true);
  }
}

function fail(law: string, what: string): never {
  throw new Error(`${law}: ${what}`);
}

/** Holds at every moment. */
export function checkCapacity(history: History): void {
  for (const channel of history.channels) {
    if (channel.touchedByLoss) continue; // what was lost on the way is fulfilled and never received
    let held = 0;
    for (const operation of history.operations) {
      if (operation.done?.channel !== channel) continue;
      if (operation.done.value !== undefined) held++;
      else if (operation.received !== "done") held--;
    }
    if (held > channel.capacity) fail("CAP", `channel ${channel.index} of capacity ${channel.capacity} holds ${held} fulfilled values`);
  }
}

/** Holds when the network is quiet: nothing that could meet is left waiting. */
export function checkQuiet(history: History): void {
  for (const channel of history.channels) {
    const at = (operation: Operation, sends: boolean): boolean =>
      operation.parts.some((part) => part.channel === channel && (part.value !== undefined) === sends);
    const pending = history.pending.filter((operation) => !operation.aborted);
    const senders = pending.filter((operation) => at(operation, true));
    const receivers = pending.filter((operation) => at(operation, false));
    const name = `channel ${channel.index} (home ${channel.home}, capacity ${channel.capacity})`;
    if (channel.touchedByLoss) continue;
    for (const sender of senders)
      for (const receiver of receivers)
        if (sender !== receiver)
          fail(
            "LIVE",
            `a ${sender.kind} of process ${sender.process} and a ${receiver.kind} of process ${receiver.process} both wait at ${name}`,
          );
    const { fulfilled, received } = counts(history, channel);
    if (receivers.length > 0 && fulfilled > received) fail("LIVE", `${fulfilled - received} values are in ${name} while a receive waits`);
    if (senders.length > 0 && channel.capacity > fulfilled - received && channel.capacity > 0)
      fail("LIVE", `a send waits though ${name} has room`);
    if (channel.closedAt !== undefined && receivers.length > 0 && fulfilled === received && senders.length === 0)
      fail("SETTLE", `a receive waits at ${name}, which is closed and empty`);
  }
  for (const operation of history.pending)
    if (operation.aborted && operation.kind !== "send" && operation.parts.every((part) => part.value === undefined))
      fail("SETTLE", "an aborted receive is still pending");
}

export function counts(history: History, channel: Channel): { readonly fulfilled: number; readonly received: number } {
  let fulfilled = 0;
  let received = 0;
  for (const operation of history.operations) {
    if (operation.done?.channel !== channel) continue;
    if (operation.done.value !== undefined) fulfilled++;
    else if (operation.received !== "done") received++;
  }
  return { fulfilled, received };
}

/** Holds for a whole run. */
export function checkHistory(history: History): void {
  const receivedBy = new Map<number, Operation>();
  for (const operation of history.operations) {
    if (typeof operation.received !== "number") continue;
    const other = receivedBy.get(operation.received);
    const again = operation.done?.channel;
    if (other !== undefined && !(again?.redelivers && again.touchedByLoss))
      fail("ONE", `value ${operation.received} was received by process ${other.process} and by process ${operation.process}`);
    // What is delivered again, as the channel was told to, counts from the first time.
    if (other === undefined || (operation.settledAt as number) < (other.settledAt as number)) receivedBy.set(operation.received, operation);
  }
  for (const operation of history.operations)
    for (const part of operation.parts) if (part.value !== undefined) checkValue(operation, part, receivedBy.get(part.value));
  const sent = new Set(history.operations.flatMap((operation) => operation.parts.map((part) => part.value)));
  for (const value of receivedBy.keys()) if (!sent.has(value)) fail("ONE", `value ${value} was received and never sent`);
  for (const channel of history.channels) {
    checkOrder(history, channel);
    checkClose(history, channel);
  }
}

function checkValue(operation: Operation, part: Part, receiver: Operation | undefined): void {
  const { value, channel } = part;
  const what = `value ${value} of a ${operation.kind} by process ${operation.process} on channel ${channel.index}`;
  if (operation.done === part) {
    if (receiver === undefined) {
      if (channel.capacity === 0) fail("ONE", `${what} was fulfilled and never received`);
    } else if (channel.capacity === 0 && (receiver.settledIn as number) > (operation.settledIn as number))
      fail("RDV", `${what} was fulfilled before it was received`);
    return;
  }
  if (receiver === undefined) return;
  if (operation.done !== undefined || (operation.settledAt !== undefined && operation.error === undefined))
    fail("SEL", `${what} was received though another case won`);
  if (operation.gone) return; // nobody is left who could have been told
  if (operation.settledAt === undefined) fail("ONE", `${what} was received and its send never settled`);
  const { error } = operation;
  if (!NetchanError.is(error)) fail("CANCEL", `${what} was aborted, and received`);
  if (error.outcome !== "unknown") fail("ONE", `${what} was refused with ${error.code}, outcome ${error.outcome}, and received`);
}

/** Where values are only ever received at one end (and, when all is over, at home) they come, from each end, in the order of the plain sends. With several, what one did not take may come later. */
function checkOrder(history: History, channel: Channel): void {
  const receives = history.operations
    .filter((operation) => operation.done?.channel === channel && typeof operation.received === "number")
    .sort((a, b) => (a.settledAt as number) - (b.settledAt as number));
  const wanting = history.operations.flatMap((operation) =>
    operation.parts.flatMap(({ channel: of, end }) => (of === channel && end !== undefined ? [end] : [])),
  );
  if (new Set(wanting).size !== 1) return;
  const begun = new Map<number, Operation>();
  for (const operation of history.operations)
    if (operation.kind === "send") for (const part of operation.parts) if (part.value !== undefined) begun.set(part.value, operation);
  const latest = new Map<unknown, Operation>();
  const seen = new Set<unknown>();
  for (const receive of receives) {
    const send = begun.get(receive.received as number);
    if (send === undefined || seen.has(receive.received)) continue;
    seen.add(receive.received);
    const before = latest.get(send.end);
    if (before !== undefined && before.begunAt > send.begunAt)
      fail(
        "FIFO",
        `process ${receive.process} received value ${receive.received} of process ${send.process} on channel ${channel.index} after a later one`,
      );
    latest.set(send.end, send);
  }
}

function checkClose(history: History, channel: Channel): void {
  if (channel.doneAt === undefined) return;
  for (const operation of history.operations) {
    if (
      operation.done?.channel === channel &&
      typeof operation.received === "number" &&
      (operation.settledAt as number) > channel.doneAt &&
      operation.begunAt > channel.doneAt
    )
      fail("CLOSE", `value ${operation.received} was received on channel ${channel.index} after a receiver had seen the end`);
  }
}
