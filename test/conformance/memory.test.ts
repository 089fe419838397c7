import { dial } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";
import { describeChannel } from "./channel-contract.js";
import { dialed, type Linked, overLink } from "./links.js";
import { describeSessionEnd } from "./session-end.js";
import type { Home } from "./support.js";
import { describeThreeProcesses } from "./three-processes.js";

function connect(count: number): Promise<Linked> {
  const network = memoryNetwork({ seed: 1 });
  const listener = network.listen();
  return dialed(
    count,
    listener,
    () => dial(network.address(listener.accept)),
    () => network.settle(),
  );
}

for (const home of ["sender", "receiver", "third"] satisfies Home[])
  describeChannel(`over a link in memory, home at the ${home}`, {
    capabilities: { byReference: false, selectAcross: true, rounds: 10_000 },
    open: () => overLink(connect, home),
  });

describeThreeProcesses("over links in memory", () => overLink(connect, "third"));
describeSessionEnd("over a link in memory", connect);
