import { describe, expect, it } from 'vitest'
import { configurationOf, example } from '../../support/resources/configuration.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeTenant } from '../../support/stack.ts'

const stack = sharedStack({ workers: false })

const [caseSystem, slack] = example.destinations
const [template] = example.templates
const rule = (more: object) => ({ name: 'r', when: { events: ['a.b'] }, steps: [{ stop: true }], ...more })
const deliver = (...to: string[]) => ({ deliver: { to } })

/** Each is sent after `example` was applied. What is a text is sent as YAML. */
const refusals: Record<string, [document: string | object, path: string, message: RegExp, query?: string]> = {
  'no document at all': ['# nothing', '(body)', /^must be of type object/],
  'a text that is no YAML': [
    'switchyard: 1\nrules: [',
    '(body)',
    /^is not valid YAML at line 2, column \d+: /,
  ],
  'tabs as indentation': ['switchyard: 1\nrules:\n\t- a', '(body)', /line 3, column 1: tabs cannot be used/],
  'a key that stands twice': [
    'switchyard: 1\nrules: []\nrules: []',
    '(body)',
    /line 3, column 1: duplicate key/,
  ],
  'two documents': ['switchyard: 1\n---\nswitchyard: 1', '(body)', /only one document is allowed/],
  'a version directive': [
    '%YAML 1.1\n---\nswitchyard: 1',
    '(body)',
    /line 1, column 1: directives \(%\) are not supported/,
  ],
  'a tag directive': [
    '%TAG ! tag:example.com,2026:\n---\nswitchyard: 1',
    '(body)',
    /directives \(%\) are not supported/,
  ],
  'a tag': ['switchyard: !!binary aGk=', '(body)', /tags \(!\) are not supported/],
  'a mask without quotes': ['a: ****', '(body)', /line 1, column 4: unknown anchor; quote .*$/],
  'a merge key': ['switchyard: 1\n<<: {rules: []}', '<<', /^is not a known field$/],
  'a number that JSON cannot keep': ['switchyard: 12345678901234567890', '(body)', /write it as a string$/],
  'an alias bomb': [
    `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcde'[index]}`).join(',')}]`).join('\n')}`,
    '(body)',
    /^uses anchors more than 100 times$/,
  ],
  'an alias inside of what it stands for': [
    'switchyard: 1\nrules: [&rule {name: [*rule, *rule]}]',
    '(body)',
    /line 2, column 23: an alias must not appear inside its own anchor$/,
  ],
  'more than any configuration has': ['- a\n'.repeat(70_000), '(body)', /^is too long$/],
  'what is nested without end': [`a: ${'['.repeat(100_000)}`, '(body)', /^is nested too deeply$/],
  'an entry that is nested too deeply': [
    { switchyard: 1, rules: [{ name: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown }] },
    'rules.0',
    /^must not be nested deeper than 64 levels$/,
  ],
  'no version': [{ rules: [] }, 'switchyard', /^must be one of 1$/],
  'a version of later': [{ switchyard: 2 }, 'switchyard', /^must be one of 1$/],
  'an unknown section': [{ switchyard: 1, keys: [] }, 'keys', /^is not a known field$/],
  'another environment': [
    { switchyard: 1, environment: 'production' },
    'environment',
    /^must match the key’s environment/,
  ],
  'an unknown field': [
    { switchyard: 1, destinations: [{ ...slack, colour: 'red' }] },
    'destinations.0.colour',
    /^is not a known field$/,
  ],
  'a signing secret': [
    { switchyard: 1, destinations: [{ ...caseSystem, secret: 'whsec_x' }] },
    'destinations.0.secret',
    /^is not a known field$/,
  ],
  'a position': [
    { switchyard: 1, rules: [rule({ position: 1 })] },
    'rules.0.position',
    /^is not a known field$/,
  ],
  'an entry without a name': [{ switchyard: 1, rules: [{}] }, 'rules.0.name', /^is required$/],
  'a name twice': [
    { switchyard: 1, rules: [rule({}), rule({})] },
    'rules.1.name',
    /^is also the name of rules.0; give each its `id`/,
  ],
  'an id that is not there': [
    { switchyard: 1, templates: [{ ...template, id: 'tpl_elsewhere' }] },
    'templates.0.id',
    /^is not a template in this environment; omit the id/,
  ],
  'a channel that there is not': [
    { switchyard: 1, destinations: [{ ...slack, name: 'Other', channel: 'pigeon' }] },
    'destinations.0.channel',
    /./,
  ],
  'another channel than before': [
    { switchyard: 1, destinations: [{ ...slack, channel: 'email', config: { to: ['a@example.com'] } }] },
    'destinations.0.channel',
    /^cannot be changed from slack/,
  ],
  'a config that its channel refuses': [
    { switchyard: 1, destinations: [{ ...caseSystem, config: { url: 'http://169.254.169.254/' } }] },
    'destinations.0.config.url',
    /./,
  ],
  'a wrong duration': [
    { switchyard: 1, rules: [rule({ steps: [{ delay: '15 minutes' }, deliver('Slack')] })] },
    'rules.0.steps.0.delay',
    /^must be a duration such as/,
  ],
  'a filter that is none': [
    { switchyard: 1, rules: [rule({ when: { events: ['a.b'], filter: { 'data.a': { $no: 1 } } } })] },
    'rules.0.when.filter.data.a.$no',
    /./,
  ],
  'a reference with a slip': [
    { switchyard: 1, rules: [rule({ steps: [deliver('Slack', 'Case sytem')] })] },
    'rules.0.steps.0.deliver.to.1',
    /^references an unknown destination: “Case sytem”. Did you mean “Case system”\?$/,
  ],
  'a reference deep inside': [
    {
      switchyard: 1,
      rules: [
        rule({ steps: [{ branch: { filter: { type: 'a.b' }, steps: [], else: [deliver('Nobody')] } }] }),
      ],
    },
    'rules.0.steps.0.branch.else.0.deliver.to.0',
    /^references an unknown destination: “Nobody”\.$/,
  ],
  'a template that is not there': [
    { switchyard: 1, rules: [rule({ steps: [{ deliver: { to: ['Slack'], template: 'AMI' } }] })] },
    'rules.0.steps.0.deliver.template',
    /^references an unknown template: “AMI”. Did you mean “AML”\?$/,
  ],
  'a template without a part for the channel': [
    { switchyard: 1, rules: [rule({ steps: [{ deliver: { to: ['Case system'], template: 'AML' } }] })] },
    'rules.0.steps.0.deliver.template',
    /^has no part for webhook/,
  ],
  'a destination twice in one step': [
    { switchyard: 1, rules: [rule({ steps: [deliver('Slack', 'Slack')] })] },
    'rules.0.steps.0.deliver.to.1',
    /^repeats .* within one step$/,
  ],
  'steps that are never reached': [
    { switchyard: 1, rules: [rule({ steps: [{ stop: true }, deliver('Slack')] })] },
    'rules.0.steps.1',
    /^is unreachable/,
  ],
  'broken Liquid': [
    { switchyard: 1, templates: [{ name: 't', parts: { slack: { text: '{% if %}' } } }] },
    'templates.0.parts.slack.text',
    /^is not valid Liquid: /,
  ],
  'a reference to what it deletes': [
    { switchyard: 1, destinations: [caseSystem], rules: [rule({ steps: [deliver('Slack')] })] },
    'rules.0.steps.0.deliver.to.0',
    /^references a destination that is not in the document and would be deleted: “Slack”$/,
    '?prune=true',
  ],
  'two entries of the name of one thing, beside what it deletes': [
    { switchyard: 1, templates: [example.templates[0], example.templates[0]], rules: [] },
    'templates.0.name',
    /^is also the name of templates.1; give each its `id`/,
    '?prune=true',
  ],
  'two entries of one name that both change it': [
    {
      switchyard: 1,
      templates: ['a', 'b'].map((text) => ({ ...example.templates[0], parts: { email: { text } } })),
    },
    'templates.1.name',
    /^is also the name of templates.0; give each its `id`/,
  ],
  'deleting what rules beside it name': [
    { switchyard: 1, destinations: [caseSystem] },
    'rules',
    /^must be present because the rule “First” references/,
    '?prune=true',
  ],
}

