import type { Tx } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { ApiError } from '../errors.ts'

/** Limited because all of them are listed in one response. */
const maxEventTypes = 500

export async function requireTypeRoom(db: Tx, scope: Scope, wanted = 1): Promise<void> {
  if ((await db.eventType.count({ where: { ...scope } })) + wanted <= maxEventTypes) return
  throw new ApiError(
    'limit_reached',
    `A tenant can register at most ${maxEventTypes} event types per environment; delete one first.`,
  )
}
