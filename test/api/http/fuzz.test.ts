import { randomBytes, randomInt } from 'node:crypto'
import fc from 'fast-check'
import pMap from 'p-map'
import { pino } from 'pino'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Route } from '../../../src/api/http/route.ts'
import { allButNews } from '../../support/event.ts'
import { callOf, type Call } from '../../support/routes/every-route.ts'
import { pageProblemsOf, problemsOf } from '../../support/fuzz/answers.ts'
import { fieldValues } from '../../support/fuzz/fields.ts'
import { requestsOf, type FuzzedRoute } from '../../support/fuzz/requests.ts'
import { closedPort } from '../../support/servers/raw-server.ts'
import { startReceiver } from '../../support/servers/receiver.ts'
import { routeTable } from '../../support/routes/route-table.ts'
import { startSender, type WireRequest } from '../../support/sender.ts'
import { startSmtpReceiver } from '../../support/servers/smtp-receiver.ts'
import { adminKey, apiAt, makeTenant, ofFile, settledLog, startStack } from '../../support/stack.ts'
import { aDestination, aTemplate, type World } from '../../support/things.ts'

/** In all, over every route; each has its share. */
const leastRequests = 10_000
const runs = Math.ceil(leastRequests / routeTable.length)

/** A failure prints it: with it, the same requests are made again. */
const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))

/** What the product logs as an error, or worse. */
const errors: string[] = []
const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })

const receiver = ofFile(() => startReceiver(undefined, { tls: true }))
const mail = ofFile(() => startSmtpReceiver())
const stack = ofFile(() =>
  startStack({
    log,
    // With them there is a codec server.
    payloadKeys: [{ id: 'test', key: randomBytes(32) }],
    egressAllow: ['127.0.0.0/8', 'localhost'],
    mail: { smtpUrl: `smtp://127.0.0.1:${mail.port}`, from: 'switchyard@example.com' },
  }),
)
const sender = ofFile(() => startSender(stack.app))

let closed: number
beforeAll(async () => {
  closed = await closedPort()
})

const worlds: (World & { key: string })[] = []

/** A tenant of its own for each route, so that what is fuzzed there multiplies nowhere else. */
async function makeWorld(): Promise<World & { key: string }> {
  const { id: tenantId, key } = await makeTenant(stack)
  const world = {
    key,
    tenantId,
    environment: 'sandbox' as const,
    api: apiAt(sender.origin, key),
    platform: apiAt(sender.origin, adminKey),
    receiverUrl: receiver.url,
    mark: 'fuzzed',
  }
  worlds.push(world)
  return world
}

async function fieldsIn(world: World) {
  const closedUrl = `http://127.0.0.1:${closed}/x`
  return fieldValues({
    destinations: [await aDestination(world)],
    templates: [await aTemplate(world)],
    urls: [receiver.url, receiver.url, closedUrl, closedUrl.replace('http:', 'https:')],
    smtpUrls: [`smtp://127.0.0.1:${mail.port}`, `smtp://127.0.0.1:${closed}`],
  })
}

/** Answered as it must be, or the request and what came of it in the failure. */
async function answer(request: WireRequest, key: string, route?: Route): Promise<number> {
  const authorization = `Bearer ${key}`
  const answered = await sender.send({ ...request, headers: { authorization, ...request.headers } })
  const problems = problemsOf(answered, route)
  if (problems.length > 0) throw new Error(`${problems.join('; ')}\n${answered.text.slice(0, 1000)}`)
  return answered.status
}

describe.concurrent('whatever is sent to', () => {
  it.each(routeTable.map((one) => [one.name, one] as const))(
    '%s is answered, and not with a fault',
    async (name, { base, route }) => {
      const world = await makeWorld()
      const calls: Call[] = []
      for (let count = 0; count < 3; count++) calls.push(await callOf(name, world))
      const requests = requestsOf({ base, route }, calls, await fieldsIn(world))
      const key = route.access === 'platform' ? adminKey : world.key
      const statuses: number[] = []
      const property = fc.asyncProperty(requests, async (request) => {
        statuses.push(await answer(request, key, route))
      })
      await fc.assert(property, { seed, numRuns: runs })
      expect(
        statuses.filter((status) => status < 300).length,
        'how many came as far as the handler',
      ).toBeGreaterThan(0)
    },
    180_000,
  )
})

