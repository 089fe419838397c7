/** Small plays about one rule of Go each: what closing does, what is ready, what panics, what a channel is. */
import { capacity, chanOf, differs, equal, expr, field, ints, length, less, modulo, narrow, plus, struct, times, type Var } from "./ast.js";
import type { Block } from "./builder.js";
import { questionType } from "./stages.js";
import { each, idle, put } from "./streams.js";

type Scene = (b: Block) => void;

/** What is left in a closed channel, and what comes behind it. */
const closing: Scene = (b) => {
  b.uses("closed buffer");
  const room = b.dice.from(1, 5);
  const c = b.make("int", room);
  const count = b.dice.below(room + 1);
  for (let index = 0; index < count; index++) put(b, c, b.dice.below(100));
  b.uses("len and cap");
  b.print("len", length(c), "cap", capacity(c));
  b.close(c);
  b.task([b.end(c, "receive")], (body, from) => {
    for (let index = 0; index <= count; index++) {
      const [value, ok] = body.receiveOk(from as Var);
      body.print("left", value, ok);
    }
    body.print("zero", body.receive(from as Var));
  });
};

/** Double closing, sending on what is closed, plainly and in a select. */
const panics: Scene = (b) => {
  b.uses("panic after close");
  const room = b.dice.capacity();
  const c = b.make("int", room);
  if (room > 0) b.send(c, 5);
  b.close(c);
  const acts: readonly Scene[] = [
    (body) => body.close(c),
    (body) => body.send(c, 1),
    (body) => body.select([...idle(body), { to: c, value: 2 }]),
    (body) => body.select([{ to: c, value: 3, does: (then) => then.print("sent") }], (then) => then.print("default")),
  ];
  for (let count = b.dice.from(2, 5); count > 0; count--) b.print("panic", b.guard(b.dice.pick(acts)));
  each(b, c, (inner, value) => inner.print("still there", value));
  if (b.dice.chance(0.3)) b.send(c, 4); // the task dies of it
};

/** The same, seen by another task that was told of the closing. */
const panicsElsewhere: Scene = (b) => {
  b.uses("panic in another task");
  const c = b.make("int", b.dice.capacity());
  const told = b.make("bool");
  b.task([c, told], (body, one, said) => {
    body.receive(said as Var);
    const act = body.dice.below(3);
    const panic = body.guard((inner) => {
      if (act === 0) inner.close(one as Var);
      else if (act === 1) inner.send(one as Var, 1);
      else inner.select([{ to: one as Var, value: 1 }, ...idle(inner)]);
      inner.print("impossible");
    });
    body.print("panic", panic);
    const [value, ok] = body.receiveOk(one as Var);
    body.print("done", value, ok);
  });
  b.close(c);
  b.send(told, true);
};

/** Filled and emptied by tries, one more than there is room for. */
const tries: Scene = (b) => {
  b.uses("tries");
  const room = b.dice.below(4);
  const c = b.make("int", room);
  const fill = (body: Block, to: Var) =>
    body.times(room + 1, (inner, index) =>
      inner.select([{ to, value: times(index, 3), does: (then) => then.print("put", index) }], (then) => then.print("full at", index)),
    );
  const empty = (body: Block, from: Var) =>
    body.times(room + 1, (inner) =>
      inner.select([{ from, does: (then, value, ok) => then.print("took", value, ok) }], (then) => then.print("empty", length(from))),
    );
  fill(b, c);
  b.print("len", length(c));
  if (b.dice.chance(0.5)) empty(b, c);
  else {
    const back = b.make("bool");
    b.task([c, back], (body, one, said) => {
      empty(body, one as Var);
      body.send(said as Var, true);
    });
    b.receive(back);
    fill(b, c);
  }
  b.close(c);
  empty(b, c);
};

/** A default beside cases that cannot happen, and beside exactly one that can. */
const defaults: Scene = (b) => {
  b.uses("default beside idle cases");
  const [open, full] = [b.make("int"), b.make("string", 1)];
  b.send(full, "a");
  const shut = b.make("int");
  const off = b.let(b.dice.chance(0.5) ? shut : { k: "nil", type: ints }, ints);
  b.close(shut);
  b.times(2, (inner, index) => {
    inner.select(
      [
        { from: open, does: (then) => then.print("impossible") },
        { to: open, value: 1, does: (then) => then.print("impossible") },
        { to: full, value: "b", does: (then) => then.print("impossible") },
        { from: off, does: (then, value, ok) => then.print("shut", value, ok) },
      ],
      (then) => then.print("default", index),
    );
  });
  b.select([{ from: full, does: (then, value, ok) => then.print("one ready", value, ok) }, { from: open }]);
};

