/** A contender's processes: a server, where it has one, and a client that runs on order. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Order, Told } from "./child.js";
import type { Entry, Row } from "./contender.js";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
/** Far longer than any run: whoever takes it has lost its way. */
const patienceMs = 60_000;

export class Pair {
  private constructor(
    readonly client: ChildProcess,
    readonly server: ChildProcess | undefined,
  ) {}

  /** @param nodeOptions - for both processes, such as `--cpu-prof`. */
  static async start(row: Row, entry: Entry, nodeOptions: readonly string[] = []): Promise<Pair> {
    const server = row.local ? undefined : start(["server", row.name, entry.name], nodeOptions);
    let client: ChildProcess | undefined;
    try {
      const served = server && (await hear(server));
      if (served && !("address" in served)) throw new Error("the server has no address");
      client = start(["client", row.name, entry.name, ...(served ? [served.address] : [])], nodeOptions);
      await hear(client);
      return new Pair(client, server);
    } catch (error) {
      await Promise.all([server, client].map(stop));
      throw error;
    }
  }

  /** @returns the milliseconds that `count` exchanges took */
  async run(count: number): Promise<number> {
    const told = hear(this.client, this.server);
    this.client.send({ count } satisfies Order);
    const result = await told;
    if (!("ms" in result)) throw new Error("the client has no result");
    return result.ms;
  }
  async stop(): Promise<void> {
    await stop(this.client);
    await stop(this.server);
  }
}

function start(args: readonly string[], nodeOptions: readonly string[]): ChildProcess {
  return fork(here("child.ts"), args, {
    execArgv: [...nodeOptions, "--import", "tsx"],
    // Without the root's `paths`, so that "netchan" is what package.json exports.
    env: { ...process.env, TSX_TSCONFIG_PATH: here("tsconfig.run.json") },
  });
}

/** The next thing that one says; fails when it, or the other one, failed, ended, or says nothing. */
function hear(child: ChildProcess, other?: ChildProcess): Promise<Told> {
  return new Promise((resolve, reject) => {
    const ended = (): void => finish(new Error("a process ended"));
    const failed = (told: Told): void => {
      if ("failure" in told) finish(new Error(told.failure));
    };
    const heard = (told: Told): void => ("failure" in told ? failed(told) : finish(told));
    const timer = setTimeout(() => finish(new Error(`nothing for ${patienceMs / 1000} s`)), patienceMs);
    function finish(result: Told | Error): void {
      clearTimeout(timer);
      child.off("message", heard).off("exit", ended);
      other?.off("message", failed).off("exit", ended);
      if (result instanceof Error) reject(result);
      else resolve(result);
    }
    child.on("message", heard).on("exit", ended);
    other?.on("message", failed).on("exit", ended);
  });
}

/** Hanging up is the sign to end; a profile is written on the way out. */
async function stop(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exit;
  clearTimeout(timer);
}
