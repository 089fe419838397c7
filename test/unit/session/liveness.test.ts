/** Is the other side still there? Who asks, when a link is given up, and what a sleep of this process means. */
import { describe, expect, it } from "vitest";
import { Liveness } from "../../../src/session/liveness.js";
import { VirtualTime } from "../../../src/transports/memory.js";
import { SleepyClock } from "./support.js";

function watching({ asks = true, heartbeatMs = 1_000 } = {}) {
  const clock = new SleepyClock();
  const asked: number[] = [];
  const deaths: { readonly at: number; readonly silentMs: number }[] = [];
  const liveness: Liveness = new Liveness(
    { ...new VirtualTime(1).host, clock },
    heartbeatMs,
    asks,
    () => asked.push(clock.now()),
    (silentMs) => {
      deaths.push({ at: clock.now(), silentMs });
    },
  );
  liveness.start();
  return { clock, liveness, asked, deaths };
}

describe("silence", () => {
  it("is asked into once a heartbeat, and is death after three", () => {
    const { clock, asked, deaths } = watching();
    clock.pass(10_000);
    expect(asked).toEqual([1_000, 2_000]);
    expect(deaths).toEqual([{ at: 3_000, silentMs: 3_000 }]);
    expect(clock.armed).toBe(0);
  });

  it("is not asked into by a side that does not ask, and is death all the same", () => {
    const { clock, asked, deaths } = watching({ asks: false });
    clock.pass(10_000);
    expect(asked).toEqual([]);
    expect(deaths).toHaveLength(1);
  });

  it("is none while something comes now and then", () => {
    const { clock, liveness, deaths } = watching();
    for (let count = 0; count < 50; count++) {
      clock.pass(2_900);
      liveness.heard();
    }
    expect(deaths).toEqual([]);
  });

  // Whenever the last word came, between two beats or on one: three heartbeats later, and a little.
  it.each([0, 1, 99, 100, 101, 250, 500, 750, 899, 900, 999])("is noticed within three heartbeats, %d ms after a beat too", (phaseMs) => {
    const { clock, liveness, deaths } = watching();
    for (let beat = 0; beat < 5; beat++) {
      clock.pass(1_000);
      liveness.heard();
    }
    clock.pass(phaseMs);
    liveness.heard();
    clock.pass(3_100);
    expect(deaths).toHaveLength(1);
    expect(deaths[0]?.silentMs).toBeGreaterThanOrEqual(3_000);
  });

  it("is asked into before it is death, whenever the last word came", () => {
    for (let phaseMs = 0; phaseMs < 1_000; phaseMs += 50) {
      const { clock, liveness, asked } = watching();
      clock.pass(phaseMs);
      liveness.heard();
      clock.pass(2_000);
      expect(asked.filter((at) => at > phaseMs).length, `after ${phaseMs} ms`).toBeGreaterThanOrEqual(1);
    }
  });

  it("may last five heartbeats while a page is hidden, and three again when it is seen", () => {
    const { clock, liveness, deaths } = watching();
    liveness.hidden = true;
    clock.pass(4_999);
    expect(deaths).toEqual([]);
    clock.pass(1);
    expect(deaths).toHaveLength(1);
    liveness.start();
    liveness.hidden = false;
    clock.pass(3_000);
    expect(deaths).toHaveLength(2);
  });
});

describe("a process that stood still", () => {
  it("reads what has arrived before it gives the link up", () => {
    const { clock, liveness, deaths } = watching();
    clock.sleep(3_600_000);
    clock.pass(0);
    expect(deaths).toEqual([]);
    liveness.heard(); // it had been waiting to be read
    clock.pass(1_000);
    expect(deaths).toEqual([]);
  });

  it("gives it up after a second in which nothing was there to be read", () => {
    const { clock, deaths } = watching();
    clock.sleep(3_600_000);
    clock.pass(999);
    expect(deaths).toEqual([]);
    clock.pass(1);
    expect(deaths).toHaveLength(1);
  });
});

describe("a link", () => {
  it("is heard from when it begins", () => {
    const { clock, liveness, deaths } = watching();
    clock.pass(2_500);
    liveness.start();
    clock.pass(2_500);
    expect(deaths).toEqual([]);
    expect(clock.armed).toBe(1);
  });

  it("that is over is watched no more", () => {
    const { clock, liveness, asked, deaths } = watching();
    liveness.stop();
    liveness.stop();
    clock.pass(10_000);
    expect([asked, deaths]).toEqual([[], []]);
    expect(clock.armed).toBe(0);
  });

  it("is fresh for a second after something came", () => {
    const { clock, liveness } = watching();
    clock.pass(1_000);
    expect(liveness.fresh).toBe(true);
    clock.pass(1);
    expect(liveness.fresh).toBe(false);
    liveness.heard();
    expect(liveness.fresh).toBe(true);
  });
});
