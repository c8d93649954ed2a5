import { noteArrival, noteFailure, type Destination } from '../db/destinations.ts'
import { disableAfterFailingMs } from '../domain/destination.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { ActivityDeps } from './index.ts'

/**
 * Keeps in mind since when a destination has only failed, and how its circuit stands. Answers why it is not to be called
 * again once that was too long. It never throws: the attempt was made, and must not be made again for this.
 */
export async function noteOutcome(
  { db, circuits, log }: ActivityDeps,
  { id, failingSince }: Pick<Destination, 'id' | 'failingSince'>,
  outcome: Outcome,
): Promise<string | undefined> {
  if (outcome.kind !== 'delivered' && outcome.errorClass === 'internal') return undefined
  circuits.record(id, { failed: isDown(outcome) })
  try {
    if (outcome.kind === 'delivered') {
      if (failingSince) await noteArrival(db, id)
      return undefined
    }
    if (!failingSince) {
      await noteFailure(db, id)
      return undefined
    }
  } catch (err) {
    log.error({ err, destinationId: id }, 'destination.health-not-noted')
    return undefined
  }
  if (Date.now() - failingSince.getTime() < disableAfterFailingMs) return undefined
  return `every attempt since ${failingSince.toISOString()} has failed`
}

/** Whether the destination itself seems to be down. One that refuses this event (4xx) may take the next. */
function isDown(outcome: Outcome): boolean {
  const { kind, responseCode = 0 } = outcome
  return kind === 'failed' && (responseCode < 400 || responseCode >= 500 || responseCode === 429)
}
