import type { Client } from '@temporalio/client'
import { inTenantTurn } from '../../db/client.ts'
import type { Scope } from '../../db/destinations/destinations.ts'
import { createErasure, findNewestErasure } from '../../db/erasures.ts'
import type { Erasure } from '../../db/generated/client.ts'
import { includedEvents } from '../../domain/redaction/erasure.ts'
import { isEventId } from '../../domain/event.ts'
import { findDescription } from '../../temporal/log/event-runs.ts'
import { readErasure } from '../../temporal/log/tombstone.ts'
import { eraseEventType, eraseWorkflowId, type EraseEventInput } from '../../workflows/contract/erasures.ts'
import { eventWorkflowId } from '../../workflows/contract/event.ts'
import { taskQueue } from '../../workflows/contract/task-queues.ts'
import type { AppDeps } from '../deps.ts'
import { notFound } from '../errors.ts'
import { scopeOf } from '../auth/caller.ts'
import { audit, type Writer } from '../audit/writer.ts'

interface Asked {
  eventId: string
  reason: string | undefined
}

/** Has an event erased. Asked for again it is the same erasure, as long as there is nothing left to be erased since. */
export async function eraseEvent(deps: AppDeps, writer: Writer, asked: Asked): Promise<Erasure> {
  const { db, temporal } = deps
  const scope = scopeOf(writer.caller)
  if (!isEventId(asked.eventId)) throw notFound('event')
  const held = await isHeld(deps, scope, asked.eventId)
  const erasure = await inTenantTurn(db, scope.tenantId, async (tx) => {
    const earlier = await findNewestErasure(tx, scope, asked.eventId)
    if (earlier && (!earlier.completedAt || !held)) return earlier
    if (!held) throw notFound('event')
    const made = await createErasure(tx, scope, asked)
    const after = { erasureId: made.id, ...(asked.reason !== undefined && { reason: asked.reason }) }
    await audit(tx, writer, { action: 'event.erased', subject: asked.eventId, after })
    return made
  })
  // Where a request broke off before this, the next one starts it.
  if (!erasure.completedAt) await start(temporal, erasure, scope)
  return erasure
}

async function start(client: Client, { id, eventId, createdAt }: Erasure, scope: Scope): Promise<void> {
  const input: EraseEventInput = { ...scope, eventId, erasureId: id, at: createdAt.toISOString() }
  await client.workflow.start(eraseEventType, {
    taskQueue,
    workflowId: eraseWorkflowId(input),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    priority: { fairnessKey: scope.tenantId },
    args: [input],
  })
}

/** Looking through an archive may take long: then it is taken to be there, and the erasure looks for it. */
const lookingMs = 5_000

/** Whether Temporal or the archive holds anything of the event that is not erased. */
async function isHeld({ temporal, archive }: AppDeps, scope: Scope, eventId: string): Promise<boolean> {
  const own = await findDescription(temporal, eventWorkflowId({ ...scope, eventId }))
  if (own) return !readErasure(own)
  if (!archive) return false
  const deadline = Date.now() + lookingMs
  for (const day of (await archive.days(scope)).toReversed()) {
    for await (const { event } of archive.read({ ...scope, day })) {
      if (event.data && includedEvents(event).some(({ id }) => id === eventId)) return true
      if (Date.now() > deadline) return true
    }
  }
  return false
}
