/**
 * A value's annotations, brought to the nodes of its JSON that they are about. Layer: wire.
 * Every path a peer names ends here. Invariants: a path goes through own members and existing elements only; nothing of the JSON is
 * touched; a node has one mark, so there are never more marks than nodes.
 */
import { NetchanError } from "../errors.js";
import type { Custom, RegisteredClass, Registry } from "./value-registry.js";
import { bytesType, endType, type LeafRule, leafRules } from "./value-rules.js";

/** What a node of the JSON is to become; `undefined` stands for the object or array that it is. */
export type Kind =
  | { readonly is: "map" | "set" | "Error" | "end" | "bytes" }
  | { readonly is: "leaf"; readonly rule: LeafRule }
  | { readonly is: "symbol"; readonly symbol: symbol }
  | { readonly is: "class"; readonly registered: RegisteredClass }
  | { readonly is: "custom"; readonly custom: Custom };

/** A node of the JSON that is annotated, or leads to one that is. */
export interface Mark {
  readonly json: unknown;
  kind: Kind | undefined;
  /** In the order of the document once it is checked. */
  children: Map<string, Mark> | undefined;
  /** The node that this one is the same object as. */
  source: Mark | undefined;
  /** Is it the source of others? */
  shared: boolean;
  /** Met by the walk; `"open"` while a custom type's JSON is being walked: until it is whole there is no object to refer to. */
  state: "new" | "open" | "met";
}

/** In place of what is not known here, so that the rest can be checked. */
const unknownClass: RegisteredClass = { prototype: Object.prototype, props: undefined };
const unknownCustom: Custom = { name: "unknown", serialize: (value) => value, deserialize: (json) => json };

const simpleKinds: ReadonlyMap<unknown, Kind> = new Map<unknown, Kind>([
  ["map", { is: "map" }],
  ["set", { is: "set" }],
  ["Error", { is: "Error" }],
  ...[...leafRules].map(([name, rule]): [unknown, Kind] => [name, { is: "leaf", rule }]),
]);

export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The error for what no honest encoder writes. */
export function violation(what: string): NetchanError {
  return new NetchanError("PROTOCOL_VIOLATION", `A value ${what}`);
}

function newMark(json: unknown): Mark {
  return { json, kind: undefined, children: undefined, source: undefined, shared: false, state: "new" };
}

/** The steps of a path of superjson, version 1: dots between them; a dot or backslash within is escaped by a backslash. */
function parsePath(path: string): string[] {
  if (!path.includes("\\")) return path.split(".");
  const steps: string[] = [];
  let step = "";
  for (let at = 0; at < path.length; at++) {
    const character = path[at];
    if (character === ".") {
      steps.push(step);
      step = "";
    } else if (character !== "\\") {
      step += character;
    } else {
      const escaped = path[++at];
      if (escaped !== "." && escaped !== "\\") throw violation("has a path with a broken escape");
      step += escaped;
    }
  }
  steps.push(step);
  return steps;
}

const arrayIndex = /^(?:0|[1-9]\d{0,9})$/;

/** Reads the annotations of one value. */
export class Annotations {
  /** Has it custom types of the user? */
  hasCustoms = false;
  readonly root: Mark;
  readonly #registry: Registry;
  /** Takes the length of each text read, and throws when they are too much. */
  readonly #weigh: (bytes: number) => void;

  /** Takes note of what is not known here. The value will not be revived; another process may know it. */
  readonly #unknown: (what: string) => void;

  constructor(json: unknown, registry: Registry, weigh: (bytes: number) => void, unknown: (what: string) => void) {
    this.root = newMark(json);
    this.#registry = registry;
    this.#weigh = weigh;
    this.#unknown = unknown;
  }

