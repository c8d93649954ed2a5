import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PlatformMail, Recipient } from '../../../src/channels/channel.ts'
import { email } from '../../../src/channels/email/email.ts'
import { renderConfirmation } from '../../../src/channels/email/confirmation.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import type { SettledRecipients } from '../../../src/domain/delivery/outcome.ts'
import { makeEvent } from '../../support/event.ts'
import { startSmtpReceiver, type Refusal, type SmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { untilTestEnds } from '../../support/stack.ts'
import { egress } from '../contract.ts'

const [ann, bob, eve] = ['ann@acme.example', 'bob@acme.example', 'eve@acme.example'] as const
const platform = (receiver: SmtpReceiver): PlatformMail => ({
  smtpUrl: `smtp://127.0.0.1:${receiver.port}`,
  from: 'Switchyard <switchyard@platform.example>',
})

interface Sending {
  config?: JsonObject
  recipients?: Recipient[]
  settled?: SettledRecipients
  mail?: Partial<PlatformMail>
  content?: { subject?: string; text?: string; html?: string }
  event?: Parameters<typeof makeEvent>[0]
  name?: string
}

/** One attempt by the platform's server. */
function send(receiver: SmtpReceiver, { config = {}, event, mail, name = 'On call', ...more }: Sending = {}) {
  const destination = { id: 'dst_1', name, config: { to: [ann, bob, eve], ...config }, eventTypes: ['all'] }
  const message = { event: makeEvent(event), attempt: 1, sentAt: new Date(), timeoutMs: 10_000, ...more }
  return email.send(
    { ...message, destination: { ...destination, keys: { secrets: [] } } },
    { egress, mail: { ...platform(receiver), ...mail } },
  )
}

const start = async (refusal?: Refusal) => untilTestEnds(await startSmtpReceiver(refusal))
const reachedBy = ({ envelopes }: SmtpReceiver) => envelopes.flatMap(({ to }) => to)

describe('each recipient', () => {
  it('gets a mail of its own, of one event with one Message-ID, over one connection', async () => {
    const receiver = await start()
    expect(await send(receiver)).toMatchObject({ kind: 'delivered', responseCode: 250 })
    expect(receiver.envelopes.map(({ to }) => to)).toEqual([[ann], [bob], [eve]])
    expect(new Set(receiver.mails.map(({ messageId }) => messageId)).size).toBe(1)
    expect(receiver.connections).toBe(1)
  })

  it('has a link of its own to unsubscribe by: in the headers, in the text and in the HTML', async () => {
    const receiver = await start()
    const recipients = [ann, bob].map((address, index) => ({
      address,
      unsubscribeUrl: `https://sw.test/u/${index}`,
    }))
    await send(receiver, { recipients })
    expect(reachedBy(receiver)).toEqual([ann, bob])
    for (const [index, { unsubscribeUrl }] of recipients.entries()) {
      const { headers, headerLines, text, html } = receiver.mails[index] ?? {}
      expect(headers?.get('list')).toMatchObject({ unsubscribe: { url: unsubscribeUrl } })
      const lines = headerLines?.map(({ line }) => line.replace(/\r?\n\s+/g, ' '))
      expect(lines).toContain(`List-Unsubscribe: <${unsubscribeUrl}>`)
      expect(lines).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click')
      expect(text?.trimEnd().endsWith(`Unsubscribe: ${unsubscribeUrl}`)).toBe(true)
      expect(html).toMatch(
        new RegExp(`<a href="${unsubscribeUrl}"[^>]*>Unsubscribe</a></p>\\s*</body></html>`),
      )
    }
  })

  it('finds the link below what a template made as well, whole document or not', async () => {
    const receiver = await start()
    const recipients = [{ address: ann, unsubscribeUrl: 'https://sw.test/u' }]
    for (const html of ['<p>Hello</p>', '<html><BODY><p>Hello</p></BODY ></html>', '</body>'.repeat(30_000)])
      await send(receiver, { recipients, content: { subject: 'S', text: 'Hello', html } })
    await send(receiver, { recipients, content: { subject: 'S', text: 'Hello' } })
    for (const { html } of receiver.mails.slice(0, 3)) expect(html).toContain('https://sw.test/u')
    expect(receiver.mails[1]?.html).toMatch(/Unsubscribe<\/a><\/p>\s*<\/BODY ><\/html>/)
    expect(receiver.mails[3]?.html).toBe(false)
    expect(receiver.mails[3]?.text).toBe('Hello\n\nUnsubscribe: https://sw.test/u\n')
  })

  it('is told to whom else it goes, and not of those who get nothing', async () => {
    const receiver = await start()
    await send(receiver, { recipients: [{ address: ann }, { address: bob }] })
    for (const { to } of receiver.mails) expect([to].flat()[0]?.text).toBe(`${ann}, ${bob}`)
  })

  it('gets it although others are refused: those are named, and asked for again only if that may help', async () => {
    const gone = await start({ at: 'recipient', code: 550, recipient: bob })
    expect(await send(gone)).toMatchObject({
      kind: 'delivered',
      responseExcerpt: expect.stringMatching(new RegExp(`refused for ${bob}$`)) as string,
    })
    const full = await start({ at: 'recipient', code: 452, recipient: bob })
    expect(await send(full)).toMatchObject({
      kind: 'failed',
      errorClass: 'smtp',
      responseCode: 452,
      error: `SMTP 452: the mail server could not accept the mail; so far 2 reached, not yet ${bob}`,
      recipients: { reached: [ann, eve], refused: [] },
    })
    expect(reachedBy(full)).toEqual([ann, eve])
  })

  it('is not sent again what an earlier attempt brought: the rest is all that is tried', async () => {
    const receiver = await start()
    const settled = { reached: [ann], refused: [eve] }
    expect(await send(receiver, { recipients: [{ address: bob }], settled })).toMatchObject({
      kind: 'delivered',
      responseExcerpt: expect.stringMatching(new RegExp(`refused for ${eve}$`)) as string,
    })
    expect(reachedBy(receiver)).toEqual([bob])
  })

  it('is rejected where nobody takes it; nobody left after some have it is a delivery', async () => {
    const receiver = await start({ at: 'recipient', code: 550 })
    expect(await send(receiver)).toMatchObject({ kind: 'rejected', responseCode: 550 })
    const settled = { reached: [ann], refused: [] }
    expect(await send(receiver, { recipients: [{ address: bob }], settled })).toMatchObject({
      kind: 'delivered',
    })
    expect(await send(receiver, { recipients: [], settled })).toMatchObject({ kind: 'delivered' })
  })

  it('of fifty is reached over four connections, and one wrong login is not tried again and again', async () => {
    const to = Array.from({ length: 50 }, (_, index) => `a${index}@acme.example`)
    const receiver = await start()
    expect(await send(receiver, { config: { to } })).toMatchObject({ kind: 'delivered' })
    expect(reachedBy(receiver).sort()).toEqual([...to].sort())
    expect(receiver.connections).toBeLessThanOrEqual(4)
    const closed = await start({ at: 'auth', code: 535 })
    const smtpUrl = `smtp://me:wrong@127.0.0.1:${closed.port}`
    expect(await send(closed, { config: { to, smtpUrl, from: ann } })).toMatchObject({ kind: 'failed' })
    expect(closed.connections).toBe(1)
  })
})

describe('the envelope', () => {
  it('names the destination where bounces have an address, and is the sender’s otherwise', async () => {
    const receiver = await start()
    await send(receiver, { config: { to: [ann] } })
    await send(receiver, { config: { to: [ann] }, mail: { bounces: 'bounces@mail.platform.example' } })
    expect(receiver.envelopes.map(({ from }) => from)).toEqual([
      'switchyard@platform.example',
      'bounces+dst_1@mail.platform.example',
    ])
    expect(receiver.mails.map(({ from }) => from?.text)).toEqual(
      Array(2).fill('"Switchyard" <switchyard@platform.example>'),
    )
  })

  it('is the tenant’s own where its server sends', async () => {
    const receiver = await start()
    const { smtpUrl } = platform(receiver)
    const mail = { bounces: 'bounces@platform.example' }
    await send(receiver, { config: { to: [ann], from: bob, smtpUrl }, mail })
    expect(receiver.envelopes).toEqual([{ from: bob, to: [ann] }])
  })
})

describe('a sender of the tenant’s choice', () => {
  const where = { environment: 'sandbox', egress } as const

  it('needs a server of its own, or a domain that the operator has named', () => {
    const problem = [{ path: 'from', message: expect.stringContaining('smtpUrl') as string }]
    const of = (from: string) => ({ to: [ann], from })
    expect(email.check(of('ceo@bank.example'), where)).toEqual(problem)
    const mailFromDomains = ['Acme.example']
    expect(email.check(of('ceo@bank.example'), { ...where, mailFromDomains })).toEqual(problem)
    expect(email.check(of('ceo@evil.acme.example'), { ...where, mailFromDomains })).toEqual(problem)
    expect(email.check(of('ceo@ACME.example'), { ...where, mailFromDomains })).toEqual([])
    expect(email.check({ ...of('ceo@bank.example'), smtpUrl: 'smtp://127.0.0.1' }, where)).toEqual([])
  })

  it('that was stored before that was so is where answers go: the mail is from the platform', async () => {
    const receiver = await start()
    const config = { to: [ann], from: 'ceo@bank.example' }
    await send(receiver, { config })
    await send(receiver, { config, mail: { fromDomains: ['bank.example'] } })
    const [foreign, allowed] = receiver.mails
    expect(foreign?.from?.text).toBe('"Switchyard" <switchyard@platform.example>')
    expect(foreign?.replyTo?.text).toBe('ceo@bank.example')
    expect(allowed?.from?.text).toBe('ceo@bank.example')
    expect(allowed?.replyTo).toBeUndefined()
  })
})

/** Texts with what headers, lines and mail programs could stumble over. */
const nasty = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        '\u2028',
        '\u2029',
        '\u0085',
        '\u0000',
        '\u202e',
        '\u200b',
        '\ud800',
      ),
      fc.constantFrom('Bcc: thief@evil.example', 'X-Evil: 1', '\r\n\r\n<script>', '=?utf-8?Q?=0D=0ABcc:_x?='),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))

