import type { ParsedMail } from 'mailparser'
import { describe, expect, it } from 'vitest'
import { createEgress } from '../../../src/egress/egress.ts'
import { email } from '../../../src/channels/email/email.ts'
import { renderEmail } from '../../../src/channels/email/message.ts'
import type { Event, JsonObject } from '../../../src/domain/event.ts'
import { makeEvent } from '../../support/event.ts'
import { type Refusal, type SmtpReceiver, startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { untilTestEnds } from '../../support/stack.ts'
import { channelContract, egress, send } from '../contract.ts'

const password = 'pässw0rd with/signs:%'
const user = 'switchyard@acme.example'
const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
const to = ['oncall@acme.example', 'audit@acme.example']

const mailsTo = ({ mails, envelopes }: SmtpReceiver, address = '') =>
  mails.filter((_mail, index) => envelopes[index]?.to.includes(address))

const refused = (at: Refusal['at'], code: number, text?: string): Refusal => ({ at, code, text })
const lasting = {
  kind: 'rejected',
  errorClass: 'smtp',
  error: expect.stringContaining('refused the mail') as string,
}
const passing = {
  kind: 'failed',
  errorClass: 'smtp',
  error: expect.stringMatching(/^SMTP \d{3}: the mail server/) as string,
}

const answers: [at: Refusal['at'], code: number, outcome: object][] = [
  ['recipient', 550, lasting],
  ['recipient', 553, lasting],
  ['recipient', 450, passing],
  ['recipient', 452, passing],
  ['data', 554, lasting],
  ['data', 552, lasting],
  ['data', 451, passing],
  ['data', 421, passing],
  ['mail', 451, passing],
  // The server's set-up: who may send, not who may be written to.
  ['mail', 530, passing],
  ['mail', 550, passing],
  ['connect', 421, passing],
  ['connect', 554, passing],
  ['auth', 535, { kind: 'failed', errorClass: 'smtp', error: 'SMTP 535: the mail server refused the login' }],
  ['auth', 454, { kind: 'failed', errorClass: 'smtp', error: 'SMTP 454: the mail server refused the login' }],
]

channelContract<Refusal>('email', {
  channel: email,
  schemes: ['smtp', 'smtps'],
  config: (origin) => ({ to, from: 'alerts@acme.example', smtpUrl: origin.replace('://', `://${login}@`) }),
  secrets: [
    password,
    encodeURIComponent(password),
    Buffer.from(password).toString('base64'),
    Buffer.from(`\0${user}\0${password}`).toString('base64'),
  ],
  content: { subject: 'from a template', text: 'from a template', html: 'from a template' },
  loggedHeaders: { 'Message-ID': '<evt_01jd6x7m2v8q.dst_1@switchyard>' },
  async start(refusal) {
    const receiver = await startSmtpReceiver(refusal)
    return {
      port: receiver.port,
      requests: () => receiver.connections,
      // Each recipient has a mail of its own: the contract is told of one's.
      messages: () =>
        mailsTo(receiver, to[0]).map(({ messageId = '', subject, text }) => ({
          id: messageId,
          text: `${subject}\n${text}`,
        })),
      stop: () => receiver.stop(),
    }
  },
  answers: [
    ...answers.map(([at, code, outcome]): [string, Refusal, object] => [
      `SMTP ${code} at ${at}`,
      refused(at, code),
      { ...outcome, responseCode: code },
    ]),
  ],
  refusal: (text) => refused('data', 554, text),
  unfinished: '220-please wait\r\n220-please',
})

async function deliver(event: Partial<Event> = {}): Promise<ParsedMail> {
  const receiver = untilTestEnds(await startSmtpReceiver())
  const config = { to, from: 'alerts@acme.example', smtpUrl: `smtp://127.0.0.1:${receiver.port}` }
  expect(await send({ channel: email, config, event })).toMatchObject({
    kind: 'delivered',
    responseCode: 250,
  })
  const [mail] = receiver.mails
  if (!mail) throw new Error('no mail arrived')
  return mail
}

describe('an email', () => {
  it('has a subject, a text and an HTML that a person can read', async () => {
    const mail = await deliver({
      data: {
        name: 'Zoë Ångström',
        matches: [{ list: 'OFAC', score: 97 }],
        aliases: ['Ivan', 'Iwan'],
        pep: null,
      },
    })
    expect(mail.subject).toBe('AML match found (sandbox)')
    expect(mail.from?.text).toBe('alerts@acme.example')
    expect([mail.to].flat().map((list) => list?.text)).toEqual([to.join(', ')])
    expect(mail.text).toBe(
      [
        'AML match found (sandbox)',
        '',
        'name              Zoë Ångström',
        'matches #1.list   OFAC',
        'matches #1.score  97',
        'aliases           Ivan, Iwan',
        'pep               (no value)',
        '',
        'Event: aml.match.found',
        'Event id: evt_01jd6x7m2v8q',
        'Received: 2026-11-21 11:28:12 UTC',
        'Environment: sandbox',
        'Sent by Switchyard to "On call".',
      ].join('\n'),
    )
    for (const text of [
      'Zoë Ångström',
      'matches #1.list',
      'OFAC',
      'Ivan, Iwan',
      'evt_01jd6x7m2v8q',
      'On call',
    ]) {
      expect(mail.html).toContain(text)
    }
  })

  it('says nothing of a sandbox in production', () => {
    const { subject, text } = renderEmail({
      event: makeEvent({ environment: 'production' }),
      destination: { id: 'dst_1', name: 'On call' },
    })
    expect(subject).toBe('AML match found')
    expect(text).not.toContain('sandbox')
  })

  it('tells machines what it is', async () => {
    const { headers } = await deliver()
    expect(headers.get('x-switchyard-event-id')).toBe('evt_01jd6x7m2v8q')
    expect(headers.get('x-switchyard-event-type')).toBe('aml.match.found')
    expect(headers.get('auto-submitted')).toBe('auto-generated')
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    `" onload='x'`,
    '&lt;b&gt;',
    '</td></table>',
  ])('shows %j in its HTML as it was written', (text) => {
    const { html } = renderEmail({
      event: makeEvent({ data: { [text]: text } }),
      destination: { id: 'dst_1', name: text },
    })
    const markup = new Set(html.match(/<\/?[a-z0-9]+/gi))
    expect([...markup].filter((tag) => /script|img|<b/i.test(tag) && !/<\/?body/i.test(tag))).toEqual([])
    const escaped = text
        .replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;').replaceAll("'", '&#39;') // prettier-ignore
    expect(html.split(escaped)).toHaveLength(6)
    expect(html).not.toContain(`>${text}<`)
  })

  const hostile = 'x\r\nBcc: thief@evil.example\r\n\r\nbody'
  it.each<[what: string, event: Partial<Event>]>([
    ['the event type', { type: hostile }],
    ['the event id', { id: hostile }],
    ['a value', { data: { name: hostile } }],
    ['a key', { data: { [hostile]: 'x' } }],
  ])('cannot be given a header by %s', async (_what, event) => {
    const mail = await deliver(event)
    expect(mail.bcc).toBeUndefined()
    expect(mail.headers.has('bcc')).toBe(false)
    expect([mail.to].flat().map((list) => list?.text)).toEqual([to.join(', ')])
    expect(mail.text).toContain('Sent by Switchyard')
  })

  it('cannot be given a field by a line break in a value', async () => {
    const { text = '' } = await deliver({
      data: { name: 'Jo\nriskLevel  low\r\nx\u2028y', riskLevel: 'high' },
    })
    expect(text.split('\n').filter((line) => line.startsWith('riskLevel'))).toEqual(['riskLevel  high'])
  })

  it('stays short for a huge payload, and says so', async () => {
    const data: JsonObject = Object.fromEntries(
      Array.from({ length: 5000 }, (_, n) => [`${n}${'k'.repeat(500)}`, 'v'.repeat(500)]),
    )
    const { text = '' } = await deliver({ data })
    expect(text.length).toBeLessThan(100_000)
    expect(text).toContain('Fields not shown: 4800.')
  })

  it('logs in with the user and the password of the URL', async () => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const config = { to, from: 'alerts@acme.example', smtpUrl: `smtp://${login}@127.0.0.1:${receiver.port}` }
    await send({ channel: email, config })
    expect(receiver.login).toEqual({ user, password })
  })

  it('is delivered when one of its recipients is taken, and names the others', async () => {
    const receiver = untilTestEnds(
      await startSmtpReceiver({ at: 'recipient', code: 550, recipient: 'audit@acme.example' }),
    )
    const config = { to, from: 'alerts@acme.example', smtpUrl: `smtp://127.0.0.1:${receiver.port}` }
    expect(await send({ channel: email, config })).toMatchObject({
      kind: 'delivered',
      responseExcerpt: expect.stringContaining('refused for audit@acme.example') as string,
    })
    expect(receiver.mails).toHaveLength(1)
  })

  it('finds a mail server that is named by an IPv6 address', async () => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const smtpUrl = `smtp://[::ffff:127.0.0.1]:${receiver.port}`
    const [one = ''] = to
    const config = { to: [one], from: 'alerts@acme.example', smtpUrl }
    expect(await send({ channel: email, config })).toMatchObject({ kind: 'delivered' })
    const mail = { smtpUrl, from: 'switchyard@platform.example' }
    expect(await send({ channel: email, config: { to }, context: { mail } })).toMatchObject({
      kind: 'delivered',
    })
    expect(receiver.envelopes.map(({ to: [address] }) => address)).toEqual([one, ...to])
  })

  it('goes by the platform’s mail server where the destination names none, in production too', async () => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const mail = {
      smtpUrl: `smtp://localhost:${receiver.port}`,
      from: 'Switchyard <switchyard@platform.example>',
    }
    const event = { environment: 'production' } as const
    expect(await send({ channel: email, config: { to }, event, context: { mail } })).toMatchObject({
      kind: 'delivered',
    })
    expect(receiver.mails[0]?.from?.value).toEqual([
      { name: 'Switchyard', address: 'switchyard@platform.example' },
    ])
  })

  it.each(['evt_01jd6x7m2v8q', 'Zoë <a@b> "1"\r\nBcc: x', 'e'.repeat(128)])(
    'has in the log the Message-ID that it arrived with: event %j',
    async (id) => {
      const receiver = untilTestEnds(await startSmtpReceiver())
      const config = { to, from: 'alerts@acme.example', smtpUrl: `smtp://127.0.0.1:${receiver.port}` }
      const { requestHeaders } = await send({ channel: email, config, event: { id } })
      expect(receiver.mails[0]?.messageId).toMatch(/^<.+@switchyard>$/)
      expect(requestHeaders).toEqual({ 'Message-ID': receiver.mails[0]?.messageId })
    },
  )

  it('does not wait longer than its timeout for the address of its mail server', async () => {
    const config = { to, from: 'alerts@acme.example', smtpUrl: 'smtp://slow-dns.example' }
    const lookUp = () => new Promise<never>(() => undefined)
    const lookingUp = createEgress({ allow: [], sandboxLoopback: true, lookUp })
    expect(
      await send({ channel: email, config, timeoutMs: 200, context: { egress: lookingUp } }),
    ).toMatchObject({ kind: 'failed', errorClass: 'timeout', error: 'no response within 200 ms' })
  })

  it('tells what is wrong with its set-up from what is wrong on the way', async () => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const smtpUrl = `smtp://only-a-user@127.0.0.1:${receiver.port}`
    const config = { to, from: 'alerts@acme.example', smtpUrl }
    expect(await send({ channel: email, config })).toMatchObject({ kind: 'failed', errorClass: 'setup' })
    expect(receiver.mails).toEqual([])
  })

  it('fails in words where nobody has a mail server', async () => {
    expect(await send({ channel: email, config: { to } })).toEqual({
      kind: 'failed',
      errorClass: 'setup',
      error:
        'no mail server is configured; set SMTP_URL and MAIL_FROM, or the destination’s smtpUrl and from',
    })
  })
})

