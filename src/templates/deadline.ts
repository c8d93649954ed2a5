import { createContext, Script } from 'node:vm'
import { threadTimeMs } from './thread-time.ts'

const box = createContext({ run: undefined })
const script = new Script('run()')

/** The share of its time that an aborted attempt must have spent on the processor for the template to count as too slow. */
const fairShare = 0.5
const maxAttempts = 4

/**
 * Runs something that does not wait for anything, and ends it by force when its time is over, wherever it is: the only bound
 * that holds within one call of a library as well. Throws `OverDeadline` then. On a machine that is so busy that the thread got
 * little of that time it is run once more from the start, with twice the time: what may be used must not depend on others.
 */
export function withinDeadline<Result>(timeoutMs: number, run: () => Result): Result {
  for (let attempt = 1; ; attempt++) {
    const before = threadTimeMs()
    try {
      return runOnce(timeoutMs * 2 ** (attempt - 1), run)
    } catch (error) {
      const used = (threadTimeMs() ?? Infinity) - (before ?? 0)
      const isStarved = used < timeoutMs * fairShare
      if (!(error instanceof OverDeadline) || !isStarved || attempt === maxAttempts) throw error
    }
  }
}

function runOnce<Result>(timeoutMs: number, run: () => Result): Result {
  let result: { value: Result } | undefined
  box.run = () => {
    result = { value: run() }
  }
  try {
    script.runInContext(box, { timeout: timeoutMs })
  } catch (error) {
    throw isTimeout(error) ? new OverDeadline() : error
  } finally {
    box.run = undefined
  }
  if (!result) throw new OverDeadline()
  return result.value
}

export class OverDeadline extends Error {
  override message = 'it takes too long'
}

/** The error is of another realm: it is an instance of no class of ours. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  )
}
