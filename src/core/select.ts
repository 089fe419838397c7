/**
 * `select` and `trySelect` over ends of any process. Layer: core.
 * Each case enters its channel in random order; the first that can proceed wins and the others leave. Cases of channels that live
 * here are decided on the spot; what other processes have to say is behind their sources and ports.
 */
import type { Case, Checked, OperationOptions, Selected } from "../contract.js";
import { ReceiveCase } from "./cases.js";
import { describe, portOf, type SendPort, sendPortOf, signalOf } from "./end.js";
import { type Offered, openOrRefuse } from "./offered.js";
import { AbortWatch, Deferred, rejected } from "./operations.js";
import { type Entry, ended, finishCase, type Outcome, Remaining, type RemoteHome, Selection, shuffle } from "./selection.js";
import type { Source } from "./waiter.js";

type Chosen = { readonly case: string; readonly done?: boolean; readonly value?: unknown };

/** The cases as they were given, checked: a receive case has sources, a send case a port and a value. */
type Checkup = { readonly sources: readonly Source[] } | { readonly port: SendPort; readonly value: unknown } | undefined;

function check(name: string, given: unknown): Checkup {
  if (given === undefined || given === null || given === false) return undefined;
  const port = portOf(given);
  if (port?.kind === "receive") return { sources: port.sources };
  if (Array.isArray(given) && given.length === 2) return { port: sendPortOf(given[0], `case "${name}"`), value: given[1] as unknown };
  throw new TypeError(`Expected case "${name}" to be a receive end, [send, value], undefined, null or false, got ${describe(given)}`);
}

function checkAll(cases: unknown): { readonly names: readonly string[]; readonly checked: readonly Checkup[] } {
  if (typeof cases !== "object" || cases === null || Array.isArray(cases))
    throw new TypeError(`Expected cases to be an object of named cases, got ${describe(cases)}`);
  const names = Object.keys(cases);
  return { names, checked: names.map((name) => check(name, (cases as Record<string, unknown>)[name])) };
}

/** A receive case over nothing (a merge of no channels) is done at once. */
class EmptyCase implements Entry {
  readonly remote = undefined;
  constructor(
    readonly selection: Selection,
    readonly index: number,
  ) {}
  enter(): void {
    finishCase(this.selection, this.index, undefined);
  }
  withdraw(): void {}
  attempt(): never {
    throw new TypeError("a case that is always ready is never asked of another process");
  }
}

function enlist(selection: Selection, checked: readonly Checkup[]): Entry[] {
  return checked.flatMap((given, index): Entry[] => {
    if (given === undefined) return [];
    if ("port" in given) return [given.port.enlist(selection, index, given.value)];
    const remaining = new Remaining(given.sources.length);
    return given.sources.length === 0
      ? [new EmptyCase(selection, index)]
      : given.sources.map((source) => new ReceiveCase(selection, index, source, remaining));
  });
}

/** A select as a promise. */
class Choice implements Outcome {
  readonly deferred = new Deferred<Chosen | undefined>();
  readonly watch = new AbortWatch();

  constructor(
    readonly names: readonly string[],
    /** Their ends are in use until it is decided. */
    readonly cases: unknown,
  ) {}

  won(index: number, received: Parameters<Outcome["won"]>[1]): void {
    this.watch.stop();
    const name = this.names[index] as string;
    if (received === undefined) this.deferred.resolve({ case: name });
    else if ("done" in received) this.deferred.resolve({ case: name, done: true, value: undefined });
    else
      this.deferred.resolve(
        received.from === undefined
          ? { case: name, done: false, value: received.value }
          : ({ case: name, done: false, value: received.value, from: received.from } as Chosen),
      );
  }
  failed(error: unknown): void {
    this.watch.stop();
    this.deferred.reject(error);
  }
  none(): void {
    this.watch.stop();
    this.deferred.resolve(undefined);
  }
}

/**
 * `trySelect`: what lives here is looked at first; then every other process is asked in turn, once, for all its cases together.
 * `given` gets a value that another process reserved, and has to win the select with it and answer it; `none` is called when nothing was ready.
 */
export class Asking {
  readonly #homes = new Map<RemoteHome, Entry[]>();
  readonly #here: Entry[] = [];
  readonly #order: RemoteHome[];

