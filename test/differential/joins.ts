/** Streams that part and meet again in a way that timing has no say in; and what reads a stream at last. */
import {
  and,
  type ChanType,
  chanOf,
  type Expr,
  equal,
  field,
  isOn,
  join,
  less,
  modulo,
  nil,
  not,
  or,
  plus,
  type StructType,
  struct,
  text,
  type Var,
} from "./ast.js";
import type { Block, Offer } from "./builder.js";
import { stream } from "./stages.js";
import { each, limit, produce, put } from "./streams.js";

type Join = (b: Block, left: Var, right: Var) => Var;

/** One value of each in turn; when one has ended the rest of the other. */
const alternate: Join = (b, left, right) =>
  produce(b, [left, right], (body, out, one, other) => {
    body.uses("alternate");
    const more = [body.let(true), body.let(true)] as const;
    body.while(or(more[0], more[1]), (inner) => {
      for (const [index, input] of [one, other].entries())
        inner.if(more[index] as Var, (then) => {
          const [value, ok] = then.receiveOk(input as Var);
          then.set(more[index] as Var, ok);
          then.if(ok, (sent) => put(sent, out, value));
        });
    });
  });

/** Sums by pairs, as long as there are pairs; the rest is drained. */
const zip: Join = (b, left, right) =>
  produce(b, [left, right], (body, out, one, other) => {
    body.uses("zip");
    each(body, one as Var, (inner, value) => {
      const [second, ok] = inner.receiveOk(other as Var);
      inner.if(ok, (then) => put(then, out, modulo(plus(value, second), limit)));
    });
    each(body, other as Var, () => {});
  });

const concatenate: Join = (b, left, right) =>
  produce(b, [left, right], (body, out, one, other) => {
    body.uses("concatenate");
    for (const input of [one, other]) each(body, input as Var, (inner, value) => put(inner, out, value));
  });

/** The smaller of the two next values first. */
const smaller: Join = (b, left, right) =>
  produce(b, [left, right], (body, out, one, other) => {
    body.uses("ordered merge");
    const [first, firstOn] = body.receiveOk(one as Var);
    const [second, secondOn] = body.receiveOk(other as Var);
    const next = (inner: Block, input: Expr, value: Var, on: Var) => {
      put(inner, out, value);
      const [newer, ok] = inner.receiveOk(input);
      inner.set(value, newer);
      inner.set(on, ok);
    };
    body.while(or(firstOn, secondOn), (inner) => {
      const takeFirst = and(firstOn, or(not(secondOn), less(first, second)));
      inner.if(
        takeFirst,
        (then) => next(then, one as Var, first, firstOn),
        (otherwise) => next(otherwise, other as Var, second, secondOn),
      );
    });
  });

/** A select loop until both have ended: what it makes of them does not depend on their order. */
const selected: Join = (b, left, right) =>
  produce(b, [left, right], (body, out, one, other) => {
    body.uses("select until both are closed");
    const [sum, count] = [body.let(0), body.let(0)];
    const inputs = [body.let(one as Var), body.let(other as Var)] as const;
    body.while(or(isOn(inputs[0]), isOn(inputs[1])), (inner) => {
      const offers = inputs.map(
        (input): Offer => ({
          from: input,
          does: (then, value, ok) =>
            then.if(
              ok,
              (more) => {
                more.set(sum, modulo(plus(sum, value), limit));
                more.add(count, 1);
              },
              (ended) => ended.set(input, nil(input.type as ChanType)),
            ),
        }),
      );
      inner.select(offers);
    });
    put(body, out, count);
    put(body, out, sum);
  });

/** Both feed one channel; a third task closes it when both are done. Only the sum is known. */
const shared: Join = (b, left, right) => {
  b.uses("many senders, one channel");
  const common = b.make("int", b.dice.capacity());
  const done = b.make("bool", b.dice.capacity());
  for (const input of [left, right])
    b.task([b.end(input, "receive"), b.end(common, "send"), done], (body, from, to, said) => {
      each(body, from as Var, (inner, value) => put(inner, to as Var, value));
      body.send(said as Var, true);
    });
  b.task([done, common], (body, said, to) => {
    body.times(2, (inner) => inner.receive(said as Var));
    body.close(to as Var);
  });
  return produce(b, [common], (body, out, from) => {
    const sum = body.let(0);
    each(body, from as Var, (inner, value) => inner.set(sum, modulo(plus(sum, value), limit)));
    put(body, out, sum);
  });
};

const joins = [alternate, zip, concatenate, smaller, selected, shared];

