import { createHash } from 'node:crypto'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import stringify from 'safe-stable-stringify'
import { routableDestinations, type Scope } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import type { ReplayFilter } from '../../domain/replay.ts'
import { startJob } from '../../temporal/start-job.ts'
import { searchAttributes } from '../../workflows/contract/lists.ts'
import {
  replayEventsType,
  replaysWorkflowId,
  type ReplayEventsInput,
  type ReplayMemo,
} from '../../workflows/contract/replays.ts'
import type { AppDeps } from '../deps.ts'
import { invalid } from '../errors.ts'
import type { NewReplay } from './fields.ts'
import { chooseReplayId } from './ids.ts'
import type { Writer } from '../auth/caller.ts'
import { actAudited, asJson } from '../audit/writer.ts'

/** Starts a replay of the matching events. The same idempotency key results in the same id, so Temporal refuses a second start. */
export async function startReplays(
  deps: AppDeps,
  writer: Writer,
  asked: NewReplay,
  idempotencyKey: string | undefined,
): Promise<{ id: string; duplicate?: true }> {
  const { scope } = writer
  const createdAt = new Date().toISOString()
  const filter = toFilter(asked, createdAt)
  if (filter.source === 'archive' && !deps.archive)
    throw invalid([{ path: 'source', message: 'must be log because no archive is configured' }])
  if (filter.destination !== undefined) await requireActive(deps, scope, filter.destination)
  const { ratePerSecond } = asked
  const bodyHash = createHash('sha256').update(stringify(asked)).digest('hex')
  const { id, known } = await chooseReplayId(
    deps.temporal,
    { parts: [scope.tenantId, scope.environment], idempotencyKey, bodyHash },
    (replayId) => replaysWorkflowId(scope, replayId),
  )
  if (known) return recognise(deps, scope, id, bodyHash)
  const progress = { state: 'running', found: 0, started: 0, skipped: {}, ratePerSecond } as const
  const memo: ReplayMemo = { replayId: id, createdAt, filter, bodyHash, progress }
  try {
    const done = { action: 'replay.started', subject: id, after: asJson({ ...filter, ratePerSecond }) }
    const input = { ...scope, id, filter, createdAt, ratePerSecond }
    await actAudited(deps.db, writer, done, () => start(deps, input, memo))
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return recognise(deps, scope, id, bodyHash)
  }
  deps.log.info({ ...scope, replayId: id, ...filter, ratePerSecond }, 'replay.accepted')
  return { id }
}

async function start({ temporal }: AppDeps, input: ReplayEventsInput, memo: ReplayMemo): Promise<void> {
  await startJob(temporal, replayEventsType, {
    workflowId: replaysWorkflowId(input, input.id),
    input,
    duplicate: 'refuse',
    priority: { fairnessKey: input.tenantId },
    memo: { ...memo },
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.tenantId, value: input.tenantId },
      { key: searchAttributes.environment, value: input.environment },
      { key: searchAttributes.replayId, value: input.id },
    ]),
  })
}

/** Events accepted after the request are not part of the replay, so `to` is at most the time of the request. */
function toFilter(
  { from, to, destination, status, type, source, rules }: NewReplay,
  createdAt: string,
): ReplayFilter {
  const until = to === undefined ? createdAt : new Date(to).toISOString()
  return definedOnly({
    from: new Date(from).toISOString(),
    to: until < createdAt ? until : createdAt,
    status,
    source,
    destination,
    type,
    rules,
  })
}

/** Throws unless the destination is active: a replay to an inactive one would skip every event. */
async function requireActive({ db }: AppDeps, scope: Scope, id: string): Promise<void> {
  const [known] = await routableDestinations(db, scope, [id])
  if (!known) throw invalid([{ path: 'destination', message: 'is not a destination in this environment' }])
  if (known.status !== 'active')
    throw invalid([{ path: 'destination', message: `is ${known.status}; resume it first` }])
}

/** Returns the replay that an identical request has started, or throws 422 if the key was used for a different replay. */
async function recognise({ temporal }: AppDeps, scope: Scope, id: string, bodyHash: string) {
  const { memo } = await temporal.workflow.getHandle(replaysWorkflowId(scope, id)).describe()
  if ((memo as ReplayMemo | undefined)?.bodyHash === bodyHash) return { id, duplicate: true as const }
  throw invalid([{ path: 'Idempotency-Key', message: 'was already used for a different replay' }])
}
