/** What a session says to whoever owns it. Layer: session. */
import type { NetchanError } from "../errors.js";
import type { Frame } from "../wire/frame.js";

/** How a session ended, before the application hears of it. */
export interface Finish {
  readonly reason: "closed" | "aborted" | "lost" | "refused";
  readonly error: NetchanError | undefined;
  /** The other side broke the rules, or a limit. */
  readonly isGuilty?: boolean;
}

export interface SessionOwner {
  /** A new frame, in order, once. A thrown error ends the session. */
  frame(frame: Frame): void;
  /** There is room again: what was held back may go on. */
  drained(): void;
  /** The link is gone; the session waits for another. */
  suspended(error: NetchanError): void;
  /** There is a link, the first one or another. */
  connected(): void;
  /** The other side, asked whether it is there, has answered. */
  awake(): void;
  finished(finish: Finish): void;
}
