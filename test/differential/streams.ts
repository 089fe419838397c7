/**
 * Networks of tasks with one result (Kahn's): every channel of them has one reader and one writer, so that timing decides nothing.
 * A stream is a channel of whole numbers that somebody fills and closes.
 */
import { chanOf, type Expr, type Given, ints, less, modulo, narrow, nil, plus, times, type Var } from "./ast.js";
import type { Block, Dice, Offer } from "./builder.js";

/** The most a value can be. */
export const limit = 1_000_003;

/** Sends, plainly or as the one case of a select that can happen. */
export function put(b: Block, c: Expr, value: Given): void {
  if (b.dice.chance(0.75)) b.send(c, value);
  else {
    b.uses("one case ready");
    b.select([...idle(b), { to: c, value }]);
  }
}

/** Cases that never happen: a nil channel, a channel nobody else knows. */
export function idle(b: Block): readonly Offer[] {
  const offers: Offer[] = [];
  if (b.dice.chance(0.5)) {
    b.uses("nil case");
    const off = b.let(nil(ints), ints);
    offers.push(b.dice.chance(0.5) ? { from: off } : { to: off, value: 1 });
  }
  if (offers.length === 0 || b.dice.chance(0.3)) {
    const dead = b.make("int");
    offers.push(b.dice.chance(0.5) ? { from: dead, does: (then) => then.print("impossible") } : { to: dead, value: 7 });
  }
  return offers;
}

/** Reads until the end, in one of the ways Go has for it. */
export function each(b: Block, c: Expr, write: (b: Block, value: Var) => void): void {
  const way = b.dice.below(4);
  if (way <= 1) {
    b.range(c, write);
    return;
  }
  const open = b.let(true);
  const others = way === 3 ? idle(b) : [];
  b.while(open, (inner) => {
    if (way === 2) {
      const [value, ok] = inner.receiveOk(c);
      inner.set(open, ok);
      inner.if(ok, (then) => write(then, value));
    } else {
      const then: Offer = {
        from: c,
        does: (body, value, ok) => {
          body.set(open, ok);
          body.if(ok, (more) => write(more, value));
        },
      };
      inner.uses("one case ready");
      inner.select(b.dice.chance(0.5) ? [then, ...others] : [...others, then]);
    }
  });
}

/** Starts a task that fills a new channel and closes it. It gets the receive ends of `inputs`, and `others` as they are. */
export function produce(
  b: Block,
  inputs: readonly Expr[],
  write: (b: Block, out: Var, ...inputs: Var[]) => void,
  others: readonly Expr[] = [],
): Var {
  const out = b.make("int", b.dice.capacity());
  const ends = inputs.map((input) => b.end(input, "receive"));
  b.task([b.end(out, "send"), ...ends, ...others], (body, to, ...from) => {
    write(body, to as Var, ...from);
    body.close(to as Var);
  });
  return out;
}

export const changed = (dice: Dice, value: Expr): Expr => {
  const mixed = plus(times(value, dice.from(1, 40)), dice.below(100));
  return modulo(mixed, dice.chance(0.5) ? limit : dice.from(20, 900));
};

/** What begins a stream. */
export const sources: readonly ((b: Block) => Var)[] = [
  (b) =>
    produce(b, [], (body, out) => {
      body.uses("counting");
      body.times(body.dice.from(0, 10), (inner, index) => put(inner, out, plus(index, inner.dice.below(50))));
    }),
  (b) =>
    produce(b, [], (body, out) => {
      body.uses("random numbers");
      const state = body.let(body.dice.below(1000));
      body.times(body.dice.from(2, 10), (inner) => {
        inner.set(state, modulo(plus(times(state, 137), 911), 7919));
        put(inner, out, state);
      });
    }),
  (b) =>
    produce(b, [], (body, out) => {
      body.uses("literals");
      for (let count = body.dice.from(1, 6); count > 0; count--) put(body, out, body.dice.below(1000));
    }),
  walk,
];

/** A tree of tasks, walked in order: each task starts its children and copies what they find. */
function walk(b: Block): Var {
  b.uses("tree of tasks");
  const out = b.make("int", b.dice.capacity());
  const room = b.dice.capacity();
  const name = b.writer.fresh("int", "walk").name;
  const params = [chanOf("int", "send"), "int", "int"] as const;
  const [to, depth, label] = params.map((type) => b.writer.fresh(type, "p")) as [Var, Var, Var];
  const child = (body: Block, side: number) => {
    const found = body.make("int", room);
    body.go(name, narrow(found, "send"), plus(depth, -1), plus(times(label, 2), side));
    return found;
  };
  const body = b.inner((inner) => {
    inner.if(less(0, depth), (then) => {
      const left = child(then, 0);
      const right = child(then, 1);
      each(then, left, (copy, value) => put(copy, to, value));
      put(then, to, label);
      each(then, right, (copy, value) => put(copy, to, value));
    });
    inner.close(to);
  });
  b.writer.functions.push({ name, params: [to, depth, label], body });
  b.go(name, narrow(out, "send"), b.dice.from(1, 3), 1);
  return out;
}
