/**
 * Channel ends: the functions a user holds, and the ports behind them. Layer: core, imports the contract's types only.
 * An end is a frozen function whose methods stand on a shared prototype and reach its port through one registered symbol, so that
 * two copies of this package know each other's ends. Where a channel lives (here, or in another process) only its port knows.
 */
import type { OperationOptions, ReceiveChannel, Received, SendChannel } from "../contract.js";
import type { Holders } from "./holders.js";
import type { Travel } from "./offered.js";
import type { Entry, Selection } from "./selection.js";
import type { Source } from "./waiter.js";

/** What an end does, whichever process its channel lives in. */
interface PortBase {
  readonly capacity: number;
  readonly buffered: number;
  readonly closed: boolean;
  /** This process is done with the end: it stops being one of its holders. */
  letGo(): void;
  /** Who else holds the end, for a channel that lives here. */
  readonly holders: Holders | undefined;
  /** How a value that holds the end keeps its channel; undefined when nothing has to be kept. */
  readonly travel: Travel | undefined;
}
export interface SendPort extends PortBase {
  readonly kind: "send";
  /** The end over this port; one for its whole life, so that an end that comes home is the original. */
  end: SendChannel<unknown> | undefined;
  send(value: unknown, signal: AbortSignal | undefined): Promise<void>;
  close(reason: Error | undefined): void;
  /** A send case, ready to enter its selection. */
  enlist(selection: Selection, index: number, value: unknown): Entry;
}
export interface ReceivePort extends PortBase {
  readonly kind: "receive";
  end: ReceiveChannel<unknown> | undefined;
  receive(signal: AbortSignal | undefined): Promise<Received<unknown>>;
  /** Where its values come from: one source, or several for a merged view. */
  readonly sources: readonly Source[];
  /** Of a subscription: how many values it has not been given. */
  readonly missed?: number;
}
export type Port = SendPort | ReceivePort;

const brand = Symbol.for("netchan.end");
interface Branded {
  readonly [brand]: Port;
}

/** The port of a channel end, or undefined for anything else. */
export function portOf(value: unknown): Port | undefined {
  return typeof value === "function" ? (value as Partial<Branded>)[brand] : undefined;
}

/** Is it a send end, of any copy of this package? For guards and schemas of values that hold ends. */
export function isSend(value: unknown): value is SendChannel<unknown> {
  return portOf(value)?.kind === "send";
}

/** Is it a receive end, of any copy of this package? */
export function isReceive(value: unknown): value is ReceiveChannel<unknown> {
  return portOf(value)?.kind === "receive";
}

/**
 * The port of an argument that has to be a send end.
 * @throws TypeError for anything else.
 */
export function sendPortOf(value: unknown, what: string): SendPort {
  const port = portOf(value);
  if (port?.kind !== "send") throw new TypeError(`Expected ${what} to be a send end, got ${describe(value)}`);
  return port;
}

/** The same for a receive end. */
export function receivePortOf(value: unknown, what: string): ReceivePort {
  const port = portOf(value);
  if (port?.kind !== "receive") throw new TypeError(`Expected ${what} to be a receive end, got ${describe(value)}`);
  return port;
}

/** A value in the words of an error text: its kind, never its content. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  const port = portOf(value);
  if (port !== undefined) return `a ${port.kind} end`;
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "object" ? "an object" : typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
}

/**
 * The signal of an operation's options.
 * @throws TypeError when the options or their signal are not what they have to be.
 */
export function signalOf(options: OperationOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null) throw new TypeError(`Expected options to be an object, got ${describe(options)}`);
  const signal: unknown = options.signal;
  if (signal === undefined) return undefined;
  if (typeof signal !== "object" || signal === null || typeof (signal as AbortSignal).addEventListener !== "function")
    throw new TypeError(`Expected options.signal to be an AbortSignal, got ${describe(signal)}`);
  return signal as AbortSignal;
}

