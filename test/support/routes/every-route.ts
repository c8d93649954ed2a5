import {
  aDestination,
  aKey,
  anErasure,
  anEvent,
  anEventType,
  aPausedReplay,
  aPlatformKey,
  aRule,
  aTemplate,
  aTenant,
  aTenantDeletion,
  aTestLog,
  anUnconfirmedEmail,
  aWaitingEvent,
  aWebhook,
  destinationFields,
  messageParts,
  ruleFields,
  type World,
} from '../things.ts'

/** A call that its world's own key makes with success. */
export interface Call {
  params?: Record<string, string>
  query?: Record<string, string>
  body?: object
}

/** Makes what the call is about, each time anew where the call uses it up. */
type MakeCall = (world: World) => Call | Promise<Call>

const nothing: MakeCall = () => ({})
const about =
  (make: (world: World) => Promise<string>, more: Omit<Call, 'params'> = {}, param = 'id'): MakeCall =>
  async (world) => ({ params: { [param]: await make(world) }, ...more })

/**
 * How to make a valid call of every route that the app mounts, by method and path. Tests go through all of them: a new route
 * needs a line here.
 */
export const everyRoute: Readonly<Record<string, MakeCall>> = {
  'POST /api/v1/tenants': ({ mark }) => ({ body: { name: `${mark} tenant` } }),
  'GET /api/v1/tenants': nothing,
  'GET /api/v1/tenants/:id': ({ tenantId }) => ({ params: { id: tenantId } }),
  'PATCH /api/v1/tenants/:id': ({ tenantId, mark }) => ({
    params: { id: tenantId },
    body: { name: `${mark} renamed` },
  }),
  'DELETE /api/v1/tenants/:id': async (world) => {
    const { id, name } = await aTenant(world)
    return { params: { id }, body: { confirm: name } }
  },
  'GET /api/v1/tenant-deletions/:id': about(aTenantDeletion),
  'POST /api/v1/tenants/:id/keys': ({ tenantId, environment, mark }) => ({
    params: { id: tenantId },
    body: { environment, name: `${mark} another key` },
  }),
  'GET /api/v1/tenants/:id/keys': ({ tenantId }) => ({ params: { id: tenantId } }),
  'DELETE /api/v1/tenants/:id/keys/:keyId': async (world) => ({
    params: { id: world.tenantId, keyId: await aKey(world) },
  }),
  'POST /api/v1/tenants/:id/keys/:keyId/rotate': async (world) => ({
    params: { id: world.tenantId, keyId: await aKey(world) },
    body: { overlap: '1h' },
  }),
  'GET /api/v1/keys': nothing,
  'POST /api/v1/keys': ({ mark }) => ({ body: { name: `${mark} own key`, scopes: ['events:read'] } }),
  'DELETE /api/v1/keys/:id': about(aKey),
  'POST /api/v1/keys/:id/rotate': about(aKey, { body: { overlap: '1h' } }),
  'GET /api/v1/platform-keys': nothing,
  'POST /api/v1/platform-keys': ({ mark }) => ({ body: { name: `${mark} platform key` } }),
  'DELETE /api/v1/platform-keys/:id': about(aPlatformKey),
  'POST /api/v1/platform-keys/:id/rotate': about(aPlatformKey, { body: { overlap: '1h' } }),

  'POST /api/v1/destinations': (world) => ({ body: destinationFields(world) }),
  'GET /api/v1/destinations': nothing,
  'GET /api/v1/destinations/:id': about(aDestination),
  'PATCH /api/v1/destinations/:id': about(aDestination, { body: { delivery: { timeoutMs: 5000 } } }),
  'DELETE /api/v1/destinations/:id': about(aDestination),
  'POST /api/v1/destinations/:id/pause': about(aDestination),
  'POST /api/v1/destinations/:id/resume': about((world) => aDestination(world, { status: 'paused' })),
  'POST /api/v1/destinations/:id/test': about(aDestination, { body: { eventType: 'test' } }),
  'GET /api/v1/destinations/:id/stats': about(aDestination, { query: { days: '3' } }),
  'POST /api/v1/destinations/:id/rotate-secret': about(aDestination, { body: { overlap: '1h' } }),
  'POST /api/v1/destinations/:id/revoke-previous-secrets': about(aDestination),
  'POST /api/v1/destinations/:id/confirmations': about(anUnconfirmedEmail, { body: {} }),
  'POST /api/v1/tenants/:id/destinations/:destinationId/vouch': async (world) => ({
    params: { id: world.tenantId, destinationId: await anUnconfirmedEmail(world) },
    body: {},
  }),

  'POST /api/v1/events': ({ mark }) => ({ body: { type: 'aml.match.found', data: { name: mark } } }),
  'POST /api/v1/events/batch': ({ mark }) => ({
    body: { events: [{ type: 'aml.match.found', data: { name: mark } }] },
  }),
  'GET /api/v1/events': nothing,
  'GET /api/v1/events/:id': about(anEvent),
  'POST /api/v1/events/:id/replay': about(anEvent, { body: {} }),
  'POST /api/v1/events/:id/retry': about(aWaitingEvent, { body: {} }),
  'POST /api/v1/events/:id/ack': async (world) => ({
    params: { id: await aWaitingEvent(world) },
    body: { by: world.mark, note: `${world.mark} note` },
  }),
  'POST /api/v1/events/:id/cancel': about(aWaitingEvent),
  'POST /api/v1/events/:id/erase': async (world) => ({
    params: { id: await anEvent(world) },
    body: { reason: `${world.mark} reason` },
  }),
  'GET /api/v1/erasures/:id': about(anErasure),
  'GET /api/v1/deliveries': nothing,

  'POST /api/v1/replays': () => ({ body: { from: longAgo, status: 'all', type: 'nothing.like.it' } }),
  'GET /api/v1/replays': nothing,
  'GET /api/v1/replays/:id': about(aPausedReplay),
  'POST /api/v1/replays/:id/pause': about(aPausedReplay),
  'POST /api/v1/replays/:id/resume': about(aPausedReplay, { body: { ratePerSecond: 5 } }),
  'POST /api/v1/replays/:id/cancel': about(aPausedReplay),

  'POST /api/v1/rules/preview': ({ mark }) => ({ body: { type: 'aml.match.found', data: { name: mark } } }),
  'POST /api/v1/rules': async (world) => ({ body: ruleFields(world, await aDestination(world)) }),
  'GET /api/v1/rules': nothing,
  'GET /api/v1/rules/:id': about(aRule),
  'PATCH /api/v1/rules/:id': about(aRule, { body: { exclusive: true } }),
  'DELETE /api/v1/rules/:id': about(aRule),
  'POST /api/v1/rules/:id/enable': about(aRule),
  'POST /api/v1/rules/:id/disable': about((world) => aRule(world, { enabled: true })),
  'GET /api/v1/rules/:id/versions': about(aRule),

  'GET /api/v1/event-types': nothing,
  'POST /api/v1/event-types': ({ mark }) => ({
    body: { type: `made.${Date.now()}-${++made}`, description: mark, sample: { name: mark } },
  }),
  'GET /api/v1/event-types/presets': nothing,
  'POST /api/v1/event-types/presets': () => ({ body: { preset: 'webhooks-api' } }),
  'GET /api/v1/event-types/:type': about(anEventType, {}, 'type'),
  'PATCH /api/v1/event-types/:type': about(anEventType, { body: { description: 'Changed' } }, 'type'),
  'DELETE /api/v1/event-types/:type': about(anEventType, {}, 'type'),

  'POST /api/v1/templates': ({ mark }) => ({ body: { name: `${mark} template`, parts: messageParts(mark) } }),
  'GET /api/v1/templates': nothing,
  'POST /api/v1/templates/preview': ({ mark }) => ({ body: { parts: messageParts(mark) } }),
  'GET /api/v1/templates/:id': about(aTemplate),
  'PATCH /api/v1/templates/:id': about(aTemplate, { body: { name: 'Renamed' } }),
  'DELETE /api/v1/templates/:id': about(aTemplate),
  'GET /api/v1/templates/:id/versions': about(aTemplate),
  'POST /api/v1/templates/:id/preview': about(aTemplate, { body: {} }),

  'GET /api/v1/configuration': nothing,
  'POST /api/v1/configuration': ({ mark }) => ({
    body: {
      switchyard: 1,
      templates: [{ name: `${mark} template of a document`, parts: messageParts(mark) }],
    },
  }),
  'POST /api/v1/tenant/api-secret/rotate': () => ({ body: { overlap: '1h' } }),
  'GET /api/v1/audit': nothing,
  'GET /api/v1/audit/head': nothing,
  'GET /api/v1/tenants/:id/audit': ({ tenantId }) => ({ params: { id: tenantId } }),
  'GET /api/v1/tenants/:id/audit/head': ({ tenantId }) => ({ params: { id: tenantId } }),
  'GET /api/v1/platform/audit': nothing,
  'GET /api/v1/platform/audit/head': nothing,

  'POST /api/v1/webhooks/test/': ({ receiverUrl }) => ({ body: { webhook_url: receiverUrl } }),
  'GET /api/v1/webhooks/logs/': nothing,
  'GET /api/v1/webhooks/logs/:log_id/': about(aTestLog, {}, 'log_id'),
  'POST /api/v1/webhooks/': ({ receiverUrl, mark }) => ({
    body: { event_type: 'test', webhook_url: receiverUrl, description: mark },
  }),
  'GET /api/v1/webhooks/': nothing,
  'GET /api/v1/webhooks/:webhook_id/': about(aWebhook, {}, 'webhook_id'),
  'PATCH /api/v1/webhooks/:webhook_id/': about(aWebhook, { body: { is_active: false } }, 'webhook_id'),
  'DELETE /api/v1/webhooks/:webhook_id/': about(aWebhook, {}, 'webhook_id'),

  'GET /api/v1/tenant/settings': nothing,
  'PATCH /api/v1/tenant/settings': settings,
  'POST /api/v1/tenant/settings/reveal-secret': async (world) => {
    await world.api.patch('/tenant/settings', settings(world).body).expect(200)
    return {}
  },

  'GET /api/v3/notifications/webhook/history': nothing,
}

let made = 0

/** Events of all times. */
const longAgo = '2020-01-01T00:00:00Z'

function settings({ receiverUrl }: World) {
  return { body: { webhook_url: receiverUrl, notification_emails: ['compliance@example.com'] } }
}

/** A valid call of the route. */
export async function callOf(name: string, world: World): Promise<Call> {
  const make = everyRoute[name]
  if (!make)
    throw new Error(`test/support/routes/every-route.ts does not say how ${name} is called: add a line there`)
  return make(world)
}

/** What a call of a route named as in `everyRoute` asks for. */
export function requestLine(
  name: string,
  { params = {}, query = {} }: Call,
): { method: string; path: string } {
  const [method = '', pattern = ''] = name.split(' ')
  const path = pattern.replace(/:(\w+)/g, (_, param: string) => {
    const value = params[param]
    if (value === undefined) throw new Error(`every-route.ts gives no ${param} for ${name}: add it there`)
    return encodeURIComponent(value)
  })
  const search = new URLSearchParams(query).toString()
  return { method, path: search === '' ? path : `${path}?${search}` }
}
