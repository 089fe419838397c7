/**
 * Values on offer. Layer: core.
 * A value is always *offered* first: it is reserved for one waiter until that waiter says what became of it. A waiter in this
 * process answers inside the call; one that stands for another process answers when that process has.
 * Invariant: each offered value is answered exactly once: taken, returned, refused or doubtful.
 */
import { NetchanError } from "../errors.js";

/** A value that came over a session: checked on arrival, revived only when somebody takes it. */
export interface Parcel {
  /** The peer whose session brought it; undefined when its channel lives elsewhere. */
  readonly from: unknown;
  /** The value itself, its channel ends alive from now on. Called at most once. */
  revive(): unknown;
  /** Nobody will have it: what its channel ends held is given back. Called at most once, never after `revive`. */
  discard(): void;
  /** The same value once more, its channel ends alive: for one of many receivers. */
  another(): unknown;
  /** The value as sessions write it; of the form only they know more. `bytes` is about its size. */
  content(): { readonly ends: readonly Travelling[]; readonly bytes: number };
}

/** A value reserved for one waiter. */
export interface Offered {
  /** A value of this process, by reference; meaningless when there is a parcel. */
  readonly value: unknown;
  readonly parcel: Parcel | undefined;
  /** Who sends it, if that is a select case: its place in the order that keeps selects from waiting for each other in a circle. */
  readonly selectId: string | undefined;
  /** Another process is shown the value: its ends are needed until it is answered for good. */
  hold?(ends: readonly Travelling[]): void;
  /** The waiter's application has it. */
  taken(): void;
  /** Nobody waits for it any more: it goes back to its place. */
  returned(): void;
  /** The waiter's process cannot accept this value: it is dropped, and its sender told. */
  refused(error: NetchanError): void;
  /** The waiter is gone and nobody knows whether it had the value. */
  doubtful(error: NetchanError): void;
}

/** How a channel ended for its receivers: `undefined` is a plain `done`. */
export type Ending = NetchanError | undefined;

/** One case of a `trySelect` that is asked of its home: a receive from `source`, or a send of `value` (or of an unrevived parcel) to `port`. */
export type Attempt =
  | {
      readonly index: number;
      readonly source: unknown;
      /** It is a third process's, which may hold an end that this one has let go of. */
      readonly passes?: boolean;
    }
  | {
      readonly index: number;
      readonly passes?: boolean;
      readonly port: unknown;
      readonly value: unknown;
      readonly parcel: Parcel | undefined;
      /** The value as it was encoded inside the call. */
      readonly encoded?: unknown;
    };

/** What came of an attempt: the case that was done (with the value, still to be answered, if it received one), or why it failed. */
export type Attempted =
  | {
      readonly index: number;
      readonly offered?: Offered;
      /** What was asked for has ended. */
      readonly done?: boolean;
      /** Which of the attempts it was: a case over several sources is asked for one by one. */
      readonly position?: number;
    }
  | { readonly error: unknown };

/** Reads an offered value. */
export function openOffered(offered: Offered): unknown {
  return offered.parcel === undefined ? offered.value : offered.parcel.revive();
}

/** The same, for one who goes on waiting when a user's own type cannot be read: its sender is told, and no receive fails for it. */
export function openOrRefuse(offered: Offered): { readonly value: unknown } | undefined {
  try {
    return { value: openOffered(offered) };
  } catch (cause) {
    offered.refused(new NetchanError("DECODE_FAILED", "the value could not be read", { cause, outcome: "not-sent" }));
    return undefined;
  }
}

/** What happens to an end inside a value that came over a session (`by`) and waits for somebody to take it. */
export interface Travel {
  left(by: unknown): void;
  /** The application has it. */
  arrived(by: unknown): void;
  /** Nobody will. */
  dropped(by: unknown): void;
}

/** A channel end inside a value. */
export interface Travelling {
  readonly travel: Travel | undefined;
}
/** Somebody keeps a value that holds these ends, in whatever form. */
export function holdEnds(ends: readonly Travelling[], by: object): void {
  for (const end of ends) end.travel?.left(by);
}
export function dropEnds(ends: readonly Travelling[], by: object): void {
  for (const end of ends) end.travel?.dropped(by);
}
