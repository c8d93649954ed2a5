import { describe, expect, it } from 'vitest'
import { createEgress } from '../../src/egress/egress.ts'
import { createGate, type GateRules, type Target } from '../../src/egress/gate.ts'
import { parseSmtpUrl } from '../../src/channels/email/smtp-connection.ts'
import { slack } from '../../src/channels/slack/slack.ts'
import type { Environment } from '../../src/domain/event.ts'

const gateOf = (rules: Partial<GateRules>) => createGate({ allow: [], sandboxLoopback: false, ...rules })
const refusalOf = (
  rules: Partial<GateRules>,
  target: Partial<Target> & { host: string },
  environment: Environment = 'production',
) => gateOf(rules).refusal({ port: 443, service: 'http', ...target }, environment)?.name

describe('EGRESS_ALLOW', () => {
  it.each<[entry: string, host: string, allowed: boolean]>([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '167837955', true],
    ['10.0.0.0/8', '[::ffff:10.1.2.3]', true],
    ['10.0.0.0/8', '11.0.0.1', true],
    ['10.0.0.0/8', '172.16.0.1', false],
    ['10.0.0.0/8', '[64:ff9b::10.1.2.3]', false],
    ['10.1.0.0/16', '10.2.0.1', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.1/32', '10.0.0.2', false],
    ['fd00::/8', '[fd12::1]', true],
    ['fd00::/8', '[fe80::1]', false],
    ['fd00::/8', '10.0.0.1', false],
    ['::1', '[::1]', true],
    ['::1', '127.0.0.1', false],
    ['0.0.0.0/0', '[::1]', false],
    ['::/0', '[::1]', true],
    ['::/0', '10.0.0.1', false],
    ['localhost', 'localhost', true],
    ['LocalHost.', 'localhost', true],
    ['localhost', 'app.localhost', false],
    ['localhost', '127.0.0.1', false],
    ['localhos', 'localhost', false],
    ['*', 'localhost', false],
    ['127.0.0.0/8', 'localhost', true],
  ])('%s lets out %s: %s', (entry, host, allowed) => {
    expect(refusalOf({ allow: ['192.0.2.77', entry] }, { host })).toBe(allowed ? undefined : 'address')
  })

  it('opens every port of what it names, and no port of anything else', () => {
    const allow = ['10.0.0.0/8', 'intranet.example']
    for (const service of ['http', 'smtp'] as const) {
      expect(refusalOf({ allow }, { host: '10.0.0.1', port: 22, service })).toBeUndefined()
      expect(refusalOf({ allow }, { host: 'intranet.example', port: 22, service })).toBeUndefined()
      expect(refusalOf({ allow }, { host: 'a.intranet.example', port: 22, service })).toBe('port')
    }
  })
})

describe('EGRESS_DENY', () => {
  it.each<[entry: string, host: string]>([
    ['8.8.0.0/16', '8.8.8.8'],
    ['8.8.0.0/16', '[::ffff:8.8.8.8]'],
    ['2001:4860::/32', '[2001:4860::64:a00:1]'],
    ['admin.example.com', 'Admin.example.com.'],
  ])('%s closes %s, though it is public, and wins over EGRESS_ALLOW', (entry, host) => {
    const allow = ['0.0.0.0/0', '::/0', 'admin.example.com']
    expect(refusalOf({ allow }, { host })).toBeUndefined()
    expect(refusalOf({ allow, deny: [entry] }, { host })).toBe('address')
  })

  it('closes a name by the addresses that it has', () => {
    expect(gateOf({}).isOpen('8.8.8.8', 'hooks.example.com', 'production')).toBe(true)
    expect(gateOf({ deny: ['8.8.0.0/16'] }).isOpen('8.8.8.8', 'hooks.example.com', 'production')).toBe(false)
  })
})

describe('loopback is opened to the sandbox, where the installation says so', () => {
  const rules = { sandboxLoopback: true }
  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    'app.localhost.',
    '2130706433',
  ])('%s, at any port', (host) => {
    expect(refusalOf(rules, { host, port: 22 }, 'sandbox')).toBeUndefined()
    expect(refusalOf(rules, { host, within: slack.hosts }, 'sandbox')).toBeUndefined()
    expect(refusalOf(rules, { host }, 'production')).toBe('address')
  })

  it.each(['10.0.0.1', '169.254.169.254', '[fe80::1]', '0.0.0.0', '[::]', '[::7f00:1]', '[64:ff9b::7f00:1]'])(
    'and nothing else: %s',
    (host) => expect(refusalOf(rules, { host }, 'sandbox')).toBe('address'),
  )
})

