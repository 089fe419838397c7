/**
 * The careful path: a copy of a value that holds nothing but what superjson writes faithfully. Layer: wire.
 * superjson reads a value more than once, drops or mangles what it does not know (functions, sparse arrays, private state) and has no
 * binary, so it is never given the user's own object. Invariants: every member is read exactly once; identities and cycles are kept,
 * a shared object is visited once; the copy runs no code of the user; what cannot arrive as it is ends in ENCODE_FAILED with its path.
 */
import type { Limits } from "../contract.js";
import { portOf } from "../core/end.js";
import { NetchanError } from "../errors.js";
import { Beside, binaryOf } from "./value-beside.js";
import type { Registry, StandIn } from "./value-registry.js";
import {
  bytesType,
  endType,
  isForbiddenKey,
  isMethodKey,
  isSendableBigInt,
  maxErrorMessage,
  maxErrorName,
  maxRegExpSource,
  setOwn,
} from "./value-rules.js";
import { whyNot } from "./value-words.js";

/** Longer paths in error texts are cut: they are for finding the place, not for parsing. */
const maxPathText = 300;

/** Stands in the copy for a value whose custom type gives a primitive. A class, because superjson looks into plain objects. */
class Opaque {}

type Members = Record<string, unknown>;

export class Snapshot {
  /** What is to be written as a custom type, by the object that stands for it in the copy. */
  readonly standIns = new Map<unknown, StandIn>();
  readonly beside = new Beside();
  #nodes = 0;
  #characters = 0;
  /** Steps to the value being looked at: still in place when a step throws. */
  readonly #path: string[] = [];
  readonly #copies = new Map<unknown, unknown>();
  /** Values whose custom type is writing them just now: they have no copy that could be referred to. */
  readonly #open = new Set<unknown>();
  readonly #registry: Registry;
  readonly #limits: Pick<Limits, "maxDepth" | "maxNodes" | "maxValueBytes">;

  constructor(registry: Registry, limits: Pick<Limits, "maxDepth" | "maxNodes" | "maxValueBytes">) {
    this.#registry = registry;
    this.#limits = limits;
  }

  /** @throws NetchanError ENCODE_FAILED with the path of what cannot be sent, or LIMIT_EXCEEDED. */
  take(value: unknown): unknown {
    try {
      return this.#copy(value, 1);
    } catch (error) {
      if (error instanceof NetchanError) throw error;
      // A getter, a Proxy or a custom type of the user threw.
      throw new NetchanError("ENCODE_FAILED", `${this.#where()} cannot be read`, { cause: error });
    }
  }

  #copy(value: unknown, depth: number): unknown {
    this.#count(1);
    switch (typeof value) {
      case "function":
        return this.#end(value) ?? this.#custom(value, depth) ?? this.#refuse(whyNot(value));
      case "symbol":
        if (!this.#registry.hasSymbol(value)) return this.#custom(value, depth) ?? this.#refuse("is a symbol: register it with superjson");
        return value.description === undefined ? this.#refuse("is a symbol without a description, which superjson writes") : value;
      case "string":
        this.#weigh(value.length);
        return this.#custom(value, depth) ?? value;
      case "bigint":
        return this.#custom(value, depth) ?? (isSendableBigInt(value) ? value : this.#refuse("is a BigInt with too many digits"));
      case "object":
        return value === null ? (this.#custom(value, depth) ?? null) : this.#object(value, depth);
      default:
        return this.#custom(value, depth) ?? value;
    }
  }

  #object(value: object, depth: number): unknown {
    if (this.#open.has(value)) this.#refuse("refers to itself through its custom type");
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const registered = this.#registry.classOf(value);
    if (registered !== undefined) return this.#instance(value, registered.props, depth);
    const custom = this.#custom(value, depth);
    if (custom !== undefined) return custom;
    if (Array.isArray(value))
      return Object.getPrototypeOf(value) === Array.prototype ? this.#array(value, depth) : this.#refuse(whyNot(value));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#members(value, {}, Object.keys(value), depth);
    if (value instanceof Error) return this.#error(value, depth);
    const binary = this.#binary(value, depth);
    if (binary !== undefined) return binary;
    if (prototype === URL.prototype) {
      this.#weigh((value as URL).href.length);
      return this.#keep(value, value); // before the next line, because in some runtimes it has symbols of its own
    }
    if (Object.keys(value).length > 0 || Object.getOwnPropertySymbols(value).length > 0) return this.#refuse(whyNot(value));
    if (prototype === Map.prototype) return this.#map(value as Map<unknown, unknown>, depth);
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>, depth);
    return this.#isLeaf(value, prototype) ? this.#keep(value, value) : this.#refuse(whyNot(value));
  }

