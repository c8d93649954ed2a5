import type { Client } from '@temporalio/client'
import pMap from 'p-map'
import { destinationsToReplay, isAsked, type ReplayFilter, type SkipReason } from '../../domain/replay.ts'
import { givenUp, type DeliverySummary } from '../../domain/delivery/timeline.ts'
import { deliverBatchType, routeEventType } from '../../workflows/contract/event.ts'
import { missedBy, missedByMany } from '../../workflows/contract/lists.ts'
import type { Replayable, ReplayEventsInput } from '../../workflows/contract/replays.ts'
import { isNotFound } from '../grpc.ts'
import {
  countExecutions,
  listExecutions,
  quoted,
  typeCondition,
  workflowConditions,
  type Execution,
} from './executions.ts'
import { readSummary } from './summary.ts'
import { readTimeline } from './timeline.ts'
import { walkOldestFirst, type WalkPosition } from './walk.ts'

/** Events at one position in the walk over a replay's events. */
export interface ReplayablePage {
  found: Replayable[]
  /** Found, but without information on what to replay. */
  skipped: SkipReason[]
  cursor: string | undefined
  /** There are no others. */
  complete: boolean
}

/** A page holds this many events or a little more: few enough for a workflow to carry with it. */
const wanted = 100
const maxReplayablePage = 200

/** An event's workflow starts after the event was accepted, and by another machine's clock. */
const clockSlackMs = 60_000

/** Logs read concurrently. */
const concurrency = 10

/** The approximate number of events that a replay asks for: deliveries in child workflows and tests make it inexact. */
export function countInLog(client: Client, input: ReplayEventsInput): Promise<number> {
  const { from, to } = input.filter
  const between = [`StartTime >= ${time(from)}`, `StartTime < ${time(to)}`]
  return countExecutions(client, [...conditions(input), ...between].join(' AND '))
}

/** The next events that a replay asks for, oldest first, after the position at which the previous page ended. */
export async function findInLog(
  client: Client,
  input: ReplayEventsInput,
  cursor: string | undefined,
): Promise<ReplayablePage> {
  const { filter, createdAt } = input
  const walk = {
    query: conditions(input).join(' AND '),
    from: Date.parse(filter.from) - clockSlackMs,
    until: Date.parse(createdAt) + clockSlackMs,
    after: cursor === undefined ? undefined : readCursor(cursor),
    wanted,
  }
  const { executions, complete } = await walkOldestFirst(client, walk)
  const page = executions.slice(0, maxReplayablePage)
  const last = page.at(-1)
  const read = await readPage(
    client,
    filter,
    page.filter(({ memo }) => isAsked(filter, memo)),
    conditions(input),
  )
  return {
    found: read.filter((one) => typeof one !== 'string'),
    skipped: read.filter((one) => typeof one === 'string'),
    cursor: last ? makeCursor(last) : cursor,
    complete: complete && page.length === executions.length,
  }
}

/**
 * The conditions to search for. For an event with very many destinations, a child workflow has the requested one, and it starts
 * later than its event.
 */
function conditions(input: ReplayEventsInput): string[] {
  const { filter } = input
  const { type, destination, to } = filter
  const types = destination === undefined ? [routeEventType] : [routeEventType, deliverBatchType]
  const latest = time(Date.parse(to) + clockSlackMs)
  return [
    ...workflowConditions(input, types),
    `(StartTime < ${latest} OR WorkflowType = ${quoted(deliverBatchType)})`,
    ...(type === undefined ? [] : [typeCondition(type)]),
    destination === undefined ? statusCondition(filter) : destinationCondition(filter, destination),
  ]
}

/** A run that is over while its event is `pending` was ended early, by an operator, say: its deliveries were given up. */
function statusCondition({ status, rules }: ReplayFilter): string {
  const ended = `ExecutionStatus != 'Running'`
  // Events without a destination are worth repeating only if they are routed again.
  if (status === 'all' && rules) return ended
  if (status === 'all') return `${ended} AND EventStatus != 'unrouted'`
  return `${ended} AND EventStatus IN ('failed', 'partial', 'pending')`
}

