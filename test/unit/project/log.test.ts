import { expect, it } from 'vitest'
import { createLog } from '../../../src/log.ts'
import { createRedactor } from '../../../src/log-redaction.ts'

/** What a log writes of one call, parsed and as text. */
function written(write: (log: ReturnType<typeof createLog>) => void, secrets: string[] = []) {
  const lines: string[] = []
  write(createLog('trace', { secrets, destination: { write: (line) => void lines.push(line) } }))
  const text = lines.join('')
  return { text, line: JSON.parse(text) as Record<string, unknown> }
}

const secret = 'Kx9-hunter2-QmZ'

it.each<[string, string, string]>([
  ['a tenant’s key', `GET /x failed for sk_live_${secret}`, 'GET /x failed for sk_live_[redacted]'],
  ['a sandbox’s key', `sk_test_${secret}, again`, 'sk_test_[redacted], again'],
  ['a platform key', `sk_platform_${secret}`, 'sk_platform_[redacted]'],
  ['a signing secret', `whsec_${secret}== and whsk_${secret}`, 'whsec_[redacted] and whsk_[redacted]'],
  ['an API secret', `apisec_${secret}`, 'apisec_[redacted]'],
  ['a bearer’s token', `authorization: Bearer ${secret}`, 'authorization: Bearer [redacted]'],
  ['basic credentials', `Basic ${btoa(secret)}`, 'Basic [redacted]'],
  ['a database’s URL', `postgresql://app:${secret}@db.example/x`, 'postgresql://[redacted]@db.example/x'],
  ['a mail server’s URL', `smtps://user%40x:${secret}@mail.example`, 'smtps://[redacted]@mail.example'],
  ['a key in a query', `GET /v1?a=1&api_key=${secret}&b=2`, 'GET /v1?a=1&api_key=[redacted]&b=2'],
  ['a Slack URL', `https://hooks.slack.com/services/T0/B0/${secret}`, 'https://hooks.slack.com/[redacted]'],
  [
    'a Slack URL for governments',
    `https://hooks.slack-gov.com/services/${secret}`,
    'https://hooks.slack-gov.com/[redacted]',
  ],
  [
    'a Teams URL',
    `at https://d.f9.environment.api.powerplatform.com:443/w/${secret}?sig=${secret}, x`,
    'at https://d.f9.environment.api.powerplatform.com:443/[redacted] x',
  ],
  ['a link that acknowledges', `/acknowledge/1.k.${secret}.aaaaaaaaaaaa`, '/acknowledge/[redacted]'],
  ['a header in an object', `{"X-Api-Key":"${secret}"}`, '{"X-Api-Key":"[redacted]"}'],
  ['a cookie', `{"set-cookie":"a=\\"${secret}"}`, '{"set-cookie":"[redacted]"}'],
  ['a token of a library', `{"taskToken":"${secret}","n":1}`, '{"taskToken":"[redacted]","n":1}'],
  [
    'nothing',
    'event evt_1 to dst_2: HTTP 500 at https://x.example/a@b',
    'event evt_1 to dst_2: HTTP 500 at https://x.example/a@b',
  ],
])('%s is taken out of a text', (_what, text, expected) => {
  expect(createRedactor()(text)).toBe(expected)
})

it('what this process was configured with is known as it is, escaped or encoded', () => {
  const redact = createRedactor(['p"ass word', 'short'])
  expect(redact('p"ass word, p\\"ass word, p%22ass%20word, short')).toBe(
    '[redacted], [redacted], [redacted], short',
  )
})

it('an error says what it is and what caused it, and nothing that hangs on it', () => {
  const cause = Object.assign(new TypeError(`no route to postgresql://app:${secret}@db/x`), {
    code: 'ECONNREFUSED',
  })
  const error = Object.assign(new Error('it broke', { cause }), {
    request: { headers: { 'x-team': secret } },
  })
  const { text, line } = written((log) => log.error({ err: error }, 'request.failed'))
  expect(line).toMatchObject({
    event: 'request.failed',
    err: { type: 'Error', message: 'it broke', cause: { type: 'TypeError', code: 'ECONNREFUSED' } },
  })
  expect(text).not.toContain(secret)
})

it('an error of JSON.parse does not quote what it was given, in its message or its stack', () => {
  const parse = () => JSON.parse(`x${secret}`) as unknown
  expect(parse).toThrow(secret) // what Node does, and what this is about
  const { text, line } = written((log) => {
    try {
      parse()
    } catch (err) {
      log.error({ err }, 'archive.unreadable')
    }
  })
  expect(text).not.toContain(secret)
  expect(line).toMatchObject({ err: { type: 'SyntaxError', message: 'a string that is not valid JSON' } })
})

it('a line stays JSON whatever is taken out of it', () => {
  const { line } = written(
    (log) =>
      log.warn(
        { headers: { authorization: `Bearer ${secret}`, cookie: '"\\' }, url: `http://a:${secret}@b/` },
        'x',
      ),
    [secret],
  )
  expect(line).toMatchObject({
    headers: { authorization: '[redacted]', cookie: '[redacted]' },
    url: 'http://[redacted]@b/',
  })
})
