/** How much of one session is handled before others have their turn. Layer: session. */
import type { Host } from "./host.js";

/** Bytes of batches, every frame counted for some: handling them takes about a millisecond. */
const shareBytes = 256 * 1024;
/** What a frame counts for, whatever its size. */
const frameBytes = 1024;

export class Share {
  #left = shareBytes;

  constructor(readonly host: Host) {}

  /** A batch of so many bytes is going to be read. */
  batch(bytes: number): void {
    this.#left -= bytes;
  }
  /** A frame is going to be handled. @returns whether others come first */
  frame(): boolean {
    const spent = this.#left <= 0;
    if (spent) this.#left = shareBytes;
    this.#left -= frameBytes;
    return spent;
  }
  /** The turn of the others. */
  others(): Promise<void> {
    return new Promise((resolve) => this.host.defer(resolve));
  }
}
