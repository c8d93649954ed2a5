import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import { attemptFailedType } from '../../workflows/contract/event.ts'
import type { AttemptResult, FirstResult } from '../../domain/delivery/outcome.ts'

/**
 * Thrown with the activity's result if an attempt has failed, so that Temporal's UI shows the activity as failed. It is not an
 * internal error, so it is neither logged nor counted as one. The message contains nothing of the request or response.
 */
export function failIfAttemptFailed<Result>(result: Result, attempts: readonly FirstResult[]): Result {
  const failed = attempts.filter(hasFailed)
  if (failed.length === 0) return result
  throw ApplicationFailure.create({
    type: attemptFailedType,
    message: messageFor(failed, attempts.length),
    details: [result],
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
  })
}

type AttemptedResult = AttemptResult & { kind: 'attempted' }

function hasFailed(result: FirstResult): result is AttemptedResult {
  return result.kind === 'attempted' && result.outcome.kind !== 'delivered'
}

function messageFor(failed: readonly AttemptedResult[], made: number): string {
  const outcomes = failed.map(({ outcome }) =>
    [outcome.kind, 'errorClass' in outcome && outcome.errorClass, outcome.responseCode]
      .filter(Boolean)
      .join(' '),
  )
  const counted = made === 1 ? '' : `${failed.length} of ${made} attempts failed: `
  return `${counted}${[...new Set(outcomes)].join(', ')}`
}
