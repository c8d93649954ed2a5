import type { Writer } from '../auth/caller.ts'
import type { Destination } from '../../db/destinations/destinations.ts'
import { rotationNews, statusNews, type News } from '../../domain/operational.ts'
import { emitOperationalEvent } from '../../temporal/operational-events.ts'
import type { AppDeps } from '../deps.ts'
import { inDestinationTurn, type StoreDeps, type Written } from './store.ts'
import { serviceFault } from '../http/service-fault.ts'

/** The tenant's turn is held meanwhile, and lasts 5 s at most. */
const tellingMs = 3_000

/**
 * Changes a destination, and tells its tenant where that makes a disabled one active again, or replaces its signing secret. Both
 * or neither: what cannot be told is not written, so that asking again tells it.
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

/** To be called before what was written is committed. */
export function tellOfChange(
  deps: AppDeps,
  before: Destination | undefined,
  destination: Destination | undefined,
): Promise<void> {
  if (!before || !destination) return Promise.resolve()
  return tell(deps, ...recovered(before, destination), ...replaced(before, destination))
}

/** Likewise, of what is known by name. */
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

/** A secret that is set in place of another one ends that at once. */
function replaced(before: Destination, destination: Destination): News[] {
  const { secret } = before.keys
  if (secret === undefined || destination.keys.secret === secret) return []
  const at = destination.updatedAt
  return [rotationNews(destination, { destination, previousEndsAt: at, at })]
}
