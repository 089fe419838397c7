/**
 * What is done to a recorded script before it is said again: a few frames of it get another field, another place, another number of
 * times, other frames beside them. Most mutants keep to everything that would end the session at its door (numbers, acknowledgements,
 * sizes), so that what is wrong is met by the code that has to know it.
 */
import { type Corpus, isControl, type Recording, type Role, type ScriptFrame, type Step, tailsOf } from "./fuzz-recorded.js";

/** JSON that no `JSON.stringify` writes. */
export class Raw {
  constructor(readonly text: string) {}
}

/** As JSON.stringify, with {@link Raw} as it is. */
export function write(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`)
      .join(",")}}`;
  return Object.is(value, -0) ? "-0" : (JSON.stringify(value) ?? "null");
}

/** Choices that follow one seed. */
export class Dice {
  constructor(readonly random: () => number) {}
  below(most: number): number {
    return Math.floor(this.random() * most);
  }
  chance(probability: number): boolean {
    return this.random() < probability;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
  /** One of the functions, the more often the higher its number. */
  weighted<T>(items: readonly (readonly [number, T])[]): T {
    let left = this.random() * items.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    return (items[0] as readonly [number, T])[1];
  }
}

/** How the actor says a script. */
export interface Manner {
  /** As they were recorded, or what is their turn. */
  readonly numbers: "in turn" | "wild";
  readonly acks: "proper" | "wild" | "none";
  /** How likely the victim is given time to react before the next batch. */
  readonly patience: number;
}
export interface Mutant {
  readonly steps: readonly Step[];
  readonly manner: Manner;
  /** What was done, for a message. */
  readonly done: readonly string[];
}

const userTypes = new Set(
  "send announce value case grant deny cancel limit take decline skip unskip refuse close release lost fork".split(" "),
);
const homeTypes = new Set("sent failed withdrawn received fetch claim unclaim offer done ended mute opened missed released".split(" "));
const codes =
  "ENCODE_FAILED DECODE_FAILED VALUE_REFUSED RECEIVER_LOST LIMIT_EXCEEDED CHANNEL_CLOSED CHANNEL_UNKNOWN CHANNEL_REFUSED SESSION_CLOSED SESSION_LOST SESSION_REFUSED PROTOCOL_VIOLATION VERSION_MISMATCH DONE __proto__ constructor".split(
    " ",
  );
const words =
  "send receive publish subscribe wait drop-oldest drop-newest jobs checked calls news bulletin nothing not-sent unknown hidden visible".split(
    " ",
  );

/** What was seen in a recording: the ids, numbers and texts that mean something there. */
interface Pool {
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
  readonly ids: { readonly user: readonly number[]; readonly home: readonly number[] };
}
const pools = new WeakMap<readonly Step[], Pool>();
function poolOf(steps: readonly Step[]): Pool {
  const known = pools.get(steps);
  if (known !== undefined) return known;
  const numbers = new Set<number>([1, 2, 4, 5, 6, 7, 8]);
  const texts = new Set<string>(["", "0".repeat(32), "f".repeat(32)]);
  const ids = { user: new Set<number>([1, 2]), home: new Set<number>([1, 2]) };
  const look = (value: unknown): void => {
    if (typeof value === "number" && Number.isSafeInteger(value)) numbers.add(value);
    else if (typeof value === "string" && value.length < 100) texts.add(value);
    else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) look(one);
  };
  for (const step of steps)
    if (step.is === "frames")
      for (const { fields } of step.frames) {
        look(fields);
        const [type, id] = fields as readonly [string, unknown];
        if (typeof id !== "number") continue;
        if (userTypes.has(type)) ids.user.add(id);
        if (homeTypes.has(type)) ids.home.add(id);
      }
  const pool = { numbers: [...numbers], texts: [...texts], ids: { user: [...ids.user], home: [...ids.home] } };
  pools.set(steps, pool);
  return pool;
}

function nest(depth: number, inner: string): Raw {
  return new Raw("[".repeat(depth) + inner + "]".repeat(depth));
}

