/** One process of the measurement: `child.ts server | others ADDRESS | attacker ADDRESS NAME`. */
import { dial, listen, type Peer } from "netchan/node";
import { attack, attacks } from "./attacks.js";

const [role, address = "", name] = process.argv.slice(2);
const tell = (message: object): void => void process.send?.(message);
process.on("disconnect", () => process.exit());
process.on("unhandledRejection", (error) => tell({ complaint: String(error) }));
process.on("uncaughtException", (error) => tell({ complaint: String(error) }));

const others = 1_000;
const everyMs = 1_000;

async function serve(): Promise<void> {
  const listener = await listen<number>("0.0.0.0:0", { resumeWindowMs: 2_000 });
  listener.channel("jobs", { allow: "send" });
  const news = listener.topic<number>("news", { allow: "subscribe" });
  setInterval(() => void news.publish(1).catch(() => undefined), 10);
  void (async () => {
    for await (const { value, from } of messages(listener.receive))
      (from as Peer<number, number>).send(typeof value === "number" ? value : -1).catch(() => undefined);
  })();
  tell({ address: listener.url });
  process.on("message", () => {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    tell({ rss, heapUsed, sessions: listener.connected.size });
  });
}
async function* messages(receive: () => Promise<{ readonly done: boolean; readonly value?: unknown; readonly from?: unknown }>) {
  for (let next = await receive(); !next.done; next = await receive()) yield next as { readonly value: number; readonly from: unknown };
}

/** Each sends a number once a second and waits for it to come back. */
async function beside(): Promise<void> {
  let took: number[] = [];
  const peers: Peer<number, number>[] = [];
  for (let count = 0; count < others; count++) peers.push(await dial<number, number>(address));
  for (const [index, peer] of peers.entries()) {
    const round = async (): Promise<void> => {
      const start = performance.now();
      await peer.send(index);
      const { value } = await peer.receive();
      if (value !== index) throw new Error(`${index} came back as ${String(value)}`);
      took.push(performance.now() - start);
      setTimeout(() => void round(), Math.max(0, everyMs - (performance.now() - start)));
    };
    setTimeout(() => void round(), (index / others) * everyMs);
  }
  process.on("message", () => {
    const sorted = Float64Array.from(took).sort();
    took = [];
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
    tell({
      rounds: sorted.length,
      median: at(0.5),
      p99: at(0.99),
      most: at(1),
      connected: peers.filter(({ status }) => status.state === "connected").length,
    });
  });
  tell({ ready: true });
}

if (role === "server") await serve();
else if (role === "others") await beside();
else {
  const chosen = attacks.find((one) => one.name === name);
  if (chosen === undefined) throw new Error(`no such attack: ${name}`);
  attack(chosen, address);
}
