/** docs/errors.md has a paragraph for each error code, and for nothing else. */
import { describe, expect, it } from "vitest";
import { errorCodes } from "../../src/errors.js";
import { readPage } from "../support/snippets.js";

const page = await readPage("docs/errors.md");
const sections = page.split(/^## /m).slice(1);

describe("docs/errors.md", () => {
  it("has a section for each code, in the order of src/errors.ts", () => {
    expect(sections.map((section) => section.split("\n", 1)[0])).toEqual(errorCodes);
  });
  it.each(errorCodes)("says something about %s", (code) => {
    const [, ...text] = (sections.find((section) => section.startsWith(`${code}\n`)) ?? "").split("\n");
    expect(text.join(" ").split(/\s+/).length).toBeGreaterThan(20);
  });
  it("names no code that does not exist", () => {
    const system = ["EADDRINUSE", "EACCES"];
    const named = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map(([, code]) => code);
    expect(named.filter((code) => !system.includes(code!) && !(errorCodes as readonly string[]).includes(code!))).toEqual([]);
  });
});
