/**
 * What channels promise, as one process doing one operation after another would see it. The checker asks which operations may take
 * effect next, and in which state they leave the channels.
 *
 * Most operations take effect alone, at one moment between call and answer. A send and its receive on capacity 0 take effect together,
 * while both are waiting. An operation without an answer has no effect: histories end when nothing is under way any more.
 *
 * Where the promise is weaker than "one queue", it is because the home is somewhere else:
 *
 * - Offered values. A value that is offered to another process may come back: its receive was aborted, or its select did another case.
 *   Meanwhile others may receive later values (docs/guarantees.md, Order: "a value that one of them did not take may be received after
 *   later values"), the sends of later values may be fulfilled first, and whoever asks finds nothing there. That is allowed from when
 *   another process has called a receive or select which in the end took no value there: see `#unordered`. Nobody's own demand excuses
 *   the order in which its process receives.
 * - A trySelect answers `undefined` when at some moment its home *knew of* nothing that was ready (docs/select.md: "its home is asked").
 *   The home knows of what was called there and, before, in the asking process; of what others called when the network has had the time
 *   to tell. A value that was received has its place in the buffer until the home has heard so (PROTOCOL.md: "until it was taken, open
 *   offers included"), and until then the end has not come either. A select that waits in another process and was told case by case would have to be asked first
 *   (PROTOCOL.md, `claim`), so it is never ready; nor is one at home while one of its values may be on offer.
 * - A close takes effect at the home some time after it was called elsewhere. Sends called before it there, and those the home knows
 *   of, are in line before it; what came from a third process may be on either side.
 * - A case of a select has no place among its process's sends. Where there is a buffer, its place in line is that of its arrival: it may
 *   stand before values that were fulfilled while its select was being decided.
 */
import { type History, type Operation, receivesFrom, sendsTo } from "./history.js";

/** One channel, after some of the operations. */
export interface ChannelState {
  /** Values whose sends are fulfilled and that nobody has, oldest first. */
  readonly buffer: readonly number[];
  /** The close that took effect … */
  readonly closer: Operation | undefined;
  /** … and what was called before this moment may have been in line before it. */
  readonly lineClosedAt: number;
  /** A receiver has seen the end. */
  readonly ended: boolean;
}
export interface State {
  readonly channels: readonly ChannelState[];
  /** The operations that have taken effect, one bit each. */
  readonly past: number;
}

const at = (state: State, channel: number): ChannelState => state.channels[channel] as ChannelState;
export const isPast = (state: State, { index }: Operation): boolean => (state.past & (1 << index)) !== 0;
const after = (state: State, { index }: Operation): State => ({ channels: state.channels, past: state.past | (1 << index) });
function change(state: State, channel: number, changed: Partial<ChannelState>): State {
  return { past: state.past, channels: state.channels.with(channel, { ...at(state, channel), ...changed }) };
}

export class Specification {
  readonly start: State;
  readonly #operations: readonly Operation[];
  /** Who sends each value. */
  readonly #sender = new Map<number, Operation>();

  constructor(readonly history: History) {
    this.#operations = history.operations;
    const fresh: ChannelState = { buffer: [], closer: undefined, lineClosedAt: Number.POSITIVE_INFINITY, ended: false };
    this.start = { channels: history.capacities.map(() => fresh), past: 0 };
    for (const operation of history.operations)
      for (const { value } of operation.parts) if (value !== undefined) this.#sender.set(value, operation);
  }

