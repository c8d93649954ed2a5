import { describe, expect, it } from 'vitest'
import { slack } from '../../../src/channels/slack/slack.ts'
import { composeSlackMessage, renderSlackMessage } from '../../../src/channels/slack/message.ts'
import { parseParts, renderParts, templateScope } from '../../../src/templates/content.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import { digestData, makeEvent } from '../../support/event.ts'
import { startReceiver, status } from '../../support/servers/receiver.ts'
import { untilTestEnds } from '../../support/stack.ts'
import { send } from '../contract.ts'

const of = { event: makeEvent(), destination: { id: 'dst_1', name: 'On call' } }

describe('a templated Slack message', () => {
  const data = { name: '<!channel> & <https://evil.example|x> https://evil.example' }
  const escaped = '&lt;!channel&gt; &amp; &lt;https://evil.example|x&gt; https://evil.example'
  const compose = (texts: { text?: string; blocks?: string }) => {
    const { parsed } = parseParts(slack.template, texts)
    const composition = { ...of, event: makeEvent({ data }) }
    const { content, problems } = renderParts(slack.template, parsed, templateScope(composition))
    expect(problems).toEqual([])
    return composeSlackMessage(composition, content)
  }

  it('lets a payload make no mention and no link in its text', () => {
    const { text, blocks } = compose({ text: '{{ data.name }} <https://ours.example|ours>' })
    const words = `${escaped} <https://ours.example|ours>`
    expect(text).toBe(words)
    expect(blocks).toEqual([{ type: 'section', text: { type: 'mrkdwn', text: words, verbatim: true } }])
  })

  it('nor in its blocks, which show it as it is where Slack reads no markup', () => {
    const url = 'https://ours.example/?a=1&b='
    const { blocks } = compose({
      blocks: `[
        {"type": "header", "text": {"type": "plain_text", "text": "{{ data.name }}"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "{{ data.name }}"}},
        {"type": "actions", "elements": [{"type": "button", "url": "${url}{{ data.name | url_encode }}"}]}
      ]`,
    })
    const encoded = encodeURIComponent(data.name).replaceAll('%20', '+')
    expect(blocks).toEqual([
      { type: 'header', text: { type: 'plain_text', text: data.name } },
      { type: 'section', text: { type: 'mrkdwn', text: escaped, verbatim: true } },
      { type: 'actions', elements: [{ type: 'button', url: `${url}${encoded}` }] },
    ])
  })

  it('keeps the default text for notifications where it has blocks alone', () => {
    const { text, blocks } = compose({ blocks: '[{"type": "divider"}]' })
    expect(text).toBe('AML match found (sandbox)')
    expect(blocks).toEqual([{ type: 'divider' }])
  })

  it.each([
    ['lines', `${'word &lt; '.repeat(30)}\n`.repeat(100)],
    ['one line of escapes', '&lt;'.repeat(5000)],
    ['one line of emoji', `a${'😀'.repeat(5000)}`],
  ])('is put into as many sections as it takes, and loses nothing: %s', (_what, long) => {
    const parts = textsOf(composeSlackMessage(of, { text: long }))
    expect(parts.join('')).toBe(long)
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(3000)
    for (const part of parts) expect(part.isWellFormed() && !/&[a-z]{0,3}$/.test(part)).toBe(true)
  })

  it('breaks no link or mention between two sections', () => {
    const link = '<https://switchyard.test/acknowledge/1.x?a=1&amp;b=2|Acknowledge this match>'
    for (let at = 2910; at <= 3000; at += 3) {
      const long = `${'x'.repeat(at)}${link} &lt;${'y'.repeat(3000)}`
      const parts = textsOf(composeSlackMessage(of, { text: long }))
      expect(parts.join('')).toBe(long)
      expect(parts.filter((part) => part.includes(link))).toHaveLength(1)
      for (const part of parts) expect(part).not.toMatch(/&[a-z]*$|^[a-z]*;/)
    }
  })

  it('is cut off visibly where Slack has no room: 50 sections, and 40,000 characters of its notification', () => {
    const { text, blocks } = composeSlackMessage(of, { text: '<https://a.example|ab 😀>'.repeat(10_000) })
    const parts = textsOf({ blocks })
    expect(parts).toHaveLength(50)
    for (const part of [...parts, text]) {
      expect(part).toMatch(
        /^(<https:\/\/a\.example\|ab 😀>)+(\n… truncated; the event log has the full text)?$/,
      )
      expect(part.length).toBeLessThanOrEqual(part === text ? 40_000 : 3000)
    }
    expect([parts.at(-1), text].every((part) => part?.endsWith('the full text'))).toBe(true)
    expect(parts.slice(0, -1).join('')).not.toContain('truncated')
  })

  it('has no block with more text than Slack takes', () => {
    const name = `${'😀'.repeat(5000)}`
    const template = `[
      {"type": "header", "text": {"type": "plain_text", "text": "{{ data.name }}"}},
      {"type": "section", "text": {"type": "mrkdwn", "text": "{{ data.name }}"}},
      {"type": "section", "fields": [{"type": "mrkdwn", "text": "{{ data.name }}"}]},
      {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "{{ data.name }}"}}]}
    ]`
    const { content } = renderParts(slack.template, parseParts(slack.template, { blocks: template }).parsed, { data: { name } }) // prettier-ignore
    const texts = [...JSON.stringify(composeSlackMessage(of, content)).matchAll(/"text":"(😀[^"]*)"/g)]
    expect(texts.map(([, text = '']) => text.length)).toEqual([149, 3000, 2000, 75])
    for (const [, text = ''] of texts) expect(text).toMatch(/^(😀)+(…|\\n… truncated; .*)$/u)
  })

  it('and a default one have U+FFFD for what Slack cannot carry', () => {
    const odd = 'Zo\ud83d \u0007x'
    const event = makeEvent({ data: { name: odd } })
    const blocks = [{ type: 'header', text: { type: 'plain_text', text: odd } }]
    for (const content of [{ text: odd }, { blocks: JSON.stringify(blocks) }, {}])
      expect(JSON.stringify(composeSlackMessage({ ...of, event }, content))).toMatch(/Zo\uFFFD [\uFFFD ]x/)
  })

  it.each([
    [400, 'invalid_blocks', true],
    [404, 'no_service', undefined],
  ])('that Slack refuses by %i %s is refused for its content: %s', async (code, word, refused) => {
    const receiver = untilTestEnds(await startReceiver(status(code, {}, word)))
    const content = { blocks: '[{"type": "nonsense"}]' }
    const outcome = await send({ channel: slack, config: { webhookUrl: receiver.url }, content })
    expect(outcome).toMatchObject({ kind: 'rejected', error: `HTTP ${code}: ${word}` })
    expect(outcome.refusedContent).toBe(refused)
  })
})

