import type { Client } from '@temporalio/client'
import { definedOnly } from '../../domain/defined-only.ts'
import type { DeliveryCounts } from '../../domain/delivery/destination-total.ts'
import { isOpen } from '../../domain/delivery/timeline.ts'
import { endedWithin, type Span } from './closed-executions.ts'
import { countedDeliveries } from './closed.ts'
import { countExecutions, listExecutions, quoted, type Execution } from '../log/executions.ts'

/** What became of a destination's deliveries, replays and tests included. */
export interface DeliveryStats extends DeliveryCounts {
  /**
   * Deliveries that wait for an attempt. Exact up to 1,000 events that are under way; of those beyond, the ones that were given
   * up or skipped while a delivery to another destination still waits count as pending, too.
   */
  pending: number
  /** ISO 8601, UTC; absent when nothing was ever sent. */
  lastAttemptAt?: string
}

const farFuture = new Date('9999-01-01T00:00:00Z')

/** Events that are looked at: of those under way, for what waits; of those that ended, for the newest attempt. */
const lookedAt = { underWay: 1_000, ended: 20 }

/** What stands in the place of a run that was erased is over before it begins. */
const isUnderWay = "(ExecutionStatus = 'Running' AND OriginalEnd IS NULL)"
const hasEnded = "ExecutionStatus != 'Running'"

/**
 * Counted by Temporal from what every event's workflow says of its deliveries: of those under way, and of those that ended
 * since a time, or else as far back as Temporal keeps them. Destination ids are unique over all tenants.
 */
export async function readDeliveryStats(
  client: Client,
  destinationId: string,
  since?: Date,
): Promise<DeliveryStats> {
  const id = quoted(destinationId)
  const ended = endedSince(since)
  const counted = liveSince(since)
    .map((condition) => ` AND ${condition}`)
    .join('')
  const [total, succeeded, failed, underWay, newest] = await Promise.all([
    countExecutions(client, `Destinations = ${id}${counted}`),
    countExecutions(client, `DeliveredDestinations = ${id}${counted}`),
    countExecutions(client, `FailingDestinations = ${id} AND ${ended}`),
    listExecutions(client, `Destinations = ${id} AND ${isUnderWay}`, lookedAt.underWay),
    listExecutions(client, `Destinations = ${id} AND ${ended}`, lookedAt.ended),
  ])
  const waiting = deliveriesTo(destinationId, underWay.executions)
  const beyond = underWay.nextCursor ? await countUnderWayBeyond(client, destinationId, waiting) : 0
  const lastAttemptAt = [...waiting, ...deliveriesTo(destinationId, newest.executions)]
    .flatMap(({ lastAttemptAt }) => lastAttemptAt ?? [])
    .sort()
    .at(-1)
  return definedOnly({
    total,
    succeeded,
    failed,
    pending: waiting.filter(isOpen).length + beyond,
    lastAttemptAt,
  })
}

/** SQL visibility takes what is under way to end in the far future. */
function endedSince(since: Date | undefined): string {
  return since ? `${hasEnded} AND ${endedWithin({ from: since, until: farFuture })}` : hasEnded
}

/** The condition for executions that are under way or ended since a time; none without a time. */
export function liveSince(since: Date | undefined): string[] {
  return since ? [`(${isUnderWay} OR (${endedSince(since)}))`] : []
}

/** What became of the deliveries whose workflows ended within a span. */
export async function countEnded(client: Client, destinationId: string, span: Span): Promise<DeliveryCounts> {
  const count = (list: string) =>
    countExecutions(client, `${list} = ${quoted(destinationId)} AND ${endedWithin(span)}`)
  const [total, succeeded, failed] = await Promise.all([
    count('Destinations'),
    count('DeliveredDestinations'),
    count('FailingDestinations'),
  ])
  return { total, succeeded, failed }
}

type Summaries = ReturnType<typeof countedDeliveries>

function deliveriesTo(destinationId: string, executions: readonly Execution[]): Summaries {
  return executions.flatMap(countedDeliveries).filter((delivery) => delivery.destinationId === destinationId)
}

/** Of the events under way beyond those that were looked at: all that were not delivered. */
async function countUnderWayBeyond(client: Client, destinationId: string, seen: Summaries): Promise<number> {
  const underWay = `= ${quoted(destinationId)} AND ${isUnderWay}`
  const [all, delivered] = await Promise.all([
    countExecutions(client, `Destinations ${underWay}`),
    countExecutions(client, `DeliveredDestinations ${underWay}`),
  ])
  const undelivered = seen.filter(({ status }) => status !== 'delivered').length
  return Math.max(0, all - delivered - undelivered)
}
