/** What is held across a session, for finding leaks. Layer: remote. */
import type { Hold } from "../contract.js";
import type { EndUser } from "./context.js";
import { pairIds } from "./ids.js";
import { Relay } from "./relay.js";
import { RemoteReceive } from "./remote-receive.js";
import { RemoteSend } from "./remote-send.js";
import type { Served } from "./served.js";

/** The ends of both tables, the default pair's left out: what the other side holds, then what this side does, each oldest first. */
export function holdsOf(served: ReadonlyMap<number, Served>, remotes: ReadonlyMap<number, EndUser>): readonly Hold[] {
  const holds: Hold[] = [];
  for (const [id, { port, count, openCount }] of served)
    if (id !== pairIds.toListener && id !== pairIds.toDialer)
      holds.push({
        kind: port.kind,
        holder: "there",
        by: "application",
        relayed: served.get(id) instanceof Relay,
        references: count,
        open: openCount,
        end: port.end,
      });
  for (const [id, remote] of remotes)
    if (remote instanceof RemoteSend || remote instanceof RemoteReceive) {
      if (id === pairIds.toListener || id === pairIds.toDialer) continue;
      const { kind, heldBy, elsewhere, references, openCount, end } = remote;
      holds.push({ kind, holder: "here", by: heldBy, relayed: elsewhere, references, open: openCount, end });
    } else if (remote instanceof Relay) {
      const { port, openCount } = remote;
      holds.push({ kind: port.kind, holder: "here", by: "relay", relayed: port.elsewhere, references: 1, open: openCount, end: port.end });
    }
  return holds;
}
