import type { PlannedRule } from '../../domain/routing/plan.ts'
import type { Opening } from '../deliver-all.ts'
import type { Run } from '../run/types.ts'

/** One rule at work. */
export interface RuleRun {
  run: Run
  rule: PlannedRule
  opening: Opening
  /** Why no further step begins, once one has stopped the rule. */
  stopped?: string
  /** What goes on while the rule does: deliveries, and what follows where they fail. */
  behind: Promise<void>[]
}
