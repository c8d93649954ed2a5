import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { composeTeamsMessage, defaultCard } from '../../../src/channels/teams/message.ts'
import { maxMessageBytes, messageBody, type Card } from '../../../src/channels/teams/card.ts'
import { escapeMarkdown, unescapeMarkdown } from '../../../src/channels/teams/escaping.ts'
import { teams } from '../../../src/channels/teams/teams.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import { parseParts, renderParts, templateScope } from '../../../src/templates/content.ts'
import { digestData, makeEvent } from '../../support/event.ts'
import { type Respond, startReceiver, status } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeTenant, settledLog, untilTestEnds } from '../../support/stack.ts'
import { channelContract, egress, send } from '../contract.ts'
import { httpHarness } from '../http-harness.ts'

const signature = 'Qm9yZGVyLWNvbGxpZS1hbmQtYS1jYXQ'
const path = `/powerautomate/automations/direct/workflows/0af1/triggers/manual/paths/invoke`
const query = `?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=${signature}`

const accepted = status(202)
const classes: [from: number[], outcome: object][] = [
  [[202], { kind: 'delivered' }],
  [[200, 201, 204], { kind: 'failed', errorClass: 'protocol' }],
  [[300, 304], { kind: 'failed', errorClass: 'http' }],
  [[400, 401, 403, 404, 409, 413, 422], { kind: 'rejected', errorClass: 'http' }],
  [[410], { kind: 'rejected', errorClass: 'http', gone: true }],
  [[408, 429, 500, 502, 503, 504], { kind: 'failed', errorClass: 'http' }],
]
const errorBody = (code: string) => JSON.stringify({ error: { code, message: 'It cannot be done.' } })
const codes: [status: number, code: string, outcome: object][] = [
  [401, 'DirectApiAuthorizationRequired', { kind: 'rejected', error: 'HTTP 401: DirectApiAuthorizationRequired' }],
  [404, 'WorkflowNotFound', { kind: 'rejected', error: 'HTTP 404: WorkflowNotFound' }],
  [
    400,
    'WorkflowTriggerIsNotEnabled',
    {
      kind: 'failed',
      error: 'HTTP 400: WorkflowTriggerIsNotEnabled: the flow is turned off or deleted',
    },
  ],
] // prettier-ignore
const http = httpHarness(({ body }) => {
  const text = textsOf(cardOf(body)).join('\n')
  return { id: /Event (\S+)/.exec(text)?.[1] ?? '', text }
})

channelContract<Respond>('teams', {
  channel: teams,
  config: (origin) => ({ webhookUrl: `${origin}${path}${query}` }),
  secrets: [path, signature],
  content: {
    text: 'from a template',
    card: '{"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "from a template"}]}',
  },
  loggedHeaders: { 'User-Agent': 'Switchyard/1.0', 'Content-Type': 'application/json' },
  answers: [
    ...classes.flatMap(([statuses, outcome]) =>
      statuses.map((code): [string, Respond, object] => [
        `HTTP ${code}`,
        status(code),
        { ...outcome, responseCode: code },
      ]),
    ),
    ...codes.map(([code, word, outcome]): [string, Respond, object] => [
      `${code} ${word}`,
      status(code, {}, errorBody(word)),
      { ...outcome, errorClass: 'http', responseCode: code },
    ]),
  ],
  ...http,
  start: (respond = accepted) => http.start(respond),
})

const of = { event: makeEvent(), destination: { id: 'dst_1', name: 'On call' } }
const defaultOf = (data: JsonObject, event: object = {}) =>
  defaultCard({ ...of, event: makeEvent({ data, ...event }) })

/** What may be in a text and must come to nothing in Teams. */
const hostile = [
  '[your bank](https://evil.example)', '<at>Ann</at>', '<https://evil.example>', 'https://evil.example', 'www.evil.example',
  '**bold** _italic_ ~~gone~~ `code`', '- item', '1. item', '# heading', '> quote', '{{DATE(2026-11-21T11:00:00Z,SHORT)}}',
  '&#42;&lt;b&gt;', '| a |\n|---|', 'a\n===', 'a\n\n    code', '[x]: https://evil.example', '\\[x](//evil.example)',
] // prettier-ignore

