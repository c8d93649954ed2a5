import { isDeepStrictEqual } from 'node:util'
import { Webhook as Verifier } from 'standardwebhooks'
import { expect } from 'vitest'
import { type Received, type Receiver, type Respond, startReceiver } from '../support/servers/receiver.ts'
import { eventually, settledLog, untilTestEnds, type Api, type EventLog } from '../support/stack.ts'

/** A webhook as the Webhooks API’s document shows it. */
export interface Webhook {
  id: string
  event_type: string
  webhook_url: string
  is_active: boolean
  description: string
  filters: object
  created_at: string
  updated_at?: string
  stats: { total_deliveries: number; successful_deliveries: number; failed_deliveries: number }
  last_triggered_at: string | null
}

/** What a problem says is wrong, by field. */
export interface Problem {
  status: number
  code: string
  errors: { path: string; message: string }[]
}

/** Times as the document writes them: microseconds and an offset. */
export const documentedTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}\+00:00$/

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A receiver that the document's webhooks may name: HTTPS. */
export async function httpsReceiver(respond?: Respond): Promise<Receiver> {
  return untilTestEnds(await startReceiver(respond, { tls: true }))
}

export async function createWebhook(api: Api, given: object = {}) {
  const body = { event_type: 'all', webhook_url: 'https://example.com/hook', ...given }
  return (await api.post('/webhooks/', body).expect(201)).body as { id: string; secret_key: string }
}

export async function readWebhook(api: Api, id: string): Promise<Webhook> {
  return (await api.get(`/webhooks/${id}/`).expect(200)).body as Webhook
}

export async function listWebhooks(api: Api): Promise<Webhook[]> {
  return ((await api.get('/webhooks/').expect(200)).body as { webhooks: Webhook[] }).webhooks
}

/**
 * The webhook once its counts and its last delivery are these: they are a moment on their way, each for itself. The
 * time is given as the native log has it.
 */
export function triggeredWebhook(
  api: Api,
  id: string,
  expected: { stats: Webhook['stats']; lastAttemptAt: string | undefined },
): Promise<Webhook> {
  const last_triggered_at = expected.lastAttemptAt?.replace(/Z$/, '000+00:00')
  return eventually(
    () => readWebhook(api, id),
    (webhook) =>
      isDeepStrictEqual(webhook.stats, expected.stats) && webhook.last_triggered_at === last_triggered_at,
  )
}

interface NativeDestination {
  id: string
  status: string
  config: { url?: string }
  subscription: object
}

/** The webhook as the native API shows it. */
export async function nativeTwin(api: Api, url: string): Promise<NativeDestination> {
  const { data } = (await api.get('/destinations').expect(200)).body as { data: NativeDestination[] }
  const twins = data.filter(({ config }) => config.url === url)
  expect(twins).toHaveLength(1)
  return twins[0] as NativeDestination
}

/** Gives up after the first attempt: the document says nothing of a schedule, so it is set natively. */
export async function tryOnce(api: Api, { url }: Receiver): Promise<void> {
  const { id } = await nativeTwin(api, url)
  await api.patch(`/destinations/${id}`, { delivery: { schedule: ['0s'] } }).expect(200)
}

export async function postEvent(api: Api, type: string, data: object = { n: 1 }): Promise<string> {
  return ((await api.post('/events', { type, data }).expect(202)).body as { id: string }).id
}

/** Posts an event and waits until everything that comes of it has come. */
export async function postSettled(api: Api, type: string, data?: object): Promise<EventLog> {
  return settledLog(api, await postEvent(api, type, data))
}

/** The request's body, if the signature is right; throws if it is not. */
export function verified(request: Received | undefined, secretKey: string): unknown {
  return new Verifier(secretKey).verify(request?.body ?? '', request?.headers as Record<string, string>)
}

export interface Tested {
  success: boolean
  message: string
  log_id: number
  http_status_code: number | null
}

/** Tests a URL by the document's endpoint. */
export async function testUrl(api: Api, webhook_url: string, expected: 200 | 502): Promise<Tested> {
  return (await api.post('/webhooks/test/', { webhook_url }).expect(expected)).body as Tested
}
