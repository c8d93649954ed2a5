import { getClient } from '@temporalio/activity'
import { disableDestination } from '../db/destinations.ts'
import { statusNews } from '../domain/operational.ts'
import { announce } from '../temporal/operational-events.ts'
import type { ActivityDeps } from './index.ts'

/**
 * Disables a destination that asked not to be called again, or only fails, and tells its tenant. Repeated after a crash
 * between the two it tells what it had not told; else repeating it changes nothing.
 */
export function createDisable({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  return async function disable(given: { destinationId: string; reason: string }): Promise<void> {
    const destination = await disableDestination(db, given.destinationId, given.reason)
    if (!destination) return
    const { statusReason: reason = given.reason, statusAt: at } = destination
    await announce(getClient(), statusNews('disabled', destination, { reason, at }), { eager: false })
    log.warn({ destinationId: given.destinationId, reason }, 'destination.disabled')
  }
}
