/** A switch with two positions, as promises: `running` for the time in which this tab takes part. */

export class Pause {
  #running = new AbortController();
  #resumed: PromiseWithResume = withResume();

  get paused(): boolean {
    return this.#running.signal.aborted;
  }
  /** Aborts at the next pause; aborted while paused. */
  get running(): AbortSignal {
    return this.#running.signal;
  }
  /** Settles when this is not, or no longer, paused. */
  resumed(): Promise<void> {
    return this.paused ? this.#resumed.promise : Promise.resolve();
  }

  pause(): void {
    if (!this.paused) this.#resumed = withResume();
    this.#running.abort();
  }
  resume(): void {
    if (!this.paused) return;
    this.#running = new AbortController();
    this.#resumed.resume();
  }
}

interface PromiseWithResume {
  readonly promise: Promise<void>;
  readonly resume: () => void;
}

function withResume(): PromiseWithResume {
  let resume = (): void => {};
  const promise = new Promise<void>((resolve) => {
    resume = resolve;
  });
  return { promise, resume };
}
