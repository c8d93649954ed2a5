import type { Client } from '@temporalio/client'
import { stillToReplay, type LaterRuns, type SkipReason } from '../../domain/replay.ts'
import { isOpen } from '../../domain/delivery/timeline.ts'
import { replayEventType } from '../../workflows/contract/event.ts'
import type { Replayable, ReplayEventsInput } from '../../workflows/contract/replays.ts'
import { listAllExecutions, quoted, workflowConditions, type Execution } from './executions.ts'
import { readReplayId, readSummary } from './summary.ts'

/** The number of events per query. */
const eventsAtOnce = 100

/**
 * Leaves out what later runs of the same events have delivered or are still at, and what this replay has started before: an
 * event can be found twice.
 */
export async function withoutLaterRuns(
  client: Client,
  input: ReplayEventsInput,
  found: readonly Replayable[],
): Promise<{ waiting: Replayable[]; skipped: SkipReason[] }> {
  const unique = [...new Map(found.map((one) => [one.eventId, one])).values()]
  const later = await readLaterRuns(client, input, unique)
  const waiting: Replayable[] = []
  const skipped: SkipReason[] = []
  for (const one of unique) {
    const runs = later.get(one.eventId) ?? { own: false, delivered: new Set(), pending: new Set() }
    if (runs.own) continue
    const left = stillToReplay(input.filter.status, one.destinations, runs)
    if ('skipped' in left) skipped.push(left.skipped)
    else waiting.push({ ...one, ...left })
  }
  return { waiting, skipped }
}

interface Later extends LaterRuns {
  delivered: Set<string>
  pending: Set<string> | 'all'
  /** This replay has started the event already. */
  own: boolean
}

async function readLaterRuns(
  client: Client,
  input: ReplayEventsInput,
  events: readonly Replayable[],
): Promise<Map<string, Later>> {
  const later = new Map<string, Later>()
  for (let at = 0; at < events.length; at += eventsAtOnce) {
    const query = laterRunsQuery(input, events.slice(at, at + eventsAtOnce))
    for (const run of await listAllExecutions(client, query)) add(getOrCreateLater(later, run), run, input)
  }
  return later
}

function laterRunsQuery(input: ReplayEventsInput, events: readonly Replayable[]): string {
  const conditions = [
    ...workflowConditions(input, [replayEventType]),
    `EventId IN (${events.map(({ eventId }) => quoted(eventId)).join(', ')})`,
  ]
  return conditions.join(' AND ')
}

function getOrCreateLater(later: Map<string, Later>, { memo }: Execution): Later {
  const known = later.get(memo.eventId) ?? { own: false, delivered: new Set(), pending: new Set() }
  later.set(memo.eventId, known)
  return known
}

function add(later: Later, run: Execution, { id }: ReplayEventsInput): void {
  const { memo, endedAt } = run
  if (readReplayId(run) === id) later.own = true
  // Without a summary, it is not routed yet or making its first attempts.
  if (endedAt === undefined && !memo.summary) later.pending = 'all'
  for (const delivery of readSummary(run).deliveries) {
    const { destinationId, status } = delivery
    if (status === 'delivered') later.delivered.add(destinationId)
    if (isOpen(delivery) && later.pending !== 'all') later.pending.add(destinationId)
  }
}
