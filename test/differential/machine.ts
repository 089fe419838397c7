/**
 * Runs a program with netchan: each task in one of the processes, each channel at home in one of them, both chosen by a seed.
 * Every channel operation is one of the library's; a task that dies says so in its lines, as the Go program does.
 */
import { type Case, type Channel, chan, NetchanError, select, trySelect } from "../../src/node.js";
import { type Expr, element, type Func, type Program, type SelectCase, type Stmt } from "./ast.js";
import { Dice } from "./builder.js";
import { evaluate, type Names, shaped, zero } from "./values.js";
import type { Held, Message, Value, World } from "./world.js";

export interface Outcome {
  /** What the program printed, ordered by task. */
  readonly lines: readonly string[];
  readonly operations: number;
  /** Of them those at a channel that has its home in another process. */
  readonly remote: number;
  /** Selects between channels with homes in different processes. */
  readonly across: number;
}

/** Which process does what. */
export interface Placement {
  readonly seed: number;
  readonly processes: number;
  /** Where tasks run, and where channels have their home. */
  readonly tasks: readonly number[];
  readonly homes: readonly number[];
}

/** Mostly apart, so that no operation has its channel at hand; else anything anywhere. */
export function place(seed: number): Placement {
  const dice = new Dice(seed);
  const processes = dice.chance(0.8) ? 3 : 2;
  const all = Array.from({ length: processes }, (_, index) => index);
  if (dice.chance(0.3)) return { seed, processes, tasks: all, homes: all };
  const alone = dice.below(processes);
  const [some, others] = [[alone], all.filter((one) => one !== alone)];
  return dice.chance(0.5) ? { seed, processes, tasks: some, homes: others } : { seed, processes, tasks: others, homes: some };
}

interface Task {
  readonly id: string;
  readonly at: number;
  children: number;
  channels: number;
  readonly lines: string[];
  /** Where it is, for the report of one that is stuck. */
  doing: string;
}
/** What a select of any cases gives. */
interface Chosen {
  readonly case: string;
  readonly done?: boolean;
  readonly value?: Value;
}

/** What Go says when it panics. */
class Panic extends Error {}

/** The word for an error that Go has a panic for. Others are no part of any program. */
function panicOf(error: unknown): string {
  if (error instanceof Panic) return error.message;
  if (NetchanError.is(error) && error.code === "CHANNEL_CLOSED") return "send on closed channel";
  throw error;
}

const sendEnd = (held: Held) => {
  if (held.send === undefined) throw new TypeError("the program may not send there");
  return held.send;
};
const receiveEnd = (held: Held) => {
  if (held.receive === undefined) throw new TypeError("the program may not receive there");
  return held.receive;
};

export class Machine {
  readonly #functions: ReadonlyMap<string, Func>;
  readonly #tasks: Task[] = [];
  readonly #homes = new Map<string, { readonly channel: Channel<Value>; readonly at: number }>();
  #running = 0;
  #operations = 0;
  #remote = 0;
  #across = 0;
  #done: () => void = () => {};
  #failed: (error: unknown) => void = () => {};

  constructor(
    readonly program: Program,
    readonly world: World,
    readonly placement: Placement,
  ) {
    this.#functions = new Map(program.functions.map((one) => [one.name, one]));
  }

