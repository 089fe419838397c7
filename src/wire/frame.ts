/**
 * Frames: what stands on the wire, and the checks of its shape. Layer: wire. Pure. PROTOCOL.md section "Frames".
 *
 * A frame is a JSON array: numbered frames are `[number, type, …]`, control frames `[type, …]`. They travel in batches: see batch.ts.
 *
 * Invariant: what `readFrame` returns has the right number of fields of the right kinds; what they mean is checked where they act.
 */
import { NetchanError } from "../errors.js";

/** What a field has to be. `count`: a whole number ≥ 0. `text?`: a string or null. `value`: the tail described at {@link ValueTail}. */
type Kind = "count" | "index" | "text" | "text?" | "value" | "cases";

/** Every numbered frame with its fields. */
const shapes = {
  // The session itself.
  ready: [],
  window: ["count"],
  drain: ["count"],
  drained: [],
  bye: [],
  // From the user of an end to its home.
  send: ["count", "count", "count", "value"],
  announce: ["count", "count", "count"],
  value: ["count", "count", "count", "value"],
  case: ["count", "count", "text", "count"],
  grant: ["count", "count", "value"],
  deny: ["count", "count"],
  cancel: ["count", "count"],
  limit: ["count", "count"],
  take: ["count", "count"],
  decline: ["count", "count", "count"],
  skip: ["count", "count", "count"],
  unskip: ["count"],
  refuse: ["count", "count", "text", "text"],
  close: ["count", "text?"],
  release: ["count", "count"],
  lost: ["count", "text"],
  fork: ["count", "count"],
  open: ["count", "text", "text"],
  subscribe: ["count", "text", "count", "text"],
  try: ["count", "cases"],
  select: ["count", "cases"],
  quit: ["count"],
  took: ["count", "count"],
  // From the home of an end to its user.
  sent: ["count", "count"],
  failed: ["count", "count", "text", "text", "text?"],
  withdrawn: ["count", "count"],
  received: ["count", "count"],
  fetch: ["count", "count"],
  claim: ["count", "count"],
  unclaim: ["count", "count"],
  offer: ["count", "count", "count", "text?", "value"],
  done: ["count", "text?", "text?"],
  ended: ["count", "text?", "text?"],
  released: ["count"],
  mute: ["count"],
  opened: ["count", "count"],
  missed: ["count", "count"],
  tried: ["count", "index", "text?", "text?", "text?"],
  gave: ["count", "index", "count", "value"],
} as const satisfies Record<string, readonly Kind[]>;

/** Every control frame with its fields: never numbered, never replayed. */
const controls = {
  hello: 1,
  challenge: 1,
  proof: 1,
  welcome: 1,
  refused: 2,
  resume: 1,
  resumed: 1,
  "wrong-door": 0,
  ack: 1,
  ping: 1,
  pong: 1,
  end: 2,
  page: 1,
} as const;

export type FrameType = keyof typeof shapes;
export type ControlType = keyof typeof controls;

/**
 * A reference to a channel end inside a value: `[0, id, kind, capacity]` is one that its sender gives out, `[1, id]` one that the receiver
 * gave it. Kinds: 0 a send end, 1 a receive end; 2 and 3 the same when the home is a third process.
 */
export type EndRef = readonly [0, number, EndKind, number] | readonly [1, number];
export type EndKind = 0 | 1 | 2 | 3;
/** A value beside its frame: the JSON, and, when it is not plain, superjson's meta, the ends and the bytes it refers to. */
export interface ValueTail {
  readonly json: unknown;
  readonly meta: unknown;
  readonly refs: readonly EndRef[];
  readonly blobs: readonly Uint8Array[];
}
/** One case: a receive, or a send with the number of its operation and what the window counts for its value. */
export interface CaseTail {
  readonly end: number;
  readonly send: { readonly operation: number; readonly size: number; readonly value: ValueTail } | undefined;
}
type Field<K> = K extends "count" | "index"
  ? number
  : K extends "text"
    ? string
    : K extends "text?"
      ? string | null
      : K extends "value"
        ? ValueTail
        : K extends "cases"
          ? readonly CaseTail[]
          : never;
type Fields<S extends readonly Kind[]> = { readonly [I in keyof S]: Field<S[I]> };
/** A numbered frame, its fields checked. */
export type Frame = {
  [T in FrameType]: { readonly number: number; readonly type: T; readonly fields: Fields<(typeof shapes)[T]> };
}[FrameType];
export interface Control {
  /** Frames that are not numbered. */
  readonly number: undefined;
  readonly type: ControlType;
  readonly fields: readonly unknown[];
}

/** A frame from the user of an end to its home. */
export type UserFrame = Extract<
  Frame,
  {
    readonly type:
      | "send"
      | "announce"
      | "value"
      | "case"
      | "grant"
      | "deny"
      | "cancel"
      | "limit"
      | "take"
      | "decline"
      | "skip"
      | "unskip"
      | "refuse"
      | "close";
  }
>;
const homeTypes = [
  "sent",
  "failed",
  "withdrawn",
  "received",
  "fetch",
  "claim",
  "unclaim",
  "offer",
  "done",
  "ended",
  "mute",
  "opened",
  "missed",
  "released",
] as const;
/** A frame from the home of an end to its user. */
export type HomeFrame = Extract<Frame, { readonly type: (typeof homeTypes)[number] }>;
const fromHome: ReadonlySet<string> = new Set(homeTypes);
export function isHomeFrame(frame: Frame): frame is HomeFrame {
  return fromHome.has(frame.type);
}

