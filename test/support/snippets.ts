/**
 * The code in README.md and docs/ as programs: found, type-checked against src/, run, and held to what it says it prints.
 *
 * How a page is written:
 *   ```ts …```                          a program of its own
 *   <!-- snippet: NAME --> before it    the next part of the file NAME of this page; the parts of one file follow each other
 *   <!-- snippet: NAME                  the same, hidden from readers: set-up and clean-up
 *   lines of code
 *   -->
 *   NAME "one"                          a program of one file
 *   NAME "pair/server.ts"               one file of a program of several processes: each starts when the one before has printed a
 *                                       line, and those that are left are ended when the last has ended
 *   "pair/browser.ts"                   gets the browser's entry of the package, and no types of Node
 *   8000                                stands for a free port
 *   // → text                           a line that is printed; "…" in it is any text. A file prints its → lines, in their order,
 *                                       and nothing else.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface SnippetFile {
  readonly name: string;
  /** Its lines, and of each the line of the page that it came from. */
  readonly lines: { readonly text: string; readonly at: number }[];
}
export interface Program {
  readonly page: string;
  readonly name: string;
  readonly files: SnippetFile[];
}

/** README.md and the pages of docs/, relative to the root. */
export async function pages(): Promise<readonly string[]> {
  const docs = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md")).sort();
  return ["README.md", ...docs.map((name) => `docs/${name}`)];
}

export async function readPage(page: string): Promise<string> {
  return await readFile(join(root, page), "utf8");
}

const fence = /^(\s*)```(\S*)\s*$/;
const mark = /^<!-- snippet: ([\w/.-]+)( -->)?$/;
/** Fences of other languages are text for readers; these would be code that nobody checks. */
const unchecked = new Set(["typescript", "tsx", "js", "javascript", "mjs", "mts", "jsx"]);

/** The programs of a page, in their order. @throws Error for a page that does not follow the rules above. */
export function programsOf(page: string, markdown: string): readonly Program[] {
  const programs = new Map<string, Program>();
  const lines = markdown.split("\n");
  let named: string | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const [marked, name, closed] = mark.exec(line) ?? [];
    if (marked !== undefined && name !== undefined) {
      if (named !== undefined) throw new Error(`${page}:${index + 1}: the mark before this one has no snippet`);
      if (closed === undefined) index = take(fileNamed(name), index + 1, "-->");
      else named = name;
      continue;
    }
    if (line.includes("<!-- snippet")) throw new Error(`${page}:${index + 1}: a mark looks like <!-- snippet: name -->`);
    const [, indent, language] = fence.exec(line) ?? [];
    if (language === undefined) {
      if (named !== undefined && line.trim() !== "") throw new Error(`${page}:${index + 1}: a mark stands right before its snippet`);
      continue;
    }
    if (unchecked.has(language)) throw new Error(`${page}:${index + 1}: code is fenced as ts, not as ${language}`);
    if (language !== "ts" && named !== undefined) throw new Error(`${page}:${index + 1}: only ts can be a snippet`);
    const into = language === "ts" ? fileNamed(named ?? `line-${index + 1}`) : { name: "text", lines: [] };
    named = undefined;
    index = take(into, index + 1, `${indent}\`\`\``);
  }
  return [...programs.values()];

  function fileNamed(given: string): SnippetFile {
    const [name = "", file = `${name}.ts`] = given.split("/");
    const program = programs.get(name) ?? { page, name, files: [] };
    programs.set(name, program);
    const known = program.files.find((one) => one.name === file);
    if (known !== undefined) return known;
    const made = { name: file, lines: [] };
    program.files.push(made);
    return made;
  }
  /** @returns the index of the line that ends it */
  function take(into: SnippetFile, from: number, end: string): number {
    for (let index = from; index < lines.length; index++) {
      const text = lines[index] ?? "";
      if (text === end) return index;
      into.lines.push({ text, at: index + 1 });
    }
    throw new Error(`${page}:${from}: ends nowhere`);
  }
}

/** Always a module of its own, whatever it imports. */
function textOf(file: SnippetFile): string {
  return [...file.lines.map(({ text }) => text), "export {};", ""].join("\n");
}

function isForBrowsers(file: SnippetFile): boolean {
  return file.name === "browser.ts";
}

/** What the package's names mean to a file: always the source, so that no build is needed. */
function pathsFor(browser: boolean): Record<string, string[]> {
  return { netchan: [join(root, browser ? "src/browser.ts" : "src/node.ts")], "netchan/*": [join(root, "src/*.ts")] };
}

