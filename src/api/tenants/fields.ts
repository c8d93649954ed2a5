import { z } from 'zod'
import type { Tenant } from '../../db/generated/client.ts'
import { tenantLimits } from '../auth/rate-limit.ts'
import { nameText } from '../fields/text.ts'

/** `confirm` requires email recipients to confirm first; with `vouched` the platform vouches for the tenant's recipients. */
const emailConsents = ['confirm', 'vouched'] as const

/** A path to a field of an event's data: non-empty names separated by dots. */
const redactPath = z
  .string()
  .max(256)
  .regex(
    /^data(?:\.[^.\p{Cc}]+)+$/u,
    'must be a path to a field inside data such as data.document.number, without empty segments',
  )

const redact = z
  .array(redactPath)
  .max(50)
  .refine((paths) => new Set(paths).size === paths.length, 'must not contain duplicate paths')
  .meta({ description: 'Paths of event fields whose values are not shown, such as data.document.number.' })

const emailConsent = z.enum(emailConsents).meta({
  description:
    '`confirm`: each email recipient must confirm by link before it receives mail. `vouched`: the platform vouches for the tenant’s recipients.',
})

export const tenantBody = z
  .strictObject({
    name: nameText,
    limits: tenantLimits.prefault({}),
    redact: redact.default([]),
    emailConsent: emailConsent.default('confirm'),
  })
  .meta({ id: 'NewTenant' })

/** Has no defaults, so omitted fields keep their values. */
export const tenantPatch = z
  .strictObject({
    name: nameText.optional(),
    limits: z
      .strictObject({
        apiPerMinute: tenantLimits.shape.apiPerMinute.unwrap().optional(),
        apiBurst: tenantLimits.shape.apiBurst.unwrap().optional(),
        ingestPerSecond: tenantLimits.shape.ingestPerSecond.unwrap().optional(),
        emailsPerHour: tenantLimits.shape.emailsPerHour.unwrap().optional(),
      })
      .optional(),
    redact: redact.optional(),
    emailConsent: emailConsent.optional(),
  })
  .meta({ id: 'TenantPatch' })

export const tenantReply = z
  .object({
    id: z.string(),
    name: z.string(),
    limits: tenantLimits,
    redact: z.array(z.string()),
    emailConsent: z.enum(emailConsents),
    createdAt: z.string(),
  })
  .meta({ id: 'Tenant' })

export function showTenant({ id, name, limits, redact, emailConsent, createdAt }: Tenant) {
  return {
    id,
    name,
    limits: tenantLimits.parse(limits),
    redact,
    emailConsent,
    createdAt: createdAt.toISOString(),
  }
}
