import fc from 'fast-check'
import { structureProblems } from '../../../../src/api/rules/checks.ts'
import { ruleBody } from '../../../../src/api/rules/fields.ts'
import { destinationStatuses, type RoutableDestination } from '../../../../src/domain/destination.ts'
import type { Event, JsonObject } from '../../../../src/domain/event.ts'
import {
  ruleLimits,
  type DigestSettings,
  type QuietHours,
  type Rule,
  type RuleDefinition,
  type RuleStep,
} from '../../../../src/domain/rules/rule.ts'
import type { HeldBack } from '../../../../src/domain/rules/matching.ts'
import type { TemplateDefault } from '../../../../src/domain/templates.ts'
import { makeEvent } from '../../../support/event.ts'

/** All that routing decides by. */
export interface RoutingCase {
  event: Event
  destinations: RoutableDestination[]
  rules: Rule[]
  templates: TemplateDefault[]
  heldBack: Map<string, HeldBack>
  at: Date
}

/** Rules name these, and some of them are not there. */
const destinationIds = Array.from({ length: 9 }, (_, index) => `dst_${index}`)
const channels = ['webhook', 'email', 'slack']
const patterns = ['all', 'aml.*', '*.found', 'kyc.approved', 'delivery.*', 'destination.disabled']
const duration = fc.constantFrom('1s', '90s', '15m', '2h', '1d')
const path = fc.constantFrom('type', 'data.customerId', 'data.riskLevel', 'data.absent')
const filter = fc.constantFrom<JsonObject>(
  {},
  { 'data.riskLevel': 'high' },
  { 'data.riskLevel': { $in: ['low', 'critical'] } },
  { 'data.customerId': { $exists: true } },
  { type: { $regex: '^aml' } },
)
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })

const digest = fc.record({
  window: duration,
  by: optional(path),
  max: fc.integer({ min: 1, max: ruleLimits.digestMax }),
})

const to = fc.uniqueArray(fc.constantFrom(...destinationIds), { minLength: 1, maxLength: 4 })
const deliver = fc.record({
  to,
  template: optional(fc.constantFrom('tpl_named', 'tpl_other')),
  waitFor: fc.constantFrom(undefined, undefined, 'outcome' as const),
})

const { steps: anySteps } = fc.letrec<{ steps: RuleStep[]; step: RuleStep }>((tie) => ({
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 4 }),
  step: fc.oneof(
    { depthIdentifier: 'rule', depthSize: 'medium', maxDepth: ruleLimits.depth - 2, withCrossShrink: true },
    deliver.map((deliver) => ({ deliver })),
    { weight: 2, arbitrary: nestingIn(tie('steps')) },
    fc
      .oneof(
        duration,
        fc.record({ until: fc.constantFrom('09:00', '23:59'), timezone: fc.constant('Asia/Kolkata') }),
      )
      .map((delay) => ({ delay })),
    fc.oneof(fc.constant(true as const), fc.constant('nobody needs to hear of it')).map((stop) => ({ stop })),
  ),
}))

/** The steps that have lists of steps inside. */
function nestingIn(steps: fc.Arbitrary<RuleStep[]>): fc.Arbitrary<RuleStep> {
  return fc.oneof(
    fc.tuple(deliver, steps).map(([deliver, onFailure]) => ({ deliver: { ...deliver, onFailure } })),
    fc.record({ within: duration, otherwise: optional(steps) }).map((awaitAck): RuleStep => ({ awaitAck })),
    fc.record({ filter, steps, else: optional(steps) }).map((branch): RuleStep => ({ branch })),
  )
}

/** Lists inside of each other down to the language's limit, one step of each kind that has any on the way. */
const deepSteps = fc
  .tuple(fc.array(fc.nat(3), { minLength: ruleLimits.depth - 1, maxLength: ruleLimits.depth - 1 }), deliver)
  .map(([ways, inmost]) => ways.reduce<RuleStep[]>(wrap, [{ deliver: inmost }]))

