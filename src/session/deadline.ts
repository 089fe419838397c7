/** Timers that decide that somebody is gone. Layer: session. */
import type { Clock, Timer } from "../core/clock.js";

/** A timer this much late means that the process stood still (a laptop asleep, a page frozen, SIGSTOP), milliseconds. */
const lateMs = 1_000;
/** Then what arrived meanwhile is read before anything is decided. */
const graceMs = 1_000;

/** Calls back after `ms`; if this process stood still, only when it has had the time to read what was waiting for it. Keeps no process alive. */
export function deadline(clock: Clock, ms: number, due: () => void): Timer {
  const dueAt = clock.now() + ms;
  let timer = clock.start(
    ms,
    () => {
      if (clock.now() - dueAt < lateMs) due();
      else timer = clock.start(graceMs, due, "idle");
    },
    "idle",
  );
  return { cancel: () => timer.cancel() };
}