describe('a default Teams message', () => {
  it('shows the type, the fields, the event id and the time, and what is a sandbox', () => {
    const card = defaultOf({ riskLevel: 'high', matches: [{ list: 'OFAC' }] })
    expect(card).toMatchObject({ type: 'AdaptiveCard', version: '1.4', fallbackText: 'AML match found (sandbox)' })
    expect(textsOf(card)).toEqual([
      'AML match found (sandbox)',
      'riskLevel: high',
      'matches #1.list: OFAC',
      'aml.match.found · Event evt_01jd6x7m2v8q · 2026-11-21 11:28 UTC · sandbox',
    ])
    expect(textsOf(defaultOf({}, { environment: 'production' })).join()).not.toContain('sandbox')
  }) // prettier-ignore

  it.each(hostile)('holds %j only in runs of text, which Teams reads no markup in', (text) => {
    const card = defaultCard({ ...of, event: makeEvent({ data: { [text]: text } }), title: text, tenant: text, rule: text, reason: text }) // prettier-ignore
    const types = elementsOf(card).map(({ type }) => type)
    expect(new Set(types)).toEqual(new Set(['AdaptiveCard', 'RichTextBlock', 'TextRun']))
    expect(textsOf(card)[0]).toBe(text)
    expect(card.fallbackText).toBe(escapeMarkdown(text))
  })

  it('has a button that acknowledges the event, and the time until then, only where there are any', () => {
    const acknowledgeUrl = 'https://switchyard.test/acknowledge/1.x'
    const card = defaultCard({ ...of, acknowledgeUrl, acknowledgeBy: '2026-11-21T12:00:00.000Z' })
    expect(card.actions).toEqual([{ type: 'Action.OpenUrl', title: 'Acknowledge', url: acknowledgeUrl }])
    expect(textsOf(card)[1]).toBe('Acknowledge by 2026-11-21 12:00 UTC')
    expect(JSON.stringify(defaultCard(of))).not.toMatch(/Acknowledge|actions/)
  })

  const huge: [what: string, data: JsonObject][] = [
    ['1,000 fields', Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`field${n}`, n]))],
    [
      '50 long fields',
      Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, '漢'.repeat(5000)])),
    ],
    ['a value of 200 KiB', { text: 'x'.repeat(200_000) }],
    ['a value of 200 KiB that is all escapes', { text: '"\\\n'.repeat(70_000) }],
    ['a key of 10,000 quotation marks', { ['"'.repeat(10_000)]: '"'.repeat(10_000) }],
    ['nothing', {}],
  ]
  it.each(huge)('is never too large: %s', (_what, data) => {
    const long = { type: 'a'.repeat(128), id: 'e'.repeat(128), data }
    const card = defaultCard({
      ...of,
      event: makeEvent(long),
      title: '漢'.repeat(150),
      reason: '漢'.repeat(5000),
      tenant: '漢'.repeat(200),
      rule: '漢'.repeat(200),
    })
    expect(bytesOf(card)).toBeLessThanOrEqual(maxMessageBytes)
    expect(textsOf(card).at(-1)).toContain(`Event ${long.id}`)
  })

  it('says how many fields it leaves out, for their number or for their size', () => {
    const fields = (count: number, value: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`field${n}`, value]))
    expect(textsOf(defaultOf(fields(60, 'x'))).at(-1)).toMatch(/^fields not shown here: 10 · /)
    const card = defaultOf(fields(50, '漢'.repeat(300)))
    const shown = textsOf(card).filter((text) => text.startsWith('field'))
    expect(shown.length).toBeGreaterThan(20)
    expect(textsOf(card).at(-1)).toMatch(new RegExp(`^fields not shown here: ${51 - shown.length} · `))
    expect(textsOf(defaultOf({ a: 1 })).join()).not.toContain('not shown')
  })

  it('has U+FFFD for what JSON or Teams cannot carry', () => {
    expect(JSON.stringify(defaultOf({ name: 'Zo\ud83d \u0007x' }))).toMatch(/Zo\uFFFD [\uFFFD ]x/)
  })
})

describe('a digest in Teams', () => {
  const digest = (data: JsonObject) => defaultOf(data, { type: 'digest', id: 'dig_1' })

  it('has a line for each event', () => {
    expect(textsOf(digest(digestData(2)))).toEqual([
      '2 events: <High risk> (sandbox)',
      '11:00  aml.match.found  evt_0  name: Zoë 0 <!here>  riskLevel: high',
      '11:01  aml.match.found  evt_1  name: Zoë 1 <!here>  riskLevel: high',
      expect.stringMatching(/^2 × aml\.match\.found · data\.customerId: cus_17 · dig_1 · Rule: /) as string,
    ])
  })

  it('that is huge is never too large, and says how many events are left out', () => {
    const card = digest({ ...digestData(1000, '漢'.repeat(500), 'a'.repeat(128)), count: 1100 })
    expect(bytesOf(card)).toBeLessThanOrEqual(maxMessageBytes)
    const lines = textsOf(card).filter((text) => text.includes('evt_'))
    expect(lines.length).toBeGreaterThan(20)
    expect(textsOf(card)).toContain(`and ${1100 - lines.length} more`)
  })
})