describe('a default Slack message', () => {
  const render = (data: JsonObject) =>
    renderSlackMessage({ ...of, event: makeEvent({ type: 'digest', id: 'dig_1', data }) })

  it('has the link by which its reader acknowledges the event, only where there is one', () => {
    const acknowledgeUrl = 'https://switchyard.test/acknowledge/1.x'
    expect(textsOf(renderSlackMessage({ ...of, acknowledgeUrl }))).toContain(
      `<${acknowledgeUrl}|Acknowledge>`,
    )
    expect(JSON.stringify(renderSlackMessage(of))).not.toContain('Acknowledge')
  })

  it('of a digest has a line for each event', () => {
    const message = render(digestData(3))
    expect(message.text).toBe('3 events: &lt;High risk&gt; (sandbox)')
    expect(textsOf(message)).toEqual([
      '3 events: <High risk> (sandbox)',
      [
        '11:00  *aml.match.found*  `evt_0`  name: Zoë 0 &lt;!here&gt;  riskLevel: high',
        '11:01  *aml.match.found*  `evt_1`  name: Zoë 1 &lt;!here&gt;  riskLevel: high',
        '11:02  *aml.match.found*  `evt_2`  name: Zoë 2 &lt;!here&gt;  riskLevel: high',
      ].join('\n'),
    ])
    expect(JSON.stringify(message.blocks.at(-1))).toContain(
      '3 × aml.match.found · data.customerId: cus_17 · `dig_1`',
    )
  })

  it.each([
    [7, 'data.customerId: 7'],
    [{ id: 'cus_17', country: 'DE' }, 'data.customerId.id: cus_17, data.customerId.country: DE'],
  ])('of a digest that is keyed by %j says so', (key, shown) => {
    expect(JSON.stringify(render({ ...digestData(2), key }).blocks.at(-1))).toContain(` · ${shown} · `)
  })

  it('of a huge digest stays within Slack’s limits, and says how many events are left out', () => {
    const huge = render({ ...digestData(1000, '&'.repeat(500), 'a'.repeat(128)), count: 1100 })
    expect(huge.blocks.length).toBeLessThanOrEqual(50)
    const texts = textsOf(huge)
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(3000)
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.includes('`evt_'))
    expect(lines.length).toBeGreaterThan(150)
    expect(texts).toContain(`and ${1100 - lines.length} more`)
  })

  it('of an event that is called digest and is none is like any other', () => {
    expect(JSON.stringify(render({ events: 'none' }))).toContain('*events*')
  })
})

/** Of the blocks that have one. */
function textsOf({ blocks }: Pick<ReturnType<typeof composeSlackMessage>, 'blocks'>): string[] {
  return blocks.flatMap((block) =>
    'text' in block && typeof block.text === 'object' && 'text' in block.text ? [block.text.text] : [],
  )
}
