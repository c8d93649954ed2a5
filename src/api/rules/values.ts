import { z } from 'zod'
import { orderPathPattern } from '../../domain/delivery/ordering.ts'
import { durationMs, durationPattern } from '../../domain/delivery/retry-schedule.ts'
import { ruleLimits } from '../../domain/rules/rule.ts'
import { isTimeZone } from '../../domain/rules/zoned-time.ts'

/** A positive duration of at most `longestDays` days. */
function wait(longestDays: number) {
  return z
    .string()
    .regex(durationPattern, { error: 'must be a duration such as 30s, 15m, 2h or 1d', abort: true })
    .refine((text) => durationMs(text) > 0, 'must be greater than 0')
    .refine((text) => durationMs(text) <= longestDays * dayMs, `must be at most ${longestDays}d`)
}

const dayMs = 24 * 3600 * 1000
export const longestWait = wait(ruleLimits.longestWaitMs / dayMs)

export const eventPath = z
  .string()
  .max(200)
  .regex(orderPathPattern, 'must be a path into the event such as data.customerId or type')

export const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day from 00:00 to 23:59')
export const endOfSpan = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of day from 00:00 to 24:00')

export const timezone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin or UTC')

/** The next time at which a clock in the time zone shows `until`. */
export const untilTime = z.strictObject({ until: timeOfDay, timezone }).meta({ id: 'UntilTime' })

export const digest = z
  .strictObject({
    window: wait(7).meta({
      description: 'How long to collect events, starting with the first one; at most 7d.',
    }),
    by: eventPath.optional().meta({ description: 'Create one digest per value at this path.' }),
    max: z
      .int()
      .min(1)
      .max(ruleLimits.digestMax)
      .default(ruleLimits.digestMax)
      .meta({ description: 'The maximum number of events in a digest; a full digest is sent immediately.' }),
  })
  .meta({ id: 'DigestSettings' })
