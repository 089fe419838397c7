/**
 * What holds for a value on both sides of the wire: which keys are refused, which leaves superjson's format has, how binary travels.
 * Layer: wire, imports nothing. Invariant: the encoder refuses here what the guard would refuse there, so an honest peer is never at fault.
 */

/** Name of the type of a channel end; its JSON is the index of the end beside the value. */
export const endType = "netchan/end";
/** Name of the type of bytes; its JSON is `[index of the blob beside the value, kind of binary]`. */
export const bytesType = "netchan/bytes";

/** Digits of a BigInt: 4096 parse in microseconds, a million take a fifth of a second. */
const maxBigIntDigits = 4096;
/** Characters of a RegExp's source: enough for people's patterns, too few for one that is slow to compile. */
export const maxRegExpSource = 1024;
/** Characters of an Error's name: people's are under 64. */
export const maxErrorName = 256;
/** Characters of an Error's message: validators write long ones, nobody reads more. */
export const maxErrorMessage = 64 * 1024;

/** Keys that name an object's own machinery. superjson refuses them in a value with annotations; they are refused in every value. */
export function isForbiddenKey(key: string): boolean {
  return (key.length === 9 || key.length === 11) && (key === "__proto__" || key === "prototype" || key === "constructor");
}

/** Keys that the language itself calls when it finds a function there; a channel end is a function, and `await` would send on it. */
export function isMethodKey(key: string): boolean {
  return key === "then" || key === "toJSON" || key === "toString" || key === "valueOf" || isForbiddenKey(key);
}

/** Gives a new object its own member, without running a setter that its prototype may have. Assigns where that is the same: it is faster. */
export function setOwn(object: object, key: string, value: unknown): void {
  if (key in object) Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else (object as Record<string, unknown>)[key] = value;
}

const bigIntBound = 10n ** BigInt(maxBigIntDigits);
/** Has it few enough digits? Compares, because counting the digits of a large one is the slow part. */
export function isSendableBigInt(value: bigint): boolean {
  return value < bigIntBound && value > -bigIntBound;
}

/** A type whose JSON is one primitive. */
export interface LeafRule {
  /** Could the encoder have written this JSON? */
  readonly accepts: (json: unknown) => boolean;
  /** May throw when this runtime does not know what the other's does (a RegExp flag, say), never for another reason. */
  readonly revive: (json: unknown) => unknown;
}

const isoDate = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const regExpFlags = /^[a-z]{0,10}$/;
const bigIntText = new RegExp(`^-?\\d{1,${maxBigIntDigits}}$`);
const specialNumbers: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
]);

function isDateText(json: unknown): boolean {
  if (typeof json !== "string" || !isoDate.test(json)) return false;
  const date = new Date(json);
  return !Number.isNaN(date.getTime()) && date.toISOString() === json;
}

function isRegExpText(json: unknown): boolean {
  if (typeof json !== "string" || json[0] !== "/") return false;
  const end = json.lastIndexOf("/");
  return end > 1 && end - 1 <= maxRegExpSource && regExpFlags.test(json.slice(end + 1));
}

/** superjson's types for a single primitive. A Map, so that a peer's `"constructor"` finds nothing. */
export const leafRules: ReadonlyMap<unknown, LeafRule> = new Map<unknown, LeafRule>([
  ["undefined", { accepts: (json) => json === null, revive: () => undefined }],
  ["bigint", { accepts: (json) => typeof json === "string" && bigIntText.test(json), revive: (json) => BigInt(json as string) }],
  ["number", { accepts: (json) => specialNumbers.has(json), revive: (json) => specialNumbers.get(json) }],
  ["Date", { accepts: isDateText, revive: (json) => new Date(json as string) }],
  ["URL", { accepts: (json) => typeof json === "string", revive: (json) => new URL(json as string) }],
  [
    "regexp",
    {
      accepts: isRegExpText,
      revive: (json) => {
        const text = json as string;
        const end = text.lastIndexOf("/");
        return new RegExp(text.slice(1, end), text.slice(end + 1));
      },
    },
  ],
]);

type BinaryMaker = new (buffer: ArrayBuffer) => { readonly BYTES_PER_ELEMENT: number };
/** Newer than the library this is compiled against, and missing in older runtimes. */
declare const Float16Array: BinaryMaker | undefined;

/** The views that travel, by the name their prototype gives them; undefined for one that this runtime lacks. */
const views: ReadonlyMap<unknown, BinaryMaker | undefined> = new Map<unknown, BinaryMaker | undefined>([
  ["Int8Array", Int8Array],
  ["Uint8Array", Uint8Array],
  ["Uint8ClampedArray", Uint8ClampedArray],
  ["Int16Array", Int16Array],
  ["Uint16Array", Uint16Array],
  ["Int32Array", Int32Array],
  ["Uint32Array", Uint32Array],
  ["Float16Array", typeof Float16Array === "undefined" ? undefined : Float16Array],
  ["Float32Array", Float32Array],
  ["Float64Array", Float64Array],
  ["BigInt64Array", BigInt64Array],
  ["BigUint64Array", BigUint64Array],
]);

const viewTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag)?.get;

/** `"Uint8Array"` for a Uint8Array of any realm and any class (a Node Buffer is one), undefined for what is no typed array. */
export function viewKind(value: object): string | undefined {
  return viewTag?.call(value) as string | undefined;
}

/** Bytes of one element of that kind of binary; 0 for a kind that is none, undefined for one this runtime lacks. */
export function elementBytes(kind: unknown): number | undefined {
  if (kind === "ArrayBuffer") return 1;
  if (!views.has(kind)) return 0;
  return (views.get(kind) as unknown as { readonly BYTES_PER_ELEMENT: number } | undefined)?.BYTES_PER_ELEMENT;
}

/** Binary of that kind over a copy of the bytes: a frame that several values came in can then be let go. */
export function makeBinary(kind: string, blob: Uint8Array): unknown {
  const { buffer } = new Uint8Array(blob);
  const View = views.get(kind);
  return View === undefined ? buffer : new View(buffer);
}