/** Anything that does not belong where it is put. */
function odd(dice: Dice, pool: Pool): unknown {
  return dice.weighted<() => unknown>([
    [9, () => dice.pick(pool.numbers)],
    [3, () => dice.pick(pool.numbers) + dice.pick([-2, -1, 1, 2])],
    [4, () => dice.pick([0, 1, 2, 3, -1, 1.5, 7, 255, 256, 257, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e9, 1e300])],
    [2, () => new Raw(dice.pick(["1e400", "-1e400", "-0", "1E2", "5e-324", "0.1e1"]))],
    [3, () => dice.pick(pool.texts)],
    [2, () => dice.pick(codes)],
    [2, () => dice.pick(words)],
    [1, () => "x".repeat(dice.pick([1, 257, 500, 501, 8_193]))],
    [2, () => dice.pick([null, true, false])],
    [1, () => nest(dice.pick([1, 3, 63, 64, 65, 500]), dice.pick(["", "1", "null"]))],
    [1, () => dice.pick([[], {}, [[]], [1, 2], ["custom", "netchan/end"], { v: 1 }, new Raw(`{"then":1}`), { length: 3 }])],
    [
      2,
      () =>
        new Raw(
          dice.pick([
            `{"__proto__":{"polluted":1}}`,
            `{"constructor":{"prototype":{"polluted":1}}}`,
            `{"a":1,"a":{"__proto__":[]}}`,
            `{"prototype":1}`,
            `[{"__proto__":null}]`,
            `{"toJSON":1,"then":2,"valueOf":3,"toString":4}`,
          ]),
        ),
    ],
  ])();
}

/** Another whole number. */
function another(dice: Dice, pool: Pool, before: number): number {
  return dice.weighted<() => number>([
    [4, () => Math.max(0, before + dice.pick([-2, -1, 1, 2]))],
    [5, () => dice.pick(pool.numbers)],
    [2, () => dice.pick([0, 1, 2, 3])],
    [1, () => dice.pick([255, 256, 257, 4_096, 4_097, 2 ** 31, 2 ** 32, 2 ** 53 - 1])],
  ])();
}

// ───────────── values ─────────────

