import type { Environment } from '../../src/domain/event.ts'
import { eventually, readLog, type Api } from './stack.ts'

/** Whose calls they are: one tenant in one environment. */
export interface World {
  tenantId: string
  environment: Environment
  /** With a key that may do everything. */
  api: Api
  platform: Api
  /** An HTTPS receiver that the environment's destinations may have. */
  receiverUrl: string
  /** What every text that is made up begins with, so that whoever looks for it finds it. */
  mark: string
}

/** Things of a world, made through the API: each answers with the id of a new one. */

export async function aDestination(world: World, more: object = {}): Promise<string> {
  return idOf(await world.api.post('/destinations', { ...destinationFields(world), ...more }).expect(201))
}

/** A webhook that no event reaches unless a rule or a test names it, and that then waits for an hour. */
export function destinationFields({ mark, receiverUrl }: World) {
  return {
    name: `${mark} destination`,
    channel: 'webhook',
    config: { url: receiverUrl, headers: { 'X-Team': `${mark} header` } },
    subscription: { eventTypes: ['only.rules'], filter: { 'data.name': mark } },
    delivery: { schedule: ['1h'] },
  }
}

/** An email destination whose recipient was asked and has not answered. */
export async function anUnconfirmedEmail(world: World): Promise<string> {
  const { tenantId, mark, platform } = world
  await platform.patch(`/tenants/${tenantId}`, { emailConsent: 'confirm' }).expect(200)
  const config = { to: [`${mark.toLowerCase()}-${++made}@example.com`] }
  const id = await aDestination(world, { channel: 'email', config })
  await platform.patch(`/tenants/${tenantId}`, { emailConsent: 'vouched' }).expect(200)
  return id
}

export async function aRule(world: World, more: object = {}): Promise<string> {
  const fields = { ...ruleFields(world, await aDestination(world)), enabled: false, ...more }
  return idOf(await world.api.post('/rules', fields).expect(201))
}

/** For events that nothing else is for, so that rules of other calls do not act on them. */
export function ruleFields({ mark }: World, destinationId: string) {
  return {
    name: `${mark} rule`,
    when: { events: ['only.this.rule'], filter: { 'data.name': mark } },
    steps: [{ deliver: { to: [destinationId] } }, { awaitAck: { within: '1h' } }],
  }
}

export function messageParts(mark: string) {
  return { slack: { text: `${mark} {{ data.name }}` }, email: { subject: mark, text: `${mark} text` } }
}

export async function aTemplate({ api, mark }: World): Promise<string> {
  const fields = { name: `${mark} template`, parts: messageParts(mark) }
  return idOf(await api.post('/templates', fields).expect(201))
}

export async function anEventType({ api, mark }: World): Promise<string> {
  const type = `own.type-${++made}`
  const sample = { name: mark }
  await api.post('/event-types', { type, description: `${mark} type`, sample }).expect(201)
  return type
}

let made = 0

/** One that is over: nobody is told of it. */
export async function anEvent({ api, mark }: World): Promise<string> {
  const id = idOf(await api.post('/events', { type: 'nobody.listens', data: { name: mark } }).expect(202))
  await eventually(
    () => readLog(api, id),
    ({ status }) => status !== 'pending',
  )
  return id
}

/** One with a delivery that waits for its time, and a rule that waits for an acknowledgement. */
export async function aWaitingEvent(world: World): Promise<string> {
  const type = `waits.${++made}`
  const { steps, ...rule } = ruleFields(world, await aDestination(world))
  await world.api.post('/rules', { ...rule, steps, when: { events: [type] } }).expect(201)
  const id = idOf(await world.api.post('/events', { type, data: { name: world.mark } }).expect(202))
  await eventually(
    async () => (await world.api.get(`/events/${id}`).expect(200)).body as { steps?: { status: string }[] },
    ({ steps = [] }) => steps.some(({ status }) => status === 'waiting'),
  )
  return id
}

/** It stays so for as long as nobody resumes it. */
export async function aPausedReplay({ api }: World): Promise<string> {
  const asked = { from: '2020-01-01T00:00:00Z', status: 'all', type: 'nothing.like.it' }
  const id = idOf(await api.post('/replays', asked).expect(202))
  await api.post(`/replays/${id}/pause`).expect(202)
  return id
}

export async function aTestLog({ api, receiverUrl }: World): Promise<string> {
  const { body } = await api.post('/webhooks/test/', { webhook_url: receiverUrl }).expect(200)
  return String((body as { log_id: number }).log_id)
}

export async function aWebhook({ api, receiverUrl, mark }: World): Promise<string> {
  const fields = { event_type: 'test', webhook_url: receiverUrl, description: `${mark} webhook` }
  return idOf(await api.post('/webhooks/', fields).expect(201))
}

export async function aKey({ platform, tenantId, environment, mark }: World): Promise<string> {
  const fields = { environment, name: `${mark} throw-away key` }
  return idOf(await platform.post(`/tenants/${tenantId}/keys`, fields).expect(201))
}

export async function aPlatformKey({ platform, mark }: World): Promise<string> {
  return idOf(await platform.post('/platform-keys', { name: `${mark} platform key` }).expect(201))
}

export async function aTenant({ platform, mark }: World): Promise<{ id: string; name: string }> {
  const name = `${mark} throw-away tenant`
  return { id: idOf(await platform.post('/tenants', { name }).expect(201)), name }
}

export async function aTenantDeletion(world: World): Promise<string> {
  const { id, name } = await aTenant(world)
  const { body } = await world.platform.delete(`/tenants/${id}`).send({ confirm: name }).expect(202)
  return (body as { deletionId: string }).deletionId
}

export async function anErasure(world: World): Promise<string> {
  const { body } = await world.api.post(`/events/${await anEvent(world)}/erase`).expect(202)
  return (body as { erasureId: string }).erasureId
}

function idOf({ body }: { body: unknown }): string {
  return (body as { id: string }).id
}
