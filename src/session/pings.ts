/** Round trips under way. Layer: session. Invariant: each is answered or failed once; those of a lost link are asked again on the next. */
import type { Clock } from "../core/clock.js";

interface Ping {
  begun: number;
  readonly answered: (ms: number) => void;
  readonly failed: () => void;
}

export class Pings {
  readonly #open = new Map<number, Ping>();
  #latest = 0;

  constructor(
    readonly clock: Clock,
    /** Sends a ping over the present link, if there is one. */
    readonly send: (id: number) => void,
  ) {}

  get size(): number {
    return this.#open.size;
  }

  /** Only asks: whatever comes back says that somebody is there. */
  ask(): void {
    this.send(++this.#latest);
  }
  /** `answered` gets milliseconds; `failed` is called if the session ends first. @returns a function that forgets it. */
  measure(answered: (ms: number) => void, failed: () => void): () => void {
    const id = ++this.#latest;
    this.#open.set(id, { begun: this.clock.now(), answered, failed });
    this.send(id);
    return () => this.#open.delete(id);
  }
  /** There is a new link: what is measured is the round trip over that one. */
  again(): void {
    for (const [id, ping] of this.#open) {
      ping.begun = this.clock.now();
      this.send(id);
    }
  }
  answered(id: unknown): void {
    const ping = this.#open.get(id as number);
    this.#open.delete(id as number);
    ping?.answered(this.clock.now() - ping.begun);
  }
  fail(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const ping of open) ping.failed();
  }
}
