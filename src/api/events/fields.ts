import { z } from 'zod'
import {
  environments,
  maxEventIdLength,
  eventIdPattern,
  maxEventTypeLength,
  eventTypePattern,
} from '../../domain/event.ts'
import { errorClasses } from '../../domain/delivery/outcome.ts'
import { durationMs } from '../../domain/delivery/retry-schedule.ts'
import { stepKinds } from '../../domain/rules/rule.ts'
import { type DeliveryStatus, eventStatuses } from '../../domain/delivery/timeline.ts'
import { duration } from '../destinations/fields.ts'
import { isoTime, jsonObject } from '../fields/text.ts'

export const eventType = z
  .string()
  .max(maxEventTypeLength)
  .regex(
    eventTypePattern,
    'must consist of words of letters, digits, "_" and "-", separated by dots, such as aml.match.found',
  )

export const eventId = z
  .string()
  .max(maxEventIdLength)
  .regex(eventIdPattern, 'must start with a letter or digit, followed by letters, digits, "_", ":" or "-"')

export const eventBody = z
  .strictObject({
    id: eventId.optional(),
    type: eventType,
    data: jsonObject,
    expiresAt: isoTime.optional().meta({
      description: 'No attempt is made after this time; deliveries still pending then fail.',
    }),
    ttl: duration
      .optional()
      .meta({ description: 'Time to live from acceptance, such as 15m; an alternative to expiresAt.' }),
  })
  .superRefine(({ expiresAt, ttl }, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (expiresAt !== undefined && ttl !== undefined) problem('ttl', 'and expiresAt are mutually exclusive')
    if (ttl !== undefined && durationMs(ttl) === 0) problem('ttl', 'must be greater than 0')
  })
  .meta({ id: 'NewEvent' })

export const acceptedReply = z
  .object({
    id: z.string(),
    type: z.string(),
    status: z.literal('accepted'),
    createdAt: z.string(),
    duplicate: z.literal(true).optional(),
  })
  .meta({ id: 'AcceptedEvent' })

const deliveryStatuses = [
  'pending',
  'delivered',
  'failed',
  'skipped',
  'held',
] as const satisfies readonly DeliveryStatus[]

const deliveryFields = z.object({
  destinationId: z.string(),
  channel: z.string(),
  step: z.string().optional().meta({ description: 'The path of the rule step that made the delivery.' }),
  status: z.enum(deliveryStatuses),
  acknowledgeable: z
    .literal(true)
    .optional()
    .meta({ description: 'The message says how to acknowledge the event.' }),
})

export const deliverySummary = deliveryFields.extend({
  attempts: z.int(),
  responseCode: z.int().optional().meta({ description: 'The status code of the latest attempt.' }),
  lastAttemptAt: z.string().optional(),
  nextAttemptAt: z.string().optional(),
})

export const eventSummary = z
  .object({
    id: z.string(),
    type: z.string(),
    createdAt: z.string(),
    test: z.literal(true).optional(),
    erasedAt: z.string().optional().meta({ description: 'When the event’s content was erased.' }),
    status: z.enum(eventStatuses),
    acknowledgedAt: z.string().optional(),
    deliveries: z.array(
      deliverySummary
        .extend({
          delegated: z.literal(true).optional().meta({
            description:
              'Set when the event has very many deliveries; attempts are then counted only in the list of deliveries.',
          }),
        })
        .meta({ id: 'DeliverySummary' }),
    ),
  })
  .meta({ id: 'EventSummary' })

const attempt = z
  .object({
    number: z.int(),
    at: z.string(),
    outcome: z.enum(['delivered', 'rejected', 'failed']),
    responseCode: z.int().optional(),
    durationMs: z.int(),
    responseExcerpt: z.string().optional(),
    requestHeaders: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'The request headers; secret values are masked.' }),
    error: z.string().optional(),
    errorClass: z
      .enum(errorClasses)
      .optional()
      .meta({ description: 'The stage at which the attempt failed.' }),
    template: z
      .object({ id: z.string(), version: z.int() })
      .optional()
      .meta({ description: 'The template used for the message.' }),
    templateFault: z
      .string()
      .optional()
      .meta({ description: 'Why the default message was sent instead of the template’s.' }),
  })
  .meta({ id: 'Attempt' })

const missed = z
  .literal(true)
  .optional()
  .meta({ description: 'The destination would have received the event if it had been active.' })

const ofSummary = { description: 'From the latest attempt; present only if the log is incomplete.' }

export const deliveryReply = deliveryFields
  .extend({
    reason: z.string().optional(),
    nextAttemptAt: z.string().optional(),
    missed,
    attempts: z.array(attempt),
    responseCode: z.int().optional().meta(ofSummary),
    lastAttemptAt: z.string().optional().meta(ofSummary),
  })
  .meta({ id: 'Delivery' })

