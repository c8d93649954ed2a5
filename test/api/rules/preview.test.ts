import { describe, expect, it } from 'vitest'
import { passRule } from '../../../src/db/limits/rule-passes.ts'
import { enabledRules } from '../../../src/db/rules.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, type Api } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

interface Step {
  path: string
  kind: string
  at?: string
  until?: string
  after?: string
  otherwise?: Step[]
  onFailure?: Step[]
}
interface Plan {
  at: string
  steps: {
    kind: string
    ruleId?: string
    name?: string
    at: string
    steps?: Step[]
    deliveries?: unknown[]
  }[]
  routing: { ruleId?: string; destinationId?: string; matched: boolean; reason: string; heldBack?: string }[]
}

const at = '2026-03-28T21:30:00.000Z'
const event = { type: 'aml.match.found', data: { riskLevel: 'high', submissionId: 's1' } }

async function makeDestination(api: Api, name: string, eventTypes = ['none']): Promise<string> {
  const config = { url: 'https://example.com/hook' }
  const destination = { name, channel: 'webhook', config, subscription: { eventTypes } }
  return ((await api.post('/destinations', destination).expect(201)).body as { id: string }).id
}

async function preview(api: Api, body: object): Promise<Plan> {
  return ((await api.post('/rules/preview', body).expect(200)).body as { plan: Plan }).plan
}

function ruleTo(destinationId: string, more: object = {}) {
  return { name: 'r', when: { events: ['aml.*'] }, steps: [{ deliver: { to: [destinationId] } }], ...more }
}

it('with no rule that matches, subscriptions decide; each rule and destination has its reason', async () => {
  const { api } = await makeTenant(stack)
  const hears = await makeDestination(api, 'Case system', ['aml.*'])
  const deaf = await makeDestination(api, 'Archive', ['document.*'])
  const other = (await api.post('/rules', ruleTo(deaf, { when: { events: ['document.*'] } })).expect(201))
    .body as {
    id: string
  }
  expect(await preview(api, { ...event, at })).toEqual({
    at,
    steps: [
      {
        kind: 'deliver',
        at,
        deliveries: [{ destinationId: hears, channel: 'webhook', name: 'Case system' }],
      },
    ],
    routing: [
      { destinationId: hears, matched: true, reason: 'subscribed to aml.*' },
      { destinationId: deaf, matched: false, reason: 'unmatched: not subscribed to this event type' },
      {
        ruleId: other.id,
        version: 1,
        name: 'r',
        matched: false,
        reason: 'unmatched: not for this event type',
      },
    ],
  })
})

it('a rule that matches takes it over: every step has its times, as if nobody acknowledged', async () => {
  const { api } = await makeTenant(stack)
  const [to, boss] = [await makeDestination(api, 'Case system', ['all']), await makeDestination(api, 'Boss')]
  const rule = ruleTo(to, {
    steps: [
      { deliver: { to: [to], onFailure: [{ deliver: { to: [boss] } }] } },
      { delay: '1h' },
      { deliver: { to: [to] } },
      { awaitAck: { within: '15m', otherwise: [{ deliver: { to: [boss] } }] } },
    ],
    quietHours: {
      timezone: 'Europe/Berlin',
      between: ['23:00', '07:00'],
      unless: { 'data.riskLevel': 'critical' },
    },
  })
  const { id } = (await api.post('/rules', rule).expect(201)).body as { id: string }
  const plan = await preview(api, { ...event, at })
  const [{ steps = [], ...acting } = { at }] = plan.steps as [Plan['steps'][number]]
  expect(acting).toEqual({ kind: 'rule', ruleId: id, version: 1, name: 'r', at })
  // Half past ten in the evening; the clock is put forward in that night.
  expect(steps).toMatchObject([
    { path: `${id}/0`, at, onFailure: [{ after: `when a delivery of ${id}/0 has failed` }] },
    { path: `${id}/1`, at, until: '2026-03-28T22:30:00.000Z' },
    { path: `${id}/2`, at: '2026-03-28T22:30:00.000Z', until: '2026-03-29T05:00:00.000Z' },
    {
      path: `${id}/3`,
      at: '2026-03-29T05:00:00.000Z',
      until: '2026-03-29T05:15:00.000Z',
      otherwise: [
        {
          at: '2026-03-29T05:15:00.000Z',
          deliveries: [{ destinationId: boss, name: 'Boss', channel: 'webhook' }],
        },
      ],
    },
  ])
  const critical = await preview(api, { ...event, at, data: { riskLevel: 'critical' } })
  expect(critical.steps[0]?.steps?.[2]).toEqual({
    path: `${id}/2`,
    kind: 'deliver',
    at: '2026-03-28T22:30:00.000Z',
    deliveries: [{ destinationId: to, channel: 'webhook', name: 'Case system' }],
  })
})

