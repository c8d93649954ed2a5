import supertest from 'supertest'
import type { Environment } from '../../../src/domain/event.ts'
import { startReceiver } from '../servers/receiver.ts'
import {
  eventually,
  makeTenant,
  publicUrl,
  settledLog,
  untilTestEnds,
  type Api,
  type SharedStack,
} from '../stack.ts'

export interface Acknowledgement {
  at: string
  by: string
  via: string
  note?: string
  keyId?: string
  destinationId?: string
}

/** What an event's log says of its acknowledgement and of the steps of its rules. */
export interface AcknowledgedLog {
  status: string
  acknowledgement?: Acknowledgement
  steps?: { kind: string; status: string; reason?: string }[]
  replays: AcknowledgedLog[]
}

export const readAcknowledgedLog = async (api: Api, eventId: string) =>
  (await api.get(`/events/${eventId}`).expect(200)).body as AcknowledgedLog

export const isWaiting = ({ steps = [] }: AcknowledgedLog) =>
  steps.some(({ kind, status }) => kind === 'awaitAck' && status === 'waiting')

/** A tenant with a rule that tells one destination and then waits for an acknowledgement for an hour. */
export async function tenantWhoWaits(stack: SharedStack, { rule = 'Waits', destination = 'On call' } = {}) {
  const receiver = untilTestEnds(await startReceiver())
  const tenant = await makeTenant(stack)
  const subscription = { eventTypes: ['all'] }
  const config = { url: receiver.url }
  const made = await tenant.api
    .post('/destinations', { name: destination, channel: 'webhook', config, subscription })
    .expect(201)
  const { id: destinationId } = made.body as { id: string }
  const steps = [{ deliver: { to: [destinationId] } }, { awaitAck: { within: '1h' } }]
  await tenant.api.post('/rules', { name: rule, when: { events: ['all'] }, steps }).expect(201)
  return { ...tenant, destinationId }
}

/** A tenant with a rule that escalates after a second, and the destination that hears of it then. */
export async function tenantWhoEscalates(stack: SharedStack) {
  const tenant = await tenantWhoWaits(stack, { destination: 'On call' })
  const receiver = untilTestEnds(await startReceiver())
  const subscription = { eventTypes: ['only.rules'] }
  const made = await tenant.api
    .post('/destinations', { name: 'Head', channel: 'webhook', config: { url: receiver.url }, subscription })
    .expect(201)
  const { id: headId } = made.body as { id: string }
  const otherwise = [{ deliver: { to: [headId] } }]
  const steps = [{ deliver: { to: [tenant.destinationId] } }, { awaitAck: { within: '1s', otherwise } }]
  const { data } = (await tenant.api.get('/rules').expect(200)).body as { data: { id: string }[] }
  await tenant.api.patch(`/rules/${data[0]?.id}`, { steps }).expect(200)
  return { ...tenant, destinationId: headId }
}

/** An event whose rules are done, that nobody has acknowledged. */
export async function escalatedEvent({ api }: { api: Api }, data: object = {}): Promise<string> {
  const { body } = await api.post('/events', { type: 'aml.match.found', data }).expect(202)
  const { id } = body as { id: string }
  await settledLog(api, id)
  return id
}

/** An event that a rule waits for the acknowledgement of. */
export async function waitingEvent({ api }: { api: Api }, data: object = {}): Promise<string> {
  const { body } = await api.post('/events', { type: 'aml.match.found', data }).expect(202)
  const { id } = body as { id: string }
  await eventually(() => readAcknowledgedLog(api, id), isWaiting)
  return id
}

/** The path of the link that a destination's message would carry. */
export function linkPath(
  stack: SharedStack,
  tenant: { id: string; destinationId: string },
  eventId: string,
  environment: Environment = 'sandbox',
): string {
  const { id: tenantId, destinationId } = tenant
  const link = stack.acknowledgeLink({ event: { id: eventId, tenantId, environment }, destinationId })
  return link.slice(publicUrl.length)
}

/** What a browser sends when somebody presses the button. */
export function press(stack: SharedStack, path: string, fields: Record<string, string> = {}) {
  return supertest(stack.app)
    .post(path)
    .type('form')
    .send({ name: '', note: '', acknowledge: 'yes', ...fields })
}
