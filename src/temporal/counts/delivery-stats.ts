import type { Client } from '@temporalio/client'
import { definedOnly } from '../../domain/defined-only.ts'
import type { DeliveryCounts } from '../../domain/delivery/destination-total.ts'
import { isOpen } from '../../domain/delivery/timeline.ts'
import { endedWithin, type Span } from './closed-executions.ts'
import { countedDeliveries } from './closed.ts'
import { countExecutions, listExecutions, quoted, type Execution } from '../log/executions.ts'

/** Counts of a destination's deliveries, replays and tests included. */
export interface DeliveryStats extends DeliveryCounts {
  /**
   * Deliveries that wait for an attempt. Exact for up to 1,000 open events. In further ones, failed or skipped deliveries count
   * as pending as well while a delivery to another destination waits.
   */
  pending: number
  /** ISO 8601, UTC; absent when nothing was ever sent. */
  lastAttemptAt?: string
}

const farFuture = new Date('9999-01-01T00:00:00Z')

/** The number of events to read: open ones for waiting deliveries, ended ones for the newest attempt. */
const lookedAt = { underWay: 1_000, ended: 20 }

/** A tombstone counts as ended from its start. */
const isUnderWay = "(ExecutionStatus = 'Running' AND OriginalEnd IS NULL)"
const hasEnded = "ExecutionStatus != 'Running'"

/**
 * Counts by Temporal's visibility: open events, and those that ended since a time, or else within Temporal's retention.
 * Destination ids are unique across tenants.
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

/** Counts the deliveries whose workflows ended within a span. */
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

/** Counts all undelivered ones among the open events that were not read. */
async function countUnderWayBeyond(client: Client, destinationId: string, seen: Summaries): Promise<number> {
  const underWay = `= ${quoted(destinationId)} AND ${isUnderWay}`
  const [all, delivered] = await Promise.all([
    countExecutions(client, `Destinations ${underWay}`),
    countExecutions(client, `DeliveredDestinations ${underWay}`),
  ])
  const undelivered = seen.filter(({ status }) => status !== 'delivered').length
  return Math.max(0, all - delivered - undelivered)
}
