import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/support/run/closing-line.ts'
import { logFolder } from './test/support/run/log-folder.ts'

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/unit/**', 'test/chaos/**'],
          // PostgreSQL and Temporal.
          globalSetup: ['test/support/run/services.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          // After the others: it needs both processors, and takes them from whoever runs beside it.
          sequence: { groupOrder: 1 },
          // One file after the other, for the same reason.
          maxWorkers: 1,
        },
      },
    ],
    // Temporal's SDK loads our payload converter, which is TypeScript, by `require`. Registered once per worker: a setup file would
    // register it again for every test file, and each layer multiplies the cost of resolving a module.
    execArgv: ['--require', 'tsx/cjs'],
    provide: { logFolder },
    reporters: ['default', new ClosingLine(logFolder)],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Files of one worker share its modules: importing the SDKs anew for each file took a sixth of the run.
    isolate: false,
    // Nothing is run again until it passes: a flaky test is a fault to be found.
    retry: 0,
  },
})
