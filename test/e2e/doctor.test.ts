import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { diagnose } from '../../src/cli/doctor/diagnose.ts'
import { freePort } from '../../src/embedded/ports.ts'
import { ensureRollUpSchedule, rollUpScheduleState } from '../../src/temporal/roll-up-schedule.ts'
import { rollUpScheduleId } from '../../src/workflows/contract/roll-up.ts'
import { asOwner, createNamespace } from '../support/corner.ts'
import { run } from '../support/program.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { eventually, makeTenant, readLog, stackOfFile } from '../support/stack.ts'

const secretKey = { id: 'k1', key: randomBytes(32) }
const payloadKey = { id: 'p1', key: randomBytes(32) }
const stack = stackOfFile({ secretKeys: [secretKey], payloadKeys: [payloadKey] })

type Variables = Record<string, string>

const variable = ({ id, key }: typeof secretKey) => `${id}:${key.toString('base64')}`

/** A healthy installation with a worker, a stored event and a stored secret. */
async function healthy(): Promise<Variables> {
  await ensureRollUpSchedule(stack.temporal)
  const { api } = await makeTenant(stack)
  const webhook = { name: 'W', channel: 'webhook', config: { url: 'https://receiver.example/' } }
  await api.post('/destinations', { ...webhook, subscription: { eventTypes: ['only.this'] } }).expect(201)
  const posted = await api.post('/events', { id: 'seen', type: 'case.opened', data: {} }).expect(202)
  const { id } = posted.body as { id: string }
  await eventually(
    () => readLog(api, id),
    ({ status }) => status !== 'pending',
  )
  const mail = await startSmtpReceiver()
  const archive = await mkdtemp(join(tmpdir(), 'switchyard-doctor-'))
  onTestFinished(async () => {
    await mail.stop()
    await rm(archive, { recursive: true, force: true })
  })
  return {
    DATABASE_URL: stack.corner.databaseUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: stack.corner.name,
    SECRET_KEYS: variable(secretKey),
    PAYLOAD_KEYS: variable(payloadKey),
    SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
    SMTP_TLS: 'optional',
    PUBLIC_URL: 'https://switchyard.example',
    ARCHIVE: archive,
  }
}

const withPath = (variables: Variables) => ({ PATH: '/usr/bin:/bin', ...variables })

it('finds nothing wrong with a healthy installation, and changes nothing', async () => {
  const doctor = run('src/cli/doctor.ts', withPath(await healthy()), ['--json'])
  expect(await doctor.exited, doctor.output()).toBe(0)
  const { healthy: isHealthy, checks } = JSON.parse(doctor.output()) as {
    healthy: boolean
    checks: { name: string; status: string }[]
  }
  expect(isHealthy).toBe(true)
  expect(checks.filter(({ status }) => status !== 'ok')).toEqual([])
  expect(checks.map(({ name }) => name)).toEqual([
    'Configuration',
    'Database',
    'Migrations',
    'Database role',
    'Clock',
    'Secret keys',
    'Temporal',
    'Search attributes',
    'Roll-up schedule',
    'Workers',
    'Payload keys',
    'Egress',
    'SMTP',
    'Links',
    'Archive',
  ])
}, 60_000)

interface Planted {
  what: string
  /** Makes the fault, and returns the variables that it changes. It is undone when the test ends. */
  plant: () => Variables | Promise<Variables>
  check: string
  says: RegExp
  reach?: string
}

