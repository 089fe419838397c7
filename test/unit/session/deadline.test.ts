/** Timers that decide that somebody is gone: not while this process itself was. */
import { describe, expect, it } from "vitest";
import { deadline } from "../../../src/session/deadline.js";
import { SleepyClock } from "./support.js";

function armed(ms: number) {
  const clock = new SleepyClock();
  const due: number[] = [];
  const timer = deadline(clock, ms, () => due.push(clock.now()));
  return { clock, due, timer };
}

describe("a deadline", () => {
  it("is due in time, once, and leaves no timer", () => {
    const { clock, due } = armed(5_000);
    clock.pass(4_999);
    expect(due).toEqual([]);
    clock.pass(60_000);
    expect(due).toEqual([5_000]);
    expect(clock.armed).toBe(0);
  });

  it("is due at once at nothing", () => {
    const { clock, due } = armed(0);
    clock.pass(0);
    expect(due).toEqual([0]);
  });

  it("waits a second more when the process stood still: what has arrived is read first", () => {
    const { clock, due } = armed(5_000);
    clock.sleep(60_000);
    clock.pass(0);
    expect(due).toEqual([]);
    clock.pass(999);
    expect(due).toEqual([]);
    clock.pass(1);
    expect(due).toEqual([61_000]);
    expect(clock.armed).toBe(0);
  });

  it("takes a timer that is a little late for what it is", () => {
    const { clock, due } = armed(5_000);
    clock.sleep(5_999);
    clock.pass(0);
    expect(due).toEqual([5_999]);
  });

  it("is given no second grace", () => {
    const { clock, due } = armed(5_000);
    clock.sleep(60_000);
    clock.pass(0);
    clock.sleep(60_000);
    clock.pass(0);
    expect(due).toEqual([120_000]);
  });

  it.each(["before", "in its grace"])("can be cancelled %s", (when) => {
    const { clock, due, timer } = armed(5_000);
    if (when !== "before") {
      clock.sleep(60_000);
      clock.pass(0);
    }
    timer.cancel();
    timer.cancel();
    clock.pass(100_000);
    expect(due).toEqual([]);
    expect(clock.armed).toBe(0);
  });
});
