import { z } from 'zod'
import type { Scope } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import type { DeliveryStatus, DeliverySummary } from '../../domain/delivery/timeline.ts'
import { quoted, type Execution } from '../../temporal/log/executions.ts'
import { ownDeliveries, readReplayId, readSummary } from '../../temporal/log/summary.ts'
import { walkNewestFirst, type WalkPosition } from '../../temporal/log/walk.ts'
import {
  deliverBatchType,
  replayBatchType,
  replayEventType,
  routeEventType,
} from '../../workflows/contract/event.ts'
import type { AppDeps } from '../deps.ts'
import { deliveryQuery, deliverySummary } from './fields.ts'
import { endedEarly, logConditions, type LogFilter } from './log.ts'
import { makeCursor, readCursor, type LogPlace, type PageRequest } from '../http/log-cursor.ts'
import { route } from '../http/route.ts'

const row = deliverySummary
  .extend({
    eventId: z.string(),
    type: z.string(),
    createdAt: z.string().meta({ description: 'When the event was accepted.' }),
    test: z.literal(true).optional(),
    replayId: z.string().optional().meta({ description: 'The replay that made the delivery.' }),
  })
  .meta({ id: 'ListedDelivery' })

const reply = z
  .object({
    data: z.array(row).meta({
      description:
        'A page can have fewer items than the limit, or none, although more follow; check nextCursor.',
    }),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'DeliveryPage' })

export const deliveryRoutes = [
  route({
    method: 'get',
    path: '/deliveries',
    operationId: 'listDeliveries',
    access: { scope: 'deliveries:read' },
    summary: 'List deliveries, including those of replays, newest event or replay first',
    query: deliveryQuery,
    replies: { 200: reply },
    async handle({ query, scope }, deps) {
      return { status: 200, body: await listDeliveries(deps, scope, query) }
    },
  }),
]

interface DeliveryFilter extends LogFilter {
  status?: DeliveryStatus
  event?: string
}

/** Filters by status and destination may match few executions. After `lookedAt` executions a shorter page is returned. */
const most = { lookedAt: 1000, atOnce: 500 }

/** Returns one page of deliveries. Reads memos only, so no worker is needed. */
async function listDeliveries(
  { temporal }: AppDeps,
  scope: Scope,
  { limit, cursor, ...filter }: DeliveryFilter & PageRequest,
) {
  const asked = { list: 'deliveries', ...scope, ...filter }
  const query = visibilityQuery(scope, filter)
  const page: Found[] = []
  const show = (next?: LogPlace) => ({
    data: page.map(showRow),
    nextCursor: next ? makeCursor(next, asked) : null,
  })
  let place = cursor === undefined ? undefined : readCursor(cursor, asked)
  let lookedAt = 0
  for (let wanted = limit + 1; lookedAt < most.lookedAt; wanted = Math.min(4 * wanted, most.atOnce)) {
    const walk = { query, after: place && justBefore(place), meanGapMs: place?.meanGapMs, wanted }
    const { executions, complete, meanGapMs } = await walkNewestFirst(temporal, walk)
    for (const found of executions.flatMap((execution) => toRows(execution, filter, place))) {
      const last = page.at(-1)
      if (last && page.length === limit) return show({ ...last.execution, ...last, meanGapMs })
      page.push(found)
    }
    const last = executions.at(-1)
    if (complete || !last) return show()
    place = { ...last, deliveries: ownDeliveries(readSummary(last)).length, meanGapMs }
    lookedAt += executions.length
  }
  return show(place)
}

/** The page's last execution may have more deliveries, so the next page starts with that execution and not after it. */
function justBefore({ startedAt, workflowId }: WalkPosition): WalkPosition {
  return { startedAt, workflowId: `${workflowId}\0` }
}

const types = [routeEventType, deliverBatchType, replayEventType, replayBatchType]

function visibilityQuery(scope: Scope, { status, event, ...filter }: DeliveryFilter): string {
  const conditions = [
    ...logConditions(scope, types, filter),
    event && `EventId = ${quoted(event)}`,
    status && mayHold(status, filter.destination),
  ]
  return conditions.filter(Boolean).join(' AND ')
}

/** A condition that every execution with a matching delivery meets, as do some without one. */
function mayHold(status: DeliveryStatus, destination: string | undefined): string | undefined {
  switch (status) {
    case 'pending':
    case 'held':
      return `ExecutionStatus = 'Running'`
    case 'delivered':
      if (destination) return `DeliveredDestinations = ${quoted(destination)}`
      return `EventStatus IN ('delivered', 'partial', 'pending')`
    case 'failed':
      if (destination) return `(FailingDestinations = ${quoted(destination)} OR ${endedEarly})`
      return `EventStatus IN ('failed', 'partial', 'pending')`
    case 'skipped':
      return undefined
  }
}

/** A delivery as a list shows it, and how many of its execution's deliveries have been looked at up to this one. */
interface Found {
  execution: Execution
  delivery: DeliverySummary
  deliveries: number
}

/** Returns the deliveries that the execution makes itself and that match the filter, without those on earlier pages. */
function toRows(
  execution: Execution,
  { status, destination }: DeliveryFilter,
  shown: LogPlace | undefined,
): Found[] {
  const isShown = execution.workflowId === shown?.workflowId && execution.startedAt === shown.startedAt
  return ownDeliveries(readSummary(execution))
    .map((delivery, index) => ({ execution, delivery, deliveries: index + 1 }))
    .slice(isShown ? shown.deliveries : 0)
    .filter(({ delivery }) => delivery.status === (status ?? delivery.status))
    .filter(({ delivery }) => delivery.destinationId === (destination ?? delivery.destinationId))
}

function showRow({ execution, delivery }: Found) {
  const { eventId, eventType, createdAt, test } = execution.memo
  const replayId = readReplayId(execution)
  return definedOnly({
    eventId,
    type: eventType,
    createdAt,
    test,
    replayId,
    ...delivery,
  })
}
