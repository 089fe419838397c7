/** What a session needs of the world around it, handed in so that it can be a virtual one. Layer: session. */
import type { Clock } from "../core/clock.js";

export interface Host {
  readonly clock: Clock;
  /** Numbers from 0 up to, not including, 1: for fair choice, never for secrets. */
  readonly random: () => number;
  /** Bytes nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Calls back when the present turn of the event loop is over. */
  readonly defer: (callback: () => void) => void;
}

/** An unguessable id of 128 bits, in hex. */
export function unguessableId(host: Host): string {
  return Array.from(host.randomBytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
