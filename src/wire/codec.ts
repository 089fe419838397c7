/**
 * Values to the wire and back, in superjson's format: JSON, and beside it `meta`, which says what JSON cannot. Layer: wire.
 * A value that is plain JSON is written by JSON.stringify alone. Any other is copied into a snapshot of what superjson writes
 * faithfully, and superjson writes that. Channel ends and binary are custom types whose JSON is an index; they travel beside the value.
 * A peer's value is checked by the guard and revived by our own strict reader; why, is said in guard.ts and value-revive.ts.
 * Invariants: what `encode` makes passes `check` under the same limits and registrations; what passed `check` can be decoded; a
 * decoded value can be encoded again.
 */
import type { Limits } from "../contract.js";
import type { Port } from "../core/end.js";
import { NetchanError } from "../errors.js";
import { Guard, type Plan, type WireValue } from "./guard.js";
import { PlainWalk } from "./value-plain.js";
import { Registry } from "./value-registry.js";
import { Reviver } from "./value-revive.js";
import { Snapshot, tooLarge } from "./value-snapshot.js";

export type { WireValue } from "./guard.js";

/** A value made ready for the wire inside the call that sends it. */
export interface EncodedValue {
  /** JSON text. */
  readonly json: string;
  /** JSON text of superjson's meta; undefined for plain JSON. */
  readonly meta: string | undefined;
  /** Channel ends in the value, in the order of their index; the same end twice is one entry. */
  readonly ends: readonly Port[];
  /** Binary beside the value, in the order of its index: copies, so that later changes to the value do not travel. */
  readonly blobs: readonly Uint8Array[];
  /** Its size on the wire without the frame around it. */
  readonly bytes: number;
}

export interface CodecOptions {
  /** The user's SuperJSON instance, or superjson's default export. */
  readonly superjson?: object;
  readonly limits: Pick<Limits, "maxDepth" | "maxNodes" | "maxValueBytes">;
}

const none: readonly never[] = Object.freeze([]);

export class Codec {
  readonly #limits: CodecOptions["limits"];
  readonly #registry: Registry;
  /** What the check found out, for the decoding that follows. */
  readonly #plans = new WeakMap<WireValue, Plan>();

  /** @throws TypeError when `superjson` is no SuperJSON instance. */
  constructor(options: CodecOptions) {
    this.#limits = options.limits;
    this.#registry = new Registry(options.superjson);
  }

  /**
   * Reads the value once; later changes to it do not travel.
   * @throws NetchanError ENCODE_FAILED, naming the path of what cannot arrive as it is (`value.user.callback is a function`) or the
   * limit of depth or members; LIMIT_EXCEEDED with outcome "not-sent" over `maxValueBytes`.
   */
  encode(value: unknown): EncodedValue {
    if (this.#isPlain(value)) {
      const json = stringify(value);
      return { json, meta: undefined, ends: none, blobs: none, bytes: this.#weigh(json, undefined, 0) };
    }
    const snapshot = new Snapshot(this.#registry, this.#limits);
    const written = this.#write(snapshot.take(value), snapshot);
    const json = stringify(written.json);
    const meta = written.meta === undefined ? undefined : stringify(written.meta);
    const { ends, blobs, blobBytes } = snapshot.beside;
    return { json, meta, ends, blobs, bytes: this.#weigh(json, meta, blobBytes) };
  }

  /**
   * The guard: to be called when the value arrives, before it is queued.
   * @throws NetchanError LIMIT_EXCEEDED (depth, members, bytes), DECODE_FAILED (something that is not registered or does not exist
   * here), PROTOCOL_VIOLATION (anything an honest encoder cannot produce).
   */
  check(value: WireValue, ends: readonly ("send" | "receive")[]): void {
    if (value.ends !== ends.length)
      throw new NetchanError("PROTOCOL_VIOLATION", "A value came with another number of channel ends than it says");
    const plan = new Guard(value, this.#registry, this.#limits).run();
    if (plan.root === undefined) return;
    // The one thing the guard cannot judge is what custom types make of their JSON. They are tried with ends that do nothing.
    if (plan.hasCustoms) reviveOrFail(plan, new Reviver(ends.map(inert), value.blobs, true));
    this.#plans.set(value, plan);
  }

  /**
   * The value, with `ends[i]` where its i-th channel end belongs. Plain parts of it are the parsed JSON itself: it is for one receiver.
   * @throws NetchanError DECODE_FAILED only if a custom type refuses now what it accepted in `check`.
   */
  decode(value: WireValue, ends: readonly unknown[]): unknown {
    if (value.meta === undefined) return value.json;
    const plan = this.#plans.get(value) ?? new Guard(value, this.#registry, this.#limits).run();
    return reviveOrFail(plan, new Reviver(ends, value.blobs, false));
  }

  #isPlain(value: unknown): boolean {
    const registry = this.#registry;
    const claimed = registry.hasCustoms ? (part: unknown) => registry.customFor(part) !== undefined : undefined;
    try {
      return new PlainWalk(this.#limits, claimed).isPlain(value);
    } catch {
      return false; // The snapshot meets the same fault, and knows its path.
    }
  }

  #write(copy: unknown, { standIns }: Snapshot): { readonly json: unknown; readonly meta?: unknown } {
    try {
      return this.#registry.write(copy, standIns);
    } catch (error) {
      // superjson recurses, and a caller may have left it little stack.
      throw new NetchanError("ENCODE_FAILED", "value cannot be written by superjson", { cause: error });
    }
  }

  #weigh(json: string, meta: string | undefined, blobBytes: number): number {
    const { maxValueBytes } = this.#limits;
    const bytes = bytesOf(json, maxValueBytes) + (meta === undefined ? 0 : bytesOf(meta, maxValueBytes)) + blobBytes;
    if (bytes > maxValueBytes) throw tooLarge(maxValueBytes);
    return bytes;
  }
}

function inert(): () => void {
  return () => undefined;
}

function reviveOrFail(plan: Plan, reviver: Reviver): unknown {
  if (plan.root === undefined) throw new NetchanError("PROTOCOL_VIOLATION", "A value has no annotations to revive it by");
  try {
    return reviver.revive(plan.root);
  } catch (error) {
    throw new NetchanError("DECODE_FAILED", "A custom type does not accept a value", { cause: error });
  }
}

/** @throws NetchanError ENCODE_FAILED when a Proxy throws only now. */
function stringify(value: unknown): string {
  try {
    const json: string | undefined = JSON.stringify(value);
    if (typeof json === "string") return json;
  } catch (error) {
    throw new NetchanError("ENCODE_FAILED", "value cannot be written as JSON", { cause: error });
  }
  throw new NetchanError("ENCODE_FAILED", "value cannot be written as JSON");
}

/** Bytes of a text in UTF-8; counted only where the most they could be would pass the limit, else one for each character. */
function bytesOf(text: string, limit: number): number {
  if (text.length * 3 <= limit || text.length > limit) return text.length;
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Each half of a surrogate pair is two of its four bytes; JSON.stringify leaves no lone one.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
