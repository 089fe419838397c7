/**
 * What all sessions of a listener may hold together. Layer: listen.
 * Each keeps to limits of its own; where there are so many that the sum of those would be too much, the sum is looked at each second.
 * Source: PROTOCOL.md "Limits".
 */
import type { Limits } from "./contract.js";
import type { Timer } from "./core/clock.js";
import { NetchanError } from "./errors.js";
import type { Host } from "./session/host.js";

const lookMs = 1_000;
/** From this part of the budget on there are no new sessions. */
const tightFrom = 0.9;

/** A session, as far as it costs. */
export interface Holder {
  /** Bytes of values that wait here, and of frames that are kept. */
  readonly heldBytes: number;
  readonly session: { readonly linked: boolean; fail(error: NetchanError): void };
}

export class Budget {
  readonly #most: number;
  /** What one session may hold by its own limits. */
  readonly #mostOfOne: number;
  readonly #live: ReadonlySet<Holder>;
  #timer: Timer | undefined;
  #isTight = false;

  constructor({ maxHeldBytes, maxQueuedBytes, maxReplayBytes }: Limits, live: ReadonlySet<Holder>) {
    this.#most = maxHeldBytes;
    this.#mostOfOne = 2 * maxQueuedBytes + maxReplayBytes; // what was sent unasked, what was fetched, what was not acknowledged
    this.#live = live;
  }

  /** No room for another session. */
  get isTight(): boolean {
    return this.#isTight;
  }

  /** Another session has begun. */
  watch(host: Host): void {
    if (this.#timer !== undefined) return;
    if (this.#live.size * this.#mostOfOne <= this.#most) {
      this.#isTight = false;
      return;
    }
    this.#timer = host.clock.start(
      lookMs,
      () => {
        this.#timer = undefined;
        this.#look();
        this.watch(host);
      },
      "idle",
    );
  }
  close(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    let sum = 0;
    for (const { heldBytes } of this.#live) sum += heldBytes;
    this.#isTight = sum >= tightFrom * this.#most;
    if (sum <= this.#most) return;
    const inTurn = [...this.#live].sort(
      (one, other) => Number(one.session.linked) - Number(other.session.linked) || other.heldBytes - one.heldBytes,
    );
    for (const { session, heldBytes } of inTurn) {
      if (sum <= this.#most) return;
      sum -= heldBytes;
      session.fail(new NetchanError("LIMIT_EXCEEDED", "the sessions of the listener hold more bytes than they may together"));
    }
  }
}
