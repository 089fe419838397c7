/** Ends of channels that this session can no longer reach, when they are sent on all the same. Layer: remote. */
import { type HomeChannel, homeChannel } from "../core/channel.js";
import type { Port } from "../core/end.js";
import { NetchanError } from "../errors.js";
import { RemoteEnd } from "./remote-end.js";
import { RemoteReceive } from "./remote-receive.js";

/**
 * A closed channel in place of one that is gone: whoever gets its ends finds them closed, as this process did, not silent. So does who
 * gets an end more than the home of a channel accepts.
 */
export function homeFor(port: Port): HomeChannel {
  const channel = homeChannel({ capacity: port.capacity });
  const over = port instanceof RemoteReceive ? port.over : undefined;
  if (port instanceof RemoteEnd && port.known) {
    const full = new NetchanError("LIMIT_EXCEEDED", "the home of the channel accepts no more ends", { outcome: "not-sent" });
    if (port.kind === "send") channel.home.refuse(full);
    else channel.home.close(full);
  } else if (over !== undefined || port.kind === "send") channel.home.close(over?.ending);
  else channel.home.close(new NetchanError("SESSION_LOST", "the session this end came over is over"));
  return channel;
}
