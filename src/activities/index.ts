import { releaseReservation } from '../db/limits/pace.ts'
import { createAnnounceDelivery } from './announce.ts'
import { createAttempts } from './attempt/attempt.ts'
import { createDeletion } from './erase/tenant.ts'
import { createDigests } from './digests.ts'
import { createDisable } from './disable.ts'
import { createEnterTurn } from './enter-turn.ts'
import { createErasure } from './erase/event.ts'
import type { OngoingAttempts } from './attempt/ongoing.ts'
import { createPlan } from './plan.ts'
import { createReplays } from './replay/events.ts'
import { createRollUp } from './roll-up/roll-up.ts'
import { createTiming } from './timing.ts'
import type { ActivityDeps } from './deps.ts'

/** A pace reservation that a delivery holds and will not use. */
export interface ReservationToRelease {
  destinationId: string
  number: number
}

/** Activities of the main task queue. */
export function createActivities(deps: ActivityDeps & { ongoing: OngoingAttempts }) {
  const { attemptEach, attempt } = createAttempts(deps)
  return {
    plan: createPlan(deps),
    attemptEach,
    attempt,
    disable: createDisable(deps),
    announceDelivery: createAnnounceDelivery(deps),
    enterTurn: createEnterTurn(),
    releasePlace: ({ destinationId, number }: ReservationToRelease) =>
      releaseReservation(deps.db, destinationId, number),
    ...createTiming(),
    ...createDigests(deps),
    ...createReplays(deps),
    ...createRollUp(deps),
    ...createErasure(deps),
    ...createDeletion(deps),
  }
}

/** Activities of the slow lane: the same attempts, which are never passed on again. */
export function createSlowActivities(deps: ActivityDeps & { ongoing: OngoingAttempts }) {
  return { attempt: createAttempts(deps).attemptAnyway }
}

export type Activities = ReturnType<typeof createActivities>
