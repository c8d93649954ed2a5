import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { destinationStatuses, type RoutableDestination } from '../../../../src/domain/destination.ts'
import type { JsonObject } from '../../../../src/domain/event.ts'
import { leadingDeliveries, ofDestinations, plannedDeliveries } from '../../../../src/domain/routing/plan.ts'
import { route, routeTo } from '../../../../src/domain/routing/routing.ts'
import type { Rule, RuleStep } from '../../../../src/domain/rules/rule.ts'
import { makeEvent } from '../../../support/event.ts'

function destination(fields: Partial<RoutableDestination> = {}): RoutableDestination {
  return {
    id: 'dst_1',
    name: 'Case system',
    channel: 'webhook',
    environment: 'sandbox',
    status: 'active',
    subscription: { eventTypes: ['all'] },
    delivery: { schedule: ['0s', '5s', '5m'], timeoutMs: 10_000 },
    ...fields,
  }
}

describe('an event is routed', () => {
  it.each<[what: string, fields: Partial<RoutableDestination>, matched: boolean, reason: RegExp]>([
    ['all', {}, true, /^subscribed to all$/],
    ['a glob', { subscription: { eventTypes: ['kyc.*', 'aml.*', '*'] } }, true, /^subscribed to aml\.\*$/],
    ['another type', { subscription: { eventTypes: ['kyc.*'] } }, false, /^unmatched: /],
    ['no type', { subscription: { eventTypes: [] } }, false, /^unmatched: /],
    ['a filter that passes', filtered({ 'data.riskLevel': 'high' }), true, /^subscribed to all$/],
    ['a filter over the type', filtered({ type: 'aml.match.found' }), true, /^subscribed to all$/],
    ['a filter that does not pass', filtered({ 'data.riskLevel': 'low' }), false, /^filtered: /],
    ['a field that is absent', filtered({ 'data.absent': null }), false, /^filtered: /],
    ['a paused one', { status: 'paused' }, false, /^paused$/],
    [
      'a paused one, by whom',
      { status: 'paused', statusReason: 'paused by the API' },
      false,
      /^paused: paused by the API$/,
    ],
    ['a disabled one', { status: 'disabled', statusReason: 'HTTP 410' }, false, /^disabled: HTTP 410$/],
  ])('by its subscription: %s', (_what, fields, matched, reason) => {
    const { routing, steps } = route(makeEvent(), [destination(fields)])
    expect(routing).toEqual([
      {
        destinationId: 'dst_1',
        matched,
        reason: expect.stringMatching(reason) as string,
        ...(fields.status && fields.status !== 'active' && { missed: true }),
      },
    ])
    expect(steps).toHaveLength(matched ? 1 : 0)
  })

  it.each([
    ['all', undefined, true],
    ['destination.*', undefined, true],
    ['all', 'kyc-webhooks', false],
    ['destination.*', 'kyc-webhooks', false],
    ['destination.disabled', 'webhooks-api', true],
  ])('if operational, to %s of the contract %s: %s', (pattern, contract, matched) => {
    const told = { ...makeEvent({ type: 'destination.disabled' }), operational: true as const }
    const subscription = { eventTypes: [pattern] }
    expect(route(told, [destination({ subscription, contract })]).routing[0]?.matched).toBe(matched)
  })

  it('with the policy of each destination, in the order of the destinations', () => {
    const plan = route(makeEvent(), [
      destination({ id: 'dst_a', delivery: { schedule: ['0s', '1m', '2h', '1d'], timeoutMs: 500 } }),
      destination({ id: 'dst_b', status: 'paused' }),
      destination({ id: 'dst_c', channel: 'email' }),
    ])
    expect(plan.steps).toEqual([
      {
        kind: 'deliver',
        deliveries: [
          {
            destinationId: 'dst_a',
            name: 'Case system',
            channel: 'webhook',
            scheduleMs: [0, 60_000, 7_200_000, 86_400_000],
            timeoutMs: 500,
            opens: true,
          },
          {
            destinationId: 'dst_c',
            name: 'Case system',
            channel: 'email',
            scheduleMs: [0, 5_000, 300_000],
            timeoutMs: 10_000,
            opens: true,
          },
        ],
      },
    ])
  })

  it.each<[what: string, policy: Partial<RoutableDestination['delivery']>, opens: boolean]>([
    ['at once', {}, true],
    ['later', { schedule: ['1s', '5s'] }, false],
    ['in its turn of a key', { ordering: { by: 'data.riskLevel' } }, false],
    ['ordered, but without a value at the path', { ordering: { by: 'data.absent' } }, true],
    ['in its turn among attempts', { maxConcurrent: 3 }, false],
    ['for as long as by default', { timeoutMs: 10_000 }, true],
    ['for as long as can be', { timeoutMs: 30_000 }, true],
  ])('opening with the attempts that wait for nothing: %s', (_what, policy, opens) => {
    const delivery = { schedule: ['0s', '5s'], timeoutMs: 1_000, ...policy }
    expect(plannedDeliveries(route(makeEvent(), [destination({ delivery })]).steps)).toMatchObject([
      { opens },
    ])
  })

  it.each([
    ['delivery.exhausted', true, false, /^about itself: /],
    ['delivery.failing', true, false, /^about itself: /],
    ['destination.recovered', true, true, /^subscribed to all$/],
    ['delivery.exhausted', undefined, true, /^subscribed to all$/],
  ] as const)(
    'of the type %s, operational: %s, to the one that it tells of: %s',
    (type, operational, matched, reason) => {
      const event = makeEvent({ type, operational, data: { destinationId: 'dst_1' } })
      const plan = route(event, [destination(), destination({ id: 'dst_2' })])
      expect(plan.routing).toEqual([
        { destinationId: 'dst_1', matched, reason: expect.stringMatching(reason) as string },
        { destinationId: 'dst_2', matched: true, reason: 'subscribed to all' },
      ])
    },
  )

  it('with the default template of its type for each channel, and none where none has a part for it', () => {
    const templates = [
      { id: 'tpl_all', channels: ['email', 'slack'], eventTypes: ['all'] },
      { id: 'tpl_aml', channels: ['email'], eventTypes: ['aml.*'] },
    ]
    const channels = ['email', 'slack', 'webhook']
    const destinations = channels.map((channel) => destination({ id: channel, channel }))
    const { steps } = route(makeEvent(), destinations, { templates })
    expect(plannedDeliveries(steps).map(({ template }) => template)).toEqual([
      'tpl_aml',
      'tpl_all',
      undefined,
    ])
  })

  it('by nobody’s subscription where a rule matches, even one that is held back', () => {
    const rules = [ruleFor('aml.*', [{ stop: true }])]
    const held = { heldBack: 'throttled', reason: 'throttled: 5 events in 10m' } as const
    for (const heldBack of [new Map(), new Map([['rul_1', held]])])
      expect(plannedDeliveries(route(makeEvent(), [destination()], { rules, heldBack }).steps)).toEqual([])
    expect(
      plannedDeliveries(route(makeEvent({ type: 'kyc.approved' }), [destination()], { rules }).steps),
    ).toHaveLength(1)
  })

  // A known fault: in the plan’s order the fallback comes first, takes the place, and what leads goes ahead without any.
  it('in its place in the order by the delivery that begins first, and not by a fallback to the same one', () => {
    const ordered = destination({
      delivery: { schedule: ['0s'], timeoutMs: 1_000, ordering: { by: 'data.riskLevel' } },
    })
    const fallback = [{ deliver: { to: ['dst_1'] } }]
    const rules = [ruleFor('aml.*', [{ deliver: { to: ['dst_2'], onFailure: fallback } }, ...fallback])]
    const { steps } = route(makeEvent(), [ordered, destination({ id: 'dst_2' })], { rules })
    const leading = leadingDeliveries(steps).find(({ destinationId }) => destinationId === 'dst_1')
    expect(leading).toMatchObject({
      step: 'rul_1/1',
      order: { text: 'data.riskLevel = "high"' },
      opens: false,
    })
  })

  it('to nobody when there is nobody', () => {
    expect(route(makeEvent(), [])).toEqual({ steps: [], routing: [] })
  })
})

