import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { inject } from 'vitest'
import { createLog, type Log } from '../../../src/log.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where every log of the run is written, to be looked through at its end. Not there where histories are recorded. */
    logFolder: string | undefined
  }
}

/** Everything that is ever logged, into a file of the run's own. It is written at once: no line is lost with its process. */
export function createTestLog(): Log {
  const dest = newLogFile()
  if (dest === undefined) return createLog('silent')
  return createLog('trace', { destination: pino.destination({ dest, sync: true }) })
}

/** Likewise what a process of its own prints. */
export function createProgramLog(): (chunk: string) => void {
  const file = newLogFile()
  return (chunk) => file !== undefined && appendFileSync(file, chunk)
}

function newLogFile(): string | undefined {
  const folder = inject('logFolder')
  return folder === undefined ? undefined : join(folder, `${randomUUID()}.log`)
}
