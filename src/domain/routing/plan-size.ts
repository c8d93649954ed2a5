import type { RuleDefinition } from '../rules/rule.ts'
import { stepLists } from '../rules/walk.ts'

/** Temporal stores at most 2 MB of one payload. Encryption and the decisions about destinations need room as well. */
export const maxPlanBytes = 1_800_000
/** The maximum for the enabled rules of an environment, by `estimatePlanBytes`. */
export const maxRulesBytes = 1024 * 1024

/** Including its path, which grows with the rule's depth, and a destination's policy. */
const stepBytes = 250
const deliveryBytes = 500

/**
 * The most that rules add to a plan: every branch is counted as taken, and the steps behind a digest, which the plan holds as
 * they are written, twice.
 */
export function estimatePlanBytes(rules: readonly RuleDefinition[]): number {
  return rules.reduce((sum, rule) => {
    const steps = stepLists(rule.steps).flatMap((list) => list.steps)
    const named = steps.reduce((count, step) => count + ('deliver' in step ? step.deliver.to.length : 0), 0)
    return sum + Buffer.byteLength(JSON.stringify(rule)) + steps.length * stepBytes + named * deliveryBytes
  }, 0)
}
