import type { Client } from '@temporalio/client'
import { countDelivery, openTotal, type DestinationTotal } from '../domain/destination-total.ts'
import type { DeliverySummary, TimelineSummary } from '../domain/timeline.ts'
import {
  deliverBatchType,
  replayBatchType,
  replayEventType,
  routeEventType,
  scopeOfWorkflow,
  urlUnderTest,
} from '../workflows/contract.ts'
import { closedExecutions, type Span } from './closed-executions.ts'

export interface Counted {
  executions: number
  totals: DestinationTotal[]
}

const types = [routeEventType, replayEventType, deliverBatchType, replayBatchType]

/** Counts what ended within a span by what its memos say: the same as `readDeliveryStats` finds by search attributes. */
export async function countClosed(client: Client, span: Span): Promise<Counted> {
  const totals = new Map<string, DestinationTotal>()
  let executions = 0
  for await (const { workflowId, memo } of closedExecutions(client, types, span)) {
    executions += 1
    for (const delivery of ownDeliveries(memo.summary)) {
      const { destinationId } = delivery
      const total = totals.get(destinationId) ?? openTotal({ destinationId, ...scopeOfWorkflow(workflowId) })
      totals.set(destinationId, total)
      countDelivery(total, delivery)
    }
  }
  return { executions, totals: [...totals.values()] }
}

/** Without those that a child makes, which stand in the child's own summary. A URL under test is no destination. */
export function ownDeliveries(summary: TimelineSummary | undefined): DeliverySummary[] {
  const { deliveries = [], batched } = summary ?? {}
  // Events from before `delegated` was written say only that children made them: all of them, at that time.
  if (batched && !deliveries.some(({ delegated }) => delegated)) return []
  return deliveries.filter(({ delegated, destinationId }) => !delegated && destinationId !== urlUnderTest)
}