describe('a document is refused whole, and nothing is written, for', () => {
  it.each(Object.entries(refusals))('%s', async (_what, [document, path, message, query]) => {
    const { key } = await makeTenant(stack)
    const configuration = configurationOf(stack, key)
    await configuration.apply(example)
    const before = await configuration.read()
    // Beside what is wrong, something that would have been created.
    const more = { templates: [{ name: 'Beside it', parts: { email: { text: 'x' } } }] }
    const sent = typeof document === 'string' ? document : { ...more, ...document }
    const problems = await configuration.refused(sent, query)
    expect(problems).toContainEqual({ path, message: expect.stringMatching(message) as string })
    expect(await configuration.read()).toBe(before)
  })

  it('two entries with one id that both change it', async () => {
    const { api, key } = await makeTenant(stack)
    const given = { name: 'One', parts: { email: { text: 'x' } } }
    const { id } = (await api.post('/templates', given).expect(201)).body as { id: string }
    const templates = ['a', 'b'].map((name) => ({ id, name, parts: { email: { text: name } } }))
    expect(await configurationOf(stack, key).refused({ switchyard: 1, templates })).toEqual([
      { path: 'templates.1.id', message: 'belongs to another entry in the document' },
    ])
  })

  it('several reasons at once, which it tells together', async () => {
    const { key } = await makeTenant(stack)
    const problems = await configurationOf(stack, key).refused({
      switchyard: 1,
      destinations: [{ ...slack, subscription: { eventTypes: [] } }],
      templates: [{ name: 't', parts: {} }],
      rules: [rule({ steps: [deliver('Slack')] }), rule({ name: 's', steps: [deliver('Slacc')] })],
    })
    // Of what is wrong in itself, rules that name it say nothing more.
    expect(problems.map(({ path }) => path)).toEqual([
      'destinations.0.subscription.eventTypes',
      'templates.0.parts',
      'rules.1.steps.0.deliver.to.0',
    ])
  })

  it('more reasons than anybody reads: the first hundred are told', async () => {
    const { key } = await makeTenant(stack)
    const rules = Array.from({ length: 60 }, (_none, index) =>
      rule({ name: `r${index}`, steps: [deliver('Nobody', 'Nobody else')] }),
    )
    expect(await configurationOf(stack, key).refused({ switchyard: 1, rules })).toHaveLength(100)
  })

  it('rules that name more than there can be together', async () => {
    const { key } = await makeTenant(stack)
    const names = Array.from({ length: 50 }, (_none, index) => `D${index}`)
    const rules = Array.from({ length: 21 }, (_none, index) =>
      rule({ name: `r${index}`, steps: [deliver(...names)] }),
    )
    const destinations = names.map((name) => ({ ...slack, name }))
    const configuration = configurationOf(stack, key)
    const { body } = await configuration.post({ switchyard: 1, destinations, rules }).expect(409)
    expect(body).toMatchObject({ code: 'limit_reached' })
    expect(await configuration.read()).toContain('destinations: []')
    await configuration.apply({ switchyard: 1, destinations, rules: rules.slice(1) })
  })

  it('a body that is too large', async () => {
    const { key } = await makeTenant(stack)
    const large = `# ${'x'.repeat(1024 * 1024)}`
    await configurationOf(stack, key).post(large).expect(413)
  })
})

