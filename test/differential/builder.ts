/** Writes programs: a `Block` for each list of statements, and dice that follow the seed. */
import { seeded } from "../../src/transports/memory.js";
import {
  type ChanType,
  chanOf,
  type Direction,
  type Expr,
  element,
  expr,
  type Func,
  type Given,
  type Program,
  type SelectCase,
  type Stmt,
  type Type,
  times,
  type Var,
} from "./ast.js";

export class Dice {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = seeded(seed);
    this.#next();
  }
  below(count: number): number {
    return Math.floor(this.#next() * count);
  }
  from(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }
  chance(share: number): boolean {
    return this.#next() < share;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  /** Mostly none, then small. */
  capacity(): number {
    return this.chance(0.5) ? 0 : this.from(1, 4);
  }
}

type Body = (b: Block) => void;
export type CaseBody = (b: Block, value: Var, ok: Var) => void;

/** A case as it is written: from a channel, or of a value to one. Only the first kind has a value and an ok. */
export type Offer =
  | { readonly from: Expr; readonly does?: CaseBody }
  | { readonly to: Expr; readonly value: Given; readonly does?: CaseBody };

export class Writer {
  readonly dice: Dice;
  readonly functions: Func[] = [];
  readonly features = new Set<string>();
  #names = 0;

  constructor(readonly seed: number) {
    this.dice = new Dice(seed);
  }
  fresh(type: Type, stem = "v"): Var {
    return { k: "var", name: `${stem}${++this.#names}`, type };
  }
  /** A new function; its name. */
  func(types: readonly Type[], write: (b: Block, ...params: Var[]) => void): string {
    const name = `f${++this.#names}`;
    const params = types.map((type) => this.fresh(type, "p"));
    const block = new Block(this);
    write(block, ...params);
    this.functions.push({ name, params, body: block.stmts });
    return name;
  }
  program(write: Body): Program {
    const name = this.func([], write);
    const first = this.functions.find((one) => one.name === name) as Func;
    return { seed: this.seed, functions: [first, ...this.functions.filter((one) => one !== first)], features: this.features };
  }
}

export class Block {
  readonly stmts: Stmt[] = [];
  constructor(readonly writer: Writer) {}
  get dice(): Dice {
    return this.writer.dice;
  }

  inner(write: Body): readonly Stmt[] {
    const block = new Block(this.writer);
    write(block);
    return block.stmts;
  }
  uses(feature: string): void {
    this.writer.features.add(feature);
  }
  #add(stmt: Stmt): void {
    this.stmts.push(stmt);
  }

  let(given: Given, type?: Type): Var {
    const e = expr(given);
    const to = this.writer.fresh(type ?? e.type);
    this.#add({ s: "let", to, e });
    return to;
  }
  set(to: Var, given: Given): void {
    this.#add({ s: "set", to, e: expr(given) });
  }
  make(type: Type, capacity = 0): Var {
    this.uses(capacity > 0 ? "buffered" : "unbuffered");
    const to = this.writer.fresh(chanOf(type), "c");
    this.#add({ s: "make", to, capacity });
    return to;
  }
  send(c: Expr, given: Given): void {
    this.#add({ s: "send", c, e: expr(given) });
  }
  receive(c: Expr): Var {
    const value = this.writer.fresh(element(c));
    this.#add({ s: "receive", c, value, ok: undefined });
    return value;
  }
  receiveOk(c: Expr): readonly [Var, Var] {
    this.uses("v, ok");
    const [value, ok] = [this.writer.fresh(element(c)), this.writer.fresh("bool", "ok")];
    this.#add({ s: "receive", c, value, ok });
    return [value, ok];
  }
  range(c: Expr, write: (b: Block, value: Var) => void): void {
    this.uses("range");
    const value = this.writer.fresh(element(c));
    this.#add({ s: "range", c, value, body: this.inner((b) => write(b, value)) });
  }
  close(c: Expr): void {
    this.uses("close");
    this.#add({ s: "close", c });
  }
  times(count: Given, write: (b: Block, index: Var) => void): void {
    const index = this.writer.fresh("int", "i");
    this.#add({ s: "times", index, count: expr(count), body: this.inner((b) => write(b, index)) });
  }
  while(condition: Expr, write: Body): void {
    this.#add({ s: "while", condition, body: this.inner(write) });
  }
  if(condition: Expr, then: Body, otherwise: Body = () => {}): void {
    this.#add({ s: "if", condition, body: this.inner(then), otherwise: this.inner(otherwise) });
  }
  /** With a second argument it does not wait. */
  select(offers: readonly Offer[], otherwise?: Body): void {
    const cases = offers.map((offer): SelectCase => {
      const c = "to" in offer ? offer.to : offer.from;
      const [value, ok] = [this.writer.fresh(element(c)), this.writer.fresh("bool", "ok")];
      const body = this.inner((b) => offer.does?.(b, value, ok));
      return "to" in offer ? { c, e: expr(offer.value), body } : { c, value, ok, body };
    });
    this.uses(otherwise === undefined ? "select" : "default");
    this.#add({ s: "select", cases, otherwise: otherwise && this.inner(otherwise) });
  }
  go(name: string, ...args: Given[]): void {
    this.uses("go");
    this.#add({ s: "go", name, args: args.map(expr) });
  }
  /** A new function, started at once. */
  task(args: readonly Expr[], write: (b: Block, ...params: Var[]) => void): void {
    const types = args.map(({ type }) => type);
    this.go(this.writer.func(types, write), ...args);
  }
  print(...parts: Given[]): void {
    this.#add({ s: "print", parts: parts.map(expr) });
  }
  guard(write: Body): Var {
    this.uses("panic and recover");
    const to = this.writer.fresh("string", "panic");
    this.#add({ s: "guard", to, body: this.inner(write) });
    return to;
  }

  // ── words ──

  add(to: Var, given: Given): void {
    this.set(to, { k: "op", op: "+", left: to, right: expr(given), type: to.type });
  }
  /** A checksum that knows the order. */
  fold(to: Var, given: Given): void {
    const mixed: Expr = { k: "op", op: "+", left: times(to, 31), right: expr(given), type: "int" };
    this.set(to, { k: "op", op: "%", left: mixed, right: expr(1_000_003), type: "int" });
  }
  /** As much of the channel as a task needs, now and then all of it. */
  end(c: Expr, dir: Direction): Expr {
    return this.dice.chance(0.7) ? { k: "narrow", of: c, type: chanOf((c.type as ChanType).chan, dir) } : c;
  }
}
