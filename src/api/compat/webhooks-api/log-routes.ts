import type { Client, WorkflowExecutionDescription } from '@temporalio/client'
import pMap from 'p-map'
import { z } from 'zod'
import type { Scope } from '../../../db/destinations/destinations.ts'
import { redactedPaths } from '../../../db/redaction.ts'
import { createRedaction } from '../../../domain/redaction/payload.ts'
import {
  isOpen,
  type Delivery,
  type DeliverySummary,
  type Timeline,
} from '../../../domain/delivery/timeline.ts'
import { readEventInput } from '../../../temporal/log/event-input.ts'
import {
  listExecutions,
  quoted,
  workflowConditions,
  type Execution,
} from '../../../temporal/log/executions.ts'
import { readTimeline } from '../../../temporal/log/timeline.ts'
import {
  deliverBatchType,
  replayBatchType,
  replayEventType,
  routeEventType,
  urlUnderTest,
} from '../../../workflows/contract/event.ts'
import type { EventMemo } from '../../../workflows/contract/lists.ts'
import type { AppDeps } from '../../deps.ts'
import { notFound } from '../../errors.ts'
import { describeEvent, refuseBadCursor } from '../../events/log.ts'
import { route } from '../../http/route.ts'
import { testEventId } from '../../destinations/test-event.ts'
import { destinationIdAsked, toWebhookId } from './ids.ts'

const statuses = ['Success', 'Error', 'Pending'] as const
type Status = (typeof statuses)[number]

/** A row of the "Webhook Logs" in the Smart KYC document: one delivery, as of its newest attempt. */
const logRow = z
  .object({
    status: z.enum(statuses),
    event: z.string().meta({ description: 'The event’s type.' }),
    response_code: z.int().nullable(),
    timestamp: z.string().nullable().meta({ description: 'When it was last sent.' }),
    response: z
      .string()
      .nullable()
      .meta({ description: 'The server’s response, or the reason why there is none.' }),
    attempts: z.int(),
    event_id: z.string(),
    webhook_id: z.guid().nullable(),
    test: z.boolean(),
  })
  .meta({ id: 'WebhookLogRow' })

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
    operationId: 'listWebhookLogs',
    access: { scope: 'deliveries:read' },
    queryKey: true,
    summary: 'List webhook deliveries: pending ones first, then the most recently ended',
    query: listQuery,
    errors: ['not_found'],
    replies: {
      200: z
        .object({ logs: z.array(logRow), next_cursor: z.string().nullable() })
        .meta({ id: 'WebhookLogs' }),
    },
    async handle({ query: { webhook, status, limit, cursor }, scope }, deps) {
      const destinationId = destinationIdAsked(webhook)
      const query = visibilityQuery(scope, destinationId, status)
      const wanted = (delivery: Wanted) => isWanted(delivery, { destinationId, status })
      const { found, nextCursor } = await findDeliveries(deps, query, wanted, { limit, cursor })
      const paths = await redactedPaths(deps.db, scope.tenantId)
      const rows = await pMap(
        found,
        async ({ workflowId, runId }) =>
          toRows(deps, await deps.temporal.workflow.getHandle(workflowId, runId).describe(), wanted, paths),
        { concurrency: 20 },
      )
      return { status: 200, body: { logs: rows.flat(), next_cursor: nextCursor } }
    },
  }),
  route({
    method: 'get',
    path: '/webhooks/logs/:log_id/',
    operationId: 'getWebhookLog',
    access: { scope: 'deliveries:read' },
    queryKey: true,
    summary: 'Look up a test delivery by its log_id (Webhooks API)',
    replies: { 200: logRow.extend({ log_id: z.int() }).meta({ id: 'WebhookLog' }) },
    async handle({ params, scope }, deps) {
      const logId = /^[1-9]\d{0,9}$/.test(params.log_id) ? Number(params.log_id) : undefined
      if (logId === undefined) throw notFound('log')
      const execution = await describeEvent(deps, scope, testEventId(logId))
      const paths = await redactedPaths(deps.db, scope.tenantId)
      const [row] = await toRows(deps, execution, ({ channel }) => channel === 'webhook', paths)
      if (!row?.test) throw notFound('log')
      return { status: 200, body: { log_id: logId, ...row } }
    },
  }),
]

