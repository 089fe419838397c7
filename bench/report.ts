/** From samples to medians, ratios and the table. Pure. */
import type { Goal, Row } from "./contender.js";
import type { Measured } from "./measure.js";

export interface Line {
  readonly row: string;
  readonly title: string;
  readonly name: string;
  readonly unit: string;
  readonly median?: number;
  readonly least?: number;
  readonly most?: number;
  readonly samples: readonly number[];
  /** netchan's median divided by this one's. */
  readonly ratio?: number;
  readonly goal?: Goal;
  readonly met?: boolean;
  readonly failure?: string;
}

export function linesOf(row: Row, measured: readonly Measured[]): readonly Line[] {
  const ours = median(measured[0]?.samples ?? []);
  return measured.map(({ name, samples, failure }, index): Line => {
    const base = { row: row.name, title: row.title, name, unit: row.unit.name, samples };
    const goal = row.entries[index]?.goal;
    const theirs = median(samples);
    if (failure !== undefined || theirs === undefined)
      return { ...base, failure: failure ?? "no result", ...(goal && { goal, met: false }) };
    const range = { median: theirs, least: Math.min(...samples), most: Math.max(...samples) };
    if (index === 0) return { ...base, ...range };
    if (ours === undefined) return { ...base, ...range, ...(goal && { goal, met: false }) };
    const ratio = ours / theirs;
    return { ...base, ...range, ratio, ...(goal && { goal, met: meets(ratio, goal) }) };
  });
}

export function table(lines: readonly Line[]): string {
  const header = ["", "median", "from … to", "netchan is", "goal", "met"];
  const body = lines.map((line) => [
    `  ${line.name}`,
    line.median === undefined ? "failed" : figure(line.median),
    line.least === undefined || line.most === undefined ? "" : `${figure(line.least)} … ${figure(line.most)}`,
    line.ratio === undefined ? "" : `${line.ratio.toFixed(line.ratio < 10 ? 2 : 1)} ×`,
    line.goal === undefined ? "" : "atLeast" in line.goal ? `≥ ${line.goal.atLeast} ×` : `≤ ${line.goal.atMost} ×`,
    line.met === undefined ? "" : line.met ? "yes" : "NO",
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...body].map((cells) => cells[column]?.length ?? 0)));
  const text = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [
    text(header),
    ...lines.flatMap((line, index) => [
      ...(line.row === lines[index - 1]?.row ? [] : [`${line.row}: ${line.title}, ${line.unit}`]),
      text(body[index] ?? []),
      ...(line.failure === undefined ? [] : [`    ${line.failure}`]),
    ]),
  ].join("\n");
}

export function summary(lines: readonly Line[]): string {
  const goals = lines.filter((line) => line.met !== undefined);
  const missed = goals.filter((line) => !line.met).map((line) => `${line.row} (${line.name})`);
  return `${goals.length - missed.length} of ${goals.length} goals met${missed.length > 0 ? `; missed: ${missed.join(", ")}` : ""}`;
}

const meets = (ratio: number, goal: Goal): boolean => ("atLeast" in goal ? ratio >= goal.atLeast : ratio <= goal.atMost);

export function median(samples: readonly number[]): number | undefined {
  if (samples.length === 0) return undefined;
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

function figure(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return value.toFixed(value < 100 ? 1 : 0);
}
