import { z } from 'zod'
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
      const { deliveries } = await readTimeline(deps.temporal, execution)
      const retrying = deliveries
        .filter(
          ({ status, destinationId }) =>
            status === 'pending' && (body.destination ?? destinationId) === destinationId,
        )
        .map(({ destinationId }) => destinationId)
      if (body.destination && !deliveries.some(({ destinationId }) => destinationId === body.destination)) {
        throw invalid([{ path: 'destination', message: 'is not a destination of this event' }])
      }
      if (retrying.length === 0)
        throw new ApiError('already_ended', 'No delivery of this event waits for an attempt.')
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
