/**
 * The check of a peer's value, before anything of it is used. Layer: wire.
 * superjson's own reader must not be pointed at a peer: its paths reach inherited members, extend arrays and overflow the stack. Here
 * the JSON is counted first, then every annotation is resolved to a node of that JSON by own members only, and then one walk in the
 * order of the document checks that each node has what its type needs. The outcome is a tree of marks that value-revive.ts follows
 * without looking up anything a peer named. Invariants: nothing is created, extended or called; work and memory are linear in the
 * size of the value; whatever is wrong ends in a NetchanError: LIMIT_EXCEEDED, PROTOCOL_VIOLATION for what no honest encoder writes,
 * DECODE_FAILED for what is not known *here* (a class, a RegExp flag) when nothing else is wrong: who passes the value on has checked it.
 */
import type { Limits } from "../contract.js";
import { NetchanError } from "../errors.js";
import { Annotations, isMembers, type Kind, type Mark, type Members, violation } from "./value-marks.js";
import type { Registry } from "./value-registry.js";
import { elementBytes, isForbiddenKey, isMethodKey, maxErrorMessage, maxErrorName } from "./value-rules.js";

/** A value as it was read off a frame: parsed JSON, not yet trusted. */
export interface WireValue {
  readonly json: unknown;
  /** undefined for plain JSON. */
  readonly meta: unknown;
  /** How many channel ends came beside it. */
  readonly ends: number;
  readonly blobs: readonly Uint8Array[];
}

/** A value that passed: undefined marks mean that it is plain JSON. */
export interface Plan {
  readonly root: Mark | undefined;
  /** Has it custom types of the user? Their code may refuse it yet. */
  readonly hasCustoms: boolean;
}

/** Guards one value. */
export class Guard {
  #nodes = 0;
  #characters = 0;
  readonly #endsUsed = new Set<number>();
  readonly #blobsUsed = new Set<number>();
  #unknown: NetchanError | undefined;
  readonly #value: WireValue;
  readonly #registry: Registry;
  readonly #limits: Pick<Limits, "maxDepth" | "maxNodes" | "maxValueBytes">;

  constructor(value: WireValue, registry: Registry, limits: Pick<Limits, "maxDepth" | "maxNodes" | "maxValueBytes">) {
    this.#value = value;
    this.#registry = registry;
    this.#limits = limits;
  }

  /** @throws NetchanError for anything but a value that can be revived. */
  run(): Plan {
    const { json, meta, ends, blobs } = this.#value;
    for (const blob of blobs) this.#weigh(blob.byteLength);
    this.#measure(json, 1);
    let annotations: Annotations | undefined;
    if (meta !== undefined) {
      annotations = new Annotations(
        json,
        this.#registry,
        (bytes) => this.#weigh(bytes),
        (what) => this.#isUnknown(what),
      );
      annotations.read(meta);
      this.#walk(annotations.root, "");
    }
    if (this.#endsUsed.size !== ends) throw violation("does not hold every channel end that came with it");
    if (this.#blobsUsed.size !== blobs.length) throw violation("does not hold every blob that came with it");
    if (this.#unknown !== undefined) throw this.#unknown;
    return { root: annotations?.root, hasCustoms: annotations?.hasCustoms === true };
  }
  /** Another process may know it: the rest is checked all the same. */
  #isUnknown(what: string, cause?: unknown): void {
    this.#unknown ??= new NetchanError("DECODE_FAILED", `A value has ${what}`, cause === undefined ? {} : { cause });
  }

  // ───────────── the JSON by itself ─────────────

  #measure(json: unknown, depth: number): void {
    if (++this.#nodes > this.#limits.maxNodes)
      throw new NetchanError("LIMIT_EXCEEDED", `A value has more than ${this.#limits.maxNodes} members`);
    if (typeof json === "string") this.#weigh(json.length);
    else if (typeof json === "object" && json !== null) this.#measureMembers(json, depth);
    else if (json !== null && typeof json !== "boolean" && !Number.isFinite(json)) throw violation("has a number that JSON cannot hold");
  }

  #measureMembers(json: object, depth: number): void {
    if (depth > this.#limits.maxDepth) throw new NetchanError("LIMIT_EXCEEDED", `A value is nested deeper than ${this.#limits.maxDepth}`);
    if (Array.isArray(json)) {
      for (const element of json as readonly unknown[]) this.#measure(element, depth + 1);
      return;
    }
    for (const key of Object.keys(json)) {
      if (isForbiddenKey(key)) throw violation("has a key that names an object's own machinery");
      this.#weigh(key.length);
      this.#measure((json as Members)[key], depth + 1);
    }
  }

  #weigh(bytes: number): void {
    this.#characters += bytes;
    if (this.#characters > this.#limits.maxValueBytes)
      throw new NetchanError("LIMIT_EXCEEDED", `A value is larger than ${this.#limits.maxValueBytes} bytes`);
  }

  // ───────────── every marked node, in the order of the document ─────────────

  #walk(mark: Mark, key: string): void {
    const { kind, source, json } = mark;
    if (source !== undefined) {
      this.#checkReference(mark, source, key);
      return;
    }
    mark.state = kind?.is === "custom" ? "open" : "met";
    if (kind === undefined) {
      // A lone primitive would have no identity to share.
      if (typeof json !== "object" || json === null) throw violation("has a reference to a primitive");
    } else {
      this.#checkKind(kind, json, key);
      if (mark.children !== undefined && (kind.is === "leaf" || kind.is === "symbol" || kind.is === "end" || kind.is === "bytes"))
        throw violation("has annotations inside of a primitive");
    }
    if (mark.children !== undefined) this.#walkChildren(mark, mark.children, kind);
    mark.state = "met";
  }

  #walkChildren(mark: Mark, children: ReadonlyMap<string, Mark>, kind: Kind | undefined): void {
    const ordered = new Map<string, Mark>();
    // Object.keys and not the marks' own order, which is the peer's: a source has to be met before what refers to it.
    for (const key of Object.keys(mark.json as object)) {
      const child = children.get(key);
      if (child === undefined) continue;
      ordered.set(key, child);
      if (kind?.is === "map") {
        // The pairs of a map are part of its form, not values of their own.
        if (child.kind !== undefined || child.source !== undefined || child.shared) throw violation("has a map whose pairs are annotated");
        if (child.children !== undefined) this.#walkChildren(child, child.children, undefined);
      } else {
        if (kind?.is === "Error" && (key === "name" || key === "message")) throw violation("has an error whose texts are annotated");
        this.#walk(child, key);
      }
    }
    mark.children = ordered;
  }