function wrap(inner: RuleStep[], way: number): RuleStep[] {
  const first: RuleStep = { deliver: { to: ['dst_0'] } }
  if (way === 0) return [{ deliver: { to: ['dst_1', 'dst_2'], onFailure: inner } }, first]
  if (way === 1) return [first, { awaitAck: { within: '15m', otherwise: inner } }]
  const high = { 'data.riskLevel': 'high' }
  if (way === 2) return [{ branch: { filter: high, steps: inner } }, first]
  return [{ branch: { filter: high, steps: [], else: inner } }, first]
}

/** All of them together leave free time: what windows do together is held by quiet-hours.test.ts. */
const quietWindows: QuietHours[] = [
  { timezone: 'Europe/Berlin', between: ['22:00', '07:00'] },
  { timezone: 'Europe/Berlin', between: ['00:00', '24:00'], days: ['sat', 'sun'] },
  { timezone: 'Pacific/Auckland', between: ['09:30', '17:00'] },
  { timezone: 'UTC', between: ['12:00', '13:00'], days: ['mon', 'wed', 'sun'] },
]
const quietHours = fc
  .tuple(
    fc.shuffledSubarray(quietWindows, { minLength: 1 }),
    fc.array(optional(filter), { minLength: 4, maxLength: 4 }),
  )
  .map(([windows, unless]) =>
    windows.map((window, index): QuietHours => ({
      ...window,
      ...(unless[index] && { unless: unless[index] }),
    })),
  )

/** What the API takes, as it stores it: the rest of what is made up here is thrown away. */
const definition = fc
  .record({
    name: fc.constantFrom('High risk', 'Anything'),
    when: fc.record({
      events: fc.uniqueArray(fc.constantFrom(...patterns), { minLength: 1, maxLength: 3 }),
      filter: optional(filter),
    }),
    before: fc.oneof(anySteps, anySteps, deepSteps),
    collects: optional(fc.tuple(digest, anySteps)),
    quietHours: optional(quietHours),
    shorthand: fc.constantFrom(false, false, true),
    throttle: optional(fc.constant({ limit: 5, per: '10m' })),
    dedupe: optional(fc.constant({ by: 'data.customerId', within: '1d' })),
    exclusive: optional(fc.boolean()),
  })
  .map(({ before, collects, shorthand, quietHours, ...rest }) => {
    const stored = asStored({ ...rest, ...partsOf(before, collects, shorthand) })
    return stored && { ...stored, ...(quietHours && { quietHours }) }
  })
  .filter((stored) => stored !== undefined)

/** A rule's steps, and where its digest stands: beside them, among them or nowhere. */
function partsOf(
  before: readonly RuleStep[],
  [settings, after]: [] | [DigestSettings, RuleStep[]] = [],
  shorthand: boolean,
): Pick<RuleDefinition, 'digest' | 'steps'> {
  if (!settings || !after) return { steps: reachable(before) }
  if (shorthand) return { digest: settings, steps: reachable(after) }
  const own = reachable(before).filter((step) => !('stop' in step))
  return { steps: [...own, { digest: settings }, ...reachable(after)] }
}

/** Without what stands behind a `stop`, in all lists. */
function reachable(steps: readonly RuleStep[]): RuleStep[] {
  const stop = steps.findIndex((step) => 'stop' in step)
  return steps.slice(0, stop < 0 ? steps.length : stop + 1).map((step): RuleStep => {
    if ('deliver' in step) {
      const { onFailure } = step.deliver
      return { deliver: { ...step.deliver, onFailure: onFailure && reachable(onFailure) } }
    }
    if ('awaitAck' in step) {
      const { otherwise } = step.awaitAck
      return { awaitAck: { ...step.awaitAck, otherwise: otherwise && reachable(otherwise) } }
    }
    if (!('branch' in step)) return step
    const { filter, steps, else: others } = step.branch
    return { branch: { filter, steps: reachable(steps), else: others && reachable(others) } }
  })
}