it('whatever names, types, ids, subjects and data hold, a mail has the headers that it should have, and no more', async () => {
  const receiver = await start()
  const expected = [
    'auto-submitted', 'content-type', 'date', 'from', 'list-unsubscribe', 'list-unsubscribe-post', 'message-id', 'mime-version', 'subject',
    'to', 'x-auto-response-suppress', 'x-switchyard-event-id', 'x-switchyard-event-type',
  ] // prettier-ignore
  await fc.assert(
    fc.asyncProperty(nasty, nasty, nasty, fc.option(nasty), async (name, type, id, subject) => {
      receiver.mails.length = 0
      const recipients = [{ address: ann, unsubscribeUrl: 'https://sw.test/u' }]
      const content = subject === null ? {} : { subject }
      const event = { type, id, data: { [name]: subject ?? '' } }
      expect(await send(receiver, { recipients, content, name, event })).toMatchObject({ kind: 'delivered' })
      const [mail] = receiver.mails
      const keys = mail?.headerLines.map(({ key }) => key).sort()
      // Nothing is sent of a header that is empty.
      expect(expected).toEqual(expect.arrayContaining(keys ?? ['none']))
      expect(new Set(keys).size).toBe(keys?.length)
      for (const line of mail?.headerLines ?? []) expect(line.line).not.toMatch(/\r(?!\n)|\n(?![ \t])/)
    }),
    { numRuns: 60 },
  )
})

it('whatever names hold, a request to confirm has one link, one line of subject and no markup of theirs', () => {
  fc.assert(
    fc.property(nasty, nasty, (tenant, destination) => {
      const confirmUrl = 'https://sw.test/email/confirm/1.x.y'
      const hostile = `${destination} https://evil.example/login www.evil.example ann@evil.example`
      const asking = { tenant, destination: hostile, environment: 'production', address: ann } as const
      const { subject, text, html = '' } = renderConfirmation({ ...asking, confirmUrl, until: new Date(0) })
      expect(subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
      expect(text.match(/\bhttps?:|www\.|@evil|evil\.example/g)).toEqual(['https:'])
      expect(html.match(/href=/g)).toHaveLength(1)
      expect(html).not.toMatch(/<script|<img/i)
    }),
  )
})
