import fc from 'fast-check'
import { evaluateFilters } from '../../../../src/domain/filters/filters.ts'
import { describe, expect, it } from 'vitest'
import type { RoutableDestination } from '../../../../src/domain/destination.ts'
import type { Event } from '../../../../src/domain/event.ts'
import { fitsEventType } from '../../../../src/domain/routing/event-types.ts'
import { filterSubject, passesFilter } from '../../../../src/domain/filters/filters.ts'
import { aboutDestination } from '../../../../src/domain/operational.ts'
import { getOrderKey } from '../../../../src/domain/delivery/ordering.ts'
import {
  leadingDeliveries,
  ofDestinations,
  plannedDeliveries,
  type DigestOrders,
  type Plan,
  type PlannedDeliver,
  type PlannedDelivery,
  type PlannedDigest,
  type PlannedRule,
  type PlannedStep,
} from '../../../../src/domain/routing/plan.ts'
import { quietUntil } from '../../../../src/domain/rules/quiet-hours.ts'
import { durationMs } from '../../../../src/domain/delivery/retry-schedule.ts'
import { route, routeDigest, routeTo } from '../../../../src/domain/routing/routing.ts'
import type { Rule, RuleDefinition, RuleStep } from '../../../../src/domain/rules/rule.ts'
import { decideOnRules } from '../../../../src/domain/rules/matching.ts'
import { makeEvent } from '../../../support/event.ts'
import { anyCase, type RoutingCase } from './any-rules.ts'

/** Every rule of the language that the API takes, with every kind of event, destination and template. */
function always(holds: (given: RoutingCase) => void): void {
  fc.assert(fc.property(anyCase, holds), { numRuns: 200 })
}

const routeCase = ({ event, destinations, ...rest }: RoutingCase) => route(event, destinations, rest)

describe('a plan by rules', () => {
  it('is the same for the same input, and leaves the input as it is', () => {
    always((given) => {
      const before = structuredClone(given)
      const plan = routeCase(given)
      expect(given).toEqual(before)
      expect(routeCase(before)).toEqual(plan)
    })
  })

  it('is nothing but JSON: it is the same once it was recorded', () => {
    always((given) => {
      const plan = routeCase(given)
      expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan)
    })
  })

  it('gives a reason for every destination and then for every rule, once each, in their order', () => {
    always((given) => {
      const { routing } = routeCase(given)
      expect(routing.map((one) => ('ruleId' in one ? one.ruleId : one.destinationId))).toEqual([
        ...given.destinations.map(({ id }) => id),
        ...given.rules.map(({ id }) => id),
      ])
      expect(routing.filter(({ reason }) => reason.trim() === '')).toEqual([])
    })
  })

  it('says that a destination is matched exactly where it has a delivery', () => {
    always((given) => {
      const plan = routeCase(given)
      const matched = ofDestinations(plan.routing).filter((decision) => decision.matched)
      const planned = new Set(plannedDeliveries(plan.steps).map(({ destinationId }) => destinationId))
      expect(new Set(matched.map(({ destinationId }) => destinationId))).toEqual(planned)
    })
  })

  it('lets those rules act that match and are not held back, none of them after an exclusive one', () => {
    always((given) => {
      const expected = matchedBy(given)
      const { routing, steps } = routeCase(given)
      const decided = routing.flatMap((one) => ('ruleId' in one ? [one] : []))
      expect(decided.filter(({ matched }) => matched).map(({ ruleId }) => ruleId)).toEqual(idsOf(expected))
      if (expected.length === 0) return
      const acting = expected.filter(({ id }) => !given.heldBack.has(id))
      expect(steps.map((step) => step.kind === 'rule' && step.ruleId)).toEqual(idsOf(acting))
      for (const { ruleId, matched, heldBack, reason } of decided) {
        const why = matched ? given.heldBack.get(ruleId) : undefined
        expect(heldBack).toBe(why?.heldBack)
        if (why) expect(reason).toBe(why.reason)
      }
    })
  })

  it('is that by subscriptions where no rule matches', () => {
    always((given) => {
      const { event, destinations, rules, templates } = given
      const quiet = rules.filter((rule) => !matches(event, rule))
      const bySubscription = route(event, destinations, { templates })
      const decisions = decideOnRules(event, quiet, { heldBack: new Map(), verdicts: evaluateFilters(event) })
      expect(routeCase({ ...given, rules: quiet })).toEqual({
        steps: bySubscription.steps,
        routing: [...bySubscription.routing, ...decisions],
      })
    })
  })
})