interface Crafted {
  readonly tail: readonly unknown[];
  readonly blobs: readonly Uint8Array[];
}
/** Tails that no honest encoder writes, or that few do: JSON, annotations, references, lengths. */
function craftedTail(dice: Dice, pool: Pool): Crafted {
  const id = dice.pick(pool.numbers);
  const theirs = dice.pick([...pool.ids.user, ...pool.ids.home]);
  const end = { values: [["custom", "netchan/end"]], v: 1 };
  const key = dice.pick(["a", "then", "toJSON", "valueOf", "__proto__", "constructor", "0", "length"]);
  const bytes = new Uint8Array(dice.pick([0, 1, 7, 8, 24]));
  const kind = dice.pick([
    "Uint8Array",
    "Float64Array",
    "ArrayBuffer",
    "BigInt64Array",
    "Float16Array",
    "Object",
    "SharedArrayBuffer",
    "__proto__",
  ]);
  const type = dice.pick(["undefined", "bigint", "number", "Date", "regexp", "URL", "set", "map", "Error", "__proto__", "constructor"]);
  const leaf = dice.pick<unknown>([
    "1",
    "NaN",
    "-0",
    "1e3",
    "/a/g",
    "/(/",
    "/a/zz",
    "2020-01-01T00:00:00.000Z",
    "no",
    "https://x.y/",
    1,
    null,
    [],
    [[1, 2]],
    [1],
    { name: "E", message: "m" },
  ]);
  const families = dice.pick([
    ["class", "toString"],
    ["class", "X"],
    ["symbol", "iterator"],
    ["custom", "constructor"],
    ["custom", "x"],
    ["typed-array", "Uint8Array"],
  ]);
  const plain = (tail: readonly unknown[]): Crafted => ({ tail, blobs: [] });
  return dice.weighted<() => Crafted>([
    [4, () => plain([0, end, [[0, id, dice.below(4), dice.below(3)]], []])],
    [4, () => plain([0, end, [[1, theirs]], []])],
    [2, () => plain([{ [key]: 0 }, { values: { [key]: [["custom", "netchan/end"]] }, v: 1 }, [[0, id, dice.below(2), 0]], []])],
    [2, () => plain([[0, 0], { values: { 0: end.values, 1: end.values }, v: 1 }, [[0, id, 0, 0]], []])],
    [
      2,
      () =>
        plain([
          [0, 1],
          { values: { 0: end.values, 1: end.values }, v: 1 },
          [
            [0, id, 0, 0],
            [1, theirs],
          ],
          [],
        ]),
    ],
    [1, () => plain([0, null, [[0, id, 0, 0]], []])],
    [2, () => ({ tail: [[0, kind], { values: [["custom", "netchan/bytes"]], v: 1 }, [], [bytes.length]], blobs: [bytes] })],
    [1, () => ({ tail: [[0, kind], null, [], [bytes.length]], blobs: [bytes] })],
    [3, () => plain([leaf, { values: [type], v: 1 }, [], []])],
    [2, () => plain([leaf, { values: [families], v: 1 }, [], []])],
    [2, () => plain([{ a: { b: leaf } }, { values: { "a.b": [type] }, v: 1 }, [], []])],
    [
      2,
      () =>
        plain([
          { a: {}, b: null },
          { referentialEqualities: { [dice.pick(["a", "b", "c", "a.b", key])]: [dice.pick(["b", "a", "", key])] }, v: 1 },
          [],
          [],
        ]),
    ],
    [1, () => plain([{ a: null }, { referentialEqualities: [["a"]], v: 1 }, [], []])],
    [1, () => plain([[[1, 2]], { values: ["map", { 0: ["set"] }], v: 1 }, [], []])],
    [2, () => plain([[leaf], { values: [dice.pick(["set", "map"]), { 0: [type] }], v: dice.pick<unknown>([1, 1, 1, 2, null]) }, [], []])],
    [1, () => plain([odd(dice, pool)])],
    [1, () => plain([new Raw(`{"a":{"__proto__":{"polluted":true}}}`)])],
    [1, () => plain([new Raw(`{"constructor":{"prototype":{"polluted":true}}}`)])],
    [1, () => plain([nest(dice.pick([8, 63, 64, 65, 400]), "")])],
  ])();
}

// ───────────── frames ─────────────

const copy = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(copy)
    : typeof value === "object" && value !== null && !(value instanceof Raw)
      ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)]))
      : value;

type Fields = unknown[];
/** A place in the fields of a frame. */
interface Place {
  readonly list: Record<PropertyKey, unknown>;
  readonly key: PropertyKey;
}
function placesIn(value: unknown, from: number): Place[] {
  if (typeof value !== "object" || value === null || value instanceof Raw) return [];
  const list = value as Record<PropertyKey, unknown>;
  return Object.keys(list)
    .slice(from)
    .flatMap((key) => [{ list, key }, ...placesIn(list[key], 0)]);
}

/** What `send` and `value` say of their size has to be true, or nobody reads on. */
function truthful({ fields, ...rest }: ScriptFrame): ScriptFrame {
  const [type] = fields;
  const sizes = (list: readonly unknown[], at: number, sizeAt: number): readonly unknown[] => {
    if (typeof list[sizeAt] !== "number") return list;
    const lengths = Array.isArray(list[at + 3]) ? (list[at + 3] as unknown[]) : [];
    const bytes = lengths.reduce((sum: number, length) => sum + (typeof length === "number" ? length : 0), 0);
    const size = write(list[at]).length + (list.length > at + 1 ? write(list[at + 1]).length : 0) + bytes;
    return size <= (list[sizeAt] as number) ? list : list.with(sizeAt, Math.ceil(size));
  };
  if (type === "send" || type === "value") return { fields: sizes(fields, 4, 3), ...rest };
  if ((type === "try" || type === "select") && Array.isArray(fields[2]))
    return {
      fields: fields.with(
        2,
        fields[2].map((one: unknown) => (Array.isArray(one) && one.length > 3 ? sizes(one, 3, 2) : one)),
      ),
      ...rest,
    };
  return { fields, ...rest };
}