const faults: Planted[] = [
  {
    what: 'an invalid variable',
    plant: () => ({ SECRET_KEYS: 'k1:short', MAX_BACKLOG_SECONDS: '0' }),
    check: 'Configuration',
    says: /MAX_BACKLOG_SECONDS: .*\n.*SECRET_KEYS: must be a comma-separated list of id:key pairs/s,
  },
  {
    what: 'a database that does not exist',
    plant: () => ({ DATABASE_URL: `${stack.corner.databaseUrl}_typo` }),
    check: 'Database',
    says: /_typo cannot be used: database ".*_typo" does not exist/,
  },
  {
    what: 'a database server that is not there',
    plant: async () => ({
      DATABASE_URL: `postgresql://nobody:hunter22@127.0.0.1:${await freePort()}/postgres`,
    }),
    check: 'Database',
    says: /^(?!.*hunter22).*cannot be used: .*ECONNREFUSED/s,
  },
  {
    what: 'a missing migration',
    plant: async () => {
      const newest = await asTheOwner('SELECT max("migration_name") AS name FROM "_prisma_migrations"')
      const rename = (from: string, to: string) =>
        asTheOwner(
          `UPDATE "_prisma_migrations" SET "migration_name" = '${to}' WHERE "migration_name" = '${from}'`,
        )
      await rename(newest, 'elsewhere')
      onTestFinished(async () => void (await rename('elsewhere', newest)))
      return {}
    },
    check: 'Migrations',
    says: /^1 of \d+ migrations are missing: \d+_\w+$/,
  },
  {
    what: 'a Temporal server that is not there',
    plant: async () => ({ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` }),
    check: 'Temporal',
    says: /Cannot connect to Temporal at 127\.0\.0\.1:\d+/,
  },
  {
    what: 'a namespace that does not exist',
    plant: () => ({ TEMPORAL_NAMESPACE: 'prodution' }),
    check: 'Temporal',
    says: /has no namespace "prodution"/,
  },
  {
    what: 'missing search attributes',
    plant: async () => {
      const namespace = `${stack.corner.name}-bare`
      const workflowExecutionRetentionPeriod = { seconds: 86_400 as never }
      await stack.temporal.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod })
      return { TEMPORAL_NAMESPACE: namespace }
    },
    check: 'Search attributes',
    says: /^missing: .*TenantId/,
  },
  {
    what: 'that no worker polls',
    plant: async () => {
      const namespace = `${stack.corner.name}-idle`
      const { connection, client } = await createNamespace(namespace)
      await ensureRollUpSchedule(client)
      await connection.close()
      return { TEMPORAL_NAMESPACE: namespace }
    },
    check: 'Workers',
    says: /no worker polls/,
  },
  {
    what: 'a schedule that is paused',
    plant: async () => {
      const schedule = stack.temporal.schedule.getHandle(rollUpScheduleId)
      await schedule.pause()
      onTestFinished(() => schedule.unpause())
      await untilScheduleIs('paused')
      return {}
    },
    check: 'Roll-up schedule',
    says: /the schedule is paused/,
  },
  {
    what: 'a schedule that is missing',
    plant: async () => {
      await stack.temporal.schedule.getHandle(rollUpScheduleId).delete()
      await untilScheduleIs('missing')
      return {}
    },
    check: 'Roll-up schedule',
    says: /there is none/,
  },
  {
    what: 'a lost secret key',
    plant: () => ({ SECRET_KEYS: variable({ id: 'k2', key: randomBytes(32) }) }),
    check: 'Secret keys',
    says: /cannot be decrypted with SECRET_KEYS: "k1" is missing/,
  },
  {
    what: 'another secret key under the same id',
    plant: () => ({ SECRET_KEYS: variable({ id: 'k1', key: randomBytes(32) }) }),
    check: 'Secret keys',
    says: /"k1" is another key than the one used before/,
  },
  {
    what: 'a payload key that is not set',
    plant: () => ({ PAYLOAD_KEYS: '' }),
    check: 'Payload keys',
    says: /encrypted with the key "p1", and PAYLOAD_KEYS is not set/,
  },
  {
    what: 'a lost payload key',
    plant: () => ({ PAYLOAD_KEYS: variable({ id: 'p2', key: randomBytes(32) }) }),
    check: 'Payload keys',
    says: /encrypted with the key "p1", which PAYLOAD_KEYS does not contain/,
  },
  {
    what: 'a login that the mail server refuses',
    plant: async () => {
      const server = await startSmtpReceiver({ at: 'auth', code: 535 })
      onTestFinished(() => server.stop())
      return { SMTP_URL: `smtp://robot:hunter22@127.0.0.1:${server.port}` }
    },
    check: 'SMTP',
    says: /^(?!.*hunter22).*SMTP 535: the mail server refused the login/,
  },
  {
    what: 'a mail server without TLS',
    plant: () => ({ SMTP_TLS: 'required' }),
    check: 'SMTP',
    says: /cannot be used: .*TLS/,
  },
  {
    what: 'a private network that tenants may send to',
    plant: () => ({ EGRESS_ALLOW: '127.0.0.0/8,169.254.0.0/16' }),
    check: 'Egress',
    says: /lets tenants send requests to this host itself \(127\.0\.0\.1\), the cloud’s metadata service/,
  },
  {
    what: 'a closed port for https',
    plant: () => ({ EGRESS_PORTS: '8443' }),
    check: 'Egress',
    says: /EGRESS_PORTS does not contain 443/,
  },
  {
    what: 'a receiver in a private network',
    plant: () => ({}),
    check: 'Reach',
    reach: 'https://10.1.2.3/hook',
    says: /10\.1\.2\.3 cannot be reached: the destination’s address is not public/,
  },
  {
    what: 'an archive that is no folder',
    plant: () => ({ ARCHIVE: fileURLToPath(import.meta.url) }),
    check: 'Archive',
    says: /EEXIST|ENOTDIR/,
  },
]

describe('finds', () => {
  it.each(faults)('$what', { timeout: 90_000 }, async ({ plant, check, says, reach }) => {
    const variables = { ...(await healthy()), ...(await plant()) }
    const results = await diagnose(variables, { reach })
    expect(results.find(({ status }) => status === 'failed')).toEqual({
      name: check,
      status: 'failed',
      message: expect.stringMatching(says) as string,
      remedy: expect.stringMatching(/.[.?]$/) as string,
    })
  })

  it('a clock that is wrong', { timeout: 60_000 }, async () => {
    const skewed = fileURLToPath(new URL('../chaos/skewed-clock.cjs', import.meta.url))
    const clock = { NODE_OPTIONS: `--require=${skewed}`, CLOCK_SKEW_MS: '600000' }
    const doctor = run('src/cli/doctor.ts', withPath({ ...(await healthy()), ...clock }))
    expect(await doctor.exited, doctor.output()).toBe(1)
    expect(doctor.output()).toMatch(/^FAILED +Clock +this host and PostgreSQL differ by (5\d\d|600)\.\d s/m)
    expect(doctor.output()).toMatch(/^skipped +Workers +needs: Clock$/m)
    expect(doctor.output()).toMatch(/^1 failed\.$/m)
  })
})

async function asTheOwner(sql: string): Promise<string> {
  const client = new pg.Client({ connectionString: asOwner(stack.corner.databaseUrl) })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(sql)
    return rows[0]?.name ?? ''
  } finally {
    await client.end()
  }
}

/** Temporal changes schedules a moment after it was asked to. */
async function untilScheduleIs(wanted: string): Promise<void> {
  await eventually(
    () => rollUpScheduleState(stack.temporal),
    (state) => state === wanted,
    60_000,
  )
}