const form = (field: string) => z.strictObject({ [field]: z.string(), name: z.string().optional() })
const payloads = z.strictObject({
  payloads: z.array(z.strictObject({ metadata: z.record(z.string(), z.string()), data: z.string() })),
})

/** What is no part of the table of routes: links in messages, the codec server, the documentation. */
const pages: FuzzedRoute[] = [
  { method: 'get', path: '/acknowledge/:token' },
  { method: 'post', path: '/acknowledge/:token', body: form('acknowledge') },
  { method: 'get', path: '/email/confirm/:token' },
  { method: 'post', path: '/email/confirm/:token', body: form('confirm') },
  { method: 'get', path: '/email/unsubscribe/:token' },
  { method: 'post', path: '/email/unsubscribe/:token', body: form('unsubscribe') },
  { method: 'post', path: '/codec/decode', body: payloads },
  { method: 'post', path: '/codec/encode', body: payloads },
  { method: 'post', path: '/codec/session', body: form('key') },
  { method: 'get', path: '/docs/:token' },
  { method: 'get', path: '/:token' },
]

it.each(pages.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const))(
  'a page is answered, and not with a fault: %s',
  async (_name, route) => {
    const event = { id: 'evt_none', tenantId: 'ten_none', environment: 'sandbox' as const }
    const token = stack.acknowledgeLink({ event, destinationId: 'dst_none' }).split('/').at(-1) ?? ''
    const requests = requestsOf({ base: '', route }, [{ params: { token }, body: {} }], () => undefined)
    const property = fc.asyncProperty(requests, async (request) => {
      const headers = { authorization: `Bearer ${adminKey}`, ...request.headers }
      const problems = pageProblemsOf(await sender.send({ ...request, headers }))
      if (problems.length > 0) throw new Error(problems.join('; '))
    })
    await fc.assert(property, { seed, numRuns: 60 })
  },
)

/** Whatever was stored meanwhile is shown. */
it('what was taken can be read again, of every tenant', async () => {
  // A request may have given its tenant a limit of one call a minute.
  const limits = { apiPerMinute: 10_000, apiBurst: 10_000 }
  for (const { platform, tenantId } of worlds)
    await platform.patch(`/tenants/${tenantId}`, { limits }).expect(200)
  const lists = routeTable.filter(({ route }) => route.method === 'get' && !route.path.includes(':'))
  const reads = worlds.flatMap((world) => lists.map((one) => ({ ...one, world })))
  const statuses = await pMap(
    reads,
    ({ base, route, world }) => {
      const key = route.access === 'platform' ? adminKey : world.key
      return answer({ method: 'GET', target: base + route.path, headers: {}, body: undefined }, key, route)
    },
    { concurrency: 8 },
  )
  expect(new Set(statuses)).toEqual(new Set([200]))
}, 180_000)

it('no fault stands in the log, and no workflow has failed', async () => {
  expect(errors).toEqual([])
  const failed = `ExecutionStatus IN ('Failed', 'TimedOut')`
  const found = stack.temporal.workflow.list({ query: failed })
  const ids: string[] = []
  for await (const { workflowId, type } of found) ids.push(`${type} ${workflowId}`)
  expect(ids).toEqual([])
})

it('an event is delivered as before', async () => {
  const { api } = await makeWorld()
  const destination = { name: 'As before', channel: 'webhook', config: { url: receiver.url } }
  await api.post('/destinations', { ...destination, subscription: allButNews }).expect(201)
  const { body } = await api.post('/events', { type: 'aml.match.found', data: { name: 'Zoë' } }).expect(202)
  expect((await settledLog(api, (body as { id: string }).id)).status).toBe('delivered')
  expect(
    (await sender.send({ method: 'GET', target: '/healthz', headers: {}, body: undefined })).status,
  ).toBe(200)
})

it(`at least ${leastRequests} requests were made`, () => {
  expect(sender.sent()).toBeGreaterThanOrEqual(leastRequests)
})
