import { defineConfig } from 'vitest/config'

/** `npm run histories:record`: runs the scenarios of record.ts for real, writes down their histories, and a tenant's rows. */
export default defineConfig({
  test: {
    include: ['test/replay/record.ts', 'test/replay/record-rows.ts'],
    globalSetup: ['test/support/run/services.ts'],
    setupFiles: ['tsx/cjs'],
    testTimeout: 60_000,
  },
})
