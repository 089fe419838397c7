/** Runs beside the page, so that counting never holds up a click. One range in, its number of primes out. */
import type { Range } from "./messages.js";
import { countPrimes } from "./primes.js";

addEventListener("message", ({ data }: MessageEvent<Range>) => {
  postMessage(countPrimes(data));
});
