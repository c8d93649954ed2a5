import { z } from 'zod'
import { readAllStats, readDailyStats } from './read.ts'
import { requireDestination } from '../destinations/store.ts'
import { route } from '../http/route.ts'

const counts = z.object({
  total: z.int().meta({ description: 'All deliveries, including replays and tests.' }),
  succeeded: z.int(),
  failed: z.int().meta({ description: 'Deliveries that failed permanently, of events that have ended.' }),
})

const dailyCounts = counts
  .extend({ day: z.string().meta({ description: 'YYYY-MM-DD, in UTC' }) })
  .meta({ id: 'DailyStats' })

const statsReply = counts
  .extend({
    pending: z.int().meta({
      description:
        'Deliveries waiting for an attempt. Exact for up to 1,000 events in progress; above that, an upper bound.',
    }),
    lastAttemptAt: z.string().nullable(),
    days: z.array(dailyCounts).meta({
      description: 'The last days, including today, oldest first. A delivery is counted when its event ends.',
    }),
  })
  .meta({ id: 'DestinationStats' })

export const destinationStatsRoutes = [
  route({
    method: 'get',
    path: '/destinations/:id/stats',
    operationId: 'getDestinationStats',
    access: { scope: 'destinations:read' },
    summary: 'Get a destination’s delivery counts, in total and per day',
    query: z.strictObject({ days: z.coerce.number().int().min(0).max(90).default(30) }),
    replies: { 200: statsReply },
    async handle({ params, query, scope }, deps) {
      const destination = await requireDestination(deps, scope, params.id)
      const [{ lastAttemptAt = null, ...stats }, days] = await Promise.all([
        readAllStats(deps, destination.id),
        readDailyStats(deps, destination, query.days),
      ])
      return { status: 200, body: { ...stats, lastAttemptAt, days } }
    },
  }),
]
