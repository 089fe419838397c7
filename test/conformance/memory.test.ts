import { expect } from "vitest";
import { dial, type Peer } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";
import { describeChannel } from "./channel-contract.js";
import { describeSessionEnd } from "./session-end.js";
import { endSessions, type Home, type Linked, overLink, take } from "./support.js";

async function connect(count: number): Promise<Linked> {
  const network = memoryNetwork({ seed: 1 });
  const server = network.listen();
  const dialers: Peer[] = [];
  const accepted: Peer[] = [];
  for (let index = 0; index < count; index++) {
    dialers.push(await dial(network.address(server.accept)));
    accepted.push(await take(server.peers));
  }
  const dispose = async () => {
    await endSessions({ dialers, accepted });
    expect(server.connected.size).toBe(0);
    await server.close({ drainMs: 0 });
  };
  return { dialers, accepted, settle: () => network.settle(), dispose };
}

for (const home of ["sender", "receiver", "third"] satisfies Home[])
  describeChannel(`over a link in memory, home at the ${home}`, {
    capabilities: { byReference: false, selectAcross: true, rounds: 10_000 },
    open: () => overLink(connect, home),
  });

describeSessionEnd("over a link in memory", connect);
