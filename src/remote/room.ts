/** Room for the channel ends of a value: in the table of the session it is for, and in those of the sessions the ends come from. Layer: remote. */
import type { Port } from "../core/end.js";
import { NetchanError } from "../errors.js";
import type { Context } from "./context.js";
import { RemoteEnd } from "./remote-end.js";

/**
 * @param added - those of `ends` that the other side does not hold
 * @param room - how many more it accepts
 * @throws NetchanError `LIMIT_EXCEEDED`
 */
export function checkRoom(ends: readonly Port[], added: ReadonlySet<Port>, session: Context, room: number): void {
  if (added.size > room) throw tooMany("the other side accepts no more channel ends");
  const needed = new Map<Context, number>();
  for (const port of new Set(ends)) {
    if (!(port instanceof RemoteEnd)) continue;
    const more = (port.unopened ? 1 : 0) + (added.has(port) && port.exchange !== session ? 1 : 0);
    needed.set(port.exchange, (needed.get(port.exchange) ?? 0) + more);
  }
  for (const [home, more] of needed)
    if (more > 0 && home.room < more) throw tooMany("the home of a channel end in the value accepts no more of them");
}

function tooMany(what: string): NetchanError {
  return new NetchanError("LIMIT_EXCEEDED", what, { outcome: "not-sent" });
}
