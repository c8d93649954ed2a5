import { describe, expect, it } from 'vitest'
import {
  configurationOf,
  example,
  otherSlackUrl,
  parsed,
  slackUrl,
  told,
} from '../../support/resources/configuration.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, type Api } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

async function setUp() {
  const tenant = await makeTenant(stack)
  return { ...tenant, configuration: configurationOf(stack, tenant.key) }
}

interface Listed {
  id: string
  name: string
  status: string
  version: number
  position: number
  updatedAt: string
  config: Record<string, unknown>
}

async function list(api: Api, kind: 'destinations' | 'templates' | 'rules'): Promise<Listed[]> {
  return ((await api.get(`/${kind}`).expect(200)).body as { data: Listed[] }).data
}

async function everything(api: Api) {
  return [await list(api, 'destinations'), await list(api, 'templates'), await list(api, 'rules')]
}

async function audited(tenantId: string): Promise<string[]> {
  const rows = await stack.db.auditEntry.findMany({ where: { tenantId }, orderBy: { id: 'asc' } })
  return rows.map(({ action }) => action)
}

/** Every row that could hold what a document says, as text. */
async function storedOf(tenantId: string): Promise<string> {
  const where = { where: { tenantId } }
  return JSON.stringify(
    await Promise.all([
      stack.db.destination.findMany(where),
      stack.db.template.findMany(where),
      stack.db.templateVersion.findMany(where),
      stack.db.rule.findMany(where),
      stack.db.ruleVersion.findMany(where),
      stack.db.auditEntry.findMany(where),
    ]),
  )
}

describe('an export', () => {
  it('of an environment without anything is a document without anything', async () => {
    const { configuration } = await setUp()
    expect(await configuration.read()).toBe(
      'switchyard: 1\nenvironment: sandbox\ndestinations: []\ntemplates: []\nrules: []\n',
    )
  })

  it('holds names in place of ids, masks in place of secrets, and nothing that the schema fills in', async () => {
    const { configuration, id } = await setUp()
    await configuration.apply(example)
    expect(await configuration.read()).toBe(`switchyard: 1
environment: sandbox
destinations:
  - name: Case system
    channel: webhook
    config:
      url: https://cases.example.com/hook
      headers:
        X-Token: "****stem"
    subscription:
      eventTypes: [aml.*]
      filter:
        data.riskLevel: high
    delivery:
      schedule: [0s, 1m]
      ordering:
        by: data.customerId
  - name: Slack
    channel: slack
    config:
      webhookUrl: "****alue"
    subscription:
      eventTypes: [all]
templates:
  - name: AML
    parts:
      slack:
        text: |
          A match
          for {{ data.customerId }}
rules:
  - name: First
    when:
      events: [aml.*]
    steps:
      - deliver:
          to: [Slack]
          template: AML
          onFailure:
            - branch:
                filter:
                  type: x.y
                steps:
                  - deliver:
                      to: [Case system]
      - awaitAck:
          within: 15m
          otherwise:
            - deliver:
                to: [Case system]
    quietHours:
      - timezone: Europe/Berlin
        between: ["22:00", "07:00"]
    dedupe:
      by: data.id
      within: 1h
  - name: Second
    enabled: false
    when:
      events: [screening.*]
    steps:
      - deliver:
          to: [Slack, Case system]
    digest:
      window: 1h
    exclusive: true
`)
    expect(await audited(id)).toContain('configuration.applied')
  })

  it('is JSON for whoever asks for it, and the same document', async () => {
    const { configuration, api } = await setUp()
    await configuration.apply(example)
    const { body } = await api.get('/configuration').set('accept', 'application/json').expect(200)
    expect(body).toEqual(parsed(await configuration.read()))
  })

  it('changes nothing where it is applied to what it was made of', async () => {
    const { configuration, api, id } = await setUp()
    await configuration.apply(example)
    const [before, rows] = [await configuration.read(), await storedOf(id)]
    const applied = await configuration.apply(before, '?prune=true')
    expect(told(applied)).toEqual([])
    expect(applied).toMatchObject({ applied: true, diff: '', unmanaged: [] })
    expect(applied.changes).toHaveLength(5)
    expect(await configuration.read()).toBe(before)
    expect(await storedOf(id)).toBe(rows)
    expect((await list(api, 'rules')).map(({ version }) => version)).toEqual([1, 1])
  })

  it('applied to another environment, with its secrets filled in, is exported there as it was here', async () => {
    const { configuration, id } = await setUp()
    await configuration.apply(example)
    const exported = await configuration.read()
    const production = await makeKey(stack, id, 'production')
    const there = configurationOf(stack, production.key)
    const filledIn = exported
      .replace('environment: sandbox', 'environment: production')
      .replace('"****stem"', 'another-token-that-ends-in-stem')
      .replace('"****alue"', 'https://hooks.slack.com/services/T1/B1/another-value')
    expect(told(await there.apply(filledIn))).toHaveLength(5)
    expect(await there.read()).toBe(exported.replace('environment: sandbox', 'environment: production'))
  })

  it('tells things of the same name apart by their ids, also where rules name them', async () => {
    const { configuration, api } = await setUp()
    const twin = { ...example.destinations[1], name: 'Twin' }
    const ids = await Promise.all(
      [twin, twin].map(async (body) => ((await api.post('/destinations', body)).body as { id: string }).id),
    )
    await configuration.apply({
      switchyard: 1,
      rules: [{ name: 'r', when: { events: ['all'] }, steps: [{ deliver: { to: ids } }] }],
    })
    const exported = await configuration.read()
    expect(exported).toContain(`  - id: ${[...ids].sort()[0]}\n    name: Twin\n`)
    expect(parsed(exported).rules).toMatchObject([{ steps: [{ deliver: { to: ids } }] }])
    expect(told(await configuration.apply(exported))).toEqual([])
    const [problem] = await configuration.refused({ switchyard: 1, destinations: [twin] })
    expect(problem?.path).toBe('destinations.0.name')
    expect(problem?.message).toMatch(/^is the name of 2 destinations; set `id` to one of dst_/)
  })

  it('leaves out what an adopted contract’s API has made, which no document changes or deletes', async () => {
    const { configuration, api } = await setUp()
    await configuration.apply(example)
    const rows = await list(api, 'destinations')
    const owned = rows.find(({ name }) => name === 'Case system')
    await stack.db.destination.update({
      where: { id: owned?.id ?? '' },
      data: { contract: 'webhooks-api', contractFields: {} },
    })
    const exported = await configuration.read()
    expect(exported).toContain('an adopted contract:\n#   Case system\n')
    expect(parsed(exported).destinations).toHaveLength(1)
    expect(told(await configuration.apply(exported, '?prune=true'))).toEqual([])
    expect(await list(api, 'destinations')).toHaveLength(2)
    const problems = await configuration.refused(example)
    expect(problems).toContainEqual({
      path: 'destinations.0.name',
      message: 'belongs to the API of the adopted contract webhooks-api; choose another name',
    })
  })
})

