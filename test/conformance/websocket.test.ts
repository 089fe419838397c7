import { dial, listen } from "../../src/node.js";
import { describeChannel } from "./channel-contract.js";
import { describeDoubleSelect } from "./double-select.js";
import { dialed, type Linked, overLink } from "./links.js";
import { describeSessionEnd } from "./session-end.js";
import type { Home } from "./support.js";
import { describeThreeProcesses } from "./three-processes.js";

async function connect(count: number): Promise<Linked> {
  const listener = await listen(0);
  return dialed(count, listener, () => dial(listener.url));
}

for (const home of ["sender", "receiver", "third"] satisfies Home[])
  describeChannel(`over WebSocket, home at the ${home}`, {
    capabilities: { byReference: false, selectAcross: true, rounds: 2_000 },
    open: () => overLink(connect, home),
  });

describeThreeProcesses("over WebSocket", () => overLink(connect, "third"));
describeDoubleSelect("over WebSocket", () => overLink(connect, "third"));
describeSessionEnd("over WebSocket", connect);
