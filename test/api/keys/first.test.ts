import { expect, it } from 'vitest'
import { firstPlatformKey } from '../../../src/compose.ts'
import { readConfig } from '../../../src/config.ts'
import { apiOf, stackOfFile } from '../../support/stack.ts'

const stack = stackOfFile({ workers: false })

it('a start makes a platform key where none can be used, and no other time', async () => {
  const start = (environment: NodeJS.ProcessEnv = {}) =>
    firstPlatformKey({ db: stack.db, config: readConfig(environment) })
  expect(await start({ ADMIN_API_KEY: 'x'.repeat(24) })).toBeUndefined()
  const [first = '', ...others] = (await Promise.all([start(), start()])).filter((key) => key !== undefined)
  expect(others).toEqual([])
  const platform = apiOf(stack.app, first)
  await platform.get('/tenants').expect(200)
  const expiresAt = new Date(Date.now() + 3_600_000)
  await stack.db.apiKey.updateMany({ data: { expiresAt } })
  expect(await start()).toBeUndefined()
  await stack.db.apiKey.updateMany({ data: { expiresAt: new Date(Date.now() - 1_000) } })
  await platform.get('/tenants').expect(401)
  await apiOf(stack.app, (await start()) ?? '')
    .get('/tenants')
    .expect(200)
})
