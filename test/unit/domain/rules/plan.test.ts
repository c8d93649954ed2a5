import { describe, expect, it } from 'vitest'
import type { DeliveryPolicy, RoutableDestination } from '../../../../src/domain/destination.ts'
import type { Event, JsonObject } from '../../../../src/domain/event.ts'
import {
  leadingDeliveries,
  plannedDeliveries,
  type Plan,
  type PlannedStep,
} from '../../../../src/domain/routing/plan.ts'
import { route, routeDigest } from '../../../../src/domain/routing/routing.ts'
import type { QuietHours, Rule, RuleDefinition } from '../../../../src/domain/rules/rule.ts'
import { makeEvent } from '../../../support/event.ts'

const quietNights: QuietHours = {
  timezone: 'Europe/Berlin',
  between: ['22:00', '07:00'],
  days: ['sat', 'sun'],
  unless: { 'data.riskLevel': 'critical' },
}

/** The rule of docs/guides/rules.md, but for its digest. */
const highRisk: RuleDefinition = {
  name: 'High-risk AML match',
  when: {
    events: ['aml.match.found', 'screening.*'],
    filter: { 'data.riskLevel': { $in: ['high', 'critical'] } },
  },
  steps: [
    { deliver: { to: ['dst_case_system'], onFailure: [{ deliver: { to: ['dst_oncall_email'] } }] } },
    { deliver: { to: ['dst_slack_aml'], template: 'tpl_aml' } },
    { awaitAck: { within: '15m', otherwise: [{ deliver: { to: ['dst_head_of_compliance'] } }] } },
    { delay: '1h' },
  ],
  quietHours: [quietNights],
  throttle: { limit: 5, per: '10m', by: 'data.submissionId' },
  dedupe: { by: 'data.submissionId', within: '24h' },
  exclusive: true,
}
const digested: RuleDefinition = { ...highRisk, digest: { window: '1h', by: 'data.customerId', max: 100 } }

const ids = ['dst_case_system', 'dst_oncall_email', 'dst_slack_aml', 'dst_head_of_compliance']
const channelOf = (id: string) => /email|slack/.exec(id)?.[0] ?? 'webhook'
const destination = (id: string, delivery: Partial<DeliveryPolicy> = {}): RoutableDestination => ({
  id,
  name: id,
  channel: channelOf(id),
  environment: 'sandbox',
  status: 'active',
  subscription: { eventTypes: ['all'] },
  delivery: { schedule: ['0s', '5s'], timeoutMs: 10_000, ...delivery },
})
const destinations = ids.map((id) => destination(id))
const rule = (definition: RuleDefinition, id = 'rul_1'): Rule => ({ id, version: 3, definition })

/** A Saturday: noon, and half past eleven at night, in Berlin. */
const noon = new Date('2026-11-21T11:00:00Z')
const night = new Date('2026-11-21T22:30:00Z')

const high = (data: JsonObject = {}): Event => makeEvent({ data: { riskLevel: 'high', ...data } })

