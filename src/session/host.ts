/** What a session needs of the world around it, handed in so that it can be a virtual one. Layer: session. */
import type { Clock } from "../core/clock.js";

export type PageEvent =
  /** The network is back, or the page is: what waited for a timer may go on now. */
  | "woke"
  | "hidden"
  /** The page is being left; the browser may keep it frozen and show it again. */
  | "left";

/** A page, which may be hidden, frozen, left and come back to. */
export interface Page {
  readonly hidden: boolean;
  /** @returns a function that stops watching */
  watch(listener: (event: PageEvent) => void): () => void;
}

/** What those who watch a process may hear of it. */
export interface Events {
  /** A session has begun, has lost its link, goes on, or has ended. */
  readonly session: { readonly peer: object; readonly status: { readonly state: string } };
  /** A listener has not let somebody in; why, its peer is not told. */
  readonly refused: { readonly request: object; readonly error: Error };
}
export type Report = <Name extends keyof Events>(name: Name, make: () => Events[Name]) => void;

export interface Host {
  readonly clock: Clock;
  /** Numbers from 0 up to, not including, 1: for fair choice, never for secrets. */
  readonly random: () => number;
  /** Bytes nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Calls back when the present turn of the event loop is over. */
  readonly defer: (callback: () => void) => void;
  /**
   * Refers to a thing without keeping it, and calls back some time after nobody can reach it any more, if ever. Without it things are kept.
   */
  readonly weakly?: <T extends object>(thing: T, gone: () => void) => { deref(): T | undefined };
  /** Tells whoever watches this process. */
  readonly report?: Report;
  /** The page this process lives in, if it is one. Asked for at the first dial, not before. */
  readonly page?: () => Page | undefined;
}

/** Bytes as hex digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
/** An unguessable id of 128 bits, in hex. */
export function unguessableId(host: Host): string {
  return toHex(host.randomBytes(16));
}
