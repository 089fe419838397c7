/** What a side does about a lost link: the dialer looks for another, the listener waits. Layer: peer. */
import type { Timer } from "./core/clock.js";
import { NetchanError } from "./errors.js";
import { deadline } from "./session/deadline.js";
import { handshakeMs } from "./session/handshake.js";
import type { Host } from "./session/host.js";
import type { Session } from "./session/session.js";

export interface Comeback {
  /** The link is gone. */
  lost(error: NetchanError): void;
  /** There is one again. */
  returned(): void;
  /** The application would like another link now. */
  now(): void;
  /** The session has ended. */
  over(): void;
}

/** The peer, as it is seen from here. */
export interface Returning {
  readonly session: Session;
  /** The other side has said its first word: the application knows of the session. */
  readonly confirmed: boolean;
  /** Tells the application. `endsAt` is of the monotonic clock. */
  reconnecting(status: {
    readonly endsAt: number;
    readonly error: NetchanError;
    readonly attempt?: number;
    readonly retryInMs?: number;
  }): void;
}

/** Ends a session whose link was lost. */
export function lose(session: Session, text: string, cause: unknown): void {
  session.finish({ reason: "lost", error: new NetchanError("SESSION_LOST", text, { cause }) });
}

/** The listener's part: it alone judges when the window is over. */
export class Await implements Comeback {
  #timer: Timer | undefined;
  #error: NetchanError | undefined;
  #endsAt = 0;
  #held = 0;

  constructor(
    readonly peer: Returning,
    readonly host: Host,
    /** 0 for a dialer that does not come back. */
    readonly windowMs: number,
  ) {}

  lost(error: NetchanError): void {
    this.#error = error;
    // A stranger that said hello and nothing more is not waited for longer than for a hello.
    const windowMs = this.peer.confirmed ? this.windowMs : Math.min(this.windowMs, handshakeMs);
    this.#endsAt = this.host.clock.now() + windowMs;
    if (this.windowMs === 0) this.#expire();
    else {
      this.#arm();
      this.peer.reconnecting({ endsAt: this.#endsAt, error });
    }
  }
  returned(): void {
    this.#timer?.cancel();
    this.#timer = this.#error = undefined;
  }
  now(): void {}
  over(): void {
    this.returned();
  }

  /** Somebody with the right token stands at the door: nothing expires before it is known whether it may come in. */
  hold(): void {
    this.#held++;
    this.#timer?.cancel();
  }
  release(): void {
    this.#held--;
    if (this.#error !== undefined) this.#arm();
  }

  #arm(): void {
    this.#timer?.cancel();
    if (this.#held > 0) return;
    this.#timer = deadline(this.host.clock, Math.max(0, this.#endsAt - this.host.clock.now()), () => this.#expire());
  }
  #expire(): void {
    lose(
      this.peer.session,
      this.windowMs === 0 ? "the link was lost" : `the other side did not come back within ${this.windowMs} ms`,
      this.#error,
    );
  }
}
