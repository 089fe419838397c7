/**
 * `npm run bench:hostile`: how long 1,000 honest peers wait for a value to come back while one attacks, and what the server has in memory,
 * attack by attack. Each has processes of its own: server, honest peers, attacker. Needs dist/ (the npm script builds it).
 *   -- --seconds 3    of each attack, default 5
 *   -- --only NAME    attacks whose name contains that
 *   -- --from ADDRESS another address of this machine, for the attackers: what comes from loopback is not limited by its address.
 *                     As root, `ip address add 192.0.2.1/32 dev lo` makes one.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "../machine.js";
import { attacks } from "./attacks.js";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    from: { type: "string", default: "localhost" },
  },
});
const ms = Number(options.seconds) * 1_000;
const complaints: string[] = [];

function start(...args: string[]): ChildProcess {
  const env = { ...process.env, TSX_TSCONFIG_PATH: fileURLToPath(new URL("../tsconfig.run.json", import.meta.url)) };
  const child = fork(fileURLToPath(new URL("./child.ts", import.meta.url)), args, {
    execArgv: ["--expose-gc", "--import", "tsx"],
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  child.on("message", (message: { readonly complaint?: string }) => {
    if (message.complaint !== undefined) complaints.push(`${args[0]}: ${message.complaint}`);
  });
  return child;
}
async function answer<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, "message")) as [T];
  return message;
}
const ask = async <T>(child: ChildProcess): Promise<T> => {
  const answered = answer<T>(child);
  child.send({});
  return await answered;
};
const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));

interface Waits {
  readonly rounds: number;
  readonly median: number;
  readonly p99: number;
  readonly most: number;
  readonly connected: number;
}
interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly sessions: number;
}

const machine = describeMachine();
console.log(`netchan beside hostile peers, ${options.seconds} s each, 1,000 honest peers (${JSON.stringify(machine)})\n`);
console.log(`| attack | median ms | p99 ms | longest ms | rounds | still connected | server MiB, during | heap MiB, after |`);
console.log(`|---|--:|--:|--:|--:|--:|--:|--:|`);
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
for (const { name } of attacks.filter((one) => one.name.includes(options.only))) {
  const server = start("server");
  const { address } = await answer<{ readonly address: string }>(server);
  const others = start("others", address);
  await answer(others);
  await pause(2_000);
  const attacker = start("attacker", Object.assign(new URL(address), { hostname: options.from }).href, name);
  if (attacker.pid !== undefined) setPriority(attacker.pid, 10); // it would be another machine
  await pause(1_000);
  await ask<Waits>(others);
  let rss = 0;
  await pause(ms);
  const waits = await ask<Waits>(others);
  rss = Math.max(rss, (await ask<Memory>(server)).rss);
  attacker.kill("SIGKILL");
  await pause(3_500);
  const { heapUsed } = await ask<Memory>(server);
  const numbers = [waits.median, waits.p99, waits.most].map((wait) => wait.toFixed(1));
  for (const child of [server, others]) child.kill();
  console.log(`| ${[name, ...numbers, waits.rounds, waits.connected, mib(rss), mib(heapUsed)].join(" | ")} |`);
}
for (const complaint of new Set(complaints)) console.log(`complaint: ${complaint}`);
process.exitCode = complaints.length === 0 ? 0 : 1;
