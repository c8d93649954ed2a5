import type { Event, JsonObject } from '../event.ts'
import { fitsEventType } from '../routing/event-types.ts'
import type { Verdicts } from '../filters/filters.ts'
import type { RuleDecision } from '../routing/plan.ts'
import type { Rule } from './rule.ts'
import { ruleFilters } from './walk.ts'

/** Why a matching rule does nothing for an event. */
export interface HeldBack {
  heldBack: 'throttled' | 'deduplicated' | 'over-budget'
  reason: string
}

/** The matching rules in order, before limits hold any of them back. */
export function matchingRules(event: Event, rules: readonly Rule[], verdicts: Verdicts): Rule[] {
  const decisions = decideOnRules(event, rules, { heldBack: new Map(), verdicts })
  const matched = decisions.filter((decision) => decision.matched && !decision.heldBack)
  return rules.filter(({ id }) => matched.some(({ ruleId }) => ruleId === id))
}

/**
 * Decides on every rule and gives a reason. A matching exclusive rule ends the search, even if it is held back. A rule whose filters
 * could not be evaluated counts as matching: otherwise its event might go where the rule would have prevented it from going. Pure.
 */
export function decideOnRules(
  event: Event,
  rules: readonly Rule[],
  { heldBack, verdicts }: { heldBack: ReadonlyMap<string, HeldBack>; verdicts: Verdicts },
): RuleDecision[] {
  let exclusive: string | undefined
  return rules.map(({ id, version, definition }): RuleDecision => {
    const { name } = definition
    const rule = { ruleId: id, version, name }
    if (exclusive !== undefined)
      return { ...rule, matched: false, reason: `not looked at: “${exclusive}” matches and is exclusive` }
    const decision = decideOn(event, definition, verdicts)
    if (decision.matched && definition.exclusive) exclusive = name
    return { ...rule, ...decision, ...(decision.matched && heldBack.get(id)) }
  })
}

/** Why one of the filters that the rule needs for the event could not be evaluated, if so. */
export function overBudget(filters: readonly JsonObject[], verdicts: Verdicts): string | undefined {
  for (const filter of filters) {
    const verdict = verdicts(filter)
    if (typeof verdict === 'object') return verdict.overBudget
  }
  return undefined
}

function decideOn(
  event: Event,
  definition: Rule['definition'],
  verdicts: Verdicts,
): Pick<RuleDecision, 'matched' | 'reason' | 'heldBack'> {
  const { when } = definition
  const pattern = when.events.find((glob) => fitsEventType(glob, event.type))
  if (pattern === undefined) return { matched: false, reason: 'unmatched: not for this event type' }
  if (verdicts(when.filter) === false)
    return { matched: false, reason: 'filtered: the payload does not pass the rule’s filter' }
  const reason = overBudget(ruleFilters(definition), verdicts)
  if (reason !== undefined) return { matched: true, reason, heldBack: 'over-budget' }
  return { matched: true, reason: `for ${pattern}` }
}
