import { OverBudget } from '../../compute/over-budget.ts'
import { ApiError, invalid } from '../errors.ts'

/**
 * Converts an exceeded budget to an API error. `share` and `queue` pass soon, so the caller can retry; `time` and `memory` are
 * caused by what was sent or stored. `path` names the field that took too long.
 */
function overBudgetError({ budget, message, retryInMs = 0 }: OverBudget, path = '(body)'): ApiError {
  if (budget === 'time' || budget === 'memory') return invalid([{ path, message: `${message} to process` }])
  const seconds = Math.ceil(retryInMs / 1000)
  return new ApiError('rate_limited', `Processing the request ${message}; try again in ${seconds} s.`, {
    headers: { 'Retry-After': String(seconds) },
  })
}

/** Waits for a thread's result and converts an exceeded budget to an API error that names `path`. */
export async function withinBudget<Result>(result: Promise<Result>, path?: string): Promise<Result> {
  try {
    return await result
  } catch (error) {
    throw error instanceof OverBudget ? overBudgetError(error, path) : error
  }
}
