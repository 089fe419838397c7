/** The tables of docs/values.md: what is said to arrive does, and what is said to be refused is. */
import { describe, expect, it } from "vitest";
import { readPage, run } from "../support/snippets.js";

const page = await readPage("docs/values.md");

/** The expressions in the first column of a table. */
function column(table: string): readonly string[] {
  const [, after = ""] = page.split(`<!-- values: ${table} -->\n`);
  const rows = after.split("\n\n", 1)[0]?.split("\n").slice(2) ?? [];
  return rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, expression]) => expression ?? ""));
}

const setUp = [
  'import { chan, dial, NetchanError } from "netchan";',
  'import { memoryNetwork } from "netchan/testing";',
  'import { isDeepStrictEqual } from "node:util";',
  "const network = memoryNetwork();",
  "const server = network.listen<unknown>();",
  "const peer = await dial<unknown>(network.address(server.accept));",
  "const verdict = async (value: unknown) => {",
  "  const sent = peer.send(value).then(() => undefined, (error: NetchanError) => error);",
  "  const stop = new AbortController();",
  "  void sent.then((error) => error && stop.abort());",
  "  const got = await server.receive({ signal: stop.signal }).catch(() => undefined);",
  "  const error = await sent;",
  "  if (error !== undefined) return error.code ?? String(error);",
  '  return got?.done === false && isDeepStrictEqual(got.value, value) ? "arrives" : "arrives changed";',
  "};",
];

/** A program that sends each of these, and says what becomes of it. */
function programOf(expressions: readonly string[], verdict: string): Parameters<typeof run>[0] {
  const lines = [
    ...setUp,
    ...expressions.flatMap((expression) => [
      `console.log(await verdict(${expression}), ${JSON.stringify(expression)});`,
      `// → ${verdict} ${expression}`,
    ]),
  ];
  return {
    page: "docs/values.md",
    name: "table",
    files: [{ name: "table.ts", lines: lines.map((text, index) => ({ text, at: index + 1 })) }],
  };
}

describe("docs/values.md", () => {
  it.each([
    { table: "arrive", verdict: "arrives", least: 20 },
    { table: "refused", verdict: "ENCODE_FAILED", least: 20 },
  ])("is right about what is in the table of values that: $table", { timeout: 60_000 }, async ({ table, verdict, least }) => {
    const expressions = column(table);
    expect(expressions.length).toBeGreaterThanOrEqual(least);
    expect(await run(programOf(expressions, verdict))).toEqual([]);
  });
});