describe('the steps of a planned rule', () => {
  it('are those that stand at their paths in the rule, all of them, and no two at the same', () => {
    always((given) => {
      const plan = routeCase(given)
      const paths = allSteps(plan).map(({ path }) => path)
      expect(new Set(paths).size).toBe(paths.length)
      for (const rule of rulesOf(plan)) {
        const { definition } = ruleOf(given, rule)
        expectSteps(given.event, rule.steps, ownSteps(definition), `${rule.ruleId}/`)
      }
    })
  })

  it('deliver to a destination at most once each, and to all that the rule names there, or say who is missing', () => {
    always((given) => {
      const there = new Set(given.destinations.map(({ id }) => id))
      const about = aboutDestination(given.event)
      for (const { step, to } of deliverSteps(given)) {
        const ids = step.deliveries.map(({ destinationId }) => destinationId)
        expect(ids).toEqual(to.filter((id) => there.has(id) && id !== about))
        expect(step.missing?.map(({ destinationId }) => destinationId) ?? []).toEqual(
          to.filter((id) => !ids.includes(id)),
        )
        expect(new Set(ids).size).toBe(ids.length)
      }
    })
  })

  it('plan nothing for a destination that is not there, nor for the one that the event tells of', () => {
    always((given) => {
      const told = route(about('dst_0'), given.destinations, { ...given, heldBack: new Map() })
      const ids = plannedDeliveries([...routeCase(given).steps, ...told.steps]).map(
        ({ destinationId }) => destinationId,
      )
      const there = given.destinations.map(({ id }) => id)
      expect(ids.filter((id) => !there.includes(id))).toEqual([])
      expect(plannedDeliveries(told.steps).filter(({ destinationId }) => destinationId === 'dst_0')).toEqual(
        [],
      )
    })
  })

  it('carry each destination’s policy, and the step’s template or the default one', () => {
    always((given) => {
      for (const { step, template } of deliverSteps(given))
        for (const delivery of step.deliveries) {
          const { channel, delivery: policy } = destinationOf(given, delivery)
          const { scheduleMs, timeoutMs, step: made } = delivery
          expect({ scheduleMs, timeoutMs, step: made, channel: delivery.channel }).toEqual({
            scheduleMs: policy.schedule.map(durationMs),
            timeoutMs: policy.timeoutMs,
            step: step.path,
            channel,
          })
          expect(delivery.template).toBe(template ?? defaultTemplate(given, delivery))
        }
    })
  })

  it('tell how to acknowledge exactly where the rule’s part up to its digest waits for it, or another one that tells nobody first', () => {
    always((given) => {
      const rules = rulesOf(routeCase(given))
      const reliesOnOthers = rules.some((rule) => firstOf(rule.steps) === 'awaitAck')
      for (const rule of rules) {
        const awaits = reliesOnOthers || holdsAwaitAck(rule.steps)
        for (const { acknowledgeable } of plannedDeliveries([rule]))
          expect(acknowledgeable).toBe(awaits || undefined)
      }
    })
  })
})