  async run(): Promise<Outcome> {
    const finished = new Promise<void>((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
    });
    this.world.serve((message) => this.#arrived(message));
    this.#running++;
    this.#start("0", this.#place("0", this.placement.tasks), this.program.functions[0]?.name ?? "", []);
    await this.world.finish(finished).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.#waiting()}`, { cause: error });
    });
    this.#tasks.sort((one, other) => (one.id < other.id ? -1 : 1));
    return { lines: this.#tasks.flatMap(({ lines }) => lines), operations: this.#operations, remote: this.#remote, across: this.#across };
  }
  #waiting(): string {
    const open = this.#tasks.filter(({ doing }) => doing !== "");
    return open.map(({ id, at, doing }) => `  task ${id} in process ${at}: ${doing}`).join("\n");
  }

  /** The same for the same program and placement, in whatever order things happen. */
  #place(what: string, places: readonly number[]): number {
    let mixed = this.placement.seed;
    for (const letter of what) mixed = (Math.imul(mixed, 31) + letter.charCodeAt(0)) | 0;
    return new Dice(mixed).pick(places);
  }

  // ── processes ──

  #arrived(message: Message): void {
    if ("task" in message) this.#start(message.task, message.to, message.name, message.args);
    else void message.reply(this.#create(message.make, message.to, message.capacity));
  }
  #create(id: string, at: number, capacity: number): Held {
    const channel = chan<Value>(capacity);
    this.#homes.set(id, { channel, at });
    return { id, ...channel };
  }
  async #make(task: Task, capacity: number): Promise<Held> {
    const id = `${task.id}/${++task.channels}`;
    const to = this.#place(id, this.placement.homes);
    if (to === task.at) return this.#create(id, to, capacity);
    const { send: reply, receive } = chan<Held>();
    await this.world.send(task.at, { to, make: id, capacity, reply });
    const made = await receive();
    if (made.done) throw new Error("a process made no channel");
    return made.value;
  }
  #spawn(parent: Task, name: string, args: readonly Value[]): void {
    const task = `${parent.id}.${++parent.children}`;
    const to = this.#place(task, this.placement.tasks);
    this.#running++;
    if (to === parent.at) this.#start(task, to, name, args);
    else this.world.send(parent.at, { to, task, name, args }).catch(this.#failed);
  }
  #start(id: string, at: number, name: string, args: readonly Value[]): void {
    const task: Task = { id, at, children: 0, channels: 0, lines: [], doing: "begins" };
    this.#tasks.push(task);
    this.#perform(task, name, args)
      .then(() => {
        task.doing = "";
        if (--this.#running === 0) this.#done();
      })
      .catch((error: unknown) => this.#failed(new Error(`task ${id} in process ${at}, ${task.doing}: ${String(error)}`, { cause: error })));
  }
  async #perform(task: Task, name: string, args: readonly Value[]): Promise<void> {
    const func = this.#functions.get(name);
    if (func === undefined) throw new Error(`there is no function ${name}`);
    const names: Names = new Map(func.params.map((param, index) => [param.name, args[index] ?? null]));
    try {
      await this.#block(task, names, func.body);
    } catch (error) {
      task.lines.push(`${task.id}: died of ${panicOf(error)}`);
    }
  }

  // ── statements ──

  async #block(task: Task, names: Names, stmts: readonly Stmt[]): Promise<void> {
    for (const stmt of stmts) await this.#stmt(task, names, stmt);
  }

  /** The channel an operation is about. */
  #use(task: Task, names: Names, c: Expr, doing: string): Held {
    const held = this.#value(names, c) as Held | null;
    if (held === null) throw new TypeError("the program uses a nil channel");
    task.doing = `${doing} ${c.k === "var" ? c.name : c.k} (${held.id})`;
    this.#operations++;
    if (this.#homes.get(held.id)?.at !== task.at) this.#remote++;
    return held;
  }

  async #stmt(task: Task, names: Names, stmt: Stmt): Promise<void> {
    switch (stmt.s) {
      case "let":
      case "set":
        names.set(stmt.to.name, shaped(this.#value(names, stmt.e), stmt.to.type));
        return;
      case "make":
        task.doing = `make ${stmt.to.name}`;
        names.set(stmt.to.name, await this.#make(task, stmt.capacity));
        return;
      case "send": {
        const send = sendEnd(this.#use(task, names, stmt.c, "send to"));
        await send(shaped(this.#value(names, stmt.e), element(stmt.c)));
        return;
      }
      case "receive": {
        const got = await receiveEnd(this.#use(task, names, stmt.c, "receive from"))();
        names.set(stmt.value.name, got.done ? zero(stmt.value.type) : got.value);
        if (stmt.ok !== undefined) names.set(stmt.ok.name, !got.done);
        return;
      }
      case "range": {
        const held = this.#use(task, names, stmt.c, "range over");
        for await (const value of receiveEnd(held)) {
          names.set(stmt.value.name, value);
          await this.#block(task, names, stmt.body);
          this.#use(task, names, stmt.c, "range over");
        }
        return;
      }
      case "close": {
        const send = sendEnd(this.#use(task, names, stmt.c, "close"));
        const again = send.closed;
        send.close(); // the library lets anybody close again; Go does not
        if (again) throw new Panic("close of closed channel");
        return;
      }
      case "times":
        for (let index = 0; index < Number(this.#value(names, stmt.count)); index++) {
          names.set(stmt.index.name, index);
          await this.#block(task, names, stmt.body);
        }
        return;
      case "while":
        while (this.#value(names, stmt.condition) === true) await this.#block(task, names, stmt.body);
        return;
      case "if":
        await this.#block(task, names, this.#value(names, stmt.condition) === true ? stmt.body : stmt.otherwise);
        return;
      case "select":
        await this.#select(task, names, stmt.cases, stmt.otherwise);
        return;
      case "go": {
        const params = this.#functions.get(stmt.name)?.params ?? [];
        const args = stmt.args.map((arg, index) => shaped(this.#value(names, arg), params[index]?.type ?? arg.type));
        this.#spawn(task, stmt.name, args);
        return;
      }
      case "print":
        task.lines.push(`${task.id}: ${stmt.parts.map((part) => String(this.#value(names, part))).join(" ")}`);
        return;
      case "guard":
        names.set(stmt.to.name, await this.#block(task, names, stmt.body).then(() => "no panic", panicOf));
        return;
    }
  }

  async #select(task: Task, names: Names, cases: readonly SelectCase[], otherwise: readonly Stmt[] | undefined): Promise<void> {
    const offers: Record<string, Case> = {};
    const on: string[] = [];
    const homes = new Set<number | undefined>();
    for (const [index, one] of cases.entries()) {
      if (this.#value(names, one.c) === null) {
        offers[index] = null;
        continue;
      }
      const held = this.#use(task, names, one.c, "select");
      on.push(task.doing);
      homes.add(this.#homes.get(held.id)?.at);
      offers[index] = "e" in one ? [sendEnd(held), shaped(this.#value(names, one.e), element(one.c))] : receiveEnd(held);
    }
    task.doing = `[${on.join(", ")}]`;
    if (homes.size > 1) this.#across++;
    const got: Chosen | undefined = otherwise === undefined ? await select(offers) : await trySelect(offers);
    if (got === undefined) return this.#block(task, names, otherwise ?? []);
    const chosen = cases[Number(got.case)] as SelectCase;
    if (!("e" in chosen)) {
      names.set(chosen.value.name, got.done === true ? zero(chosen.value.type) : (got.value ?? null));
      names.set(chosen.ok.name, got.done === false);
    }
    return this.#block(task, names, chosen.body);
  }

  #value(names: Names, e: Expr): Value {
    // Asked at home: elsewhere it is only as last heard.
    return evaluate(names, e, (id) => this.#homes.get(id)?.channel.receive.buffered ?? -1);
  }
}
