/**
 * Go's powser1 and powser2: power series as pairs of channels inside objects, each series in the other process than its parts, so that every
 * coefficient is asked for and given across the link. Source of the algorithms: "Squinting at Power Series", Doug McIlroy.
 */
import { describe, expect } from "vitest";
import { chan, type ReceiveChannel, type SendChannel, select } from "../../src/index.js";
import { divide, end, isEnd, minus, plus, type Rational, rational, show, times, zero } from "./rational.js";
import { Crew, range, type Side, type Suite, scenes, take, type World } from "./support.js";

/** What the consumer of a series holds: it asks, and is given a coefficient. */
interface Source {
  readonly ask: SendChannel<null>;
  readonly coefficients: ReceiveChannel<Rational>;
}
/** What its producer holds. */
interface Sink {
  readonly asked: ReceiveChannel<null>;
  readonly give: SendChannel<Rational>;
}
interface Series {
  readonly at: Side;
  readonly source: Source;
}

class PowerSeries {
  #made = 0;
  constructor(
    private readonly world: World,
    private readonly crew: Crew,
  ) {}

  /** The other process than the one before. */
  #side(): Side {
    return this.#made++ % 2 ? "S" : "R";
  }

  /** The series as the process `to` holds it: its ends travel inside an object. */
  async #bring({ at, source }: Series, to: Side): Promise<Series> {
    return { at: to, source: at === to ? source : await this.world.carry(source, to) };
  }

  #make(at: Side): Series & { readonly sink: Sink } {
    const [asks, coefficients] = [chan<null>(), chan<Rational>()];
    return {
      at,
      source: { ask: asks.send, coefficients: coefficients.receive },
      sink: { asked: asks.receive, give: coefficients.send },
    };
  }

  async #asked({ asked }: Sink): Promise<void> {
    await take(asked, this.crew.signal);
  }
  async #give({ give }: Sink, coefficient: Rational): Promise<void> {
    await give(coefficient, { signal: this.crew.signal });
  }
  async #put(sink: Sink, coefficient: Rational): Promise<void> {
    await this.#asked(sink);
    await this.#give(sink, coefficient);
  }
  async get({ source }: Pick<Series, "source">): Promise<Rational> {
    await source.ask(null, { signal: this.crew.signal });
    return take(source.coefficients, this.crew.signal);
  }
  async #copy(from: Series, sink: Sink): Promise<void> {
    for (;;) {
      await this.#asked(sink);
      await this.#give(sink, await this.get(from));
    }
  }

  /** A coefficient of each of two series, asked for together and taken as they come. */
  async #getTwo(first: Series, second: Series): Promise<[Rational, Rational]> {
    const { signal } = this.crew;
    const got: [Rational, Rational] = [end, end];
    let [ask0, ask1]: (Source | undefined)[] = [first.source, second.source];
    let [from0, from1]: (Source | undefined)[] = [];
    for (let steps = 0; steps < 4; steps++) {
      const selected = await select(
        {
          ask0: ask0 && ([ask0.ask, null] as const),
          ask1: ask1 && ([ask1.ask, null] as const),
          from0: from0?.coefficients,
          from1: from1?.coefficients,
        },
        { signal },
      );
      if (selected.case === "ask0") [ask0, from0] = [undefined, ask0];
      else if (selected.case === "ask1") [ask1, from1] = [undefined, ask1];
      else if (selected.done) throw new Error("Expected a coefficient, got done");
      else if (selected.case === "from0") [from0, got[0]] = [undefined, selected.value];
      else [from1, got[1]] = [undefined, selected.value];
    }
    return got;
  }

  /** Makes a series in the other process out of parts that are brought there. */
  async #define(parts: readonly Series[], produce: (sink: Sink, parts: readonly Series[]) => Promise<void>): Promise<Series> {
    const at = this.#side();
    const { source, sink } = this.#make(at);
    const brought: Series[] = [];
    for (const part of parts) brought.push(await this.#bring(part, at));
    this.crew.go(() => produce(sink, brought));
    return { at, source };
  }

  /** Two series equal to one. Each coefficient is fetched at the first demand; a generation lives until both have it. */
  #splitInto(from: Series, sinks: readonly [Sink, Sink]): void {
    const { crew } = this;
    const { signal } = crew;
    const generation = async ([first, second]: readonly [Sink, Sink], wait: ReceiveChannel<null>): Promise<void> => {
      let both = false;
      const selected = await select({ asked: first.asked, wait }, { signal });
      if (selected.case === "wait") {
        both = true;
        const asked = await select({ first: first.asked, second: second.asked }, { signal });
        if (asked.case === "second") [first, second] = [second, first];
      }
      await from.source.ask(null, { signal });
      const release = chan<null>();
      crew.go(() => generation([first, second], release.receive));
      const coefficient = await take(from.source.coefficients, signal);
      await this.#give(first, coefficient);
      if (!both) await take(wait, signal);
      await this.#put(second, coefficient);
      await release.send(null, { signal });
    };
    const release = chan<null>();
    crew.go(() => generation(sinks, release.receive));
    crew.go(() => release.send(null, { signal }));
  }

  async split(series: Series): Promise<[Series, Series]> {
    const at = this.#side();
    const [first, second] = [this.#make(at), this.#make(at)];
    this.#splitInto(await this.#bring(series, at), [first.sink, second.sink]);
    return [first, second];
  }

  constant(coefficient: Rational): Promise<Series> {
    return this.#define([], async (sink) => {
      for (;;) await this.#put(sink, coefficient);
    });
  }

  /** A series that ends. */
  polynomial(...coefficients: Rational[]): Promise<Series> {
    return this.#define([], async (sink) => {
      for (const coefficient of coefficients) await this.#put(sink, coefficient);
      for (;;) await this.#put(sink, end);
    });
  }

  add(u: Series, v: Series): Promise<Series> {
    return this.#define([u, v], async (sink, [first, second]) => {
      if (!first || !second) return;
      for (;;) {
        await this.#asked(sink);
        const [a, b] = await this.#getTwo(first, second);
        if (!isEnd(a) && !isEnd(b)) await this.#give(sink, plus(a, b));
        else {
          await this.#give(sink, isEnd(a) ? b : a);
          await this.#copy(isEnd(a) ? second : first, sink);
        }
      }
    });
  }

  /** Every coefficient through `change`, which is given its index; ends where the series ends. */
  #map(u: Series, change: (coefficient: Rational, index: number) => Rational): Promise<Series> {
    return this.#define([u], async (sink, [series]) => {
      if (!series) return;
      for (let index = 0; ; index++) {
        await this.#asked(sink);
        const coefficient = await this.get(series);
        await this.#give(sink, isEnd(coefficient) ? end : change(coefficient, index));
      }
    });
  }
  scale(factor: Rational, u: Series): Promise<Series> {
    return this.#map(u, (coefficient) => times(factor, coefficient));
  }
  async subtract(u: Series, v: Series): Promise<Series> {
    return this.add(u, await this.scale(rational(-1), v));
  }

  /** With U = u + xU' and V = v + xV': UV = uv + x(uV' + vU') + xxU'V'. */
  multiply(u: Series, v: Series): Promise<Series> {
    return this.#define([u, v], async (sink, [first, second]) => {
      if (!first || !second) return;
      await this.#asked(sink);
      const [a, b] = await this.#getTwo(first, second);
      if (isEnd(a) || isEnd(b)) {
        await this.#give(sink, end);
        for (;;) await this.#put(sink, end);
      }
      await this.#give(sink, times(a, b));
      const [restOfU, restOfV] = [await this.split(first), await this.split(second)];
      const middle = await this.add(await this.scale(a, restOfV[0]), await this.scale(b, restOfU[0]));
      const { source } = await this.#bring(middle, first.at);
      await this.#asked(sink);
      await this.#give(sink, await this.get({ source }));
      const rest = await this.add({ at: first.at, source }, await this.multiply(restOfU[1], restOfV[1]));
      await this.#copy(await this.#bring(rest, first.at), sink);
    });
  }

  async differentiate(u: Series): Promise<Series> {
    return this.#define([u], async (sink, [series]) => {
      if (!series) return;
      await this.#asked(sink);
      await this.get(series);
      for (let index = 1; ; index++) {
        const coefficient = await this.get(series);
        await this.#give(sink, isEnd(coefficient) ? end : times(rational(index), coefficient));
        await this.#asked(sink);
      }
    });
  }
  async integrate(constant: Rational, u: Series): Promise<Series> {
    const integrals = await this.#map(u, (coefficient, index) => times(rational(1, index + 1), coefficient));
    return this.#define([integrals], async (sink, [series]) => {
      if (!series) return;
      await this.#put(sink, constant);
      await this.#copy(series, sink);
    });
  }

  /** The substitution U(c x^n): coefficient i times c^i, each followed by n-1 zeros. */
  substitute(u: Series, c: Rational, n: number): Promise<Series> {
    return this.#define([u], async (sink, [series]) => {
      if (!series) return;
      for (let power = rational(1); ; power = times(power, c)) {
        await this.#asked(sink);
        const coefficient = await this.get(series);
        await this.#give(sink, isEnd(coefficient) ? end : times(coefficient, power));
        for (let count = 1; count < n; count++) await this.#put(sink, isEnd(coefficient) ? end : zero);
      }
    });
  }

  /** exp(U), from its own derivative: Z' = Z U'. The constant term of U counts as 0. */
  async exponential(u: Series): Promise<Series> {
    const at = this.#side();
    const [first, second] = [this.#make(at), this.#make(at)];
    const integral = await this.integrate(rational(1), await this.multiply(first, await this.differentiate(u)));
    this.#splitInto(await this.#bring(integral, at), [first.sink, second.sink]);
    return second;
  }

  /** 1/U, with U = u + xU': the first coefficient is 1/u, the rest is -U'/u times the result. */
  async reciprocal(u: Series): Promise<Series> {
    return this.#define([u], async (sink, [series]) => {
      if (!series) return;
      await this.#asked(sink);
      const first = divide(rational(1), await this.get(series));
      await this.#give(sink, first);
      const [kept, fed] = [this.#make(series.at), this.#make(series.at)];
      const whole = await this.#define([fed], async (out, [rest]) => {
        if (!rest) return;
        await this.#put(out, first);
        await this.#copy(rest, out);
      });
      const product = await this.multiply(await this.scale(minus(first), series), whole);
      this.#splitInto(await this.#bring(product, series.at), [kept.sink, fed.sink]);
      await this.#copy(kept, sink);
    });
  }
}

