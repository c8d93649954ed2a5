import { describe, expect, it } from 'vitest'
import { slack } from '../../../src/channels/slack/slack.ts'
import { renderSlackMessage } from '../../../src/channels/slack/message.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import { makeEvent } from '../../support/event.ts'
import { type Respond, startReceiver, status } from '../../support/servers/receiver.ts'
import { untilTestEnds } from '../../support/stack.ts'
import { channelContract, egress, send } from '../contract.ts'
import { httpHarness } from '../http-harness.ts'

interface Text {
  type: string
  text: string
  verbatim?: boolean
}
interface SlackBody {
  text: string
  blocks: { type: string; text?: Text; fields?: Text[]; elements?: Text[] }[]
}

const token = 'XXX4pq9ZZw0aBcDeFgHiJkLm'
const path = `/services/T0AB12CD3/B0EF45GH6/${token}`

const classes: [from: number[], outcome: object][] = [
  [[300, 304], { kind: 'failed', errorClass: 'http' }],
  [[400, 401, 403, 404, 409, 422], { kind: 'rejected', errorClass: 'http' }],
  [[410], { kind: 'rejected', errorClass: 'http', gone: true }],
  [[408, 429, 500, 502, 503, 504], { kind: 'failed', errorClass: 'http' }],
]
const notOk = ['{"ok":false}', '<html><title>Sign in</title></html>', 'not ok', '']
const words: [code: number, word: string][] = [
  [400, 'invalid_payload'],
  [403, 'action_prohibited'],
  [404, 'no_service'],
]

