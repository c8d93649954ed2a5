import { describe, expect, it } from 'vitest'
import { enabledRules } from '../../../src/db/rules.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, type Api } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

interface Rule {
  id: string
  version: number
  name: string
  position: number
  enabled: boolean
  steps: unknown[]
  updatedAt: string
}
interface Problem {
  code: string
  detail: string
  errors: { path: string; message: string }[]
}

async function makeDestination(api: Api): Promise<string> {
  const destination = {
    name: 'Case system',
    channel: 'webhook',
    config: { url: 'https://example.com/hook' },
    subscription: { eventTypes: ['all'] },
  }
  return ((await api.post('/destinations', destination).expect(201)).body as { id: string }).id
}

function ruleTo(destinationId: string, more: object = {}) {
  return { name: 'r', when: { events: ['aml.*'] }, steps: [{ deliver: { to: [destinationId] } }], ...more }
}

const silent = { name: 's', when: { events: ['aml.*'] }, steps: [{ stop: 'why' }] }

async function create(api: Api, body: object): Promise<Rule> {
  return (await api.post('/rules', body).expect(201)).body as Rule
}

async function listed(api: Api): Promise<Rule[]> {
  return ((await api.get('/rules').expect(200)).body as { data: Rule[] }).data
}

/** Names in their order, whose places are to be counted from 1 without a gap. */
async function order(api: Api): Promise<string[]> {
  const rules = await listed(api)
  expect(rules.map(({ position }) => position)).toEqual(rules.map((_rule, index) => index + 1))
  return rules.map(({ name }) => name)
}

async function audited(tenantId: string): Promise<string[]> {
  const rows = await stack.db.auditEntry.findMany({ where: { tenantId }, orderBy: { id: 'asc' } })
  return rows
    .filter(({ action }) => action.startsWith('rule.'))
    .map(({ action, subject }) => `${action} ${subject}`)
}

