/** Made-up programs: a few tasks in a few processes, each a list of operations on one or two channels with one home. */
import { seeded } from "../../src/transports/memory.js";
import type { Kind, Part } from "./history.js";

/** One operation of a task. */
export interface Step {
  readonly kind: Kind;
  readonly parts: readonly Part[];
  /** So long after the step before it, in milliseconds; 0 is in the same turn. */
  readonly afterMs: number;
  /** It is called when the step before it has its answer, or has waited too long for it. */
  readonly waits: boolean;
  /** Its signal aborts so long after the call. */
  readonly abortMs?: number;
}
export interface Task {
  readonly process: number;
  readonly steps: readonly Step[];
}
export interface Program {
  readonly capacities: readonly number[];
  readonly tasks: readonly Task[];
}

const mostOperations = 12;

/** Makes programs for `processes` processes, the home among them. */
export class Generator {
  readonly random: () => number;
  #value = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }
  below(most: number): number {
    return Math.floor(this.random() * most);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  program(processes: number): Program {
    this.#value = 0;
    const capacities = Array.from({ length: this.chance(0.3) ? 2 : 1 }, () => this.pick([0, 0, 0, 0, 1, 1, 1, 2, 2, 3]));
    const tasks = Array.from({ length: 2 + this.below(3) }, (_, index) => ({
      process: index < 2 ? index % processes : this.below(processes),
      /** How much it likes to send. */
      sends: this.pick([0.1, 0.5, 0.9]),
      steps: [] as Step[],
    }));
    const hurry = this.pick([1, 3, 8]);
    const simple = this.chance(0.4);
    const aborts = this.pick([0, 0.15, 0.4]);
    const closes = this.pick([0, 0, 0.12]);
    for (let left = 4 + this.below(mostOperations - 3); left > 0; left--) {
      const task = this.pick(tasks);
      const kind = this.#kind(task.sends, simple, closes);
      task.steps.push({
        kind,
        parts: this.#parts(kind, task.sends, capacities.length),
        afterMs: this.below(hurry * 2),
        waits: this.chance(0.5),
        ...(kind !== "close" && this.chance(aborts) ? { abortMs: this.below(hurry * 3) } : {}),
      });
    }
    return { capacities, tasks: tasks.filter(({ steps }) => steps.length > 0) };
  }

  #kind(sends: number, simple: boolean, closes: number): Kind {
    if (this.chance(closes)) return "close";
    if (!simple && this.chance(0.4)) return this.chance(0.5) ? "select" : "try";
    return this.chance(sends) ? "send" : "receive";
  }
  #parts(kind: Kind, sends: number, channels: number): readonly Part[] {
    const part = (sending: boolean): Part => {
      const channel = this.below(channels);
      return sending ? { channel, value: ++this.#value } : { channel };
    };
    if (kind === "close") return [{ channel: this.below(channels) }];
    if (kind === "send" || kind === "receive") return [part(kind === "send")];
    return Array.from({ length: this.chance(0.55) ? 2 : 1 }, () => part(this.chance(sends)));
  }
}

/** All programs that lack one step of this one. */
export function smaller(program: Program): readonly Program[] {
  return program.tasks.flatMap((task, which) =>
    task.steps.map((_, index) => ({
      capacities: program.capacities,
      tasks: program.tasks.with(which, { process: task.process, steps: task.steps.filter((__, other) => other !== index) }),
    })),
  );
}
