import { z } from 'zod'
import {
  environments,
  eventIdMaxLength,
  eventIdPattern,
  eventTypeMaxLength,
  eventTypePattern,
} from '../domain/event.ts'
import { eventStatuses } from '../domain/timeline.ts'
import { isoTime, jsonObject } from './text.ts'

export const eventType = z
  .string()
  .max(eventTypeMaxLength)
  .regex(eventTypePattern, 'must be dotted words such as aml.match.found: letters, digits, "_" and "-"')

const eventId = z
  .string()
  .max(eventIdMaxLength)
  .regex(eventIdPattern, 'must begin with a letter or digit; then letters, digits, "_", ":" and "-"')

export const eventBody = z.strictObject({ id: eventId.optional(), type: eventType, data: jsonObject })

export const acceptedReply = z.object({
  id: z.string(),
  type: z.string(),
  status: z.literal('accepted'),
  createdAt: z.string(),
  duplicate: z.literal(true).optional(),
})

export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')

const deliverySummary = z.object({
  destinationId: z.string(),
  channel: z.string(),
  status: z.enum(['pending', 'delivered', 'failed', 'skipped', 'held']),
})

export const eventSummary = z.object({
  id: z.string(),
  type: z.string(),
  createdAt: z.string(),
  test: z.literal(true).optional(),
  status: z.enum(eventStatuses),
  deliveries: z.array(
    deliverySummary.extend({
      attempts: z.int(),
      responseCode: z.int().optional(),
      lastAttemptAt: z.string().optional(),
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
  error: z.string().optional(),
})

export const deliveryReply = deliverySummary.extend({
  reason: z.string().optional(),
  nextAttemptAt: z.string().optional(),
  attempts: z.array(attempt),
})

const timelineReply = z.object({
  status: z.enum(eventStatuses),
  reason: z.string().optional(),
  deliveries: z.array(deliveryReply),
  routing: z.array(z.object({ destinationId: z.string(), matched: z.boolean(), reason: z.string() })),
})

export const eventReply = timelineReply.extend({
  id: z.string(),
  type: z.string(),
  environment: z.enum(environments),
  test: z.literal(true).optional().meta({ description: 'Made to try a destination out.' }),
  data: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
  replays: z.array(timelineReply.extend({ replayId: z.string(), createdAt: z.string() })),
  temporalUrl: z.string().optional(),
  incomplete: z.string().optional().meta({ description: 'Why this is only the summary, without attempts.' }),
})

export const listQuery = z.strictObject({
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

export const batchMax = 100
