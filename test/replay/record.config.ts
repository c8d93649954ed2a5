import { defineConfig } from 'vitest/config'

/** `npm run histories:record`: runs the scenarios of record.ts for real and writes down their histories. */
export default defineConfig({
  test: {
    include: ['test/replay/record.ts'],
    globalSetup: ['test/support/services.ts'],
    setupFiles: ['tsx/cjs'],
    testTimeout: 60_000,
  },
})
