/** What a topic keeps, seen from inside. */
import { expect, it } from "vitest";
import { TopicHome } from "../../../src/core/topic.js";

it("a topic forgets subscriptions that are over", () => {
  const topic = new TopicHome({}, () => ({ ends: [], bytes: 0 }));
  const subscriptions = Array.from({ length: 100 }, () => topic.subscribe({ capacity: 1, whenFull: "drop-oldest" }));
  expect(topic.subscribers).toBe(100);
  for (const { receive } of subscriptions) receive.letGo();
  expect(topic.subscribers).toBe(0);
});
