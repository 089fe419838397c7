/**
 * Is the other side of a link still there? Layer: session.
 * The side that asks pings after one heartbeat of silence; either side gives the link up after three (five while the page on the other
 * side, or here, is hidden: its timers are throttled). A dead link is not a dead session.
 * Invariant: all times are of the monotonic clock. A process that was frozen itself first reads what has arrived meanwhile.
 * Source: PROTOCOL.md "Liveness".
 */
import type { Timer } from "../core/clock.js";
import { deadline } from "./deadline.js";
import type { Host } from "./host.js";

/** Heartbeats of silence after which a link is given up. */
const deadAfter = 3;
/** The same while a page is hidden: at 15 s, 75 s; browsers let the timers of a hidden page run once a minute. */
const deadAfterHidden = 5;
/** Clocks count in fractions: what is due to within this is due, milliseconds. */
const roundingMs = 0.01;
/** A peer heard from this lately is taken to be there; after a longer silence it is asked first, milliseconds. */
const freshMs = 1_000;

export class Liveness {
  #heardAt = 0;
  #askedAt = 0;
  #timer: Timer | undefined;
  /** The page on the other side, or this one, is hidden. */
  hidden = false;

  constructor(
    readonly host: Host,
    readonly heartbeatMs: number,
    /** This side asks after one heartbeat of silence. */
    readonly asks: boolean,
    readonly ask: () => void,
    readonly dead: (silentMs: number) => void,
  ) {}

  /** Something arrived. */
  heard(): void {
    this.#heardAt = this.host.clock.now();
  }
  get fresh(): boolean {
    return this.host.clock.now() - this.#heardAt <= freshMs;
  }

  start(): void {
    this.stop();
    this.heard();
    this.#askedAt = this.#heardAt;
    this.#beat();
  }
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
  /** Armed for what comes first: the next question, or the end. What is heard meanwhile only moves them. */
  #beat(): void {
    const { clock } = this.host;
    const mostMs = (this.hidden ? deadAfterHidden : deadAfter) * this.heartbeatMs;
    const askAt = Math.max(this.#heardAt, this.#askedAt) + this.heartbeatMs;
    const deadAt = this.#heardAt + mostMs;
    const nextAt = this.asks ? Math.min(askAt, deadAt) : deadAt;
    this.#timer = deadline(clock, Math.max(0, nextAt - clock.now()), () => {
      const silentMs = clock.now() - this.#heardAt;
      if (silentMs + roundingMs >= (this.hidden ? deadAfterHidden : deadAfter) * this.heartbeatMs) {
        this.#timer = undefined;
        this.dead(silentMs);
        return;
      }
      if (this.asks && clock.now() - Math.max(this.#heardAt, this.#askedAt) + roundingMs >= this.heartbeatMs) {
        this.#askedAt = clock.now();
        this.ask();
      }
      this.#beat();
    });
  }
}
