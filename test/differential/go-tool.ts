/** Builds the printed programs with the real Go, once for all of them, and reads what they print. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What `go version` says, if there is a Go. */
export function goVersion(): string | undefined {
  const { status, stdout } = spawnSync("go", ["version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

export interface GoRun {
  /** The lines of each program by its name. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  readonly buildMs: number;
}

/** Nothing is fetched and nothing outside a temporary folder is written. */
export async function runGo(source: string): Promise<GoRun> {
  const folder = await mkdtemp(join(tmpdir(), "netchan-go-"));
  try {
    await writeFile(join(folder, "main.go"), source);
    await writeFile(join(folder, "go.mod"), "module programs\n\ngo 1.19\n");
    const env = {
      ...process.env,
      GOCACHE: join(folder, "cache"),
      GOFLAGS: "-mod=mod",
      GOTOOLCHAIN: "local",
      CGO_ENABLED: "0",
      GOGC: "400",
    };
    const begun = performance.now();
    // Optimizing takes longer than it saves.
    await run("go", ["build", "-gcflags=programs=-N -l -dwarf=false", "-ldflags=-s -w", "-o", "programs", "."], { cwd: folder, env });
    const buildMs = performance.now() - begun;
    const { stdout } = await run(join(folder, "programs"), [], { maxBuffer: 2 ** 28 });
    return { lines: split(stdout), buildMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function split(output: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of output.split("\n").slice(0, -1)) {
    if (line.startsWith("== ")) {
      lines = [];
      found.set(line.slice(3), lines);
    } else lines.push(line);
  }
  return found;
}