function changeField(dice: Dice, pool: Pool, frame: ScriptFrame): ScriptFrame {
  const fields = copy(frame.fields) as Fields;
  // The fields themselves as often as all that is in a value.
  const places = dice.chance(0.6)
    ? fields.slice(1).map((_, index): Place => ({ list: fields as never, key: index + 1 }))
    : placesIn(fields, 1);
  const changes = dice.chance(0.15) ? 2 : 1;
  for (let change = 0; change < changes && places.length > 0; change++) {
    const { list, key } = dice.pick(places);
    const before = list[key];
    // Most of what is wrong is of the right kind: the rest does not get beyond the reading of the frame.
    if (dice.chance(0.15)) list[key] = odd(dice, pool);
    else if (typeof before === "number") list[key] = another(dice, pool, before);
    else if (typeof before === "string" || before === null)
      list[key] = dice.chance(0.15) ? null : dice.pick([...pool.texts, ...codes, ...words]);
    else list[key] = odd(dice, pool);
  }
  if (dice.chance(0.04)) fields.splice(1 + dice.below(fields.length), dice.below(2), odd(dice, pool));
  if (dice.chance(0.02)) fields.pop();
  const changed = { ...frame, fields };
  return dice.chance(0.9) ? truthful(changed) : changed;
}

/** Its end, operation or offer becomes another that is known. */
function retarget(dice: Dice, pool: Pool, frame: ScriptFrame): ScriptFrame {
  const type = frame.fields[0] as string;
  const ids = userTypes.has(type) ? pool.ids.user : homeTypes.has(type) ? pool.ids.home : pool.numbers;
  return frame.fields.length < 2 ? frame : { ...frame, fields: frame.fields.with(1, dice.pick(ids)) };
}

function changeValue(dice: Dice, pool: Pool, corpus: Corpus, frame: ScriptFrame): ScriptFrame {
  const fields = copy(frame.fields) as Fields;
  const tails = tailsOf(fields);
  if (tails.length === 0) return changeField(dice, pool, frame);
  const { list, at } = dice.pick(tails) as { readonly list: Fields; readonly at: number };
  const which = dice.below(4);
  if (which === 0 && Array.isArray(list[at + 2]) && Array.isArray(list[at + 3]) && tails.length === 1) {
    // What is beside the value: cut, longer, twice, not there.
    const [refs, lengths] = [list[at + 2] as unknown[], list[at + 3] as unknown[]];
    const blobs = [...frame.blobs];
    if (blobs.length > 0 && dice.chance(0.7)) {
      const index = dice.below(blobs.length);
      const length = Math.max(0, (blobs[index]?.length ?? 0) + dice.pick([-8, -1, 1, 8, 1_000]));
      blobs[index] = new Uint8Array(length);
      if (dice.chance(0.8)) lengths[index] = length;
    } else if (refs.length > 0) {
      if (dice.chance(0.3)) refs.pop();
      else if (dice.chance(0.4)) refs.push(copy(dice.pick(refs)));
      else
        refs[dice.below(refs.length)] = dice.pick([
          [0, dice.pick(pool.numbers), dice.below(4), dice.below(3)],
          [1, dice.pick(pool.numbers)],
        ]);
    } else lengths.push(dice.below(3));
    return truthful({ ...frame, fields, blobs });
  }
  if (which <= 2) {
    const crafted = craftedTail(dice, pool);
    list.splice(at, list.length - at, ...crafted.tail);
    // With one value in the frame its sidecars are all of the frame's.
    return truthful({ ...frame, fields, blobs: tails.length === 1 ? crafted.blobs : [...frame.blobs, ...crafted.blobs] });
  }
  const other = dice.pick(corpus.frames.get(dice.pick(["send", "offer", "value", "gave"])) ?? []);
  const [tail] = other === undefined ? [] : tailsOf(other.fields);
  if (tail === undefined || tails.length > 1) return changeField(dice, pool, frame);
  list.splice(at, list.length - at, ...(copy(tail.list.slice(tail.at)) as Fields));
  return truthful({ ...frame, fields, blobs: other?.blobs ?? [] });
}

