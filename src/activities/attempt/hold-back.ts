import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../db/client.ts'
import type { Destination } from '../../db/destinations/destinations.ts'
import { releaseReservation, reservePace, tryUseReservation } from '../../db/limits/pace.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import { maxLatenessMs, type Place } from '../../domain/delivery/pace.ts'
import type { AttemptRequest } from './request.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Throttle } from '../limits/throttles.ts'

type Held = AttemptResult & { kind: 'held' }
type PacedDestination = Pick<Destination, 'id' | 'recoveries'> & {
  delivery: Pick<Destination['delivery'], 'maxPerSecond'>
}

/**
 * Why an attempt must not be made yet: the destination's circuit, its 429, or its pace. An attempt that one of the first two holds gives its
 * place in the pace back. Waits here where that is a moment only.
 */
export async function holdBack(
  deps: ActivityDeps,
  target: PacedDestination,
  { place, now }: Pick<AttemptRequest, 'place' | 'now'>,
): Promise<Held | undefined> {
  const open = now ? undefined : deps.circuits.wouldHold(target)
  if (open && place) await releaseReservation(deps.db, target.id, place.number)
  if (open) return { kind: 'held', by: 'circuit', ...open }
  const throttle = now ? undefined : deps.throttles.find(target)
  const throttled = throttle && (await awaitThrottle(deps, target, throttle, place))
  if (throttled) return throttled
  const paced = await awaitReservation(deps, target, place, throttle)
  if (paced) return paced
  const opened = now ? undefined : deps.circuits.hold(target)
  return opened && { kind: 'held', by: 'circuit', ...opened }
}

async function awaitThrottle(
  { db }: ActivityDeps,
  { id }: PacedDestination,
  { notBefore }: Throttle,
  place: Place | undefined,
): Promise<Held | undefined> {
  const waitMs = notBefore - Math.max(Date.now(), place?.at ?? 0)
  if (waitMs <= 0) return undefined
  if (place) await releaseReservation(db, id, place.number)
  return { kind: 'held', by: 'slot', reason: throttledReason, retryInMs: notBefore - Date.now() }
}

const throttledReason = 'rate limit: the receiver asked for fewer requests (HTTP 429)'

/** So short a wait is spent here; a longer one is a durable timer, which ends a little early to hit the place exactly. */
const shortWaitMs = 250
const timerLeadMs = 100
/** How often it is asked whether the one before has gone. */
const pollMs = 20

async function awaitReservation(
  { db }: ActivityDeps,
  { id, delivery: { maxPerSecond } }: PacedDestination,
  kept: Place | undefined,
  throttle: Throttle | undefined,
): Promise<Held | undefined> {
  const gapMs = Math.max(maxPerSecond === undefined ? 0 : 1000 / maxPerSecond, throttle?.gapMs ?? 0)
  if (gapMs === 0) return undefined
  if (kept && isLost(kept) && (await useLate(db, id, kept, gapMs))) return undefined
  const place = kept && !isLost(kept) ? kept : await reservePace(db, id, gapMs)
  const waitMs = place.at - Date.now()
  if (waitMs > shortWaitMs) {
    const reason = throttle ? throttledReason : `rate limit: at most ${maxPerSecond} attempts per second`
    return { kind: 'held', by: 'slot', reason, retryInMs: waitMs - timerLeadMs, place }
  }
  await sleep(Math.max(0, waitMs))
  await useInOrder(db, id, place, gapMs)
  return undefined
}

function isLost({ at }: Place): boolean {
  return Date.now() > at + maxLatenessMs
}

/** Others may have their places at this moment: one that is late is used only if none was used just before. Else it is given back. */
async function useLate(db: Db, id: string, { number }: Place, gapMs: number): Promise<boolean> {
  if (await tryUseReservation(db, id, number, { inOrder: false, gapMs })) return true
  await releaseReservation(db, id, number)
  return false
}

/**
 * Half of the time between two places has passed since the last use: attempts that are late catch up at no more than twice the pace,
 * and do not arrive in each other's place. The one before may be late: for as long as its place counts, it is waited for.
 */
async function useInOrder(db: Db, id: string, place: Place, gapMs: number): Promise<void> {
  const { number } = place
  while (!(await tryUseReservation(db, id, number, { inOrder: true, gapMs: gapMs / 2 }))) {
    if (isLost(place)) return void (await tryUseReservation(db, id, number, { inOrder: false, gapMs: 0 }))
    await sleep(pollMs)
  }
}
