/** Numbered messages of all sizes, each of which shows by itself whether it arrived as it was sent. */
import type { SendChannel } from "../../src/node.js";

export interface Numbered {
  readonly n: number;
  readonly text: string;
  readonly bytes?: Uint8Array;
  readonly reply?: SendChannel<number>;
}

/** Beyond 64 KiB a value is announced, and fetched when it is wanted. */
const largest = 70_000;

function textOf(n: number): string {
  const length = n % 500 === 499 ? largest : n % 50 === 49 ? 5_000 : (n * 7919) % 300;
  return `${n}.`.repeat(Math.ceil(length / (String(n).length + 1))).slice(0, length);
}
function bytesOf(n: number): Uint8Array | undefined {
  return n % 25 === 7 ? Uint8Array.from({ length: 1_000 }, (_, index) => (n + index) & 255) : undefined;
}
export function isQuestion(n: number): boolean {
  return n % 100 === 50;
}

export function numbered(n: number): Numbered {
  const bytes = bytesOf(n);
  return { n, text: textOf(n), ...(bytes !== undefined && { bytes }) };
}

/** What is wrong with a message; undefined when nothing is. */
export function faultOf(message: Numbered, expected: number): string | undefined {
  const { n, text, bytes } = message;
  if (n !== expected) return `${n} came where ${expected} was expected`;
  if (text !== textOf(n)) return `the text of ${n} has changed`;
  const sent = bytesOf(n);
  if (sent === undefined ? bytes !== undefined : !(bytes instanceof Uint8Array) || !Buffer.from(sent).equals(bytes))
    return `the bytes of ${n} have changed`;
  return undefined;
}