function asStored(given: unknown): RuleDefinition | undefined {
  const parsed = ruleBody.safeParse(JSON.parse(JSON.stringify(given)))
  if (!parsed.success || structureProblems(parsed.data).length > 0) return undefined
  const { enabled: _enabled, position: _position, ...definition } = parsed.data
  return definition
}

const destination: fc.Arbitrary<Omit<RoutableDestination, 'id' | 'name' | 'environment'>> = fc.record({
  channel: fc.constantFrom(...channels),
  status: fc.constantFrom(...destinationStatuses),
  contract: fc.constantFrom(undefined, undefined, 'kyc-webhooks'),
  subscription: fc.record({
    eventTypes: fc.uniqueArray(fc.constantFrom(...patterns), { maxLength: 2 }),
    filter: optional(filter),
  }),
  delivery: fc.record({
    schedule: fc.constantFrom(['0s', '5s'], ['0s'], ['10s', '5m']),
    timeoutMs: fc.constantFrom(1_000, 10_000, 30_000),
    maxPerSecond: optional(fc.constant(5)),
    maxConcurrent: optional(fc.constantFrom(1, 3)),
    ordering: optional(path.map((by) => ({ by }))),
  }),
})
const anyDestinations = fc
  .tuple(fc.subarray(destinationIds), fc.array(destination, { minLength: 9, maxLength: 9 }))
  .map(([ids, made]) =>
    ids.flatMap((id, index): RoutableDestination[] => {
      const fields = made[index]
      return fields ? [{ id, name: id, environment: 'sandbox', ...fields }] : []
    }),
  )

const anyEvent = fc
  .record({
    type: fc.constantFrom(
      'aml.match.found',
      'aml.match.found',
      'kyc.approved',
      'delivery.exhausted',
      'destination.disabled',
    ),
    operational: fc.boolean(),
    data: fc.record(
      {
        riskLevel: fc.constantFrom('high', 'low', 'critical'),
        customerId: fc.constantFrom('cus_1', 'cus_2', null),
        destinationId: fc.constantFrom(...destinationIds),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  })
  .map(({ operational, type, data }): Event => {
    const byUs = operational && /^(delivery|destination)\./.test(type)
    return makeEvent({ type, data, ...(byUs && { operational: true }) })
  })

const template = fc.record({
  channels: fc.subarray(channels),
  eventTypes: fc.uniqueArray(fc.constantFrom(...patterns), { maxLength: 2 }),
})
const held = fc.constantFrom<HeldBack | undefined>(
  undefined,
  undefined,
  { heldBack: 'throttled', reason: 'throttled: 5 events in 10m' },
  { heldBack: 'deduplicated', reason: 'deduplicated: seen within 1d' },
)

/** At most so many rules, each with one that holds it back or none. */
export const anyCase: fc.Arbitrary<RoutingCase> = fc
  .record({
    event: anyEvent,
    destinations: anyDestinations,
    rules: fc.array(fc.tuple(definition, held), { maxLength: 4 }),
    templates: fc.array(template, { maxLength: 3 }),
    at: fc.date({
      min: new Date('2026-01-01T00:00:00Z'),
      max: new Date('2026-12-31T00:00:00Z'),
      noInvalidDate: true,
    }),
  })
  .map(({ event, destinations, rules, templates, at }) => ({
    event,
    destinations,
    rules: rules.map(([definition], index) => ({ id: ruleId(index), version: index + 1, definition })),
    templates: templates.map((fields, index) => ({ id: `tpl_${index}`, ...fields })),
    heldBack: new Map(rules.flatMap(([, why], index) => (why ? [[ruleId(index), why] as const] : []))),
    at,
  }))

const ruleId = (index: number) => `rul_${index}`
