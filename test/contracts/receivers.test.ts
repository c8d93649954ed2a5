import { generateKeyPairSync } from 'node:crypto'
import { request } from 'node:http'
import fc from 'fast-check'
import pMap from 'p-map'
import supertest from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sharedStack } from '../support/shared-stack.ts'
import { eventually, makeTenant, settledLog } from '../support/stack.ts'
import { samplePayloads } from './payloads.ts'
import { readCloudEvent, startCloudEvents } from './receivers/cloudevents.ts'
import { readDataspike, startDataspike } from './receivers/dataspike.ts'
import { readKycWebhooks, startKycWebhooks } from './receivers/kyc-webhooks.ts'
import type { ContractReceiver, Delivery, Read, Reading, Report } from './receivers/receiver.ts'
import { readSmartKyc, startSmartKyc } from './receivers/smart-kyc.ts'
import { readWebhooksApi, startWebhooksApi } from './receivers/webhooks-api.ts'

/** Every contract's receiver on one tenant at once, and what all of them were sent. */
const seed = 20_261_121
const events = 100
const payloads = samplePayloads(events, seed)
const types = [
  'screening.completed', 'DOCVER', 'AML', 'AML_SCREENING', 'kyc.session.processed', 'submission.completed', 'aml.match.found',
  'non_document.check_initiated', 'x', 'A-1.b_2.C.3.4',
] // prettier-ignore

interface Posted {
  id: string
  type: string
  createdAt: string
  data: unknown
}
interface Where {
  tenantId: string
  destinationId: string
}

interface Contract {
  name: string
  read: Read
  start: () => Promise<ContractReceiver>
  config: object
  /** What the receiver must read of an event. */
  reading: (event: Posted, where: Where) => Reading
  /** Names in the document's own spelling. */
  headers: string[]
}

const standardHeaders = ['webhook-id', 'webhook-timestamp', 'webhook-signature']
const contracts: Contract[] = [
  {
    name: 'smart-kyc',
    read: readSmartKyc,
    start: startSmartKyc,
    config: { wireFormat: 'smart-kyc' },
    reading: ({ type: event, createdAt: timestamp, data }, { tenantId }) => ({
      event,
      timestamp,
      data,
      tenantId,
    }),
    headers: ['X-SmartKYC-Signature'],
  },
  {
    name: 'dataspike',
    read: readDataspike,
    start: startDataspike,
    config: { wireFormat: 'dataspike' },
    reading: (
      { id, type: event_type, createdAt: timestamp, data: payload },
      { destinationId: webhook_id },
    ) => ({
      id,
      webhook_id,
      event_type,
      timestamp,
      payload,
    }),
    headers: standardHeaders,
  },
  {
    name: 'kyc-webhooks',
    read: readKycWebhooks('timestamp.body'),
    start: startKycWebhooks,
    config: { wireFormat: 'kyc-webhooks' },
    reading: ({ id, type, createdAt, data }) => {
      const created = Math.floor(Date.parse(createdAt) / 1000)
      return { id, type, created, data }
    },
    headers: ['X-Webhook-ID', 'X-Webhook-Timestamp', 'X-Webhook-Signature', 'User-Agent', 'Content-Type'],
  },
  {
    name: 'webhooks-api',
    read: readWebhooksApi,
    start: startWebhooksApi,
    config: { wireFormat: 'standard-webhooks' },
    reading: ({ id, type, createdAt: timestamp, data }) => ({ id, type, timestamp, data }),
    headers: standardHeaders,
  },
  {
    name: 'cloudevents',
    read: readCloudEvent,
    start: startCloudEvents,
    config: { wireFormat: 'cloudevents', signatures: ['v1', 'v1a'] },
    reading: ({ id, type, createdAt: time, data }, { tenantId }) => {
      const source = `urn:switchyard:${tenantId}:sandbox`
      return { specversion: '1.0', id, source, type, time, datacontenttype: 'application/json', data }
    },
    headers: standardHeaders,
  },
]

interface Registered extends Contract {
  receiver: ContractReceiver
  destinationId: string
  /** What came of the events that were posted: later tests send to the receiver, too. */
  received: Report[]
}