it('what stands in the way of a delivery is told, and what follows it begins at once', async () => {
  const { api } = await makeTenant(stack)
  const paused = await makeDestination(api, 'Case system')
  const boss = await makeDestination(api, 'Boss')
  const made = await api.post('/templates', {
    name: 'Gone',
    eventTypes: [],
    parts: { webhook: { body: '{}' } },
  })
  const { id: template } = made.body as { id: string }
  const onFailure = [{ deliver: { to: [boss], template } }]
  const { id } = (
    await api
      .post('/rules', ruleTo(paused, { steps: [{ deliver: { to: [paused], onFailure } }] }))
      .expect(201)
  ).body as { id: string }
  await api.post(`/destinations/${paused}/pause`).expect(200)
  await api.delete(`/templates/${template}`).expect(204)
  const [acting] = (await preview(api, { ...event, at })).steps
  expect(acting?.steps).toEqual([
    {
      path: `${id}/0`,
      kind: 'deliver',
      at,
      deliveries: [
        {
          destinationId: paused,
          channel: 'webhook',
          name: 'Case system',
          skipped: 'the destination is paused: paused by the API',
        },
      ],
      onFailure: [
        {
          path: `${id}/0.onFailure.0`,
          kind: 'deliver',
          at,
          deliveries: [
            {
              destinationId: boss,
              channel: 'webhook',
              name: 'Boss',
              template,
              templateFault: `the template ${template} no longer exists`,
            },
          ],
        },
      ],
    },
  ])
})

it('recipients who have not agreed are counted, and not named', async () => {
  const { api } = await makeTenant(stack)
  const config = { to: ['ann@x.io', 'bob@x.io'] }
  const given = { name: 'Mail', channel: 'email', config, subscription: { eventTypes: ['none'] } }
  const { id: mail } = (await api.post('/destinations', given).expect(201)).body as { id: string }
  await api.post('/rules', ruleTo(mail)).expect(201)
  const outlook = async () => {
    const [{ steps: [first] = [] } = {}] = (await preview(api, event)).steps
    return (first as { deliveries?: object[] } | undefined)?.deliveries?.[0]
  }
  expect(await outlook()).toEqual({ destinationId: mail, channel: 'email', name: 'Mail' })
  const data = { status: 'unsubscribed' }
  await stack.db.emailRecipient.updateMany({ where: { destinationId: mail, address: 'ann@x.io' }, data })
  expect(await outlook()).toMatchObject({ leftOut: '1 recipient has unsubscribed' })
  await stack.db.emailRecipient.updateMany({
    where: { destinationId: mail, address: 'bob@x.io' },
    data: { status: 'asked' },
  })
  const skipped =
    'no recipient has confirmed: 1 recipient has not confirmed yet; 1 recipient has unsubscribed'
  expect(await outlook()).toMatchObject({ skipped })
})

it('without a time, it is now', async () => {
  const { api } = await makeTenant(stack)
  const before = Date.now()
  const plan = await preview(api, event)
  expect(Date.parse(plan.at)).toBeGreaterThanOrEqual(before)
  expect(Date.parse(plan.at)).toBeLessThanOrEqual(Date.now())
})

