import type { RoutableDestination } from '../destination.ts'
import type { Event, JsonObject } from '../event.ts'
import { fitsEventType } from './event-types.ts'
import type { Rule } from '../rules/rule.ts'
import { ruleFilters } from '../rules/walk.ts'

/** All filters that routing may evaluate for an event: those of rules and subscriptions for its type. */
export function routingFilters(
  { type }: Pick<Event, 'type'>,
  destinations: readonly RoutableDestination[],
  rules: readonly Rule[],
): JsonObject[] {
  const fits = (globs: readonly string[]) => globs.some((glob) => fitsEventType(glob, type))
  return [
    ...rules
      .filter(({ definition }) => fits(definition.when.events))
      .flatMap(({ definition }) => ruleFilters(definition)),
    ...destinations.flatMap(({ subscription: { eventTypes, filter } }) =>
      filter && fits(eventTypes) ? [filter] : [],
    ),
  ]
}
