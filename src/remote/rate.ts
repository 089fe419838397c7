/** How often something may happen over time. Layer: remote. A token bucket, whose debts are told. */
import type { Clock } from "../core/clock.js";

/** So many seconds' worth may come at once. */
const burstSeconds = 5;

export class Rate {
  #left: number;
  #at: number;

  constructor(
    readonly clock: Clock,
    readonly perSecond: number,
  ) {
    this.#left = burstSeconds * perSecond;
    this.#at = clock.now();
  }

  /** It happens once more. @returns how long whoever does it has to wait for that, milliseconds: 0 when it was not too often */
  take(): number {
    const now = this.clock.now();
    this.#left = Math.min(burstSeconds * this.perSecond, this.#left + ((now - this.#at) / 1_000) * this.perSecond) - 1;
    this.#at = now;
    return this.#left >= 0 ? 0 : (-this.#left / this.perSecond) * 1_000;
  }
}
