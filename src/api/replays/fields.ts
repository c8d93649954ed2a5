import { z } from 'zod'
import { replaySources, replayStatuses, skipReasons } from '../../domain/replay.ts'
import { listQuery } from '../events/fields.ts'
import { isoTime } from '../fields/text.ts'

const ratePerSecond = z.number().min(0.1).max(1000).meta({ description: 'Events started per second.' })

export const newReplay = z
  .strictObject({
    from: isoTime.meta({ description: 'Events accepted at this time or later.' }),
    to: isoTime.optional().meta({ description: 'Events accepted before this time; the default is now.' }),
    destination: listQuery.shape.destination.meta({
      description: 'Only deliveries to this destination; the default is all destinations.',
    }),
    status: z.enum(replayStatuses).default('failed').meta({
      description:
        '`missed`: events that the destination would have received if it had been active; `undelivered`: missed and failed events.',
    }),
    type: listQuery.shape.type.meta({ description: 'An event type, or a prefix followed by *.' }),
    ratePerSecond: ratePerSecond.default(20),
    source: z
      .enum(replaySources)
      .default('log')
      .meta({ description: '`archive`: events whose log has expired but which are archived.' }),
    rules: z.enum(['today']).optional().meta({
      description:
        'Route the events again with the current rules and subscriptions instead of resending them where they failed.',
    }),
  })
  .refine(({ rules, destination }) => rules === undefined || destination === undefined, {
    path: ['destination'],
    message: 'cannot be combined with rules, which decide where the events go',
  })
  // Invalid times are reported above.
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
    {
      path: ['destination'],
      message: 'is required for this status; missed events are replayed to one destination',
    },
  )
  .meta({ id: 'NewReplay' })

export type NewReplay = z.output<typeof newReplay>

export const resumption = z
  .strictObject({ ratePerSecond: ratePerSecond.optional() })
  .meta({ id: 'ReplayResumption' })

const { limit, cursor } = listQuery.shape
export const replayListQuery = z.strictObject({ limit, cursor })

const replayRow = z
  .object({
    id: z.string(),
    status: z.enum(['running', 'paused', 'cancelled', 'completed', 'failed']),
    createdAt: z.string(),
    endedAt: z.string().optional(),
    filter: z
      .object({
        from: z.string(),
        to: z.string(),
        destination: z.string().optional(),
        status: z.enum(replayStatuses),
        type: z.string().optional(),
        source: z.enum(replaySources),
        rules: z.enum(['today']).optional(),
      })
      .meta({ id: 'ReplayFilter' }),
    ratePerSecond: z.number(),
    found: z
      .int()
      .meta({ description: 'The number of matching events; an estimate at first, exact at the end.' }),
    started: z.int(),
    skipped: z.int().meta({ description: 'The number of matching events that were not started.' }),
    skippedReasons: z.partialRecord(z.enum(skipReasons), z.int()),
    estimatedEndAt: z.string().optional().meta({ description: 'When the last event is expected to start.' }),
  })
  .meta({ id: 'ReplaySummary' })

export const replayList = z
  .object({ data: z.array(replayRow), nextCursor: z.string().nullable() })
  .meta({ id: 'ReplayPage' })

/** A replay with the outcomes of the events that it started. */
export const replayDetail = replayRow
  .extend({
    delivered: z.int(),
    failed: z.int().meta({ description: 'The number of events that failed for at least one destination.' }),
    digested: z.int().meta({
      description: 'The number of events added to a digest; the digest’s own event has the outcome.',
    }),
    unrouted: z.int().meta({
      description: 'The number of events not sent because their destinations were inactive or deleted.',
    }),
    pending: z.int(),
  })
  .meta({ id: 'Replay' })
