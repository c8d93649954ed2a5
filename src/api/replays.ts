import type { SignalDefinition } from '@temporalio/client'
import { z } from 'zod'
import { cancelSignal, pauseSignal, resumeSignal } from '../workflows/contract.ts'
import { idempotencyKeyOf } from './idempotency.ts'
import { newReplay, replayDetail, replayList, replayListQuery, resumption } from './replay-fields.ts'
import { listReplays, readReplay, signalReplay } from './replay-log.ts'
import { route, scopeOf } from './route.ts'
import { startReplays } from './start-replays.ts'

const taken = { 202: z.object({ id: z.string() }) }

/** Replays of many events. */
export const replayRoutes = [
  route({
    method: 'post',
    path: '/replays',
    access: { scope: 'events:write' },
    summary: 'Replay the events that match, oldest first, at a rate; none is started twice',
    body: newReplay,
    replies: taken,
    async handle({ body, caller, header }, deps) {
      const started = await startReplays(deps, scopeOf(caller), body, idempotencyKeyOf(header))
      return { status: 202, body: started }
    },
  }),
  route({
    method: 'get',
    path: '/replays',
    access: { scope: 'events:read' },
    summary: 'List replays, newest first',
    query: replayListQuery,
    replies: { 200: replayList },
    async handle({ query, caller }, deps) {
      return { status: 200, body: await listReplays(deps, scopeOf(caller), query) }
    },
  }),
  route({
    method: 'get',
    path: '/replays/:id',
    access: { scope: 'events:read' },
    summary: 'Get a replay with its progress, and what became of the events that it started',
    replies: { 200: replayDetail },
    async handle({ params, caller }, deps) {
      return { status: 200, body: await readReplay(deps, scopeOf(caller), params.id ?? '') }
    },
  }),
  signalRoute(
    'pause',
    'Start no more events until it is resumed; those that were started go on',
    pauseSignal,
  ),
  route({
    method: 'post',
    path: '/replays/:id/resume',
    access: { scope: 'events:write' },
    summary: 'Go on where it was paused, at another rate if one is given',
    body: resumption,
    replies: taken,
    async handle({ params: { id = '' }, body, caller }, deps) {
      await signalReplay(deps, scopeOf(caller), id, resumeSignal, body.ratePerSecond)
      return { status: 202, body: { id } }
    },
  }),
  signalRoute('cancel', 'End a replay for good; events that were started go on', cancelSignal),
]

function signalRoute(verb: string, summary: string, signal: SignalDefinition) {
  return route({
    method: 'post',
    path: `/replays/:id/${verb}`,
    access: { scope: 'events:write' },
    summary,
    replies: taken,
    async handle({ params: { id = '' }, caller }, deps) {
      await signalReplay(deps, scopeOf(caller), id, signal)
      return { status: 202, body: { id } }
    },
  })
}
