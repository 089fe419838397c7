/**
 * What no other tool checks in src/: the length of files, the words, entries that only export, and that time and chance are passed in.
 * Run by `npm run lint`. Prints one line for each finding, in the form file:line.
 */
import { readdirSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import ts from "typescript";

const maxLines = 400; // A file that passes 300 is asking to be two; at 400 it has to be.
const entries = /^src\/(index|browser|node|testing|streams|worker|redis)\.ts$/;
const sansIo = /^src\/(core|wire|session|remote|hub\/hub)/;
const vague = new Set(["packet", "packets", "handler", "handlers", "manager", "managers", "util", "utils", "utility", "helper", "helpers"]);

const findings = [];
for (const entry of readdirSync("src", { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && entry.name.endsWith(".ts")) check(relative(".", `${entry.parentPath}/${entry.name}`).replaceAll("\\", "/"));
}
for (const finding of findings.sort()) console.error(finding);
console.log(`check-source: ${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;

function check(file) {
  const text = readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const say = (node, what) => findings.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${what}`);

  const lines = text.split("\n").length - 1;
  if (lines > maxLines) findings.push(`${file}:${maxLines} has ${lines} lines; at most ${maxLines}`);
  if (wordsOf(file).some((word) => vague.has(word))) findings.push(`${file}:1 is named with a word that says nothing`);
  if (!file.endsWith(".d.ts") && !text.startsWith("/**")) findings.push(`${file}:1 does not open with its header: role, layer, invariants`);
  for (const match of text.matchAll(/@ts-(ignore|nocheck|expect-error)|biome-ignore-all|biome-ignore-start/g)) {
    findings.push(`${file}:${text.slice(0, match.index).split("\n").length} silences a checker: ${match[0]}`);
  }
  if (entries.test(file)) {
    for (const statement of source.statements) {
      if (!ts.isExportDeclaration(statement) && !ts.isImportDeclaration(statement)) say(statement, "is an entry: it may only export");
    }
  }
  visit(source);

  function visit(node) {
    if (node.kind === ts.SyntaxKind.AnyKeyword) say(node, "says any");
    if (ts.isIdentifier(node) && node.parent.name === node && isDeclaration(node.parent)) {
      const word = wordsOf(node.text).find((part) => vague.has(part));
      if (word !== undefined) say(node, `declares "${node.text}": "${word}" says nothing`);
    }
    if (sansIo.test(file)) checkSansIo(node);
    ts.forEachChild(node, visit);
  }

  function checkSansIo(node) {
    if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) {
      const owner = node.expression.getText();
      const name = ts.isPropertyAccessExpression(node) ? node.name.text : node.argumentExpression.getText().slice(1, -1);
      if (owner === "Date" && name === "now") say(node, "reads the time; it is passed in");
      if (owner === "Math" && name === "random") say(node, "makes a random number; they are passed in");
    }
    if (ts.isNewExpression(node) && node.expression.getText() === "Date" && !node.arguments?.length)
      say(node, "reads the time; it is passed in");
    if (ts.isCallExpression(node) && node.expression.getText() === "Date") say(node, "reads the time; it is passed in");
    if (ts.isVariableDeclaration(node) && ["Math", "Date"].includes(node.initializer?.getText() ?? ""))
      say(node, "gives a clock or dice another name");
  }
}

function isDeclaration(node) {
  return (
    ts.isVariableDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isParameter(node)
  );
}

/** "frameHandler.ts" → frame, handler, ts */
function wordsOf(name) {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}
