import type { SignalDefinition } from '@temporalio/client'
import { z } from 'zod'
import { cancelSignal } from '../../workflows/contract/event.ts'
import { pauseSignal, resumeSignal } from '../../workflows/contract/replays.ts'
import { readIdempotencyKey } from '../http/idempotency.ts'
import { newReplay, replayDetail, replayList, replayListQuery, resumption } from './fields.ts'
import { listReplays, readReplay, requireRunning, signalReplay } from './log.ts'
import { route } from '../http/route.ts'
import { startReplays } from './start.ts'
import { actAudited } from '../audit/writer.ts'

const taken = { 202: z.object({ id: z.string() }).meta({ id: 'ReplayReference' }) }
const started = {
  202: z
    .object({
      id: z.string(),
      duplicate: z.literal(true).optional().meta({
        description:
          'Set if an identical request started the replay within the last minute or with the same Idempotency-Key.',
      }),
    })
    .meta({ id: 'StartedReplay' }),
}

export const replayRoutes = [
  route({
    method: 'post',
    path: '/replays',
    operationId: 'createReplay',
    idempotencyKey: true,
    needsTemporal: true,
    access: { scope: 'replays:write' },
    summary:
      'Start a replay of matching events, oldest first, at a given rate; each event is started at most once',
    body: newReplay,
    replies: started,
    async handle({ body, by, header }, deps) {
      const replay = await startReplays(deps, by, body, readIdempotencyKey(header))
      return { status: 202, body: replay }
    },
  }),
  route({
    method: 'get',
    path: '/replays',
    operationId: 'listReplays',
    access: { scope: 'replays:read' },
    summary: 'List replays, newest first',
    query: replayListQuery,
    replies: { 200: replayList },
    async handle({ query, scope }, deps) {
      return { status: 200, body: await listReplays(deps, scope, query) }
    },
  }),
  route({
    method: 'get',
    path: '/replays/:id',
    operationId: 'getReplay',
    access: { scope: 'replays:read' },
    summary: 'Get a replay with its progress and the outcomes of its events',
    replies: { 200: replayDetail },
    async handle({ params, scope }, deps) {
      return { status: 200, body: await readReplay(deps, scope, params.id) }
    },
  }),
  signalRoute('pause', 'replay.paused', 'Pause a replay; events already started continue', pauseSignal),
  route({
    method: 'post',
    path: '/replays/:id/resume',
    needsTemporal: true,
    operationId: 'resumeReplay',
    access: { scope: 'replays:write' },
    summary: 'Resume a paused replay, optionally at a new rate',
    body: resumption,
    errors: ['already_ended'],
    replies: taken,
    async handle({ params: { id }, body, scope, by }, deps) {
      const { ratePerSecond } = body
      const after = ratePerSecond === undefined ? undefined : { ratePerSecond }
      const done = { action: 'replay.resumed', subject: id, after }
      await requireRunning(deps, scope, id)
      await actAudited(deps.db, by, done, () => signalReplay(deps, scope, id, resumeSignal, ratePerSecond))
      return { status: 202, body: { id } }
    },
  }),
  signalRoute(
    'cancel',
    'replay.cancelled',
    'Cancel a replay permanently; events already started continue',
    cancelSignal,
  ),
]

function signalRoute(verb: 'pause' | 'cancel', action: string, summary: string, signal: SignalDefinition) {
  return route({
    method: 'post',
    path: `/replays/:id/${verb}`,
    needsTemporal: true,
    operationId: `${verb}Replay`,
    access: { scope: 'replays:write' },
    summary,
    errors: ['already_ended'],
    replies: taken,
    async handle({ params: { id }, scope, by }, deps) {
      await requireRunning(deps, scope, id)
      await actAudited(deps.db, by, { action, subject: id }, () => signalReplay(deps, scope, id, signal))
      return { status: 202, body: { id } }
    },
  })
}