describe('a rule', () => {
  it('is answered as it was written, with what it has been given', async () => {
    const { api } = await makeTenant(stack)
    const id = await makeDestination(api)
    const night = {
      timezone: 'Europe/Berlin',
      between: ['22:00', '07:00'],
      unless: { 'data.risk': 'critical' },
    }
    const body = {
      name: 'High-risk AML match',
      when: { events: ['aml.match.found'], filter: { 'data.riskLevel': { $in: ['high', null] } } },
      steps: [
        { deliver: { to: [id], onFailure: [{ deliver: { to: [id] } }] } },
        {
          awaitAck: {
            within: '15m',
            otherwise: [{ branch: { filter: {}, steps: [], else: [{ stop: true }] } }],
          },
        },
      ],
      digest: { window: '1h', by: 'data.customerId' },
      throttle: { limit: 5, per: '10m' },
      dedupe: { by: 'data.submissionId', within: '24h' },
      exclusive: true,
    }
    const made = await create(api, { ...body, quietHours: night })
    expect(made).toEqual({
      ...body,
      id: expect.stringMatching(/^rul_/),
      version: 1,
      position: 1,
      enabled: true,
      quietHours: [night],
      digest: { ...body.digest, max: 100 },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect((await api.get(`/rules/${made.id}`).expect(200)).body).toEqual(made)
    expect((await api.get('/rules').expect(200)).body).toEqual({ data: [made], nextCursor: null })
  })

  it('is changed field by field; null takes an optional one away', async () => {
    const { api } = await makeTenant(stack)
    const made = await create(api, { ...silent, throttle: { limit: 1, per: '1h' }, exclusive: true })
    const change = { name: 'renamed', throttle: null, dedupe: { by: 'type', within: '1h' } }
    const changed = (await api.patch(`/rules/${made.id}`, change).expect(200)).body as Rule
    const { throttle: _gone, ...kept } = made as Rule & { throttle: unknown }
    expect(changed).toEqual({
      ...kept,
      name: 'renamed',
      dedupe: change.dedupe,
      version: 2,
      updatedAt: expect.any(String),
    })
  })

  it('deleted no longer exists, and neither is what it has let pass', async () => {
    const { api } = await makeTenant(stack)
    const made = await create(api, silent)
    const at = new Date()
    const pass = { ruleId: made.id, kind: 'dedupe', keyHash: 'h', eventId: 'evt_1', at, endsAt: at }
    await stack.db.rulePass.create({ data: pass })
    await api.delete(`/rules/${made.id}`).expect(204)
    await api.get(`/rules/${made.id}`).expect(404)
    await api.delete(`/rules/${made.id}`).expect(404)
    expect(await stack.db.rulePass.count({ where: { ruleId: made.id } })).toBe(0)
  })

  it('acts only while it is enabled, in the order of the rules', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const first = await create(api, { ...silent, name: 'first' })
    const off = await create(api, { ...silent, name: 'off', enabled: false })
    await create(api, { ...silent, name: 'now first', position: 1 })
    const acting = async () => {
      const rules = await enabledRules(stack.db, { tenantId, environment: 'sandbox' })
      return rules.map(({ definition }) => definition.name)
    }
    expect(await acting()).toEqual(['now first', 'first'])
    expect((await api.post(`/rules/${off.id}/enable`).expect(200)).body).toMatchObject({
      enabled: true,
      version: 1,
    })
    expect((await api.post(`/rules/${first.id}/disable`).expect(200)).body).toMatchObject({ enabled: false })
    expect(await acting()).toEqual(['now first', 'off'])
  })
})

describe('the order', () => {
  it('is kept without gaps, wherever rules are put, moved and taken out', async () => {
    const { api } = await makeTenant(stack)
    const put = (name: string, position?: number) => create(api, { ...silent, name, position })
    const a = await put('a')
    await put('b')
    const c = await put('c', 1)
    await put('d', 99)
    await put('e', 3)
    expect(await order(api)).toEqual(['c', 'a', 'e', 'b', 'd'])
    const move = (id: string, position: number) => api.patch(`/rules/${id}`, { position }).expect(200)
    await move(c.id, 4)
    expect(await order(api)).toEqual(['a', 'e', 'b', 'c', 'd'])
    await move(c.id, 2)
    expect(await order(api)).toEqual(['a', 'c', 'e', 'b', 'd'])
    expect(((await move(a.id, 50)).body as Rule).position).toBe(5)
    expect(await order(api)).toEqual(['c', 'e', 'b', 'd', 'a'])
    await api.delete(`/rules/${c.id}`).expect(204)
    expect(await order(api)).toEqual(['e', 'b', 'd', 'a'])
  })

  it('is kept when many are created and moved at once', async () => {
    const { api } = await makeTenant(stack)
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        create(api, { ...silent, name: `r${n}`, position: n % 2 ? 1 : undefined }),
      ),
    )
    await Promise.all([
      ...made.slice(0, 3).map(({ id }) => api.patch(`/rules/${id}`, { position: 2 }).expect(200)),
      ...made.slice(3, 5).map(({ id }) => api.delete(`/rules/${id}`).expect(204)),
      create(api, { ...silent, name: 'new', position: 1 }),
    ])
    expect((await order(api)).sort()).toEqual(['new', 'r0', 'r1', 'r2', 'r5', 'r6', 'r7'])
  })

  it('does not touch the rules that make room, nor those of the other environment', async () => {
    const { api, id } = await makeTenant(stack)
    const { api: production } = await makeKey(stack, id, 'production')
    const theirs = await create(production, silent)
    const moved = await create(api, silent)
    await create(api, { ...silent, position: 1 })
    const after = (await api.get(`/rules/${moved.id}`).expect(200)).body as Rule
    expect(after).toEqual({ ...moved, position: 2 })
    expect((await production.get(`/rules/${theirs.id}`).expect(200)).body).toEqual(theirs)
  })
})

describe('versions', () => {
  it('are made by a changed definition only, and name the key that wrote them', async () => {
    const { api, id: tenantId, keyId } = await makeTenant(stack)
    const made = await create(api, silent)
    const other = await makeKey(stack, tenantId, 'sandbox')
    await other.api.patch(`/rules/${made.id}`, { steps: [{ stop: 'because' }] }).expect(200)
    await api
      .patch(`/rules/${made.id}`, { steps: [{ stop: 'because' }], when: silent.when, name: 's' })
      .expect(200)
    await api.patch(`/rules/${made.id}`, { enabled: false, position: 7 }).expect(200)
    expect((await api.get(`/rules/${made.id}`).expect(200)).body).toMatchObject({
      version: 2,
      enabled: false,
    })
    expect((await api.get(`/rules/${made.id}/versions`).expect(200)).body).toEqual({
      data: [
        {
          ...silent,
          steps: [{ stop: 'because' }],
          version: 2,
          keyId: other.keyId,
          createdAt: expect.any(String),
        },
        { ...silent, version: 1, keyId, createdAt: expect.any(String) },
      ],
      nextCursor: null,
    })
  })

  it('are kept up to 100 of a rule: the oldest go, and the current one stays', async () => {
    const { api } = await makeTenant(stack)
    const { id: untouched } = await create(api, silent)
    const { id } = await create(api, silent)
    for (let version = 2; version <= 103; version++)
      await api.patch(`/rules/${id}`, { name: `v${version}` }).expect(200)
    const versions = async (of: string) => {
      const { body } = await api.get(`/rules/${of}/versions?limit=100`).expect(200)
      const { data, nextCursor } = body as { data: Rule[]; nextCursor: string | null }
      expect(nextCursor).toBeNull()
      return data.map(({ version }) => version)
    }
    const kept = await versions(id)
    expect(kept).toHaveLength(100)
    expect([kept[0], kept.at(-1)]).toEqual([103, 4])
    expect(await versions(untouched)).toEqual([1])
  })

  it('outlive their rule, and page', async () => {
    const { api } = await makeTenant(stack)
    const { id } = await create(api, silent)
    for (const name of ['two', 'three']) await api.patch(`/rules/${id}`, { name }).expect(200)
    await api.delete(`/rules/${id}`).expect(204)
    const page = async (query: string) => {
      const { body } = await api.get(`/rules/${id}/versions?${query}`).expect(200)
      const { data, nextCursor } = body as { data: Rule[]; nextCursor: string | null }
      return { names: data.map(({ name }) => name), nextCursor }
    }
    expect(await page('limit=2')).toEqual({ names: ['three', 'two'], nextCursor: '2' })
    expect(await page('limit=2&cursor=2')).toEqual({ names: ['s'], nextCursor: null })
    await api.get(`/rules/${id}/versions?cursor=x`).expect(422)
    await api.get(`/rules/${id}/versions?cursor=99999999999`).expect(422)
  })
})

