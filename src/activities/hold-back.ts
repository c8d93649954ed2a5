import { setTimeout as sleep } from 'node:timers/promises'
import type { Destination } from '../db/destinations.ts'
import { takePlace, usePlace, usePlaceAnyway } from '../db/pace.ts'
import type { AttemptResult } from '../domain/outcome.ts'
import { mostLateMs, type Place } from '../domain/pace.ts'
import type { AttemptRequest } from './attempt.ts'
import type { ActivityDeps } from './index.ts'

type Held = AttemptResult & { kind: 'held' }
type Paced = Pick<Destination, 'id' | 'recoveries'> & {
  delivery: Pick<Destination['delivery'], 'maxPerSecond'>
}

/**
 * Why an attempt must not be made yet: the destination's circuit, or its pace, of which only what may be attempted uses up
 * places. Waits here where that is a moment only.
 */
export async function holdBack(
  deps: ActivityDeps,
  target: Paced,
  { place, now }: Pick<AttemptRequest, 'place' | 'now'>,
): Promise<Held | undefined> {
  const open = now ? undefined : deps.circuits.wouldHold(target)
  if (open) return { kind: 'held', by: 'circuit', ...open }
  const paced = await awaitPlace(deps, target, place)
  if (paced) return paced
  const opened = now ? undefined : deps.circuits.hold(target)
  return opened && { kind: 'held', by: 'circuit', ...opened }
}

/** So short a wait is spent here; a longer one is a durable timer, which ends a little early to hit the place exactly. */
const shortWaitMs = 250
const timerLeadMs = 100
/** How often it is asked whether the one before has gone. */
const pollMs = 20

async function awaitPlace(
  { db }: ActivityDeps,
  { id, delivery: { maxPerSecond } }: Paced,
  kept: Place | undefined,
): Promise<Held | undefined> {
  if (maxPerSecond === undefined) return undefined
  const isKept = kept !== undefined && Date.now() <= kept.at + mostLateMs
  const place = isKept ? kept : await takePlace(db, id, maxPerSecond)
  const waitMs = place.at - Date.now()
  if (waitMs > shortWaitMs) {
    const reason = `rate limit: at most ${maxPerSecond} attempts a second`
    return { kind: 'held', by: 'slot', reason, retryInMs: waitMs - timerLeadMs, place }
  }
  await sleep(Math.max(0, waitMs))
  // The one before may be late: for as long as its place counts, it is waited for.
  while (!(await usePlace(db, id, place.number, maxPerSecond))) {
    if (Date.now() > place.at + mostLateMs) return void (await usePlaceAnyway(db, id, place.number))
    await sleep(pollMs)
  }
  return undefined
}
