/**
 * Closes vitest's output with one line that machines can read: `vitest: N passed, N failed, N skipped`.
 * A file that cannot be loaded, a failed hook and an unhandled error each count as one failed test.
 */
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from "vitest/node";

export default class VitestTotals implements Reporter {
  #closing: string | undefined;

  constructor() {
    // At the very end, behind the summary of the default reporter; once, however often a watched run is repeated.
    process.once("exit", () => {
      if (this.#closing !== undefined) process.stdout.write(this.#closing);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason: TestRunEndReason): void {
    const totals = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const file of modules) {
      totals.failed += file.errors().length;
      for (const suite of file.children.allSuites()) totals.failed += suite.errors().length;
      for (const test of file.children.allTests()) {
        const { state } = test.result();
        // Pending: the run ended before this test did.
        totals[state === "pending" ? "failed" : state] += 1;
      }
    }
    if (reason !== "passed" && totals.failed === 0) totals.failed = 1;
    this.#closing = `vitest: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`;
  }
}
