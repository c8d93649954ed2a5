import { isUnchanged, recordArrival, recordFailure } from '../../db/destinations/health.ts'
import { disableAfterFailingMs } from '../../domain/destination.ts'
import { isThrottled, type DisableOrder, type Outcome } from '../../domain/delivery/outcome.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Target } from '../target.ts'

/** An attempt's outcome, and whether to disable its destination. */
export interface HealthUpdate {
  outcome: Outcome
  disable?: DisableOrder
}

/**
 * Records since when a destination has only failed and updates its circuit. Returns whether to disable it. Responses of an old
 * target do not affect a new one, and a failed test changes nothing. Never throws: the attempt was made and must not be repeated
 * because of this.
 */
export async function recordOutcome(
  deps: ActivityDeps,
  target: Target,
  outcome: Outcome,
  { test }: { test: boolean },
): Promise<HealthUpdate> {
  const isInternal = outcome.kind !== 'delivered' && outcome.errorClass === 'internal'
  if (isInternal || (test && outcome.kind !== 'delivered')) return { outcome }
  deps.throttles.record(target, outcome)
  deps.circuits.record(target, { error: isDown(outcome) ? outcome.error : undefined })
  try {
    switch (outcome.kind) {
      case 'delivered':
        if (test || target.failingSince) await recordArrival(deps.db, target)
        return { outcome }
      case 'rejected':
        return await recordRejection(deps, target, outcome)
      case 'failed':
        return { outcome, ...(!isThrottled(outcome) && (await recordFailing(deps, target))) }
    }
  } catch (err) {
    deps.log.error({ err, destinationId: target.id }, 'destination.health-not-noted')
    return { outcome, ...(isGone(outcome) && disableAsGone(target, outcome)) }
  }
}

type Rejection = Outcome & { kind: 'rejected' }

/** A changed target may accept what the old one rejected permanently. */
async function recordRejection(
  deps: ActivityDeps,
  target: Target,
  outcome: Rejection,
): Promise<HealthUpdate> {
  if (!(await isUnchanged(deps.db, target))) return { outcome: worthAnotherAttempt(outcome) }
  if (isGone(outcome)) return { outcome, ...disableAsGone(target, outcome) }
  return { outcome, ...(await recordFailing(deps, target)) }
}

function isGone(outcome: Outcome): outcome is Rejection {
  return outcome.kind === 'rejected' && outcome.gone === true
}

function disableAsGone({ version }: Target, { error }: Rejection): Pick<HealthUpdate, 'disable'> {
  return { disable: { reason: error, version } }
}

function worthAnotherAttempt({ gone: _gone, error, ...rest }: Rejection): Outcome {
  return { ...rest, kind: 'failed', error: `${error}; the destination was changed during the attempt` }
}

async function recordFailing({ db }: ActivityDeps, target: Target): Promise<Pick<HealthUpdate, 'disable'>> {
  const { failingSince, version, recoveries } = target
  if (!failingSince) await recordFailure(db, target)
  if (!failingSince || Date.now() - failingSince.getTime() < disableAfterFailingMs) return {}
  if (!(await isUnchanged(db, { id: target.id, version, recoveries }))) return {}
  const reason = `every attempt since ${failingSince.toISOString()} has failed`
  return { disable: { reason, version, recoveries } }
}

/**
 * True if the destination itself seems to be down. A destination that rejects this event (4xx) may accept the next one, and a
 * destination that is not set up completely was never contacted.
 */
function isDown(outcome: Outcome): outcome is Outcome & { kind: 'failed' } {
  const { kind, responseCode = 0 } = outcome
  if (kind !== 'failed' || outcome.errorClass === 'setup') return false
  return responseCode < 400 || responseCode >= 500
}
