import { getClient } from '@temporalio/activity'
import { disableDestination } from '../db/destinations/health.ts'
import { statusNews } from '../domain/operational.ts'
import type { DisableOrder } from '../domain/delivery/outcome.ts'
import { emitOperationalEvent } from '../temporal/operational-events.ts'
import type { ActivityDeps } from './deps.ts'

type DisableRequest = DisableOrder & { destinationId: string }

/**
 * Disables a destination that answered 410 or has only failed, and emits `destination.disabled`. A retry after a crash in between
 * emits the missing event; otherwise repeating it changes nothing.
 */
export function createDisable({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  return async function disable({ destinationId, reason: why, ...seen }: DisableRequest): Promise<void> {
    const destination = await disableDestination(db, { id: destinationId, ...seen }, why)
    if (!destination) return
    const { statusReason: reason = why, statusAt: at } = destination
    await emitOperationalEvent(getClient(), statusNews('disabled', destination, { reason, at }), {
      eager: false,
    })
    log.warn({ destinationId, reason }, 'destination.disabled')
  }
}
