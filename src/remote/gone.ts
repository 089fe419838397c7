/** Ends of channels that this session can no longer reach, when they are sent on all the same. Layer: remote. */
import { type HomeChannel, homeChannel } from "../core/channel.js";
import type { Port } from "../core/end.js";
import { NetchanError } from "../errors.js";

/** A closed channel in place of one that is gone: whoever gets its ends finds them closed, not silent. */
export function homeFor(port: Port): HomeChannel {
  const channel = homeChannel({ capacity: 0 });
  channel.home.close(port.kind === "send" ? undefined : new NetchanError("SESSION_LOST", "the session this end came over is over"));
  return channel;
}
