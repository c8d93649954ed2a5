import pMap from 'p-map'
import { z } from 'zod'
import { definedOnly } from '../../domain/defined-only.ts'
import { isOpen, type Delivery } from '../../domain/delivery/timeline.ts'
import { readTimeline } from '../../temporal/log/timeline.ts'
import { cancelSignal, retryNowSignal } from '../../workflows/contract/event.ts'
import { acknowledge, endedUnacknowledged, nameOfKey } from './acknowledge.ts'
import { ApiError, invalid } from '../errors.ts'
import { describeUnerasedEvent, signalEvent } from './log.ts'
import { acknowledgementReply } from './fields.ts'
import { readIdempotencyKey } from '../http/idempotency.ts'
import { startReplay } from '../replays/replay-event.ts'
import { route } from '../http/route.ts'
import { nameText, noteText } from '../fields/text.ts'
import { actAudited } from '../audit/writer.ts'

/** Actions on an accepted event. */
export const eventActionRoutes = [
  route({
    method: 'post',
    path: '/events/:id/replay',
    operationId: 'replayEvent',
    idempotencyKey: true,
    causesWebhooks: true,
    access: { scope: 'replays:write' },
    summary: 'Replay an event to the given destinations or through the current routing; the event id is kept',
    body: z
      .strictObject({ destinations: z.array(z.string()).min(1).max(100).optional() })
      .meta({ id: 'EventReplayRequest' }),
    errors: ['erased'],
    replies: {
      202: z
        .object({ replayId: z.string(), duplicate: z.literal(true).optional() })
        .meta({ id: 'StartedEventReplay' }),
    },
    async handle({ params, body, by, header, hops }, deps) {
      const started = await startReplay(
        deps,
        by,
        { eventId: params.id, destinations: body.destinations, hops },
        readIdempotencyKey(header),
      )
      return { status: 202, body: started }
    },
  }),
  route({
    method: 'post',
    path: '/events/:id/retry',
    needsTemporal: true,
    operationId: 'retryEvent',
    access: { scope: 'deliveries:write' },
    summary: 'Retry pending deliveries now, for one destination or for all',
    body: z.strictObject({ destination: z.string().optional() }).meta({ id: 'EventRetryRequest' }),
    errors: ['erased', 'already_ended'],
    replies: { 202: z.object({ id: z.string(), retrying: z.array(z.string()) }).meta({ id: 'EventRetry' }) },
    async handle({ params: { id }, body, scope, by }, deps) {
      const execution = await describeUnerasedEvent(deps, scope, id)
      const { deliveries, incomplete } = await readTimeline(deps.temporal, execution)
      if (deliveries.length === 0 && incomplete) throw nothingToRetry([], incomplete)
      const asked = deliveries.filter(
        ({ destinationId }) => (body.destination ?? destinationId) === destinationId,
      )
      if (body.destination && asked.length === 0)
        throw invalid([{ path: 'destination', message: 'is not a destination of this event' }])
      const retrying = asked.filter(waitsForTime).map(({ destinationId }) => destinationId)
      if (retrying.length === 0) throw nothingToRetry(asked)
      const done = { action: 'event.retried', subject: id, after: { destinations: retrying } }
      await actAudited(deps.db, by, done, () =>
        pMap(retrying, (one) => signalEvent(deps, execution, retryNowSignal, one), { concurrency: 10 }),
      )
      return { status: 202, body: { id, retrying } }
    },
  }),
  route({
    method: 'post',
    path: '/events/:id/ack',
    needsTemporal: true,
    operationId: 'acknowledgeEvent',
    access: { scope: 'events:write' },
    summary: 'Acknowledge an event, so that rules stop waiting; the first acknowledgement counts',
    body: z
      .strictObject({
        by: nameText
          .optional()
          .meta({ description: 'Who acknowledged the event; the default is the key’s name.' }),
        note: noteText.optional(),
      })
      .meta({ id: 'NewAcknowledgement' }),
    errors: ['erased', 'already_ended'],
    replies: {
      200: z
        .object({
          id: z.string(),
          acknowledgement: acknowledgementReply,
          first: z.boolean().meta({
            description:
              'Whether this request’s acknowledgement is the one that counts; if false, an earlier one does.',
          }),
        })
        .meta({ id: 'AcknowledgedEvent' }),
      202: z.object({ id: z.string(), acknowledgement: acknowledgementReply }).meta({
        id: 'StoredAcknowledgement',
        description:
          'The acknowledgement is stored, but no worker has yet determined whether it is the first.',
      }),
    },
    async handle({ params: { id }, body, scope, by }, deps) {
      const { keyId, address } = by
      const name = body.by ?? (await nameOfKey(deps, keyId))
      const given = definedOnly({ by: name, note: body.note, via: 'api' as const, keyId })
      await describeUnerasedEvent(deps, scope, id)
      const { runs, acknowledgement, first } = await acknowledge(deps, scope, id, given, address)
      if (!acknowledgement) throw endedUnacknowledged(runs)
      if (first === undefined) return { status: 202, body: { id, acknowledgement } }
      return { status: 200, body: { id, acknowledgement, first } }
    },
  }),
  route({
    method: 'post',
    path: '/events/:id/cancel',
    needsTemporal: true,
    operationId: 'cancelEvent',
    access: { scope: 'events:write' },
    summary: 'Cancel an event’s pending deliveries and rule steps; its log is kept',
    errors: ['erased', 'already_ended'],
    replies: { 202: z.object({ id: z.string() }).meta({ id: 'EventReference' }) },
    async handle({ params: { id }, scope, by }, deps) {
      const execution = await describeUnerasedEvent(deps, scope, id)
      await actAudited(deps.db, by, { action: 'event.cancelled', subject: id }, () =>
        signalEvent(deps, execution, cancelSignal),
      )
      return { status: 202, body: { id } }
    },
  }),
]

/**
 * True if the delivery waits for a time. An attempt in progress is waited for, and a delivery that is queued for its turn cannot be
 * hurried, because it would overtake others.
 */
function waitsForTime(delivery: Delivery): boolean {
  return isOpen(delivery) && delivery.nextAttemptAt !== undefined
}

function nothingToRetry(deliveries: readonly Delivery[], why?: string): ApiError {
  const held = deliveries.find(({ status }) => status === 'held')
  if (held)
    return new ApiError(
      'already_ended',
      `No delivery of this event is waiting for a retry: one is held (${held.reason}).`,
    )
  const inProgress = deliveries.some(isOpen) ? 'an attempt is in progress' : why
  return new ApiError(
    'already_ended',
    `No delivery of this event is waiting for a retry${inProgress ? `: ${inProgress}` : ''}.`,
  )
}
