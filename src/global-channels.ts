/** `select`, timers and `merge` on this machine's clock and randomness. Layer: peer; joins core and runtime. */
import { makeCombinators } from "./core/combinators.js";
import { makeSelect } from "./core/select.js";
import { makeTimers } from "./core/timers.js";
import { clock, random } from "./runtime.js";

export const { select, trySelect } = /* @__PURE__ */ makeSelect(random);
export const { after, tick } = /* @__PURE__ */ makeTimers(clock);
export const { merge } = /* @__PURE__ */ makeCombinators(random);
