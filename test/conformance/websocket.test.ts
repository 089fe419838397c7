import { expect } from "vitest";
import { dial, listen, type Peer } from "../../src/node.js";
import { describeChannel } from "./channel-contract.js";
import { describeSessionEnd } from "./session-end.js";
import { endSessions, type Home, type Linked, overLink, take, turn } from "./support.js";

/** Trips that a chain of causes may need: an operation to its home through a relay, an offer, its answer, the verdict, each both ways. */
const trips = 6;

async function connect(count: number): Promise<Linked> {
  const server = await listen(0);
  const dialers: Peer[] = [];
  const accepted: Peer[] = [];
  for (let index = 0; index < count; index++) {
    dialers.push(await dial(server.url));
    accepted.push(await take(server.peers));
  }
  // A ping travels behind every earlier frame of its link, so that what was under way has arrived when it is back.
  const settle = async () => {
    for (let trip = 0; trip < trips; trip++) {
      await turn();
      await Promise.all([...dialers, ...accepted].map((peer) => peer.ping()));
    }
    await turn();
  };
  const dispose = async () => {
    await endSessions({ dialers, accepted });
    expect(server.connected.size).toBe(0);
    await server.close({ drainMs: 0 });
  };
  return { dialers, accepted, settle, dispose };
}

for (const home of ["sender", "receiver", "third"] satisfies Home[])
  describeChannel(`over WebSocket, home at the ${home}`, {
    capabilities: { byReference: false, selectAcross: true, rounds: 2_000 },
    open: () => overLink(connect, home),
  });

describeSessionEnd("over WebSocket", connect);