channelContract<Respond>('slack', {
  channel: slack,
  config: (origin) => ({ webhookUrl: `${origin}${path}` }),
  secrets: [path, token],
  content: {
    text: 'from a template',
    blocks: '[{"type": "section", "text": {"type": "mrkdwn", "text": "from a template"}}]',
  },
  loggedHeaders: {
    'User-Agent': expect.stringContaining('slack') as string,
    'Content-Type': 'application/json',
  },
  answers: [
    ...classes.flatMap(([codes, outcome]) =>
      codes.map((code): [string, Respond, object] => [
        `HTTP ${code}`,
        status(code),
        { ...outcome, responseCode: code },
      ]),
    ),
    ['200 ok', status(200, {}, 'ok'), { kind: 'delivered', responseCode: 200 }],
    ...notOk.map((body): [string, Respond, object] => [
      `200 with the body ${JSON.stringify(body)}`,
      status(200, {}, body),
      { kind: 'failed', errorClass: 'protocol', responseCode: 200, responseExcerpt: body },
    ]),
    ...words.map(([code, word]): [string, Respond, object] => [
      `${code} ${word}`,
      status(code, {}, word),
      { kind: 'rejected', errorClass: 'http', error: `HTTP ${code}: ${word}`, responseExcerpt: word },
    ]),
  ],
  ...httpHarness(({ body }) => {
    const message = JSON.parse(body) as SlackBody
    const text = allTexts(message).join('\n')
    return { id: /Event `([^`]+)`/.exec(text)?.[1] ?? '', text }
  }),
})

function allTexts({ text, blocks }: SlackBody): string[] {
  return [text, ...blocks.flatMap((block) => fieldsOf(block).map((inner) => inner.text))]
}

function fieldsOf({ text, fields = [], elements = [] }: SlackBody['blocks'][number]): Text[] {
  return [...(text ? [text] : []), ...fields, ...elements]
}

const render = (data: JsonObject, event: object = {}) =>
  renderSlackMessage({
    event: makeEvent({ data, ...event }),
    destination: { id: 'dst_1', name: 'On call' },
  }) as SlackBody

describe('a Slack message', () => {
  const huge: [what: string, data: JsonObject][] = [
    ['1,000 fields', Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`field${n}`, n]))],
    ['a value of 200 KiB', { text: 'x'.repeat(200_000) }],
    ['a value of 200 KiB that is all escapes', { text: '&<>'.repeat(70_000) }],
    ['a key of 10,000 escapes', { ['&'.repeat(10_000)]: '&'.repeat(10_000) }],
    ['a list of 10,000', { names: Array.from({ length: 10_000 }, (_, n) => `name ${n}`) }],
    ['60 levels', nested(60)],
    ['nothing', {}],
    ['empty texts', { '': '', a: '', b: [], c: {}, d: null }],
  ]
  it.each(huge)('stays within Slack’s limits: %s', (_what, data) => {
    const { text, blocks } = render(data, { type: 'a'.repeat(128), id: 'e'.repeat(128) })
    expect(text.length).toBeLessThanOrEqual(4000)
    expect(blocks.length).toBeLessThanOrEqual(50)
    for (const block of blocks) {
      expect((block.fields ?? []).length).toBeLessThanOrEqual(10)
      if (block.type === 'section') expect(block.fields?.length).toBeGreaterThan(0)
      if (block.type === 'header') expect(block.text?.text.length).toBeLessThanOrEqual(150)
      for (const field of fieldsOf(block)) {
        expect(field.text.length).toBeGreaterThan(0)
        expect(field.text.length).toBeLessThanOrEqual(2000)
      }
    }
  })

  it('says how many fields it leaves out', () => {
    const message = render(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`field${n}`, n])))
    expect(allTexts(message).join('\n')).toContain('fields not shown here: 10')
    expect(allTexts(render({ a: 1 })).join('\n')).not.toContain('not shown')
  })

  it.each([
    '<!channel>', '<!here> look', '<@U0123456789>', '<#C0123456789>', '<https://evil.example|your bank>',
    '<!subteam^S012|x>', 'a < b & c > d', '<mailto:a@x.io|mail>',
  ])('makes no mention and no link of %j', (text) => {
    const message = render({ [text]: text, list: [text] })
    const fields = message.blocks.flatMap((block) => block.fields ?? [])
    expect(fields.length).toBe(2)
    for (const field of fields) {
      expect(field.text).not.toMatch(/[<>]/)
      expect(field.text).not.toMatch(/&(?!amp;|lt;|gt;)/)
      // Without it, Slack makes links of bare URLs, #channels and @names by itself.
      expect(field).toMatchObject({ type: 'mrkdwn', verbatim: true })
    }
  }) // prettier-ignore

  it('shows the type, the fields, the event id and the time, and what is a sandbox', () => {
    const message = render({ riskLevel: 'high', matches: [{ list: 'OFAC' }] })
    expect(message.text).toBe('AML match found (sandbox)')
    expect(allTexts(message)).toEqual([
      message.text,
      'AML match found (sandbox)',
      '*riskLevel*\nhigh',
      '*matches #1.list*\nOFAC',
      'aml.match.found · Event `evt_01jd6x7m2v8q` · <!date^1795260492^{date_short_pretty} {time_secs}|2026-11-21 11:28 UTC> · sandbox',
    ])
    expect(allTexts(render({}, { environment: 'production' })).join()).not.toContain('sandbox')
  })

  it('is JSON, posted to the path that is the secret', async () => {
    const receiver = untilTestEnds(await startReceiver())
    const config = { webhookUrl: `http://127.0.0.1:${receiver.port}${path}` }
    const { requestHeaders } = await send({ channel: slack, config })
    expect(receiver.received).toMatchObject([{ path, headers: { 'content-type': 'application/json' } }])
    const { 'user-agent': userAgent } = receiver.received[0]?.headers ?? {}
    expect(requestHeaders).toEqual({
      Accept: '*/*',
      'User-Agent': userAgent,
      'Content-Type': 'application/json',
    })
  })

  it('puts no word of a talkative answer into the error', async () => {
    const receiver = untilTestEnds(await startReceiver(status(404, {}, 'no_service for someone')))
    const config = { webhookUrl: receiver.url }
    expect(await send({ channel: slack, config })).toMatchObject({ kind: 'rejected', error: 'HTTP 404' })
  })
})

describe('a Slack config', () => {
  it.each([{}, { webhookUrl: 'hooks.slack.com/services/x' }, { webhookUrl: 'https://u:p@hooks.slack.com/' }])(
    'refuses %j',
    (config) => {
      expect(slack.config.safeParse(config).success).toBe(false)
    },
  )

  it('refuses plain http in production', () => {
    const config = { webhookUrl: 'http://hooks.slack.com/services/x' }
    expect(slack.check(config, { environment: 'production', egress })).toEqual([
      { path: 'webhookUrl', message: 'must use https in production' },
    ])
  })
})

function nested(levels: number): JsonObject {
  return levels === 0 ? { leaf: 'found' } : { level: nested(levels - 1) }
}
