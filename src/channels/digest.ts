import { z } from 'zod'
import type { Event, JsonObject } from '../domain/event.ts'

const digest = z.object({
  rule: z.object({ id: z.string(), name: z.string() }),
  by: z.string().optional(),
  key: z.string().optional(),
  count: z.int().nonnegative(),
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  types: z.record(z.string(), z.int()),
  events: z
    .array(
      z.object({
        id: z.string(),
        type: z.string(),
        createdAt: z.iso.datetime({ offset: true }),
        data: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null),
      }),
    )
    .min(1),
})

/** What a digest tells: events of one rule, collected over a time. */
export type Digest = z.output<typeof digest>

/** A tenant may have a type of this name for something else: that is an event like any other. */
export function digestOf({ type, data }: Event): Digest | undefined {
  return type === 'digest' ? digest.safeParse(data).data : undefined
}

export function digestTitle({ count, rule }: Digest, { test, environment }: Event): string {
  const what = `${count} ${count === 1 ? 'event' : 'events'}: ${rule.name}`
  return `${test ? 'Test: ' : ''}${what}${environment === 'sandbox' ? ' (sandbox)' : ''}`
}

/** `data.customerId: cus_17`, where the events have something in common. */
export function sharedKey({ by, key }: Digest): string | undefined {
  return by === undefined || key === undefined ? undefined : `${by}: ${key}`
}

/** `12 × aml.match.found, 1 × kyc.approved`, the commonest first. */
export function typeCounts({ types }: Digest): string {
  return Object.entries(types)
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${count} × ${type}`)
    .join(', ')
}