describe('a payload’s value in a template for Teams', () => {
  const text = fc
    .array(fc.oneof(fc.constantFrom(...hostile, '[', ']', '(', '{', '<', '&', '\\', '*', '/', ':', '\n'), fc.string()), { maxLength: 6 })
    .map((parts) => parts.join('').replaceAll('\u2060', '')) // prettier-ignore

  it('is Markdown for itself, also beside other values', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const escaped = escapeMarkdown(one)
        expect(unescapeMarkdown(escaped)).toBe(one)
        const both = escaped + escapeMarkdown(other)
        const signs = both.replace(/\\[\\*_`~[\]]/g, '')
        expect(signs).not.toMatch(/[\\*_`~[\]]/)
        expect(both).not.toMatch(/\]\(|\{\{|<[^\u2060]|&[^\u2060]|\/\/|www\./i)
        expect(escaped).not.toMatch(/^(?:[ \t]|[-+#>|=](?:\s|$)|\d+[.)]|:?--)/m)
      }),
      { numRuns: 2000 },
    )
  }) // prettier-ignore

  const compose = (texts: { text?: string; card?: string }, data: JsonObject) => {
    const composition = { ...of, event: makeEvent({ data }) }
    const { parsed } = parseParts(teams.template, texts)
    const { content, problems } = renderParts(teams.template, parsed, templateScope(composition))
    return { problems, ...composeTeamsMessage(composition, content) }
  }

  it.each(hostile)('makes nothing of %j in its text', (name) => {
    const { text, card } = compose({ text: '**{{ data.name }}** [ours](https://ours.example)' }, { name })
    expect(text).toBe(`**${escapeMarkdown(name)}** [ours](https://ours.example)`)
    expect(card.body).toEqual([{ type: 'TextBlock', text, wrap: true }])
  })

  it('nor in its card, which shows it as it is where Teams reads no Markdown', () => {
    for (const name of hostile) {
      const { card } = compose(
        {
          card: `{
            "type": "AdaptiveCard",
            "version": "1.5",
            "body": [
              {"type": "TextBlock", "text": "{{ data.name }}"},
              {"type": "FactSet", "facts": [{"title": "{{ data.name }}", "value": {{ data.name }}}]},
              {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "{{ data.name }}"}]}
            ],
            "actions": [{"type": "Action.OpenUrl", "title": "{{ data.name }}", "url": "https://ours.example/?q={{ data.name | url_encode }}"}]
          }`,
        },
        { name },
      )
      const escaped = escapeMarkdown(name)
      const url = `https://ours.example/?q=${encodeURIComponent(name).replaceAll('%20', '+')}`
      expect(card).toMatchObject({
        version: '1.5',
        body: [
          { text: escaped },
          { facts: [{ title: escaped, value: escaped }] },
          { inlines: [{ text: name }] },
        ],
        actions: [{ title: name, url: expect.any(String) as string }],
      })
      const [{ url: made }] = card.actions as [{ url: string }]
      expect(new URL(made).searchParams.get('q')).toBe(new URL(url).searchParams.get('q'))
    }
  })

  it('that is too long is cut off visibly, in a text and in a card, between its signs', () => {
    const name = '*漢'.repeat(60_000)
    const block = '{"type": "TextBlock", "text": "{{ data.name }}"}'
    const card = `{"type": "AdaptiveCard", "body": [${block}, ${block}]}`
    for (const made of [compose({ text: '{{ data.name | slice: 0, 60000 }}' }, { name }), compose({ card: card.replaceAll('data.name', 'data.name | slice: 0, 20000') }, { name })]) {
      expect(made.problems).toEqual([])
      expect(bytesOf(made.card)).toBeLessThanOrEqual(maxMessageBytes)
      for (const { text } of made.card.body as { text: string }[])
        expect(text).toMatch(/^(\\\*漢)+(\\\*)?\n\n… truncated; the event log has the full text$/)
    }
  }) // prettier-ignore

  it.each([
    ['[]', 'does not render to a JSON object whose type is AdaptiveCard'],
    ['{"type": "message"}', 'does not render to a JSON object whose type is AdaptiveCard'],
    ['{"type": "AdaptiveCard"}', 'renders to a card without a body'],
    ['{"type": "AdaptiveCard", "body": []}', 'renders to a card without a body'],
    ['{"type": "AdaptiveCard", "body": [{}]}', 'renders to a card with an element that has no type'],
    [
      '{"type": "AdaptiveCard", "body": [{"type": "Container", "items": [{% for i in (1..3000) %}"0123456789",{% endfor %}""]}]}',
      'renders to a card of more than 24 KiB',
    ],
  ])('%.60s is no card', (card, message) => {
    const { problems, card: standard } = compose({ card }, { name: 'Zoë' })
    expect(problems).toEqual([{ field: 'card', message }])
    expect(textsOf(standard)).toContain('name: Zoë')
  })
})

describe('a Teams config', () => {
  const check = (webhookUrl: string) => teams.check({ webhookUrl }, { environment: 'production', egress })

  it.each([
    `https://default3b.f9.environment.api.powerplatform.com:443${path}${query}`,
    `https://prod-12.westeurope.logic.azure.com:443/workflows/0af1/triggers/manual/paths/invoke${query}`,
  ])('takes a webhook of Workflows: %.60s', (url) => {
    expect(check(url)).toEqual([])
  })

  it.each([
    'https://contoso.webhook.office.com/webhookb2/0af1', 'https://logic.azure.com/workflows/0af1', 'https://evil.example/?logic.azure.com',
    'https://logic.azure.com.evil.example/', 'https://xlogic.azure.com/', 'https://api.powerplatform.com/',
  ])('refuses %s', (url) => {
    const message =
      'has no Power Automate host such as prod-00.westeurope.logic.azure.com, and this installation does not allow it'
    expect(check(url)).toEqual([{ path: 'webhookUrl', message }])
  }) // prettier-ignore

  it('refuses plain http in production', () => {
    const message = 'must use https in production'
    expect(check('http://prod-12.westeurope.logic.azure.com/')).toEqual([{ path: 'webhookUrl', message }])
  })
})

describe('through the API, a Teams destination', () => {
  const stack = sharedStack()

  it('shows no URL, and gets a card with a button for an event that waits to be acknowledged', async () => {
    const receiver = untilTestEnds(await startReceiver(accepted))
    const { api } = await makeTenant(stack)
    const webhookUrl = `http://127.0.0.1:${receiver.port}${path}${query}`
    const given = { name: 'AML', channel: 'teams', config: { webhookUrl }, subscription: { eventTypes: ['none'] } }
    const made = (await api.post('/destinations', given).expect(201)).body as { id: string; config: object }
    expect(made.config).toEqual({ webhookUrl: `****${signature.slice(-4)}` })
    const steps = [{ deliver: { to: [made.id] } }, { awaitAck: { within: '1s' } }]
    await api.post('/rules', { name: 'Tell', when: { events: ['all'] }, steps }).expect(201)
    const data = { name: '[Zoë](https://evil.example)' }
    const { id } = (await api.post('/events', { type: 'aml.match.found', data }).expect(202)).body as { id: string }
    const log = await settledLog(api, id)
    expect(log.deliveries).toMatchObject([{ channel: 'teams', status: 'delivered', attempts: [{ responseCode: 202 }] }])
    expect(JSON.stringify(log)).not.toContain(signature)
    const [{ path: target, headers, body }] = receiver.received as [(typeof receiver.received)[number]]
    expect([target, headers['content-type']]).toEqual([`${path}${query}`, 'application/json'])
    expect(JSON.parse(body)).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive' }],
    })
    const card = cardOf(body)
    expect(textsOf(card)).toContain(`name: ${data.name}`)
    expect(card.actions).toMatchObject([{ type: 'Action.OpenUrl', url: expect.stringMatching(/\/acknowledge\//) as string }])
  }) // prettier-ignore

  it.each([
    [413, true],
    [401, undefined],
  ])('whose template Teams refuses by %i is refused for its content: %s', async (code, refused) => {
    const receiver = untilTestEnds(await startReceiver(status(code)))
    const outcome = await send({ channel: teams, config: { webhookUrl: receiver.url } })
    expect(outcome).toMatchObject({ kind: 'rejected', error: `HTTP ${code}` })
    expect(outcome.refusedContent).toBe(refused)
  })
})

function bytesOf(card: Card): number {
  return Buffer.byteLength(messageBody(card))
}

function cardOf(body: string): Card {
  return (JSON.parse(body) as { attachments: [{ content: Card }] }).attachments[0].content
}

/** Every object inside that has a type. */
function elementsOf(value: unknown): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap(elementsOf)
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(elementsOf)
  return 'type' in value ? [value as JsonObject, ...inner] : inner
}

/** What each element of a card's body says. */
function textsOf({ body }: Card): string[] {
  return (body as { text?: string; inlines?: { text: string }[] }[]).map(
    ({ text, inlines = [] }) => text ?? inlines.map((run) => run.text).join(''),
  )
}
