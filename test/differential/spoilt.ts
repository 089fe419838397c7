/** Programs whose Go text is changed on purpose: the comparison has to find each of them. */
import type { Program } from "./ast.js";
import { type Block, Writer } from "./builder.js";

interface Spoilt {
  readonly name: string;
  readonly program: Program;
  /** What it prints unspoilt. */
  readonly prints: readonly string[];
  spoil(source: string): string;
}

function change(from: string, to: string): (source: string) => string {
  return (source) => {
    const parts = source.split(from);
    if (parts.length !== 2) throw new Error(`"${from}" stands ${parts.length - 1} times in\n${source}`);
    return parts.join(to);
  };
}
const program = (write: (b: Block) => void): Program => new Writer(1).program(write);

const counting = (b: Block): void => {
  const c = b.make("int", 2);
  b.send(c, 11);
  b.send(c, 12);
  b.close(c);
  b.range(c, (inner, value) => inner.print("got", value));
  b.print(
    "panic",
    b.guard((inner) => inner.close(c)),
  );
};
const counted = ["0: got 11", "0: got 12", "0: panic close of closed channel"];

export const spoilt: readonly Spoilt[] = [
  { name: "other_value", program: program(counting), prints: counted, spoil: change("<- 12", "<- 13") },
  { name: "value_missing", program: program(counting), prints: counted, spoil: change("c2 <- 11", "_ = 11") },
  { name: "other_order", program: program(counting), prints: counted, spoil: change("c2 <- 11\n\tc2 <- 12", "c2 <- 12\n\tc2 <- 11") },
  { name: "line_missing", program: program(counting), prints: counted, spoil: change('\tt.print("panic", panic4)\n', "") },
  { name: "closed_once", program: program(counting), prints: counted, spoil: change("func() {\n\t\tclose(c2)", "func() {\n\t\t_ = c2") },
];

/** The text of a program by its name, spoilt if it is one of these. */
export function spoil(source: string, name: string): string {
  return spoilt.find((one) => one.name === name)?.spoil(source) ?? source;
}
