/**
 * The fast path: is a value plain JSON, so that JSON.stringify alone writes it faithfully? Layer: wire.
 * It only says yes or no; the snapshot (value-snapshot.ts) finds out what a value that is not plain contains, and names the path of
 * what cannot be sent. Invariant: yes means that superjson would add no annotation, and that no member is computed when it is read.
 */
import type { Limits } from "../contract.js";
import { isForbiddenKey } from "./value-rules.js";

/** Up to here a list is searched faster than a Set is made. */
const fewObjects = 12;

export class PlainWalk {
  #nodes = 0;
  #characters = 0;
  /** The objects met so far: a second meeting is a shared reference or a cycle. */
  #few: object[] | undefined;
  #many: Set<object> | undefined;
  readonly #limits: Pick<Limits, "maxDepth" | "maxNodes" | "maxValueBytes">;
  /** Present only when the user has custom types: they may claim any value. */
  readonly #claimed: ((value: unknown) => boolean) | undefined;

  constructor(limits: Pick<Limits, "maxDepth" | "maxNodes" | "maxValueBytes">, claimed: ((value: unknown) => boolean) | undefined) {
    this.#limits = limits;
    this.#claimed = claimed;
  }

  /** May throw what a Proxy or a custom type throws. */
  isPlain(value: unknown, depth = 1): boolean {
    if (++this.#nodes > this.#limits.maxNodes || this.#claimed?.(value)) return false;
    switch (typeof value) {
      case "string":
        this.#characters += value.length;
        return this.#characters <= this.#limits.maxValueBytes;
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0);
      case "boolean":
        return true;
      case "object":
        return value === null || (depth <= this.#limits.maxDepth && this.#isNew(value) && this.#isPlainObject(value, depth + 1));
      default:
        return false;
    }
  }

  #isPlainObject(value: object, depth: number): boolean {
    if (Array.isArray(value)) return this.#isPlainArray(value, depth);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    if (Object.getOwnPropertySymbols(value).length > 0) return false;
    for (const key of Object.keys(value)) {
      // Not value[key]: what a getter gives is undefined here, and so not plain. The snapshot asks it, once.
      const member: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
      if (isForbiddenKey(key) || !this.isPlain(member, depth)) return false;
      this.#characters += key.length;
    }
    return true;
  }

  #isPlainArray(value: readonly unknown[], depth: number): boolean {
    if (Object.getPrototypeOf(value) !== Array.prototype || value.length > this.#limits.maxNodes) return false;
    // Holes make this shorter and extra keys longer. Object.keys would tell as well, but makes a string of every index.
    const elements: readonly unknown[] = Object.values(value);
    if (elements.length !== value.length || Object.getOwnPropertySymbols(value).length > 0) return false;
    for (const element of elements) if (!this.isPlain(element, depth)) return false;
    return true;
  }

  #isNew(value: object): boolean {
    if (this.#many !== undefined) return this.#many.size < this.#many.add(value).size;
    if (this.#few === undefined) this.#few = [value];
    else if (this.#few.includes(value)) return false;
    else if (this.#few.push(value) > fewObjects) this.#many = new Set(this.#few);
    return true;
  }
}
