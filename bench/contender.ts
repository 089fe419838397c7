/** What a row of the benchmark is made of. Leaf: only types and the units. */

/** Does `count` exchanges and is fulfilled when the last one has arrived at the other side and was found to be in order. */
export type Exchange = (count: number) => Promise<void>;

/** One library doing one workload. `serve` runs in a process of its own; a workload without it is local to one process. */
export interface Contender {
  /** @returns the address that `connect` is given */
  readonly serve?: () => Promise<string>;
  readonly connect: (address: string) => Promise<Exchange>;
}

export interface Entry {
  readonly name: string;
  /** Imported only in the processes that run it: no library shares a process with another one. */
  readonly load: () => Promise<Contender>;
  /** What netchan divided by this one has to be. Without it the entry is there to compare. */
  readonly goal?: Goal;
}
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  /** Both ends in one process: no server is started. */
  readonly local?: true;
  /** The first one is netchan. */
  readonly entries: readonly Entry[];
}

export interface Unit {
  readonly name: string;
  readonly of: (count: number, ms: number) => number;
}
export const perSecond: Unit = { name: "values/s", of: (count, ms) => (count * 1000) / ms };
export const roundTrip: Unit = { name: "µs/round trip", of: (count, ms) => (ms * 1000) / count };
/** MB is 10^6 bytes. */
export const megabytes = (bytesEach: number): Unit => ({ name: "MB/s", of: (count, ms) => (count * bytesEach) / 1000 / ms });
