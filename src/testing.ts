/** `netchan/testing`: a network in memory, for tests. Entry: exports only. */
export { type MemoryNetwork, memoryNetwork } from "./memory-network.js";