const decision = z.object({ matched: z.boolean(), reason: z.string() })

/** The reason why a destination or a rule was or was not chosen. */
export const routingReply = z
  .union([
    decision.extend({ destinationId: z.string(), missed }).meta({ id: 'DestinationDecision' }),
    decision
      .extend({
        ruleId: z.string(),
        version: z.int(),
        name: z.string(),
        heldBack: z.enum(['throttled', 'deduplicated', 'over-budget']).optional().meta({
          description:
            'Why the rule matched but does not act on this event. With `over-budget` its filters were not evaluated, and its deliveries are logged as failed.',
        }),
      })
      .meta({ id: 'RuleDecision' }),
  ])
  .meta({ id: 'RoutingDecision' })

const stepReply = z
  .object({
    path: z.string().meta({ description: 'The path of the step in its rule, such as rul_…/1.otherwise.0.' }),
    kind: z.enum(stepKinds),
    status: z.enum(['running', 'waiting', 'done', 'skipped']),
    reason: z.string().optional(),
    at: z.string(),
    until: z
      .string()
      .optional()
      .meta({ description: 'For a waiting step: the latest time at which the wait ends.' }),
    endedAt: z.string().optional(),
    digestId: z.string().optional().meta({ description: 'The id of the digest that includes this event.' }),
  })
  .meta({ id: 'EventStep' })

export const acknowledgementReply = z
  .object({
    at: z.string(),
    by: z.string(),
    via: z.enum(['api', 'link']),
    note: z.string().optional(),
    keyId: z.string().optional().meta({ description: 'The key used to acknowledge.' }),
    destinationId: z.string().optional().meta({ description: 'The destination to which the link was sent.' }),
  })
  .meta({ id: 'Acknowledgement' })

const timelineReply = z.object({
  status: z.enum(eventStatuses),
  reason: z.string().optional(),
  deliveries: z.array(deliveryReply),
  routing: z.array(routingReply),
  steps: z
    .array(stepReply)
    .optional()
    .meta({ description: 'The steps of the rules that act, in the order in which they started.' }),
  acknowledgement: acknowledgementReply.optional(),
  stuck: z
    .object({
      since: z.string(),
      attempts: z.int(),
      cause: z.enum(['exception', 'nondeterminism', 'refused-command']),
    })
    .optional()
    .meta({
      description:
        'The workflow is failing because of a fault in Switchyard. It is retried and continues once an operator has fixed the fault; nothing is lost.',
    }),
})

export const eventReply = timelineReply
  .extend({
    id: z.string(),
    type: z.string(),
    environment: z.enum(environments),
    test: z.literal(true).optional().meta({ description: 'Set on test events.' }),
    data: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Null after erasure.' }),
    erased: z.object({ at: z.string(), erasureId: z.string() }).optional(),
    createdAt: z.string(),
    expiresAt: z.string().optional(),
    hops: z
      .int()
      .optional()
      .meta({ description: 'The number of webhooks in the chain that caused the event.' }),
    replays: z.array(
      timelineReply.extend({ replayId: z.string(), createdAt: z.string() }).meta({ id: 'EventReplay' }),
    ),
    temporalUrl: z.string().optional(),
    incomplete: z.string().optional().meta({
      description:
        'Why the log is incomplete: the event is not routed yet, its workflow is stuck, or no worker is responding. The summary is returned instead.',
    }),
  })
  .meta({ id: 'Event' })

const destinationId = z.string().regex(/^dst_[a-z0-9]+$/, 'must be a destination id')

/** Filters that both lists of the delivery log accept. */
const logFilters = {
  type: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}\*?$/, 'must be an event type, or a prefix of one followed by *')
    .optional(),
  destination: destinationId.optional(),
  from: isoTime.optional(),
  to: isoTime.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'must be the nextCursor of an earlier page')
    .optional(),
}

function isSpan({ from, to }: { from?: string; to?: string }): boolean {
  // Invalid times are reported by another check.
  return from === undefined || to === undefined || !(Date.parse(from) >= Date.parse(to))
}

const noSpan = { path: ['to'], message: 'must be later than from' }

export const listQuery = z
  .strictObject({
    ...logFilters,
    status: z.enum(eventStatuses).optional(),
    failing: destinationId.optional(),
  })
  .refine(isSpan, noSpan)

export const deliveryQuery = z
  .strictObject({ ...logFilters, status: z.enum(deliveryStatuses).optional(), event: eventId.optional() })
  .refine(isSpan, noSpan)

export const batchMax = 100
