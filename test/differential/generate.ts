/** One program from one seed: a few networks and scenes, one after the other or side by side. */
import type { Program } from "./ast.js";
import { type Block, Writer } from "./builder.js";
import { network, sink } from "./joins.js";
import { scenes } from "./scenes.js";
import { selectScenes } from "./select-scenes.js";
import { stream } from "./stages.js";

function part(b: Block): void {
  const { dice } = b;
  const kind = dice.below(10);
  if (kind < 3) dice.pick(scenes)(b);
  else if (kind < 5) dice.pick(selectScenes)(b);
  else if (kind < 7) sink(b, stream(b, dice.from(1, 4)));
  else sink(b, network(b, dice.from(1, 2)));
}

export function generate(seed: number): Program {
  return new Writer(seed).program((b) => {
    for (let count = b.dice.from(1, 3); count > 0; count--) {
      if (b.dice.chance(0.4)) part(b);
      else b.task([], part);
    }
  });
}

/** A try finds nothing ready while there is no link. */
export const needsLinks = ({ features }: Program): boolean => features.has("default");
