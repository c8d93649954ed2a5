import { createContext, Script } from 'node:vm'

const box = createContext({ run: undefined })
const script = new Script('run()')

/**
 * Runs something that does not wait for anything, and ends it by force when its time is over, wherever it is: the only bound
 * that holds within one call of a library as well. Throws `OverDeadline` then.
 */
export function withinDeadline<Result>(timeoutMs: number, run: () => Result): Result {
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
