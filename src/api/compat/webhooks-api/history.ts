import type { Client } from '@temporalio/client'
import pMap from 'p-map'
import { routableDestinations, type Scope } from '../../../db/destinations/destinations.ts'
import { redactedPaths } from '../../../db/redaction.ts'
import type { ErasedEvent } from '../../../domain/redaction/erasure.ts'
import type { Event } from '../../../domain/event.ts'
import { createRedaction } from '../../../domain/redaction/payload.ts'
import { isOpen, summarizeDelivery, type DeliverySummary } from '../../../domain/delivery/timeline.ts'
import { dataspikeEnvelope } from '../../../domain/wire-formats/dataspike.ts'
import { readEventInput } from '../../../temporal/log/event-input.ts'
import {
  countExecutions,
  listExecutions,
  quoted,
  workflowConditions,
  type Execution,
} from '../../../temporal/log/executions.ts'
import { readTimeline } from '../../../temporal/log/timeline.ts'
import { walkOldestFirst, type WalkPosition } from '../../../temporal/log/walk.ts'
import { replayEventType, routeEventType, urlUnderTest } from '../../../workflows/contract/event.ts'
import { inBatches } from '../../../workflows/contract/lists.ts'
import type { AppDeps } from '../../deps.ts'
import { invalid } from '../../errors.ts'

/**
 * Events younger than this are left for the next page. The server's index lists events a little after they start and not in order,
 * so a late one would come before `after` and never be returned.
 */
const settlingMs = 2_000

export interface HistoryAsked {
  after?: string
  destinationId?: string
  limit: number
  /** When the tenant was created (no event is older). */
  since: Date
}

/**
 * Returns one page of webhook deliveries, ordered by the start of their events. A page contains whole events, so that an event's id
 * is a cursor. It has at least `limit` deliveries, if that many exist.
 */
export async function readHistory(deps: AppDeps, scope: Scope, asked: HistoryAsked) {
  const page: Invoked[] = []
  let count = 0
  let has_next = false
  for await (const invoked of invokedEvents(deps.temporal, scope, asked)) {
    has_next = count >= asked.limit
    if (has_next) break
    page.push(invoked)
    count += invoked.deliveries.length
  }
  return { data: await show(deps, scope, page), has_next }
}

/** An event with its webhook deliveries. */
interface Invoked {
  execution: Execution
  deliveries: DeliverySummary[]
}

/** Yields events oldest first, up to the first one that is not routed yet, because its deliveries are unknown. */
async function* invokedEvents(
  client: Client,
  scope: Scope,
  { after, destinationId, limit, since }: HistoryAsked,
): AsyncGenerator<Invoked> {
  const events = workflowConditions(scope, [routeEventType]).join(' AND ')
  const from = since.getTime()
  let place = after === undefined ? undefined : await toPosition(client, events, after)
  const until = await firstUnrouted(client, events, { from, after: place })
  const query = destinationId
    ? `${events} AND Destinations IN (${quoted(destinationId)}, ${quoted(inBatches)})`
    : `${events} AND EventStatus != 'unrouted'`
  for (;;) {
    const stretch = await walkOldestFirst(client, { query, from, until, after: place, wanted: limit + 1 })
    for (const execution of stretch.executions) {
      const deliveries = await listDeliveries(client, execution, destinationId)
      if (deliveries.length > 0) yield { execution, deliveries }
    }
    place = stretch.executions.at(-1)
    if (stretch.complete || !place) return
  }
}

async function toPosition(client: Client, events: string, eventId: string): Promise<WalkPosition> {
  const { executions } = await listExecutions(client, `${events} AND EventId = ${quoted(eventId)}`, 1)
  const [found] = executions
  if (!found) throw invalid([{ path: 'after', message: 'is not the id of an event in this history' }])
  return found
}

/** Returns the time until which history is final: the start of the oldest event that is not routed yet, or a moment ago. */
async function firstUnrouted(
  client: Client,
  events: string,
  { from, after }: { from: number; after: WalkPosition | undefined },
): Promise<number> {
  const until = Date.now() - settlingMs
  const query = `${events} AND ExecutionStatus = 'Running' AND Destinations IS NULL`
  if ((await countExecutions(client, query)) === 0) return until
  const { executions } = await walkOldestFirst(client, { query, from, until, after, wanted: 1 })
  const [first] = executions
  return first ? Number(first.startedAt / 1_000_000n) : until
}