function changeType(dice: Dice, corpus: Corpus, frame: ScriptFrame): ScriptFrame {
  const alike = [...corpus.frames.values()].map(([first]) => first).filter((other) => other?.fields.length === frame.fields.length);
  const type = dice.chance(0.8)
    ? dice.pick(alike)?.fields[0]
    : dice.pick(["nope", "__proto__", "constructor", "hello", "welcome", "resume", "ack", 5, null]);
  return { ...frame, fields: [type ?? "nope", ...frame.fields.slice(1)] };
}

/** A frame of any recording, about something that means something here. */
function foreignFrame(dice: Dice, pool: Pool, corpus: Corpus): ScriptFrame {
  const frame = dice.pick(corpus.frames.get(dice.pick([...corpus.frames.keys()])) ?? []) ?? { fields: ["unskip", 2], blobs: [] };
  const about = dice.chance(0.75) ? retarget(dice, pool, frame) : frame;
  return dice.chance(0.3) ? changeField(dice, pool, about) : about;
}

function controlFrame(dice: Dice, pool: Pool): ScriptFrame {
  const n = dice.chance(0.7) ? dice.below(9) : odd(dice, pool);
  return {
    blobs: [],
    fields: dice.weighted<readonly unknown[]>([
      [4, ["ping", n]],
      [2, ["pong", n]],
      [3, ["page", dice.pick(["hidden", "visible", "__proto__"])]],
      [1, ["end", dice.pick(codes), dice.pick(["", "x".repeat(600)])]],
      [3, ["ack", n]],
      [1, ["hello", {}]],
      [1, ["resumed", {}]],
      [1, [dice.pick(["welcome", "refused", "challenge", "proof", "wrong-door", "nope"]), n]],
    ]),
  };
}

// ───────────── scripts ─────────────

function mangler(dice: Dice): (batch: string | Uint8Array) => string | Uint8Array {
  const [at, how, byte] = [dice.random(), dice.below(8), dice.below(256)];
  return (batch) => {
    if (typeof batch === "string") {
      const place = Math.floor(at * batch.length);
      if (how === 0) return batch.slice(0, place);
      if (how === 1) return batch.slice(0, place) + String.fromCharCode(byte) + batch.slice(place + 1);
      if (how === 2) return `${batch}${" ".repeat(byte * 100)}`;
      if (how === 3) return new TextEncoder().encode(batch);
      if (how === 4) return Uint8Array.from([0, 0, 0, byte, ...new TextEncoder().encode(batch)]);
      return batch.slice(0, place) + batch.slice(place + 1 + (byte % 4));
    }
    const bytes = batch.slice();
    const place = Math.floor(at * bytes.length);
    if (how === 0) return bytes.subarray(0, place);
    if (how === 1) return Uint8Array.from([...bytes, byte, byte]);
    if (how === 2) return new TextDecoder().decode(bytes.subarray(4));
    bytes[how < 5 ? place : place % 4] = byte;
    return bytes;
  };
}

interface Slot {
  readonly step: number;
  readonly index: number;
}
type Steps = Step[];
const framesOf = (steps: Steps, at: number): readonly ScriptFrame[] => {
  const step = steps[at];
  return step?.is === "frames" ? step.frames : [];
};
function put(steps: Steps, { step, index }: Slot, remove: number, ...frames: readonly ScriptFrame[]): void {
  const before = steps[step];
  if (before?.is === "frames") steps[step] = { ...before, frames: before.frames.toSpliced(index, remove, ...frames) };
}