describe('what an event opens with', () => {
  it('stands behind no wait: everything else neither leads nor opens', () => {
    always((given) => {
      for (const rule of rulesOf(routeCase(given))) {
        const quiet = quietEnd(given, rule)
        const leading = new Set(leadingByHand(rule.steps, quiet !== undefined))
        for (const step of allSteps({ steps: [rule] }).filter((one) => one.kind === 'deliver')) {
          expect([step.path, step.leads]).toEqual([step.path, leading.has(step) || undefined])
          for (const delivery of step.deliveries)
            expect([step.path, delivery.opens]).toEqual([
              step.path,
              leading.has(step) && !quiet ? waitsForNothing(delivery) : undefined,
            ])
        }
      }
    })
  })

  it('is held until the quiet hours end that the event does not pass', () => {
    always((given) => {
      for (const rule of rulesOf(routeCase(given))) {
        const windows = quietWindows(given, rule)
        expect(rule.quietHours ?? []).toEqual(windows.map(({ unless: _passed, ...window }) => window))
        const until = quietUntil(windows, given.at)?.toISOString()
        for (const step of allSteps({ steps: [rule] }).filter((one) => one.kind === 'deliver'))
          expect(step.heldUntil).toBe(step.leads ? until : undefined)
      }
    })
  })

  it('is not held where the event passes every window', () => {
    always((given) => {
      const urgent = given.rules.map(({ definition: { quietHours = [], ...definition }, ...rule }): Rule => ({
        ...rule,
        definition: { ...definition, quietHours: quietHours.map((one) => ({ ...one, unless: {} })) },
      }))
      const calm = given.rules.map(({ definition: { quietHours: _none, ...definition }, ...rule }): Rule => ({
        ...rule,
        definition,
      }))
      expect(routeCase({ ...given, rules: urgent })).toEqual(routeCase({ ...given, rules: calm }))
    })
  })
})

describe('deliveries of one event to the same destination', () => {
  it('have one place in its order and among its attempts, and that is the first one’s that begins at once, or else the first one’s', () => {
    always((given) => {
      const seen = new Set<string>()
      const plan = routeCase(given)
      const leading = leadingDeliveries(plan.steps)
      const later = plannedDeliveries(plan.steps).filter((delivery) => !leading.includes(delivery))
      for (const delivery of [...leading, ...later]) {
        const { ordering, maxConcurrent } = destinationOf(given, delivery).delivery
        const first = !seen.has(delivery.destinationId)
        seen.add(delivery.destinationId)
        expect(delivery.again).toBe(first ? undefined : true)
        expect(delivery.order).toEqual(first ? getOrderKey(given.event, ordering?.by) : undefined)
        expect(delivery.maxConcurrent).toBe(first ? maxConcurrent : undefined)
      }
    })
  })
})

describe('a digest', () => {
  it('is handed the steps after it as they stand in the rule, none of which is planned', () => {
    always((given) => {
      for (const { rule, digest, definition } of digestsOf(given)) {
        const { steps, digest: shorthand } = definition
        const settings = shorthand ?? steps.flatMap((step) => ('digest' in step ? step.digest : []))[0]
        const from = shorthand ? 0 : steps.findIndex((step) => 'digest' in step) + 1
        const key = getOrderKey(given.event, settings?.by)
        expect(rule.steps.at(-1)).toBe(digest)
        expect(digest).toEqual({
          kind: 'digest',
          path: `${rule.ruleId}/${shorthand ? 'digest' : from - 1}`,
          windowMs: durationMs(settings?.window ?? ''),
          max: settings?.max,
          ...(key && { by: settings?.by, key }),
          ...(rule.quietHours && { quiet: expect.stringMatching(/^[0-9a-f]{16}$/) as string }),
          rest: steps.slice(from),
          restFrom: from,
        })
      }
    })
  })

  it('is routed by paths that continue the rule’s', () => {
    always((given) => {
      for (const { rule, digest, orders } of digestsOf(given)) {
        const plan = digestPlan(given, orders)
        const [later] = rulesOf(plan)
        if (!later) throw new Error('a digest has no rule')
        const { ruleId, version, name } = rule
        expect(later).toMatchObject({ ruleId, version, name })
        expect(later.steps.map(({ path }) => path)).toEqual(
          digest.rest.map((_step, index) => `${ruleId}/${digest.restFrom + index}`),
        )
        const prefix = { at: `${ruleId}/`, from: digest.restFrom }
        expectSteps(collected, later.steps, digest.rest, prefix.at, prefix.from)
        const own = new Set(allSteps({ steps: [rule] }).map(({ path }) => path))
        expect(allSteps(plan).filter(({ path }) => own.has(path))).toEqual([])
      }
    })
  })

  it('opens, waits and is acknowledged by what its own part of the rule says', () => {
    always((given) => {
      for (const { rule, orders } of digestsOf(given)) {
        const { steps, routing } = digestPlan(given, orders)
        const quiet = quietUntil(rule.quietHours ?? [], given.at)
        const [later] = rulesOf({ steps })
        const leading = new Set(leadingByHand(later?.steps ?? [], quiet !== undefined))
        for (const step of allSteps({ steps }).filter((one) => one.kind === 'deliver')) {
          expect([step.path, step.leads]).toEqual([step.path, leading.has(step) || undefined])
          expect(step.heldUntil).toBe(step.leads ? quiet?.toISOString() : undefined)
        }
        for (const { acknowledgeable } of plannedDeliveries(steps))
          expect(acknowledgeable).toBe(holdsAwaitAck(steps) || undefined)
        const { ruleId, version, name } = rule
        expect(routing.slice(0, -1).map((one) => 'destinationId' in one && one.destinationId)).toEqual(
          given.destinations.map(({ id }) => id),
        )
        expect(routing.at(-1)).toEqual({
          ruleId,
          version,
          name,
          matched: true,
          reason: 'collected by this rule’s digest',
        })
      }
    })
  })
})

