import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { pMapIterable } from 'p-map'
import type { Archive, ArchivedRun, ArchiveDay } from '../../archive/archive.ts'
import { toLine } from '../../archive/lines.ts'
import { inScratchFolder, putWithoutErased } from '../../archive/rewrite.ts'
import { inArchiveTurn } from '../../db/archive-turns.ts'
import type { Db } from '../../db/client.ts'
import { findErasuresSince } from '../../db/erasures.ts'
import { redactedPaths } from '../../db/redaction.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { createRedaction } from '../../domain/redaction/payload.ts'
import { closedExecutions, type Span } from '../../temporal/counts/closed-executions.ts'
import { readEventInput } from '../../temporal/log/event-input.ts'
import type { Execution } from '../../temporal/log/executions.ts'
import { isNotFound } from '../../temporal/grpc.ts'
import { readErasure, originalStart } from '../../temporal/log/tombstone.ts'
import { readTimeline } from '../../temporal/log/timeline.ts'
import { replayEventType, routeEventType } from '../../workflows/contract/event.ts'

/** Allowance for clock differences: the time of an erasure comes from another machine. */
const clockSlackMs = 60_000

/** Each run takes four requests to Temporal, and at most this many runs are held in memory. */
const concurrency = 10

/**
 * Archives the runs that ended within a span of a day, one file per tenant and environment, atomically and in the order of their
 * end. Returns how many. Erased events and deleted tenants do not reappear, even if that happens meanwhile. Calls
 * `throwIfCancelled` before each run.
 */
export async function archiveDay(
  { client, db, archive }: { client: Client; db: Db; archive: Archive },
  { day, ...span }: Span & { day: string },
  throwIfCancelled: () => void,
): Promise<number> {
  const begunAt = new Date(Date.now() - clockSlackMs)
  return inScratchFolder(async (folder) => {
    const places = new Map<string, ArchiveDay>()
    const pathsOf = createRedactedPaths(db)
    let runs = 0
    for await (const run of readRuns(client, span)) {
      throwIfCancelled()
      const { tenantId, environment } = run.event
      const file = join(folder, `${tenantId}-${environment}.jsonl`)
      await appendFile(file, toLine(redact(run, await pathsOf(tenantId))), { mode: 0o600 })
      places.set(file, { tenantId, environment, day })
      runs += 1
    }
    for (const [file, place] of places) {
      throwIfCancelled()
      await inArchiveTurn(db, place.tenantId, async (tx) =>
        putWithoutErased(archive, place, file, await findErasuresSince(tx, toScope(place), begunAt)),
      )
    }
    return runs
  })
}

/** Read once per tenant and archived day. */
function createRedactedPaths(db: Db): (tenantId: string) => Promise<string[]> {
  const known = new Map<string, Promise<string[]>>()
  return (tenantId) => {
    const paths = known.get(tenantId) ?? redactedPaths(db, tenantId)
    known.set(tenantId, paths)
    return paths
  }
}

/** Redacts a line by its tenant's paths and marks it if anything was redacted. */
function redact(run: ArchivedRun, paths: readonly string[]): ArchivedRun {
  if (run.erased) return run
  const { data, found, timeline } = createRedaction(run.event, paths)
  if (!found) return run
  return { ...run, event: { ...run.event, data }, timeline: timeline(run.timeline), redacted: true }
}

function toScope({ tenantId, environment }: ArchiveDay) {
  return { tenantId, environment }
}

/** An event's log includes its children's part. */
async function* readRuns(client: Client, span: Span): AsyncGenerator<ArchivedRun> {
  const executions = closedExecutions(client, [routeEventType, replayEventType], span)
  for await (const run of pMapIterable(executions, (one) => readRun(client, one), { concurrency }))
    if (run) yield run
}

/** Returns the tombstone if the run was erased after it was listed, and nothing if Temporal has deleted it. */
async function readRun(client: Client, { workflowId, runId }: Execution): Promise<ArchivedRun | undefined> {
  const run = await readExecution(client, workflowId, runId)
  if (run) return run
  const now = await readExecution(client, workflowId)
  return now?.erased && now
}

async function readExecution(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<ArchivedRun | undefined> {
  try {
    const execution = await client.workflow.getHandle(workflowId, runId).describe()
    const [input, timeline] = await Promise.all([
      readEventInput(client, workflowId, execution.runId),
      readTimeline(client, execution),
    ])
    const { startTime, closeTime = startTime } = execution
    const facts = definedOnly({
      replayId: input.replay?.id,
      startedAt: originalStart(execution).toISOString(),
      endedAt: readErasure(execution)?.endedAt ?? closeTime.toISOString(),
      timeline,
    })
    if (!('erased' in input)) return { event: input.event, ...facts }
    return { event: input.event, erased: input.erased, ...facts }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
