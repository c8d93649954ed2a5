import { getClient } from '@temporalio/activity'
import { disableDestination } from '../db/destinations/health.ts'
import { statusNews } from '../domain/operational.ts'
import type { DisableOrder } from '../domain/delivery/outcome.ts'
import { announce } from '../temporal/operational-events.ts'
import type { ActivityDeps } from './deps.ts'

type DisableRequest = DisableOrder & { destinationId: string }

/**
 * Disables a destination that asked not to be called again, or only fails, and tells its tenant. Repeated after a crash
 * between the two it tells what it had not told; else repeating it changes nothing.
 */
export function createDisable({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  return async function disable({ destinationId, reason: why, ...seen }: DisableRequest): Promise<void> {
    const destination = await disableDestination(db, { id: destinationId, ...seen }, why)
    if (!destination) return
    const { statusReason: reason = why, statusAt: at } = destination
    await announce(getClient(), statusNews('disabled', destination, { reason, at }), { eager: false })
    log.warn({ destinationId, reason }, 'destination.disabled')
  }
}