  #checkReference(mark: Mark, source: Mark, key: string): void {
    // The encoder writes null in the place of what was written before.
    if (mark.json !== null || mark.kind !== undefined || mark.children !== undefined || mark.shared)
      throw violation("has a reference where there is a value");
    if (source.state !== "met") throw violation("refers to what is not written yet");
    if (source.kind?.is === "end") this.#checkEndPlace(key);
  }

  #checkEndPlace(key: string): void {
    if (isMethodKey(key)) throw violation("has a channel end where the language would call it");
  }

  #checkKind(kind: Kind, json: unknown, key: string): void {
    switch (kind.is) {
      case "leaf":
        if (!kind.rule.accepts(json)) throw violation("has JSON that does not fit its type");
        try {
          kind.rule.revive(json);
        } catch (error) {
          this.#isUnknown("a RegExp or URL that is not understood here", error);
        }
        return;
      case "symbol":
        if (typeof json !== "string") throw violation("has JSON that does not fit its type");
        return;
      case "set":
        if (!Array.isArray(json)) throw violation("has a set that is no array");
        return;
      case "map":
        if (!Array.isArray(json)) throw violation("has a map that is no array");
        for (const pair of json as readonly unknown[])
          if (!Array.isArray(pair) || pair.length !== 2) throw violation("has a map whose elements are no pairs");
        return;
      case "Error":
        this.#checkError(json);
        return;
      case "class":
        this.#checkClass(json, kind.registered.props);
        return;
      case "end":
        if (typeof json !== "number" || !Number.isInteger(json) || json < 0 || json >= this.#value.ends)
          throw violation("names a channel end that did not come with it");
        this.#checkEndPlace(key);
        this.#endsUsed.add(json);
        return;
      case "bytes":
        this.#checkBytes(json);
        return;
      case "custom":
        return; // Its JSON is for its own code to judge: Codec.check tries it.
    }
  }

  #checkError(json: unknown): void {
    if (!isMembers(json) || typeof json.name !== "string" || typeof json.message !== "string") throw violation("has a malformed error");
    if (json.name.length > maxErrorName || json.message.length > maxErrorMessage) throw violation("has an error with too long a text");
    const props = this.#registry.errorProps;
    for (const key of Object.keys(json)) {
      if (key === "name" || key === "message" || key === "cause" || props.includes(key)) continue;
      if (key === "stack") throw violation("has an error with a stack");
      this.#isUnknown("an error with a property that is not allowed here");
    }
  }

  #checkClass(json: unknown, props: readonly string[] | undefined): void {
    if (!isMembers(json)) throw violation("has an instance of a class that is no object");
    if (props === undefined) return;
    for (const key of Object.keys(json)) if (!props.includes(key)) this.#isUnknown("an instance with a property that is not allowed here");
  }

  #checkBytes(json: unknown): void {
    if (!Array.isArray(json) || json.length !== 2) throw violation("has malformed binary");
    const [index, kind] = json as [unknown, unknown];
    const blob = typeof index === "number" ? this.#value.blobs[index] : undefined;
    if (blob === undefined) throw violation("names a blob that did not come with it");
    // Each blob once: a thousand arrays over one blob would be a thousand copies of it.
    if (this.#blobsUsed.has(index as number)) throw violation("names a blob twice");
    this.#blobsUsed.add(index as number);
    const size = elementBytes(kind);
    if (size === undefined) this.#isUnknown("a kind of binary that does not exist here");
    else if (size === 0 || blob.byteLength % size !== 0)
      throw violation("has binary of an unknown kind, or cut in the middle of an element");
  }
}