/** One stream given to two, and joined again. The first branch takes all before the second may wait. */
function parted(b: Block, input: Var): Var {
  b.uses("fan out in two");
  const branches = [b.make("int", b.dice.capacity()), b.make("int", b.dice.capacity())] as const;
  b.task([b.end(input, "receive"), ...branches.map((branch) => b.end(branch, "send"))], (body, from, one, other) => {
    each(body, from as Var, (inner, value) => {
      put(inner, one as Var, value);
      put(inner, other as Var, plus(value, 1));
    });
    body.close(one as Var);
    body.close(other as Var);
  });
  return b.dice.pick([alternate, zip, selected, shared])(b, branches[0], branches[1]);
}

const tagged: StructType = { fields: [["At", "int"], ["N", "int"]] }; // biome-ignore format: as in Go

/** Workers take turns, and their results are collected in that turn. */
function workers(b: Block, input: Var): Var {
  b.uses("workers in turn");
  const count = b.dice.from(2, 4);
  const rooms = [b.dice.capacity(), b.dice.capacity()] as const;
  const lanes = Array.from({ length: count }, () => [b.make("int", rooms[0]), b.make("int", rooms[1])] as const);
  const inward = lanes.map(([lane]) => lane);
  b.task([b.end(input, "receive"), ...inward], (body, from, ...to) => {
    const turn = body.let(0);
    each(body, from as Var, (inner, value) => {
      for (const [index, lane] of to.entries()) inner.if(equal(modulo(turn, count), index), (then) => put(then, lane, value));
      inner.add(turn, 1);
    });
    for (const lane of to) body.close(lane);
  });
  for (const [lane, result] of lanes)
    b.task([b.end(lane, "receive"), b.end(result, "send")], (body, from, to) => {
      each(body, from as Var, (inner, value) => put(inner, to as Var, modulo(plus(value, inner.dice.below(9)), limit)));
      body.close(to as Var);
    });
  return produce(b, lanes.map(([, result]) => result), (body, out, ...from) => {
    const open = body.let(true);
    body.while(open, (inner) => {
      for (const lane of from)
        inner.if(open, (then) => {
          const [value, ok] = then.receiveOk(lane);
          then.set(open, ok);
          then.if(ok, (sent) => put(sent, out, value));
        });
    });
    for (const lane of from) each(body, lane, () => {});
  }); // biome-ignore format: no
}

/** Workers compete for the values; each result says which value it belongs to, so that sums over them are known. */
function pool(b: Block, input: Var): Var {
  b.uses("competing workers");
  const count = b.dice.from(2, 4);
  const results = b.make(tagged, b.dice.capacity());
  const done = b.make("bool", b.dice.capacity());
  const worker = b.writer.func([chanOf("int", "receive"), results.type, done.type], (body, from, to, said) => {
    each(body, from as Var, (inner, value) => put(inner, to as Var, struct(tagged, value, modulo(plus(value, 17), 97))));
    body.send(said as Var, true);
  });
  for (let index = 0; index < count; index++) b.go(worker, input, results, done);
  b.task([done, results], (body, said, to) => {
    body.times(count, (inner) => inner.receive(said as Var));
    body.close(to as Var);
  });
  const out = b.make("int", b.dice.capacity());
  b.task([results, out], (body, from, to) => {
    const [sum, other] = [body.let(0), body.let(0)];
    each(body, from as Var, (inner, one) => {
      inner.set(sum, modulo(plus(sum, field(one, "At")), limit));
      inner.add(other, field(one, "N"));
    });
    put(body, to as Var, sum);
    put(body, to as Var, other);
    body.close(to as Var);
  });
  return out;
}

/** A network of up to `depth` joins. */
export function network(b: Block, depth: number): Var {
  const { dice } = b;
  if (depth <= 0) return stream(b, dice.below(3));
  if (dice.chance(0.45)) return dice.pick([parted, workers, pool])(b, network(b, depth - 1));
  return dice.pick(joins)(b, network(b, depth - 1), stream(b, dice.below(3)));
}

/** Reads a stream to its end and prints what it was. */
export function sink(b: Block, input: Var): void {
  const way = b.dice.below(4);
  if (way === 0) each(b, input, (inner, value) => inner.print("got", value));
  else if (way === 1) {
    const all = b.let("");
    each(b, input, (inner, value) => inner.set(all, join(all, join(text(value), ","))));
    b.print("all", all);
  } else {
    const [sum, count] = [b.let(0), b.let(0)];
    each(b, input, (inner, value) => {
      inner.fold(sum, value);
      inner.add(count, 1);
    });
    b.print("checksum", sum, "of", count);
  }
  if (b.dice.chance(0.6)) {
    b.uses("receive after the end");
    const [value, ok] = b.receiveOk(input);
    b.print("afterwards", value, ok);
  }
}
