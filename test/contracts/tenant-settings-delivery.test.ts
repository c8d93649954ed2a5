import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  startReceiver,
  status,
  statuses,
  type Received,
  type Receiver,
  type Respond,
} from '../support/servers/receiver.ts'
import { startSmtpReceiver, type SmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { makeTenant, settledLog, startStack, untilTestEnds, type Api, type Stack } from '../support/stack.ts'
import { change, destinations, read, reveal } from './settings-client.ts'

let stack: Stack
let mail: SmtpReceiver
beforeAll(async () => {
  mail = await startSmtpReceiver()
  const from = 'switchyard@platform.example'
  stack = await startStack({ mail: { smtpUrl: `smtp://127.0.0.1:${mail.port}`, from } })
})
afterAll(async () => {
  await stack.stop()
  await mail.stop()
})
beforeEach(() => {
  mail.mails.length = 0
})

const receiver = async (respond?: Respond): Promise<Receiver> => untilTestEnds(await startReceiver(respond))

/** Posts an event and answers with its log once every delivery has ended. */
async function send(api: Api, type = 'kyc.session.processed', data: object = { session_id: 'ses_1' }) {
  const { body } = await api.post('/events', { type, data }).expect(202)
  return settledLog(api, (body as { id: string }).id)
}

function single({ received }: Receiver): Received {
  const [request, ...others] = received
  if (!request) throw new Error('nothing arrived')
  expect(others).toEqual([])
  return request
}

/** As a receiver checks it that reads "HMAC-SHA256 signature (sha256=...)" and protects itself against replays. */
function signature(secret: string, { headers, body }: Received): string {
  const timestamp = headers['x-webhook-timestamp'] as string
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
}

describe('the settings’ webhook', () => {
  it('has the headers and the envelope of the document, signed with the secret that is revealed', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    await change(api, { webhook_url: hook.url })
    const secret = await reveal(api)
    const data = { session_id: 'ses_1', full_name: 'Zoë Ångström 🕵️', score: 0.95 }
    const { id, ...log } = await send(api, 'kyc.session.processed', data)
    expect(log).toMatchObject({ status: 'delivered', deliveries: [{ channel: 'webhook' }] })

    const request = single(hook)
    const { headers, body } = request
    const envelope = JSON.parse(body) as { created: number }
    expect(Object.keys(envelope)).toEqual(['id', 'type', 'created', 'data'])
    const { createdAt } = (await api.get(`/events/${id}`).expect(200)).body as { createdAt: string }
    const created = Math.floor(Date.parse(createdAt) / 1000)
    expect(envelope).toEqual({ id, type: 'kyc.session.processed', created, data })
    expect(Number.isInteger(envelope.created)).toBe(true)
    expect(headers).toMatchObject({
      'x-webhook-id': id,
      'x-webhook-timestamp': String(created),
      'x-webhook-signature': signature(secret, request),
      'user-agent': 'KYC-Webhooks/1.0',
      'content-type': 'application/json',
    })
    expect(id).toMatch(/^evt_/)
    expect(signature(secret, { ...request, body: body.replace('ses_1', 'ses_2') })).not.toBe(
      headers['x-webhook-signature'],
    )
    expect(signature(`${secret}x`, request)).not.toBe(headers['x-webhook-signature'])
  })

  it('is tried again after a 500, with the same id, the same timestamp and the same signature', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver(statuses(500))
    await change(api, { webhook_url: hook.url })
    // The second attempt comes after at least four seconds, so that a timestamp of its own would be another one.
    const log = await send(api)
    const [first, second] = log.deliveries[0]?.attempts ?? []
    expect(log.deliveries[0]?.attempts.map(({ responseCode }) => responseCode)).toEqual([500, 200])
    expect(Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '')).toBeGreaterThan(1000)
    const [refused, taken] = hook.received
    expect(hook.received).toHaveLength(2)
    expect(taken?.body).toBe(refused?.body)
    for (const name of ['x-webhook-id', 'x-webhook-timestamp', 'x-webhook-signature']) {
      expect(refused?.headers[name]).toMatch(/./)
      expect(taken?.headers[name]).toBe(refused?.headers[name])
    }
  })

  it('gives its receiver the document’s ten seconds', async () => {
    const { api } = await makeTenant(stack)
    await change(api, { webhook_url: (await receiver()).url })
    expect(await destinations(api)).toMatchObject([
      { config: { wireFormat: 'kyc-webhooks' }, delivery: { timeoutMs: 10_000 } },
    ])
  })

  it('signs with a secret of the tenant’s own, and with the next one as soon as it is set', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    const secrets = ['a-secret-of-our-own-0123456789', 'and-the-next-one-9876543210']
    await change(api, { webhook_url: hook.url, webhook_secret: secrets[0] })
    await send(api)
    await change(api, { webhook_secret: secrets[1] })
    await send(api)
    expect(hook.received).toHaveLength(2)
    for (const [at, request] of hook.received.entries())
      expect(request.headers['x-webhook-signature']).toBe(signature(secrets[at] ?? '', request))
  })

  it('signs the body alone where the native API said so, and a change of the settings leaves that', async () => {
    const { api } = await makeTenant(stack)
    const [first, moved] = [await receiver(), await receiver()]
    await change(api, { webhook_url: first.url })
    const [destination] = await destinations(api)
    await api.patch(`/destinations/${destination?.id}`, { config: { signedContent: 'body' } }).expect(200)
    await change(api, { webhook_url: moved.url })
    await send(api)
    expect(first.received).toEqual([])
    const { headers, body } = single(moved)
    const expected = createHmac('sha256', await reveal(api))
      .update(body)
      .digest('hex')
    expect(headers['x-webhook-signature']).toBe(`sha256=${expected}`)
  })

  it('is called again after it was disabled once its URL is set again', async () => {
    const { api } = await makeTenant(stack)
    const hook = await receiver(status(410))
    await change(api, { webhook_url: hook.url })
    expect(await send(api)).toMatchObject({ status: 'failed' })
    expect(await destinations(api)).toMatchObject([{ status: 'disabled' }])
    expect(await send(api)).toMatchObject({ status: 'unrouted' })
    hook.answer(status(200))
    await change(api, { webhook_url: hook.url })
    expect(await send(api)).toMatchObject({ status: 'delivered' })
    expect(hook.received).toHaveLength(2)
  })
})