async function listDeliveries(
  client: Client,
  execution: Execution,
  destinationId: string | undefined,
): Promise<DeliverySummary[]> {
  const deliveries = await listAllDeliveries(client, execution)
  return deliveries.filter(
    (delivery) =>
      delivery.channel === 'webhook' &&
      delivery.destinationId !== urlUnderTest &&
      delivery.destinationId === (destinationId ?? delivery.destinationId) &&
      (delivery.status !== 'skipped' || delivery.attempts > 0),
  )
}

/** Reads deliveries from the memo or, if child workflows made some of the attempts, from the log. */
async function listAllDeliveries(
  client: Client,
  { workflowId, runId, memo: { summary } }: Execution,
): Promise<DeliverySummary[]> {
  if (!summary?.batched) return summary?.deliveries ?? []
  const execution = await client.workflow.getHandle(workflowId, runId).describe()
  const { deliveries } = await readTimeline(client, execution)
  return deliveries.map(summarizeDelivery)
}

/** Number of payloads that are read from Temporal at once. */
const concurrency = 20

async function show({ temporal, db }: AppDeps, scope: Scope, page: readonly Invoked[]) {
  const ids = [
    ...new Set(page.flatMap(({ deliveries }) => deliveries.map(({ destinationId }) => destinationId))),
  ]
  const [destinations, replays, paths] = await Promise.all([
    routableDestinations(db, scope, ids),
    readReplays(temporal, scope, page),
    redactedPaths(db, scope.tenantId),
  ])
  const invocations = await pMap(
    page,
    async ({ execution: { workflowId, runId, memo }, deliveries }) => {
      const event = redacted((await readEventInput(temporal, workflowId, runId)).event, paths)
      return deliveries.map((delivery) => {
        const { destinationId: id } = delivery
        const { eventTypes } = destinations.find((one) => one.id === id)?.subscription ?? { eventTypes: [] }
        const envelope = dataspikeEnvelope({ event, destination: { id, eventTypes } })
        const runs = [delivery, ...(replays.get(`${memo.eventId}/${id}`) ?? [])]
        return { ...envelope, is_sandbox: event.environment === 'sandbox', ...showRuns(runs) }
      })
    },
    { concurrency },
  )
  return invocations.flat()
}

/** Returns the event with the tenant's redactions, or with an empty payload if it was erased. */
function redacted(event: Event | ErasedEvent, paths: readonly string[]): Event {
  return { ...event, data: event.data ? createRedaction(event, paths).data : {} }
}

/** Returns the deliveries of later runs, by `event/destination`. */
async function readReplays(
  client: Client,
  scope: Scope,
  page: readonly Invoked[],
): Promise<Map<string, DeliverySummary[]>> {
  const found = new Map<string, DeliverySummary[]>()
  if (page.length === 0) return found
  const ids = page.map(({ execution }) => quoted(execution.memo.eventId)).join(', ')
  const query = [...workflowConditions(scope, [replayEventType]), `EventId IN (${ids})`].join(' AND ')
  const { executions } = await listExecutions(client, query, maxReplays)
  for (const execution of executions) {
    for (const delivery of await listAllDeliveries(client, execution)) {
      const key = `${execution.memo.eventId}/${delivery.destinationId}`
      found.set(key, [...(found.get(key) ?? []), delivery])
    }
  }
  return found
}

/** Maximum number of replays for the events of one page. It is the most that one query returns. */
const maxReplays = 1000

/** Summarizes one invocation over all its runs: attempts are added up, and the newest run determines the status. */
function showRuns(runs: readonly DeliverySummary[]) {
  const newest = [...runs].sort((left, right) => time(left).localeCompare(time(right))).at(-1)
  const settled = newest && !isOpen(newest)
  return {
    attempts: runs.reduce((sum, { attempts }) => sum + attempts, 0),
    response_code: settled ? (newest.responseCode ?? 0) : null,
    last_attempt_at: newest?.lastAttemptAt ?? null,
  }
}

function time({ lastAttemptAt = '' }: DeliverySummary): string {
  return lastAttemptAt
}
