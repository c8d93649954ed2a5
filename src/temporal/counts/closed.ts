import type { Client } from '@temporalio/client'
import { countDelivery, openTotal, type DestinationTotal } from '../../domain/delivery/destination-total.ts'
import type { DeliverySummary } from '../../domain/delivery/timeline.ts'
import {
  deliverBatchType,
  replayBatchType,
  replayEventType,
  routeEventType,
  scopeOfWorkflow,
  urlUnderTest,
} from '../../workflows/contract/event.ts'
import { closedExecutions, type Span } from './closed-executions.ts'
import type { Execution } from '../log/executions.ts'
import { ownDeliveries } from '../log/summary.ts'

export interface ClosedCounts {
  executions: number
  totals: DestinationTotal[]
}

/** Workflows whose memos are counted. */
export const countedTypes = [routeEventType, replayEventType, deliverBatchType, replayBatchType]

/** Counts what ended within a span by what its memos say: the same as `readDeliveryStats` finds by search attributes. */
export async function countClosed(client: Client, span: Span): Promise<ClosedCounts> {
  const totals = new Map<string, DestinationTotal>()
  let executions = 0
  for await (const execution of closedExecutions(client, countedTypes, span)) {
    executions += 1
    for (const delivery of countedDeliveries(execution)) {
      const { destinationId } = delivery
      const owner = { destinationId, ...scopeOfWorkflow(execution.workflowId) }
      const total = totals.get(destinationId) ?? openTotal(owner)
      totals.set(destinationId, total)
      countDelivery(total, delivery)
    }
  }
  return { executions, totals: [...totals.values()] }
}

/** The deliveries in its memo, without those of child workflows. A URL under test is not a destination. */
export function countedDeliveries({ memo }: Pick<Execution, 'memo'>): DeliverySummary[] {
  const own = memo.summary ? ownDeliveries(memo.summary) : []
  return own.filter(({ destinationId }) => destinationId !== urlUnderTest)
}