/** A frame of the script, the later ones and the rarer types more often. Never the first `ready`. */
function pickSlot(dice: Dice, steps: Steps): Slot | undefined {
  const slots: Slot[] = [];
  for (const [step, one] of steps.entries())
    if (one.is === "frames") for (const [index, { fields }] of one.frames.entries()) if (fields[0] !== "ready") slots.push({ step, index });
  if (slots.length === 0) return undefined;
  if (dice.chance(0.5)) {
    const typeOf = ({ step, index }: Slot): unknown => framesOf(steps, step)[index]?.fields[0];
    const type = dice.pick([...new Set(slots.map(typeOf))]);
    return dice.pick(slots.filter((slot) => typeOf(slot) === type));
  }
  return slots[Math.max(dice.below(slots.length), dice.below(slots.length))];
}

interface Making {
  readonly dice: Dice;
  readonly pool: Pool;
  readonly corpus: Corpus;
  readonly role: Role;
}
type Act = (steps: Steps, slot: Slot, frame: ScriptFrame, making: Making) => void;
const acts: readonly (readonly [number, readonly [string, Act]])[] = [
  [26, ["field", (steps, slot, frame, { dice, pool }) => put(steps, slot, 1, changeField(dice, pool, frame))]],
  [14, ["value", (steps, slot, frame, { dice, pool, corpus }) => put(steps, slot, 1, changeValue(dice, pool, corpus, frame))]],
  [8, ["other end", (steps, slot, frame, { dice, pool }) => put(steps, slot, 1, retarget(dice, pool, frame))]],
  [3, ["type", (steps, slot, frame, { dice, corpus }) => put(steps, slot, 1, changeType(dice, corpus, frame))]],
  [7, ["left out", (steps, slot) => put(steps, slot, 1)]],
  [6, ["twice", (steps, slot, frame) => put(steps, slot, 0, frame)]],
  [4, ["again later", (steps, slot, frame, { dice }) => put(steps, pickLater(dice, steps, slot), 0, frame)]],
  [
    2,
    [
      "many times",
      (steps, slot, frame, { dice }) => put(steps, slot, 0, ...Array.from({ length: dice.pick([3, 10, 70, 300]) }, () => frame)),
    ],
  ],
  [
    6,
    [
      "changed places",
      (steps, slot, frame, { dice }) => {
        const other = pickLater(dice, steps, slot);
        const there = framesOf(steps, other.step)[other.index];
        if (there === undefined) return;
        put(steps, other, 1, frame);
        put(steps, slot, 1, there);
      },
    ],
  ],
  [
    4,
    [
      "later",
      (steps, slot, frame, { dice }) => {
        put(steps, pickLater(dice, steps, slot), 0, frame);
        put(steps, slot, 1);
      },
    ],
  ],
  [
    10,
    [
      "foreign",
      (steps, slot, _frame, { dice, pool, corpus }) =>
        put(steps, slot, 0, ...Array.from({ length: dice.pick([1, 1, 1, 2, 5]) }, () => foreignFrame(dice, pool, corpus))),
    ],
  ],
  [4, ["control", (steps, slot, _frame, { dice, pool }) => put(steps, slot, 0, controlFrame(dice, pool))]],
  [
    1,
    [
      "number",
      (steps, slot, frame, { dice, pool }) =>
        put(steps, slot, 1, { ...frame, number: dice.chance(0.5) ? dice.below(60) : odd(dice, pool) }),
    ],
  ],
  [
    1.5,
    [
      "mangled",
      (steps, { step }, _frame, { dice }) => {
        const before = steps[step];
        if (before?.is === "frames") steps[step] = { ...before, mangle: mangler(dice) };
      },
    ],
  ],
  [
    4,
    [
      "cut otherwise",
      (steps, { step, index }) => {
        const frames = framesOf(steps, step);
        steps.splice(step, 1, { is: "frames", frames: frames.slice(0, index) }, { is: "frames", frames: frames.slice(index) });
      },
    ],
  ],
  [2, ["a moment", (steps, { step }) => void steps.splice(step, 0, { is: "tick" })]],
  [2, ["another link", (steps, { step }, _frame, { role }) => void steps.splice(step, 0, ...anotherLink(role))]],
];
/** A listener waits until it is dialed again. */
function anotherLink(role: Role): readonly Step[] {
  const wait: Step[] = Array.from({ length: 3 }, () => ({ is: "tick" }));
  return role === "dialer" ? [{ is: "drop" }, { is: "tick" }, { is: "resume" }] : [{ is: "drop" }, ...wait, { is: "resume" }];
}
function pickLater(dice: Dice, steps: Steps, { step, index }: Slot): Slot {
  const later = steps.flatMap((one, at): Slot[] =>
    one.is === "frames" && at > step ? one.frames.map((_, other) => ({ step: at, index: other })) : [],
  );
  return later.length === 0 ? { step, index } : dice.pick(dice.chance(0.6) ? later.slice(0, 6) : later);
}

