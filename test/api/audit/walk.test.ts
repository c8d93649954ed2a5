import { readFileSync } from 'node:fs'
import pMap from 'p-map'
import { expect, it } from 'vitest'
import { listChains, verifyChain } from '../../../src/db/audit/verify.ts'
import { callOf, requestLine } from '../../support/routes/every-route.ts'
import { startReceiver } from '../../support/servers/receiver.ts'
import { isPlatforms, routeTable } from '../../support/routes/route-table.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { adminKey, apiOf, makeTenant, ofFile, startStack, type Api } from '../../support/stack.ts'
import type { World } from '../../support/things.ts'

const mail = ofFile(() => startSmtpReceiver())
const receiver = ofFile(() => startReceiver(undefined, { tls: true }))
const stack = ofFile(() =>
  startStack({ mail: { smtpUrl: `smtp://127.0.0.1:${mail.port}`, from: 'switchyard@example.com' } }),
)

/** Routes that change nothing although they are no GET, and why what comes in by them is not audited. */
const exceptions: Record<string, string> = {
  'POST /api/v1/events': 'the event log is its record',
  'POST /api/v1/events/batch': 'the event log is its record',
  'POST /api/v1/rules/preview': 'it changes nothing',
  'POST /api/v1/templates/preview': 'it changes nothing',
  'POST /api/v1/templates/:id/preview': 'it changes nothing',
}

const changing = routeTable
  .filter(({ route }) => route.method !== 'get')
  .map(({ name }) => name)
  .filter((name) => !(name in exceptions))

const bearer = (key: string) => apiOf(stack.app, key)

async function makeWorld(): Promise<World & { keyId: string }> {
  const { id: tenantId, key, keyId } = await makeTenant(stack)
  const [api, platform] = [bearer(key), bearer(adminKey)]
  const mark = 'AUDITED'
  return { keyId, tenantId, environment: 'sandbox', api, platform, receiverUrl: receiver.url, mark }
}

const basePath = '/api/v1'

function send(api: Api, method: string, path: string, body: object | undefined) {
  if (!path.startsWith(basePath)) throw new Error(`${path} is not below ${basePath}`)
  const below = path.slice(basePath.length)
  switch (method) {
    case 'POST':
      return api.post(below, body)
    case 'PATCH':
      return api.patch(below, body ?? {})
    case 'DELETE':
      return api.delete(below).send(body)
    default:
      throw new Error(`a call by ${method} is not made here: add it`)
  }
}

const recorded = new Set<string>()

it.each(changing)('%s, called with success, adds an entry: which key, from where, what', async (name) => {
  const world = await makeWorld()
  const call = await callOf(name, world)
  const earlier = new Set((await stack.db.auditEntry.findMany({ select: { id: true } })).map(({ id }) => id))
  const { method, path } = requestLine(name, call)
  const platforms = isPlatforms(name)
  const { status, text } = await send(platforms ? world.platform : world.api, method, path, call.body)
  expect(status, text).toBeLessThan(300)
  const entries = (await stack.db.auditEntry.findMany()).filter(({ id }) => !earlier.has(id))
  expect(entries.length, 'entries').toBeGreaterThan(0)
  for (const { keyId, address, action, before, after } of entries) {
    expect(keyId).toBe(platforms ? 'ADMIN_API_KEY' : world.keyId)
    expect(address).toMatch(/127\.0\.0\.1$|^::1$/)
    expect(action).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/)
    if (/\.(created|registered)$/.test(action)) expect([before, after]).toEqual([null, expect.anything()])
    if (action.endsWith('.changed')) expect([before, after]).toEqual([expect.anything(), expect.anything()])
    recorded.add(action)
  }
})

it('every chain is whole after all of it', async () => {
  const reports = await pMap(await listChains(stack.db), (chain) => verifyChain(stack.db, chain), {
    concurrency: 4,
  })
  expect(reports.length).toBeGreaterThan(changing.length)
  expect(reports.filter(({ broken }) => broken)).toEqual([])
})

it('the exceptions are routes that there are', () => {
  const names = routeTable.map(({ name }) => name)
  expect(Object.keys(exceptions).filter((name) => !names.includes(name))).toEqual([])
})

it('docs/operations/audit.md names every action that was recorded, and no other but those of links and sessions', () => {
  const page = readFileSync(new URL('../../../docs/operations/audit.md', import.meta.url), 'utf8')
  const [, actions = ''] = page.split('## Actions')
  const [table = ''] = actions.split('\n## ')
  const named = [...table.matchAll(/`([a-z-]+\.[a-z-]+)`/g)].flatMap(([, action]) => action ?? [])
  expect([...recorded].filter((action) => !named.includes(action))).toEqual([])
  const byOthers = /^(codec\.|email-recipient\.(confirmed|unsubscribed)$)/
  expect(named.filter((action) => !recorded.has(action) && !byOthers.test(action))).toEqual([])
})