describe('a replay is routed', () => {
  it('to whom it names, whatever they subscribe to, as long as they are active', () => {
    const plan = routeTo(makeEvent(), [
      destination({ id: 'dst_a', subscription: { eventTypes: ['other'], filter: { no: 1 } } }),
      destination({ id: 'dst_b', status: 'disabled', statusReason: 'HTTP 410' }),
    ])
    expect(plan.routing).toEqual([
      { destinationId: 'dst_a', matched: true, reason: 'requested by name' },
      { destinationId: 'dst_b', matched: false, reason: 'disabled: HTTP 410', missed: true },
    ])
    expect(plannedDeliveries(plan.steps).map(({ destinationId }) => destinationId)).toEqual(['dst_a'])
  })
})

describe('a replay by name', () => {
  it('has the template that a rule names, whatever else the rule would do', () => {
    const rules = [ruleFor('aml.*', [{ delay: '1h' }, { deliver: { to: ['dst_1'], template: 'tpl_named' } }])]
    const templates = [{ id: 'tpl_default', channels: ['webhook'], eventTypes: ['all'] }]
    const plan = routeTo(makeEvent(), [destination(), destination({ id: 'dst_2' })], { rules, templates })
    expect(plannedDeliveries(plan.steps)).toMatchObject([
      { destinationId: 'dst_1', template: 'tpl_named', opens: true },
      { destinationId: 'dst_2', template: 'tpl_default', opens: true },
    ])
  })
})

