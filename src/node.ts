/** What Node gets: the same, and `listen`. Entry: exports only. */
export { dial, sessions } from "./dial.js";
export * from "./index.js";
export { listen } from "./listen.js";
