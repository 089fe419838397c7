/** What browsers and workers get. Entry: exports only. */
export { dial, sessions } from "./dial.js";
export * from "./index.js";
