import { describe, expect, it } from 'vitest'
import { email } from '../../../src/channels/email/email.ts'
import { composeEmail, renderEmail } from '../../../src/channels/email/message.ts'
import type { Json } from '../../../src/domain/event.ts'
import { makeEvent, digestData } from '../../support/event.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { untilTestEnds } from '../../support/stack.ts'
import { send } from '../contract.ts'

const of = { event: makeEvent(), destination: { id: 'dst_1', name: 'On call' } }

describe('a templated email', () => {
  const { subject, text, html } = renderEmail(of)
  it.each([
    ['nothing', {}, { subject, text, html }],
    ['a subject', { subject: 's' }, { subject: 's', text, html }],
    [
      'HTML, and its words as text',
      { html: '<p>h &amp; i' },
      { subject, text: 'h & i', html: '<p>h &amp; i' },
    ],
    ['HTML and text', { html: '<p>h', text: 't' }, { subject, text: 't', html: '<p>h' }],
    ['text alone, which HTML would hide', { text: 't' }, { subject, text: 't' }],
  ])('takes from its template %s', (_what, content, mail) => {
    expect(composeEmail(of, content)).toEqual(mail)
  })

  it('arrives, with the id and the headers of any other', async () => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const smtpUrl = `smtp://127.0.0.1:${receiver.port}`
    const config = { to: ['a@acme.example'], from: 'alerts@acme.example', smtpUrl }
    await send({ channel: email, config, content: { subject: 'Zoë', text: 'from a template' } })
    const [mail] = receiver.mails
    expect(mail).toMatchObject({ subject: 'Zoë', text: 'from a template\n', html: false })
    expect(mail?.messageId).toBe('<evt_01jd6x7m2v8q.dst_1@switchyard>')
    expect(mail?.headers.get('x-switchyard-event-id')).toBe('evt_01jd6x7m2v8q')
  })
})

describe('a templated email that is HTML', () => {
  const textOf = (html: string, more: object = {}) => composeEmail({ ...of, ...more }, { html }).text

  it('has its headings, links, lists and tables as text, and nothing of the payload besides', () => {
    const text =
      textOf(`<head><style>p { color: red }</style></head><h1>Match</h1><div style="display:none">preheader</div>
      <table><tr><th>List</th><th>Name</th></tr><tr><td>OFAC</td><td>Zoë</td></tr></table>
      <ul><li>one</li></ul><img alt="logo" src="x"><p>Line<br>break <a href="https://a.example/?x=1&amp;y=2">I am on it</a></p>`)
    expect(text).toBe(
      'Match\n\nList   Name\nOFAC   Zoë\n\n * one\n\nLine\nbreak I am on it [https://a.example/?x=1&y=2]',
    )
  })

  it.each([
    ['is nested 50,000 deep', '<div>'.repeat(50_000)],
    ['has no words', '<img src="x">'],
  ])('and %s has the title and the link alone as text', (_what, html) => {
    const acknowledgeUrl = 'https://switchyard.test/acknowledge/1.x'
    const text = textOf(html, { acknowledgeUrl })
    expect(text).toContain(`\nAcknowledge: ${acknowledgeUrl}`)
    expect(text).not.toContain('Zoë')
  })
})

describe('text that a mail cannot carry', () => {
  const odd = 'Zo\ud83d \u0000\u0007x'

  it.each<[what: string, content: object]>([
    ['of a template', { subject: odd, text: odd, html: odd }],
    ['of a payload', {}],
  ])('%s arrives as U+FFFD', async (_what, content) => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const config = {
      to: ['a@acme.example'],
      from: 'b@acme.example',
      smtpUrl: `smtp://127.0.0.1:${receiver.port}`,
    }
    const outcome = await send({ channel: email, config, content, event: { data: { name: odd } } })
    expect(outcome).toMatchObject({ kind: 'delivered' })
    const { subject, text = '', html } = receiver.mails[0] ?? {}
    for (const body of [text, String(html)]) expect(body).toMatch(/Zo\uFFFD [\uFFFD ]+x/)
    if ('subject' in content) expect(subject).toBe('Zo\uFFFD \uFFFD\uFFFDx')
  })
})

