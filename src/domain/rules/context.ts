import { durationMs } from '../delivery/retry-schedule.ts'
import type { PlannedDelivery } from '../routing/plan.ts'
import type { Delivery, Timeline } from '../delivery/timeline.ts'
import { cutCodePoints } from '../truncate.ts'
import type { Cause, RuleContext } from './cause.ts'

const maxFailures = 3
const maxErrorLength = 200

/** Empty if no rule makes the delivery. */
export function ruleContext(
  timeline: Timeline,
  { step, cause, awaits, rule }: PlannedDelivery,
  nowMs: number,
): RuleContext | undefined {
  if (rule || step === undefined) return rule
  const decision = timeline.routing.find((one) => 'ruleId' in one && step.startsWith(`${one.ruleId}/`))
  if (!decision || !('ruleId' in decision)) return undefined
  const acknowledgeBy = awaits && endOfWait(timeline, awaits, nowMs)
  return {
    name: decision.name,
    ...(cause?.kind === 'escalation' && { cause }),
    ...(cause?.kind === 'fallback' && { cause: fallbackFrom(timeline, cause.of) }),
    ...(acknowledgeBy !== undefined && { acknowledgeBy }),
  }
}

/** Adds the context for a child workflow, whose own timeline lacks it. */
export function withRuleContext(
  timeline: Timeline,
  planned: PlannedDelivery,
  nowMs: number,
): PlannedDelivery {
  const rule = ruleContext(timeline, planned, nowMs)
  return rule ? { ...planned, rule } : planned
}

/** Before the wait begins its end is estimated, since the delivery's step directly precedes it. After the wait there is no deadline. */
function endOfWait(
  { steps = [] }: Timeline,
  { path, withinMs }: NonNullable<PlannedDelivery['awaits']>,
  nowMs: number,
): string | undefined {
  const wait = steps.find((one) => one.path === path)
  return wait ? wait.until : new Date(nowMs + withinMs).toISOString()
}

function fallbackFrom({ deliveries }: Timeline, step: string): Cause {
  const failed = deliveries.filter((delivery) => delivery.step === step && delivery.status !== 'delivered')
  const failures = failed.slice(0, maxFailures).map((delivery) => ({
    destinationId: delivery.destinationId,
    error: cutCodePoints(lastError(delivery), maxErrorLength),
  }))
  const more = failed.length - failures.length
  return { kind: 'fallback', failures, ...(more > 0 && { more }) }
}

function lastError({ attempts, reason = 'it was not delivered' }: Delivery): string {
  return attempts.at(-1)?.error ?? reason
}

/** The cause in words. `names` maps destination ids to names; a deleted destination is shown by its id. */
export function causeInWords(cause: Cause, names: ReadonlyMap<string, string>): string {
  if (cause.kind === 'escalation')
    return `escalated: not acknowledged within ${durationInWords(cause.within)}`
  const { failures, more = 0 } = cause
  if (failures.length === 0) return 'fallback: a destination of the rule is no longer there'
  const named = failures.map(({ destinationId, error }) => {
    const link = /^(HTTP|SMTP) \d/.test(error) ? ' with ' : ': '
    return `${names.get(destinationId) ?? destinationId} failed${link}${error}`
  })
  return `fallback: ${named.join('; ')}${more > 0 ? `; and ${more} more failed` : ''}`
}

/** `15m` becomes "15 min". */
export function durationInWords(duration: string): string {
  const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(duration) ?? []
  const words = { s: 's', m: 'min', h: 'h', d: count === '1' ? 'day' : 'days' }[unit]
  return words === undefined ? duration : `${count} ${words}`
}

const sampleWithin = '15m'

/** A sample for previews and tests, so that they show what messages of rules contain. */
export function sampleRuleContext(nowMs: number): RuleContext & { reason: string } {
  const reason = causeInWords({ kind: 'escalation', within: sampleWithin }, new Map())
  return {
    name: 'Sample rule',
    reason: `${reason} (sample)`,
    acknowledgeBy: new Date(nowMs + durationMs(sampleWithin)).toISOString(),
  }
}
