import type { Destination, Scope } from '../db/destinations.ts'
import { announce } from '../temporal/operational-events.ts'
import type { AppDeps } from './app.ts'
import { inDestinationTurn, type StoreDeps, type Written } from './destination-store.ts'
import { serviceFault } from './service-fault.ts'

/** The tenant's turn is held meanwhile, and lasts 5 s at most. */
const tellingMs = 3_000

/**
 * Changes a destination, and tells its tenant where that makes a disabled one active again. Both or neither: what cannot be told
 * is not written, so that asking again tells it.
 */
export function writeDestination(
  deps: AppDeps,
  scope: Scope,
  id: string | undefined,
  write: (store: StoreDeps, current: Destination) => Promise<Written>,
): Promise<Written> {
  return inDestinationTurn(deps, scope, id, async (store, current) => {
    const written = await write(store, current)
    await tellIfRecovered(deps, current, written.destination)
    return written
  })
}

/** To be called before what was written is committed. */
export async function tellIfRecovered(
  { temporal, eagerStart }: AppDeps,
  before: Destination | undefined,
  destination: Destination | undefined,
): Promise<void> {
  if (before?.status !== 'disabled' || destination?.status !== 'active') return
  const was = before.statusReason ?? 'no reason is known'
  const reason = `made active again by the API; it was disabled since ${before.statusAt.toISOString()}: ${was}`
  const news = { type: 'destination.recovered', destination, reason, at: destination.statusAt } as const
  try {
    await temporal.withDeadline(Date.now() + tellingMs, () => announce(temporal, news, { eager: eagerStart }))
  } catch (cause) {
    throw serviceFault(cause, 'Nothing was changed: ask again.') ?? cause
  }
}