describe('a subject that looks like an encoded word', () => {
  it.each([
    '=?UTF-8?B?R3JhbnQgYWNjZXNz?=',
    'AML: =?utf-8?q?a_b?= Zoë',
    `=?UTF-8?B?${'QUFB'.repeat(16)}?= ${'ö'.repeat(200)} 😀 =?x`,
    'a =? b',
  ])('arrives as it is: %s', async (subject) => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const smtpUrl = `smtp://127.0.0.1:${receiver.port}`
    const config = { to: ['a@acme.example'], from: 'b@acme.example', smtpUrl }
    await send({ channel: email, config, content: { subject, text: 'x' } })
    expect(receiver.mails[0]?.subject).toBe(subject)
    const [header] = receiver.mails[0]?.headerLines.filter(({ key }) => key === 'subject') ?? []
    expect(Math.max(...(header?.line.split('\n').map(({ length }) => length) ?? []))).toBeLessThanOrEqual(78)
  })
})

describe('a default email', () => {
  const digest = (data = digestData(3)) => ({
    ...of,
    event: makeEvent({ type: 'digest', id: 'dig_1', data }),
  })

  it('has the link by which its reader acknowledges the event, only where there is one', () => {
    const acknowledgeUrl = 'https://switchyard.test/acknowledge/1.x'
    for (const composition of [of, digest()]) {
      const { text, html } = renderEmail({ ...composition, acknowledgeUrl })
      expect(text).toContain(`\nAcknowledge: ${acknowledgeUrl}\n`)
      expect(html).toMatch(new RegExp(`<a href="${acknowledgeUrl}" [^>]*>Acknowledge</a>`))
      expect(`${renderEmail(composition).text}${renderEmail(composition).html}`).not.toContain('Acknowledge')
    }
  })

  it('of a digest lists its events', () => {
    const { subject, text, html } = renderEmail(digest({ ...digestData(3), count: 5 }))
    expect(subject).toBe('5 events: <High risk> (sandbox)')
    const fields = 'name: Zoë 1 <!here>, riskLevel: high, country: DE, score: 1, and 1 more'
    expect(text).toContain(`\n- 2026-11-21 11:01 UTC  aml.match.found  evt_1  ${fields}\n`)
    expect(text.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(3)
    expect(text).toContain('\nand 2 more\n')
    expect(text).toContain('\nIn common: data.customerId: cus_17\n')
    expect(html).toContain('Zoë 1 &lt;!here&gt;<br>riskLevel: high')
    expect(html).not.toMatch(/<!here>|<High/)
    expect(html.match(/<tr style="border-top/g)).toHaveLength(3)
  })

  it.each<[key: Json, shown: string]>([
    [7, 'data.customerId: 7'],
    [false, 'data.customerId: false'],
    [['a', 'b'], 'data.customerId: a, b'],
    [{ id: 'cus_17', country: 'DE' }, 'data.customerId.id: cus_17, data.customerId.country: DE'],
    [Object.fromEntries([...'abcdefgh'].map((name) => [name, 1])), `${[...'abcdef'].map((name) => `data.customerId.${name}: 1`).join(', ')}, and 2 more`],
  ])('of a digest that is keyed by %j says so', (key, shown) => {
    const { subject, text, html } = renderEmail(digest({ ...digestData(2), key }))
    expect(subject).toBe('2 events: <High risk> (sandbox)')
    expect(text).toContain(`\nIn common: ${shown}\n`)
    expect(html).toContain(shown)
  }) // prettier-ignore

  it('of a digest counts event types whose names every object has', () => {
    const { text } = renderEmail(digest({ ...digestData(2), types: { constructor: 1, toString: 2 } }))
    expect(text).toContain('\nEvents: 2 × toString, 1 × constructor\n')
  })

  it('of an event that is called digest and is none is like any other', () => {
    expect(renderEmail(digest({ events: 'none' })).subject).toBe('Digest (sandbox)')
  })
})
