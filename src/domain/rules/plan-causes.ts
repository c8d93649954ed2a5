import type { PlannedDelivery, PlannedStep } from '../routing/plan.ts'

type Awaits = PlannedDelivery['awaits']

/**
 * Records on a rule's deliveries why they are made, unless it is simply that the rule matched, and which wait for an acknowledgement
 * directly follows them. Returns the wait that these steps begin with.
 */
export function noteCauses(
  steps: readonly PlannedStep[],
  { cause, next }: { cause?: PlannedDelivery['cause']; next?: Awaits } = {},
): Awaits {
  let following = next
  for (const step of steps.toReversed()) following = noteStep(step, cause, following)
  return following
}

/** The nearest cause counts: the fallback of an escalation is a fallback. */
function noteStep(step: PlannedStep, cause: PlannedDelivery['cause'], next: Awaits): Awaits {
  switch (step.kind) {
    case 'deliver': {
      const waits = step.waitFor !== undefined
      for (const delivery of step.deliveries) {
        if (cause) delivery.cause = cause
        if (next && !waits) delivery.awaits = next
      }
      if (step.onFailure) noteCauses(step.onFailure, { cause: { kind: 'fallback', of: step.path } })
      return waits ? undefined : next
    }
    case 'awaitAck':
      noteCauses(step.otherwise, { cause: { kind: 'escalation', within: step.within } })
      return { path: step.path, withinMs: step.withinMs }
    case 'branch':
      return noteCauses(step.steps, { ...(cause && { cause }), ...(next && { next }) })
    case 'delay':
    case 'digest':
    case 'stop':
      return undefined
  }
}
