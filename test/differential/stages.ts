/** What may be done to a stream on its way: each stage is a task or several. */
import {
  and,
  type ChanType,
  chanOf,
  equal,
  field,
  less,
  modulo,
  narrow,
  nil,
  not,
  or,
  plus,
  type StructType,
  struct,
  type Var,
} from "./ast.js";
import type { Block, Dice, Offer } from "./builder.js";
import { changed, each, limit, produce, put, sources } from "./streams.js";

const stages: readonly ((b: Block, input: Var) => Var)[] = [
  (b, input) =>
    produce(b, [input], (body, out, from) => {
      body.uses("map");
      each(body, from as Var, (inner, value) => put(inner, out, changed(inner.dice, value)));
    }),
  (b, input) =>
    produce(b, [input], (body, out, from) => {
      body.uses("filter");
      const part = body.dice.from(2, 3);
      each(body, from as Var, (inner, value) => inner.if(less(0, modulo(value, part)), (then) => put(then, out, value)));
    }),
  (b, input) =>
    produce(b, [input], (body, out, from) => {
      body.uses("prefix sums");
      const sum = body.let(0);
      each(body, from as Var, (inner, value) => {
        inner.set(sum, modulo(plus(sum, value), limit));
        put(inner, out, sum);
      });
    }),
  (b, input) =>
    produce(b, [input], (body, out, from) => {
      body.uses("take some, drain the rest");
      const count = body.let(0);
      const most = body.dice.from(1, 5);
      each(body, from as Var, (inner, value) => {
        inner.add(count, 1);
        inner.if(less(count, most), (then) => put(then, out, value));
      });
    }),
  (b, input) => {
    b.uses("relays");
    let last = input;
    for (let count = b.dice.from(2, 4); count > 0; count--)
      last = produce(b, [last], (body, out, from) => each(body, from as Var, (inner, value) => put(inner, out, value)));
    return last;
  },
  asked,
  passed,
  sieve,
  queue,
];

/** A question with the channel for its answer. */
export const questionType = (dice: Dice): StructType => ({
  fields: [
    ["N", "int"],
    ["Reply", chanOf("int", dice.pick(["send", "both"]))],
  ],
});

/** Every value is asked of a server, with the channel for the answer inside the question. */
function asked(b: Block, input: Var): Var {
  b.uses("request and reply");
  const question = questionType(b.dice);
  const questions = b.make(question, b.dice.capacity());
  b.task([b.end(questions, "receive")], (body, from) => {
    each(body, from as Var, (inner, one) => put(inner, field(one, "Reply"), changed(inner.dice, field(one, "N"))));
  });
  const room = b.dice.below(2);
  const ask = (body: Block, out: Var, from: Var, to: Var) => {
    const reuse = body.dice.chance(0.5) ? body.make("int", room) : undefined;
    each(body, from, (inner, value) => {
      const answer = reuse ?? inner.make("int", room);
      put(inner, to, struct(question, value, answer));
      put(inner, out, inner.receive(answer));
    });
    body.close(to);
  };
  return produce(b, [input], (body, out, from, to) => ask(body, out, from as Var, to as Var), [b.end(questions, "send")]);
}

/** Every value comes in a channel of its own, and that in another channel. */
function passed(b: Block, input: Var): Var {
  b.uses("channels in channels");
  const carried = chanOf("int", b.dice.pick(["receive", "both"]));
  const parcels = b.make(carried, b.dice.capacity());
  b.task([b.end(input, "receive"), parcels], (body, from, to) => {
    each(body, from as Var, (inner, value) => {
      const parcel = inner.make("int", inner.dice.from(1, 2));
      inner.send(parcel, value);
      if (inner.dice.chance(0.5)) inner.close(parcel);
      inner.send(to as Var, parcel);
    });
    body.close(to as Var);
  });
  return produce(b, [parcels], (body, out, from) => {
    each(body, from as Var, (inner, parcel) => put(inner, out, inner.receive(parcel)));
  });
}

/** Each value that comes through starts a task that keeps some of the later ones back, as the prime sieve does. */
function sieve(b: Block, input: Var): Var {
  b.uses("sieve");
  const out = b.make("int", b.dice.capacity());
  const room = b.dice.capacity();
  const name = b.writer.fresh("int", "sieve").name;
  const from = b.writer.fresh(chanOf("int", "receive"), "p");
  const to = b.writer.fresh(chanOf("int", "send"), "p");
  const body = b.inner((inner) => {
    const [first, ok] = inner.receiveOk(from);
    inner.if(
      ok,
      (then) => {
        put(then, to, first);
        const divisor = then.let(plus(modulo(first, 5), 2));
        const next = then.make("int", room);
        then.go(name, narrow(next, "receive"), to);
        each(then, from, (more, value) => more.if(less(0, modulo(value, divisor)), (kept) => put(kept, next, value)));
        then.close(next);
      },
      (otherwise) => otherwise.close(to),
    );
  });
  b.writer.functions.push({ name, params: [from, to], body });
  b.go(name, narrow(input, "receive"), narrow(out, "send"));
  return out;
}

/** Holds up to two values; takes and gives in one select, whose cases are switched off by nil. */
function queue(b: Block, input: Var): Var {
  b.uses("queue by select");
  return produce(b, [input], (body, out, given) => {
    const from = given as Var;
    const [open, count, first, second] = [body.let(true), body.let(0), body.let(0), body.let(0)];
    body.while(or(open, less(0, count)), (inner) => {
      const source = inner.let(nil(from.type as ChanType), from.type);
      inner.if(and(open, less(count, 2)), (then) => then.set(source, from));
      const sink = inner.let(nil(out.type as ChanType), out.type);
      inner.if(less(0, count), (then) => then.set(sink, out));
      const take: Offer = {
        from: source,
        does: (then, value, ok) => {
          then.if(
            not(ok),
            (ended) => ended.set(open, false),
            (more) => {
              more.if(
                equal(count, 0),
                (one) => one.set(first, value),
                (two) => two.set(second, value),
              );
              more.add(count, 1);
            },
          );
        },
      };
      const give: Offer = {
        to: sink,
        value: first,
        does: (then) => {
          then.set(first, second);
          then.add(count, -1);
        },
      };
      inner.select(b.dice.chance(0.5) ? [take, give] : [give, take]);
    });
  });
}

/** A stream made of up to `depth` layers. */
export function stream(b: Block, depth: number): Var {
  if (depth <= 0) return b.dice.pick(sources)(b);
  const input = stream(b, depth - 1);
  return b.dice.pick(stages)(b, input);
}