it('what somebody paused stays paused when the settings are sent back as they were read', async () => {
  const { api } = await makeTenant(stack)
  const [hook, elsewhere] = [await receiver(), await receiver()]
  await change(api, { webhook_url: hook.url })
  const [webhook] = await destinations(api)
  await api.post(`/destinations/${webhook?.id}/pause`).expect(200)
  await change(api, await read(api))
  expect(await destinations(api)).toMatchObject([{ status: 'paused' }])
  await change(api, { webhook_url: elsewhere.url })
  expect(await destinations(api)).toMatchObject([{ status: 'active' }])
})

describe('the notification channels', () => {
  it('one event goes out by webhook, to every address and to Slack', async () => {
    const { api } = await makeTenant(stack)
    const [hook, slack] = [await receiver(), await receiver()]
    await change(api, {
      webhook_url: hook.url,
      notification_emails: ['aml@example.com', 'kyc@example.com'],
      slack_webhook_url: slack.url,
    })
    const log = await send(api, 'kyc.watchlist.match_found', { matched_name: 'Leontina Marchetti' })
    expect(log.status).toBe('delivered')
    expect(log.deliveries.map(({ channel, status: state }) => `${channel} ${state}`).sort()).toEqual([
      'email delivered',
      'slack delivered',
      'webhook delivered',
    ])

    expect(single(hook).headers['x-webhook-id']).toBe(log.id)
    expect(JSON.parse(single(slack).body)).toMatchObject({
      text: 'KYC watchlist match found (sandbox)',
    })
    expect(single(slack).body).toContain('Leontina Marchetti')
    expect(mail.envelopes.map(({ to }) => to)).toEqual([['aml@example.com'], ['kyc@example.com']])
    expect(mail.mails[0]?.subject).toBe('KYC watchlist match found (sandbox)')
    expect(mail.mails[0]?.text).toContain(log.id)
    expect(mail.mails[0]?.text).toContain('Leontina Marchetti')
    expect([mail.mails[0]?.to].flat().map((to) => to?.text)).toEqual(['aml@example.com, kyc@example.com'])
  })

  it('settings that are sent back masked go on working', async () => {
    const { api } = await makeTenant(stack)
    const [hook, slack] = [await receiver(), await receiver()]
    await change(api, { webhook_url: hook.url, slack_webhook_url: slack.url })
    const secret = await reveal(api)
    await change(api, await read(api))
    expect(await send(api)).toMatchObject({ status: 'delivered' })
    expect(single(slack).path).toBe('/hook')
    expect(single(hook).headers['x-webhook-signature']).toBe(signature(secret, single(hook)))
  })

  it('a channel that is turned off hears nothing any more', async () => {
    const { api } = await makeTenant(stack)
    const [hook, slack] = [await receiver(), await receiver()]
    const emails = { notification_emails: ['aml@example.com'] }
    await change(api, { webhook_url: hook.url, slack_webhook_url: slack.url, ...emails })
    await send(api)
    await change(api, { webhook_url: null, notification_emails: [] })
    const log = await send(api)
    expect(log.deliveries).toMatchObject([{ channel: 'slack', status: 'delivered' }])
    expect([hook.received.length, mail.mails.length, slack.received.length]).toEqual([1, 1, 2])
  })

  it('a secret URL of Slack’s never shows, not even where its server echoes it', async () => {
    const { api } = await makeTenant(stack)
    const path = '/services/T0AB12CD3/B0EF45GH6/XXX4pq9ZZw0aBcDeFgHiJkLm'
    const slack = await receiver((response, request) => response.writeHead(400).end(`no ${request.path}`))
    const slackUrl = new URL(path, slack.url).href
    const changed = await change(api, { slack_webhook_url: slackUrl })
    const log = await send(api)
    expect(single(slack).path).toBe(path)
    expect(JSON.stringify(log)).toContain('[redacted]')
    const shown = JSON.stringify([changed, await read(api), await destinations(api), log])
    expect(shown).not.toContain('XXX4pq9ZZw0aBcDeFgHi')
  })
})

describe('event_categories', () => {
  const types = ['kyc.session.processed', 'kyc.watchlist.match_found', 'aml.match.found']
  it.each<[categories: string[] | null, heard: string[]]>([
    [null, types],
    [['session'], ['kyc.session.processed']],
    [['watchlist'], ['kyc.watchlist.match_found']],
    [
      ['session', 'watchlist'],
      ['kyc.session.processed', 'kyc.watchlist.match_found'],
    ],
  ])('%j: what is heard is %j', async (event_categories, heard) => {
    const { api } = await makeTenant(stack)
    const hook = await receiver()
    // Narrowed from the other side first: what is set last counts.
    await change(api, { webhook_url: hook.url, event_categories: ['watchlist'] })
    const settings = await change(api, { event_categories })
    expect(settings.event_categories).toEqual(event_categories)
    for (const type of types) {
      const log = await send(api, type)
      expect(log.status, type).toBe(heard.includes(type) ? 'delivered' : 'unrouted')
    }
    expect(hook.received.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual(heard)
  })
})