const stack = sharedStack()
let tenant: Awaited<ReturnType<typeof makeTenant>>
const registered = new Map<string, Registered>()
let posted: Posted[]

beforeAll(async () => {
  tenant = await makeTenant(stack)
  for (const contract of contracts) registered.set(contract.name, await register(contract))
  posted = await pMap(payloads, post, { concurrency: 8 })
  await eventually(
    readStatuses,
    (statuses) => statuses.filter((status) => status !== 'pending').length === events,
    120_000,
  )
  for (const contract of registered.values()) contract.received = [...contract.receiver.reports]
}, 240_000)
afterAll(async () => {
  for (const { receiver } of registered.values()) await receiver.stop()
})

async function readStatuses(): Promise<string[]> {
  const { body } = await tenant.api.get(`/events?limit=${events}`).expect(200)
  return (body as { data: { status: string }[] }).data.map(({ status }) => status)
}

async function register(contract: Contract): Promise<Registered> {
  const receiver = await contract.start()
  const config = { url: receiver.url, ...contract.config }
  const subscription = { eventTypes: ['all'] }
  const given = { name: contract.name, channel: 'webhook', config, subscription }
  const { body } = await tenant.api.post('/destinations', given).expect(201)
  const { id, secret, publicKey } = body as { id: string; secret?: string; publicKey?: string }
  // Smart KYC's webhooks have no secret of their own: the tenant's API secret, shown with its first key, signs.
  Object.assign(receiver.keys, { secret: secret ?? tenant.apiSecret, publicKey })
  return { ...contract, receiver, destinationId: id, received: [] }
}

/** Posts the text as it is: a client that made a value of it first would lose -0. */
async function post(payload: string, index: number): Promise<Posted> {
  const type = types[index % types.length] ?? ''
  const { body } = await supertest(stack.app)
    .post('/api/v1/events')
    .auth(tenant.key, { type: 'bearer' })
    .type('json')
    .send(`{"type":"${type}","data":${payload}}`)
    .expect(202)
  const { id, createdAt } = body as { id: string; createdAt: string }
  return { id, type, createdAt, data: JSON.parse(payload) }
}

function of(name: string): Registered {
  const found = registered.get(name)
  if (!found) throw new Error(`${name} was not registered`)
  return found
}

const names = contracts.map(({ name }) => name)