describe('EGRESS_PORTS', () => {
  const host = 'hooks.example.com'
  const some = [
    [443, 443],
    [8000, 8999],
  ] as const
  it.each<[port: number, ports: GateRules['ports'], http: boolean, smtp: boolean]>([
    [443, undefined, true, false],
    [80, undefined, true, false],
    [65_535, undefined, true, false],
    [0, undefined, false, false],
    [22, undefined, false, false],
    [25, undefined, false, true],
    [465, undefined, false, true],
    [587, undefined, false, true],
    [2525, undefined, true, true],
    [6379, undefined, true, false],
    [443, some, true, true],
    [80, some, false, false],
    [8000, some, true, true],
    [8999, some, true, true],
    [9000, some, false, false],
    [587, some, false, true],
    [22, [[22, 22]], true, true],
  ])('port %i with %j: a web address %j, a mail server %j', (port, ports, http, smtp) => {
    expect(refusalOf({ ports }, { host, port }) ?? true).toBe(http || 'port')
    expect(refusalOf({ ports }, { host, port, service: 'smtp' }) ?? true).toBe(smtp || 'port')
  })
})

describe('SLACK_HOSTS', () => {
  const within = slack.hosts
  it.each(['hooks.slack.com', 'HOOKS.slack.com.', 'hooks.slack-gov.com'])('%s is one by default', (host) => {
    expect(refusalOf({}, { host, within })).toBeUndefined()
  })

  it.each([
    'slack.com', 'hooks.slack.com.example.com', 'hooks-slack.com', 'xhooks.slack.com', 'a.hooks.slack.com', 'hooks.slаck.com',
    '8.8.8.8',
  ])('%s is none', (host) => {
    expect(refusalOf({}, { host, within })).toBe('slack')
    expect(refusalOf({ serviceHosts: { slack: [] } }, { host, within })).toBe('slack')
  }) // prettier-ignore

  it('are the operator’s to choose, and EGRESS_ALLOW adds to them', () => {
    const chosen = { serviceHosts: { slack: ['chat.example'] } }
    expect(refusalOf(chosen, { host: 'chat.example', within })).toBeUndefined()
    expect(refusalOf(chosen, { host: 'hooks.slack.com', within })).toBe('slack')
    expect(refusalOf({ allow: ['chat.example'] }, { host: 'chat.example', within })).toBeUndefined()
    expect(refusalOf({ allow: ['10.0.0.0/8'] }, { host: '10.0.0.1', within })).toBeUndefined()
  })

  it('may be every host below a name', () => {
    const chosen = { serviceHosts: { slack: ['*.Chat.example'] } }
    for (const host of ['a.chat.example', 'a.b.chat.example.'])
      expect(refusalOf(chosen, { host, within })).toBeUndefined()
    for (const host of ['chat.example', 'achat.example', '.chat.example', 'a.chat.example.com'])
      expect(refusalOf(chosen, { host, within })).toBeDefined()
  })

  it('a tenant hears of it at once', async () => {
    const egress = createEgress({ allow: [], sandboxLoopback: true })
    for (const environment of ['production', 'sandbox'] as const) {
      const config = { webhookUrl: 'https://hooks.example.com/services/x' }
      expect(slack.check(config, { environment, egress })).toEqual([
        {
          path: 'webhookUrl',
          message: 'has no Slack host such as hooks.slack.com, and this installation does not allow it',
        },
      ])
    }
    await egress.close()
  })
})

it.each([
  ['smtp://2130706433', '127.0.0.1'],
  ['smtp://0x7f.1:25', '127.0.0.1'],
  ['smtp://１２７.0.0.1', '127.0.0.1'],
  ['smtp://%31%32%37.0.0.1', '127.0.0.1'],
  ['smtps://[::FFFF:127.0.0.1]', '::ffff:7f00:1'],
  ['smtp://me:p%40ss@Mail.Example.com.', 'mail.example.com'],
  ['smtp://b%C3%BCcher.example', 'xn--bcher-kva.example'],
])('the host of %s is %s, as it would be of a web address', (url, host) => {
  expect(parseSmtpUrl(url).host).toBe(host)
})

it('configuring asks no name server', async () => {
  const asked: string[] = []
  const lookUp = (host: string) => Promise.resolve((asked.push(host), []))
  const egress = createEgress({ allow: [], sandboxLoopback: false, lookUp })
  const target = { host: 'hooks.example.com', port: 443, service: 'http' } as const
  expect(egress.refusal(target, 'production')).toBeUndefined()
  expect(asked).toEqual([])
  const connecting = egress.connect(target, 'production', { tls: true, signal: AbortSignal.timeout(5_000) })
  await expect(connecting).rejects.toMatchObject({ refusal: { name: 'name' } })
  expect(asked).toEqual(['hooks.example.com'])
  await egress.close()
})