describe('every change is in the audit log, with who made it', () => {
  it('created, changed, moved, switched, deleted; nothing where nothing changed', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    await create(api, silent)
    const { id, updatedAt } = await create(api, silent)
    await api.patch(`/rules/${id}`, { name: 's', position: 2, enabled: true }).expect(200)
    expect(((await api.get(`/rules/${id}`).expect(200)).body as Rule).updatedAt).toBe(updatedAt)
    await api.patch(`/rules/${id}`, { name: 'renamed', enabled: false }).expect(200)
    await api.patch(`/rules/${id}`, { position: 1 }).expect(200)
    await api.post(`/rules/${id}/disable`).expect(200)
    await api.post(`/rules/${id}/enable`).expect(200)
    await api.post('/rules', { ...silent, steps: [] }).expect(422)
    await api.delete(`/rules/${id}`).expect(204)
    const [, ...actions] = await audited(tenantId)
    expect(actions).toEqual(
      ['created', 'changed', 'disabled', 'changed', 'enabled', 'deleted'].map((what) => `rule.${what} ${id}`),
    )
  })
})

describe('404 for what is not of this tenant and environment', () => {
  it.each(['another tenant', 'the other environment'])('%s', async (whose) => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id } = await create(api, silent)
    const other =
      whose === 'another tenant' ? await makeTenant(stack) : await makeKey(stack, tenantId, 'production')
    for (const answer of [
      await other.api.get(`/rules/${id}`),
      await other.api.get(`/rules/${id}/versions`),
      await other.api.patch(`/rules/${id}`, { name: 'mine' }),
      await other.api.post(`/rules/${id}/disable`),
      await other.api.delete(`/rules/${id}`),
    ])
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await listed(other.api)).toEqual([])
    expect(await listed(api)).toMatchObject([{ id, name: 's', enabled: true }])
  })

  it('403 for a key that may only read', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id } = await create(api, silent)
    const reader = await makeKey(stack, tenantId, 'sandbox', ['settings:read'])
    await reader.api.get(`/rules/${id}`).expect(200)
    await reader.api.post('/rules', silent).expect(403)
    await reader.api.patch(`/rules/${id}`, { enabled: false }).expect(403)
  })
})

describe('what a rule names', () => {
  async function refused(api: Api, body: object) {
    const answer = await api.post('/rules', body).expect(422)
    expect(await listed(api)).toEqual([])
    return (answer.body as Problem).errors.map(({ path, message }) => `${path} ${message}`)
  }

  it('must be destinations of this environment, each once in a step', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const mine = await makeDestination(api)
    const { api: production } = await makeKey(stack, tenantId, 'production')
    const theirs = await makeDestination(production)
    const steps = [
      { deliver: { to: [mine, theirs, mine], onFailure: [{ deliver: { to: ['dst_nobody'] } }] } },
      { deliver: { to: [mine] } },
    ]
    expect(await refused(api, ruleTo(mine, { steps }))).toEqual([
      'steps.0.deliver.to.1 is not a destination in this environment',
      `steps.0.deliver.to.2 repeats ${mine} within one step`,
      'steps.0.deliver.onFailure.0.deliver.to.0 is not a destination in this environment',
    ])
  })

  it('must be templates with a part for one of the step’s channels', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const { id: otherTenant } = await makeTenant(stack)
    const to = [await makeDestination(api)]
    const template = (id: string, parts: object, owner = tenantId) =>
      stack.db.template.create({
        data: { id, tenantId: owner, environment: 'sandbox', name: id, eventTypes: [], parts },
      })
    await template('tpl_mail', { email: { subject: 'x' } })
    await template('tpl_both', { email: { subject: 'x' }, webhook: { body: '{}' } })
    await template('tpl_theirs', { webhook: { body: '{}' } }, otherTenant)
    const steps = ['tpl_mail', 'tpl_theirs', 'tpl_both'].map((id) => ({ deliver: { to, template: id } }))
    expect(await refused(api, { ...silent, steps })).toEqual([
      'steps.0.deliver.template has no part for webhook, so it cannot be used for any of the step’s destinations',
      'steps.1.deliver.template is not a template in this environment',
    ])
    await create(api, { ...silent, steps: steps.slice(2) })
  })

  it('may be gone later: the rule can be changed, but for steps that name it anew', async () => {
    const { api } = await makeTenant(stack)
    const gone = await makeDestination(api)
    const { id, steps } = await create(api, ruleTo(gone))
    await api.delete(`/destinations/${gone}`).expect(204)
    await api.patch(`/rules/${id}`, { name: 'renamed', exclusive: true, steps, position: 1 }).expect(200)
    await api.post(`/rules/${id}/disable`).expect(200)
    await api.post(`/rules/${id}/enable`).expect(200)
    const answer = await api.patch(`/rules/${id}`, { steps: [...steps, { stop: true }] }).expect(422)
    expect((answer.body as Problem).errors).toEqual([
      { path: 'steps.0.deliver.to.0', message: 'is not a destination in this environment' },
    ])
  })
})

