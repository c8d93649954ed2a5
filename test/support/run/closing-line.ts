import { rmSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import { searchLogs } from './log-leaks.ts'

/** A run in which this test has passed must have written logs, or looking through them says nothing. */
const proving = 'the log of the run is written'

/**
 * Ends a run with one plain line, which `.ci/run` and people without colours can read. What stands in a log and must not is a
 * failure like any other.
 */
export class ClosingLine implements Reporter {
  readonly #logFolder: string

  constructor(logFolder: string) {
    this.#logFolder = logFolder
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1
      // A file that breaks before its tests is a failure, too.
      if (!module.ok() && module.errors().length > 0) count.failed += 1
    }
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
    process.once('exit', () => {
      const faults = this.#faultsInLogs(modules)
      if (faults > 0) process.exitCode = 1
      console.log(`\n${count.passed} passed, ${count.failed + count.pending + faults} failed${skipped}`)
    })
  }

  /** Looked for at the very end, when every process has ended. */
  #faultsInLogs(modules: readonly TestModule[]): number {
    const { lines, proven, leaks } = searchLogs(this.#logFolder)
    const passed = modules.flatMap((module) => [...module.children.allTests('passed')])
    const unproven = !proven && passed.some(({ name }) => name === proving)
    for (const leak of leaks) console.log(`in a log, and must not be: ${leak}`)
    if (unproven) console.log(`nothing of what the run logs was found among ${lines} lines`)
    // Where something was found, the logs are left to be read.
    if (leaks.length === 0) rmSync(this.#logFolder, { recursive: true, force: true })
    return leaks.length + (unproven ? 1 : 0)
  }
}
