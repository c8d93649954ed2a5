import type { PlannedRule } from '../../domain/routing/plan.ts'
import type { Opening } from '../deliver-all.ts'
import type { Run } from '../run/types.ts'

/** The state of one rule while it runs. */
export interface RuleRun {
  run: Run
  rule: PlannedRule
  opening: Opening
  /** Why no further step begins: set by a `stop` step. */
  stopped?: string
  /** Deliveries and their follow-ups that the rule's steps do not wait for. */
  background: Promise<void>[]
}
