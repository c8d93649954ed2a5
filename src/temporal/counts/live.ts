import type { Client } from '@temporalio/client'
import type { DeliveryCounts } from '../../domain/delivery/destination-total.ts'
import type { Event } from '../../domain/event.ts'
import { isOpen, type DeliverySummary } from '../../domain/delivery/timeline.ts'
import { countedDeliveries, countedTypes } from './closed.ts'
import { liveSince } from './delivery-stats.ts'
import { listExecutions, maxPageSize, workflowConditions, type Execution } from '../log/executions.ts'

export interface LiveCounts extends DeliveryCounts {
  /** ISO 8601, UTC; absent if nothing was sent. */
  lastAttemptAt?: string
}

/** Executions that are read at most, the newest first: the number of calls does not depend on how many destinations there are. */
const maxCounted = 5_000

/**
 * Counts the deliveries to every destination of a tenant's environment: open ones, and those that ended since a time. The result
 * equals that of `readDeliveryStats` for one destination, up to `maxCounted` executions.
 */
export async function countLive(
  client: Client,
  scope: Pick<Event, 'tenantId' | 'environment'>,
  since?: Date,
): Promise<ReadonlyMap<string, LiveCounts>> {
  const counts = new Map<string, LiveCounts>()
  const query = [...workflowConditions(scope, countedTypes), ...liveSince(since)].join(' AND ')
  let read = 0
  let cursor: string | undefined
  do {
    const page = await listExecutions(client, query, maxPageSize, cursor)
    for (const execution of page.executions) countExecution(counts, execution)
    read += page.executions.length
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && read < maxCounted)
  return counts
}

/** A destination counts once in an execution, however many of its deliveries go there. */
function countExecution(counts: Map<string, LiveCounts>, execution: Execution): void {
  for (const [destinationId, deliveries] of byDestination(countedDeliveries(execution))) {
    const { total, succeeded, failed, lastAttemptAt } = counts.get(destinationId) ?? none
    const newest = [lastAttemptAt, ...deliveries.map((delivery) => delivery.lastAttemptAt)]
      .flatMap((at) => at ?? [])
      .sort()
      .at(-1)
    counts.set(destinationId, {
      total: total + 1,
      succeeded: succeeded + (deliveries.some(({ status }) => status === 'delivered') ? 1 : 0),
      failed: failed + (execution.endedAt !== undefined && deliveries.some(isFailing) ? 1 : 0),
      lastAttemptAt: newest,
    })
  }
}

const none: LiveCounts = { total: 0, succeeded: 0, failed: 0 }

function byDestination(deliveries: readonly DeliverySummary[]): Map<string, DeliverySummary[]> {
  const groups = new Map<string, DeliverySummary[]>()
  for (const delivery of deliveries)
    groups.set(delivery.destinationId, [...(groups.get(delivery.destinationId) ?? []), delivery])
  return groups
}

/** The same as in the search attribute `FailingDestinations`. */
function isFailing(delivery: DeliverySummary): boolean {
  return delivery.status === 'failed' || (isOpen(delivery) && delivery.attempts > 0)
}
