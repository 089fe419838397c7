/** `merge`, `pipe`, `ask` and `askMany`: built on ends alone, so that they work over ends of any process. Layer: core. */
import type { Answer, ChannelOptions, Loose, OperationOptions, ReceiveChannel, Received, Reply, SendChannel } from "../contract.js";
import { NetchanError } from "../errors.js";
import { ReceiveCase } from "./cases.js";
import { channelOptions, homeChannel } from "./channel.js";
import { describe, type ReceivePort, receiveEnd, receivePortOf, sendEnd, sendPortOf, signalOf } from "./end.js";
import { AbortWatch, Deferred, received, receivedEnding, receiveFrom, rejected } from "./operations.js";
import { Remaining, Selection } from "./selection.js";
import type { Source } from "./waiter.js";

/** A view over several receive ends. It holds nothing: each receive is a select over the sources. */
class MergedPort implements ReceivePort {
  readonly kind = "receive";
  readonly holders = undefined;
  readonly travel = undefined;
  readonly capacity = 0;
  end: ReceiveChannel<unknown> | undefined = undefined;
  readonly sources: readonly Source[];
  readonly #ports: readonly ReceivePort[];
  readonly #random: () => number;

  constructor(
    ports: readonly ReceivePort[],
    random: () => number,
    /** Kept as long as the view is. */
    readonly ends: readonly unknown[],
  ) {
    this.#ports = ports;
    this.#random = random;
    this.sources = ports.flatMap((port) => port.sources);
  }
  get buffered(): number {
    return this.#ports.reduce((sum, port) => sum + port.buffered, 0);
  }
  get closed(): boolean {
    return this.#ports.every((port) => port.closed);
  }
  letGo(): void {
    for (const port of this.#ports) port.letGo();
  }
  receive(signal: AbortSignal | undefined): Promise<Received<unknown>> {
    const [only, ...others] = this.sources;
    if (only === undefined) return receivedEnding(undefined);
    if (others.length === 0) return receiveFrom(only, signal);
    if (signal?.aborted) return rejected(signal.reason);
    const deferred = new Deferred<Received<unknown>>();
    const watch = new AbortWatch();
    const selection = new Selection(this.#random, {
      won: (_index, value) => {
        watch.stop();
        deferred.resolve(value === undefined || "done" in value ? { done: true, value: undefined } : received(value.value, value.from));
      },
      failed: (error) => {
        watch.stop();
        deferred.reject(error);
      },
    });
    if (signal !== undefined) watch.watch(signal, (reason) => selection.cancel(reason));
    const remaining = new Remaining(this.sources.length);
    selection.start(this.sources.map((source) => new ReceiveCase(selection, 0, source, remaining)));
    return deferred.promise;
  }
}

function buildQuestion(question: unknown, reply: unknown): unknown {
  if (typeof question !== "function") throw new TypeError(`Expected question to be a function of the reply end, got ${describe(question)}`);
  return (question as (reply: unknown) => unknown)(reply);
}

export interface Combinators {
  /** Values of all, as they come; done when all are done, at once when there are none. A view: it holds nothing, and closing it lets go of its sources. */
  merge<T>(...receives: ReceiveChannel<T>[]): ReceiveChannel<T>;
}

/** Binds `merge` to a source of randomness. */
export function makeCombinators(random: () => number): Combinators {
  return {
    merge: <T>(...receives: ReceiveChannel<T>[]) =>
      receiveEnd<T>(
        new MergedPort(
          receives.map((receive, index) => receivePortOf(receive, `argument ${index + 1} of merge`)),
          random,
          receives,
        ),
      ),
  };
}

/**
 * Moves values until `from` is done, then closes `to` (with the reason, if `from` was closed with one). Keeps backpressure: it holds one value at most.
 * Settles when all has been moved and `to` is closed. After an abort `to` stays open and the value in hand, if any, was not received by anybody else.
 * @throws what `send` on `to` or `receive` on `from` reject with; `signal.reason`
 */
