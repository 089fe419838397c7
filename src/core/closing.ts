/**
 * Whether a channel still takes values, and how it ends. Layer: core.
 *
 *     open ──close──▶ closed      no more values after those in line
 *       └───refuse──▶ refusing    nobody receives any more
 */
import { NetchanError, withOutcome } from "../errors.js";
import type { Ending } from "./offered.js";

export class Closing {
  #closed: { readonly ending: Ending } | undefined;
  #refusing: { readonly loss: NetchanError | undefined } | undefined;
  /** Why nobody is left to talk to at the moment: the last other holder was lost while this process had never used its own end. */
  orphanedSenders: NetchanError | undefined;
  orphanedReceivers: NetchanError | undefined;

  /** @returns false when it had been closed before. */
  close(ending: Ending): boolean {
    if (this.#closed !== undefined || this.#refusing !== undefined) return false;
    this.#closed = { ending };
    return true;
  }
  refuse(loss: NetchanError | undefined): boolean {
    if (this.#refusing !== undefined) return false;
    this.#refusing = { loss };
    return true;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }
  get refusing(): boolean {
    return this.#refusing !== undefined;
  }
  /** How it ends for receivers, once it does. */
  get ending(): Ending {
    return this.#refusing === undefined ? this.#closed?.ending : undefined;
  }

  /** Why a send would fail now, if it would. */
  refusal(): NetchanError | undefined {
    if (this.#refusing === undefined && this.#closed === undefined)
      return this.orphanedSenders === undefined ? undefined : withOutcome(this.orphanedSenders, "not-sent");
    return this.closedError();
  }
  /** The error of a send on a channel that takes no more. */
  closedError(): NetchanError {
    if (this.#refusing === undefined)
      return new NetchanError("CHANNEL_CLOSED", "the channel is closed", { cause: this.#closed?.ending?.cause, outcome: "not-sent" });
    if (this.#refusing.loss !== undefined) return withOutcome(this.#refusing.loss, "not-sent");
    return new NetchanError("CHANNEL_CLOSED", "nobody receives from this channel any more", { outcome: "not-sent" });
  }
}
