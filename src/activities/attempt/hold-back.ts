import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../db/client.ts'
import type { Destination } from '../../db/destinations/destinations.ts'
import { releaseReservation, reservePace, tryUseReservation } from '../../db/limits/pace.ts'
import type { AttemptResult } from '../../domain/delivery/outcome.ts'
import { maxLatenessMs, type PaceReservation } from '../../domain/delivery/pace.ts'
import type { AttemptRequest } from './request.ts'
import type { ActivityDeps } from '../deps.ts'
import type { Throttle } from '../limits/throttles.ts'

type Held = AttemptResult & { kind: 'held' }
type PacedDestination = Pick<Destination, 'id' | 'recoveries'> & {
  delivery: Pick<Destination['delivery'], 'maxPerSecond'>
}

/**
 * Returns why an attempt must not be made yet: the destination's circuit, an earlier 429, or its pace. If the circuit or the 429
 * holds it, its pace reservation is released. Short waits are spent here.
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
  place: PaceReservation | undefined,
): Promise<Held | undefined> {
  const waitMs = notBefore - Math.max(Date.now(), place?.at ?? 0)
  if (waitMs <= 0) return undefined
  if (place) await releaseReservation(db, id, place.number)
  return { kind: 'held', by: 'slot', reason: throttledReason, retryInMs: notBefore - Date.now() }
}

const throttledReason = 'rate limit: the receiver asked for fewer requests (HTTP 429)'

/**
 * Waits up to this are spent here. Longer ones are durable timers, which end a little early to meet the reserved time exactly.
 */
const shortWaitMs = 250
const timerLeadMs = 100
/** How often to check whether the previous reservation has been used. */
const pollMs = 20

async function awaitReservation(
  { db }: ActivityDeps,
  { id, delivery: { maxPerSecond } }: PacedDestination,
  kept: PaceReservation | undefined,
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

function isLost({ at }: PaceReservation): boolean {
  return Date.now() > at + maxLatenessMs
}

/**
 * Another attempt may have this moment reserved: a late one is made only if none was made just before, and is released otherwise.
 */
async function useLate(db: Db, id: string, { number }: PaceReservation, gapMs: number): Promise<boolean> {
  if (await tryUseReservation(db, id, number, { inOrder: false, gapMs })) return true
  await releaseReservation(db, id, number)
  return false
}

/**
 * Waits until half a gap has passed since the last attempt: late attempts catch up at no more than twice the pace and do not take
 * another one's time. Waits for the previous reservation while that is still valid.
 */
async function useInOrder(db: Db, id: string, place: PaceReservation, gapMs: number): Promise<void> {
  const { number } = place
  while (!(await tryUseReservation(db, id, number, { inOrder: true, gapMs: gapMs / 2 }))) {
    if (isLost(place)) return void (await tryUseReservation(db, id, number, { inOrder: false, gapMs: 0 }))
    await sleep(pollMs)
  }
}
