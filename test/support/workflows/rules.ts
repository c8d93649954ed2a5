import type { Acknowledgement } from '../../../src/domain/delivery/timeline.ts'
import type { StepRecord } from '../../../src/domain/rules/step-record.ts'
import { ok, startReceiver, type Receiver, type Respond } from '../servers/receiver.ts'
import { eventually, readLog, untilTestEnds, type Api, type EventLog } from '../stack.ts'

/** A log as rules make it. */
export interface RuleLog extends Omit<EventLog, 'deliveries' | 'routing'> {
  deliveries: (EventLog['deliveries'][number] & { step?: string; template?: string })[]
  routing: { destinationId?: string; ruleId?: string; matched: boolean; reason: string; heldBack?: string }[]
  steps?: StepRecord[]
  acknowledgement?: Acknowledgement
}

export async function readRuleLog(api: Api, eventId: string): Promise<RuleLog> {
  return await readLog(api, eventId)
}

/** The event's log once it is as it should be. */
export function logOnce(
  api: Api,
  eventId: string,
  isRight: (log: RuleLog) => boolean,
  withinMs?: number,
): Promise<RuleLog> {
  return eventually(() => readRuleLog(api, eventId), isRight, withinMs)
}

export function closedLog(api: Api, eventId: string, withinMs?: number): Promise<RuleLog> {
  return logOnce(api, eventId, ({ status }) => status !== 'pending', withinMs)
}

/** The log once a step of this kind waits. */
export function stepWaits(api: Api, eventId: string, kind: StepRecord['kind']): Promise<RuleLog> {
  return logOnce(api, eventId, ({ steps = [] }) =>
    steps.some((step) => step.kind === kind && step.status === 'waiting'),
  )
}

export interface Webhook {
  id: string
  receiver: Receiver
  /** Types of the events that have come in. */
  types(): string[]
}

/** A receiver and the destination that reaches it. It subscribes to nothing that happens, so that rules alone send to it. */
export async function makeWebhook(
  api: Api,
  respond: Respond = ok,
  delivery: object = { schedule: ['0s', '1s'] },
  eventTypes = ['only.rules'],
): Promise<Webhook> {
  const receiver = untilTestEnds(await startReceiver(respond))
  const made = await api
    .post('/destinations', {
      name: 'A receiver',
      channel: 'webhook',
      config: { url: receiver.url },
      subscription: { eventTypes },
      delivery,
    })
    .expect(201)
  return {
    id: (made.body as { id: string }).id,
    receiver,
    types: () => receiver.received.map(({ body }) => (JSON.parse(body) as { type: string }).type),
  }
}

/** Creates a rule for `aml.*`, unless it says for what. */
export async function makeRule(api: Api, rule: object): Promise<{ id: string; version: number }> {
  const made = await api.post('/rules', { name: 'A rule', when: { events: ['aml.*'] }, ...rule }).expect(201)
  return made.body as { id: string; version: number }
}

export async function post(api: Api, event: object = {}): Promise<string> {
  const posted = await api.post('/events', { type: 'aml.match.found', data: {}, ...event }).expect(202)
  return (posted.body as { id: string }).id
}

/** A window in which it is quiet now, for hours. */
export function quietNow(unless?: object) {
  const hour = (offset: number) =>
    `${String((new Date().getUTCHours() + offset + 24) % 24).padStart(2, '0')}:00`
  return { timezone: 'UTC', between: [hour(-2), hour(4)], ...(unless && { unless }) }
}
