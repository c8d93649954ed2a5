import { isDeepStrictEqual } from 'node:util'
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client'
import { routableDestinations, type Scope } from '../../db/destinations/destinations.ts'
import { findErasures } from '../../db/erasures.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { findRequest, includedEvents } from '../../domain/redaction/erasure.ts'
import type { Event } from '../../domain/event.ts'
import { withHops } from '../../domain/hops.ts'
import { readEventInput } from '../../temporal/log/event-input.ts'
import { startReplayRun } from '../../temporal/start-event.ts'
import { replayWorkflowId } from '../../workflows/contract/event.ts'
import type { AppDeps } from '../deps.ts'
import { invalid } from '../errors.ts'
import { describeUnerasedEvent, erasedError } from '../events/log.ts'
import { chooseReplayId } from './ids.ts'
import type { Writer } from '../auth/caller.ts'
import { actAudited, asJson } from '../audit/writer.ts'

/**
 * Starts a replay of an event: same event id, new timestamps and signatures. It appears in the event's log. A repeated request
 * (same idempotency key, or the same body while the replay runs) returns the same replay.
 */
export async function startReplay(
  deps: AppDeps,
  writer: Writer,
  { eventId, destinations, hops }: ReplayRequest,
  idempotencyKey: string | undefined,
): Promise<{ replayId: string; duplicate?: true }> {
  const { scope } = writer
  const { temporal } = deps
  const execution = await describeUnerasedEvent(deps, scope, eventId)
  if (destinations) await requireDestinations(deps, scope, destinations)
  const input = await readEventInput(temporal, execution.workflowId, execution.runId)
  if ('erased' in input) throw erasedError()
  const { event, digest } = input
  await refuseErasing(deps, scope, event)
  if (event.test && !destinations)
    throw invalid([{ path: 'destinations', message: 'is required because test events are not routed' }])
  const workflowIdFor = (id: string) => replayWorkflowId(execution.workflowId, id)
  const { id: replayId, known } = await chooseReplayId(
    temporal,
    {
      parts: [scope.tenantId, scope.environment, eventId],
      idempotencyKey,
      bodyHash: destinations?.join(',') ?? '',
    },
    workflowIdFor,
  )
  if (known) return recognise(temporal, workflowIdFor(replayId), { replayId, destinations })
  const done = { action: 'event.replayed', subject: eventId, after: asJson({ replayId, destinations }) }
  const start = () =>
    startReplayRun(
      temporal,
      definedOnly({ event: withHops(event, hops), digest, replay: { id: replayId, destinations } }),
      { eager: deps.eagerStart },
    )
  try {
    await deps.admission.admit(scope.tenantId, 1, (startInSlot) =>
      startInSlot(workflowIdFor(replayId), () => actAudited(deps.db, writer, done, start)),
    )
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return recognise(temporal, workflowIdFor(replayId), { replayId, destinations })
  }
  return { replayId }
}

interface ReplayRequest {
  eventId: string
  destinations: string[] | undefined
  /** The number of webhooks in the chain that led to the request. */
  hops: number
}

/** Returns the replay that an identical request has started, or throws 422 if the key was used for other destinations. */
async function recognise(
  temporal: Client,
  workflowId: string,
  { replayId, destinations }: { replayId: string; destinations: string[] | undefined },
) {
  const input = await readEventInput(temporal, workflowId)
  if ('erased' in input || isDeepStrictEqual(input.replay?.destinations, destinations))
    return { replayId, duplicate: true as const }
  throw invalid([{ path: 'Idempotency-Key', message: 'was already used for a replay to other destinations' }])
}

/** Refuses an event that is being erased, because the erasure would also have to find the new run. */
async function refuseErasing({ db }: AppDeps, scope: Scope, event: Event): Promise<void> {
  const ids = includedEvents(event).map(({ id }) => id)
  if (findRequest(event, await findErasures(db, scope, ids))) throw erasedError()
}

async function requireDestinations({ db }: AppDeps, scope: Scope, ids: string[]): Promise<void> {
  const known = new Set((await routableDestinations(db, scope, ids)).map(({ id }) => id))
  const unknown = ids.flatMap((id, index) => (known.has(id) ? [] : [`destinations.${index}`]))
  if (unknown.length > 0)
    throw invalid(unknown.map((path) => ({ path, message: 'is not a destination in this environment' })))
}
