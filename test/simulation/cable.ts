/** A link between two simulated processes, and all that can happen to one. */
import type { Link } from "../../src/contract.js";
import type { Process } from "./process.js";

type Batch = string | Uint8Array;
type Arriving = { readonly batch: Batch } | { readonly end: Error | undefined };

/** What one side has received and not read. */
class Reading implements AsyncIterableIterator<Batch> {
  readonly #batches: Batch[] = [];
  #waiting: { resolve(result: IteratorResult<Batch>): void; reject(error: unknown): void } | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  get ended(): boolean {
    return this.#end !== undefined;
  }
  arrive(arriving: Arriving): void {
    if (this.#end !== undefined) return;
    if ("end" in arriving) this.#end = { error: arriving.end };
    else this.#batches.push(arriving.batch);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.next().then(waiting.resolve, waiting.reject);
  }
  next(): Promise<IteratorResult<Batch>> {
    const batch = this.#batches.shift();
    if (batch !== undefined) return Promise.resolve({ done: false, value: batch });
    if (this.#end === undefined)
      return new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    return this.#end.error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(this.#end.error);
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** One direction. */
export class Wire {
  readonly queue: Arriving[] = [];
  /** What is sent goes nowhere, and nobody is told. */
  silent = false;
  /** It carries nothing any more; what is in `queue` still arrives. */
  over = false;
  /** Nothing arrives before then. */
  heldUntil = 0;
  readonly reading = new Reading();

  constructor(
    /** Where it leads. */
    readonly to: Process,
    /** Every frame of a text travels as a batch of its own. */
    readonly splits = false,
  ) {}

  send(arriving: Arriving): void {
    if (this.silent || this.over || this.reading.ended) return;
    if (this.splits && "batch" in arriving && typeof arriving.batch === "string") {
      for (const frame of JSON.parse(arriving.batch) as readonly unknown[]) this.queue.push({ batch: JSON.stringify([frame]) });
    } else this.queue.push(arriving);
    if ("end" in arriving) this.over = true;
  }
  /** @returns the batch that arrived, if it was one */
  deliver(): Batch | undefined {
    const arriving = this.queue.shift();
    if (this.queue.length <= 2) for (const relieve of this.#congested.splice(0)) relieve();
    if (arriving !== undefined) this.reading.arrive(arriving);
    return arriving !== undefined && "batch" in arriving ? arriving.batch : undefined;
  }
  readonly #congested: (() => void)[] = [];
  /** As links do: a promise while too much is under way. A link that has died may leave it pending for ever. */
  get congestion(): Promise<void> | undefined {
    if (this.queue.length <= 4) return undefined;
    return new Promise((resolve) => void this.#congested.push(resolve));
  }
  /** The connection fails behind the first `keep` batches. */
  break(keep: number): void {
    if (this.silent) return;
    this.queue.splice(keep);
    this.over = false;
    this.send({ end: new Error("the connection was reset") });
  }
  has(start: string): boolean {
    return this.queue.some((arriving) => "batch" in arriving && typeof arriving.batch === "string" && arriving.batch.startsWith(start));
  }
}

export class Cable {
  readonly up: Wire;
  readonly down: Wire;
  readonly dialerSide: Link & { terminate(): void };
  readonly listenerSide: Link & { terminate(): void };

  /** Few batches have passed since a session was resumed over it. */
  #passed = 0;
  get fresh(): boolean {
    return this.resumed && this.#passed < 4;
  }
  resumed = false;
  noticed(arriving: string | Uint8Array | undefined): void {
    if (this.resumed) this.#passed++;
    else if (typeof arriving === "string" && arriving.startsWith('[["resumed"')) this.resumed = true;
  }

  /**
   * @param lingers - what is under way is still read after the reader has closed its side
   * @param splits - every frame of a text travels as a batch of its own
   */
  constructor(dialer: Process, listener: Process, lingers: boolean, splits = false) {
    this.up = new Wire(listener, splits);
    this.down = new Wire(dialer, splits);
    this.dialerSide = side(this.up, this.down, lingers);
    this.listenerSide = side(this.down, this.up, lingers);
  }
  get wires(): readonly [Wire, Wire] {
    return [this.up, this.down];
  }
  /** Neither side will hear anything of it any more. */
  get gone(): boolean {
    return this.wires.every((wire) => wire.queue.length === 0 && wire.reading.ended);
  }
}

function side(out: Wire, into: Wire, lingers: boolean): Link & { terminate(): void } {
  const end = (): void => {
    if (lingers) {
      into.over = true;
      into.queue.push({ end: undefined });
      return;
    }
    into.reading.arrive({ end: undefined });
    into.queue.length = 0;
    into.over = true;
  };
  return {
    transport: "memory",
    received: into.reading,
    send: (batch) => {
      out.send({ batch });
      return out.congestion;
    },
    close: () => {
      end();
      out.send({ end: undefined });
    },
    terminate: () => {
      end();
      out.break(0);
    },
  };
}