function destinationCondition({ status }: ReplayFilter, destination: string): string {
  const id = quoted(destination)
  const ended = `ExecutionStatus != 'Running'`
  const failed = `(${ended} AND (FailingDestinations = ${id} OR (Destinations = ${id} AND EventStatus = 'pending')))`
  const missed = `Destinations IN (${quoted(missedBy(destination))}, ${quoted(missedByMany)})`
  switch (status) {
    case 'failed':
      return failed
    case 'missed':
      return missed
    case 'undelivered':
      return `(${failed} OR ${missed})`
    case 'all':
      return `((${ended} AND Destinations = ${id}) OR ${missed})`
  }
}

async function readPage(
  client: Client,
  filter: ReplayFilter,
  page: readonly Execution[],
  query: readonly string[],
): Promise<(Replayable | SkipReason)[]> {
  const crowded = filter.destination === undefined ? new Set() : await selectMissedByMany(client, page, query)
  const read = await pMap(
    page,
    async (execution): Promise<Replayable | SkipReason | undefined> => {
      const { workflowId, runId, memo } = execution
      if (memo.erased) return 'erased'
      const whole = { eventId: memo.eventId, workflowId, runId }
      if (filter.rules && filter.status === 'all') return whole
      const needsLog = crowded.has(workflowId) || endedEarly(filter, execution)
      const destinations = needsLog
        ? await fromLog(client, filter, execution)
        : fromSummary(filter, readSummary(execution).deliveries)
      if (typeof destinations === 'string') return destinations
      if (destinations?.length === 0) return undefined
      return { ...whole, ...(destinations && !filter.rules && { destinations }) }
    },
    { concurrency },
  )
  return read.filter((one) => one !== undefined)
}

/** The memo of a run that was ended early may be incomplete for it and its children. */
function endedEarly({ destination }: ReplayFilter, execution: Execution): boolean {
  return destination === undefined && execution.endedEarly
}

/** Among these executions, those that name only some of the destinations that missed the event: the log has the others. */
async function selectMissedByMany(
  client: Client,
  page: readonly Execution[],
  query: readonly string[],
): Promise<Set<string>> {
  if (page.length === 0) return new Set()
  const ids = page.map(({ memo }) => quoted(memo.eventId)).join(', ')
  const crowded = [...query, `Destinations = ${quoted(missedByMany)}`, `EventId IN (${ids})`].join(' AND ')
  const { executions } = await listExecutions(client, crowded, maxCrowded)
  return new Set(executions.map(({ workflowId }) => workflowId))
}

/** The size limit of one query; a page is far smaller. */
const maxCrowded = 1000

/**
 * A summary does not name the destinations that missed the event. The query found it because it has ended or because the
 * destination missed it.
 */
function fromSummary(filter: ReplayFilter, deliveries: readonly DeliverySummary[]): string[] {
  const { destination } = filter
  if (destination === undefined) return destinationsToReplay(filter, { deliveries, routing: [] })
  const own = deliveries.filter(({ destinationId }) => destinationId === destination)
  const missed = { destinationId: destination, missed: true } as const
  if (own.length === 0) return destinationsToReplay(filter, { deliveries: [], routing: [missed] })
  const made = own.map((one) => ({ ...one, ...(one.status === 'skipped' && missed) }))
  return destinationsToReplay(filter, { deliveries: made, routing: [] })
}

/**
 * Uses the whole log, or the summary in the memo if no worker answers; `undefined` if the run was ended before it was routed, so
 * that today's routing decides.
 */
async function fromLog(
  client: Client,
  filter: ReplayFilter,
  { workflowId, runId }: Execution,
): Promise<string[] | SkipReason | undefined> {
  try {
    const execution = await client.workflow.getHandle(workflowId, runId).describe()
    const log = await readTimeline(client, execution)
    if (filter.destination === undefined) {
      if (log.deliveries.length + log.routing.length === 0) return undefined
    } else if (log.incomplete) return 'log_unreadable' // A summary does not name the destinations that missed the event.
    const { deliveries, routing } = log
    const running = execution.status.name === 'RUNNING'
    return destinationsToReplay(filter, {
      deliveries: running ? deliveries : deliveries.map(givenUp),
      routing,
    })
  } catch (error) {
    if (isNotFound(error)) return 'forgotten'
    throw error
  }
}

function time(at: string | number): string {
  return quoted(new Date(at).toISOString())
}

function makeCursor({ startedAt, workflowId }: WalkPosition): string {
  return `${startedAt} ${workflowId}`
}

function readCursor(cursor: string): WalkPosition {
  const [startedAt = '', workflowId = ''] = cursor.split(' ')
  return { startedAt: BigInt(startedAt), workflowId }
}
