/** Exact fractions of bigints, which travel as they are. A denominator of zero marks the end of a series. */
export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : divisor(b, a % b));

function reduced(num: bigint, den: bigint): Rational {
  const common = divisor(num, den) * (den < 0n ? -1n : 1n);
  return { num: num / common, den: den / common };
}

export const rational = (num: number, den = 1): Rational => reduced(BigInt(num), BigInt(den));
export const zero = rational(0);
export const end: Rational = { num: 1n, den: 0n };
export const isEnd = ({ den }: Rational): boolean => den === 0n;

export const plus = (a: Rational, b: Rational): Rational => reduced(a.num * b.den + b.num * a.den, a.den * b.den);
export const times = (a: Rational, b: Rational): Rational => reduced(a.num * b.num, a.den * b.den);
export const minus = ({ num, den }: Rational): Rational => ({ num: -num, den });
export const divide = (a: Rational, b: Rational): Rational => reduced(a.num * b.den, a.den * b.num);
export const show = ({ num, den }: Rational): string => (den === 1n ? `${num}` : `${num}/${den}`);