/** Fields of a `resume` or `resumed`. */
function changedResume(dice: Dice, pool: Pool): Readonly<Record<string, unknown>> {
  const name = dice.pick(["version", "session", "listener", "token", "epoch", "next", "first", "credentials"]);
  return { [name]: dice.chance(0.5) ? dice.below(40) : odd(dice, pool) };
}

/** @returns the script of that role in that recording, mutated */
export function mutate(recording: Recording, role: Role, corpus: Corpus, dice: Dice): Mutant {
  const recorded = recording.scripts[role];
  const making: Making = { dice, pool: poolOf(recorded), corpus, role };
  const steps: Steps = [...recorded];
  const done: string[] = [];
  const count = dice.weighted([
    [5, 0],
    [40, 1],
    [28, 2],
    [17, 3 + dice.below(3)],
    [10, 6 + dice.below(15)],
  ]);
  for (let mutations = 0; mutations < count; mutations++) {
    const slot = pickSlot(dice, steps);
    const frame = slot === undefined ? undefined : framesOf(steps, slot.step)[slot.index];
    if (slot === undefined || frame === undefined) break;
    const [name, act] = dice.weighted(acts);
    if (name === "value" && isControl(frame)) continue;
    act(steps, slot, frame, making);
    done.push(`${name} (${slot.step}.${slot.index} ${String(frame.fields[0])})`);
  }
  for (const [at, step] of steps.entries())
    if (step.is === "resume" && dice.chance(0.2)) {
      steps[at] = { ...step, changes: changedResume(dice, making.pool) };
      done.push("resume");
    }
  return {
    steps: steps.filter((step) => step.is !== "frames" || step.frames.length > 0),
    done,
    manner: {
      numbers: dice.chance(0.985) ? "in turn" : "wild",
      acks: dice.weighted([
        [95, "proper"],
        [3, "none"],
        [2, "wild"],
      ]),
      patience: dice.weighted([
        [80, 1],
        [12, 0.6],
        [8, 0.1],
      ]),
    },
  };
}
/** The first word of a link, or the answer to one, as `frame` or with something else in it. */
export function greeting(frame: readonly unknown[], dice: Dice): string | Uint8Array {
  const pool = poolOf([{ is: "frames", frames: [{ fields: frame, blobs: [] }] }]);
  const fields = copy(frame) as Fields;
  for (let changes = dice.below(4); changes > 0; changes--) {
    const places = placesIn(fields, 0);
    if (places.length === 0) break;
    const { list, key } = dice.pick(places);
    const [before, how] = [list[key], dice.random()];
    if (how < 0.15 && !Array.isArray(list)) delete list[key];
    else if (how < 0.3 && typeof before === "string")
      list[key] = `${before.slice(0, dice.below(before.length + 1))}${dice.pick(["", "0", "\n", "A"])}`;
    else list[key] = odd(dice, pool);
  }
  const batch = `[${write(fields)}${dice.chance(0.08) ? `,${write(["ack", 0])}` : ""}]`;
  return dice.chance(0.1) ? mangler(dice)(batch) : batch;
}

/** The script as it was recorded. */
export function unchanged(recording: Recording, role: Role): Mutant {
  return { steps: recording.scripts[role], done: [], manner: { numbers: "in turn", acks: "proper", patience: 1 } };
}