describe('every plan', () => {
  const anyDestination = fc.record({
    channel: fc.constantFrom('webhook', 'email', 'slack', 'one that is unknown'),
    status: fc.constantFrom(...destinationStatuses),
    statusReason: fc.option(fc.string(), { nil: undefined }),
    eventTypes: fc.array(fc.constantFrom('all', '*', 'aml.*', '*.found', 'kyc.*', 'aml.match.found', ''), {
      maxLength: 3,
    }),
    filter: fc.constantFrom<JsonObject | undefined>(
      undefined,
      {},
      { 'data.riskLevel': 'high' },
      { 'data.riskLevel': 'low' },
      { 'data.x': null },
    ),
  })
  const anyDestinations = fc.array(anyDestination, { maxLength: 30 }).map((all) =>
    all.map(({ channel, status, statusReason, eventTypes, filter }, index) =>
      destination({
        id: `dst_${index}`,
        channel,
        status,
        statusReason,
        subscription: { eventTypes, filter },
      }),
    ),
  )
  const anyEvent = fc.record({
    type: fc.constantFrom('aml.match.found', 'kyc.approved', 'DOCVER'),
    data: fc.dictionary(fc.constantFrom('riskLevel', 'x', 'y'), fc.constantFrom('high', 'low', null), {
      noNullPrototype: true,
    }),
  })

  it('is the same for the same input, and leaves the input as it is', () => {
    fc.assert(
      fc.property(anyEvent, anyDestinations, (fields, destinations) => {
        const event = makeEvent(fields)
        const before = structuredClone({ event, destinations })
        const plan = route(event, destinations)
        expect(route(structuredClone(event), structuredClone(destinations))).toEqual(plan)
        expect({ event, destinations }).toEqual(before)
      }),
    )
  })

  it('decides once for every destination, with a reason, in their order', () => {
    fc.assert(
      fc.property(anyEvent, anyDestinations, (fields, destinations) => {
        const { routing } = route(makeEvent(fields), destinations)
        expect(ofDestinations(routing).map(({ destinationId }) => destinationId)).toEqual(
          destinations.map(({ id }) => id),
        )
        expect(routing.filter(({ reason }) => reason.trim() === '')).toEqual([])
      }),
    )
  })

  it('delivers to those it matched, and to nobody else, and never to one that is not active', () => {
    fc.assert(
      fc.property(anyEvent, anyDestinations, (fields, destinations) => {
        const { routing, steps } = route(makeEvent(fields), destinations)
        const delivered = plannedDeliveries(steps).map(({ destinationId }) => destinationId)
        expect(delivered).toEqual(
          ofDestinations(routing)
            .filter(({ matched }) => matched)
            .map(({ destinationId }) => destinationId),
        )
        const inactive = destinations.filter(({ status }) => status !== 'active').map(({ id }) => id)
        expect(delivered.filter((id) => inactive.includes(id))).toEqual([])
      }),
    )
  })

  it('decides for a destination whatever the others are', () => {
    fc.assert(
      fc.property(anyEvent, anyDestinations, (fields, destinations) => {
        const event = makeEvent(fields)
        const alone = destinations.flatMap((one) => route(event, [one]).routing)
        expect(route(event, destinations).routing).toEqual(alone)
      }),
    )
  })
})

function ruleFor(pattern: string, steps: RuleStep[]): Rule {
  return { id: 'rul_1', version: 1, definition: { name: 'A rule', when: { events: [pattern] }, steps } }
}

function filtered(
  filter: NonNullable<RoutableDestination['subscription']['filter']>,
): Partial<RoutableDestination> {
  return { subscription: { eventTypes: ['all'], filter } }
}
