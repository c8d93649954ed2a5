import { randomBytes } from 'node:crypto'
import { isAbsolute, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig, requireVariables } from '../../../src/config.ts'

const key = () => randomBytes(32).toString('base64')

function problemsOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(':')[0] ?? '')
  }
}

describe('the configuration', () => {
  it('needs nothing to be set', () => {
    const config = readConfig({})
    expect(config).toMatchObject({
      PORT: 3000,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      EGRESS_ALLOW: [],
      EGRESS_DENY: [],
      SLACK_HOSTS: ['hooks.slack.com', 'hooks.slack-gov.com'],
      TEMPORAL_TLS: false,
    })
    expect(isAbsolute(config.DATA_DIR)).toBe(true)
  })

  it('takes an empty variable for one that is absent', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '', SECRET_KEYS: '', EGRESS_ALLOW: '' })).toEqual(
      readConfig({}),
    )
  })

  it('names every variable that is wrong at once', () => {
    const wrong = {
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://x',
      TEMPORAL_ADDRESS: 'https://temporal:7233',
      PUBLIC_URL: 'switchyard.example',
      TEMPORAL_UI_URL: 'not a url',
      TEMPORAL_TLS: 'yes',
      ADMIN_API_KEY: 'short',
      SECRET_KEYS: 'nonsense',
      PAYLOAD_KEYS: `p1:${key()},p1:${key()}`,
      SMTP_URL: 'https://mail',
      EGRESS_ALLOW: '10.0.0.0/99',
      TEMPORAL_PORT: '0',
      TEMPORAL_UI_PORT: '70000',
    }
    expect(problemsOf(wrong).sort()).toEqual(Object.keys(wrong).sort())
  })

  it('shows no value in its complaints', () => {
    const wrong = {
      ADMIN_API_KEY: 'hunter2',
      SECRET_KEYS: 'a:hunter2',
      DATABASE_URL: 'x://u:hunter2@h',
      SMTP_URL: 'hunter2',
    }
    expect(() => readConfig(wrong)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') as string }),
    )
  })

  it.each<[variable: string, value: string]>([
    ['PORT', '0'], ['PORT', '65536'], ['PORT', '3000.5'], ['PORT', '-1'],
    ['METRICS_PORT', '0'], ['METRICS_PORT', 'on'], ['METRICS_PORT', '3000'],
    ['PUBLIC_URL', 'ftp://a.example'], ['PUBLIC_URL', 'https://u:p@a.example'], ['PUBLIC_URL', 'https://a.example/?x=1'],
    ['SECRET_KEYS', 'a'], ['SECRET_KEYS', 'a:'], ['SECRET_KEYS', `:${key()}`], ['SECRET_KEYS', `a b:${key()}`],
    ['SECRET_KEYS', `a:${randomBytes(31).toString('base64')}`], ['SECRET_KEYS', `a:${key()},`],
    ['TEMPORAL_ADDRESS', 'temporal'], ['TEMPORAL_ADDRESS', 'temporal:port'],
    ['ARCHIVE', 'https://store.example/b'], ['ARCHIVE', 's3://'], ['ARCHIVE', 's3://B/x'], ['ARCHIVE', 's3:b'],
    ['ARCHIVE_S3_ENDPOINT', 'store.example'], ['ARCHIVE_S3_ENDPOINT', 'ftp://store.example'], ['ARCHIVE_S3_REGION', 'EU 1'],
    ['TRUST_PROXY', 'true'], ['TRUST_PROXY', '0'], ['TRUST_PROXY', '10'], ['TRUST_PROXY', 'proxy.example'], ['TRUST_PROXY', '10.0.0.0/33'],
    ['MIGRATE_DATABASE_URL', 'mysql://x'],
    ['EGRESS_ALLOW', '10.0.0.0/8,fd00::/129'], ['EGRESS_ALLOW', 'https://x.example/'],
    ['EGRESS_DENY', '10.0.0.0/99'], ['SLACK_HOSTS', '10.0.0.0/8'], ['SLACK_HOSTS', 'https://hooks.slack.com'],
    ['EGRESS_PORTS', '0'], ['EGRESS_PORTS', '65536'], ['EGRESS_PORTS', '9-8'], ['EGRESS_PORTS', '80,,443'], ['EGRESS_PORTS', 'https'],
  ])('refuses %s=%s', (variable, value) => {
    expect(problemsOf({ [variable]: value })).toEqual([variable])
  }) // prettier-ignore

  it('reads numbers, lists and keys', () => {
    const [first, second] = [key(), key()]
    const config = readConfig({
      PORT: '8080',
      PUBLIC_URL: 'https://example.com/switchyard/',
      TEMPORAL_TLS: 'true',
      EGRESS_ALLOW: ' 10.0.0.0/8, intranet.example ,, fd00::/8 ',
      EGRESS_PORTS: '443, 8000-8999',
      SLACK_HOSTS: 'chat.example',
      SECRET_KEYS: `new:${first}, old:${second}`,
      UNKNOWN: 'is left alone',
    })
    expect(config).toMatchObject({
      PORT: 8080,
      PUBLIC_URL: 'https://example.com/switchyard/',
      TEMPORAL_TLS: true,
      EGRESS_ALLOW: ['10.0.0.0/8', 'intranet.example', 'fd00::/8'],
      EGRESS_PORTS: [
        [443, 443],
        [8000, 8999],
      ],
      SLACK_HOSTS: ['chat.example'],
    })
    expect(config.SECRET_KEYS?.map(({ id, key: bytes }) => [id, bytes.toString('base64')])).toEqual([
      ['new', first],
      ['old', second],
    ])
    expect(config).not.toHaveProperty('UNKNOWN')
  })
})

