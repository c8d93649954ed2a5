import { z } from 'zod'
import { eventMaxBytes } from '../domain/event.ts'
import { acceptEvent, type Accepted } from './accept-event.ts'
import type { AppDeps } from './app.ts'
import { ApiError } from './errors.ts'
import { acceptedReply, batchMax, eventBody, eventReply, eventSummary, listQuery } from './event-fields.ts'
import { listEvents, readEvent } from './event-log.ts'
import { idempotencyKeyOf } from './idempotency.ts'
import { route, scopeOf } from './route.ts'
import { asApiError, logFault } from './service-fault.ts'
import { validate } from './validate.ts'

export const eventRoutes = [
  route({
    method: 'post',
    path: '/events',
    idempotencyKey: true,
    access: { scope: 'events:write', ingest: 'event' },
    summary: 'Accept an event: answered only once it is stored durably',
    body: eventBody,
    replies: { 202: acceptedReply, 200: acceptedReply },
    async handle({ body, caller, header }, deps) {
      const posted = { idempotencyKey: idempotencyKeyOf(header) }
      const accepted = await acceptEvent(deps, scopeOf(caller), body, posted)
      return { status: accepted.duplicate ? 200 : 202, body: accepted }
    },
  }),
  route({
    method: 'post',
    path: '/events/batch',
    access: { scope: 'events:write', ingest: 'batch' },
    summary: `Accept up to ${batchMax} events, each by itself`,
    body: z.strictObject({ events: z.array(z.unknown()).min(1).max(batchMax) }),
    bodyMaxBytes: 8 * 1024 * 1024,
    replies: {
      207: z.object({
        results: z.array(
          z.object({ status: z.int(), id: z.string().optional(), error: z.unknown().optional() }),
        ),
      }),
    },
    async handle({ body: { events }, caller }, deps) {
      await deps.rateLimits.takeEvents(caller, events.length)
      // Side by side, but for those that need a place: they get them in the order of the batch.
      let after: Promise<unknown> = Promise.resolve()
      const accepting = events.map((item, index) => {
        const path = `events.${index}`
        const posted = { after, path }
        const accept = () => acceptEvent(deps, scopeOf(caller), validateItem(item, path), posted)
        const result = resultOf(deps, accept)
        after = result
        return result
      })
      return { status: 207, body: { results: await Promise.all(accepting) } }
    },
  }),
  route({
    method: 'get',
    path: '/events',
    access: { scope: 'events:read' },
    summary: 'List events, newest first',
    query: listQuery,
    replies: { 200: z.object({ data: z.array(eventSummary), nextCursor: z.string().nullable() }) },
    async handle({ query, caller }, deps) {
      return { status: 200, body: await listEvents(deps, scopeOf(caller), query) }
    },
  }),
  route({
    method: 'get',
    path: '/events/:id',
    access: { scope: 'events:read' },
    summary: 'Get an event with its delivery log',
    replies: { 200: eventReply },
    async handle({ params, caller }, deps) {
      return { status: 200, body: await readEvent(deps, scopeOf(caller), params.id ?? '') }
    },
  }),
]

/** One event's result in a batch. It never rejects: whatever fails for one event, the caller learns the ids of the others. */
async function resultOf({ log }: AppDeps, accept: () => Promise<Accepted>) {
  try {
    const accepted = await Promise.resolve().then(accept)
    return { status: accepted.duplicate ? 200 : 202, id: accepted.id }
  } catch (error) {
    const known = asApiError(error)
    logFault(log, { method: 'POST', path: '/events/batch' }, known)
    return { status: known.status, error: known.toProblem() }
  }
}

function validateItem(item: unknown, path: string) {
  if (Buffer.byteLength(JSON.stringify(item)) > eventMaxBytes) {
    throw new ApiError('payload_too_large', `An event has at most ${eventMaxBytes} bytes.`, {
      errors: [{ path, message: `must have at most ${eventMaxBytes} bytes` }],
    })
  }
  return validate(eventBody, item, path)
}
