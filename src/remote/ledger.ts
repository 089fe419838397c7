/**
 * The numbers of one receive end: what was asked for, what was offered, what is open. Layer: remote. Pure.
 * Invariant: `0 <= open <= offered <= limit`; offers are numbered 1, 2, 3 …; the open ones are the last `open` of them; a decline takes
 * back that offer and all behind it, with the demand for them, and begins a new epoch. Source: PROTOCOL.md "Receiving".
 */
export class Ledger {
  limit = 0;
  /** Offers made in all, those taken back not counted. */
  offered = 0;
  open = 0;
  epoch = 0;

  /** More is asked for. @returns false when that is more than `most` values at once. */
  raise(limit: number, most: number): boolean {
    if (limit - this.offered + this.open > most) return false;
    if (limit > this.limit) this.limit = limit;
    return true;
  }
  get wanting(): boolean {
    return this.offered < this.limit;
  }
  /** @returns the number of a new offer. */
  offer(): number {
    this.open++;
    this.offered++;
    return this.offered;
  }
  /** The latest offer was not made after all. */
  unoffer(): void {
    this.open--;
    this.offered--;
  }
  /** The place of an offer among the open ones, oldest first; negative or too large when it is not open. */
  place(number: number): number {
    return number - (this.offered - this.open + 1);
  }
  /** An answer for good. @returns false when it is not about the oldest open offer. */
  answer(number: number): boolean {
    if (this.open === 0 || this.place(number) !== 0) return false;
    this.open--;
    return true;
  }
  /**
   * The number may be that of the next offer: then only what was asked for is taken back.
   * @returns the place from which on offers are taken back; undefined for a decline that cannot be
   */
  decline(number: number, epoch: number): number | undefined {
    const place = this.place(number);
    if (place < 0 || place > this.open || epoch !== this.epoch + 1) return undefined;
    this.epoch = epoch;
    this.offered = this.limit = number - 1;
    this.open = place;
    return place;
  }
}
