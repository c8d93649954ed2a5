import type { Writer } from '../auth/caller.ts'
import type { Destination } from '../../db/destinations/destinations.ts'
import { rotationNews, statusNews, type News } from '../../domain/operational.ts'
import { emitOperationalEvent } from '../../temporal/operational-events.ts'
import type { AppDeps } from '../deps.ts'
import { inDestinationTurn, type StoreDeps, type Written } from './store.ts'
import { serviceFault } from '../http/service-fault.ts'

/** Time limit for emitting events. The tenant's lock is held during that time, and lasts 5 s at most. */
const tellingMs = 3_000

/**
 * Changes a destination, and emits an operational event if that reactivates a disabled destination or replaces its signing secret.
 * If the event cannot be emitted, nothing is written, so that a retry of the request emits it.
 */
export function writeDestination(
  deps: AppDeps,
  writer: Writer,
  id: string,
  write: (store: StoreDeps, current: Destination) => Promise<Written>,
): Promise<Written> {
  return inDestinationTurn(deps, writer, id, async (store, current) => {
    const written = await write(store, current)
    await tellOfChange(deps, current, written.destination)
    return written
  })
}

/** Emits the operational events of a change. Call this before the change is committed. */
export function tellOfChange(
  deps: AppDeps,
  before: Destination | undefined,
  destination: Destination | undefined,
): Promise<void> {
  if (!before || !destination) return Promise.resolve()
  return tell(deps, ...recovered(before, destination), ...replaced(before, destination))
}

/** Emits operational events. Call this before the change that they report is committed. */
export async function tell({ temporal, eagerStart }: AppDeps, ...news: News[]): Promise<void> {
  if (news.length === 0) return
  try {
    await temporal.withDeadline(Date.now() + tellingMs, () =>
      Promise.all(news.map((one) => emitOperationalEvent(temporal, one, { eager: eagerStart }))),
    )
  } catch (cause) {
    throw serviceFault(cause, 'Nothing was changed; retry the request.') ?? cause
  }
}

function recovered(before: Destination, destination: Destination): News[] {
  if (before.status !== 'disabled' || destination.status !== 'active') return []
  const was = before.statusReason ?? 'reason unknown'
  const reason = `reactivated through the API; disabled since ${before.statusAt.toISOString()}: ${was}`
  return [statusNews('recovered', destination, { reason, at: destination.statusAt })]
}

/** A secret that replaces another one through an update ends the previous one at once. */
function replaced(before: Destination, destination: Destination): News[] {
  const { secret } = before.keys
  if (secret === undefined || destination.keys.secret === secret) return []
  const at = destination.updatedAt
  return [rotationNews(destination, { destination, previousEndsAt: at, at })]
}
