import { getClient } from '@temporalio/activity'
import { findVerdicts } from '../compute/find-verdicts.ts'
import { findNamed, routableDestinations } from '../db/destinations/destinations.ts'
import { enabledRules } from '../db/rules.ts'
import type { Event } from '../domain/event.ts'
import { exhaustedNews, failingNews, type News } from '../domain/operational.ts'
import { ofDestinations } from '../domain/routing/plan.ts'
import { route } from '../domain/routing/routing.ts'
import { routingFilters } from '../domain/routing/filters.ts'
import { emitOperationalEvent, toEvent } from '../temporal/operational-events.ts'
import { readCallingEvent } from './asking-event.ts'
import type { ActivityDeps } from './deps.ts'

/** The state of a delivery that a workflow reports. */
export interface DeliveryNews {
  news: 'failing' | 'exhausted'
  destinationId: string
  /** The path of the rule's step that makes it. */
  step?: string
  reason: string
  /** The number of attempts made. */
  attempts: number
  lastError?: string
}

/**
 * Emits the operational events of a delivery if a destination subscribes to them: once per failed delivery, and once per
 * destination while it keeps failing. Operational events and tests cause none. Safe to repeat.
 */
export function createAnnounceDelivery({
  db,
  compute,
  metrics,
  log,
}: Pick<ActivityDeps, 'db' | 'compute' | 'metrics' | 'log'>) {
  return async function announceDelivery(told: DeliveryNews): Promise<void> {
    const { event, workflowId } = await readCallingEvent()
    if (event.operational || event.test) return
    if (told.news === 'exhausted') metrics.countExhausted()
    const news = await newsOf(event, workflowId, told)
    if (!news) return
    const heard = await isHeard(toEvent(news))
    if (heard) await emitOperationalEvent(getClient(), news, { eager: false })
    const { tenantId, environment, type } = news
    const { destinationId, step, reason } = told
    log.info({ tenantId, environment, eventId: event.id, destinationId, step, reason, heard }, type)
  }

  /** Many deliveries may fail at once: no event is made if no destination would receive it. */
  async function isHeard(news: Event): Promise<boolean> {
    const scope = { tenantId: news.tenantId, environment: news.environment }
    const [destinations, rules] = await Promise.all([
      routableDestinations(db, scope),
      enabledRules(db, scope),
    ])
    const filters = routingFilters(news, destinations, rules)
    const verdicts = await findVerdicts({ compute, log }, news, filters)
    const { steps, routing } = route(news, destinations, { rules, verdicts })
    return steps.length > 0 || ofDestinations(routing).some(({ missed }) => missed)
  }

  async function newsOf(
    event: Event,
    workflowId: string,
    { news, destinationId, step, reason, attempts, lastError }: DeliveryNews,
  ): Promise<News | undefined> {
    const found = await findNamed(db, event, destinationId)
    const destination = found ?? { id: destinationId, channel: 'unknown' }
    const state = { destination, attempts, lastError, at: new Date() }
    if (news === 'exhausted') return exhaustedNews(event, state, { workflowId, step, reason })
    // Something has arrived meanwhile, or the destination is gone.
    return found?.failingSince ? failingNews(event, state, found.failingSince) : undefined
  }
}
