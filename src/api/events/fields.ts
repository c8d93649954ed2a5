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
  .regex(eventTypePattern, 'must be dotted words such as aml.match.found: letters, digits, "_" and "-"')

export const eventId = z
  .string()
  .max(maxEventIdLength)
  .regex(eventIdPattern, 'must begin with a letter or digit; then letters, digits, "_", ":" and "-"')

export const eventBody = z
  .strictObject({
    id: eventId.optional(),
    type: eventType,
    data: jsonObject,
    expiresAt: isoTime.optional().meta({
      description: 'No attempt is made after this time; what was not delivered by then has failed.',
    }),
    ttl: duration.optional().meta({ description: 'The same, counted from now, as in 15m.' }),
  })
  .superRefine(({ expiresAt, ttl }, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (expiresAt !== undefined && ttl !== undefined)
      problem('ttl', 'and expiresAt say the same: give one of them')
    if (ttl !== undefined && durationMs(ttl) === 0) problem('ttl', 'must be more than 0')
  })

export const acceptedReply = z.object({
  id: z.string(),
  type: z.string(),
  status: z.literal('accepted'),
  createdAt: z.string(),
  duplicate: z.literal(true).optional(),
})

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
  step: z.string().optional().meta({ description: 'The path of the rule’s step that made it.' }),
  status: z.enum(deliveryStatuses),
  acknowledgeable: z
    .literal(true)
    .optional()
    .meta({ description: 'Its message tells how to acknowledge the event.' }),
})

export const deliverySummary = deliveryFields.extend({
  attempts: z.int(),
  responseCode: z.int().optional().meta({ description: 'Of the newest attempt.' }),
  lastAttemptAt: z.string().optional(),
  nextAttemptAt: z.string().optional(),
})

export const eventSummary = z.object({
  id: z.string(),
  type: z.string(),
  createdAt: z.string(),
  test: z.literal(true).optional(),
  erasedAt: z.string().optional().meta({ description: 'What it held was erased.' }),
  status: z.enum(eventStatuses),
  acknowledgedAt: z.string().optional(),
  deliveries: z.array(
    deliverySummary.extend({
      delegated: z
        .literal(true)
        .optional()
        .meta({ description: 'One of very many: its attempts are counted in the list of deliveries only.' }),
    }),
  ),
})

const attempt = z.object({
  number: z.int(),
  at: z.string(),
  outcome: z.enum(['delivered', 'rejected', 'failed']),
  responseCode: z.int().optional(),
  durationMs: z.int(),
  responseExcerpt: z.string().optional(),
  requestHeaders: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: 'What was sent; values that are a secret are masked.' }),
  error: z.string().optional(),
  errorClass: z.enum(errorClasses).optional().meta({ description: 'Where it failed.' }),
  template: z
    .object({ id: z.string(), version: z.int() })
    .optional()
    .meta({ description: 'What the message was to be made of.' }),
  templateFault: z
    .string()
    .optional()
    .meta({ description: 'Why the template was not used: the default message was sent.' }),
})

const missed = z
  .literal(true)
  .optional()
  .meta({ description: 'The destination would have got it, had it been active.' })

const ofSummary = { description: 'Only where the log is incomplete: of the newest attempt.' }

export const deliveryReply = deliveryFields.extend({
  reason: z.string().optional(),
  nextAttemptAt: z.string().optional(),
  missed,
  attempts: z.array(attempt),
  responseCode: z.int().optional().meta(ofSummary),
  lastAttemptAt: z.string().optional().meta(ofSummary),
})

const decision = z.object({ matched: z.boolean(), reason: z.string() })

/** Why a destination, or a rule, was chosen or not. */
export const routingReply = z.union([
  decision.extend({ destinationId: z.string(), missed }),
  decision.extend({
    ruleId: z.string(),
    version: z.int(),
    name: z.string(),
    heldBack: z.enum(['throttled', 'deduplicated', 'over-budget']).optional().meta({
      description:
        'It matched, and yet does nothing for this event. `over-budget`: its filters were not evaluated, and what it names is in the log as failed.',
    }),
  }),
])

const stepReply = z.object({
  path: z.string().meta({ description: 'Where it stands in its rule, as in rul_…/1.otherwise.0.' }),
  kind: z.enum(stepKinds),
  status: z.enum(['running', 'waiting', 'done', 'skipped']),
  reason: z.string().optional(),
  at: z.string(),
  until: z.string().optional().meta({ description: 'Of one that waits: when that ends at the latest.' }),
  endedAt: z.string().optional(),
  digestId: z
    .string()
    .optional()
    .meta({ description: 'The event that tells of this one, together with others.' }),
})

export const acknowledgementReply = z.object({
  at: z.string(),
  by: z.string(),
  via: z.enum(['api', 'link']),
  note: z.string().optional(),
  keyId: z.string().optional().meta({ description: 'Whose key it was.' }),
  destinationId: z.string().optional().meta({ description: 'To which destination the link was sent.' }),
})

const timelineReply = z.object({
  status: z.enum(eventStatuses),
  reason: z.string().optional(),
  deliveries: z.array(deliveryReply),
  routing: z.array(routingReply),
  steps: z
    .array(stepReply)
    .optional()
    .meta({ description: 'Of the rules that act, in the order in which they began.' }),
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
        'Its workflow fails by a fault of Switchyard, is tried again, and goes on once an operator has mended that. Nothing is lost.',
    }),
})

export const eventReply = timelineReply.extend({
  id: z.string(),
  type: z.string(),
  environment: z.enum(environments),
  test: z.literal(true).optional().meta({ description: 'Made to try a destination out.' }),
  data: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Null once it was erased.' }),
  erased: z.object({ at: z.string(), erasureId: z.string() }).optional(),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
  hops: z.int().optional().meta({ description: 'The number of webhooks that led to it.' }),
  replays: z.array(timelineReply.extend({ replayId: z.string(), createdAt: z.string() })),
  temporalUrl: z.string().optional(),
  incomplete: z.string().optional().meta({
    description:
      'Why this is not the whole log: it is not routed yet, its workflow is stuck, or no worker answers, so that this is the summary.',
  }),
})

const destinationId = z.string().regex(/^dst_[a-z0-9]+$/, 'must be a destination id')

/** What both lists of the delivery log are asked by. */
const logFilters = {
  type: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}\*?$/, 'must be an event type, or the beginning of one with a * after it')
    .optional(),
  destination: destinationId.optional(),
  from: isoTime.optional(),
  to: isoTime.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'must be a nextCursor of an earlier page')
    .optional(),
}

function isSpan({ from, to }: { from?: string; to?: string }): boolean {
  // What is no time at all is said elsewhere.
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
