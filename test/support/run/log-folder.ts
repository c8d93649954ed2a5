import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder for all logs of a test run. Vitest evaluates its configuration once per project, and all of them must use the same
 * folder, so its path is kept in the environment.
 */
export const logFolder = (process.env.TEST_LOG_FOLDER ??= mkdtempSync(join(tmpdir(), 'switchyard-logs-')))
