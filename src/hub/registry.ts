/**
 * What a listener publishes under names, each made once. Layer: hub.
 * Invariants: a name means one thing at a time; one that is closed here has its name no longer. Source: design rule 14.
 */
import { describe } from "../core/end.js";
import type { NetchanError } from "../errors.js";
import { mostNameCharacters } from "../limits.js";

/** @throws TypeError or RangeError for what can be no name */
export function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string") throw new TypeError(`Expected the name to be a string, got ${describe(name)}`);
  if (name.length === 0 || name.length > mostNameCharacters)
    throw new RangeError(`Expected the name to have from 1 to ${mostNameCharacters} characters, got ${name.length}`);
}

/** @throws TypeError for what is no Standard Schema */
export function checkSchema(schema: unknown): void {
  const standard = (schema as { readonly "~standard"?: { readonly validate?: unknown } } | null | undefined)?.["~standard"];
  if (typeof standard?.validate !== "function") throw new TypeError(`Expected schema to be a Standard Schema, got ${describe(schema)}`);
}

/** @throws TypeError for what is none of those */
export function checkAllow(allow: unknown, among: readonly string[]): void {
  const shown = typeof allow === "string" ? `"${allow}"` : describe(allow);
  const all = among.map((one) => `"${one}"`);
  if (!among.some((one) => one === allow))
    throw new TypeError(`Expected allow to be ${all.slice(0, -1).join(", ")} or ${all.at(-1)}, got ${shown}`);
}

/** Something published. */
export interface Entry<Wanted> {
  /** What was asked for when it was made, all defaults filled in. */
  readonly wanted: Wanted;
  close(): void;
  refuse(error: NetchanError): void;
}

export class Registry<Wanted extends { readonly allow: string }, E extends Entry<Wanted>> {
  readonly #published = new Map<string, E>();
  /** Closed ones whose last values are being received. */
  readonly #closing = new Set<E>();
  #closed = false;

  constructor(
    /** "channel", "topic". */
    readonly kind: string,
    /** `closed`: it takes no more, or gives no more. */
    readonly make: (wanted: Wanted, closed: () => void) => E,
  ) {}

  /**
   * Creates or finds what has that name.
   * @param given - whether any options were
   * @throws TypeError for others than it was made with
   */
  entry(name: string, asked: Wanted, given: boolean): E {
    const known = this.#published.get(name);
    if (known !== undefined) {
      const other = given ? difference(known.wanted, asked) : undefined;
      if (other !== undefined)
        throw new TypeError(
          `The ${this.kind} "${name}" is published with ${String(other)} ${String(known.wanted[other])}, not ${String(asked[other])}: call ${this.kind}(name) without options to find it`,
        );
      return known;
    }
    const made = this.make(asked, () => {
      if (this.#published.get(name) === made) this.#published.delete(name);
    });
    if (this.#closed) made.close();
    else this.#published.set(name, made);
    return made;
  }
  find(name: string): E | undefined {
    return this.#published.get(name);
  }

  allows(name: string, use: string): boolean {
    const allow = this.find(name)?.wanted.allow;
    return allow === "both" || allow === use;
  }

  /** Nothing more may be sent; what was is still received. */
  close(): void {
    this.#closed = true;
    for (const entry of [...this.#published.values()]) {
      this.#closing.add(entry);
      entry.close();
    }
  }
  /** Nobody receives any more. */
  refuse(error: NetchanError): void {
    for (const entry of this.#closing) entry.refuse(error);
    this.#closing.clear();
  }
}

/** The option in which they differ, if there is one. */
function difference<Wanted extends object>(one: Wanted, other: Wanted): keyof Wanted | undefined {
  return (Object.keys(one) as (keyof Wanted)[]).find((option) => one[option] !== other[option]);
}
