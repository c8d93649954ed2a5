import type { Event } from './event.ts'
import { fitsEventType } from './event-types.ts'
import { filterSubject, passesFilter } from './filters.ts'
import type { RuleDecision } from './plan.ts'
import type { Rule } from './rule.ts'

/** Why a rule that matched does nothing for an event. */
export interface HeldBack {
  heldBack: 'throttled' | 'deduplicated'
  reason: string
}

/** The rules that match, in their order: whether one of them is held back is to be found out. */
export function matchingRules(event: Event, rules: readonly Rule[]): Rule[] {
  const matched = decideOnRules(event, rules, new Map()).filter((decision) => decision.matched)
  return rules.filter(({ id }) => matched.some(({ ruleId }) => ruleId === id))
}

/** Decides on every rule, with a reason. One that is exclusive and matches ends it, whether or not it is held back. Pure. */
export function decideOnRules(
  event: Event,
  rules: readonly Rule[],
  heldBack: ReadonlyMap<string, HeldBack>,
): RuleDecision[] {
  let exclusive: string | undefined
  return rules.map(({ id, version, definition }): RuleDecision => {
    const { name } = definition
    const rule = { ruleId: id, version, name }
    if (exclusive !== undefined)
      return { ...rule, matched: false, reason: `not looked at: “${exclusive}” matches and is exclusive` }
    const decision = decideOn(event, definition)
    if (decision.matched && definition.exclusive) exclusive = name
    return { ...rule, ...decision, ...(decision.matched && heldBack.get(id)) }
  })
}

function decideOn(event: Event, { when }: Rule['definition']): Pick<RuleDecision, 'matched' | 'reason'> {
  const pattern = when.events.find((glob) => fitsEventType(glob, event.type))
  if (pattern === undefined) return { matched: false, reason: 'unmatched: not for this event type' }
  if (!passesFilter(when.filter, filterSubject(event)))
    return { matched: false, reason: 'filtered: the payload does not pass the rule’s filter' }
  return { matched: true, reason: `for ${pattern}` }
}