/** All wait for one closing; a channel of one is the lock around a counter that travels in another. */
const barrier: Scene = (b) => {
  b.uses("barrier");
  const [start, lock, counter, done] = [b.make("bool"), b.make("bool", 1), b.make("int", 1), b.make("int", b.dice.capacity())];
  const count = b.dice.from(2, 5);
  const rounds = b.dice.from(1, 3);
  const runner = b.writer.func([start.type, lock.type, counter.type, done.type, "int"], (body, gate, mutex, box, said, me) => {
    const [, ok] = body.receiveOk(gate as Var);
    body.print("started", ok);
    body.times(rounds, (inner) => {
      inner.send(mutex as Var, true);
      const value = inner.receive(box as Var);
      inner.send(box as Var, plus(value, me as Var));
      inner.receive(mutex as Var);
    });
    body.send(said as Var, me as Var);
  });
  b.times(count, (inner, index) => inner.go(runner, start, lock, counter, done, plus(index, 1)));
  b.send(counter, 0);
  b.close(start);
  const sum = b.let(0);
  b.times(count, (inner) => inner.add(sum, inner.receive(done)));
  b.print("sum", sum, "counter", b.receive(counter));
};

/** A token goes round; everybody adds to it. */
const ring: Scene = (b) => {
  b.uses("ring");
  const count = b.dice.from(2, 6);
  const rounds = b.dice.from(1, 4);
  const first = b.make("int", b.dice.capacity());
  const member = b.writer.func([chanOf("int", "receive"), chanOf("int", "send"), "int"], (body, from, to, me) => {
    each(body, from as Var, (inner, token) => put(inner, to as Var, modulo(plus(times(token, 3), me as Var), 10_007)));
    body.close(to as Var);
  });
  let last = first;
  for (let index = 0; index < count; index++) {
    const next = b.make("int", b.dice.capacity());
    b.go(member, last, next, index);
    last = next;
  }
  const token = b.let(1);
  b.times(rounds, (inner) => {
    inner.send(first, token);
    inner.set(token, inner.receive(last));
    inner.print("token", token);
  });
  b.close(first);
  const [, ok] = b.receiveOk(last);
  b.print("ring closed", ok);
};

/** Several clients ask one server; each gets its own answers. */
const service: Scene = (b) => {
  b.uses("server of many");
  const question = questionType(b.dice);
  const questions = b.make(question, b.dice.capacity());
  const done = b.make("bool");
  const clients = b.dice.from(2, 4);
  b.task([b.end(questions, "receive")], (body, from) => {
    const served = body.let(0);
    each(body, from as Var, (inner, one) => {
      const answer = plus(times(field(one, "N"), 7), 3);
      if (body.dice.chance(0.4)) inner.task([field(one, "Reply"), answer], (then, to, value) => then.send(to as Var, value as Var));
      else inner.send(field(one, "Reply"), answer);
      inner.add(served, 1);
    });
    body.print("served", served);
  });
  const client = b.writer.func([questions.type, done.type, "int"], (body, to, said, me) => {
    body.times(body.dice.from(1, 4), (inner, index) => {
      const answer = inner.make("int", inner.dice.below(2));
      inner.send(to as Var, struct(question, plus(times(me as Var, 10), index), answer));
      inner.print("answer", inner.receive(answer));
    });
    body.send(said as Var, true);
  });
  b.times(clients, (inner, index) => inner.go(client, questions, done, index));
  b.times(clients, (inner) => inner.receive(done));
  b.close(questions);
};

/** A channel that went to another task and came back is the same; another one is not. */
const identity: Scene = (b) => {
  b.uses("channels compared");
  const parcels = b.make(ints, b.dice.capacity());
  const back = b.make(ints, b.dice.capacity());
  b.task([b.end(parcels, "receive"), b.end(back, "send")], (body, from, to) => {
    each(body, from as Var, (inner, one) => {
      inner.print("cap", capacity(one));
      inner.send(to as Var, one);
    });
    body.close(to as Var);
  });
  const mine = [b.make("int"), b.make("int", 2)] as const;
  for (let count = b.dice.from(1, 4); count > 0; count--) {
    const [one, other] = b.dice.chance(0.5) ? mine : [mine[1], mine[0]];
    b.send(parcels, one);
    const got = b.receive(back);
    b.print("same", equal(got, one), differs(got, one), equal(got, other));
    b.if(less(0, capacity(got)), (then) => {
      then.send(got, 3);
      then.print("through it", then.receive(one), "cap", capacity(one));
    });
  }
  b.close(parcels);
  const [none, ok] = b.receiveOk(back);
  b.print("nil", equal(none, { k: "nil", type: ints }), ok);
};

/** Each subscriber is given a stream of its own. */
const subscribers: Scene = (b) => {
  b.uses("private streams");
  const offered = chanOf("int", b.dice.pick(["receive", "both"]));
  const desk = b.make(offered);
  const count = b.dice.from(1, 4);
  const length = b.dice.from(0, 4);
  const reader = b.writer.func([desk.type, "int"], (body, from, me) => {
    const feed = body.receive(from as Var);
    const sum = body.let(0);
    each(body, feed, (inner, value) => inner.fold(sum, value));
    body.print("reader", me as Var, "sum", sum);
  });
  const source = b.writer.func([chanOf("int", "send")], (body, to) => {
    body.times(length, (inner, index) => put(inner, to as Var, plus(index, 40)));
    body.close(to as Var);
  });
  b.times(count, (inner, index) => {
    inner.go(reader, desk, index);
    const feed = inner.make("int", b.dice.capacity());
    inner.go(source, narrow(feed, "send"));
    inner.send(desk, feed);
  });
  b.print(expr("all told"));
};

export const scenes: readonly Scene[] = [closing, panics, panicsElsewhere, tries, defaults, barrier, ring, service, identity, subscribers];