describe('the plan of an event by the rule that the design shows', () => {
  it('delivers, falls back, waits for an acknowledgement and escalates', () => {
    const { steps, routing } = route(high(), destinations, { rules: [rule(highRisk)], at: noon })
    const { unless: _passed, ...quiet } = quietNights
    const awaits = { path: 'rul_1/2', withinMs: 900_000 }
    expect(steps).toEqual([
      {
        kind: 'rule',
        ruleId: 'rul_1',
        version: 3,
        name: 'High-risk AML match',
        quietHours: [quiet],
        steps: [
          {
            kind: 'deliver',
            path: 'rul_1/0',
            leads: true,
            deliveries: [delivery('dst_case_system', 'rul_1/0', { opens: true, awaits })],
            onFailure: [
              {
                kind: 'deliver',
                path: 'rul_1/0.onFailure.0',
                deliveries: [
                  delivery('dst_oncall_email', 'rul_1/0.onFailure.0', {
                    cause: { kind: 'fallback', of: 'rul_1/0' },
                  }),
                ],
              },
            ],
          },
          {
            kind: 'deliver',
            path: 'rul_1/1',
            leads: true,
            deliveries: [delivery('dst_slack_aml', 'rul_1/1', { opens: true, template: 'tpl_aml', awaits })],
          },
          {
            kind: 'awaitAck',
            path: 'rul_1/2',
            within: '15m',
            withinMs: 900_000,
            otherwise: [
              {
                kind: 'deliver',
                path: 'rul_1/2.otherwise.0',
                deliveries: [
                  delivery('dst_head_of_compliance', 'rul_1/2.otherwise.0', {
                    cause: { kind: 'escalation', within: '15m' },
                  }),
                ],
              },
            ],
          },
          { kind: 'delay', path: 'rul_1/3', forMs: 3_600_000 },
        ],
      },
    ])
    expect(routing).toEqual([
      { destinationId: 'dst_case_system', matched: true, reason: 'named by rul_1/0' },
      { destinationId: 'dst_oncall_email', matched: true, reason: 'named by rul_1/0.onFailure.0' },
      { destinationId: 'dst_slack_aml', matched: true, reason: 'named by rul_1/1' },
      { destinationId: 'dst_head_of_compliance', matched: true, reason: 'named by rul_1/2.otherwise.0' },
      {
        ruleId: 'rul_1',
        version: 3,
        name: 'High-risk AML match',
        matched: true,
        reason: 'for aml.match.found',
      },
    ])
  })

  it('holds its first delivery in a quiet night until seven, and what follows with it', () => {
    const plan = route(high(), destinations, { rules: [rule(highRisk)], at: night })
    const steps = stepsOf(plan)
    expect(steps.slice(0, 2)).toMatchObject([
      { path: 'rul_1/0', leads: true, heldUntil: '2026-11-22T06:00:00.000Z' },
      { path: 'rul_1/1' },
    ])
    expect(steps[1]).not.toHaveProperty('leads')
    expect(leadingDeliveries(plan.steps)).toEqual([])
    expect(plannedDeliveries(plan.steps).filter(({ opens }) => opens !== undefined)).toEqual([])
  })

  it('is not held where the event is critical, and has no quiet hours then', () => {
    const event = high({ riskLevel: 'critical' })
    const plan = route(event, destinations, { rules: [rule(highRisk)], at: night })
    expect(plan.steps[0]).not.toHaveProperty('quietHours')
    expect(leadingDeliveries(plan.steps).map(({ destinationId }) => destinationId)).toEqual([
      'dst_case_system',
      'dst_slack_aml',
    ])
  })

  it('with its digest: nothing but to collect, and the digest does all the rest', () => {
    const event = high({ customerId: 'cus_17' })
    const plan = route(event, destinations, { rules: [rule(digested)], at: noon })
    expect(stepsOf(plan)).toEqual([
      {
        kind: 'digest',
        path: 'rul_1/digest',
        windowMs: 3_600_000,
        max: 100,
        by: 'data.customerId',
        key: { text: 'data.customerId = "cus_17"', hash: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
        quiet: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        rest: highRisk.steps,
        restFrom: 0,
      },
    ])
    const orders = { ruleId: 'rul_1', version: 3, name: digested.name, steps: highRisk.steps, from: 0 }
    const later = routeDigest(makeEvent({ type: 'digest', data: {} }), destinations, orders, { at: noon })
    expect(
      plannedDeliveries(later.steps).map(({ step, acknowledgeable }) => [step, acknowledgeable]),
    ).toEqual([
      ['rul_1/0', true],
      ['rul_1/0.onFailure.0', true],
      ['rul_1/1', true],
      ['rul_1/2.otherwise.0', true],
    ])
  })
})

const alone = (definition: Partial<RuleDefinition>) => [
  rule({ name: 'Alone', when: { events: ['all'] }, steps: [{ stop: true }], ...definition }),
]
const to = (...places: number[]) => ({ deliver: { to: places.map((place) => ids[place] ?? '') } })
const gone = { deliver: { to: ['dst_gone', 'dst_case_system'] } }
const filter = { 'data.riskLevel': 'high' }
const throttled = { heldBack: 'throttled' as const, reason: 'throttled: 5 events in 10m' }

describe('a rule is planned', () => {
  it.each<[what: string, definition: Partial<RuleDefinition>, expected: string[]]>([
    ['one step after the other', { steps: [to(0), to(1, 2)] }, ['0 opens', '1 opens', '1 opens']],
    ['no further than a delay', { steps: [to(0), { delay: '1s' }, to(1)] }, ['0 opens', '2 later']],
    [
      'no further than a time of day',
      { steps: [{ delay: { until: '09:00', timezone: 'UTC' } }, to(1)] },
      ['1 later'],
    ],
    [
      'no further than a step that waits for its outcome',
      { steps: [{ deliver: { ...to(0).deliver, waitFor: 'outcome' } }, to(1)] },
      ['0 opens', '1 later'],
    ],
    [
      'into the branch that the event takes',
      { steps: [{ branch: { filter, steps: [to(0)], else: [to(1)] } }, to(2)] },
      ['0.steps.0 opens', '1 opens'],
    ],
    [
      'into the other branch, whose delay the rule waits for',
      { steps: [{ branch: { filter: { type: 'x' }, steps: [to(0)], else: [{ delay: '1s' }] } }, to(2)] },
      ['1 later'],
    ],
    [
      'past a branch that stops it, for the log alone',
      { steps: [{ branch: { filter, steps: [{ stop: true }] } }, to(0)] },
      ['1 later'],
    ],
    ['to those who are there', { steps: [gone] }, ['0 opens']],
    ['to nobody', {}, []],
  ])('%s', (_what, definition, expected) => {
    const { steps } = route(high(), destinations, { rules: alone(definition), at: noon })
    const shown = plannedDeliveries(steps).map(
      ({ step = '', opens }) => `${step.slice('rul_1/'.length)} ${opens ? 'opens' : 'later'}`,
    )
    expect(shown).toEqual(expected)
  })

  it('and says which of its destinations are missing', () => {
    const plan = route(high(), destinations, { rules: alone({ steps: [gone] }), at: noon })
    expect(stepsOf(plan)).toMatchObject([
      { missing: [{ destinationId: 'dst_gone', reason: 'is no longer there' }] },
    ])
  })

  it.each<[what: string, rules: Rule[], acting: string[]]>([
    ['all that match', [...alone({}), rule(highRisk, 'rul_2')], ['rul_1', 'rul_2']],
    ['none after an exclusive one', [rule(highRisk), rule(highRisk, 'rul_2')], ['rul_1']],
    [
      'none after an exclusive one that is held back',
      [rule(highRisk, 'rul_held'), rule(highRisk, 'rul_2')],
      [],
    ],
    ['the next one where another is held back', [...alone({}), rule(highRisk, 'rul_held')], ['rul_1']],
  ])('beside others: %s', (_what, rules, acting) => {
    const heldBack = new Map([['rul_held', throttled]])
    const plan = route(high(), destinations, { rules, heldBack, at: noon })
    expect(plan.steps.map((step) => step.kind === 'rule' && step.ruleId)).toEqual(acting)
  })

  it('with its place at an ordered destination for the first delivery there', () => {
    const ordered = destination('dst_case_system', { ordering: { by: 'data.customerId' }, maxConcurrent: 2 })
    const rules = alone({ steps: [to(0), { delay: '1s' }, to(0)] })
    const { steps } = route(high({ customerId: 'cus_1' }), [ordered], { rules, at: noon })
    expect(plannedDeliveries(steps)).toMatchObject([
      { step: 'rul_1/0', order: { text: 'data.customerId = "cus_1"' }, maxConcurrent: 2, opens: false },
      { step: 'rul_1/2', again: true },
    ])
    expect(plannedDeliveries(steps)[1]).not.toHaveProperty('order')
  })
})

function stepsOf({ steps: [first] }: Pick<Plan, 'steps'>): PlannedStep[] {
  return first?.kind === 'rule' ? first.steps : []
}

function delivery(destinationId: string, step: string, fields: object = {}) {
  const policy = { channel: channelOf(destinationId), scheduleMs: [0, 5_000], timeoutMs: 10_000 }
  return { destinationId, name: destinationId, ...policy, step, acknowledgeable: true, ...fields }
}
