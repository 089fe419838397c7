/**
 * The demo's one process: the page and the channel on one port. `npm run demo` builds what it serves and starts it.
 *   PORT        default 8080, or any free one when that is taken; 0 takes any
 *   HOST        default 127.0.0.1, this machine only; 0.0.0.0 for the phone beside you
 *   DEMO_LIMIT  primes below this are counted; default 100 000 000
 */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { listen } from "netchan";
import { runJob } from "./job.js";
import type { FromTab, Task } from "./messages.js";
import { servePage } from "./page.js";

const { PORT, HOST = "127.0.0.1", DEMO_LIMIT = "100000000" } = process.env;
const folder = fileURLToPath(new URL("./dist", import.meta.url));
if (!existsSync(folder)) {
  console.error("The page has not been built. `npm run demo` builds and serves it.");
  process.exit(1);
}

const server = createServer(servePage(folder));
const listener = await listen<FromTab, Task>({ server, path: "/channel" }, { resumeWindowMs: 3_000 }); // A tab away for longer loses its range.
const job = runJob(listener, Number(DEMO_LIMIT));
await open(PORT === undefined ? [8080, 0] : [Number(PORT)]);

const { port } = server.address() as AddressInfo;
console.log(`\n  netchan demo at port ${port}\n\n  Open  http://localhost:${port}/  in two or more tabs. Ctrl+C ends it.\n`);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void close());

/** Listens on the first of these ports that is free. */
async function open([port, ...others]: readonly number[]): Promise<void> {
  server.listen(port, HOST);
  try {
    await once(server, "listening");
  } catch (error) {
    if (others.length === 0) throw error;
    await open(others);
  }
}

async function close(): Promise<void> {
  server.close();
  await listener.close({ drainMs: 0 });
  server.closeAllConnections();
  await job;
}
