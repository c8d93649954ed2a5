import type { LogLevel } from '@temporalio/worker'
import type { Log } from '../log.ts'

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const

/** The slow lane has activities only, on purpose. */
const expected = /^No workflows registered/

type Meta = Record<string, unknown>

/**
 * Writes a line of Temporal's SDK to our log, its INFO as our debug. A workflow task that fails because of an internal error
 * becomes an error with its own event name, for alerts. Errors of workflow code may quote an event, so these lines contain only
 * where they were thrown.
 */
export function writeSdkLine(log: Log, level: LogLevel, message: string, meta: Meta = {}): void {
  if (expected.test(message)) return
  const { failure, error, ...rest } = meta
  if (message === 'Failing workflow task')
    return log.error({ runId: rest.runId, ...describeFailure(failure) }, 'workflow-task.failed')
  const shown = { ...rest }
  if (failure !== undefined) shown.failure = describeFailure(failure)
  if (error !== undefined) shown.error = message === 'Workflow failed' ? describeError(error) : error
  log[levels[level]](shown, `temporal: ${message}`)
}

const maxFrames = 5

/** `failure` is a text by which the SDK's core shows its structure, with newlines and quotes escaped. */
function describeFailure(failure: unknown): Meta {
  const text = typeof failure === 'string' ? failure : ''
  const [, forced = 'Unspecified'] = /force_cause: (\w+) }$/.exec(text) ?? []
  if (forced === 'Unspecified')
    return { cause: 'exception', thrownAt: framesIn(text.replaceAll('\\n', '\n')) }
  if (forced !== 'NonDeterministicError') return { cause: 'refused-command', reason: forced }
  // The core's own words: kinds and ids of commands, no arguments.
  const [, reason] = /message: "((?:[^"\\]|\\.)*)"/.exec(text) ?? []
  return { cause: 'nondeterminism', reason }
}

function describeError(error: unknown): unknown {
  return error instanceof Error ? { type: error.name, thrownAt: framesIn(error.stack ?? '') } : undefined
}

function framesIn(stack: string): string[] {
  const frames = [...stack.matchAll(/^ {4}at (.+:\d+:\d+\)?)/gm)]
  return frames.slice(0, maxFrames).map(([, frame = '']) => frame)
}