describe('a replay to destinations by name', () => {
  it('goes to those that are active, once each, by the template that rules would have used', () => {
    always((given) => {
      const { event, destinations } = given
      const before = structuredClone(given)
      const plan = routeTo(event, destinations, given)
      expect(given).toEqual(before)
      const deliveries = plannedDeliveries(plan.steps)
      const active = destinations.filter(({ status }) => status === 'active')
      expect(deliveries.map(({ destinationId }) => destinationId)).toEqual(idsOf(active))
      const byRules = plannedDeliveries(routeCase({ ...given, heldBack: new Map() }).steps)
      for (const delivery of deliveries) {
        const named = byRules.find(({ destinationId }) => destinationId === delivery.destinationId)
        expect(delivery.template).toBe(named?.template ?? defaultTemplate(given, delivery))
        expect(delivery.step).toBeUndefined()
      }
      expect(plan.routing.map((one) => 'destinationId' in one && one.destinationId)).toEqual(
        idsOf(destinations),
      )
    })
  })
})

describe('walks over a plan', () => {
  it('find every delivery, and those that begin at once', () => {
    always((given) => {
      const { steps } = routeCase(given)
      expect(plannedDeliveries(steps)).toEqual(deliveriesIn(steps))
      expect(leadingDeliveries(steps)).toEqual(beginningIn(steps))
    })
  })
})

type Identified = Pick<Rule | RoutableDestination, 'id'>
const idsOf = (all: readonly Identified[]) => all.map(({ id }) => id)
const about = (destinationId: string) =>
  makeEvent({ type: 'delivery.exhausted', operational: true, data: { destinationId, riskLevel: 'high' } })
const collected = makeEvent({ id: 'dig_1', type: 'digest', data: { count: 2 } })

function matches(event: Event, { definition: { when } }: Rule): boolean {
  return when.events.some((glob) => fitsEventType(glob, event.type)) && passes(event, when.filter)
}

const passes = (event: Event, filter: RuleDefinition['when']['filter']) =>
  passesFilter(filter, filterSubject(event))

/** The rules that match, up to the first exclusive one. */
function matchedBy({ event, rules }: RoutingCase): Rule[] {
  const matched = rules.filter((rule) => matches(event, rule))
  const last = matched.findIndex(({ definition }) => definition.exclusive)
  return last < 0 ? matched : matched.slice(0, last + 1)
}

