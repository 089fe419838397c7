import { describeChannel } from "./channel-contract.js";
import { oneProcess, worldOf } from "./support.js";

describeChannel("in one process", {
  capabilities: { byReference: true, selectAcross: true, rounds: 100_000 },
  open: async () => worldOf(oneProcess, "sender"),
});
