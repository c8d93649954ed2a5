import type { Event, JsonObject } from '../domain/event.ts'
import { areCheap } from '../domain/filters/weight.ts'
import { evaluateFilters, type Verdict, type Verdicts } from '../domain/filters/filters.ts'
import type { Log } from '../log.ts'
import type { Compute } from './compute.ts'
import { OverBudget } from './over-budget.ts'
import { packData } from './payload.ts'

/**
 * Evaluates filters against an event. Cheap ones are evaluated here on demand; otherwise all are evaluated on a thread within one
 * deadline. Throws `OverBudget` if too many of the tenant's jobs are waiting; the caller may retry.
 */
export async function findVerdicts(
  { compute, log }: { compute: Compute; log: Log },
  event: Pick<Event, 'id' | 'tenantId' | 'type' | 'data'>,
  filters: readonly JsonObject[],
): Promise<Verdicts> {
  if (areCheap(filters, event.data)) return evaluateFilters(event)
  const found = await evaluateOnThread(compute, event, filters)
  const verdicts = new Map(filters.map((filter, index) => [filter, found[index] ?? outOfTime]))
  const missed = [...verdicts.values()].find((verdict) => typeof verdict === 'object')
  if (missed) {
    const { id: eventId, tenantId } = event
    log.warn({ tenantId, eventId, reason: missed.overBudget }, 'event.filters-over-budget')
  }
  return (filter) => filter === undefined || (verdicts.get(filter) ?? outOfTime)
}

async function evaluateOnThread(
  compute: Compute,
  { tenantId, id, type, data }: Pick<Event, 'id' | 'tenantId' | 'type' | 'data'>,
  filters: readonly JsonObject[],
): Promise<(Verdict | null)[]> {
  const input = { filters, event: { id, type }, dataText: packData(data) }
  try {
    return await compute.run(tenantId, 'passFilters', input)
  } catch (error) {
    if (!(error instanceof OverBudget) || error.budget === 'queue') throw error
    return filters.map(() => ({
      overBudget: `filter budget exceeded: evaluating the event’s filters ${error.message}`,
    }))
  }
}

const outOfTime = {
  overBudget: 'filter budget exceeded: evaluating the event’s filters takes more than a second',
}
