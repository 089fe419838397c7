/**
 * Brings a fresh clone to where its commands work; does nothing, in well under a second, when all is there.
 *   node scripts/setup.mjs               the packages of package-lock.json
 *   node scripts/setup.mjs --browsers    and a browser for the tests
 *   node scripts/setup.mjs --models      and what checks the models of the protocol
 *   node scripts/setup.mjs --go          and Go, which the library is compared with
 * Needs only Node and npm. A missing package ends it; what else is missing is only reported, because most tests run without it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { systemBrowser } from "./browsers.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);

const oldestNode = 20;
if (Number(process.versions.node.split(".")[0]) < oldestNode) fail(`Node ${oldestNode} or newer is needed; this is ${process.version}.`);
if (!packagesAreInstalled()) installPackages();
if (process.argv.includes("--browsers") && !(await hasChromium())) await installChromium();
if (process.argv.includes("--models") && !hasChecker()) installChecker();
if (process.argv.includes("--go") && !hasGo()) installGo();

/** Is everything that package-lock.json wants in node_modules, in that version? npm keeps its own record there. */
function packagesAreInstalled() {
  const wanted = readJson("package-lock.json")?.packages;
  const present = readJson("node_modules/.package-lock.json")?.packages;
  const declared = readJson("package.json");
  if (!wanted || !present) return false;
  for (const kind of ["dependencies", "devDependencies"]) {
    const inLock = wanted[""]?.[kind] ?? {};
    for (const [name, range] of Object.entries(declared[kind] ?? {})) if (inLock[name] !== range) return false;
  }
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (path === "" || link) return true;
    if (present[path] === undefined) return optional === true; // For another platform.
    return present[path].version === version && existsSync(path);
  });
}

function installPackages() {
  console.log("setup: installing packages (npm ci) …");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund"];
  const done = npm?.endsWith(".js") ? run(process.execPath, [npm, ...args]) : run("npm", args, { shell: process.platform === "win32" });
  if (!done)
    fail(
      "npm ci failed (its reason is above). If package.json was changed, run `npm install` once; else check that the npm registry can be reached.",
    );
}

async function hasChromium() {
  if (systemBrowser("chromium") !== undefined) return true;
  const { chromium } = await import(pathToFileURL(resolve("node_modules/@playwright/test/index.mjs")).href);
  return existsSync(chromium.executablePath());
}

/** Debian's own package where that is possible, because it brings its libraries along; else Playwright's build. */
async function installChromium() {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && isDebian()) {
    installDebian("chromium");
    if (await hasChromium()) return;
  }
  console.log("setup: installing Chromium (playwright install) …");
  const withLibraries = isRoot && process.platform === "linux" ? ["--with-deps"] : [];
  run(process.execPath, ["node_modules/@playwright/test/cli.js", "install", ...withLibraries, "chromium"]);
  if (await hasChromium()) return;
  console.error(
    [
      "setup: there is no Chromium, and none could be installed. The tests in browsers will fail; all others run. Either of these helps:",
      "  sudo apt-get install chromium                      Debian",
      "  npx playwright install --with-deps chromium        elsewhere",
    ].join("\n"),
  );
}

function hasChecker() {
  return spawnSync("spin", ["-V"]).status === 0 && spawnSync("gcc", ["--version"]).status === 0;
}

/** Spin writes a checker in C for each model. */
function installChecker() {
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) installDebian("spin", "gcc", "libc6-dev");
  if (hasChecker()) return;
  console.error(
    [
      "setup: there is no Spin or no gcc, and they could not be installed. `npm run models` will fail; all others run. Either of these helps:",
      "  sudo apt-get install spin gcc libc6-dev            Debian, Ubuntu",
      "  https://spinroot.com                               elsewhere",
    ].join("\n"),
  );
}

function hasGo() {
  return spawnSync("go", ["version"]).status === 0;
}

/** The compiler alone is enough: what it builds imports only what comes with it. */
function installGo() {
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) installDebian("golang-go");
  if (hasGo()) return;
  console.error(
    [
      "setup: there is no Go, and it could not be installed. Made-up programs will not be compared with it; all tests run. Either of these helps:",
      "  sudo apt-get install golang-go                     Debian, Ubuntu",
      "  https://go.dev/dl                                  elsewhere",
    ].join("\n"),
  );
}

function installDebian(...packages) {
  console.log(`setup: installing ${packages.join(" ")} (apt-get) …`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  run("apt-get", [...wait, "-qq", "update"], { env });
  run("apt-get", [...wait, "-qq", "install", "-y", "--no-install-recommends", ...packages], { env });
}

/** Ubuntu's chromium package only leads to a snap, which does not run in containers. */
function isDebian() {
  if (!existsSync("/usr/bin/apt-get")) return false;
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  return /^ID(_LIKE)?=.*debian/m.test(release) && !/^ID(_LIKE)?=.*ubuntu/m.test(release);
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { stdio: "inherit", ...options }).status === 0;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function fail(reason) {
  console.error(`setup: ${reason}`);
  process.exit(1);
}