describe('the archive', () => {
  it.each<[given: string, expected: object]>([
    ['/var/lib/archive', { kind: 'folder', path: '/var/lib/archive' }],
    ['archive', { kind: 'folder', path: resolve('archive') }],
    ['s3://compliance', { kind: 's3', bucket: 'compliance', prefix: '' }],
    ['s3://compliance/', { kind: 's3', bucket: 'compliance', prefix: '' }],
    [
      's3://compliance.eu/switchyard/events/',
      { kind: 's3', bucket: 'compliance.eu', prefix: 'switchyard/events' },
    ],
  ])('may be %s', (given, expected) => {
    expect(readConfig({ ARCHIVE: given }).ARCHIVE).toEqual(expected)
  })

  it('has an access key with both its parts, or none', () => {
    expect(problemsOf({ ARCHIVE_S3_ACCESS_KEY_ID: 'a' })).toEqual(['ARCHIVE_S3_SECRET_ACCESS_KEY'])
    expect(problemsOf({ ARCHIVE_S3_SECRET_ACCESS_KEY: 'b' })).toEqual(['ARCHIVE_S3_ACCESS_KEY_ID'])
    expect(problemsOf({ ARCHIVE_S3_ACCESS_KEY_ID: 'a', ARCHIVE_S3_SECRET_ACCESS_KEY: 'b' })).toEqual([])
  })
})

describe('a production root', () => {
  it('names every variable that it lacks', () => {
    const config = readConfig({ TEMPORAL_ADDRESS: 'temporal:7233' })
    expect(() => requireVariables(config, ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'SECRET_KEYS'])).toThrow(
      'Missing environment variables: DATABASE_URL, SECRET_KEYS.',
    )
  })

  it('goes on when it has them all', () => {
    const config = readConfig({ TEMPORAL_ADDRESS: 'temporal:7233' })
    expect(requireVariables(config, ['TEMPORAL_ADDRESS']).TEMPORAL_ADDRESS).toBe('temporal:7233')
  })
})

describe('CORS_ORIGINS', () => {
  it('are origins as browsers send them', () => {
    const CORS_ORIGINS = 'https://app.example.com, http://127.0.0.1:8080'
    expect(readConfig({ CORS_ORIGINS }).CORS_ORIGINS).toEqual([
      'https://app.example.com',
      'http://127.0.0.1:8080',
    ])
  })

  it.each([
    '*',
    'null',
    'https://app.example.com/',
    'https://*.example.com',
    'app.example.com',
    'ftp://a',
    'https://a,',
  ])('are refused where one is %s', (CORS_ORIGINS) => {
    expect(problemsOf({ CORS_ORIGINS })).toEqual(['CORS_ORIGINS'])
  })
})
