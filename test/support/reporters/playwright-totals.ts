/**
 * Closes Playwright's output with one line that machines can read: `playwright: N passed, N failed, N skipped`.
 * A file that cannot be loaded and a server that does not start each count as one failed test.
 */
import type { FullResult, Reporter, Suite } from "@playwright/test/reporter";

const kinds = { expected: "passed", unexpected: "failed", flaky: "failed", skipped: "skipped" } as const;

export default class PlaywrightTotals implements Reporter {
  #suite: Suite | undefined;
  #errors = 0;

  onBegin(_config: unknown, suite: Suite): void {
    this.#suite = suite;
  }

  onError(): void {
    this.#errors += 1;
  }

  onEnd(result: FullResult): void {
    const totals = { passed: 0, failed: this.#errors, skipped: 0 };
    for (const test of this.#suite?.allTests() ?? []) {
      // Wanted, but the run ended before it began.
      const missed = test.results.length === 0 && test.expectedStatus !== "skipped";
      totals[missed ? "failed" : kinds[test.outcome()]] += 1;
    }
    if (result.status !== "passed" && totals.failed === 0) totals.failed = 1;
    const closing = `playwright: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`;
    process.once("exit", () => process.stdout.write(closing));
  }

  printsToStdio(): boolean {
    return true;
  }
}
