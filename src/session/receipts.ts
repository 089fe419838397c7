/**
 * What was received, and what the other side has been told of it. Layer: session.
 * Invariant: `told <= received`; an acknowledgement is due after so many frames, so many bytes, or so long, whichever comes first.
 * Source: PROTOCOL.md "Numbers and acknowledgements".
 */
import type { Clock, Timer } from "../core/clock.js";
import { NetchanError } from "../errors.js";

/** An acknowledgement is due after so many frames … */
const ackFrames = 32;
/** … or so many bytes … */
const ackBytes = 64 * 1024;
/** … or so long after a frame, at the latest. */
const ackMs = 50;

export class Receipts {
  /** The number of the last frame that was accepted. */
  received = 0;
  #told = 0;
  #bytes = 0;
  #timer: Timer | undefined;
  /** It goes out with the next batch. */
  wanted = false;

  constructor(
    readonly clock: Clock,
    /** It is time. */
    readonly due: () => void,
  ) {}

  /**
   * A frame came.
   * @returns whether it is new; one that was accepted before is a replay
   * @throws NetchanError PROTOCOL_VIOLATION when one is missing before it
   */
  accept(number: number): boolean {
    if (number > this.received + 1) throw new NetchanError("PROTOCOL_VIOLATION", `frame ${number} came after frame ${this.received}`);
    if (number <= this.received) return false;
    this.received = number;
    return true;
  }
  arrived(bytes: number): void {
    this.#bytes += bytes;
  }

  get isDue(): boolean {
    return this.received - this.#told >= ackFrames || this.#bytes >= ackBytes;
  }
  get untold(): boolean {
    return this.received > this.#told;
  }
  /** There is something to tell, and it can wait a little. */
  later(): void {
    this.#timer ??= this.clock.start(
      ackMs,
      () => {
        this.#timer = undefined;
        if (!this.untold) return;
        this.wanted = true;
        this.due();
      },
      "idle",
    );
  }
  /** @returns the frame that acknowledges all that was received. */
  tell(): string {
    this.wanted = false;
    this.#told = this.received;
    this.#bytes = 0;
    this.stop();
    return `["ack",${this.received}]`;
  }
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
