/**
 * Batches that arrived and were not read yet: the `received` of a link, for one reader. Layer: transports; imports nothing.
 * Invariants: batches are read in the order they were put, and all of them before the end shows; while batches wait no reader does;
 * `pause` and `resume` are called in turns, and never twice in a row; after the end nothing is kept back from the network.
 */

/** What one link carries at a time. */
export type Batch = string | Uint8Array;

/** Beyond either the connection is told to pause. A reader that keeps up never has more than one turn of the event loop here. */
const maxUnreadBatches = 256;
const maxUnreadBytes = 1024 * 1024;

/** How to hold the connection up, where the platform can. */
export interface Brake {
  pause(): void;
  resume(): void;
}

interface Reader {
  resolve(result: IteratorResult<Batch, undefined>): void;
  reject(failure: Error): void;
}

/** The size that limits count: bytes, or UTF-16 units of text, of which there are never more than of its bytes. */
export function sizeOf(batch: Batch): number {
  return typeof batch === "string" ? batch.length : batch.byteLength;
}

/** An iterator over what comes in. A reader that leaves (`return`) wants no more: the rest is dropped as it arrives. */
export class Inbox implements AsyncIterableIterator<Batch, undefined> {
  readonly #brake: Brake;
  readonly #readers: Reader[] = [];
  #unread: (Batch | undefined)[] = [];
  /** Index of the oldest unread batch: taking from the front of an array one by one would cost its length each time. */
  #first = 0;
  #bytes = 0;
  #paused = false;
  #ended = false;
  #failure: Error | undefined;

  constructor(brake: Brake) {
    this.#brake = brake;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Adds a batch that arrived; after the end it is dropped. */
  put(batch: Batch): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: batch });
      return;
    }
    this.#unread.push(batch);
    this.#bytes += sizeOf(batch);
    if (!this.#paused && (this.#count >= maxUnreadBatches || this.#bytes >= maxUnreadBytes)) {
      this.#paused = true;
      this.#brake.pause();
    }
  }

  /** No more batches: the reader gets those that wait here, then `failure` if there is one, then `done`. The first call counts. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    const [first, ...others] = this.#readers.splice(0);
    if (first !== undefined && failure !== undefined) first.reject(failure);
    else {
      this.#failure = failure;
      first?.resolve({ done: true, value: undefined });
    }
    for (const reader of others) reader.resolve({ done: true, value: undefined });
    this.#release();
  }

  next(): Promise<IteratorResult<Batch, undefined>> {
    const batch = this.#unread[this.#first];
    if (batch !== undefined) return Promise.resolve({ done: false, value: this.#take(batch) });
    if (!this.#ended) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(failure);
  }

  return(): Promise<IteratorResult<Batch, undefined>> {
    this.#unread = [];
    this.#first = 0;
    this.#bytes = 0;
    this.end();
    this.#failure = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #count(): number {
    return this.#unread.length - this.#first;
  }

  #take(batch: Batch): Batch {
    this.#unread[this.#first] = undefined;
    this.#first += 1;
    this.#bytes -= sizeOf(batch);
    if (this.#first * 2 > this.#unread.length) {
      this.#unread.splice(0, this.#first);
      this.#first = 0;
    }
    // Half, so that a reader at the edge does not pause and resume the connection for every batch.
    if (this.#count <= maxUnreadBatches / 2 && this.#bytes <= maxUnreadBytes / 2) this.#release();
    return batch;
  }

  #release(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#brake.resume();
  }
}
