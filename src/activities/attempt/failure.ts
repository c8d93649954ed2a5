import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import { attemptFailedType } from '../../workflows/contract/event.ts'
import type { AttemptResult, FirstResult } from '../../domain/delivery/outcome.ts'

/**
 * What an activity comes to, thrown where an attempt has failed: Temporal's UI then shows the activity as failed. It is no fault of
 * ours, so it is not logged or counted as one. The message says nothing of what was sent or answered.
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
