import { describe, expect, it } from 'vitest'
import { startReceiver, statuses, type Received } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { eventually, makeTenant, settledLog, untilTestEnds, waitingLog } from '../support/stack.ts'
import { readCloudEvent } from './receivers/cloudevents.ts'
import { readDataspike } from './receivers/dataspike.ts'
import { readKycWebhooks, startKycWebhooks } from './receivers/kyc-webhooks.ts'
import type { Delivery, Keys, Read } from './receivers/receiver.ts'
import { readSmartKyc } from './receivers/smart-kyc.ts'
import { readWebhooksApi } from './receivers/webhooks-api.ts'

const stack = sharedStack()

const toDelivery = ({ headers, body }: Received): Delivery => ({
  headers,
  headerNames: Object.keys(headers),
  body: Buffer.from(body),
})

interface Shape {
  config: object
  read: Read
  /** Where the payload is in what is read. */
  data: 'data' | 'payload'
}
const shapes = {
  'standard-webhooks': { config: { wireFormat: 'standard-webhooks' }, read: readWebhooksApi, data: 'data' },
  'kyc-webhooks': {
    config: { wireFormat: 'kyc-webhooks' },
    read: readKycWebhooks('timestamp.body'),
    data: 'data',
  },
  'kyc-webhooks that signs the body': {
    config: { wireFormat: 'kyc-webhooks', signedContent: 'body' },
    read: readKycWebhooks('body'),
    data: 'data',
  },
  'smart-kyc': { config: { wireFormat: 'smart-kyc' }, read: readSmartKyc, data: 'data' },
  dataspike: { config: { wireFormat: 'dataspike' }, read: readDataspike, data: 'payload' },
  'cloudevents with a key pair': {
    config: { wireFormat: 'cloudevents', signatures: ['v1', 'v1a'] },
    read: readCloudEvent,
    data: 'data',
  },
} satisfies Record<string, Shape>
type Name = keyof typeof shapes

/** Takes away what the format before had and the next one does not know. */
const cleared = { signatures: null, signedContent: null }

describe('a destination whose wire format is changed while an event waits for its second attempt', () => {
  it.each<[from: Name, to: Name]>([
    ['standard-webhooks', 'kyc-webhooks'],
    ['standard-webhooks', 'smart-kyc'],
    ['smart-kyc', 'kyc-webhooks that signs the body'],
    ['smart-kyc', 'cloudevents with a key pair'],
    ['kyc-webhooks that signs the body', 'smart-kyc'],
    ['kyc-webhooks that signs the body', 'kyc-webhooks'],
    ['kyc-webhooks', 'dataspike'],
    ['cloudevents with a key pair', 'kyc-webhooks that signs the body'],
  ])('from %s to %s: the second attempt is all in the new one', async (from, to) => {
    const { api, apiSecret = '' } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(statuses(500)))
    const created = await api
      .post('/destinations', {
        name: 'receiver',
        channel: 'webhook',
        config: { url: receiver.url, ...shapes[from].config },
        subscription: { eventTypes: ['all'] },
        delivery: { schedule: ['0s', '1h'] },
      })
      .expect(201)
    const { id } = created.body as { id: string }
    const data = { matchedName: 'Zoë 🕵️', score: 0.1, '': [{}] }
    const event = await api.post('/events', { type: 'aml.match.found', data }).expect(202)
    const eventId = (event.body as { id: string }).id
    await waitingLog(api, eventId)
    const config = { ...cleared, ...shapes[to].config }
    const patched = await api.patch(`/destinations/${id}`, { config }).expect(200)
    await api.post(`/events/${eventId}/retry`).expect(202)
    const log = await settledLog(api, eventId)
    expect(log.deliveries[0]?.attempts).toMatchObject([{ responseCode: 500 }, { responseCode: 200 }])

    // The secret that was made at first stays; where the tenant's signed until now, one is made and shown.
    const before = created.body as Partial<Keys>
    const after = patched.body as Partial<Keys>
    const keysOf = (name: Name, secret = ''): Keys => ({
      secret: name === 'smart-kyc' ? apiSecret : secret,
      publicKey: after.publicKey ?? before.publicKey,
    })
    const [first, second] = receiver.received.map(toDelivery)
    if (!first || !second) throw new Error('there were not two attempts')
    const firstKeys = keysOf(from, before.secret)
    const secondKeys = keysOf(to, before.secret ?? after.secret)
    expect(shapes[from].read(first, firstKeys)[shapes[from].data]).toEqual(data)
    expect(shapes[to].read(second, secondKeys)[shapes[to].data]).toEqual(data)
    expect(() => shapes[from].read(second, firstKeys)).toThrow()
    expect(() => shapes[to].read(first, secondKeys)).toThrow()
  })
})

describe('a receiver that goes by X-Webhook-ID', () => {
  it('processes an event once, though it comes again by a replay', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startKycWebhooks())
    const { body } = await api
      .post('/destinations', {
        name: 'receiver',
        channel: 'webhook',
        config: { url: receiver.url, wireFormat: 'kyc-webhooks' },
        subscription: { eventTypes: ['all'] },
      })
      .expect(201)
    receiver.keys.secret = (body as { secret: string }).secret
    const type = 'kyc.session.processed'
    const event = (await api.post('/events', { type, data: { session_id: 'ses_1' } }).expect(202)).body as {
      id: string
    }
    await settledLog(api, event.id)
    await api.post(`/events/${event.id}/replay`).expect(202)
    await eventually(
      () => Promise.resolve(receiver.reports.length),
      (count) => count === 2,
    )
    expect(receiver.reports.map(({ reading }) => reading)).toMatchObject([{ id: event.id }, { id: event.id }])
    expect(receiver.processed).toMatchObject([{ id: event.id, type, data: { session_id: 'ses_1' } }])
  })
})
