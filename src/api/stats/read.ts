import pMap from 'p-map'
import { readDailyTotals, readRolledTotals, readRolledTotalsByDestination } from '../../db/daily-totals.ts'
import type { Destination, Scope } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { addDays, toDay, daysBetween, endOfDay, startOfDay } from '../../domain/days.ts'
import { sumTotals, type DeliveryCounts } from '../../domain/delivery/destination-total.ts'
import { countLive, type LiveCounts } from '../../temporal/counts/live.ts'
import { countEnded, readDeliveryStats, type DeliveryStats } from '../../temporal/counts/delivery-stats.ts'
import type { AppDeps } from '../deps.ts'

type StatsDeps = Pick<AppDeps, 'db' | 'temporal'>

/** Returns a destination's deliveries of all time: those of rolled-up days from the database, later ones from Temporal. */
export async function readAllStats(
  { db, temporal }: StatsDeps,
  destinationId: string,
): Promise<DeliveryStats> {
  const rolled = await readRolledTotals(db, destinationId)
  const live = await readDeliveryStats(temporal, destinationId, rolled.until)
  return { ...total(rolled, live), pending: live.pending }
}

/**
 * Returns the same counts, without pending deliveries, for all destinations in an environment with a bounded number of calls:
 * `maxCounted` limits the events counted since the last roll-up. A destination without deliveries has no entry.
 */
export async function readStatsOfAll(
  { db, temporal }: StatsDeps,
  scope: Scope,
): Promise<ReadonlyMap<string, LiveCounts>> {
  const { until, totals } = await readRolledTotalsByDestination(db, scope)
  const live = await countLive(temporal, scope, until)
  const ids = [...new Set([...totals.keys(), ...live.keys()])]
  return new Map(ids.map((id) => [id, total(totals.get(id), live.get(id))]))
}

type Counted = DeliveryCounts & { lastAttemptAt?: string }

function total(...parts: (Counted | undefined)[]): LiveCounts {
  const counted = parts.flatMap((part) => part ?? [])
  const lastAttemptAt = counted
    .flatMap(({ lastAttemptAt: at }) => at ?? [])
    .sort()
    .at(-1)
  return definedOnly({ ...sumTotals(counted), lastAttemptAt })
}

export interface DayStats extends DeliveryCounts {
  /** `YYYY-MM-DD`, in UTC. */
  day: string
}

/**
 * Days that are not rolled up yet take three Temporal queries each. There are one or two of them, unless no worker ran for days.
 */
const daysAtOnce = 4

/**
 * Returns the last `count` days including today, oldest first. A delivery counts on the day on which its event's workflow ended.
 */
export async function readDailyStats(
  { db, temporal }: StatsDeps,
  { id, createdAt }: Pick<Destination, 'id' | 'createdAt'>,
  count: number,
): Promise<DayStats[]> {
  const today = toDay(Date.now())
  const first = addDays(today, 1 - count)
  const { until } = await readRolledTotals(db, id)
  const rolled = await readDailyTotals(db, id, first)
  // Earlier deliveries are rolled up, or would predate the destination.
  const open = latest(createdAt, until ?? createdAt)
  return pMap(
    daysBetween(first, today),
    async (day) => {
      const span = { from: latest(startOfDay(day), open), until: endOfDay(day) }
      const live = span.from < span.until ? [await countEnded(temporal, id, span)] : []
      return { day, ...sumTotals([...rolled.filter((one) => one.day === day), ...live]) }
    },
    { concurrency: daysAtOnce },
  )
}

function latest(left: Date, right: Date): Date {
  return left > right ? left : right
}
