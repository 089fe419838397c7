/** README.md and docs/: every snippet is type-checked and run, and prints what it says. */
import { describe, expect, it } from "vitest";
import { brokenLinks, pages, programsOf, readPage, run, typeCheck } from "../support/snippets.js";

/** The compiler reads all of src/; a program is a start of Node and of tsx for each of its files. */
const slowMs = 60_000;

const texts = await Promise.all((await pages()).map(async (page) => ({ page, markdown: await readPage(page) })));
const programs = texts.flatMap(({ page, markdown }) => programsOf(page, markdown));

describe("the snippets of README.md and docs/", () => {
  it("are right to the compiler", { timeout: slowMs }, () => {
    expect(typeCheck(programs)).toEqual([]);
  });
  it.concurrent.each(programs)("run and print what they say: $page $name", { timeout: slowMs }, async (program) => {
    expect(await run(program)).toEqual([]);
  });
  it.each(texts)("link only to what exists: $page", async ({ page, markdown }) => {
    expect(await brokenLinks(page, markdown)).toEqual([]);
  });
});

/** A page with one snippet of these lines. */
function planted(...lines: string[]): ReturnType<typeof programsOf> {
  return programsOf("planted.md", ["# Planted", "```ts", ...lines, "```"].join("\n"));
}

describe("the check of snippets", () => {
  it("finds a wrong type and says where", { timeout: slowMs }, () => {
    const found = typeCheck(planted('import { chan } from "netchan";', 'void chan<number>().send("one");'));
    expect(found).toEqual([expect.stringMatching(/^planted\.md:4: Argument of type 'string' is not assignable/)]);
  });
  it("finds Node's part of the package in a file for browsers", { timeout: slowMs }, () => {
    const page = ["<!-- snippet: pair/browser.ts -->", "```ts", 'import { listen } from "netchan";', "listen;", "```"].join("\n");
    expect(typeCheck(programsOf("planted.md", page))).toEqual([expect.stringContaining("has no exported member named 'listen'")]);
  });
  it.concurrent.each([
    { name: "another output", lines: ['console.log("two"); // → one'], says: "── and printed\ntwo" },
    { name: "less output", lines: ["// → one"], says: "said it prints\none" },
    { name: "output that is not mentioned", lines: ['console.log("one");'], says: "── and printed\none" },
    { name: "an error", lines: ['throw new Error("broken");'], says: "Error: broken" },
    { name: "a wait without end", lines: ['import { chan } from "netchan";', "await chan().receive();"], says: "ended with code 13" },
  ])("finds $name", { timeout: slowMs }, async ({ lines, says }) => {
    const [program] = planted(...lines);
    expect(await run(program!)).toEqual([expect.stringContaining(says)]);
  });
  it.each([
    { name: "code in a fence that is not checked", page: ["```js", "```"] },
    { name: "a mark without its snippet", page: ["<!-- snippet: one -->", "text", "```ts", "```"] },
    { name: "a mark that is misspelt", page: ["<!-- snippet one -->", "```ts", "```"] },
    { name: "a snippet without an end", page: ["```ts", "code"] },
  ])("refuses $name", ({ page }) => {
    expect(() => programsOf("planted.md", page.join("\n"))).toThrow(/planted\.md:\d+/);
  });
});
