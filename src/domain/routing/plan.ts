import type { OrderKey } from '../delivery/ordering.ts'
import type { QuietWindow, RuleStep, UntilTime } from '../rules/rule.ts'
import type { RuleContext } from '../rules/cause.ts'

/** The routing decision for one event, as it is recorded in the workflow's history: later edits do not change it. */
export interface Plan extends Routing {
  /** When it was made (ISO 8601, UTC). */
  at: string
}

export interface Routing {
  /** Why there is nothing else here: the event was not routed. */
  fault?: string
  /** In parallel: one `deliver` to the subscribers, or every acting rule. */
  steps: Step[]
  /** A reason for every destination and every rule of the tenant and environment. */
  routing: RoutingDecision[]
}

export type Step = DeliverStep | PlannedRule

/** Deliveries of a step run side by side. */
interface DeliverStep {
  kind: 'deliver'
  deliveries: PlannedDelivery[]
}

/** One delivery as planned. The policy is copied, so that an edit does not change a delivery under way. */
export interface PlannedDelivery {
  destinationId: string
  /** The destination's name when the event was routed. */
  name?: string
  channel: string
  scheduleMs: number[]
  timeoutMs: number
  /** Its first attempt is made at once, as one of the event's first attempts. */
  opens?: boolean
  /** Set for an ordered destination if the event has a value at its path. */
  order?: OrderKey
  /** Attempts at this destination that may be under way at once. */
  maxConcurrent?: number
  /** Set on tests of a URL that belongs to no destination. */
  url?: string
  /** The path of the rule's step that makes it. */
  step?: string
  /** Id of the template that the message is made of. */
  template?: string
  /** The rule waits for an acknowledgement, so the message says how to acknowledge. */
  acknowledgeable?: true
  /** Why a later step of a rule makes it; `of` is the path of the step whose deliveries have not arrived. */
  cause?: { kind: 'escalation'; within: string } | { kind: 'fallback'; of: string }
  /** The wait for an acknowledgement that directly follows in its rule. */
  awaits?: { path: string; withinMs: number }
  /** Set for a child workflow, which does not have the event's timeline. */
  rule?: RuleContext
  /** Why nothing is sent: it ends as failed at once. */
  fault?: string
  /** Another delivery of this plan to the same destination holds the position in its order and pace. */
  again?: true
}

/** The plan of a rule for one event. */
export interface PlannedRule {
  kind: 'rule'
  ruleId: string
  version: number
  name: string
  /** One after the other. */
  steps: PlannedStep[]
  /** Quiet hours that may hold this event's deliveries back, evaluated whenever a step delivers. */
  quietHours?: QuietWindow[]
}

/**
 * `path` is the step's position in its rule, as in `rul_…/1.otherwise.0`. Branches are already decided, because an event does not
 * change. Durations are in milliseconds.
 */
export type PlannedStep =
  | PlannedDeliver
  | { kind: 'delay'; path: string; forMs: number }
  | ({ kind: 'delay'; path: string } & UntilTime)
  | { kind: 'awaitAck'; path: string; within: string; withinMs: number; otherwise: PlannedStep[] }
  | { kind: 'branch'; path: string; taken: 'steps' | 'else'; steps: PlannedStep[] }
  | PlannedDigest
  | { kind: 'stop'; path: string; reason?: string }

export interface PlannedDeliver {
  kind: 'deliver'
  path: string
  deliveries: PlannedDelivery[]
  /** Destinations that the rule names and that get nothing: they no longer exist, or the event is about them. */
  missing?: { destinationId: string; reason: string }[]
  /** No wait precedes it: it begins when the event is routed. */
  leads?: true
  /** For a leading step: quiet hours hold it back until then (ISO 8601, UTC). */
  heldUntil?: string
  waitFor?: 'outcome'
  onFailure?: PlannedStep[]
}

export interface PlannedDigest {
  kind: 'digest'
  path: string
  windowMs: number
  max: number
  /** The path that it collects by, and what the events of one digest have there. */
  by?: string
  key?: OrderKey
  /** Names the quiet hours that hold the event: the same for the same windows. Absent if none does. */
  quiet?: string
  /** The rule's steps after the digest. The first of them has the index `restFrom` in the rule. */
  rest: RuleStep[]
  restFrom: number
}

/** The rest of a rule, to be run for its digest. */
export interface DigestOrders {
  ruleId: string
  version: number
  name: string
  steps: RuleStep[]
  /** The index of the first of them in the rule. */
  from: number
  quietHours?: QuietWindow[]
}

/** Why a destination, or a rule, was chosen or not. */
export type RoutingDecision = DestinationDecision | RuleDecision

export interface DestinationDecision {
  destinationId: string
  matched: boolean
  reason: string
  /** It would have been chosen, had it been active. */
  missed?: true
}

export interface RuleDecision {
  ruleId: string
  version: number
  name: string
  matched: boolean
  reason: string
  /** It matched, or may have matched, and yet does nothing for this event. */
  heldBack?: 'throttled' | 'deduplicated' | 'over-budget'
}

/** The decisions about destinations. */
export function ofDestinations<Decision extends object>(routing: readonly Decision[]) {
  return routing.filter(
    (decision): decision is Extract<Decision, { destinationId: string }> => 'destinationId' in decision,
  )
}

/** All deliveries that a plan may make, whatever happens meanwhile. */
export function plannedDeliveries(steps: readonly (Step | PlannedStep)[]): PlannedDelivery[] {
  return steps.flatMap((step) => [
    ...('deliveries' in step ? step.deliveries : []),
    ...nestedSteps(step).flatMap((nested) => plannedDeliveries([nested])),
  ])
}

/** The deliveries that begin when the event is routed, and so use the positions reserved when it was accepted. */
export function leadingDeliveries(steps: readonly (Step | PlannedStep)[]): PlannedDelivery[] {
  return steps.flatMap((step) => {
    if (step.kind === 'rule' || step.kind === 'branch') return leadingDeliveries(step.steps)
    if (step.kind !== 'deliver') return []
    const waits = 'path' in step && (!step.leads || step.heldUntil !== undefined)
    return waits ? [] : step.deliveries
  })
}

/** The steps nested in a step, whether or not they will run. */
export function nestedSteps(step: Step | PlannedStep): readonly PlannedStep[] {
  switch (step.kind) {
    case 'rule':
    case 'branch':
      return step.steps
    case 'awaitAck':
      return step.otherwise
    case 'deliver':
      return ('onFailure' in step && step.onFailure) || []
    case 'delay':
    case 'digest':
    case 'stop':
      return []
  }
}
