/**
 * What a user taught their SuperJSON instance, and the private instance that writes with it. Layer: wire.
 * Invariants: the user's instance is only read, so it goes on working as before; what is registered later counts too, because its
 * registries are shared and not copied. Look-ups by a peer's strings end in Maps or are checked to be what they claim.
 */
import { SuperJSON } from "superjson";

/** A custom type, as `registerCustom` takes it. */
export interface Custom {
  readonly name: string;
  serialize(value: unknown): unknown;
  deserialize(json: unknown): unknown;
}
/** A registered class: only `props` travel when there are any. */
export interface RegisteredClass {
  readonly prototype: object;
  readonly props: readonly string[] | undefined;
}
/** What stands in a snapshot for a value that superjson shall write as a custom type. */
export interface StandIn {
  readonly name: string;
  readonly serialize: () => unknown;
}

type Constructor = new (...args: never) => object;

/** The instance behind what a user gives as `superjson`: an instance, or superjson's default export, whose functions share one. */
function instanceOf(given: object): SuperJSON {
  const instance = typeof given === "function" ? (given as { readonly defaultInstance?: unknown }).defaultInstance : given;
  const { classRegistry, symbolRegistry, customTransformerRegistry, allowedErrorProps } = (instance ?? {}) as Partial<SuperJSON>;
  if (
    typeof classRegistry?.getIdentifier !== "function" ||
    typeof symbolRegistry?.getIdentifier !== "function" ||
    typeof customTransformerRegistry?.findApplicable !== "function" ||
    !Array.isArray(allowedErrorProps)
  )
    throw new TypeError("Expected superjson to be a SuperJSON instance (version 2)");
  return instance as SuperJSON;
}

export class Registry {
  readonly #user: SuperJSON;
  readonly #writer: SuperJSON;
  #standIns: ReadonlyMap<unknown, StandIn> = new Map();

  constructor(superjson: object | undefined) {
    this.#user = superjson === undefined ? new SuperJSON() : instanceOf(superjson);
    this.#writer = new SuperJSON({ dedupe: true });
    Object.defineProperties(this.#writer, {
      classRegistry: { value: this.#user.classRegistry },
      symbolRegistry: { value: this.#user.symbolRegistry },
      customTransformerRegistry: { value: { findApplicable: (value: unknown) => this.#standIns.get(value) } },
      allowedErrorProps: { get: () => this.errorProps },
    });
  }

  /**
   * A snapshot in superjson's format. `standIns` says what is a custom type in it, so no code of the user runs in here.
   * `dedupe` is on: a shared object is written once. Written each time (superjson's default) it doubles with every level of sharing.
   */
  write(snapshot: unknown, standIns: ReadonlyMap<unknown, StandIn>): { readonly json: unknown; readonly meta?: unknown } {
    this.#standIns = standIns;
    try {
      return this.#writer.serialize(snapshot);
    } finally {
      this.#standIns = new Map();
    }
  }

  /** Properties of errors that travel besides name, message and cause. Never the stack: it tells a peer about this process. */
  get errorProps(): readonly string[] {
    return this.#user.allowedErrorProps.filter((prop) => prop !== "stack");
  }

  /** Has the user any custom types? They may claim values that look plain. */
  get hasCustoms(): boolean {
    const { transfomers } = this.#user.customTransformerRegistry as unknown as { readonly transfomers?: object }; // superjson's spelling
    return transfomers === undefined || Object.keys(transfomers).length > 0;
  }

  customFor(value: unknown): Custom | undefined {
    return this.#user.customTransformerRegistry.findApplicable(value) as Custom | undefined;
  }

  customNamed(name: string): Custom | undefined {
    // A plain object is searched: of what "constructor" or "toString" finds there nothing can deserialize.
    const found: unknown = this.#user.customTransformerRegistry.findByName(name);
    const custom = found as Partial<Custom> | undefined;
    return custom?.name === name && typeof custom.deserialize === "function" ? (found as Custom) : undefined;
  }

  classOf(value: object): RegisteredClass | undefined {
    const made: unknown = (value as { readonly constructor?: unknown }).constructor;
    if (typeof made !== "function" || this.#user.classRegistry.getIdentifier(made as Constructor) === undefined) return undefined;
    return this.#describe(made as Constructor);
  }

  classNamed(identifier: string): RegisteredClass | undefined {
    const found = this.#user.classRegistry.getValue(identifier) as Constructor | undefined;
    return found === undefined ? undefined : this.#describe(found);
  }

  #describe(made: Constructor): RegisteredClass {
    return { prototype: made.prototype as object, props: this.#user.classRegistry.getAllowedProps(made) };
  }

  hasSymbol(symbol: symbol): boolean {
    return this.#user.symbolRegistry.getIdentifier(symbol) !== undefined;
  }

  symbolNamed(identifier: string): symbol | undefined {
    return this.#user.symbolRegistry.getValue(identifier) as symbol | undefined;
  }
}