describe('drafts', () => {
  it('take the place of the stored rules, and are not stored', async () => {
    const { api } = await makeTenant(stack)
    const to = await makeDestination(api, 'Case system', ['all'])
    await api.post('/rules', ruleTo(to, { name: 'stored' })).expect(201)
    const drafts = [
      ruleTo(to, { name: 'off', enabled: false }),
      ruleTo(to, { name: 'first', exclusive: true }),
      ruleTo(to, { name: 'second' }),
    ]
    const plan = await preview(api, { ...event, rules: drafts })
    expect(plan.steps).toMatchObject([{ kind: 'rule', ruleId: 'draft_2', name: 'first' }])
    expect(plan.routing.filter(({ ruleId }) => ruleId)).toEqual([
      { ruleId: 'draft_2', version: 1, name: 'first', matched: true, reason: 'for aml.*' },
      {
        ruleId: 'draft_3',
        version: 1,
        name: 'second',
        matched: false,
        reason: 'not looked at: “first” matches and is exclusive',
      },
    ])
    expect((await preview(api, { ...event, rules: [] })).steps).toMatchObject([{ kind: 'deliver' }])
    expect((await api.get('/rules').expect(200)).body).toMatchObject({ data: [{ name: 'stored' }] })
  })

  it('are refused with their paths where they could not be saved', async () => {
    const { api } = await makeTenant(stack)
    const { api: others } = await makeTenant(stack)
    const theirs = await makeDestination(others, 'Case system')
    const answer = await api.post('/rules/preview', { ...event, rules: [ruleTo(theirs)] }).expect(422)
    expect(answer.body).toMatchObject({
      errors: [{ path: 'rules.0.steps.0.deliver.to.0', message: 'is not a destination in this environment' }],
    })
    const body = { ...event, at: 'tomorrow', rules: [ruleTo(theirs, { steps: [{ wait: '1h' }] })] }
    const { errors } = (await api.post('/rules/preview', body).expect(422)).body as {
      errors: { path: string }[]
    }
    expect(errors.map(({ path }) => path)).toEqual(['at', 'rules.0.steps.0.wait'])
  })
})

it('what a rule would hold back is told, and nothing is counted', async () => {
  const { api, id: tenantId } = await makeTenant(stack)
  const to = await makeDestination(api, 'Case system', ['all'])
  const dedupe = { by: 'data.submissionId', within: '1h' }
  const made = await api.post('/rules', ruleTo(to, { dedupe })).expect(201)
  const { id: ruleId } = made.body as { id: string }
  const first = await preview(api, event)
  expect(first.steps).toHaveLength(1)
  expect((await preview(api, event)).steps).toHaveLength(1)
  expect(await stack.db.rulePass.count({ where: { ruleId } })).toBe(0)

  const now = new Date()
  const passed = {
    ...event,
    id: 'evt_1',
    tenantId,
    environment: 'sandbox' as const,
    createdAt: now.toISOString(),
  }
  const [rule] = await enabledRules(stack.db, { tenantId, environment: 'sandbox' })
  if (!rule) throw new Error('the rule is not there')
  await passRule(stack.db, rule, passed, now)
  const plan = await preview(api, event)
  expect(plan.steps).toEqual([])
  expect(plan.routing.find(({ ruleId }) => ruleId)).toMatchObject({ matched: true, heldBack: 'deduplicated' })
  const later = new Date(now.getTime() + 2 * 3600_000).toISOString()
  expect((await preview(api, { ...event, at: later })).steps).toHaveLength(1)
  expect((await preview(api, { ...event, id: 'evt_1' })).steps).toHaveLength(1)
})

it('a digest says how long it collects, and what follows', async () => {
  const { api } = await makeTenant(stack)
  const to = await makeDestination(api, 'Case system')
  const rule = ruleTo(to, { digest: { window: '1h', by: 'data.submissionId' } })
  const [acting] = (await preview(api, { ...event, at, rules: [rule] })).steps
  expect(acting?.steps).toEqual([
    {
      path: 'draft_1/digest',
      kind: 'digest',
      at,
      until: '2026-03-28T22:30:00.000Z',
      max: 100,
      key: 'data.submissionId = "s1"',
      then: rule.steps,
    },
  ])
})

it('a key that may read settings is enough, and one that may only post events is not', async () => {
  const { id } = await makeTenant(stack)
  const reader = await makeKey(stack, id, 'sandbox', ['settings:read'])
  const writer = await makeKey(stack, id, 'sandbox', ['events:write'])
  await preview(reader.api, event)
  await writer.api.post('/rules/preview', event).expect(403)
})
