/**
 * What has come for an end and has to be done in that order, though some of it must wait: for a decision, for the check of a value.
 * Layer: remote.
 * Invariant: the first step is not ready, or is just being done.
 */

/** One thing to do. */
export interface Step {
  /** It is the first: does what there is to do and leaves, if it is ready; else waits to be asked again. */
  advance(): void;
}

export class InTurn {
  readonly #steps: Step[] = [];
  #advancing = false;

  get first(): Step | undefined {
    return this.#steps[0];
  }
  add(step: Step): void {
    this.#steps.push(step);
    if (this.#steps.length === 1) this.advance();
  }
  /** It is done, or need not be done any more. */
  leave(step: Step): void {
    const place = this.#steps.indexOf(step);
    if (place < 0) return;
    this.#steps.splice(place, 1);
    if (place === 0) this.advance();
  }
  /** Something that the first may have been waiting for is there. */
  advance(): void {
    if (this.#advancing) return; // whoever is at it goes on
    this.#advancing = true;
    try {
      for (let step = this.first, last: Step | undefined; step !== undefined && step !== last; step = this.first) {
        last = step;
        step.advance();
      }
    } finally {
      this.#advancing = false;
    }
  }
}
