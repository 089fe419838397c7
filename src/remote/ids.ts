/** Ids of ends in one session: the dialer gives out odd ones, the listener even ones. Layer: remote. Source: PROTOCOL.md "Ends". */

/** The default pair's ids; the others begin behind them. */
export const pairIds = { toListener: 1, toDialer: 2 } as const;
const firstFree = 4;

export class Ids {
  #last: number;
  #highestForeign = 0;

  constructor(dialer: boolean) {
    this.#last = dialer ? firstFree - 1 : firstFree;
  }
  next(): number {
    this.#last += 2;
    return this.#last;
  }
  /** The other side gives out an id. @returns false when it is not its to give. */
  foreign(id: number): boolean {
    if (id < firstFree || id % 2 === this.#last % 2) return false;
    this.#highestForeign = Math.max(this.#highestForeign, id);
    return true;
  }
  /** Has that id ever meant anything? */
  known(id: number): boolean {
    return id < firstFree || id <= (id % 2 === this.#last % 2 ? this.#last : this.#highestForeign);
  }
}