  /** The states that `operation` may lead to, if it takes effect now: before the moment `now`, behind all that is past. */
  next(state: State, operation: Operation, now: number): readonly State[] {
    const { result, parts, kind } = operation;
    const only = (allowed: boolean): readonly State[] => (allowed ? [after(state, operation)] : []);
    if (kind === "close") return [this.#close(state, operation, now)];
    switch (result?.is) {
      case "aborted":
        return only(true);
      case "none":
        return only(this.#nothingReady(state, operation, now));
      case "refused":
        return only(this.#mayBeRefused(state, operation));
      case "done":
        return this.#done(state, operation, parts[result.part]?.channel as number);
      case "sent":
        return this.#sent(state, operation, parts[result.part]?.channel as number, parts[result.part]?.value as number, now);
      case "received":
        return this.#received(state, operation, parts[result.part]?.channel as number, result.value, now);
      default:
        return [];
    }
  }

  // ── values ──

  /** Into the buffer. (On capacity 0 the receive takes its send along.) */
  #sent(state: State, operation: Operation, channel: number, value: number, now: number): readonly State[] {
    const { buffer } = at(state, channel);
    if (buffer.length >= this.#capacity(channel) || !this.#maySend(state, operation, channel, now, undefined)) return [];
    const states = [];
    const late = this.#mayBeLate(operation, channel, now);
    for (let place = buffer.length; place >= 0; place--) {
      states.push(change(after(state, operation), channel, { buffer: buffer.toSpliced(place, 0, value) }));
      if (!late || !this.#stoodBefore(operation, buffer[place - 1])) break;
    }
    return states;
  }

  /** Out of the buffer, or from a sender that waits. */
  #received(state: State, operation: Operation, channel: number, value: number, now: number): readonly State[] {
    const { buffer } = at(state, channel);
    const place = buffer.indexOf(value);
    const free = this.#unordered(channel, now, operation);
    if (place >= 0) return place === 0 || free ? [change(after(state, operation), channel, { buffer: buffer.toSpliced(place, 1) })] : [];
    const sender = this.#sender.get(value);
    if (sender === undefined || sender === operation || isPast(state, sender) || sender.calledAt >= now) return [];
    if (!this.#maySend(state, sender, channel, now, operation)) return [];
    const late = this.#mayBeLate(sender, channel, now) && buffer.every((other) => this.#stoodBefore(sender, other));
    return this.#capacity(channel) === 0 || free || late ? [after(after(state, operation), sender)] : [];
  }

  #maySend(state: State, operation: Operation, channel: number, now: number, receiver: Operation | undefined): boolean {
    const { ended, closer, lineClosedAt } = at(state, channel);
    if (ended || this.#closedItself(operation, channel)) return false;
    if (closer !== undefined && operation.calledAt >= lineClosedAt) return false;
    if (operation.kind !== "send" || this.#unordered(channel, now, receiver)) return true;
    return !this.#operations.some(
      (other) =>
        other.kind === "send" &&
        other.process === operation.process &&
        other.index < operation.index &&
        other.parts[0]?.channel === channel &&
        !isPast(state, other),
    );
  }

  /** May it have its room only now, though it has been in line for longer? */
  #mayBeLate(sender: Operation, channel: number, now: number): boolean {
    return sender.kind === "select" || this.#unordered(channel, now, undefined);
  }
  /** May it have been in line before that value, which got its room first? */
  #stoodBefore(late: Operation, value: number | undefined): boolean {
    const other = value === undefined ? undefined : this.#sender.get(value);
    if (other === undefined || (other.answeredAt ?? Number.POSITIVE_INFINITY) < late.calledAt) return false;
    return late.kind !== "send" || other.kind !== "send" || other.process !== late.process || late.index < other.index;
  }

  /** May a value have been offered to a process, other than the receiver's own, that did not take it? */
  #unordered(channel: number, now: number, receiver: Operation | undefined): boolean {
    return this.#operations.some(
      (other) =>
        other.calledAt < now &&
        other.process !== receiver?.process &&
        other.process !== this.history.home &&
        other.kind !== "try" &&
        other.parts.some((part) => receivesFrom(part, channel)) &&
        (other.parts.length > 1 || other.result?.is !== "received"),
    );
  }

  // ── the end ──

