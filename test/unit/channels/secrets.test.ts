import { describe, expect, it } from 'vitest'
import { email } from '../../../src/channels/email/email.ts'
import { maskConfig, secretValues, splitConfig, unmaskConfig } from '../../../src/channels/secrets.ts'
import { slack } from '../../../src/channels/slack/slack.ts'
import { webhook } from '../../../src/channels/webhook.ts'
import type { JsonObject } from '../../../src/domain/event.ts'
import { maskText, withoutSecrets } from '../../../src/domain/redaction/redaction.ts'

const stored = {
  url: 'https://x.example/hook',
  wireFormat: 'standard-webhooks',
  headers: { Authorization: 'Bearer abcdefghijkl', 'X-Short': 't1ny' },
}

describe('a text without its secrets', () => {
  it.each<[what: string, text: string, secrets: string[], clean: string]>([
    ['has none where there was none', 'all is well', ['whsec_abc'], 'all is well'],
    ['loses every occurrence', 'abcd, abcd and abcd', ['abcd'], '[redacted], [redacted] and [redacted]'],
    ['loses several secrets', 'abcd efgh', ['abcd', 'efgh'], '[redacted] [redacted]'],
    [
      'loses the longer of two where one is in the other',
      'token-12345!',
      ['token', 'token-12345'],
      '[redacted]!',
    ],
    ['keeps what is too short to be one', 'a to b', ['to'], 'a to b'],
    ['takes signs as they are, not as a pattern', 'a.*c abc a.*c', ['a.*c'], '[redacted] abc [redacted]'],
    ['takes $ as it is', 'pa$$word', ['pa$$word'], '[redacted]'],
    ['loses a secret written as JSON', '{"k":"a\\"b\\\\c"}', ['a"b\\c'], '{"k":"[redacted]"}'],
    ['loses a secret written in a URL', '?p=a%20b%26c', ['a b&c'], '?p=[redacted]'],
    ['loses a secret written in base64', `AUTH ${btoa('\0me\0pass')}`, ['\0me\0pass'], 'AUTH [redacted]'],
    ['loses a secret that HTTP trims', 'got abcd!', ['  abcd '], 'got [redacted]!'],
    ['loses the beginning of one at its end', 'you sent whsec_ab', ['whsec_abcdefgh'], 'you sent [redacted]'],
    [
      'keeps a beginning elsewhere',
      'whsec_ab is how they begin',
      ['whsec_abcdefgh'],
      'whsec_ab is how they begin',
    ],
    ['is empty when it was', '', ['whsec_abcdefgh'], ''],
    ['knows nothing without secrets', 'abcd', [], 'abcd'],
    ['takes half a surrogate pair', 'abcd', ['\uD83Dxyz'], 'abcd'],
  ])('%s', (_what, text, secrets, clean) => {
    expect(withoutSecrets(text, secrets)).toBe(clean)
  })
})

describe('a masked text', () => {
  it.each([
    ['', '****'],
    ['short', '****'],
    ['elevenchars', '****'],
    ['twelve chars', '****hars'],
    ['whsec_abcdefghijkl', '****ijkl'],
  ])('of %j is %s', (secret, masked) => {
    expect(maskText(secret)).toBe(masked)
  })
})

describe('a config', () => {
  it('is stored in two parts, and nothing is lost', () => {
    const { open, secret } = splitConfig(webhook, stored)
    expect(open).toEqual({ url: stored.url, wireFormat: stored.wireFormat })
    expect(secret).toEqual({ headers: stored.headers })
    expect({ ...open, ...secret }).toEqual(stored)
  })

  it('is shown with every text of its secret fields masked', () => {
    expect(maskConfig(webhook, stored)).toEqual({
      ...stored,
      headers: { Authorization: '****ijkl', 'X-Short': '****' },
    })
    expect(maskConfig(slack, { webhookUrl: 'https://hooks.slack.com/services/T/B/abcdef' })).toEqual({
      webhookUrl: '****cdef',
    })
    expect(maskConfig(email, { to: ['a@x.io'] })).toEqual({ to: ['a@x.io'] })
  })

  it('that is written back as it was shown is as it was stored', () => {
    expect(unmaskConfig(webhook, maskConfig(webhook, stored), stored)).toEqual(stored)
  })

  it.each<[what: string, changed: JsonObject, unmasked: JsonObject]>([
    [
      'a new secret',
      { headers: { Authorization: 'Bearer new' } },
      { headers: { Authorization: 'Bearer new' } },
    ],
    [
      'a new secret beside a masked one',
      { headers: { Authorization: '****ijkl', 'X-New': 'value' } },
      { headers: { Authorization: 'Bearer abcdefghijkl', 'X-New': 'value' } },
    ],
    [
      'a mask of another secret',
      { headers: { Authorization: '****zzzz' } },
      { headers: { Authorization: '****zzzz' } },
    ],
    [
      'a mask under another name',
      { headers: { 'X-Other': '****ijkl' } },
      { headers: { 'X-Other': '****ijkl' } },
    ],
    ['a mask in an open field', { url: '****ijkl' }, { url: '****ijkl' }],
    ['null, which takes the field away', { headers: null }, { headers: null }],
  ])('takes %s', (_what, changed, unmasked) => {
    expect(unmaskConfig(webhook, changed, stored)).toEqual(unmasked)
  })
})

