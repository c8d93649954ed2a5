import { z } from 'zod'
import type { Event } from './event.ts'
import { exactly, type ExactJson, type ExactObject } from './json/exact-number.ts'

const digest = z.object({
  rule: z.object({ id: z.string(), name: z.string() }),
  by: z.string().optional(),
  key: z.custom<ExactJson>().optional(),
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
        data: z.custom<ExactObject>((value) => typeof value === 'object' && value !== null),
      }),
    )
    .min(1),
})

/** A digest: events of one rule, collected over a period. */
export type Digest = z.output<typeof digest>

/** A tenant may use the type's name for something else, which is an ordinary event. */
export function readDigest({ type, data }: Pick<Event, 'type' | 'data'>): Digest | undefined {
  return type === 'digest' ? digest.safeParse(exactly(data)).data : undefined
}
