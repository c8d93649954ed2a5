import { z } from 'zod'
import type { Delivery } from '../domain/timeline.ts'
import { readTimeline } from '../temporal/timeline.ts'
import { cancelSignal, retryNowSignal } from '../workflows/contract.ts'
import { ApiError, invalid } from './errors.ts'
import { describeEvent, signalEvent } from './event-log.ts'
import { startReplay } from './replay-event.ts'
import { route, scopeOf } from './route.ts'

/** What can be asked of an event that was accepted. */
export const eventActionRoutes = [
  route({
    method: 'post',
    path: '/events/:id/replay',
    access: { scope: 'events:write' },
    summary:
      'Run an event’s deliveries again, to the destinations named or by today’s routing; the event id stays',
    body: z.strictObject({ destinations: z.array(z.string()).min(1).max(100).optional() }),
    replies: { 202: z.object({ replayId: z.string() }) },
    async handle({ params, body, caller }, deps) {
      return {
        status: 202,
        body: await startReplay(deps, scopeOf(caller), params.id ?? '', body.destinations),
      }
    },
  }),
  route({
    method: 'post',
    path: '/events/:id/retry',
    access: { scope: 'events:write' },
    summary: 'Make waiting attempts now: of one destination, or of all',
    body: z.strictObject({ destination: z.string().optional() }),
    replies: { 202: z.object({ id: z.string(), retrying: z.array(z.string()) }) },
    async handle({ params, body, caller }, deps) {
      const id = params.id ?? ''
      const execution = await describeEvent(deps, scopeOf(caller), id)
      const { deliveries, incomplete } = await readTimeline(deps.temporal, execution)
      if (deliveries.length === 0 && incomplete) throw nothingToRetry([], incomplete)
      const asked = deliveries.filter(
        ({ destinationId }) => (body.destination ?? destinationId) === destinationId,
      )
      if (body.destination && asked.length === 0)
        throw invalid([{ path: 'destination', message: 'is not a destination of this event' }])
      const retrying = asked.filter(waitsForTime).map(({ destinationId }) => destinationId)
      if (retrying.length === 0) throw nothingToRetry(asked)
      for (const destinationId of retrying) await signalEvent(deps, execution, retryNowSignal, destinationId)
      return { status: 202, body: { id, retrying } }
    },
  }),
  route({
    method: 'post',
    path: '/events/:id/cancel',
    access: { scope: 'events:write' },
    summary: 'End every delivery that still waits; the log keeps what was done',
    replies: { 202: z.object({ id: z.string() }) },
    async handle({ params, caller }, deps) {
      const id = params.id ?? ''
      await signalEvent(deps, await describeEvent(deps, scopeOf(caller), id), cancelSignal)
      return { status: 202, body: { id } }
    },
  }),
]

/** What is held for its turn cannot be hurried: that would overtake others. */
function waitsForTime({ status, nextAttemptAt }: Delivery): boolean {
  return status === 'pending' || (status === 'held' && nextAttemptAt !== undefined)
}

function nothingToRetry(deliveries: readonly Delivery[], why?: string): ApiError {
  const held = deliveries.find(({ status }) => status === 'held')
  return new ApiError(
    'already_ended',
    held
      ? `No delivery of this event waits for a time: one is held (${held.reason}).`
      : `No delivery of this event waits for an attempt${why ? `: ${why}` : ''}.`,
  )
}
