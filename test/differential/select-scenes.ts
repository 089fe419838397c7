/** Small plays about select: which case happens is chance, what comes of it is not. */
import { and, type ChanType, equal, isOn, join, less, modulo, nil, not, or, plus, times, type Var } from "./ast.js";
import type { Block, Offer } from "./builder.js";
import { each, idle, put } from "./streams.js";

type Scene = (b: Block) => void;

/** Everybody sends or receives once on one channel: half of them do each. */
const meeting: Scene = (b) => {
  b.uses("send or receive on one channel");
  const [table, said] = [b.make("int"), b.make("int", b.dice.capacity())];
  const pairs = b.dice.from(1, 3);
  const guest = b.writer.func([table.type, said.type, "int"], (body, one, to, me) => {
    const cases: readonly Offer[] = [
      { to: one as Var, value: me as Var, does: (then) => then.send(to as Var, 1000) },
      { from: one as Var, does: (then, value) => then.send(to as Var, value) },
    ];
    body.select(body.dice.chance(0.5) ? cases : [...cases].reverse());
  });
  b.times(pairs * 2, (inner, index) => inner.go(guest, table, said, times(index, 0)));
  const [sent, sum] = [b.let(0), b.let(0)];
  b.times(pairs * 2, (inner) => {
    const value = inner.receive(said);
    inner.if(less(999, value), (then) => then.add(sent, 1), (otherwise) => otherwise.add(sum, value));
  }); // biome-ignore format: no
  b.print("senders", sent, "sum", sum);
};

/** One sender with several ways; every value takes one of them. */
const ways: Scene = (b) => {
  b.uses("one of several sends");
  const count = b.dice.from(2, 4);
  const lanes = Array.from({ length: count }, () => b.make("int", b.dice.capacity()));
  const merged = b.make("int", b.dice.capacity());
  const done = b.make("bool");
  const values = b.dice.from(3, 10);
  b.task(lanes, (body, ...to) => {
    body.times(values, (inner, index) => inner.select(to.map((lane) => ({ to: lane, value: plus(times(index, index), 1) }))));
    for (const lane of to) body.close(lane);
  });
  const mux = b.writer.func([lanes[0]?.type ?? "int", merged.type, done.type], (body, from, to, said) => {
    each(body, from as Var, (inner, value) => put(inner, to as Var, value));
    body.send(said as Var, true);
  });
  for (const lane of lanes) b.go(mux, lane, merged, done);
  b.task([merged, done], (body, to, said) => {
    body.times(count, (inner) => inner.receive(said as Var));
    body.close(to as Var);
  });
  const [sum, seen] = [b.let(0), b.let(0)];
  each(b, merged, (inner, value) => {
    inner.add(sum, value);
    inner.add(seen, 1);
  });
  b.print("seen", seen, "sum", sum);
};

/** A task that is told to stop by the closing of a channel, when nobody takes any more. */
const stopped: Scene = (b) => {
  b.uses("stopped by a closing");
  const [out, stop, last] = [b.make("int"), b.make("bool"), b.make("int")];
  b.task([out, stop, last], (body, to, quit, said) => {
    const [next, on] = [body.let(0), body.let(true)];
    body.while(on, (inner) => {
      const cases: readonly Offer[] = [
        { to: to as Var, value: next, does: (then) => then.add(next, 1) },
        { from: quit as Var, does: (then, _, ok) => then.set(on, ok) },
      ];
      inner.select(body.dice.chance(0.5) ? cases : [...cases].reverse());
    });
    body.print("stopped at", next);
    body.send(said as Var, next);
  });
  b.times(b.dice.from(0, 6), (inner) => inner.print("got", inner.receive(out)));
  b.close(stop);
  b.print("last", b.receive(last));
};

/** Two tasks send to each other through selects that also receive; none loses a value. */
const exchange: Scene = (b) => {
  b.uses("exchange both ways");
  const [there, back, said] = [b.make("int", b.dice.capacity()), b.make("int", b.dice.capacity()), b.make("int", 2)];
  const counts = [b.dice.from(1, 6), b.dice.from(1, 6)] as const;
  for (const [index, [to, from]] of ([[there, back], [back, there]] as const).entries())
    b.task([to, from, said], (body, out, input, result) => {
      const [left, sum] = [body.let(counts[index] as number), body.let(0)];
      const source = body.let(input as Var);
      const sink = body.let(out as Var);
      body.while(or(isOn(source), isOn(sink)), (inner) => {
        inner.select([
          {
            to: sink,
            value: left,
            does: (then) => {
              then.add(left, -1);
              then.if(equal(left, 0), (end) => {
                end.close(out as Var);
                end.set(sink, nil(sink.type as ChanType));
              });
            },
          },
          {
            from: source,
            does: (then, value, ok) => {
              then.add(sum, value);
              then.if(not(ok), (end) => end.set(source, nil(source.type as ChanType)));
            },
          },
        ]);
      });
      body.print("sum", sum);
      body.send(result as Var, sum);
    }); // biome-ignore format: no
  b.print("together", plus(b.receive(said), b.receive(said)));
};

