import type { Archive } from '../archive/archive.ts'
import type { ChannelContext } from '../channels/channel.ts'
import type { Compute } from '../compute/compute.ts'
import type { Db } from '../db/client.ts'
import { releasePlace } from '../db/limits/pace.ts'
import type { createAcknowledgeLink } from '../domain/crypto/acknowledge-link.ts'
import type { EmailLinks } from '../domain/email/link.ts'
import type { SecretKeys } from '../domain/crypto/secret-box.ts'
import type { Log } from '../log.ts'
import { createAnnounceDelivery } from './announce.ts'
import { createAttempts } from './attempt/attempt.ts'
import type { Circuits } from './attempt/circuits.ts'
import { createDeletion } from './erase/tenant.ts'
import { createDigests } from './digests.ts'
import { createDisable } from './disable.ts'
import { createEnterTurn } from './enter-turn.ts'
import { createErasure } from './erase/event.ts'
import type { Lanes } from './attempt/lanes.ts'
import type { OngoingAttempts } from './attempt/ongoing.ts'
import { createPlan } from './plan.ts'
import { createReplays } from './replay/events.ts'
import { createRollUp } from './roll-up/roll-up.ts'
import type { Throttles } from './throttles.ts'
import { createTiming } from './timing.ts'

/** What activities work with. Only the composition roots construct it. */
export interface ActivityDeps {
  db: Db
  secretKeys: SecretKeys
  context: ChannelContext
  compute: Compute
  lanes: Lanes
  circuits: Circuits
  throttles: Throttles
  /** Where closed events are kept, if the operator wants that. */
  archive?: Archive | undefined
  /** Gives the link by which whoever gets a message acknowledges its event. Without a public URL there is none. */
  acknowledgeLink?: ReturnType<typeof createAcknowledgeLink> | undefined
  /** Likewise the links by which people confirm that they want mail, and unsubscribe. */
  emailLinks?: EmailLinks | undefined
  log: Log
}

/** A place in a destination's pace that a delivery has kept and will not use. */
export interface PlaceToRelease {
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
    releasePlace: ({ destinationId, number }: PlaceToRelease) => releasePlace(deps.db, destinationId, number),
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
