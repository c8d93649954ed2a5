import type { Environment } from '../event.ts'
import { isOpen, type DeliverySummary } from './timeline.ts'

export interface DeliveryCounts {
  total: number
  succeeded: number
  /** A failed delivery counts once its whole event has ended; until then another attempt may follow. */
  failed: number
}

/** Counts of a destination's deliveries, replays and tests included, in the workflows that ended on one day. */
export interface DestinationTotal extends DeliveryCounts {
  destinationId: string
  tenantId: string
  environment: Environment
  attempts: number
  /** ISO 8601, UTC; absent when nothing was sent. */
  lastAttemptAt?: string
}

type Owner = Pick<DestinationTotal, 'destinationId' | 'tenantId' | 'environment'>

export function openTotal(owner: Owner): DestinationTotal {
  return { ...owner, total: 0, succeeded: 0, failed: 0, attempts: 0 }
}

/** Counts a delivery whose workflow has ended. */
export function countDelivery(total: DestinationTotal, delivery: DeliverySummary): void {
  const { status, attempts, lastAttemptAt } = delivery
  total.total += 1
  total.attempts += attempts
  if (status === 'delivered') total.succeeded += 1
  // A workflow that was ended early makes no further attempts: its delivery counts as failed, as in `failingDestinations`.
  if (status === 'failed' || (isOpen(delivery) && attempts > 0)) total.failed += 1
  if (lastAttemptAt && lastAttemptAt > (total.lastAttemptAt ?? '')) total.lastAttemptAt = lastAttemptAt
}

export function sumTotals(counts: readonly DeliveryCounts[]): DeliveryCounts {
  const sum = { total: 0, succeeded: 0, failed: 0 }
  for (const { total, succeeded, failed } of counts) {
    sum.total += total
    sum.succeeded += succeeded
    sum.failed += failed
  }
  return sum
}
