import { inTenantTurn } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { createErasure, findNewestErasure } from '../../db/erasures.ts'
import type { Erasure } from '../../db/generated/client.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { includedEvents } from '../../domain/redaction/erasure.ts'
import { isEventId } from '../../domain/event.ts'
import { findDescription } from '../../temporal/log/event-runs.ts'
import { readErasure } from '../../temporal/log/tombstone.ts'
import { startJob } from '../../temporal/start-job.ts'
import { eraseEventType, eraseWorkflowId, type EraseEventInput } from '../../workflows/contract/erasures.ts'
import { eventWorkflowId } from '../../workflows/contract/event.ts'
import type { AppDeps } from '../deps.ts'
import { notFound } from '../errors.ts'
import type { Writer } from '../auth/caller.ts'
import { audit } from '../audit/writer.ts'

interface Asked {
  eventId: string
  reason: string | undefined
}

/** Starts the erasure of an event. A repeated call returns the same erasure, unless there is new data to erase. */
export async function eraseEvent(deps: AppDeps, writer: Writer, asked: Asked): Promise<Erasure> {
  const { db } = deps
  const { scope } = writer
  if (!isEventId(asked.eventId)) throw notFound('event')
  const held = await isHeld(deps, scope, asked.eventId)
  const erasure = await inTenantTurn(db, scope.tenantId, async (tx) => {
    const earlier = await findNewestErasure(tx, scope, asked.eventId)
    if (earlier && (!earlier.completedAt || !held)) return earlier
    if (!held) throw notFound('event')
    const made = await createErasure(tx, scope, asked)
    const after = definedOnly({ erasureId: made.id, reason: asked.reason })
    await audit(tx, writer, { action: 'event.erased', subject: asked.eventId, after })
    return made
  })
  // Also starts the workflow if an earlier request failed between these two steps.
  if (!erasure.completedAt) await start(deps, erasure, scope)
  return erasure
}

async function start(
  { temporal }: AppDeps,
  { id, eventId, createdAt }: Erasure,
  scope: Scope,
): Promise<void> {
  const input: EraseEventInput = { ...scope, eventId, erasureId: id, at: createdAt.toISOString() }
  await startJob(temporal, eraseEventType, {
    workflowId: eraseWorkflowId(input),
    input,
    duplicate: 'join',
    priority: { fairnessKey: scope.tenantId },
  })
}

/**
 * Time limit for searching the archive. If it is exceeded, the event is assumed to be archived, and the erasure searches for it.
 */
const searchMs = 5_000

/** Returns whether Temporal or the archive holds data of the event that is not erased. */
async function isHeld({ temporal, archive }: AppDeps, scope: Scope, eventId: string): Promise<boolean> {
  const own = await findDescription(temporal, eventWorkflowId({ ...scope, eventId }))
  if (own) return !readErasure(own)
  if (!archive) return false
  const deadline = Date.now() + searchMs
  for (const day of (await archive.days(scope)).toReversed()) {
    for await (const { event } of archive.read({ ...scope, day })) {
      if (event.data && includedEvents(event).some(({ id }) => id === eventId)) return true
      if (Date.now() > deadline) return true
    }
  }
  return false
}
