/**
 * Makes the value that checked marks describe. Layer: wire.
 * Not superjson's deserialize, though the format is the same: it changes Maps and Sets while it walks them by position, so that a
 * transformed key moves the ones behind it, a cycle through a Set is lost and two placeholders in one Set become one; and it follows
 * whatever a path names. Here the walk is over the JSON, whose positions do not change: a container exists before what is in it, so
 * cycles close by themselves. Invariants: the JSON is not changed; a mark is revived once; no setter runs. Only a custom type's own code can throw.
 */
import type { Kind, Mark } from "./value-marks.js";
import { makeBinary, setOwn } from "./value-rules.js";

type Members = Record<string, unknown>;

/** Errors of the language keep their class; the others arrive as Error with their name. */
const errorClasses: ReadonlyMap<string, ErrorConstructor> = new Map<string, ErrorConstructor>([
  ["EvalError", EvalError],
  ["RangeError", RangeError],
  ["ReferenceError", ReferenceError],
  ["SyntaxError", SyntaxError],
  ["TypeError", TypeError],
  ["URIError", URIError],
]);

export class Reviver {
  readonly #shared = new Map<Mark, unknown>();
  readonly #ends: readonly unknown[];
  readonly #blobs: readonly Uint8Array[];
  readonly #rehearsal: boolean;

  /** In a rehearsal the parts of the JSON that stay as they are get copied, because a custom type may change what it is given. */
  constructor(ends: readonly unknown[], blobs: readonly Uint8Array[], rehearsal: boolean) {
    this.#ends = ends;
    this.#blobs = blobs;
    this.#rehearsal = rehearsal;
  }

  revive(mark: Mark): unknown {
    return mark.source === undefined ? this.#make(mark, mark.kind) : this.#shared.get(mark.source);
  }

  #make(mark: Mark, kind: Kind | undefined): unknown {
    const { json } = mark;
    switch (kind?.is) {
      case undefined:
        return this.#container(mark);
      case "leaf":
        return this.#keep(mark, kind.rule.revive(json));
      case "symbol":
        return kind.symbol;
      case "end":
        return this.#keep(mark, this.#ends[json as number]);
      case "bytes":
        return this.#keep(mark, this.#binary(json as readonly [number, string]));
      case "map":
        return this.#map(mark, json as readonly (readonly [unknown, unknown])[]);
      case "set": {
        const set: Set<unknown> = this.#keep(mark, new Set());
        for (const [index, element] of (json as readonly unknown[]).entries()) set.add(this.#child(mark, String(index), element));
        return set;
      }
      case "Error":
        return this.#error(mark, json as Members);
      case "class":
        return this.#fill(mark, this.#keep(mark, Object.create(kind.registered.prototype) as object), Object.keys(json as object));
      case "custom":
        return this.#keep(mark, kind.custom.deserialize(this.#container({ ...mark, shared: false })));
    }
  }

  /** An array or object with what is marked in it revived, or a primitive as it is. */
  #container(mark: Mark): unknown {
    const { json, children } = mark;
    if (typeof json !== "object" || json === null) return json;
    if (children === undefined && !this.#rehearsal) return this.#keep(mark, json);
    if (Array.isArray(json)) {
      const array: unknown[] = this.#keep(mark, []);
      for (const [index, element] of (json as readonly unknown[]).entries()) array.push(this.#child(mark, String(index), element));
      return array;
    }
    return this.#fill(mark, this.#keep(mark, {}), Object.keys(json));
  }

  #fill(mark: Mark, object: object, keys: readonly string[]): object {
    for (const key of keys) setOwn(object, key, this.#child(mark, key, (mark.json as Members)[key]));
    return object;
  }

  #map(mark: Mark, pairs: readonly (readonly [unknown, unknown])[]): unknown {
    const map: Map<unknown, unknown> = this.#keep(mark, new Map());
    for (const [index, [key, value]] of pairs.entries()) {
      const pair = mark.children?.get(String(index));
      const place = pair === undefined ? this.#plain(key) : this.#child(pair, "0", key);
      map.set(place, pair === undefined ? this.#plain(value) : this.#child(pair, "1", value));
    }
    return map;
  }

  #error(mark: Mark, json: Members): unknown {
    const { name, message } = json as { readonly name: string; readonly message: string };
    const error = this.#keep(mark, new (errorClasses.get(name) ?? Error)(message));
    const hidden = { enumerable: false, configurable: true, writable: true };
    if (error.name !== name) Object.defineProperty(error, "name", { ...hidden, value: name });
    // The stack of this place would lead to here; the peer's does not travel.
    Object.defineProperty(error, "stack", { ...hidden, value: message === "" ? name : `${name}: ${message}` });
    for (const key of Object.keys(json)) {
      if (key === "name" || key === "message") continue;
      const value = this.#child(mark, key, json[key]);
      // superjson writes an allowed property that the error does not have as undefined.
      if (key === "cause") Object.defineProperty(error, key, { ...hidden, value });
      else if (value !== undefined) Object.defineProperty(error, key, { ...hidden, enumerable: true, value });
    }
    return error;
  }

  #binary([index, kind]: readonly [number, string]): unknown {
    return makeBinary(kind, this.#blobs[index] as Uint8Array);
  }

  #child(mark: Mark, key: string, json: unknown): unknown {
    const child = mark.children?.get(key);
    return child === undefined ? this.#plain(json) : this.revive(child);
  }

  #plain(json: unknown): unknown {
    if (!this.#rehearsal || typeof json !== "object" || json === null) return json;
    if (Array.isArray(json)) return json.map((element) => this.#plain(element));
    return Object.fromEntries(Object.entries(json).map(([key, member]) => [key, this.#plain(member)]));
  }

  #keep<T>(mark: Mark, value: T): T {
    if (mark.shared) this.#shared.set(mark, value);
    return value;
  }
}