describe('applying a document', () => {
  it('creates what there is not, and shows the signing secrets this once', async () => {
    const { configuration, api } = await setUp()
    const applied = await configuration.apply(example)
    expect(told(applied)).toEqual([
      'created destination Case system',
      'created destination Slack',
      'created template AML',
      'created rule First',
      'created rule Second',
    ])
    expect(applied.secrets).toEqual([
      { destination: 'Case system', secret: expect.stringMatching(/^whsec_/) as string },
    ])
    const rules = await list(api, 'rules')
    expect(rules.map(({ name, position }) => [name, position])).toEqual([
      ['First', 1],
      ['Second', 2],
    ])
    expect((await configuration.apply(example)).secrets).toBeUndefined()
  })

  it('changes what differs and nothing else, with the same versions and audit entries as by hand', async () => {
    const { configuration, api, id } = await setUp()
    await configuration.apply(example)
    const before = await everything(api)
    const audit = await audited(id)
    const exported = await configuration.read()
    const applied = await configuration.apply(exported.replace('within: 15m', 'within: 30m'))
    expect(told(applied)).toEqual(['changed rule First'])
    expect(applied.diff).toBe(`--- rule First
+++ rule First
@@ -13,7 +13,7 @@
               - deliver:
                   to: [Case system]
   - awaitAck:
-      within: 15m
+      within: 30m
       otherwise:
         - deliver:
             to: [Case system]
`)
    const after = await everything(api)
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2))
    expect(after[2]?.map(({ version }) => version)).toEqual([2, 1])
    expect((await audited(id)).slice(audit.length)).toEqual(['rule.changed', 'configuration.applied'])
  })

  it('takes away what an entry leaves out', async () => {
    const { configuration } = await setUp()
    await configuration.apply(example)
    const [{ name, channel, config }] = example.destinations
    const plain = { name, channel, config: { url: config.url }, subscription: { eventTypes: ['all'] } }
    const applied = await configuration.apply({ switchyard: 1, destinations: [plain] })
    expect(told(applied)).toEqual(['changed destination Case system'])
    expect(parsed(await configuration.read()).destinations[0]).toEqual(plain)
    expect(told(await configuration.apply({ switchyard: 1, destinations: [plain] }))).toEqual([])
  })

  it('as a dry run tells the same and writes nothing', async () => {
    const { configuration, id } = await setUp()
    const before = await storedOf(id)
    const tried = await configuration.apply(example, '?dryRun=true')
    expect(tried.applied).toBe(false)
    expect(tried.secrets).toBeUndefined()
    expect(await storedOf(id)).toBe(before)
    const applied = await configuration.apply(example)
    expect(told(tried)).toEqual(told(applied))
    expect(tried.diff).toBe(applied.diff)
  })

  it('puts its rules first, in its order, and leaves the others behind them in theirs', async () => {
    const { configuration, api } = await setUp()
    const rule = (name: string) => ({ name, when: { events: ['a.b'] }, steps: [{ stop: true }] })
    const apply = (...names: string[]) => configuration.apply({ switchyard: 1, rules: names.map(rule) })
    await apply('A', 'B', 'C', 'D')
    const applied = await apply('D', 'new', 'B')
    expect(told(applied)).toEqual(['changed rule D', 'created rule new', 'changed rule B'])
    expect(applied.diff).toContain('-# position 4\n+# position 1\n')
    expect(applied.unmanaged.map(({ name }) => name)).toEqual(['A', 'C'])
    const rules = await list(api, 'rules')
    expect(rules.map(({ name }) => name)).toEqual(['D', 'new', 'B', 'A', 'C'])
    expect(rules.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5])
    expect(told(await apply('D', 'new', 'B'))).toEqual([])
  })

  it('with prune deletes what its lists leave out, and of other kinds nothing', async () => {
    const { configuration, api } = await setUp()
    await configuration.apply(example)
    const [caseSystem] = example.destinations
    const pruned = { switchyard: 1, destinations: [caseSystem], rules: [] }
    expect((await configuration.apply(pruned)).unmanaged.map(({ name }) => name)).toEqual([
      'Slack',
      'AML',
      'First',
      'Second',
    ])
    expect(await list(api, 'destinations')).toHaveLength(2)
    const applied = await configuration.apply(pruned, '?prune=true')
    expect(told(applied)).toEqual(['deleted destination Slack', 'deleted rule First', 'deleted rule Second'])
    expect(applied.unmanaged.map(({ name }) => name)).toEqual(['AML'])
    const [destinations, templates, rules] = await everything(api)
    expect(destinations?.map(({ name }) => name)).toEqual(['Case system'])
    expect(templates).toHaveLength(1)
    expect(rules).toEqual([])
  })

  it('renames what it says the id of; another name alone is another thing', async () => {
    const { configuration, api } = await setUp()
    await configuration.apply(example)
    const exported = await configuration.read()
    const id = (await list(api, 'destinations')).find(({ name }) => name === 'Slack')?.id
    const renamed = exported.replaceAll('Slack', 'Analysts')
    const withId = renamed.replace('- name: Analysts', `- id: ${id}\n    name: Analysts`)
    expect(told(await configuration.apply(withId))).toEqual(['changed destination Analysts'])
    expect((await list(api, 'destinations')).find(({ name }) => name === 'Analysts')?.id).toBe(id)
    expect(told(await configuration.apply(renamed))).toEqual([])

    const other = renamed.replaceAll('Case system', 'Cases').replace('"****stem"', 'some-new-token')
    const applied = await configuration.apply(other)
    expect(told(applied)).toEqual(['created destination Cases', 'changed rule First', 'changed rule Second'])
    expect(applied.unmanaged.map(({ name }) => name)).toEqual(['Case system'])
  })

  it('pauses and resumes, but never makes a disabled destination active', async () => {
    const { configuration, api, id: tenantId } = await setUp()
    const status = async () => (await list(api, 'destinations')).find(({ name }) => name === 'Slack')?.status
    const [, slack] = example.destinations
    const apply = (more: object) =>
      configuration.apply({ switchyard: 1, destinations: [{ ...slack, ...more }] })
    await apply({ status: 'paused' })
    expect(await status()).toBe('paused')
    expect(await configuration.read()).toContain('channel: slack\n    status: paused\n')
    await apply({})
    expect(await status()).toBe('active')
    await stack.db.destination.updateMany({
      where: { tenantId },
      data: { status: 'disabled', statusReason: 'it answered 410' },
    })
    expect(told(await apply({}))).toEqual([])
    expect(told(await apply({ status: 'active', subscription: { eventTypes: ['aml.*'] } }))).toHaveLength(1)
    expect(await status()).toBe('disabled')
    expect(await configuration.read()).not.toContain('status')
  })

  it('keeps a rule whose destination was deleted since, as long as its steps stay', async () => {
    const { configuration, api } = await setUp()
    await configuration.apply(example)
    const id = (await list(api, 'destinations')).find(({ name }) => name === 'Slack')?.id ?? ''
    await api.delete(`/destinations/${id}`).expect(204)
    const exported = await configuration.read()
    expect(exported).toContain(`to: [${id}]`)
    expect(told(await configuration.apply(exported))).toEqual([])
    const problems = await configuration.refused(exported.replace('within: 15m', 'within: 30m'))
    expect(problems.map(({ path }) => path)).toContain('rules.0.steps.0.deliver.to.0')
  })

  it('takes turns with rules that are written by hand: both are there, in one order', async () => {
    const { configuration, api } = await setUp()
    await configuration.apply(example)
    const byHand = { name: 'By hand', when: { events: ['a.b'] }, steps: [{ stop: true }], position: 1 }
    const rules = [...example.rules].reverse()
    await Promise.all([
      configuration.apply({ ...example, rules }),
      api.post('/rules', byHand).expect(201),
      api.post('/rules', { ...byHand, name: 'By hand too' }).expect(201),
      configuration.apply({ ...example, rules }),
    ])
    const after = await list(api, 'rules')
    expect(after.map(({ position }) => position)).toEqual([1, 2, 3, 4])
    expect(after.map(({ name }) => name).sort()).toEqual(['By hand', 'By hand too', 'First', 'Second'])
    const names = after.map(({ name }) => name)
    expect(names.indexOf('Second')).toBeLessThan(names.indexOf('First'))
  })

  it('wants the scopes of what it does', async () => {
    const reader = await makeTenant(stack, 'sandbox', ['settings:read'])
    const theirs = configurationOf(stack, reader.key)
    await theirs.read()
    await theirs.post(example).expect(403)
    const writer = await makeTenant(stack, 'sandbox', ['settings:write'])
    await writer.api.get('/configuration').expect(403)
  })
})

