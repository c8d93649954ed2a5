import type { SignalDefinition } from '@temporalio/client'
import { z } from 'zod'
import { cancelSignal } from '../../workflows/contract/event.ts'
import { pauseSignal, resumeSignal } from '../../workflows/contract/replays.ts'
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { newReplay, replayDetail, replayList, replayListQuery, resumption } from './fields.ts'
import { listReplays, readReplay, requireRunning, signalReplay } from './log.ts'
import { route } from '../http/route.ts'
import { startReplays } from './start.ts'
import { actAudited } from '../audit/writer.ts'

const taken = { 202: z.object({ id: z.string() }) }
const started = {
  202: z.object({
    id: z.string(),
    duplicate: z.literal(true).optional().meta({
      description: 'An identical request has started it: within the last minute, or by the same key.',
    }),
  }),
}

/** Replays of many events. */
export const replayRoutes = [
  route({
    method: 'post',
    path: '/replays',
    idempotencyKey: true,
    access: { scope: 'replays:write' },
    summary: 'Replay the events that match, oldest first, at a rate; none is started twice',
    body: newReplay,
    replies: started,
    async handle({ body, by, header }, deps) {
      const replay = await startReplays(deps, by, body, idempotencyKeyOf(header))
      return { status: 202, body: replay }
    },
  }),
  route({
    method: 'get',
    path: '/replays',
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
    access: { scope: 'replays:read' },
    summary: 'Get a replay with its progress, and what became of the events that it started',
    replies: { 200: replayDetail },
    async handle({ params, scope }, deps) {
      return { status: 200, body: await readReplay(deps, scope, params.id) }
    },
  }),
  signalRoute(
    'pause',
    'replay.paused',
    'Start no more events until it is resumed; those that were started go on',
    pauseSignal,
  ),
  route({
    method: 'post',
    path: '/replays/:id/resume',
    access: { scope: 'replays:write' },
    summary: 'Go on where it was paused, at another rate if one is given',
    body: resumption,
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
    'End a replay for good; events that were started go on',
    cancelSignal,
  ),
]

function signalRoute(verb: string, action: string, summary: string, signal: SignalDefinition) {
  return route({
    method: 'post',
    path: `/replays/:id/${verb}`,
    access: { scope: 'replays:write' },
    summary,
    replies: taken,
    async handle({ params: { id }, scope, by }, deps) {
      await requireRunning(deps, scope, id)
      await actAudited(deps.db, by, { action, subject: id }, () => signalReplay(deps, scope, id, signal))
      return { status: 202, body: { id } }
    },
  })
}