export function violation(what: string, cause?: unknown): NetchanError {
  return new NetchanError("PROTOCOL_VIOLATION", what, cause === undefined ? {} : { cause });
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Hands out the sidecars of a batch, each byte once. */
export class Sidecars {
  #at: number;
  constructor(
    readonly bytes: Uint8Array | undefined,
    from: number,
  ) {
    this.#at = from;
  }
  next(length: unknown): Uint8Array {
    if (!isCount(length) || this.bytes === undefined || this.#at + length > this.bytes.length)
      throw violation("a frame names sidecar bytes that are not there");
    this.#at += length;
    const from = this.#at - length;
    // A small part of a large batch is copied: it would keep the whole batch alive as long as it waits.
    return length * 2 < this.bytes.length ? this.bytes.slice(from, this.#at) : this.bytes.subarray(from, this.#at);
  }
  get left(): number {
    return this.bytes === undefined ? 0 : this.bytes.length - this.#at;
  }
}

function isEndKind(value: unknown): value is EndKind {
  return value === 0 || value === 1 || value === 2 || value === 3;
}
function readRef(ref: unknown): EndRef {
  if (Array.isArray(ref)) {
    const [origin, id, kind, capacity] = ref as readonly unknown[];
    if (origin === 1 && ref.length === 2 && isCount(id)) return [1, id];
    if (origin === 0 && ref.length === 4 && isCount(id) && isEndKind(kind) && isCount(capacity)) return [0, id, kind, capacity];
  }
  throw violation("a reference to a channel end has the wrong shape");
}

/** Characters of a name or an error text: more than anybody reads. */
const mostText = 8 * 1024;
/** Channel ends and sidecars of one value, before anything is made of them. */
const mostBeside = 10_000;
/** Cases of one attempt. */
export const mostCases = 256;

/** The tail of a frame from `at` on: one field for a plain value, four for any other. */
function readValue(frame: readonly unknown[], at: number, sidecars: Sidecars): ValueTail {
  const json = frame[at];
  if (frame.length === at + 1) return { json, meta: undefined, refs: [], blobs: [] };
  const [meta, refs, lengths] = [frame[at + 1], frame[at + 2], frame[at + 3]];
  if (frame.length !== at + 4 || !Array.isArray(refs) || !Array.isArray(lengths)) throw violation("a value has the wrong number of fields");
  if (refs.length > mostBeside || lengths.length > mostBeside) throw violation(`a value has more than ${mostBeside} ends or sidecars`);
  const blobs = lengths.map((length) => sidecars.next(length));
  return { json, meta: meta === null ? undefined : meta, refs: refs.map(readRef), blobs };
}

function readCases(given: unknown, sidecars: Sidecars): readonly CaseTail[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > mostCases)
    throw violation(`an attempt names no cases, or more than ${mostCases}`);
  return given.map((one: unknown) => {
    const [end, operation, size] = Array.isArray(one) ? (one as readonly unknown[]) : [];
    if (!Array.isArray(one) || !isCount(end)) throw violation("a case has the wrong shape");
    if (one.length === 1) return { end, send: undefined };
    if (!isCount(operation) || !isCount(size) || one.length < 4) throw violation("a send case has the wrong shape");
    return { end, send: { operation, size, value: readValue(one, 3, sidecars) } };
  });
}

function readField(kind: Exclude<Kind, "value" | "cases">, value: unknown): unknown {
  switch (kind) {
    case "count":
      if (isCount(value)) return value;
      break;
    case "index":
      if (value === -1 || isCount(value)) return value;
      break;
    case "text":
      if (typeof value === "string" && value.length <= mostText) return value;
      break;
    case "text?":
      if (value === null || (typeof value === "string" && value.length <= mostText)) return value;
      break;
  }
  throw violation(`a field is not a ${kind}`);
}

export function readFrame(frame: unknown, sidecars: Sidecars): Frame | Control {
  if (!Array.isArray(frame) || frame.length === 0) throw violation("a frame is not an array");
  const [first, second] = frame as readonly unknown[];
  if (typeof first === "string") {
    if (!Object.hasOwn(controls, first)) throw violation("unknown control frame");
    const type = first as ControlType;
    if (frame.length !== controls[type] + 1) throw violation(`a ${type} frame has the wrong number of fields`);
    const fields: readonly unknown[] = frame.slice(1);
    if (fields.some((field) => typeof field === "string" && field.length > mostText))
      throw violation("a text is longer than anybody reads");
    return { number: undefined, type, fields };
  }
  if (!isCount(first) || first === 0) throw violation("a frame has no valid number");
  if (typeof second !== "string" || !Object.hasOwn(shapes, second)) throw violation("unknown frame type");
  const kinds: readonly Kind[] = shapes[second as FrameType];
  const last = kinds[kinds.length - 1];
  if (last === "value" ? frame.length <= kinds.length + 1 : frame.length !== kinds.length + 2)
    throw violation(`a ${second} frame has the wrong number of fields`);
  const fields = kinds.map((kind, index) => {
    if (kind === "value") return readValue(frame, index + 2, sidecars);
    return kind === "cases" ? readCases(frame[index + 2], sidecars) : readField(kind, frame[index + 2]);
  });
  return { number: first, type: second, fields } as unknown as Frame;
}

/** The fields of a value at the end of a frame, each behind a comma. */
export function writeValue(value: {
  readonly json: string;
  readonly meta: string | undefined;
  readonly refs: readonly EndRef[];
  readonly blobs: readonly Uint8Array[];
}): string {
  if (value.meta === undefined && value.refs.length === 0 && value.blobs.length === 0) return `,${value.json}`;
  return `,${value.json},${value.meta ?? "null"},${JSON.stringify(value.refs)},${JSON.stringify(value.blobs.map((blob) => blob.length))}`;
}