it('YAML is taken as its version 1.2 has it', async () => {
  const { key } = await makeTenant(stack)
  const configuration = configurationOf(stack, key)
  await configuration.apply(`switchyard: 1
rules:
  - name: on
    when: {events: [a.b], filter: {data.a: 1e3, data.b: no, data.c: 0x1F, data.d: 2026-01-31}}
    steps: &steps [{delay: {until: 22:00, timezone: UTC}}]
  - name: "no"
    when: {events: [a.b]}
    steps: *steps
`)
  expect(await configuration.read()).toContain(`rules:
  - name: "on"
    when:
      events: [a.b]
      filter:
        data.a: 1000
        data.b: "no"
        data.c: 31
        data.d: "2026-01-31"
    steps:
      - delay:
          until: "22:00"
          timezone: UTC
  - name: "no"
    when:
      events: [a.b]
    steps:
      - delay:
          until: "22:00"
          timezone: UTC
`)
})

it('what is wrong with YAML is told without quoting any of it', async () => {
  const { key } = await makeTenant(stack)
  const configuration = configurationOf(stack, key)
  for (const broken of [
    'a: !hunter2 x',
    'a: *hunter2',
    '- x\nhunter2: b',
    'a: "hunter2',
    '%hunter2\n---\na: 1',
  ]) {
    const problems = await configuration.refused(broken)
    expect(problems[0]?.path).toBe('(body)')
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  }
})
