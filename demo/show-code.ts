/**
 * A Vite plugin: puts a file's lines between `// #region shown` and `// #endregion` where the page says `<!-- code: file.ts -->`.
 * So the code beside the demo is the code that runs. With three colours, for a reader's eye; it is no parser.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** @param folder - where the named files are */
export function showCode(folder: string): Plugin {
  return {
    name: "show-code",
    transformIndexHtml: {
      order: "pre",
      handler: (html) => html.replaceAll(/<!-- code: ([\w.-]+) -->/g, (_, file: string) => coloured(shownLines(join(folder, file)))),
    },
  };
}

function shownLines(path: string): string {
  const region = /^( *)\/\/ #region shown\n(.*?)^ *\/\/ #endregion/ms.exec(readFileSync(path, "utf8"));
  if (region === null) throw new Error(`${path} has no region to show`);
  const [, indent, lines] = region;
  return (lines ?? "").replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd();
}

const words =
  /(?<comment>\/\/.*|\/\*\*.*?\*\/)|(?<string>"[^"]*")|\b(?<keyword>async|await|catch|const|for|function|if|of|return|throw|try|while)\b/g;

function coloured(code: string): string {
  let html = "";
  let end = 0;
  for (const match of code.matchAll(words)) {
    const [kind, word] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? ["", match[0]];
    html += `${escaped(code.slice(end, match.index))}<span class="${kind}">${escaped(word)}</span>`;
    end = match.index + match[0].length;
  }
  return html + escaped(code.slice(end));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
