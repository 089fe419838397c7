/** Scenarios: channels by name, with rights that are decided at once or later, and schemas that look at every value. */
import type { Channel, NamedChannelOptions, StandardSchema } from "../../src/contract.js";
import { makeSelect } from "../../src/core/select.js";
import { outcome, type Scenario, type Stage, same, upTo, type Value } from "./stage.js";

/** Takes a few turns for each value, and makes another of it. */
const slowly: StandardSchema<Value> = {
  "~standard": {
    version: 1,
    vendor: "simulation",
    validate: async (value) => {
      for (let turns = 0; turns < 3; turns++) await undefined;
      return typeof value === "number" ? { value: value * 10 } : { issues: [{ message: "no number" }] };
    },
  },
};

function publish(stage: Stage, name: string, options: NamedChannelOptions<Value> = {}): Channel<Value> {
  return stage.world.listenerOf(0).channel<Value>(name, { allow: "both", ...options });
}
function find(stage: Stage, name: string): Channel<Value> {
  return stage.keep(stage.peer(1, 0).channel<Value>(name));
}
async function takeAll(receive: Channel<Value>["receive"], count: number): Promise<unknown[]> {
  const values: unknown[] = [];
  while (values.length < count) values.push((await receive()).value);
  return values;
}

export const nameScenarios: readonly Scenario[] = [false, true].flatMap((asks): Scenario[] => {
  const how = asks ? ", when authorize takes its time" : "";
  const shape = { authorizes: asks };
  return [
    {
      name: `sends and receives by name${how}`,
      shape,
      async run(stage) {
        const here = publish(stage, "up");
        const there = find(stage, "up");
        const sent = upTo(4).map((n) => there.send(n));
        same("FIFO", "what came up", await takeAll(here.receive, 4), upTo(4));
        await Promise.all(sent);
        const received = takeAll(there.receive, 4);
        for (const n of upTo(4)) await here.send(n);
        same("FIFO", "what came down", await received, upTo(4));
      },
    },
    {
      name: `publishes to everybody who has subscribed${how}`,
      shape,
      async run(stage) {
        const topic = stage.world.listenerOf(0).topic<Value>("news", { allow: "both", whenFull: "wait" });
        const here = topic.subscribe();
        const there = stage.keep(stage.peer(1, 0).topic<Value>("news"));
        const subscriptions = [
          here,
          ...[{}, { capacity: 1, whenFull: "wait" as const }].map((options) => stage.keep(there.subscribe(options))),
        ];
        const received = subscriptions.map((receive) => takeAll(receive, 6));
        for (const n of upTo(3)) await there.publish(n);
        for (const n of upTo(3)) await topic.publish(n);
        for (const values of received) same("FIFO", "what was published", await values, [...upTo(3), ...upTo(3)]);
        same(
          "ONE",
          "what was missed",
          subscriptions.map(({ missed }) => missed),
          [0, 0, 0],
        );
        topic.publish.close();
        for (const receive of subscriptions) same("CLOSE", "the end", (await receive()).done, true);
      },
    },
    {
      name: `asks for the channel anew for every value${how}`,
      shape,
      async run(stage) {
        const here = publish(stage, "log", { capacity: 2 });
        const sent = upTo(4).map((n) => find(stage, "log").send(n));
        same("FIFO", "the first four", await takeAll(here.receive, 4), upTo(4));
        await Promise.all(sent);
        for (const n of upTo(2)) await find(stage, "log").send(n);
        same("FIFO", "what comes back", await takeAll(find(stage, "log").receive, 2), upTo(2));
      },
    },
    {
      name: `selects over channels found by name${how}`,
      shape,
      async run(stage) {
        const [a, b] = [publish(stage, "a"), publish(stage, "b")];
        const there = { a: find(stage, "a"), b: find(stage, "b") };
        const { select } = makeSelect(stage.world.random);
        const chosen = select({ a: there.a.receive, b: [there.b.send, 1] });
        same("ONE", "what the listener received", (await b.receive()).value, 1);
        same("SEL", "the case", (await chosen).case, "b");
        const other = select({ a: there.a.receive, b: [there.b.send, 2] });
        await a.send(3);
        same("SEL", "the other case", await other, { case: "a", done: false, value: 3 });
      },
    },
    {
      name: `values that a schema looks at${how}`,
      shape,
      async run(stage) {
        const here = publish(stage, "checked", { schema: slowly });
        const { send } = find(stage, "checked");
        const results = [1, "no", 2, 3].map((value) => outcome(send(value as Value)));
        same("FIFO", "what passed", await takeAll(here.receive, 3), [10, 20, 30]);
        const codes = (await Promise.all(results)).map(({ error }) => (error as { readonly code?: string } | undefined)?.code);
        same("SETTLE", "what became of them", codes, [undefined, "VALUE_REFUSED", undefined, undefined]);
      },
    },
    {
      name: `names that are not there${how}`,
      shape,
      async run(stage) {
        const { select } = makeSelect(stage.world.random);
        const { send, receive } = find(stage, "nothing");
        for (const operation of [send(1), receive(), select({ a: [find(stage, "less").send, 1] })]) {
          const { error } = await outcome<unknown>(operation);
          same("SETTLE", "the code", (error as { readonly code?: string }).code, "CHANNEL_UNKNOWN");
        }
      },
    },
  ];
});
