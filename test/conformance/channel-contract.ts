/**
 * The contract of a channel between two processes, whatever lies between them. A new link adopts it with
 * `describeChannel("my link", { capabilities, open: () => overLink(connect, "sender") })`, as own-link.test.ts does; differences are
 * declared, never asked of a name.
 */
import { describe } from "vitest";
import { describeAborting } from "./aborting.js";
import { describeBasics } from "./basics.js";
import { describeClosing } from "./closing.js";
import { describeCombinators } from "./combinators.js";
import { describeDropping } from "./dropping.js";
import { describeEnds } from "./ends.js";
import { describeGoSelect } from "./go-select.js";
import { describeGoSelectTable } from "./go-select-table.js";
import { describeGoSemantics } from "./go-semantics.js";
import { describeGoStress } from "./go-stress.js";
import { describePowerSeries } from "./power-series.js";
import { describeSelectAcross } from "./select-across.js";
import { describeSieves } from "./sieves.js";
import type { Suite } from "./support.js";
import { describeVolume } from "./volume.js";

export function describeChannel(name: string, suite: Suite): void {
  describe(name, () => {
    describeBasics(suite);
    describeClosing(suite);
    describeAborting(suite);
    describeDropping(suite);
    describeEnds(suite);
    describeCombinators(suite);
    describeGoSemantics(suite);
    describeGoSelect(suite);
    describeGoSelectTable(suite);
    describeGoStress(suite);
    describePowerSeries(suite);
    describeSieves(suite);
    if (suite.capabilities.selectAcross) describeSelectAcross(suite);
    describeVolume(suite);
  });
}