  #close(state: State, operation: Operation, now: number): State {
    const channel = operation.parts[0]?.channel as number;
    const closed = after(state, operation);
    return at(state, channel).closer === undefined ? change(closed, channel, { closer: operation, lineClosedAt: now }) : closed;
  }
  /** Had its own process closed the channel before it was called? */
  #closedItself({ process, index }: Operation, channel: number): boolean {
    return this.#operations.some(
      (other) => other.kind === "close" && other.parts[0]?.channel === channel && other.process === process && other.index < index,
    );
  }
  #mayBeRefused(state: State, operation: Operation): boolean {
    return operation.parts.some(({ channel, value }) => {
      if (value === undefined) return false;
      const { closer } = at(state, channel);
      if (this.#closedItself(operation, channel)) return true;
      return closer !== undefined && !(operation.kind === "send" && this.#known(operation, closer));
    });
  }
  #done(state: State, operation: Operation, channel: number): readonly State[] {
    const { closer, buffer } = at(state, channel);
    if (closer === undefined || buffer.length > 0) return [];
    const inLine = this.#operations.some(
      (other) => other.kind === "send" && other.parts[0]?.channel === channel && !isPast(state, other) && this.#known(other, closer),
    );
    return inLine ? [] : [change(after(state, operation), channel, { ended: true })];
  }

  // ── what the home knows ──

  /** Does the home know of that operation when this one is called, or when it hears of it? */
  #known(earlier: Operation, later: Operation): boolean {
    if (earlier.index >= later.index) return false;
    return this.#heard(earlier.process, earlier.calledMs, later);
  }
  #heard(process: number, ms: number, later: Operation): boolean {
    return process === this.history.home || process === later.process || ms + (this.history.latencyMs[process] as number) < later.calledMs;
  }

  /** Values that are past, and of whose receipt the home may not have heard. */
  #untold(state: State, operation: Operation, channel: number): number {
    return this.#operations.filter(
      (other) =>
        other.result?.is === "received" &&
        other.parts[other.result.part]?.channel === channel &&
        other.process !== this.history.home &&
        isPast(state, other) &&
        !((other.answeredAt as number) < operation.calledAt && this.#heard(other.process, other.answeredMs as number, operation)),
    ).length;
  }

  // ── nothing was ready ──

  #nothingReady(state: State, operation: Operation, now: number): boolean {
    return operation.parts.every(({ channel, value }) =>
      value === undefined ? this.#nothingThere(state, operation, channel, now) : this.#noRoom(state, operation, channel, now),
    );
  }
  #nothingThere(state: State, operation: Operation, channel: number, now: number): boolean {
    const { buffer, closer, lineClosedAt } = at(state, channel);
    const senders = this.#operations.filter(
      (other) => other !== operation && !isPast(state, other) && other.parts.some((part) => sendsTo(part, channel)),
    );
    if (closer !== undefined && buffer.length === 0) {
      const open = senders.some(({ calledAt }) => calledAt < lineClosedAt) || this.#untold(state, operation, channel) > 0;
      if (!open) return false;
    }
    if (this.#unordered(channel, now, undefined)) return true;
    return buffer.length === 0 && !senders.some((other) => this.#waits(other, operation, now));
  }
  #noRoom(state: State, operation: Operation, channel: number, now: number): boolean {
    const { buffer, closer } = at(state, channel);
    if (closer !== undefined || this.#closedItself(operation, channel)) return false;
    if (buffer.length + this.#untold(state, operation, channel) < this.#capacity(channel)) return false;
    return !this.#operations.some(
      (other) =>
        other !== operation &&
        !isPast(state, other) &&
        other.parts.some((part) => receivesFrom(part, channel)) &&
        this.#waits(other, operation, now),
    );
  }
  /** Is it certain that the home could have matched the two? */
  #waits(other: Operation, operation: Operation, now: number): boolean {
    if (other.kind === "try" || other.result?.is === "refused" || !this.#known(other, operation)) return false;
    if (other.kind !== "select") return true;
    return other.process === this.history.home && !this.history.capacities.some((_, channel) => this.#unordered(channel, now, undefined));
  }

  // ── when nothing is under way any more ──

  /** Why `pending` should not all be waiting, if they should not. */
  unrest(state: State, pending: readonly Operation[]): string | undefined {
    for (const operation of pending) {
      if (operation.abortedAt !== undefined || operation.kind === "try") return `SETTLE: operation ${operation.index} has no answer`;
      for (const { channel, value } of operation.parts) {
        const { buffer, closer, lineClosedAt } = at(state, channel);
        const what = `operation ${operation.index} waits at c${channel}`;
        if (value !== undefined) {
          if (buffer.length < this.#capacity(channel)) return `LIVE: ${what}, where there is room`;
          if (closer !== undefined && (operation.kind !== "send" || operation.calledAt >= lineClosedAt))
            return `SETTLE: ${what}, which is closed`;
          continue;
        }
        if (buffer.length > 0) return `LIVE: ${what}, where value ${buffer[0]} is`;
        const sender = pending.find((other) => other !== operation && other.parts.some((part) => sendsTo(part, channel)));
        if (sender !== undefined) return `LIVE: ${what}, and so does operation ${sender.index}, which sends`;
        if (closer !== undefined) return `SETTLE: ${what}, which is closed and empty`;
      }
    }
    return undefined;
  }

  #capacity(channel: number): number {
    return this.history.capacities[channel] as number;
  }
}
