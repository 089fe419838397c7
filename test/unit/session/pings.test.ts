/** Round trips: each answered or failed once, measured over the link that brings the answer. */
import { describe, expect, it } from "vitest";
import { Pings } from "../../../src/session/pings.js";
import { SleepyClock } from "./support.js";

function pinging() {
  const clock = new SleepyClock();
  const sent: number[] = [];
  const pings = new Pings(clock, (id) => sent.push(id));
  const heard: (number | "failed")[] = [];
  const measure = () =>
    pings.measure(
      (ms) => heard.push(ms),
      () => heard.push("failed"),
    );
  return { clock, pings, sent, heard, measure };
}

describe("a ping", () => {
  it("measures milliseconds, once, by its own number", () => {
    const { clock, pings, sent, heard, measure } = pinging();
    measure();
    clock.pass(10);
    measure();
    clock.pass(5);
    pings.answered(sent[1]);
    pings.answered(sent[0]);
    for (const id of [sent[0], 77, "1", null, "__proto__", Number.NaN]) pings.answered(id);
    expect(heard).toEqual([5, 15]);
    expect(pings.size).toBe(0);
  });

  it("is asked again over the next link, with its number, and measures that one", () => {
    const { clock, pings, sent, heard, measure } = pinging();
    measure();
    clock.pass(60_000);
    pings.again();
    expect(sent).toEqual([1, 1]);
    clock.pass(20);
    pings.answered(1);
    pings.again();
    expect(heard).toEqual([20]);
    expect(sent).toHaveLength(2);
  });

  it("that was forgotten is neither answered, nor failed, nor asked again", () => {
    const { pings, sent, heard, measure } = pinging();
    const forget = measure();
    forget();
    forget();
    pings.again();
    pings.answered(1);
    pings.fail();
    expect([heard, sent, pings.size]).toEqual([[], [1], 0]);
  });

  it("fails when the session ends, once, and one that is begun by a failure waits for nobody", () => {
    const { pings, heard, measure } = pinging();
    measure();
    measure();
    pings.fail();
    pings.fail();
    expect(heard).toEqual(["failed", "failed"]);
  });

  it("that only asks is not kept", () => {
    const { pings, sent } = pinging();
    pings.ask();
    pings.ask();
    expect(sent).toEqual([1, 2]);
    expect(pings.size).toBe(0);
    pings.again();
    expect(sent).toHaveLength(2);
  });
});
