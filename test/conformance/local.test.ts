import { describeChannel } from "./channel-contract.js";
import { oneProcess, worldOf } from "./support.js";
import { describeThreeProcesses } from "./three-processes.js";

const open = async () => worldOf(oneProcess, "sender");

describeChannel("in one process", { capabilities: { byReference: true, selectAcross: true, rounds: 100_000 }, open });
describeThreeProcesses("that are one", open);