/** An error given as the reason of a close. */
function reasonOf(reason: unknown): Error | undefined {
  if (reason === undefined || reason instanceof Error) return reason;
  throw new TypeError(`Expected the reason of close to be an Error, got ${describe(reason)}`);
}

const done: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/** Keeps the end, not only its port: a loop is a use of it. */
async function* iterate(end: Branded, signal: AbortSignal | undefined): AsyncGenerator<unknown, void, void> {
  for (;;) {
    const received = await receiveUnlessAborted(end[brand] as ReceivePort, signal);
    if (received.done) return;
    yield received.value;
  }
}

/** Aborting ends a loop without throwing. */
async function receiveUnlessAborted(port: ReceivePort, signal: AbortSignal | undefined): Promise<Received<unknown>> {
  if (signal?.aborted) return done;
  try {
    return await port.receive(signal);
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return done;
    throw error;
  }
}

const disposeSymbol: unknown = Symbol.dispose; // some engines do not have it yet

function prototypeFor(kind: Port["kind"], methods: object): object {
  const prototype = Object.create(Function.prototype, {
    [Symbol.toStringTag]: { value: kind === "send" ? "SendChannel" : "ReceiveChannel" },
  }) as object;
  for (const name of ["capacity", "buffered", "closed"] as const) {
    Object.defineProperty(prototype, name, {
      get(this: Branded) {
        return this[brand][name];
      },
    });
  }
  for (const [name, method] of Object.entries(methods)) Object.defineProperty(prototype, name, { value: method as unknown });
  if (disposeSymbol !== undefined) {
    Object.defineProperty(prototype, disposeSymbol as symbol, {
      value(this: Branded): void {
        this[brand].letGo();
      },
    });
  }
  return prototype;
}

const sendPrototype = prototypeFor("send", {
  close(this: Branded, reason?: Error): void {
    (this[brand] as SendPort).close(reasonOf(reason));
  },
});
const receivePrototype = prototypeFor("receive", {
  close(this: Branded): void {
    this[brand].letGo();
  },
  values(this: Branded, options?: OperationOptions): AsyncIterable<unknown> {
    return iterate(this, signalOf(options));
  },
});
Object.defineProperty(receivePrototype, Symbol.asyncIterator, {
  value(this: Branded): AsyncIterator<unknown> {
    return iterate(this, undefined);
  },
});

const subscriptionPrototype = Object.create(receivePrototype, {
  missed: {
    get(this: Branded) {
      return (this[brand] as ReceivePort).missed;
    },
  },
}) as object;

function dress(call: object, prototype: object, port: Port): void {
  Object.setPrototypeOf(call, prototype);
  Object.defineProperty(call, brand, { value: port });
  Object.freeze(call);
}

/** The send end over a port; the same one each time. */
export function sendEnd<T>(port: SendPort): SendChannel<T> {
  if (port.end === undefined) {
    const send = (value: unknown, options?: OperationOptions): Promise<void> =>
      port.send(value, options === undefined ? undefined : signalOf(options));
    dress(send, sendPrototype, port);
    port.end = send as unknown as SendChannel<unknown>;
  }
  return port.end as SendChannel<T>;
}

/** The receive end over a port; the same one each time. */
export function receiveEnd<T>(port: ReceivePort): ReceiveChannel<T> {
  if (port.end === undefined) {
    const receive = (options?: OperationOptions): Promise<Received<unknown>> =>
      port.receive(options === undefined ? undefined : signalOf(options));
    dress(receive, port.missed === undefined ? receivePrototype : subscriptionPrototype, port);
    port.end = receive as unknown as ReceiveChannel<unknown>;
  }
  return port.end as ReceiveChannel<T>;
}

/** The end over any port. */
export function endOf(port: Port): SendChannel<unknown> | ReceiveChannel<unknown> {
  return port.kind === "send" ? sendEnd<unknown>(port) : receiveEnd<unknown>(port);
}