describe.each(names)('a receiver written against %s', (name) => {
  it('verifies every delivery and reads what was posted: payload, id, type and time', () => {
    const { received, reading, destinationId } = of(name)
    const where = { tenantId: tenant.id, destinationId }
    expect(received.flatMap(({ refusal }) => refusal ?? [])).toEqual([])
    expect(received).toHaveLength(events)
    // As text: what differs only in how it is written is told apart.
    const read = new Set(received.map((report) => JSON.stringify(report.reading)))
    const expected = posted.map((event) => JSON.stringify(reading(event, where)))
    expect(expected.filter((text) => !read.has(text)).map((text) => text.slice(0, 1000))).toEqual([])
  })

  it('finds its headers in the spelling of the document', () => {
    const { received, headers } = of(name)
    for (const { delivery } of received) expect(delivery.headerNames).toEqual(expect.arrayContaining(headers))
  })

  it('takes the same request again, and refuses it with one bit of its body flipped', async () => {
    const { receiver, read } = of(name)
    for (const delivery of someDeliveries(name)) {
      expect(await sendAgain(receiver, delivery)).toBeLessThan(300)
      for (const bit of places(delivery.body.length * 8)) {
        const body = Buffer.from(delivery.body)
        body.writeUInt8(body.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const changed = { ...delivery, body }
        expect(() => read(changed, receiver.keys), `bit ${bit}`).toThrow(/signature/)
        expect(await sendAgain(receiver, changed), `bit ${bit}`).toBeOneOf([400, 401])
      }
    }
  }, 60_000)

  it('refuses the same request with one character of a signature changed', async () => {
    const { receiver, read } = of(name)
    for (const delivery of someDeliveries(name)) {
      const all = changedSignatures(delivery)
      expect(all.length).toBeGreaterThan(0)
      for (const changed of all) {
        expect(() => read(changed, receiver.keys)).toThrow(/signature/)
        expect(await sendAgain(receiver, changed)).toBe(401)
      }
    }
  })

  it('refuses the same request under another secret', () => {
    const { receiver, read } = of(name)
    const { secret } = of(name === 'dataspike' ? 'webhooks-api' : 'dataspike').receiver.keys
    for (const delivery of someDeliveries(name))
      expect(() => read(delivery, { ...receiver.keys, secret })).toThrow(/signature/)
  })
})

describe('what was posted', () => {
  it('was delivered at the first attempt, to all five', async () => {
    const { body } = await tenant.api.get(`/events?limit=${events}`).expect(200)
    const { data } = body as { data: { status: string; deliveries: { attempts: number }[] }[] }
    const attempts = data.map(({ deliveries }) => deliveries.map((delivery) => delivery.attempts))
    expect(attempts).toEqual(Array.from({ length: events }, () => [1, 1, 1, 1, 1]))
  })

  it.each(['dataspike', 'webhooks-api', 'cloudevents'])(
    'was signed for %s with the time of its attempt, as the log has it',
    async (name) => {
      const { destinationId } = of(name)
      for (const { headers } of someDeliveries(name)) {
        const { deliveries } = await settledLog(tenant.api, String(headers['webhook-id']))
        const attempts = deliveries.find((found) => found.destinationId === destinationId)?.attempts
        const at = Math.floor(Date.parse(attempts?.[0]?.at ?? '') / 1000)
        expect(headers['webhook-timestamp']).toBe(String(at))
      }
    },
  )

  it('was signed by a key pair for cloudevents, and another public key does not verify it', () => {
    const { receiver } = of('cloudevents')
    const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
    const publicKey = `whpk_${Buffer.from(x, 'base64url').toString('base64')}`
    for (const delivery of someDeliveries('cloudevents'))
      expect(() => readCloudEvent(delivery, { ...receiver.keys, publicKey })).toThrow(
        'no v1a signature is by this key',
      )
  })

  it('had large payloads, and what only the text of JSON can say', () => {
    const howMany = (pattern: RegExp) => payloads.filter((text) => pattern.test(text)).length
    expect(payloads.filter((text) => Buffer.byteLength(text) >= 200 * 1024)).toHaveLength(2)
    expect(howMany(/"(constructor|toString|hasOwnProperty)":/)).toBeGreaterThanOrEqual(3)
    expect(howMany(/[:,[]-0[,\]}]/)).toBeGreaterThanOrEqual(3)
    // JSON.stringify writes no surrogate as an escape unless it stands alone.
    expect(howMany(/\\ud[89a-f][0-9a-f]{2}/)).toBeGreaterThanOrEqual(10)
  })
})

/** The smallest, a middling and the largest request of those that verified. */
function someDeliveries(name: string): Delivery[] {
  const deliveries = of(name)
    .received.filter(({ reading }) => reading)
    .map(({ delivery }) => delivery)
  const bySize = deliveries.sort((a, b) => a.body.length - b.body.length)
  return [0, events / 2, events - 1].flatMap((index) => bySize[index] ?? [])
}

function places(below: number): number[] {
  return fc.sample(fc.nat(below - 1), { seed, numRuns: 12 })
}

/** Each signature of a request with one of its characters changed. The last bits of base64 may mean nothing: not those. */
function changedSignatures(delivery: Delivery): Delivery[] {
  const header = Object.keys(delivery.headers).find((name) => name.endsWith('signature')) ?? ''
  const value = String(delivery.headers[header])
  return [...value.matchAll(/[A-Za-z0-9+/]{40,}/g)].flatMap(({ index: start }) =>
    places(40).map((place) => {
      const at = start + place
      const changed = value.slice(0, at) + (value[at] === '0' ? '1' : '0') + value.slice(at + 1)
      return { ...delivery, headers: { ...delivery.headers, [header]: changed } }
    }),
  )
}

/** Sends a request as it was received, and answers with the status. */
function sendAgain({ url }: ContractReceiver, { headers, body }: Delivery): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const again = request(
      url,
      { method: 'POST', headers: { ...headers, connection: 'close' } },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      },
    )
    again.on('error', reject)
    again.end(body)
  })
}