function rulesOf({ steps }: Pick<Plan, 'steps'>): PlannedRule[] {
  return steps.filter((step) => step.kind === 'rule')
}

function ruleOf({ rules }: RoutingCase, { ruleId }: PlannedRule): Rule {
  const rule = rules.find(({ id }) => id === ruleId)
  if (!rule) throw new Error(`no rule ${ruleId}`)
  return rule
}

function destinationOf({ destinations }: RoutingCase, { destinationId }: PlannedDelivery) {
  const found = destinations.find(({ id }) => id === destinationId)
  if (!found) throw new Error(`no destination ${destinationId}`)
  return found
}

/** What a rule does for each event: all of it, or what stands before its digest, and that. */
function ownSteps({ digest, steps }: RuleDefinition): readonly RuleStep[] {
  if (digest) return [{ digest }]
  const at = steps.findIndex((step) => 'digest' in step)
  return at < 0 ? steps : steps.slice(0, at + 1)
}

/** In the branches that the event takes: in others nothing waits. */
const holdsAwaitAck = (steps: readonly object[]) => JSON.stringify(steps).includes('"kind":"awaitAck"')

/** Which comes first in the order in which steps are done: a delivery to somebody, or a wait for an acknowledgement. */
function firstOf(steps: readonly PlannedStep[]): 'deliver' | 'awaitAck' | undefined {
  const inOrder = allSteps({ steps: [{ kind: 'rule', ruleId: '', version: 1, name: '', steps: [...steps] }] })
  const first = inOrder.find(
    (step) => step.kind === 'awaitAck' || (step.kind === 'deliver' && step.deliveries.length > 0),
  )
  return first?.kind as 'deliver' | 'awaitAck' | undefined
}

/** Planned steps, one for each of the rule's, at its place. */
function expectSteps(
  event: Event,
  planned: readonly PlannedStep[],
  steps: readonly RuleStep[],
  prefix: string,
  from = 0,
): void {
  expect(planned).toHaveLength(steps.length)
  for (const [index, step] of planned.entries()) {
    const written = steps[index]
    const path = step.kind === 'digest' ? step.path : `${prefix}${index + from}`
    expect([step.path, Object.keys(written ?? {})]).toEqual([path, [step.kind]])
    if (!written) continue
    if ('deliver' in written && step.kind === 'deliver')
      expectSteps(event, step.onFailure ?? [], written.deliver.onFailure ?? [], `${path}.onFailure.`)
    if ('awaitAck' in written && step.kind === 'awaitAck')
      expectSteps(event, step.otherwise, written.awaitAck.otherwise ?? [], `${path}.otherwise.`)
    if (!('branch' in written) || step.kind !== 'branch') continue
    const { filter, steps: then, else: others = [] } = written.branch
    expect(step.taken).toBe(passes(event, filter) ? 'steps' : 'else')
    expectSteps(event, step.steps, step.taken === 'steps' ? then : others, `${path}.${step.taken}.`)
  }
}

const inner = (step: PlannedStep): readonly PlannedStep[] => [
  ...(step.kind === 'branch' ? step.steps : []),
  ...(step.kind === 'awaitAck' ? step.otherwise : []),
  ...(step.kind === 'deliver' ? (step.onFailure ?? []) : []),
]

function allSteps(plan: Pick<Plan, 'steps'>): PlannedStep[] {
  const withInner = (step: PlannedStep): PlannedStep[] => [step, ...inner(step).flatMap(withInner)]
  return rulesOf(plan).flatMap(({ steps }) => steps.flatMap(withInner))
}

/** The steps that deliver, with what the rule says there. */
function deliverSteps(given: RoutingCase) {
  return rulesOf(routeCase(given)).flatMap((rule) =>
    allSteps({ steps: [rule] }).flatMap((step) =>
      step.kind === 'deliver' ? [{ step, ...writtenAt(ruleOf(given, rule), step.path) }] : [],
    ),
  )
}

const listNames = { onFailure: 'deliver', otherwise: 'awaitAck', steps: 'branch', else: 'branch' } as const