describe('secrets', () => {
  it('are in no export, no answer and no diff, also where they change', async () => {
    const { configuration } = await setUp()
    const made = await configuration.apply(example)
    const changed = await configuration.apply(
      (await configuration.read()).replace('"****alue"', otherSlackUrl),
    )
    expect(told(changed)).toEqual(['changed destination Slack'])
    expect(changed.diff).toContain('-  webhookUrl: "****alue"\n+  webhookUrl: "****tone (changed)"\n')
    const deleted = await configuration.apply({ switchyard: 1, destinations: [], rules: [] }, '?prune=true')
    const seen = JSON.stringify([made, changed, deleted, await configuration.read()])
    for (const secret of [slackUrl, otherSlackUrl, 'token-of-the-case-system'])
      expect(seen).not.toContain(secret)
  })

  it('stay what they are where a document has a mask, whichever', async () => {
    const { configuration, api, id } = await setUp()
    await configuration.apply(example)
    const stored = await storedOf(id)
    const bare = (await configuration.read())
      .replace('"****alue"', '"****"')
      .replace('"****stem"', '"****1234"')
    expect(told(await configuration.apply(bare))).toEqual([])
    expect(await storedOf(id)).toBe(stored)
    const shown = (await list(api, 'destinations')).find(({ name }) => name === 'Slack')
    expect(shown?.config).toEqual({ webhookUrl: '****alue' })
  })

  it('are asked for where there is nothing to keep', async () => {
    const { configuration } = await setUp()
    const [caseSystem, slack] = example.destinations
    const destinations = [
      { ...caseSystem, config: { ...caseSystem.config, headers: { 'X-Token': '****' } } },
      { ...slack, config: { webhookUrl: '****alue' } },
      { ...slack, name: 'No URL', config: {} },
    ]
    const message = 'is masked, but no value is stored; provide the value'
    expect(await configuration.refused({ switchyard: 1, destinations })).toEqual([
      { path: 'destinations.0.config.headers.X-Token', message },
      { path: 'destinations.1.config.webhookUrl', message },
      { path: 'destinations.2.config.webhookUrl', message: 'is required' },
    ])
  })
})
