/** What no value that came from a peer may have: an inherited or a planted member, a prototype of its own, something the language would call. */
import { isReceive, isSend } from "../../src/index.js";

const allowed = new Set<unknown>(
  [
    ...[Object, Array, Map, Set, Date, RegExp, URL, ArrayBuffer, DataView],
    ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError],
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
  ].map(({ prototype }) => prototype as unknown),
);
const float16 = Reflect.get(globalThis, "Float16Array") as { readonly prototype: unknown } | undefined;
if (float16 !== undefined) allowed.add(float16.prototype);
/** The language would call what stands here. */
const methods = new Set(["then", "toJSON", "toString", "valueOf"]);
const machinery = new Set(["__proto__", "constructor", "prototype"]);
const hidden = new Set(["stack", "message", "name", "cause"]);

/**
 * @param ends - is given the channel ends found
 * @param classes - prototypes that values may have as well
 * @returns what no value may have
 */
export function faultOf(value: unknown, ends: (end: object) => void, classes: readonly unknown[] = []): string | undefined {
  const seen = new Set<object>();
  const walk = (one: unknown, place: string): string | undefined => {
    if (typeof one === "function") {
      if (!isSend(one) && !isReceive(one)) return `${place} is a function`;
      const key = place.slice(place.lastIndexOf(".") + 1);
      ends(one);
      return methods.has(key) || machinery.has(key) ? `${place} is an end that the language would call` : undefined;
    }
    if (typeof one !== "object" || one === null || seen.has(one)) return undefined;
    seen.add(one);
    const prototype: unknown = Object.getPrototypeOf(one);
    if (!allowed.has(prototype) && !classes.includes(prototype)) return `${place} has a prototype of its own`;
    if (ArrayBuffer.isView(one) || one instanceof ArrayBuffer) return undefined;
    for (const key of Reflect.ownKeys(one)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(one, key);
      if (descriptor === undefined || descriptor.get !== undefined || descriptor.set !== undefined)
        return `${place}.${String(key)} is no plain member`;
      if (typeof key === "symbol") {
        if (!(one instanceof URL)) return `${place} has a member named by a symbol`;
        continue;
      }
      if (machinery.has(key)) return `${place} has a member called ${key}`;
      if (!descriptor.enumerable && !(one instanceof Error && hidden.has(key)) && !(key === "length" || key === "lastIndex"))
        return `${place}.${key} is hidden`;
      if (one instanceof URL) continue;
      const fault = walk(descriptor.value, `${place}.${key}`);
      if (fault !== undefined) return fault;
    }
    if (one instanceof Map || one instanceof Set)
      for (const [index, entry] of [...one].entries()) {
        const fault = walk(entry, `${place}.${index}`);
        if (fault !== undefined) return fault;
      }
    return undefined;
  };
  return walk(value, "value");
}
