import { z } from 'zod'
import {
  environments,
  eventIdMaxLength,
  eventIdPattern,
  eventMaxBytes,
  eventTypeMaxLength,
  eventTypePattern,
} from '../domain/event.ts'
import { eventStatuses } from '../domain/timeline.ts'
import { acceptEvent, type Accepted } from './accept-event.ts'
import { ApiError, invalid } from './errors.ts'
import { listEvents, readEvent, signalEvent } from './event-log.ts'
import { startReplay } from './replay-event.ts'
import { route, type TenantCaller } from './route.ts'
import { isoTime, jsonObject } from './text.ts'
import { validate } from './validate.ts'
import { cancelSignal, retryNowSignal } from '../workflows/contract.ts'

const eventType = z
  .string()
  .max(eventTypeMaxLength)
  .regex(eventTypePattern, 'must be dotted words such as aml.match.found: letters, digits, "_" and "-"')

const eventId = z
  .string()
  .max(eventIdMaxLength)
  .regex(eventIdPattern, 'must begin with a letter or digit; then letters, digits, ".", "_", ":" and "-"')

const eventBody = z.strictObject({ id: eventId.optional(), type: eventType, data: jsonObject })

const acceptedReply = z.object({
  id: z.string(),
  type: z.string(),
  status: z.literal('accepted'),
  createdAt: z.string(),
  duplicate: z.literal(true).optional(),
})

const idempotencyKey = z.string().regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')

const deliverySummary = z.object({
  destinationId: z.string(),
  channel: z.string(),
  status: z.enum(['pending', 'delivered', 'failed', 'skipped', 'held']),
})

const eventSummary = z.object({
  id: z.string(),
  type: z.string(),
  createdAt: z.string(),
  status: z.enum(eventStatuses),
  deliveries: z.array(deliverySummary.extend({ attempts: z.int() })),
})

const attempt = z.object({
  number: z.int(),
  at: z.string(),
  outcome: z.enum(['delivered', 'rejected', 'failed']),
  responseCode: z.int().optional(),
  durationMs: z.int(),
  responseExcerpt: z.string().optional(),
  error: z.string().optional(),
})

const timelineReply = z.object({
  status: z.enum(eventStatuses),
  reason: z.string().optional(),
  deliveries: z.array(
    deliverySummary.extend({
      reason: z.string().optional(),
      nextAttemptAt: z.string().optional(),
      attempts: z.array(attempt),
    }),
  ),
  routing: z.array(z.object({ destinationId: z.string(), matched: z.boolean(), reason: z.string() })),
})

const eventReply = timelineReply.extend({
  id: z.string(),
  type: z.string(),
  environment: z.enum(environments),
  data: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
  replays: z.array(timelineReply.extend({ replayId: z.string(), createdAt: z.string() })),
  temporalUrl: z.string().optional(),
  incomplete: z.string().optional().meta({ description: 'Why this is only the summary, without attempts.' }),
})

const listQuery = z.strictObject({
  type: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}\*?$/, 'must be an event type, or the beginning of one with a * after it')
    .optional(),
  status: z.enum(eventStatuses).optional(),
  destination: z
    .string()
    .regex(/^dst_[a-z0-9]+$/, 'must be a destination id')
    .optional(),
  failing: z
    .string()
    .regex(/^dst_[a-z0-9]+$/, 'must be a destination id')
    .optional(),
  from: isoTime.optional(),
  to: isoTime.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'must be a nextCursor of an earlier page')
    .optional(),
})

const batchMax = 100

export const eventRoutes = [
  route({
    method: 'post',
    path: '/events',
    access: { scope: 'events:write', ingest: true },
    summary: 'Accept an event: answered only once it is stored durably',
    body: eventBody,
    replies: { 202: acceptedReply, 200: acceptedReply },
    async handle({ body, caller, header }, deps) {
      const key = header('Idempotency-Key')
      const given = key === undefined ? undefined : validate(idempotencyKey, key, 'Idempotency-Key')
      const accepted = await acceptEvent(deps, scopeOf(caller), body, given)
      return { status: accepted.duplicate ? 200 : 202, body: accepted }
    },
  }),
  route({
    method: 'post',
    path: '/events/batch',
    access: { scope: 'events:write', ingest: true },
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
      await deps.rateLimits.consume(caller, 'ingest', events.length - 1)
      const results = await Promise.all(
        events.map((item, index) =>
          resultOf(() => acceptEvent(deps, scopeOf(caller), validateItem(item, `events.${index}`))),
        ),
      )
      return { status: 207, body: { results } }
    },
  }),
  route({
    method: 'get',
    path: '/events',
    access: { scope: 'events:read' },
    summary: 'List events: those that still wait first, then the newest-ended',
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
      const { deliveries } = await readEvent(deps, scopeOf(caller), id)
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
      for (const destinationId of retrying)
        await signalEvent(deps, scopeOf(caller), id, retryNowSignal, destinationId)
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
      await signalEvent(deps, scopeOf(caller), id, cancelSignal)
      return { status: 202, body: { id } }
    },
  }),
]

function scopeOf({ tenantId, environment }: TenantCaller) {
  return { tenantId, environment }
}

/** One event's result in a batch. What fails for one event fails for it alone. */
async function resultOf(accept: () => Promise<Accepted>) {
  try {
    const accepted = await Promise.resolve().then(accept)
    return { status: accepted.duplicate ? 200 : 202, id: accepted.id }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { status: error.status, error: error.toProblem() }
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