describe('the secrets of a destination', () => {
  const keys = { secrets: [] }

  it('are its header values, the tokens in them, and its signing keys', () => {
    const values = secretValues(webhook, {
      config: stored,
      keys: { secrets: ['whsec_abc', 'whsec_old'], privateKeys: ['whsk_def', 'whsk_old'] },
    })
    expect(values).toEqual(
      expect.arrayContaining([
        'Bearer abcdefghijkl',
        'abcdefghijkl',
        't1ny',
        'whsec_abc',
        'whsec_old',
        'whsk_def',
        'whsk_old',
      ]), // prettier-ignore,
    )
    expect(values).not.toContain(stored.url)
    expect(values).not.toContain('Bearer')
  })

  it.each<[echo: string]>([
    ['https://hooks.example/services/T0AB/B0EF/abcdefghij?sig=0123456789'],
    ['POST /services/T0AB/B0EF/abcdefghij?sig=0123456789 HTTP/1.1'],
    ['no such token: abcdefghij'],
    ['no such signature: 0123456789'],
  ])('of Slack are its URL and what is secret in it: %s', (echo) => {
    const config = { webhookUrl: 'https://hooks.example/services/T0AB/B0EF/abcdefghij?sig=0123456789' }
    const clean = withoutSecrets(echo, secretValues(slack, { config, keys }))
    expect(clean).toContain('[redacted]')
    expect(clean).not.toMatch(/abcdefghij|0123456789/)
  })

  it.each<[echo: string]>([
    ['bad login: p@ss:word'],
    ['bad login: p%40ss%3Aword'],
    [`bad login: ${btoa('p@ss:word')}`],
    [`bad login: ${btoa('\0me@acme.example\0p@ss:word')}`],
  ])('of a mail server are its password however it is written: %s', (echo) => {
    const config = { to: ['a@x.io'], smtpUrl: 'smtp://me%40acme.example:p%40ss%3Aword@mail.example:587' }
    expect(withoutSecrets(echo, secretValues(email, { config, keys }))).toBe('bad login: [redacted]')
  })

  it('can be told of a URL that is not well encoded, so that an attempt is not lost for it', () => {
    const config = { url: 'https://x.example/', headers: { 'X-Callback': 'https://me:100%@y.example/' } }
    expect(secretValues(webhook, { config, keys })).toContain('https://me:100%@y.example/')
  })

  it.each<[name: string, value: string]>([
    ['Authorization', 'true'],
    ['X-Api-Key', 'production'],
    ['X-ApiKey', 'production'],
    ['api_key', 'swordfish'],
    ['Cookie', 'session=open'],
    ['X-Auth-Token', 'word'],
    ['X-Client-Secret', 'word'],
    ['X-Password', 'correct horse battery staple'],
    ['X-Session', 'word'],
    ['X-Signature', 'word'],
    ['X-Pin', '1234'],
    ['X-Team', 'hunter2'],
    ['X-Team', 'tok_4f0c9f7e21aa'],
    ['X-Team', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
    ['X-Team', 'ABCD-1234-EFGH-5678'],
    ['X-Team', 'JBSWYDPEHPKPXPABCDEF'],
    ['X-Team', 'qwertyuiopasdfghjklzx'],
    ['X-Team', 'KjHgFdSaQwErTy'],
    ['X-Team', '12345678'],
    ['X-Team', 'dXNlcjpwYXNz'],
  ])('are such in %s: %s', (name, value) => {
    const config = { url: 'https://x.example/', headers: { [name]: value } }
    expect(secretValues(webhook, { config, keys })).toContain(value)
  })

  it.each<[name: string, value: string]>([
    ['X-Flag', 'true'],
    ['X-Environment', 'production'],
    ['X-Environment', ' Production '],
    ['X-Team', 'aml'],
    ['X-System', 'case-system'],
    ['X-Source', 'Case System'],
    ['Accept', 'application/json'],
    ['X-Region', 'eu-west-1'],
    ['X-Version', 'v2.1'],
    ['X-Year', '2026'],
    ['X-Tier', 'GOLD'],
  ])('are no ordinary words, as in %s: %s', (name, value) => {
    const config = { url: 'https://x.example/', headers: { [name]: value } }
    expect(secretValues(webhook, { config, keys })).toEqual([])
  })

  it('are none where there is none', () => {
    expect(secretValues(email, { config: { to: ['a@x.io'] }, keys })).toEqual([])
  })
})
