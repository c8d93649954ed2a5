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
import { idempotencyKeyOf } from '../http/idempotency.ts'
import { startReplay } from '../replays/replay-event.ts'
import { route } from '../http/route.ts'
import { nameText, noteText } from '../fields/text.ts'
import { actAudited } from '../audit/writer.ts'

/** What can be asked of an event that was accepted. */
export const eventActionRoutes = [
  route({
    method: 'post',
    path: '/events/:id/replay',
    idempotencyKey: true,
    causesWebhooks: true,
    access: { scope: 'replays:write' },
    summary:
      'Run an event’s deliveries again, to the destinations named or by today’s routing; the event id stays',
    body: z.strictObject({ destinations: z.array(z.string()).min(1).max(100).optional() }),
    replies: { 202: z.object({ replayId: z.string(), duplicate: z.literal(true).optional() }) },
    async handle({ params, body, by, header, hops }, deps) {
      const started = await startReplay(
        deps,
        by,
        { eventId: params.id, destinations: body.destinations, hops },
        idempotencyKeyOf(header),
      )
      return { status: 202, body: started }
    },
  }),
  route({
    method: 'post',
    path: '/events/:id/retry',
    access: { scope: 'deliveries:write' },
    summary: 'Make waiting attempts now: of one destination, or of all',
    body: z.strictObject({ destination: z.string().optional() }),
    replies: { 202: z.object({ id: z.string(), retrying: z.array(z.string()) }) },
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
    access: { scope: 'events:write' },
    summary:
      'Acknowledge: tell the rules that wait for it that somebody has taken notice; the first one counts',
    body: z.strictObject({
      by: nameText.optional().meta({ description: 'Who has; the key’s name by default.' }),
      note: noteText.optional(),
    }),
    replies: {
      200: z.object({
        id: z.string(),
        acknowledgement: acknowledgementReply,
        first: z.boolean().meta({ description: 'Whether it is this one; else somebody was faster.' }),
      }),
      202: z
        .object({ id: z.string(), acknowledgement: acknowledgementReply })
        .meta({ description: 'It is kept, and no worker could yet tell whether another came before it.' }),
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
    access: { scope: 'events:write' },
    summary: 'End every delivery and every step of a rule that still waits; the log keeps what was done',
    replies: { 202: z.object({ id: z.string() }) },
    async handle({ params: { id }, scope, by }, deps) {
      const execution = await describeUnerasedEvent(deps, scope, id)
      await actAudited(deps.db, by, { action: 'event.cancelled', subject: id }, () =>
        signalEvent(deps, execution, cancelSignal),
      )
      return { status: 202, body: { id } }
    },
  }),
]

/** An attempt in progress is awaited, and what is held for its turn cannot be hurried: that would overtake others. */
function waitsForTime(delivery: Delivery): boolean {
  return isOpen(delivery) && delivery.nextAttemptAt !== undefined
}

function nothingToRetry(deliveries: readonly Delivery[], why?: string): ApiError {
  const held = deliveries.find(({ status }) => status === 'held')
  if (held)
    return new ApiError(
      'already_ended',
      `No delivery of this event waits for a time: one is held (${held.reason}).`,
    )
  const inProgress = deliveries.some(isOpen) ? 'an attempt is in progress' : why
  return new ApiError(
    'already_ended',
    `No delivery of this event waits for an attempt${inProgress ? `: ${inProgress}` : ''}.`,
  )
}
