import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line, which `.ci/run` and people without colours can read. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1
      // A file that breaks before its tests is a failure, too.
      if (!module.ok() && module.errors().length > 0) count.failed += 1
    }
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
    process.once('exit', () =>
      console.log(`\n${count.passed} passed, ${count.failed + count.pending} failed${skipped}`),
    )
  }
}
