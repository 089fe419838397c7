/** All scripted programs in which a link is cut at every frame. */
import { endScenarios } from "./scenarios-ends.js";
import { flowScenarios } from "./scenarios-flow.js";
import { nameScenarios } from "./scenarios-names.js";
import { selectScenarios } from "./scenarios-select.js";
import { sessionScenarios } from "./scenarios-session.js";
import type { Scenario } from "./stage.js";

export const scenarios: readonly Scenario[] = [
  ...flowScenarios,
  ...selectScenarios,
  ...endScenarios,
  ...nameScenarios,
  ...sessionScenarios,
];
