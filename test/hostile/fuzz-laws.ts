/** What has to hold after every session, whatever was said in it. */
import { NetchanError } from "../../src/index.js";
import { faultOf } from "../support/planted.js";
import { Aborted, type App, Stop } from "./fuzz-programs.js";

// ───────────── what everybody shares ─────────────

const watched: readonly (readonly [string, object])[] = (
  [
    ["Object", Object],
    ["Array", Array],
    ["Promise", Promise],
    ["Function", Function],
    ["Map", Map],
    ["Set", Set],
    ["Date", Date],
    ["RegExp", RegExp],
    ["Error", Error],
    ["String", String],
    ["Number", Number],
    ["Uint8Array", Uint8Array],
  ] as const
).flatMap(([name, made]): (readonly [string, object])[] => [
  [name, made],
  [`${name}.prototype`, made.prototype as object],
]);

type Known = ReadonlyMap<PropertyKey, PropertyDescriptor>;
const membersOf = (thing: object): Known =>
  new Map(Reflect.ownKeys(thing).map((key) => [key, Reflect.getOwnPropertyDescriptor(thing, key) ?? {}]));
/** A session may write the time it took here, if anything did. */
const changing = new Set<PropertyKey>(["stackTraceLimit", "lastMatch"]);
const isLegacyStatic = (name: string, key: PropertyKey): boolean => name === "RegExp" && typeof key === "string" && key !== "prototype";

/**
 * Remembers what the prototypes of the language are.
 * @returns says what has changed since: how many members there are each time, what they are one time in sixteen
 */
export function watchPrototypes(): () => readonly string[] {
  const before = watched.map(([name, thing]) => ({
    name,
    thing,
    members: membersOf(thing),
    prototype: Object.getPrototypeOf(thing) as unknown,
  }));
  let looks = 0;
  return () => {
    const thoroughly = looks++ % 16 === 0;
    return before.flatMap(({ name, thing, members, prototype }) => {
      const faults: string[] = [];
      const keys = Reflect.ownKeys(thing);
      if (keys.length !== members.size) faults.push(`${name} has ${keys.length} members in place of ${members.size}`);
      for (const key of thoroughly ? keys : []) {
        if (changing.has(key) || isLegacyStatic(name, key)) continue;
        const [now, was] = [Reflect.getOwnPropertyDescriptor(thing, key), members.get(key)];
        if (!Object.is(now?.value, was?.value) || now?.get !== was?.get || now?.set !== was?.set)
          faults.push(`${name}.${String(key)} has changed`);
      }
      if (Object.getPrototypeOf(thing) !== prototype) faults.push(`${name} has another prototype`);
      return faults;
    });
  };
}

// ───────────── operations ─────────────

type Kind = "did" | "own";

/** The operations of one side: which are open, and whether what they came to is what operations may come to. */
export class Operations implements Pick<App, "did" | "own" | "mine" | "take" | "takeOwn" | "abortable"> {
  readonly open = { did: 0, own: 0 };
  readonly faults: string[] = [];
  /** Where what is open was begun, when there are stacks. */
  readonly #begun = new Map<Promise<unknown>, string>();
  get places(): string {
    return [...this.#begun.values()].map((stack) => `\n    ${stack}`).join("");
  }
  /** Ends that came, by what brought them. Kept, so that when they are let go of does not depend on when rubbish is collected. */
  readonly ends = { did: new Set<object>(), own: new Set<object>() };
  /** What it made itself, or has of a third process, came back to it: what is done with that does not depend on the session. */
  get cameHome(): boolean {
    for (const end of this.ends.did) if (this.ends.own.has(end)) return true;
    return false;
  }

  did<T>(operation: Promise<T>): Promise<T> {
    return this.#watch("did", operation);
  }
  own<T>(operation: Promise<T>): Promise<T> {
    return this.#watch("own", operation);
  }
  mine(...ends: readonly object[]): void {
    for (const end of ends) this.ends.own.add(end);
  }
  #watch<T>(kind: Kind, operation: Promise<T>): Promise<T> {
    this.open[kind]++;
    if (Error.stackTraceLimit > 0) this.#begun.set(operation, new Error("it was begun here").stack ?? "");
    const over = (): boolean => this.#begun.delete(operation);
    operation.then(over, over);
    operation.then(
      (result) => {
        this.open[kind]--;
        this.#look(kind, result);
      },
      (error: unknown) => {
        this.open[kind]--;
        this.blame(error);
      },
    );
    return operation;
  }
  #look(kind: Kind, result: unknown): void {
    const beside = typeof result === "object" && result !== null && (Object.hasOwn(result, "done") || Object.hasOwn(result, "case"));
    const fault = faultOf(beside ? (result as { readonly value?: unknown }).value : result, (end) => this.ends[kind].add(end));
    if (fault !== undefined) this.faults.push(fault);
  }
  /** Operations and programs may fail with errors of the package, and with what they were aborted with. */
  blame(error: unknown): void {
    if (NetchanError.is(error) || error instanceof Aborted || error instanceof Stop) return;
    this.faults.push(`an operation failed with ${error instanceof Error ? (error.stack ?? String(error)) : String(error)}`);
  }

  async take(...[receive, options]: Parameters<App["take"]>): Promise<unknown> {
    return taken(await this.did(receive(options)));
  }
  async takeOwn(receive: Parameters<App["takeOwn"]>[0]): Promise<unknown> {
    return taken(await this.own(receive()));
  }
  abortable(): ReturnType<App["abortable"]> {
    const controller = new AbortController();
    return { options: { signal: controller.signal }, abort: () => controller.abort(new Aborted()) };
  }
}
function taken({ done, value }: { readonly done: boolean; readonly value: unknown }): unknown {
  if (done) throw new Stop();
  return value;
}
