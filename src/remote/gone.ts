/** Ends in place of those that cannot be reached, or not any more. Layer: remote. */
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

/** In place of an end of a published channel that the other side may not use: it fails as that one does. */
export function deadPort<K extends Port["kind"]>(kind: K, refusal: NetchanError | undefined): HomeChannel[K] {
  const error = refusal ?? new NetchanError("CHANNEL_REFUSED", "the end was passed on before it was open", { outcome: "not-sent" });
  const channel = homeChannel({ capacity: 0 }, true);
  if (kind === "send") channel.home.refuse(error);
  else channel.home.close(error);
  return channel[kind];
}
