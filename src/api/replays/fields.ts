import { z } from 'zod'
import { replaySources, replayStatuses, skipReasons } from '../../domain/replay.ts'
import { listQuery } from '../events/fields.ts'
import { isoTime } from '../fields/text.ts'

const ratePerSecond = z.number().min(0.1).max(1000).meta({ description: 'Events started a second.' })

export const newReplay = z
  .strictObject({
    from: isoTime.meta({ description: 'Events accepted at this time or later.' }),
    to: isoTime.optional().meta({ description: 'Events accepted before this time; by default now.' }),
    destination: listQuery.shape.destination.meta({
      description: 'Only deliveries to this one; by default those of all.',
    }),
    status: z.enum(replayStatuses).default('failed').meta({
      description:
        '`missed`: what the destination would have got, had it been active; `undelivered`: that and what failed.',
    }),
    type: listQuery.shape.type.meta({ description: 'A type, or the beginning of types with a * after it.' }),
    ratePerSecond: ratePerSecond.default(20),
    source: z
      .enum(replaySources)
      .default('log')
      .meta({ description: '`archive`: from what is kept of events that the log has forgotten.' }),
    rules: z.enum(['today']).optional().meta({
      description:
        'Route the events anew, by today’s rules and subscriptions, instead of sending them where they failed.',
    }),
  })
  .refine(({ rules, destination }) => rules === undefined || destination === undefined, {
    path: ['destination'],
    message: 'cannot be given with rules: those decide where the events go',
  })
  // What is no time at all is said above, once.
  .refine(({ from, to }) => to === undefined || !(Date.parse(from) >= Date.parse(to)), {
    path: ['to'],
    message: 'must be later than from',
  })
  .refine(({ from }) => !(Date.parse(from) >= Date.now()), {
    path: ['from'],
    message: 'must not be in the future',
  })
  .refine(
    ({ status, destination }) =>
      destination !== undefined || (status !== 'missed' && status !== 'undelivered'),
    { path: ['destination'], message: 'is required: what was missed is replayed to one destination' },
  )

export type NewReplay = z.output<typeof newReplay>

export const resumption = z.strictObject({ ratePerSecond: ratePerSecond.optional() })

const { limit, cursor } = listQuery.shape
export const replayListQuery = z.strictObject({ limit, cursor })

const replayRow = z.object({
  id: z.string(),
  status: z.enum(['running', 'paused', 'cancelled', 'completed', 'failed']),
  createdAt: z.string(),
  endedAt: z.string().optional(),
  filter: z.object({
    from: z.string(),
    to: z.string(),
    destination: z.string().optional(),
    status: z.enum(replayStatuses),
    type: z.string().optional(),
    source: z.enum(replaySources),
    rules: z.enum(['today']).optional(),
  }),
  ratePerSecond: z.number(),
  found: z
    .int()
    .meta({ description: 'Events that match: about as many at first, exactly as many in the end.' }),
  started: z.int(),
  skipped: z.int().meta({ description: 'Events that match and were not started.' }),
  skippedReasons: z.partialRecord(z.enum(skipReasons), z.int()),
  estimatedEndAt: z.string().optional().meta({ description: 'When the last event is started.' }),
})

export const replayList = z.object({ data: z.array(replayRow), nextCursor: z.string().nullable() })

/** What became of the events that were started. */
export const replayDetail = replayRow.extend({
  delivered: z.int(),
  failed: z.int().meta({ description: 'To one destination at least.' }),
  digested: z.int().meta({ description: 'A part of a digest: its own event says what became of it.' }),
  unrouted: z
    .int()
    .meta({ description: 'Sent nowhere: the destinations were not active or not there any more.' }),
  pending: z.int(),
})