describe('an email’s config', () => {
  it.each<[what: string, config: JsonObject, path: string]>([
    ['no recipient', { to: [] }, 'to'],
    ['51 recipients', { to: Array.from({ length: 51 }, (_, n) => `a${n}@x.io`) }, 'to'],
    ['a recipient with a line break', { to: ['a@x.io\r\nBcc: b@x.io'] }, 'to.0'],
    ['a recipient with a name', { to: ['Ann <a@x.io>'] }, 'to.0'],
    ['two recipients in one', { to: ['a@x.io, b@x.io'] }, 'to.0'],
    ['a sender that is none', { to, from: 'me' }, 'from'],
    ['a web address as mail server', { to, smtpUrl: 'https://mail.x.io' }, 'smtpUrl'],
    ['a mail server without a host', { to, smtpUrl: 'smtp:///x' }, 'smtpUrl'],
    ['a password with a bare %', { to, smtpUrl: 'smtp://me:100%@mail.x.io' }, 'smtpUrl'],
  ])('refuses %s', (_what, config, path) => {
    expect(email.config.safeParse(config).error?.issues[0]?.path.join('.')).toBe(path)
  })

  it('is free to name no mail server in production', () => {
    expect(email.check({ to }, { environment: 'production', egress })).toEqual([])
  })
})
