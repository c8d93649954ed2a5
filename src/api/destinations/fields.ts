import { z } from 'zod'
import { channels } from '../../channels/index.ts'
import { orderPathPattern } from '../../domain/delivery/ordering.ts'
import {
  defaultSchedule,
  defaultTimeoutMs,
  durationMs,
  durationPattern,
} from '../../domain/delivery/retry-schedule.ts'
import { eventTypeGlobText, filter } from '../fields/filter.ts'

export const subscription = z
  .strictObject({
    eventTypes: z.array(eventTypeGlobText).min(1).max(100),
    filter: filter.optional(),
  })
  .meta({ id: 'Subscription' })

const maxDelayMs = 7 * 24 * 3600 * 1000

export const duration = z
  .string()
  // Aborts the later checks, including those of the enclosing object, because `durationMs` throws for anything else.
  .regex(durationPattern, { error: 'must be a duration such as 30s, 5m, 2h or 1d', abort: true })
  .refine((text) => durationMs(text) <= maxDelayMs, 'must be at most 7d')

const ordering = z
  .strictObject({
    by: z
      .string()
      .max(200)
      .regex(orderPathPattern, 'must be a path into the event such as data.customerId or type')
      .meta({
        description: 'Events with the same value at this path are delivered one at a time, in order.',
      }),
  })
  .meta({ id: 'Ordering' })
const channelLimits = channels.flatMap(({ name, maxPerSecond }) =>
  maxPerSecond === undefined ? [] : [`${maxPerSecond} for ${name}`],
)
const maxPerSecond = z
  .number()
  .min(0.01)
  .max(1000)
  .meta({
    description: `Attempts a second; those beyond it wait, in order. By default what the channel’s service takes (${channelLimits.join(', ')}), or no limit.`,
  })
const maxConcurrent = z.int().min(1).max(100).meta({ description: 'Maximum attempts in flight.' })

/** `schedule[0]` is the delay before the first attempt; each later entry is the delay before the next attempt. */
export const deliveryPolicy = z
  .strictObject({
    schedule: z.array(duration).min(1).max(20).default(defaultSchedule),
    timeoutMs: z.int().min(100).max(30_000).default(defaultTimeoutMs),
    maxPerSecond: maxPerSecond.optional(),
    maxConcurrent: maxConcurrent.optional(),
    ordering: ordering.optional(),
  })
  .meta({ id: 'DeliveryPolicy' })

/** Has no defaults: `partial()` would fill them in and so reset fields that the request does not name. `null` removes a limit. */
export const deliveryPolicyPatch = z
  .strictObject({
    schedule: deliveryPolicy.shape.schedule.unwrap().optional(),
    timeoutMs: deliveryPolicy.shape.timeoutMs.unwrap().optional(),
    maxPerSecond: maxPerSecond.nullable().optional(),
    maxConcurrent: maxConcurrent.nullable().optional(),
    ordering: ordering.nullable().optional(),
  })
  .meta({ id: 'DeliveryPolicyPatch' })
