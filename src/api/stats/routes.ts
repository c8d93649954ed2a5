import { z } from 'zod'
import { readAllStats, readDailyStats } from './read.ts'
import { requireDestination } from '../destinations/store.ts'
import { route } from '../http/route.ts'

const counts = z.object({
  total: z.int().meta({ description: 'Deliveries, replays and tests included.' }),
  succeeded: z.int(),
  failed: z.int().meta({ description: 'Given up, by events that have ended.' }),
})

const statsReply = counts.extend({
  pending: z.int().meta({
    description:
      'Deliveries that wait for an attempt; exact up to 1,000 events under way, at most so many beyond.',
  }),
  lastAttemptAt: z.string().nullable(),
  days: z.array(counts.extend({ day: z.string().meta({ description: 'YYYY-MM-DD, in UTC' }) })).meta({
    description:
      'The last days, today included, the oldest first. A delivery counts when its event has ended.',
  }),
})

export const destinationStatsRoutes = [
  route({
    method: 'get',
    path: '/destinations/:id/stats',
    access: { scope: 'destinations:read' },
    summary: 'Count a destination’s deliveries, of all time and day by day',
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
