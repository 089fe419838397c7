/** What every runtime shares. Entry: exports only. */
export type * from "./contract.js";
export { chan } from "./core/channel.js";
export { ask, askMany, pipe } from "./core/combinators.js";
export { isReceive, isSend } from "./core/end.js";
export { type ErrorCode, NetchanError } from "./errors.js";
export { after, merge, select, tick, trySelect } from "./global-channels.js";
export { defaultLimits } from "./limits.js";