/** The `deliver` at a path such as `rul_1/1.otherwise.0`. */
function writtenAt({ definition }: Rule, path: string): { to: string[]; template?: string } {
  const [first = '', ...rest] = path.slice(path.indexOf('/') + 1).split('.')
  let step = at(definition.steps, first)
  for (let index = 0; index < rest.length; index += 2) {
    const name = rest[index] as keyof typeof listNames
    step = at(at(at(step, listNames[name]), name), rest[index + 1] ?? '')
  }
  return at(step, 'deliver') as { to: string[]; template?: string }
}

const at = (value: unknown, key: string): unknown => Reflect.get(Object(value) as object, key)

/** What the event would be sent by where no rule says it: as a plan by subscription has it. */
function defaultTemplate(
  { event, destinations, templates }: RoutingCase,
  { destinationId }: PlannedDelivery,
) {
  const listening = destinations
    .filter(({ id }) => id === destinationId)
    .map((one): RoutableDestination => ({ ...one, status: 'active', subscription: { eventTypes: ['all'] } }))
  const everything = { ...event, operational: undefined }
  return plannedDeliveries(route(everything, listening, { templates }).steps)[0]?.template
}

function quietWindows({ event, rules }: RoutingCase, { ruleId }: PlannedRule) {
  const { quietHours = [] } = rules.find(({ id }) => id === ruleId)?.definition ?? {}
  return quietHours.filter(({ unless }) => unless === undefined || !passes(event, unless))
}

const quietEnd = (given: RoutingCase, rule: PlannedRule) => quietUntil(quietWindows(given, rule), given.at)

/** Steps that deliver and that nothing stands before which takes time, as somebody reads a rule from the top. */
function leadingByHand(steps: readonly PlannedStep[], quiet: boolean): PlannedDeliver[] {
  const leading: PlannedDeliver[] = []
  let waited = false
  const read = (step: PlannedStep): void => {
    if (waited) return
    if (step.kind === 'branch') return step.steps.forEach(read)
    if (step.kind === 'deliver') leading.push(step)
    waited = step.kind !== 'deliver' || quiet || step.waitFor === 'outcome'
  }
  steps.forEach(read)
  return leading
}

function waitsForNothing({ scheduleMs, order, maxConcurrent }: PlannedDelivery): boolean {
  return scheduleMs[0] === 0 && !order && maxConcurrent === undefined
}

function digestsOf(given: RoutingCase) {
  return rulesOf(routeCase(given)).flatMap((rule) => {
    const digest = rule.steps.find((step): step is PlannedDigest => step.kind === 'digest')
    if (!digest) return []
    const { ruleId, version, name, quietHours } = rule
    const orders: DigestOrders = {
      ruleId,
      version,
      name,
      steps: digest.rest,
      from: digest.restFrom,
      quietHours,
    }
    return [{ rule, digest, orders, definition: ruleOf(given, rule).definition }]
  })
}

const digestPlan = ({ destinations, templates, at }: RoutingCase, orders: DigestOrders) =>
  routeDigest(collected, destinations, orders, { templates, at })

/** Everything in a plan that has a schedule, in the order in which it is written. */
function deliveriesIn(value: unknown): PlannedDelivery[] {
  if (typeof value !== 'object' || value === null) return []
  if ('scheduleMs' in value) return [value as PlannedDelivery]
  return Object.values(value).flatMap(deliveriesIn)
}

/** Likewise what begins at once: by subscription, or as it leads and is not held. */
function beginningIn(value: unknown): PlannedDelivery[] {
  if (typeof value !== 'object' || value === null) return []
  const { path, leads, heldUntil } = value as Partial<PlannedDeliver>
  const begins = 'deliveries' in value && (path === undefined || (leads && heldUntil === undefined))
  return Object.entries(value).flatMap(([name, inside]) => {
    if (name === 'deliveries') return begins ? deliveriesIn(inside) : []
    return beginningIn(inside)
  })
}