  constructor(
    readonly selection: Selection,
    entries: readonly Entry[],
    random: () => number,
    readonly none: () => void,
    readonly given: (index: number, offered: Offered) => void,
  ) {
    for (const entry of entries) {
      if (entry.remote === undefined) this.#here.push(entry);
      else this.#homes.set(entry.remote, [...(this.#homes.get(entry.remote) ?? []), entry]);
    }
    this.#order = [...this.#homes.keys()];
    shuffle(this.#order, random);
  }

  start(): void {
    this.selection.start(this.#here);
    this.selection.onReopened = () => this.#next();
    if (this.selection.state === "open") this.#next();
  }

  #next(): void {
    for (const entry of this.#here) entry.withdraw();
    const home = this.#order.shift();
    if (home === undefined) {
      this.selection.onReopened = undefined;
      this.none();
      return;
    }
    this.selection.lock(); // until that process has answered
    this.#ask(home, this.#homes.get(home) as Entry[]);
  }

  #ask(home: RemoteHome, entries: readonly Entry[]): void {
    home.attempt(
      entries.map((entry) => entry.attempt()),
      (result) => {
        if (result === undefined) this.selection.unlock();
        else if ("error" in result) this.selection.fail(result.error);
        else if (result.done) this.#ended(home, entries, result.index, entries[result.position ?? -1]);
        else if (result.offered === undefined) this.selection.win(result.index, undefined);
        else this.given(result.index, result.offered);
      },
    );
  }
  /** One of several sources of a case has ended: the others are asked, with all other cases. */
  #ended(home: RemoteHome, entries: readonly Entry[], index: number, ending: Entry | undefined): void {
    const rest = entries.filter((entry) => entry !== ending);
    if (ending?.exhausted?.() !== false) this.selection.win(index, ended);
    else if (rest.length === 0) this.selection.unlock();
    else this.#ask(home, rest);
  }
}

/** All cases of one other process are decided there. A merged view is several cases to its home, and a lone receive is no more than demand. */
function travelling(selection: Selection, checked: readonly Checkup[], entries: readonly Entry[]): Entry | undefined {
  const home = entries[0]?.remote;
  const cases = checked.filter((given) => given !== undefined);
  if (home === undefined || entries.length !== cases.length || entries.some(({ remote }) => remote !== home)) return undefined;
  if (cases.length === 1 && cases[0] !== undefined && "sources" in cases[0]) return undefined;
  return home.travel(
    selection,
    entries.map((entry) => entry.attempt()),
  );
}

export interface Select {
  /**
   * Waits until one case can proceed and does exactly that one, chosen at random among the ready. The others leave no trace.
   * Aborting does none of them. Without a case that is on it waits for ever, as in Go.
   * @throws TypeError for a case that is none; CHANNEL_CLOSED when a send case's channel is closed; what the case's own operation would reject with
   */
  select<C extends Record<string, Case>>(cases: C & Checked<C>, options?: OperationOptions): Promise<Selected<C>>;
  /** Go's `select` with `default`: `undefined` when no case was ready when its home was asked. Cases of several homes are asked one home after the other. */
  trySelect<C extends Record<string, Case>>(cases: C & Checked<C>, options?: OperationOptions): Promise<Selected<C> | undefined>;
}

/** Binds the two to a source of randomness: numbers from 0 up to, not including, 1. */
export function makeSelect(random: () => number): Select {
  const begin = (
    cases: unknown,
    options: OperationOptions | undefined,
    run: (selection: Selection, choice: Choice, entries: Entry[], checked: readonly Checkup[]) => void,
  ): Promise<Chosen | undefined> => {
    const signal = signalOf(options);
    const { names, checked } = checkAll(cases);
    if (signal?.aborted) return rejected(signal.reason);
    const choice = new Choice(names, cases);
    const selection = new Selection(random, choice);
    let entries: Entry[];
    try {
      entries = enlist(selection, checked);
    } catch (error) {
      return rejected(error);
    }
    if (signal !== undefined) choice.watch.watch(signal, (reason) => selection.cancel(reason));
    run(selection, choice, entries, checked);
    return choice.deferred.promise;
  };
  const trial = (selection: Selection, choice: Choice, entries: readonly Entry[]): Asking =>
    new Asking(
      selection,
      entries,
      random,
      () => choice.none(),
      (index, offered) => {
        const opened = openOrRefuse(offered);
        if (opened === undefined) {
          selection.unlock(); // the next one is asked
          return;
        }
        selection.win(index, { value: opened.value, from: offered.parcel?.from });
        offered.taken();
      },
    );
  return {
    select: <C extends Record<string, Case>>(cases: C & Checked<C>, options?: OperationOptions) =>
      begin(cases, options, (selection, _choice, entries, checked) => {
        const whole = travelling(selection, checked, entries);
        selection.start(whole === undefined ? entries : [whole]);
      }) as unknown as Promise<Selected<C>>,
    trySelect: <C extends Record<string, Case>>(cases: C & Checked<C>, options?: OperationOptions) =>
      begin(cases, options, (selection, choice, entries) => trial(selection, choice, entries).start()) as unknown as Promise<
        Selected<C> | undefined
      >,
  };
}
