/** A child process of a test: started, told, listened to, frozen, killed. Invariant: none outlives its test, whatever became of that. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ClientSettings, Command, Report, Reports, ServerSettings } from "./words.js";

/** Longer than anything here takes on a busy machine: what has not been heard by then will never be. */
const patienceMs = 60_000;

type Kind = keyof Reports;

export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #said: Report[] = [];
  readonly #listeners = new Set<() => void>();
  #complaints = "";
  #exit: string | undefined;

  private constructor(script: "server" | "client", settings: ServerSettings | ClientSettings) {
    this.#process = fork(fileURLToPath(new URL(`./${script}.ts`, import.meta.url)), [JSON.stringify(settings)], {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    this.#process.on("message", (report: Report) => {
      this.#said.push(report);
      this.#wake();
    });
    this.#process.on("error", () => {}); // a command to one that has just died
    this.#process.on("close", (code, signal) => {
      this.#exit = signal ?? String(code);
      this.#wake();
    });
  }
  #wake(): void {
    for (const listener of this.#listeners) listener();
  }

  static server(settings: ServerSettings): Child {
    return new Child("server", settings);
  }
  static client(settings: ClientSettings): Child {
    return new Child("client", settings);
  }

  say(command: Command): void {
    this.#process.send(command);
  }

  /** How many reports there were so far. */
  get position(): number {
    return this.#said.length;
  }
  all<K extends Kind>(kind: K, at = 0): readonly Reports[K][] {
    return this.#said.filter((report) => report.kind === kind && report.at === at) as readonly unknown[] as readonly Reports[K][];
  }
  /** The first such report from a position on, which may have come already. Rejects when the process ends without it. */
  heard<K extends Kind>(kind: K, matches: (report: Reports[K]) => boolean = () => true, from = 0): Promise<Reports[K]> {
    let next = from;
    return this.#until(`a report "${kind}"`, () => {
      for (; next < this.#said.length; next++) {
        const report = this.#said[next] as Report;
        if (report.kind === kind && matches(report as unknown as Reports[K])) return report as unknown as Reports[K];
      }
      if (this.#exit !== undefined) throw new Error(`The process ended (${this.#exit}) ${this.#account()}`);
      return undefined;
    });
  }
  #account(): string {
    const last = this.#said.slice(-10).map((report) => JSON.stringify(report).slice(0, 300));
    return `after it said\n${last.join("\n")}\n${this.#complaints}`;
  }

  #until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        act();
      };
      const check = (): void => {
        try {
          const found = look();
          if (found !== undefined) settle(() => resolve(found));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const late = new Error(`Waited ${patienceMs} ms for ${what}`); // made here, so that it shows who waited
      const timer = setTimeout(() => {
        late.message += ` ${this.#account()}`;
        settle(() => reject(late));
      }, patienceMs);
      this.#listeners.add(check);
      check();
    });
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }
  /** SIGKILL: it says goodbye to nobody. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#until("its end", () => this.#exit);
  }
  /** It has nothing to do any more, and must find its end by itself. @returns its exit code, and whatever it complained of */
  async leave(): Promise<string> {
    this.say({ do: "leave" });
    return (await this.#until("its end", () => this.#exit)) + this.#complaints;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit !== undefined) return;
    const closed = once(this.#process, "close");
    this.#process.kill("SIGKILL");
    await closed;
  }
}
