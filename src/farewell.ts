/**
 * How a session ends well: drain, then goodbye. Layer: peer.
 *
 *     close ──drain──▶ the other side        both stop beginning operations; what is under way goes on
 *           ◀─drained─ and ─drained──▶       each says so once nothing of its own is open any more
 *           ──bye────▶ ◀────bye──            at the latest when the time to drain is over; then the link is closed
 *
 * Before its `bye` each side answers every operation of the other that still waits, so that nobody is left to guess.
 * Source: PROTOCOL.md "Closing".
 */
import type { Timer } from "./core/clock.js";
import { NetchanError } from "./errors.js";
import type { Exchange } from "./remote/exchange.js";
import type { Host } from "./session/host.js";
import type { Session } from "./session/session.js";

/** How long pending operations may take to settle after `close`, unless the caller says otherwise, milliseconds. */
export const defaultDrainMs = 5_000;
/** How long to wait for the other side's goodbye, and then for its word that it has heard everything, milliseconds. */
const goodbyeMs = 1_000;

const closed = { reason: "closed", error: undefined } as const;

export class Farewell {
  #begun = false;
  #drained = false;
  #theirsDrained = false;
  #saidBye = false;
  #timer: Timer | undefined;
  /** When the time to drain is over. */
  #until = 0;
  #passive: Timer | undefined;

  constructor(
    readonly host: Host,
    readonly session: Session,
    readonly exchange: Exchange,
    /** Ends this side's direction of the default pair. */
    readonly endPair: () => void,
    /** Values of this side are still on their way to the other. */
    readonly delivering: () => boolean,
  ) {}

  begin(drainMs: number): void {
    if (this.session.ended !== undefined) return;
    if (!this.#begun) {
      this.exchange.post(`"drain",${Math.ceil(drainMs)}`);
      this.#drain();
    }
    if (this.#saidBye) return;
    this.#timer?.cancel();
    this.#until = this.host.clock.now() + drainMs;
    this.#timer = this.host.clock.start(drainMs, () => this.#bye());
  }

  #drain(): void {
    this.#begun = true;
    this.exchange.closing = new NetchanError("SESSION_CLOSED", "the session is being closed");
    this.endPair();
    this.exchange.onIdle = () => this.#look();
    this.#look();
  }

  #look(): void {
    if (!this.#drained && !this.exchange.busy && !this.delivering()) {
      this.#drained = true;
      this.exchange.post(`"drained"`);
    }
    if (this.#drained && this.#theirsDrained && this.#timer !== undefined) this.#bye();
  }

  #bye(): void {
    if (this.#saidBye || this.session.ended !== undefined) return;
    this.#saidBye = true;
    this.#timer?.cancel();
    this.exchange.goodbye();
    this.#timer = this.host.clock.start(this.#goodbyeMs, () => this.#over());
  }

  // ── what the other side says ──

  /** The other side has begun, and ends in so many milliseconds at the latest: longer than that nobody waits for it. */
  onDrain(drainMs: number): void {
    if (this.#begun) return;
    this.#until = this.host.clock.now() + drainMs;
    this.#passive = this.host.clock.start(drainMs + 2 * goodbyeMs, () => this.#over());
    this.#drain();
  }
  onDrained(): void {
    this.#theirsDrained = true;
    if (this.#begun) this.#look();
  }
  /** The other side has said goodbye: it takes nothing any more, so what it has not answered was not received. */
  answered = false;
  onBye(): void {
    if (this.answered) return;
    this.answered = true;
    if (!this.#saidBye) {
      this.#saidBye = true;
      this.exchange.goodbye();
    }
    this.#timer?.cancel();
    this.#timer = this.host.clock.start(this.#goodbyeMs, () => this.#over());
    this.session.leave(closed); // not before the other side has heard everything
  }
  /** While there is time to drain a link that is lost may come back, and then nobody is left to guess. */
  get #goodbyeMs(): number {
    return Math.max(goodbyeMs, this.#until - this.host.clock.now());
  }
  #over(): void {
    this.session.finish(closed);
  }
  finished(): void {
    this.#timer?.cancel();
    this.#passive?.cancel();
  }
}