const runTypes = [routeEventType, replayEventType]
/** Child workflows. They make a run with very many deliveries findable by destination. */
const batchTypes = [deliverBatchType, replayBatchType]

/** Finds runs of events, replays included, that may contain matching deliveries. */
function visibilityQuery(
  scope: Scope,
  destinationId: string | undefined,
  status: Status | undefined,
): string {
  const conditions = [
    ...workflowConditions(scope, destinationId ? [...runTypes, ...batchTypes] : runTypes),
    destinationId && `Destinations = ${quoted(destinationId)}`,
    destinationId && status === 'Success' && `DeliveredDestinations = ${quoted(destinationId)}`,
    status === 'Pending' && `ExecutionStatus = 'Running'`,
  ]
  return conditions.filter(Boolean).join(' AND ')
}

type Wanted = Pick<DeliverySummary, 'destinationId' | 'channel' | 'status'>

function isWanted(
  { channel, destinationId, status }: Wanted,
  asked: { destinationId: string | undefined; status: Status | undefined },
): boolean {
  return (
    channel === 'webhook' &&
    destinationId === (asked.destinationId ?? destinationId) &&
    toStatus(status) === (asked.status ?? toStatus(status))
  )
}

/** Maximum number of pages read per request. If a filter matches little, the response may hold fewer than `limit` rows. */
const maxPages = 20

/** Finds runs with matching deliveries by their memos, reading pages until the limit is reached. */
async function findDeliveries(
  { temporal }: AppDeps,
  query: string,
  wanted: (delivery: Wanted) => boolean,
  { limit, cursor }: { limit: number; cursor: string | undefined },
) {
  const found: Execution[] = []
  let nextCursor = cursor ?? null
  for (let pages = 0; pages < maxPages && found.length < limit; pages++) {
    const page = await listExecutions(temporal, query, limit - found.length, nextCursor ?? undefined).catch(
      refuseBadCursor,
    )
    found.push(...page.executions.filter(({ memo }) => memo.summary?.deliveries.some(wanted) ?? true))
    nextCursor = page.nextCursor
    if (nextCursor === null) break
  }
  return { found, nextCursor }
}

async function toRows(
  { temporal }: AppDeps,
  execution: WorkflowExecutionDescription,
  wanted: (delivery: Wanted) => boolean,
  paths: readonly string[],
) {
  const timeline = await readTimeline(temporal, execution)
  const { deliveries } = await redactQuotations(temporal, execution, timeline, paths)
  const memo = execution.memo as unknown as EventMemo
  return deliveries.filter(wanted).map((delivery) => showRow(memo, delivery))
}

/** Redacts responses, which may quote the event. The event has to be read for this. */
async function redactQuotations(
  client: Client,
  { workflowId, runId }: WorkflowExecutionDescription,
  timeline: Timeline,
  paths: readonly string[],
): Promise<Timeline> {
  if (paths.length === 0) return timeline
  const { event } = await readEventInput(client, workflowId, runId)
  return event.data ? createRedaction(event, paths).timeline(timeline) : timeline
}

function showRow({ eventId, eventType, test }: EventMemo, delivery: Delivery) {
  const { destinationId, status, reason, attempts } = delivery
  const last = attempts.at(-1)
  return {
    status: toStatus(status),
    event: eventType,
    response_code: last?.responseCode ?? null,
    timestamp: last?.at ?? null,
    response: (last?.responseExcerpt || last?.error || reason) ?? null,
    attempts: attempts.length,
    event_id: eventId,
    webhook_id: destinationId === urlUnderTest ? null : toWebhookId(destinationId),
    test: test === true,
  }
}

function toStatus(status: Delivery['status']): Status {
  if (status === 'delivered') return 'Success'
  return isOpen({ status }) ? 'Pending' : 'Error'
}
