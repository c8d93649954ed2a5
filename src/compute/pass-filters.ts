import { OverDeadline, withinDeadline } from '../templates/deadline.ts'
import type { Event, JsonObject } from '../domain/event.ts'
import { forgetCompiledRegexes } from '../domain/filters/regex.ts'
import { filterWeight } from '../domain/filters/weight.ts'
import { filterSubject, passesFilter } from '../domain/filters/filters.ts'

/**
 * Evaluates an event's filters within one deadline, likely cheap ones first, so that an expensive one takes no time from them.
 * Filters that could not be evaluated give `null`.
 */
export function passFilters(
  filters: readonly JsonObject[],
  event: Pick<Event, 'id' | 'type' | 'data'>,
  timeoutMs: number,
): (boolean | null)[] {
  const verdicts: (boolean | null)[] = filters.map(() => null)
  const byWeight = filters
    .map((filter, index) => ({ filter, index, weight: filterWeight(filter) }))
    .sort((a, b) => a.weight - b.weight)
  try {
    withinDeadline(timeoutMs, () => {
      const subject = filterSubject(event)
      for (const { filter, index } of byWeight) verdicts[index] = passesFilter(filter, subject)
    })
  } catch (error) {
    if (!(error instanceof OverDeadline)) throw error
    forgetCompiledRegexes()
  }
  return verdicts
}