  /** The annotations as they came: checked for their form, not yet for whether they fit the JSON. */
  read(meta: unknown): void {
    const { root } = this;
    if (!isMembers(meta) || meta.v !== 1) throw violation("has annotations of an unknown version");
    for (const key of Object.keys(meta))
      if (key !== "v" && key !== "values" && key !== "referentialEqualities") throw violation("has annotations of an unknown kind");
    const { values, referentialEqualities } = meta;
    if (Object.hasOwn(meta, "values")) {
      if (Array.isArray(values)) this.#annotate(root, values);
      else this.#readTypes(root, values);
    }
    if (!Object.hasOwn(meta, "referentialEqualities")) return;
    if (!Array.isArray(referentialEqualities)) {
      this.#readSources(referentialEqualities);
      return;
    }
    // The root has no path of its own: what refers to it comes first, in an array.
    if (referentialEqualities.length > 2) throw violation("has malformed references");
    this.#share(root, referentialEqualities[0]);
    if (referentialEqualities.length === 2) this.#readSources(referentialEqualities[1]);
  }

  /** Recursion is bounded: each level is at least one step down the JSON, whose depth is checked. */
  #readTypes(from: Mark, tree: unknown): void {
    if (!isMembers(tree)) throw violation("has malformed annotations");
    for (const path of Object.keys(tree)) this.#annotate(this.#find(from, path), tree[path]);
  }

  #annotate(mark: Mark, annotation: unknown): void {
    if (!Array.isArray(annotation) || annotation.length < 1 || annotation.length > 2) throw violation("has malformed annotations");
    if (mark.kind !== undefined) throw violation("has two types in one place");
    mark.kind = this.#kindOf(annotation[0]);
    if (annotation.length === 2) this.#readTypes(mark, annotation[1]);
  }

  #kindOf(type: unknown): Kind {
    const simple = simpleKinds.get(type);
    if (simple !== undefined) return simple;
    if (!Array.isArray(type) || type.length !== 2 || typeof type[1] !== "string") throw violation("has an unknown type");
    const [family, name] = type as [unknown, string];
    this.#weigh(name.length);
    if (family === "custom") {
      if (name === endType) return { is: "end" };
      if (name === bytesType) return { is: "bytes" };
      const custom = this.#registry.customNamed(name);
      if (custom === undefined) this.#unknown("a custom type that is not registered here");
      else this.hasCustoms = true;
      return { is: "custom", custom: custom ?? unknownCustom };
    }
    if (family === "class") {
      const registered = this.#registry.classNamed(name);
      if (registered === undefined) this.#unknown("a class that is not registered here");
      return { is: "class", registered: registered ?? unknownClass };
    }
    if (family !== "symbol") throw violation("has an unknown type"); // "typed-array" too: binary is never JSON
    const symbol = this.#registry.symbolNamed(name);
    if (symbol !== undefined) return { is: "symbol", symbol };
    this.#unknown("a symbol that is not registered here");
    return { is: "custom", custom: unknownCustom };
  }

  #readSources(sources: unknown): void {
    if (!isMembers(sources)) throw violation("has malformed references");
    for (const path of Object.keys(sources)) this.#share(this.#find(this.root, path), sources[path]);
  }

  #share(source: Mark, targets: unknown): void {
    if (!Array.isArray(targets) || targets.length === 0 || source.shared) throw violation("has malformed references");
    source.shared = true;
    for (const path of targets as readonly unknown[]) {
      if (typeof path !== "string") throw violation("has malformed references");
      const target = this.#find(this.root, path);
      if (target.source !== undefined) throw violation("has two references in one place");
      target.source = source;
    }
  }

  /** The node at the end of a path: through own members and elements that are there, never anything else. */
  #find(from: Mark, path: string): Mark {
    this.#weigh(path.length);
    let mark = from;
    for (const step of parsePath(path)) {
      const { json } = mark;
      if (typeof json !== "object" || json === null || !Object.hasOwn(json, step) || (Array.isArray(json) && !arrayIndex.test(step)))
        throw violation("has a path that leads nowhere");
      mark.children ??= new Map();
      let child = mark.children.get(step);
      if (child === undefined) {
        child = newMark((json as Members)[step]);
        mark.children.set(step, child);
      }
      mark = child;
    }
    return mark;
  }
}