  /** Immutable for superjson, which reads them through their prototype: these need no copy. */
  #isLeaf(value: object, prototype: unknown): boolean {
    if (prototype === Date.prototype) return Number.isNaN((value as Date).getTime()) ? this.#refuse("is an invalid Date") : true;
    if (prototype === RegExp.prototype) {
      const { source } = value as RegExp;
      this.#weigh(source.length);
      return source.length > maxRegExpSource ? this.#refuse(`is a RegExp of more than ${maxRegExpSource} characters`) : true;
    }
    return false;
  }

  #array(value: readonly unknown[], depth: number): unknown {
    this.#dive(depth);
    if (value.length > this.#limits.maxNodes) this.#count(value.length); // before its holes are counted one by one
    const elements: readonly unknown[] = Object.values(value);
    if (elements.length !== value.length || Object.getOwnPropertySymbols(value).length > 0)
      this.#refuse(elements.length < value.length ? "is a sparse array" : "is an array with extra keys");
    const copy: unknown[] = this.#keep(value, []);
    for (const [index, element] of elements.entries()) copy.push(this.#step(`[${index}]`, element, depth + 1));
    return copy;
  }

  /** Copies the members named `keys` of an object of any kind. */
  #members<T extends object>(value: object, copy: T, keys: readonly string[], depth: number): T {
    this.#dive(depth);
    this.#keep(value, copy);
    for (const symbol of Object.getOwnPropertySymbols(value))
      if (Object.prototype.propertyIsEnumerable.call(value, symbol)) this.#refuse(`has the symbol key ${String(symbol)}`);
    for (const key of keys) {
      if (isForbiddenKey(key)) this.#refuse(`has the key "${key}", which is refused in every value`);
      this.#weigh(key.length);
      this.#member(value, copy, key, depth);
    }
    return copy;
  }

  /** Reads one member, once. */
  #member(value: object, copy: object, key: string, depth: number): void {
    this.#path.push(`.${key}`);
    const member = (value as Members)[key];
    if (isMethodKey(key) && portOf(member) !== undefined) this.#refuse("is a channel end where the language would call it");
    setOwn(copy, key, this.#copy(member, depth + 1));
    this.#path.pop();
  }

  /** An instance of a class the user registered: its own members, under the same prototype. */
  #instance(value: object, props: readonly string[] | undefined, depth: number): unknown {
    // superjson would write only the own members of these; what they are for is in no member.
    const slots = value instanceof Map || value instanceof Set || value instanceof Date || value instanceof RegExp;
    if (slots || Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
      return this.#refuse("is of a registered class that extends a built-in one: register it as a custom type");
    if (value instanceof Error && !props?.includes("message"))
      return this.#refuse('is an Error of a registered class: name "message" in its allowProps');
    return this.#members(value, Object.create(Object.getPrototypeOf(value) as object) as object, props ?? Object.keys(value), depth);
  }

  #error(value: Error, depth: number): unknown {
    this.#dive(depth);
    const { name, message } = value;
    const props = this.#registry.errorProps;
    if (typeof name !== "string" || typeof message !== "string") return this.#refuse("is an Error whose name or message is no string");
    if (name.length > maxErrorName || message.length > maxErrorMessage) return this.#refuse("is an Error with too long a name or message");
    if (value instanceof AggregateError && !props.includes("errors")) return this.#refuse(whyNot(value));
    this.#count(2);
    this.#weigh(name.length + message.length);
    const copy = this.#keep(value, Object.create(Error.prototype, { name: { value: name }, message: { value: message } }) as object);
    const read = "cause" in value ? ["cause", ...props] : props;
    for (const key of new Set(read)) {
      if (key === "name" || key === "message") continue;
      if (isForbiddenKey(key)) this.#refuse(`is an Error, and "${key}" is among superjson's allowed error properties`);
      this.#member(value, copy, key, depth);
    }
    return copy;
  }

  #map(value: Map<unknown, unknown>, depth: number): unknown {
    const copy: Map<unknown, unknown> = this.#keep(value, new Map());
    this.#dive(value.size > 0 ? depth + 1 : depth); // an array of pairs is two levels
    let index = 0;
    for (const [key, member] of value) {
      this.#count(1);
      const place = this.#step(`.key(${index})`, key, depth + 2);
      copy.set(place, this.#step(`.value(${index++})`, member, depth + 2));
    }
    return copy;
  }

  #set(value: Set<unknown>, depth: number): unknown {
    this.#dive(depth);
    const copy: Set<unknown> = this.#keep(value, new Set());
    let index = 0;
    for (const element of value) copy.add(this.#step(`.element(${index++})`, element, depth + 1));
    return copy;
  }

  #end(value: unknown): unknown {
    const port = portOf(value);
    if (port === undefined) return undefined;
    if (!this.standIns.has(value)) {
      const index = this.beside.addEnd(port);
      this.standIns.set(value, { name: endType, serialize: () => index });
    }
    return value;
  }

  #binary(value: object, depth: number): unknown {
    const binary = binaryOf(value);
    if (binary === undefined) return undefined;
    if (binary === "foreign") return this.#refuse(whyNot(value));
    const { kind, bytes } = binary;
    this.#dive(depth);
    this.#weigh(bytes.byteLength);
    this.#count(2);
    const index = this.beside.addBytes(bytes);
    this.standIns.set(value, { name: bytesType, serialize: () => [index, kind] });
    return this.#keep(value, value);
  }

  /** What stands for a value that a custom type of the user claims; undefined when none does. */
  #custom(value: unknown, depth: number): unknown {
    if (!this.#registry.hasCustoms) return undefined;
    const custom = this.#registry.customFor(value);
    if (custom === undefined) return undefined;
    this.#open.add(value);
    const json = custom.serialize(value);
    const standIn = this.#payload(custom.name, json, depth);
    this.#open.delete(value);
    this.standIns.set(standIn, { name: custom.name, serialize: () => (standIn instanceof Opaque ? json : standIn) });
    return typeof value === "object" && value !== null ? this.#keep(value, standIn) : standIn;
  }

  /**
   * The object that stands for what a custom type gave. An object is copied though it may be known from elsewhere: here it is written
   * as that type, there as itself.
   */
  #payload(name: string, json: unknown, depth: number): object {
    if (typeof json === "object" && json !== null) {
      const before = this.#copies.get(json);
      const prototype: unknown = Object.getPrototypeOf(json);
      if (prototype !== Array.prototype && prototype !== Object.prototype && prototype !== null)
        this.#refuse(`is of the custom type "${name}", whose serialize gave neither JSON nor a plain object or array`);
      const copy = Array.isArray(json) ? this.#array(json, depth) : this.#members(json, {}, Object.keys(json), depth);
      if (before === undefined) this.#copies.delete(json);
      else this.#copies.set(json, before);
      return copy as object;
    }
    if (typeof json === "string") this.#weigh(json.length);
    else if (json !== null && typeof json !== "boolean" && !(Number.isFinite(json) && !Object.is(json, -0)))
      this.#refuse(
        `is of the custom type "${name}", whose serialize gave ${typeof json === "number" || json === undefined ? String(json) : `a ${typeof json}`}`,
      );
    return new Opaque();
  }

  #step(name: string, value: unknown, depth: number): unknown {
    this.#path.push(name);
    const copy = this.#copy(value, depth);
    this.#path.pop();
    return copy;
  }

  #keep<T>(value: unknown, copy: T): T {
    this.#copies.set(value, copy);
    return copy;
  }

  #dive(depth: number): void {
    if (depth > this.#limits.maxDepth) this.#refuse(`is nested deeper than ${this.#limits.maxDepth} (limits.maxDepth)`);
  }

  #count(nodes: number): void {
    this.#nodes += nodes;
    if (this.#nodes > this.#limits.maxNodes)
      throw new NetchanError("ENCODE_FAILED", `value has more than ${this.#limits.maxNodes} members and elements (limits.maxNodes)`);
  }

  #weigh(bytes: number): void {
    this.#characters += bytes;
    if (this.#characters > this.#limits.maxValueBytes) throw tooLarge(this.#limits.maxValueBytes);
  }

  #where(): string {
    const path = `value${this.#path.join("")}`;
    return path.length > maxPathText ? `${path.slice(0, maxPathText)}…` : path;
  }

  #refuse(why: string): never {
    throw new NetchanError("ENCODE_FAILED", `${this.#where()} ${why}`);
  }
}

/** The error of a value over `maxValueBytes`: nothing of it was sent. */
export function tooLarge(maxValueBytes: number): NetchanError {
  return new NetchanError("LIMIT_EXCEEDED", `value is larger than ${maxValueBytes} bytes (limits.maxValueBytes)`, { outcome: "not-sent" });
}