export async function pipe<T>(from: ReceiveChannel<T>, to: SendChannel<T>, options?: OperationOptions): Promise<void> {
  const target = sendPortOf(to, "to");
  receivePortOf(from, "from");
  const signal = signalOf(options);
  for (;;) {
    let next: Received<unknown>;
    try {
      next = await receivePortOf(from, "from").receive(signal); // the ends are in use as long as this runs
    } catch (error) {
      if (NetchanError.is(error)) target.close(error);
      throw error;
    }
    if (next.done) {
      target.close(undefined);
      return;
    }
    await sendPortOf(to, "to").send(next.value, signal);
  }
}

/**
 * Request and reply in one line: sends what `question` builds around a fresh reply end, and receives one answer.
 * An answer that comes later (after an abort, or a second one) is fulfilled and dropped: a late reply never fails its replier.
 * @throws NetchanError `CHANNEL_CLOSED` when the reply end is closed or let go by all its holders unanswered; `SESSION_LOST` when a
 *   session on the way is lost; what `send` rejects with; `signal.reason` at once on abort
 * @example
 * const price = await ask(orders, (reply) => ({ kind: "price", item: "tea", reply }));
 */
export function ask<Q, const R extends Loose<Q>>(
  send: SendChannel<Q>,
  question: (reply: Reply) => R,
  options?: OperationOptions,
): Promise<Answer<Q, R>>;
export function ask<Q, A>(send: SendChannel<Q>, question: (reply: SendChannel<A>) => Q, options?: OperationOptions): Promise<A>;
export function ask(send: SendChannel<never>, question: (reply: never) => unknown, options?: OperationOptions): Promise<unknown> {
  const port = sendPortOf(send, "send");
  const signal = signalOf(options);
  const reply = homeChannel({ capacity: 0 });
  reply.send.holders.handedOut = true;
  const asked = buildQuestion(question, sendEnd(reply.send));
  if (signal?.aborted) return rejected(signal.reason);
  const stop = new AbortWatch();
  const outcome = new Deferred<unknown>();
  const settle = (): void => {
    stop.stop();
    reply.home.mute();
  };
  if (signal !== undefined) {
    stop.watch(signal, (reason) => {
      settle();
      outcome.reject(reason);
    });
  }
  port.send(asked, signal).catch((error: unknown) => {
    settle();
    outcome.reject(error);
  });
  reply.receive.receive(undefined).then(
    (answer) => {
      settle();
      if (answer.done) outcome.reject(new NetchanError("CHANNEL_CLOSED", "the reply end was closed or let go before an answer came"));
      else outcome.resolve(answer.value);
    },
    (error: unknown) => {
      settle();
      outcome.reject(error);
    },
  );
  return outcome.promise;
}

/**
 * Many answers: the receive end of a fresh channel whose send end only the question holds.
 * Done when the other side closes or lets go; rejects `SESSION_LOST` when it died, and with what `send` rejected with.
 * @param options - a signal, which ends the answers with `done`, and the options of the answers' channel
 */
export function askMany<Q, A>(
  send: SendChannel<Q>,
  question: (replies: SendChannel<A>) => Q,
  options?: OperationOptions & ChannelOptions,
): ReceiveChannel<A> {
  const port = sendPortOf(send, "send");
  const signal = signalOf(options);
  const replies = homeChannel(channelOptions(options));
  replies.send.holders.handedOut = true;
  const asked = buildQuestion(question, sendEnd<A>(replies.send));
  const watch = new AbortWatch();
  if (signal?.aborted) replies.receive.letGo();
  else {
    if (signal !== undefined) watch.watch(signal, () => replies.receive.letGo());
    replies.home.endWatchers.add({ sourceEnded: () => watch.stop() });
    port.send(asked, signal).catch((error: unknown) => {
      if (!signal?.aborted)
        replies.home.close(
          NetchanError.is(error) ? error : new NetchanError("CHANNEL_CLOSED", "the question could not be sent", { cause: error }),
        );
    });
  }
  return receiveEnd<A>(replies.receive);
}
