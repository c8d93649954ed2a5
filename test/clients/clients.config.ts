import { defineConfig } from 'vitest/config'
import { logFolder } from '../support/run/log-folder.ts'

/** For `npm run test:clients`. It downloads generators and compiles for minutes, so `npm test` does not run it. */
export default defineConfig({
  test: {
    include: ['test/clients/*.clients.ts'],
    globalSetup: ['test/support/run/services.ts'],
    execArgv: ['--require', 'tsx/cjs'],
    provide: { logFolder },
    maxWorkers: 1,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
  },
})