it('422 with the path, and nothing is changed: a change that makes no sense with what the rule is', async () => {
  const { api } = await makeTenant(stack)
  const to = await makeDestination(api)
  const digested = [{ digest: { window: '1h' } }, { deliver: { to: [to] } }]
  const made = await create(api, ruleTo(to, { steps: digested }))
  const answer = await api.patch(`/rules/${made.id}`, { digest: { window: '2h' } }).expect(422)
  expect((answer.body as Problem).errors).toEqual([
    { path: 'steps.0.digest', message: 'is the rule’s second digest; a rule can have at most one' },
  ])
  expect(await listed(api)).toEqual([made])
})

describe('409 limit_reached', () => {
  it('for the 101st rule', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const data = Array.from({ length: 99 }, (_, n) => ({
      id: `rul_${tenantId}_${n}`,
      tenantId,
      environment: 'sandbox',
      name: 'r',
      position: n + 1,
      definition: { when: silent.when, steps: silent.steps },
    }))
    await stack.db.rule.createMany({ data })
    const answers = await Promise.all([api.post('/rules', silent), api.post('/rules', silent)])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'limit_reached',
      detail: 'An environment can have at most 100 rules; delete one first.',
    })
  })

  it('for rules whose plan would not fit into a workflow: digests with long lists behind them', async () => {
    const { api } = await makeTenant(stack)
    const to = await makeDestination(api)
    const $in = Array.from({ length: 1_000 }, (_, n) => `customer_${n}`)
    const branch = { filter: { 'data.customer': { $in } }, steps: [{ deliver: { to: [to] } }] }
    const steps = Array.from({ length: 13 }, () => ({ branch }))
    const rule = ruleTo(to, { digest: { window: '1h' }, steps })
    const answers: { status: number; body: unknown }[] = []
    while (answers.at(-1)?.status !== 409 && answers.length < 30) answers.push(await api.post('/rules', rule))
    expect(answers.length).toBeLessThan(10)
    expect(answers.at(-1)?.body).toMatchObject({
      code: 'limit_reached',
      detail: expect.stringMatching(
        /^The plans of an environment’s enabled rules can take at most 1048576 bytes/,
      ) as string,
    })
  })

  it('for more than 1000 destinations named by enabled rules, also by a change and by enabling one', async () => {
    const { api } = await makeTenant(stack)
    const to = await makeDestination(api)
    const steps = Array.from({ length: 50 }, () => ({ deliver: { to: [to] } }))
    for (let n = 0; n < 19; n++) await create(api, ruleTo(to, { steps }))
    const last = await create(api, ruleTo(to, { steps: steps.slice(1) }))
    const refused = {
      code: 'limit_reached',
      detail:
        'The enabled rules of an environment can reference destinations at most 1000 times in total; this change would make it 1001.',
    }
    await create(api, ruleTo(to))
    expect((await api.post('/rules', ruleTo(to)).expect(409)).body).toMatchObject(refused)
    expect((await api.patch(`/rules/${last.id}`, { steps }).expect(409)).body).toMatchObject(refused)
    const spare = await create(api, ruleTo(to, { enabled: false }))
    expect((await api.post(`/rules/${spare.id}/enable`).expect(409)).body).toMatchObject(refused)
    await api.post(`/rules/${last.id}/disable`).expect(200)
    await api.post(`/rules/${spare.id}/enable`).expect(200)
  })
})
