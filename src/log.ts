import { pino, type DestinationStream, type Logger } from 'pino'
import { createRedactor } from './log-redaction.ts'

export type Log = Logger

/**
 * JSON lines, one wide event per unit of work: its name as `event`, then ids, outcome, reason and `durationMs`. No line contains
 * a secret, whatever its origin: `secrets` are this process's own, others are recognised by their form.
 */
export function createLog(
  level: string,
  { secrets = [], destination }: { secrets?: readonly string[]; destination?: DestinationStream } = {},
): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: 'event',
    serializers: { err: showError, error: showError },
    hooks: { streamWrite: createRedactor(secrets) },
  }
  return destination ? pino(options, destination) : pino(options)
}

interface ShownError {
  type: string
  message: string
  code?: unknown
  stack?: string
  cause?: unknown
}

/**
 * An error's message and cause. Libraries attach requests, connections and configurations to their errors, which are not logged.
 */
function showError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error
  const { name, cause } = error
  const { code } = error as { code?: unknown }
  const message = quotesInput(error) ? 'a string that is not valid JSON' : error.message
  const shown: ShownError = { type: name, message }
  if (typeof code === 'string' || typeof code === 'number') shown.code = code
  if (error.stack !== undefined) shown.stack = error.stack.replace(error.message, message)
  if (cause instanceof Error && depth < maxCauses) shown.cause = showError(cause, depth + 1)
  return shown
}

const maxCauses = 5

/** Errors of `JSON.parse` quote their input. */
function quotesInput(error: Error): boolean {
  return error instanceof SyntaxError && error.message.includes('JSON')
}
