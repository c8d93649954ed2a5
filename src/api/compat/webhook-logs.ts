import { z } from 'zod'
import type { Scope } from '../../db/destinations.ts'
import type { Delivery } from '../../domain/timeline.ts'
import { listExecutions, quoted, type Execution } from '../../temporal/executions.ts'
import { readTimeline } from '../../temporal/timeline.ts'
import { urlUnderTest } from '../../workflows/contract.ts'
import type { AppDeps } from '../app.ts'
import { notFound } from '../errors.ts'
import { describeEvent, eventConditions, refuseBadCursor } from '../event-log.ts'
import { route, scopeOf } from '../route.ts'
import { testEventId } from '../test-event.ts'
import { destinationIdOf, webhookIdOf } from './webhook-ids.ts'

const statuses = ['Success', 'Error', 'Pending'] as const
type Status = (typeof statuses)[number]

/** A row of the logs of seed document 004 ("Webhook Logs"): one delivery, as its newest attempt left it. */
const logRow = z.object({
  status: z.enum(statuses),
  event: z.string().meta({ description: 'The event’s type.' }),
  response_code: z.int().nullable(),
  timestamp: z.string().nullable().meta({ description: 'When it was sent, the newest time.' }),
  response: z.string().nullable().meta({ description: 'What the server answered, or why it did not.' }),
  attempts: z.int(),
  event_id: z.string(),
  webhook_id: z.guid().nullable(),
  test: z.boolean(),
})

const listQuery = z.strictObject({
  webhook: z.string().optional().meta({ description: 'A webhook id: a UUID or dst_….' }),
  status: z.enum(statuses).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().optional(),
})

export const webhookLogRoutes = [
  route({
    method: 'get',
    path: '/webhooks/logs/',
    access: { scope: 'events:read' },
    summary: 'List webhook deliveries: those that still wait first, then the newest-ended',
    query: listQuery,
    replies: { 200: z.object({ logs: z.array(logRow), next_cursor: z.string().nullable() }) },
    async handle({ query: { webhook, status, limit, cursor }, caller }, deps) {
      const destinationId = webhook?.startsWith('dst_') ? webhook : webhook && destinationIdOf(webhook)
      const query = visibilityQuery(scopeOf(caller), destinationId, status)
      const page = await listExecutions(deps.temporal, query, limit, cursor).catch(refuseBadCursor)
      const rows = await Promise.all(page.executions.map((execution) => rowsOf(deps, execution)))
      const logs = rows
        .flat()
        .filter((row) => row.destinationId === (destinationId ?? row.destinationId))
        .map(({ row }) => row)
        .filter((row) => row.status === (status ?? row.status))
      return { status: 200, body: { logs, next_cursor: page.nextCursor } }
    },
  }),
  route({
    method: 'get',
    path: '/webhooks/logs/:log_id/',
    access: { scope: 'events:read' },
    summary: 'Look up a test delivery by its log_id (Webhooks API)',
    replies: { 200: logRow.extend({ log_id: z.int() }) },
    async handle({ params, caller }, deps) {
      const logId = /^[1-9]\d{0,9}$/.test(params.log_id ?? '') ? Number(params.log_id) : undefined
      if (logId === undefined) throw notFound('log')
      const execution = await describeEvent(deps, scopeOf(caller), testEventId(logId))
      const [found] = await rowsOf(deps, {
        ...execution,
        memo: execution.memo as unknown as Execution['memo'],
      })
      if (!found?.row.test) throw notFound('log')
      return { status: 200, body: { log_id: logId, ...found.row } }
    },
  }),
]

/** Finds the events that may hold such a delivery; which of an event's deliveries it is, is looked at afterwards. */
function visibilityQuery(
  scope: Scope,
  destinationId: string | undefined,
  status: Status | undefined,
): string {
  const conditions = [
    ...eventConditions(scope, { byDestination: destinationId !== undefined }),
    destinationId && `Destinations = ${quoted(destinationId)}`,
    status && statusCondition(status, destinationId),
  ]
  return conditions.filter(Boolean).join(' AND ')
}

function statusCondition(status: Status, destinationId: string | undefined): string {
  switch (status) {
    case 'Pending':
      return `ExecutionStatus = 'Running'`
    case 'Success':
      return destinationId
        ? `DeliveredDestinations = ${quoted(destinationId)}`
        : `EventStatus IN ('delivered', 'partial', 'pending')`
    case 'Error':
      return destinationId
        ? `FailingDestinations = ${quoted(destinationId)}`
        : `EventStatus IN ('failed', 'partial', 'pending')`
  }
}

type Found = Pick<Execution, 'workflowId' | 'runId' | 'memo'>

async function rowsOf({ temporal }: AppDeps, { workflowId, runId, memo }: Found) {
  const execution = await temporal.workflow.getHandle(workflowId, runId).describe()
  const { deliveries } = await readTimeline(temporal, execution)
  return deliveries
    .filter(({ channel }) => channel === 'webhook')
    .map((delivery) => ({ destinationId: delivery.destinationId, row: showRow(memo, delivery) }))
}

function showRow({ eventId, eventType, test }: Execution['memo'], delivery: Delivery) {
  const { destinationId, status, reason, attempts } = delivery
  const last = attempts.at(-1)
  return {
    status: statusOf(status),
    event: eventType,
    response_code: last?.responseCode ?? null,
    timestamp: last?.at ?? null,
    response: (last?.responseExcerpt || last?.error || reason) ?? null,
    attempts: attempts.length,
    event_id: eventId,
    webhook_id: destinationId === urlUnderTest ? null : webhookIdOf(destinationId),
    test: test === true,
  }
}

function statusOf(status: Delivery['status']): Status {
  if (status === 'delivered') return 'Success'
  return status === 'pending' || status === 'held' ? 'Pending' : 'Error'
}
