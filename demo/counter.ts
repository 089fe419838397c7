/** The page's side of the counting worker. Counts one range at a time. */
import type { Range } from "./messages.js";

const worker = new Worker(new URL("./counter-worker.ts", import.meta.url), { type: "module" });

/** How many primes there are in a range. Must not be called again before it has answered. */
export function countInWorker(range: Range): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
    worker.onerror = () => reject(new Error("The counting worker failed"));
    worker.postMessage(range);
  });
}
