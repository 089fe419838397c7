/** How much of one session is handled before others have their turn. Layer: session. Source: PROTOCOL.md "Limits". */
import type { Host } from "./host.js";

/** Bytes of batches, every frame counted for some: handling them takes about a millisecond. */
const shareBytes = 256 * 1024;
/** What a frame counts for, whatever its size. */
const frameBytes = 1024;
/** What keeps others from their turn for longer than this is made up for, milliseconds: long beside a pause for rubbish, short beside a ping. */
const longMs = 10;
/** By so many times as long, and at most by this. */
const amends = 8;
const mostAmendsMs = 1_000;

export class Share {
  #left = shareBytes;
  /** How long others have their turn, because of what was handled: milliseconds. */
  #pauseMs = 0;
  /** Since when this session has had its turn. */
  #since = 0;

  constructor(readonly host: Host) {}

  /** A batch of so many bytes is going to be read. */
  batch(bytes: number): void {
    this.#left -= bytes;
    this.#since = this.host.clock.now();
  }
  /** It was a long turn: others come first, before another batch is read. */
  get isLong(): boolean {
    return this.host.clock.now() - this.#since > longMs;
  }
  /** A frame is going to be handled. @returns whether others come first */
  frame(): boolean {
    const spent = this.#left <= 0 || this.#pauseMs > 0;
    if (spent) this.#left = shareBytes;
    this.#left -= frameBytes;
    return spent;
  }
  /** What has just been handled came too fast: the next waits so long. */
  slow(ms: number): void {
    this.#pauseMs = Math.max(this.#pauseMs, ms);
  }
  /** The turn of the others. */
  async others(): Promise<void> {
    const { clock, defer } = this.host;
    const amendsMs = this.isLong ? Math.min(mostAmendsMs, amends * (clock.now() - this.#since)) : 0;
    const ms = Math.max(this.#pauseMs, amendsMs);
    this.#pauseMs = 0;
    await new Promise<void>((resolve) => (ms > 0 ? clock.start(ms, resolve, "idle") : defer(resolve)));
    this.#since = clock.now();
  }
}