/** The compiler's complaints about these programs, by page and line. */
export function typeCheck(programs: readonly Program[]): readonly string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ["src/node.ts"] }, ts.sys, root);
  return [false, true].flatMap((browser) => {
    const files = new Map<string, { readonly page: string; readonly file: SnippetFile }>();
    for (const { page, name, files: own } of programs)
      for (const file of own)
        if (isForBrowsers(file) === browser) files.set(join(root, "test/docs/snippets", page, name, file.name), { page, file });
    if (files.size === 0) return [];
    const settings = { ...options, paths: pathsFor(browser), ...(browser && { types: [] }) };
    const host = ts.createCompilerHost(settings, true);
    const { fileExists, readFile: read, getSourceFile } = host;
    const nameOf = (path: string): string => resolve(path);
    host.fileExists = (path) => files.has(nameOf(path)) || fileExists(path);
    host.readFile = (path) => {
      const found = files.get(nameOf(path));
      return found === undefined ? read(path) : textOf(found.file);
    };
    host.getSourceFile = (path, ...rest) => {
      const found = files.get(nameOf(path));
      return found === undefined ? getSourceFile(path, ...rest) : ts.createSourceFile(path, textOf(found.file), rest[0]);
    };
    const compiler = ts.createProgram([...files.keys()], settings, host);
    return [...files].flatMap(([path, { page, file }]) => {
      const source = compiler.getSourceFile(path);
      return [...compiler.getSyntacticDiagnostics(source), ...compiler.getSemanticDiagnostics(source)].map((found) => {
        const line = source?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0;
        return `${page}:${file.lines[line]?.at ?? "?"}: ${ts.flattenDiagnosticMessageText(found.messageText, "\n")}`;
      });
    });
  });
}

/** How long a program may take, milliseconds: a start of tsx takes one second, on a busy machine several. */
const longestRunMs = 30_000;
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Runs a program and says what was not as its page says; nothing when all was. */
export async function run(program: Program): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), "netchan-snippet-"));
  const port = await freePort();
  const runs: Run[] = [];
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    for (const one of runs) one.child.kill("SIGKILL");
  }, longestRunMs);
  try {
    await symlink(join(root, "node_modules"), join(folder, "node_modules"), "junction");
    await writeFile(join(folder, "package.json"), `{ "type": "module" }`);
    for (const file of program.files) {
      const last = runs.at(-1);
      if (last !== undefined) await last.until(() => last.printed.length > 0);
      runs.push(await start(folder, file, port));
    }
    await runs.at(-1)?.until(() => false);
    for (const one of runs) {
      await one.until(() => one.printed.length >= one.expected.length);
      one.end();
    }
    await Promise.all(runs.map((one) => one.until(() => false)));
    return runs.flatMap((one) => one.faults(program.page, late));
  } finally {
    clearTimeout(limit);
    await rm(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly child: ChildProcess;
  readonly expected: readonly string[];
  readonly printed: string[];
  /** Resolves when `what` holds or the process has ended. */
  until(what: () => boolean): Promise<void>;
  end(): void;
  faults(page: string, late: boolean): readonly string[];
}

async function start(folder: string, file: SnippetFile, port: number): Promise<Run> {
  const place = join(folder, file.name.replace(/\.ts$/, ""));
  await mkdir(place);
  const text = textOf(file).replace(/\b8000\b/g, String(port));
  await writeFile(join(place, file.name), text);
  const settings = join(place, "tsconfig.json");
  const compilerOptions = { target: "es2022", module: "nodenext", paths: pathsFor(isForBrowsers(file)) };
  await writeFile(settings, JSON.stringify({ compilerOptions }));
  const env = { ...process.env, TSX_TSCONFIG_PATH: settings, NO_COLOR: "1", FORCE_COLOR: "0" };
  const child = spawn(process.execPath, ["--import", tsx, join(place, file.name)], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });

  const expected = text.split("\n").flatMap((line) => /\/\/ → (.*)$/.exec(line)?.slice(1) ?? []);
  const printed: string[] = [];
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const one of waiting) one();
  };
  let rest = "";
  let complaints = "";
  let code: number | null | undefined;
  let ended = false;
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    const lines = (rest + more).split("\n");
    rest = lines.pop() ?? "";
    printed.push(...lines);
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (more: string) => {
    complaints += more;
  });
  child.on("close", (by) => {
    code = by;
    if (rest !== "") printed.push(rest);
    look();
  });

  return {
    child,
    expected,
    printed,
    until: (what) =>
      new Promise((settle) => {
        const check = (): void => {
          if (!what() && code === undefined) return;
          waiting.delete(check);
          settle();
        };
        waiting.add(check);
        check();
      }),
    end: () => {
      ended = code === undefined;
      child.kill();
    },
    faults: (page, late) => {
      const where = `${page}:${file.lines[0]?.at ?? "?"} (${relative(folder, join(place, file.name))})`;
      const found: string[] = [];
      if (late) found.push(`${where}: did not end within ${longestRunMs} ms\n${complaints}`);
      else if (!ended && code !== 0) found.push(`${where}: ended with code ${code}\n${complaints}`);
      if (!isPrinted(expected, printed))
        found.push(`${where}: said it prints\n${expected.join("\n")}\n── and printed\n${printed.join("\n")}`);
      return found;
    },
  };
}

function isPrinted(expected: readonly string[], printed: readonly string[]): boolean {
  if (expected.length !== printed.length) return false;
  return expected.every((line, index) => {
    const parts = line
      .trimEnd()
      .split("…")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`).test(printed[index] ?? "");
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const { port } = server.address() as AddressInfo;
  await new Promise((settle) => server.close(settle));
  return port;
}

/** Targets of a page's links into this repository that do not exist. */
export async function brokenLinks(page: string, markdown: string): Promise<readonly string[]> {
  const found: string[] = [];
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
  for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => (error.code === "EISDIR" ? "" : undefined));
    if (text === undefined || (anchor !== undefined && !anchorsOf(text).has(anchor))) found.push(`${page}: ${target}`);
  }
  return found;
}

/** As GitHub makes them. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  return new Set(
    [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
