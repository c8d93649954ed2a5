import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { pMapIterable } from 'p-map'
import type { Archive, ArchivedRun, ArchivePlace } from '../archive/archive.ts'
import { lineOf } from '../archive/lines.ts'
import { closedExecutions, type Span } from '../temporal/closed-executions.ts'
import { readEventInput } from '../temporal/event-input.ts'
import type { Execution } from '../temporal/executions.ts'
import { isNotFound } from '../temporal/grpc.ts'
import { readTimeline } from '../temporal/timeline.ts'
import { replayEventType, routeEventType } from '../workflows/contract.ts'

/** Each asks Temporal four questions; so many runs are held in memory at most. */
const concurrency = 10

/**
 * Archives the runs that ended within a span of a day, each place whole or not at all, in the order of their end. Answers with
 * how many. `carryOn` is called before each and throws to give up.
 */
export async function archiveDay(
  client: Client,
  archive: Archive,
  { day, ...span }: Span & { day: string },
  carryOn: () => void,
): Promise<number> {
  // For our account alone, as the archive itself.
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-archive-'))
  try {
    const places = new Map<string, ArchivePlace>()
    let runs = 0
    for await (const run of readRuns(client, span)) {
      carryOn()
      const { tenantId, environment } = run.event
      const file = join(folder, `${tenantId}-${environment}.jsonl`)
      await appendFile(file, lineOf(run), { mode: 0o600 })
      places.set(file, { tenantId, environment, day })
      runs += 1
    }
    for (const [file, place] of places) {
      carryOn()
      await archive.put(place, file)
    }
    return runs
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The children's part of a log is in their event's. */
async function* readRuns(client: Client, span: Span): AsyncGenerator<ArchivedRun> {
  const executions = closedExecutions(client, [routeEventType, replayEventType], span)
  for await (const run of pMapIterable(executions, (one) => readRun(client, one), { concurrency }))
    if (run) yield run
}

/** Nothing where Temporal has forgotten it since it was listed. */
async function readRun(client: Client, { workflowId, runId }: Execution): Promise<ArchivedRun | undefined> {
  try {
    const execution = await client.workflow.getHandle(workflowId, runId).describe()
    const [{ event, replay }, timeline] = await Promise.all([
      readEventInput(client, workflowId, runId),
      readTimeline(client, execution),
    ])
    const { startTime, closeTime = startTime } = execution
    return {
      event,
      ...(replay && { replayId: replay.id }),
      startedAt: startTime.toISOString(),
      endedAt: closeTime.toISOString(),
      timeline,
    }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
