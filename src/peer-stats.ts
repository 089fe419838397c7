/** What one session holds, as its user sees it. Layer: peer. */
import type { PeerStats } from "./contract.js";
import type { Exchange } from "./remote/exchange.js";
import { holdsOf } from "./remote/holds.js";
import { pairIds } from "./remote/ids.js";
import { RemoteEnd } from "./remote/remote-end.js";
import type { Session } from "./session/session.js";

export function statsOf(exchange: Exchange, session: Session): PeerStats {
  const { operations, admitted } = exchange.stats;
  const { kept, keptBytes, waiting } = session.stats;
  let receives = 0;
  for (const remote of exchange.remotes.values()) if (remote instanceof RemoteEnd) receives += remote.waiterCount;
  return {
    ends: { given: withoutPair(exchange.served), held: withoutPair(exchange.remotes) },
    operations: { there: operations, here: admitted },
    receives,
    window: exchange.window,
    unacknowledged: { frames: kept + waiting, bytes: keptBytes },
    holds: holdsOf(exchange.served, exchange.remotes),
  };
}

function withoutPair(ends: ReadonlyMap<number, unknown>): number {
  return ends.size - Object.values(pairIds).filter((id) => ends.has(id)).length;
}
