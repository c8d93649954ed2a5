import { disableDestination } from '../db/destinations.ts'
import type { ActivityDeps } from './index.ts'

/** Disables a destination that asked not to be called again. Repeating it changes nothing. */
export function createDisable({ db, log }: Pick<ActivityDeps, 'db' | 'log'>) {
  return async function disable({
    destinationId,
    reason,
  }: {
    destinationId: string
    reason: string
  }): Promise<void> {
    await disableDestination(db, destinationId, reason)
    log.warn({ destinationId, reason }, 'destination.disabled')
  }
}