/** The same channel in two cases: one value, one case. */
const twice: Scene = (b) => {
  b.uses("one channel in two cases");
  const c = b.make("int", b.dice.capacity());
  const count = b.dice.from(1, 6);
  b.task([b.end(c, "send")], (body, to) => {
    body.times(count, (inner, index) => put(inner, to as Var, plus(index, 1)));
    body.close(to as Var);
  });
  const [open, sum] = [b.let(true), b.let(0)];
  b.while(open, (inner) => {
    const take: Offer = {
      from: c,
      does: (then, value, ok) => {
        then.fold(sum, value);
        then.set(open, ok);
      },
    };
    inner.select([take, ...(b.dice.chance(0.5) ? idle(b) : []), take]);
  });
  b.print("sum", sum);
};

/** Sends and receives of several streams in one loop, each switched off when it is through. */
const loop: Scene = (b) => {
  b.uses("select loop, many cases");
  const inputs = Array.from({ length: b.dice.from(2, 3) }, () => b.make("int", b.dice.capacity()));
  for (const input of inputs)
    b.task([b.end(input, "send")], (body, to) => {
      body.times(body.dice.from(0, 5), (inner, index) => put(inner, to as Var, plus(index, 3)));
      body.close(to as Var);
    });
  const out = b.make("int", b.dice.capacity());
  const result = b.make("int");
  b.task([b.end(out, "receive"), result], (body, from, to) => {
    const sum = body.let(0);
    each(body, from as Var, (inner, value) => inner.fold(sum, value));
    body.send(to as Var, sum);
  });
  const most = b.dice.from(0, 6);
  const [sum, left] = [b.let(0), b.let(most)];
  const sources = inputs.map((input) => b.let(input));
  const sink = b.let(out);
  if (most === 0) b.set(sink, nil(sink.type as ChanType));
  const anyOn = sources.map((source) => isOn(source)).reduce((one, other) => or(one, other), isOn(sink));
  b.while(and(anyOn, less(-1, left)), (inner) => {
    const takes = sources.map((source): Offer => ({
      from: source,
      does: (then, value, ok) =>
        then.if(ok, (more) => more.set(sum, modulo(plus(sum, value), 9973)), (end) => end.set(source, nil(source.type as ChanType))),
    })); // biome-ignore format: no
    const give: Offer = {
      to: sink,
      value: left,
      does: (then) => {
        then.add(left, -1);
        then.if(equal(left, 0), (end) => end.set(sink, nil(sink.type as ChanType)));
      },
    };
    inner.select(b.dice.chance(0.5) ? [...takes, give] : [give, ...takes]);
  });
  b.close(out);
  b.print("taken", sum, "given", b.receive(result));
};

/** A select that offers a value on a channel panics when that is closed, whether it waits already or comes later. */
const closedUnder: Scene = (b) => {
  b.uses("closed under a waiting select");
  const [c, said] = [b.make("int"), b.make("string", b.dice.capacity())];
  const count = b.dice.from(1, 3);
  const offering = b.writer.func([c.type, said.type], (body, to, result) => {
    const panic = body.guard((inner) => inner.select([...idle(inner), { to: to as Var, value: 1 }, ...idle(inner)]));
    body.send(result as Var, panic);
  });
  b.times(count, (inner) => inner.go(offering, c, said));
  const met = b.dice.from(0, count);
  b.times(met, (inner) => inner.print("got", inner.receive(c)));
  b.close(c);
  const [fine, panics] = [b.let(0), b.let("")];
  b.times(count, (inner) => {
    const panic = inner.receive(said);
    inner.if(
      equal(panic, "no panic"),
      (one) => one.add(fine, 1),
      (one) => one.set(panics, join(panics, join(panic, "; "))),
    );
  });
  b.print("fine", fine, "others", panics);
};

export const selectScenes: readonly Scene[] = [meeting, ways, stopped, exchange, twice, loop, closedUnder];
