/** The work itself: primes, found the slow way. A sieve would be done before anybody had opened a second tab. Pure. */
import type { Range } from "./messages.js";

/** How many primes there are in a range. */
export function countPrimes({ from, to }: Range): number {
  let primes = 0;
  for (let number = from; number < to; number++) if (isPrime(number)) primes++;
  return primes;
}

/** Trial division; beyond 3 every prime is one below or one above a multiple of 6. */
function isPrime(number: number): boolean {
  if (number < 4) return number > 1;
  if (number % 2 === 0 || number % 3 === 0) return false;
  for (let divisor = 5; divisor * divisor <= number; divisor += 6) if (number % divisor === 0 || number % (divisor + 2) === 0) return false;
  return true;
}

/** π(x), the number of primes up to x, as published. Source: OEIS A006880 for powers of ten; the others by a sieve. */
export const knownCounts: ReadonlyMap<number, number> = new Map([
  [1_000_000, 78_498],
  [2_000_000, 148_933],
  [5_000_000, 348_513],
  [10_000_000, 664_579],
  [20_000_000, 1_270_607],
  [40_000_000, 2_433_654],
  [50_000_000, 3_001_134],
  [100_000_000, 5_761_455],
]);