interface Program {
  readonly name: string;
  readonly make: (power: PowerSeries) => Promise<Series>;
  readonly coefficients: readonly string[];
}
const ones = (power: PowerSeries) => power.constant(rational(1));
const twos = (power: PowerSeries) => power.constant(rational(2));
const repeated = (text: string) => range(10).map(() => text);
const counted = range(10, 1).map(String);

const programs: readonly Program[] = [
  { name: "Ones", make: ones, coefficients: repeated("1") },
  { name: "Add", make: async (power) => power.add(await ones(power), await twos(power)), coefficients: repeated("3") },
  {
    name: "Add of one that ends",
    make: async (power) => power.add(await power.polynomial(rational(1), rational(1)), await twos(power)),
    coefficients: ["3", "3", ...repeated("2")],
  },
  { name: "Diff", make: async (power) => power.differentiate(await ones(power)), coefficients: counted },
  {
    name: "Integ",
    make: async (power) => power.integrate(zero, await ones(power)),
    coefficients: ["0", "1", "1/2", "1/3", "1/4", "1/5", "1/6", "1/7", "1/8", "1/9"],
  },
  { name: "CMul", make: async (power) => power.scale(rational(-1), await twos(power)), coefficients: repeated("-2") },
  { name: "Sub", make: async (power) => power.subtract(await ones(power), await twos(power)), coefficients: repeated("-1") },
  { name: "Mul", make: async (power) => power.multiply(await ones(power), await ones(power)), coefficients: counted },
  {
    name: "Mul of one that ends",
    make: async (power) => power.multiply(await power.polynomial(rational(1), rational(-1)), await ones(power)),
    coefficients: ["1", "0", "0", "0", "0"],
  },
  {
    name: "Exp",
    make: async (power) => power.exponential(await ones(power)),
    coefficients: ["1", "1", "3/2", "13/6", "73/24", "167/40", "4051/720", "37633/5040", "43817/4480", "4596553/362880"],
  },
  {
    name: "MonSubst",
    make: async (power) => power.substitute(await ones(power), rational(-1), 2),
    coefficients: ["1", "0", "-1", "0", "1", "0", "-1", "0", "1", "0"],
  },
  {
    name: "ATan",
    make: async (power) => power.integrate(zero, await power.substitute(await ones(power), rational(-1), 2)),
    coefficients: ["0", "1", "0", "-1/3", "0", "1/5", "0", "-1/7", "0", "1/9"],
  },
  { name: "Recip", make: async (power) => power.reciprocal(await ones(power)), coefficients: ["1", "-1", "0", "0", "0", "0"] },
];

export function describePowerSeries(suite: Suite): void {
  const scene = scenes(suite);
  describe("powser1 and powser2", () => {
    for (const { name, make, coefficients } of programs)
      scene(
        `${name}: ${coefficients.join(" ")}`,
        (world) => {
          const crew = new Crew();
          return crew.run(async () => {
            const power = new PowerSeries(world, crew);
            const series = await make(power);
            const got: string[] = [];
            while (got.length < coefficients.length) got.push(show(await power.get(series)));
            expect(got).toEqual(coefficients);
          });
        },
        60_000,
      );
  });
}
