import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { createEgress } from '../../../src/egress/egress.ts'
import { email } from '../../../src/channels/email/email.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import { testAuthority } from '../../support/servers/receiver.ts'
import { type SmtpReceiver, startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { untilTestEnds } from '../../support/stack.ts'
import { egress, send } from '../contract.ts'

const [user, password] = ['switchyard', 'pa55word']
const login = `${user}:${password}`
const to = ['oncall@acme.example', 'audit@acme.example']

describe('where TLS is required', () => {
  const tlsFile = (name: string) =>
    readFileSync(new URL(`../../support/servers/tls/${name}`, import.meta.url), 'utf8')
  const startTls = { key: tlsFile('localhost.key'), cert: tlsFile('localhost.crt') }
  const trusting = createEgress({ allow: [], sandboxLoopback: true, extraAuthorities: testAuthority })
  afterAll(() => trusting.close())
  const context = { egress: trusting, requireSmtpTls: true }
  const urlOf = ({ port }: SmtpReceiver) => `smtp://${login}@localhost:${port}`
  const tenantConfig = (receiver: SmtpReceiver) => ({
    to,
    from: 'alerts@acme.example',
    smtpUrl: urlOf(receiver),
  })

  it('neither login nor mail goes to a tenant’s or the platform’s server without STARTTLS', async () => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const mail = { smtpUrl: urlOf(receiver), from: 'switchyard@acme.example' }
    const outcomes = [
      await send({ channel: email, config: tenantConfig(receiver), context }),
      await send({ channel: email, config: { to }, context: { ...context, mail } }),
    ]
    const error = expect.stringContaining('the mail server did not start TLS') as string
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'tls', error })
    expect(receiver).toMatchObject({ connections: 2, begun: 0, login: undefined, mails: [] })
  })

  it('STARTTLS carries both', async () => {
    const receiver = untilTestEnds(await startSmtpReceiver(undefined, { startTls }))
    const outcome = await send({ channel: email, config: tenantConfig(receiver), context })
    expect(outcome).toMatchObject({ kind: 'delivered' })
    expect(receiver).toMatchObject({ login: { user, password }, secure: [true, true] })
  })
})

describe('an internationalized address', () => {
  it.each([
    ['joerg@exämple.de', 'joerg@xn--exmple-cua.de'],
    ['jörg@exämple.de', 'jörg@xn--exmple-cua.de'],
    ['jo\u0308rg@example.de', 'jörg@example.de'],
    ['用户@例子.广告', '用户@xn--fsqu00a.xn--4rr70v'],
    ['Joerg+AML@Example.de', 'Joerg+AML@Example.de'],
  ])('%s is stored as %s, and mail for it is handed in', async (given, stored) => {
    const receiver = untilTestEnds(await startSmtpReceiver())
    const smtpUrl = `smtp://127.0.0.1:${receiver.port}`
    const config = email.config.parse({ to: [given], from: 'alerts@acme.example', smtpUrl }) as JsonObject
    expect(config.to).toEqual([stored])
    expect(await send({ channel: email, config, context: { egress } })).toMatchObject({ kind: 'delivered' })
    // The receiver shows domains in Unicode.
    const [local = ''] = stored.split('@')
    expect(receiver.envelopes.map(({ to: [address] }) => address?.split('@')[0])).toEqual([local])
  })

  it.each([
    'joerg@',
    '@exämple.de',
    'jo rg@exämple.de',
    'jo\u200brg@example.de',
    'j😀@example.de',
    'a@b@exämple.de',
    'a@exä mple.de',
    'a@ä..de',
    'a@\u202eexample.de',
  ])('%j is none', (given) => {
    const smtpUrl = 'smtp://127.0.0.1:25'
    const { success, error } = email.config.safeParse({ to: [given], from: 'alerts@acme.example', smtpUrl })
    expect(success).toBe(false)
    expect(error?.issues).toMatchObject([{ path: ['to', 0], message: 'must be an email address' }])
  })
})
