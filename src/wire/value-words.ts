/** Why a value cannot be sent, in the words of an error text: what it is and what to do instead, never its content. Layer: wire, imports nothing. */

const hints: Readonly<Record<string, string>> = {
  Promise: "is a Promise: await it first",
  DataView: "is a DataView: send a Uint8Array over the same bytes",
  Blob: "is a Blob: send (await blob.arrayBuffer())",
  File: "is a File: send (await file.arrayBuffer())",
  AggregateError: "is an AggregateError, whose errors would be lost: send { message, errors }",
  SharedArrayBuffer: "is a SharedArrayBuffer: memory is not shared between processes",
  WeakMap: "is a WeakMap",
  WeakSet: "is a WeakSet",
  WeakRef: "is a WeakRef",
  Number: "is a boxed Number: send the plain number",
  String: "is a boxed String: send the plain string",
  Boolean: "is a boxed Boolean: send the plain boolean",
};

const builtIn = /^(?:Array|Map|Set|Date|RegExp|URL)$/;

/** Of a function, or of an object of a kind that does not travel. */
export function whyNot(value: object): string {
  if (typeof value === "function") return "is a function";
  const made: unknown = value.constructor;
  const name = typeof made === "function" ? made.name : "";
  if (Object.hasOwn(hints, name)) return hints[name] as string;
  if (name === "" || name === "Object") return "is an object of another realm, or with a prototype of its own: send a plain object";
  if (builtIn.test(name)) return `is a ${name} with extra keys, or of another realm`;
  return `is an instance of ${name}: register the class with superjson, or send a plain object`;
}
