/** How much of one session is handled before others have their turn. Layer: session. Source: PROTOCOL.md "Limits". */
import type { Host } from "./host.js";

/** Bytes of batches, every frame counted for some: handling them takes about a millisecond. */
const shareBytes = 256 * 1024;
/** What a frame counts for, whatever its size. */
const frameBytes = 1024;

export class Share {
  #left = shareBytes;
  /** How long others have their turn, because of what was handled: milliseconds. */
  #pauseMs = 0;

  constructor(readonly host: Host) {}

  /** A batch of so many bytes is going to be read. */
  batch(bytes: number): void {
    this.#left -= bytes;
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
  others(): Promise<void> {
    const ms = this.#pauseMs;
    this.#pauseMs = 0;
    return new Promise((resolve) => (ms > 0 ? this.host.clock.start(ms, resolve, "idle") : this.host.defer(resolve)));
  }
}
