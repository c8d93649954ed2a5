import { z } from 'zod'
import { acceptBatch } from './accept-batch.ts'
import { acceptEvent } from './accept.ts'
import { acceptedReply, batchMax, eventBody, eventReply, eventSummary, listQuery } from './fields.ts'
import { listEvents, readEvent } from './log.ts'
import { readIdempotencyKey } from '../http/idempotency.ts'
import { problemReply } from '../http/problem.ts'
import { route } from '../http/route.ts'

export const eventRoutes = [
  route({
    method: 'post',
    path: '/events',
    operationId: 'sendEvent',
    idempotencyKey: true,
    causesWebhooks: true,
    access: { scope: 'events:write', ingest: 'event' },
    summary: 'Send an event; the response is sent once the event is durably stored',
    body: eventBody,
    dataAt: 'data',
    errors: ['event_id_conflict', 'erased', 'overloaded'],
    replies: { 202: acceptedReply, 200: acceptedReply },
    async handle({ body, scope, header, hops }, deps) {
      const idempotencyKey = readIdempotencyKey(header)
      const accepted = await deps.admission.admit(scope.tenantId, 1, (startInSlot) =>
        acceptEvent(deps, scope, body, { startInSlot, idempotencyKey, hops }),
      )
      return { status: accepted.duplicate ? 200 : 202, body: accepted }
    },
  }),
  route({
    method: 'post',
    path: '/events/batch',
    operationId: 'sendEvents',
    idempotencyKey: true,
    causesWebhooks: true,
    access: { scope: 'events:write', ingest: 'batch' },
    summary: `Send up to ${batchMax} events, each accepted or rejected individually`,
    body: z.strictObject({ events: z.array(z.unknown()).min(1).max(batchMax) }),
    describedBody: z
      .strictObject({ events: z.array(eventBody).min(1).max(batchMax) })
      .meta({ id: 'NewEvents' }),
    bodyMaxBytes: 8 * 1024 * 1024,
    itemsAt: 'events',
    errors: ['overloaded'],
    replies: {
      207: z
        .object({
          results: z.array(
            z
              .object({ status: z.int(), id: z.string().optional(), error: problemReply.optional() })
              .meta({ id: 'BatchResult' }),
          ),
        })
        .meta({ id: 'BatchResults' }),
    },
    async handle({ body: { events }, scope, caller, header, hops }, deps) {
      const idempotencyKey = readIdempotencyKey(header)
      const results = await deps.admission.admit(scope.tenantId, events.length, async (startInSlot) => {
        await deps.rateLimits.takeEvents(caller, events.length)
        return acceptBatch(deps, scope, { items: events, idempotencyKey, hops, startInSlot })
      })
      const refused = results.filter(({ error }) => error?.code === 'overloaded')
      await deps.rateLimits.returnEvents(caller, refused.length)
      return { status: 207, body: { results } }
    },
  }),
  route({
    method: 'get',
    path: '/events',
    operationId: 'listEvents',
    access: { scope: 'events:read' },
    summary: 'List events, newest first',
    query: listQuery,
    replies: {
      200: z
        .object({ data: z.array(eventSummary), nextCursor: z.string().nullable() })
        .meta({ id: 'EventPage' }),
    },
    async handle({ query, scope }, deps) {
      return { status: 200, body: await listEvents(deps, scope, query) }
    },
  }),
  route({
    method: 'get',
    path: '/events/:id',
    operationId: 'getEvent',
    access: { scope: 'events:read' },
    summary: 'Get an event with its delivery log',
    replies: { 200: eventReply },
    async handle({ params, scope }, deps) {
      return { status: 200, body: await readEvent(deps, scope, params.id) }
    },
  }),
]
