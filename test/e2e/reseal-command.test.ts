import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { findDestination } from '../../src/db/destinations/destinations.ts'
import { countByKey, resealAll, sealedTables, type SealedRow } from '../../src/db/schema/reseal.ts'
import type { SecretKeys } from '../../src/domain/crypto/secret-box.ts'
import { run } from '../support/program.ts'
import { apiOf, makeTenant, startStack, untilTestEnds, type Api, type Stack } from '../support/stack.ts'

const older = { id: 'older', key: randomBytes(32) }
const newer = { id: 'newer', key: randomBytes(32) }

const variable = (keys: SecretKeys) => keys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(',')

/** The command, as somebody runs it; its exit code and what it said. */
async function reseal({ corner }: Stack, keys: SecretKeys, args: string[] = []) {
  const env = { PATH: '/usr/bin:/bin', DATABASE_URL: corner.databaseUrl, SECRET_KEYS: variable(keys) }
  const program = run('src/cli/reseal.ts', env, args)
  return { code: await program.exited, said: program.output() }
}

const withSecretKeys = async (secretKeys: SecretKeys, corner?: Stack['corner']) =>
  untilTestEnds(await startStack({ workers: false, secretKeys, ...(corner && { corner }) }))

async function addWebhook(api: Api): Promise<{ id: string; secret: string }> {
  const given = {
    name: 'W',
    channel: 'webhook',
    config: { url: 'https://receiver.example/' },
    subscription: { eventTypes: ['all'] },
  }
  return (await api.post('/destinations', given).expect(201)).body as { id: string; secret: string }
}

const shownConfig = async (api: Api, id: string) =>
  ((await api.get(`/destinations/${id}`).expect(200)).body as { config: object }).config

it(
  'every secret is sealed with the first key, after which the older one can go',
  { timeout: 120_000 },
  async () => {
    const before = await withSecretKeys([older])
    const { api, key } = await makeTenant(before)
    const made = await addWebhook(api)
    await api
      .patch(`/destinations/${made.id}`, { config: { headers: { Authorization: 'Bearer of-the-receiver' } } })
      .expect(200)
    const shown = await shownConfig(api, made.id)
    const { updatedAt } = await before.db.destination.findUniqueOrThrow({ where: { id: made.id } })
    expect(await countByKey(before.db)).toEqual(new Map([['older', 2]]))

    expect(await reseal(before, [newer, older], ['--check'])).toMatchObject({
      code: 1,
      said: expect.stringContaining('older: 2'),
    })
    expect(await countByKey(before.db)).toEqual(new Map([['older', 2]]))
    expect(await reseal(before, [newer, older])).toMatchObject({
      code: 0,
      said: expect.stringContaining('newer: 2'),
    })
    expect(await reseal(before, [newer, older])).toMatchObject({
      code: 0,
      said: expect.stringContaining('1 read, 0 re-encrypted'),
    })
    expect(await reseal(before, [newer], ['--check'])).toMatchObject({ code: 0 })

    const after = await withSecretKeys([newer], before.corner)
    const again = apiOf(after.app, key)
    expect(await shownConfig(again, made.id)).toEqual(shown)
    // Nobody has changed what is configured.
    expect(await after.db.destination.findUniqueOrThrow({ where: { id: made.id } })).toMatchObject({
      updatedAt,
    })
  },
)

it('a row that no key opens is named and left as it is', { timeout: 60_000 }, async () => {
  const stack = await withSecretKeys([older])
  const { id } = await addWebhook((await makeTenant(stack)).api)
  const { sealed } = await stack.db.destination.findUniqueOrThrow({ where: { id } })
  const { code, said } = await reseal(stack, [newer])
  expect(code).toBe(1)
  expect(said).toContain(`Destination ${id} was left unchanged: secrets are encrypted with the key "older"`)
  expect(await stack.db.destination.findUniqueOrThrow({ where: { id } })).toMatchObject({ sealed })
})

it('what is written meanwhile is not lost', { timeout: 60_000 }, async () => {
  // Knows the new key, and seals with the older one still: so it is between the steps of a rotation.
  const stack = await withSecretKeys([older, newer])
  const tenant = await makeTenant(stack)
  const made = await Promise.all(Array.from({ length: 20 }, () => addWebhook(tenant.api)))
  const news = { progress: () => undefined, unopened: (row: SealedRow) => expect.unreachable(row.id) }
  let writing = true
  const resealing = (async () => {
    while (writing) await resealAll(stack.db, [newer, older], news)
  })()
  for (let round = 1; round <= 5; round++)
    await Promise.all(
      made.map(({ id }) =>
        tenant.api
          .patch(`/destinations/${id}`, { config: { headers: { 'X-Round': `${id} ${round}` } } })
          .expect(200),
      ),
    )
  writing = false
  await resealing
  await resealAll(stack.db, [newer, older], news)
  expect([...(await countByKey(stack.db)).keys()]).toEqual(['newer'])
  const scope = { tenantId: tenant.id, environment: 'sandbox' } as const
  for (const { id } of made)
    expect(await findDestination(stack.db, [newer], scope, id)).toMatchObject({
      config: { headers: { 'X-Round': `${id} 5` } },
    })
})

it('every table with a sealed column is looked at', async () => {
  const { db } = await withSecretKeys([older])
  const tables = await db.$queryRaw<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'sealed' ORDER BY 1`
  expect(tables.map(({ name }) => name)).toEqual([...sealedTables])
})
