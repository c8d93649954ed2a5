import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { Test } from 'supertest'
import { expect, it } from 'vitest'
import type { Scope } from '../../src/db/destinations/destinations.ts'
import { lateAcknowledgementId } from '../../src/workflows/contract/acknowledgements.ts'
import { digestWorkflowId } from '../../src/workflows/contract/digests.ts'
import { deleteTenantWorkflowId, eraseWorkflowId } from '../../src/workflows/contract/erasures.ts'
import { eventWorkflowId } from '../../src/workflows/contract/event.ts'
import { replaysWorkflowId } from '../../src/workflows/contract/replays.ts'
import { turnsWorkflowId } from '../../src/workflows/contract/turns.ts'
import { askErasure, erase } from '../support/resources/erasures.ts'
import {
  after,
  ok,
  silence,
  startReceiver,
  status,
  statuses,
  type Respond,
} from '../support/servers/receiver.ts'
import { readRuleLog } from '../support/workflows/rules.ts'
import {
  adminKey,
  apiOf,
  eventually,
  listedEvents,
  makeTenant,
  readLog,
  settledLog,
  startStack,
  untilTestEnds,
  type Api,
  type Stack,
} from '../support/stack.ts'

/**
 * Not a test: writes the histories that histories.test.ts replays, those that are not there yet. A history is never
 * recorded again to make a test pass: it stands for workflows that are running somewhere. New behaviour gets a new name. With
 * `RELEASE=0.2.0`, all of them are recorded into a folder of that release.
 */
const release = process.env.RELEASE
const folder = fileURLToPath(new URL(release ? `./histories/${release}/` : './histories/', import.meta.url))
mkdirSync(folder, { recursive: true })

interface Scenario {
  /** One receiver for each; none is an event that nobody hears of. */
  receivers: Respond[]
  delivery?: object
  /** Of each receiver; all by default. */
  subscriptions?: string[][]
  /** By the destinations' ids; each for `aml.*`. */
  rules?: (destinationIds: string[]) => object[]
  /** How the event comes about, if not by being posted; answers with its id. */
  start?: (api: Api, destinationIds: string[]) => Promise<string>
  /** What is done while it runs. */
  meanwhile?: (api: Api, eventId: string) => Promise<void>
  /** Which workflow's history is kept, if not the event's. */
  workflowId?: (scope: Scope, destinationIds: string[], api: Api, stack: Stack) => Promise<string>
}

/** Posts events one after the other; answers with the last one's id. */
const postEach =
  (...events: object[]) =>
  async (api: Api): Promise<string> => {
    let eventId = ''
    for (const event of events) eventId = await post(api, event)
    return eventId
  }

const oneCustomer = { data: { customerId: 'cus_1' } }
const cancel = async (api: Api, eventId: string) =>
  void (await api.post(`/events/${eventId}/cancel`).expect(202))

const scenarios: Record<string, Scenario> = {
  'first-attempt-delivered-within-one-workflow-task': { receivers: [ok] },
  'no-destination-is-unrouted': { receivers: [] },
  'two-failures-then-delivered-with-durable-timers': {
    receivers: [statuses(500, 503)],
    delivery: { schedule: ['0s', '1s', '1s', '1s'] },
  },
  'three-destinations-one-exhausted-one-gone': {
    receivers: [ok, status(500), status(410)],
    delivery: { schedule: ['0s', '1s'] },
  },
  'seventy-destinations-go-to-child-workflows': { receivers: Array.from({ length: 70 }, () => ok) },
  'timeout-then-slow-lane': { receivers: [silence], delivery: { schedule: ['0s', '1s'], timeoutMs: 300 } },
  'retry-now-ends-the-wait': {
    receivers: [statuses(500)],
    delivery: { schedule: ['0s', '1h'] },
    async meanwhile(api, eventId) {
      await api.post(`/events/${eventId}/retry`).expect(202)
    },
  },
  'cancelled-while-waiting': {
    receivers: [status(500)],
    delivery: { schedule: ['0s', '1h'] },
    meanwhile: cancel,
  },
  'delivery-that-ends-while-another-waits': {
    receivers: [after(500, 200), status(503)],
    delivery: { schedule: ['0s', '2s'] },
  },
  'test-of-a-gone-receiver-disables-nothing': {
    receivers: [status(410)],
    async start(api, [destinationId = '']) {
      const { body } = await api.post(`/destinations/${destinationId}/test`).expect(200)
      return (body as { eventId: string }).eventId
    },
  },
  'ordered-delivery-waits-for-the-one-before-it': {
    receivers: [statuses(500, 503)],
    delivery: { schedule: ['0s', '2s', '2s'], ordering: { by: 'data.customerId' } },
    start: postEach(oneCustomer, oneCustomer),
  },
  'paced-attempt-waits-for-its-place': {
    receivers: [ok],
    delivery: { maxPerSecond: 0.5 },
    start: postEach({}, {}),
  },
  'attempts-at-one-destination-take-turns': {
    receivers: [after(300, 200)],
    delivery: { maxConcurrent: 1 },
    start: postEach({}, {}, {}),
  },
  'queue-of-three-attempts': {
    receivers: [after(1500, 200)],
    delivery: { maxConcurrent: 1 },
    start: postEach({}, {}, {}),
    workflowId: (scope, [destinationId = '']) => Promise.resolve(turnsWorkflowId(scope, destinationId)),
  },
  'expired-before-the-next-attempt': {
    receivers: [status(500)],
    delivery: { schedule: ['0s', '1h'] },
    start: postEach({ ttl: '10m' }),
  },
  'circuit-open-and-cancelled': {
    receivers: [status(500)],
    delivery: { schedule: ['0s'] },
    async start(api, [destinationId = '']) {
      for (let failed = 0; failed < 10; failed++) await settledLog(api, await post(api))
      // Its schedule has to be longer than the circuit is open.
      const body = { delivery: { schedule: ['0s', '1h'] } }
      await api.patch(`/destinations/${destinationId}`, body).expect(200)
      return post(api)
    },
    meanwhile: cancel,
  },
  'missed-by-a-paused-destination': {
    receivers: [ok],
    async start(api, [destinationId = '']) {
      await api.post(`/destinations/${destinationId}/pause`).expect(200)
      return post(api)
    },
  },
  'replay-of-the-failed-events': {
    receivers: [statuses(500, 500)],
    delivery: { schedule: ['0s'] },
    async start(api) {
      await settledLog(api, await post(api))
      const eventId = await post(api)
      await settledLog(api, eventId)
      return eventId
    },
    async workflowId(scope, _destinationIds, api) {
      const from = new Date(Date.now() - 60_000).toISOString()
      const { body } = await api.post('/replays', { from }).expect(202)
      return replaysWorkflowId(scope, (body as { id: string }).id)
    },
  },
  // From here on, first attempts that wait for nothing are made together by one local activity.
  'opening-with-one-exhausted-and-one-gone': {
    receivers: [ok, status(500), status(410)],
    delivery: { schedule: ['0s', '1s'] },
  },
  'opening-longer-than-a-workflow-task': {
    receivers: [after(9_000, 503), ok, status(500)],
    delivery: { schedule: ['0s', '1s'] },
  },
  'opening-of-seventy-in-child-workflows': { receivers: Array.from({ length: 70 }, () => status(410)) },
  'opening-held-by-the-pace': {
    receivers: [ok],
    delivery: { maxPerSecond: 0.5 },
    start: postEach({}, {}),
  },
  'no-opening-of-an-ordered-delivery': {
    receivers: [statuses(500, 503)],
    delivery: { schedule: ['0s', '2s', '2s'], ordering: { by: 'data.customerId' } },
    start: postEach(oneCustomer, oneCustomer),
  },
  'no-opening-where-attempts-take-turns': {
    receivers: [after(300, 200)],
    delivery: { maxConcurrent: 1 },
    start: postEach({}, {}, {}),
  },
  // From here on, there are rules, and what becomes of deliveries is announced.
  'exhausted-and-told-of-by-an-event': {
    receivers: [status(500), ok],
    subscriptions: [['aml.*'], ['delivery.*']],
    delivery: { schedule: ['0s', '1s', '1s', '1s', '1s'] },
  },
  'rule-falls-back-to-another-destination': {
    receivers: [status(500), ok],
    delivery: { schedule: ['0s', '1s'] },
    rules: ([down, other]) => [
      { steps: [{ deliver: { to: [down], onFailure: [{ deliver: { to: [other] } }] } }] },
    ],
  },
  'rule-escalates-as-nobody-acknowledges': { receivers: [ok, ok], rules: escalating('1s') },
  'rule-is-acknowledged-in-time': {
    receivers: [ok, ok],
    rules: escalating('1h'),
    async meanwhile(api, eventId) {
      await api.post(`/events/${eventId}/ack`, { by: 'Ada' }).expect(200)
    },
  },
  'escalation-is-acknowledged-while-it-is-retried': {
    receivers: [ok, status(500)],
    delivery: { schedule: ['0s', '1h'] },
    rules: escalating('1s'),
    async meanwhile(api, eventId) {
      await escalates(api, eventId, 1)
      await api.post(`/events/${eventId}/ack`, { by: 'Ada' }).expect(200)
    },
  },
  'escalation-in-child-workflows-is-acknowledged': {
    receivers: Array.from({ length: 35 }, () => statuses(200, ...Array.from({ length: 9 }, () => 500))),
    delivery: { schedule: ['0s', '1h'] },
    rules: (to) => [
      { steps: [{ deliver: { to } }, { awaitAck: { within: '1s', otherwise: [{ deliver: { to } }] } }] },
    ],
    async meanwhile(api, eventId) {
      await escalates(api, eventId, 35)
      await api.post(`/events/${eventId}/ack`, { by: 'Ada' }).expect(200)
    },
  },
  'acknowledged-after-its-end': {
    receivers: [ok, ok],
    rules: escalating('1s'),
    async workflowId(scope, _destinationIds, api, stack) {
      const [{ id: eventId = '' } = {}] = await listedEvents(api)
      await api.post(`/events/${eventId}/ack`, { by: 'Ada' }).expect(200)
      const { workflowId, runId } = await stack.temporal.workflow
        .getHandle(eventWorkflowId({ ...scope, eventId }))
        .describe()
      return lateAcknowledgementId({ workflowId, runId })
    },
  },
  'rule-edited-while-its-event-waits': {
    receivers: [ok, ok],
    rules: escalating('2s'),
    meanwhile: (api) => eachRule(api, (id) => api.patch(`/rules/${id}`, { steps: [{ stop: true }] })),
  },
  'rule-disabled-while-its-event-waits': {
    receivers: [ok, ok],
    rules: escalating('2s'),
    meanwhile: (api) => eachRule(api, (id) => api.post(`/rules/${id}/disable`)),
  },
  'rule-deleted-while-its-event-waits': {
    receivers: [ok, ok],
    rules: escalating('2s'),
    meanwhile: (api) => eachRule(api, (id) => api.delete(`/rules/${id}`)),
  },
  'rules-side-by-side-open-together': {
    receivers: [ok, status(410), statuses(503)],
    delivery: { schedule: ['0s', '1s'] },
    rules: ([first, gone, slow]) => [
      { steps: [{ deliver: { to: [first, gone] } }, { delay: '1s' }, { deliver: { to: [slow] } }] },
      {
        steps: [
          { deliver: { to: [slow, first], waitFor: 'outcome' } },
          { branch: { filter: { 'data.riskLevel': 'high' }, steps: [{ deliver: { to: [first] } }] } },
        ],
      },
      { steps: [{ stop: 'nothing more' }] },
    ],
  },
  'rules-of-more-deliveries-than-one-workflow-makes': {
    receivers: Array.from({ length: 35 }, () => ok),
    rules: (to) => [{ steps: [{ deliver: { to } }] }, { steps: [{ deliver: { to } }] }],
  },
  'rule-held-by-quiet-hours-retried-and-cancelled': {
    receivers: [ok, ok],
    rules: ([first, second]) => [
      {
        steps: [{ deliver: { to: [first] } }, { deliver: { to: [second] } }],
        quietHours: { timezone: 'UTC', between: ['00:00', '23:59'] },
      },
    ],
    async meanwhile(api, eventId) {
      await api.post(`/events/${eventId}/retry`).expect(202)
      await eventually(
        () => readLog(api, eventId),
        ({ deliveries }) => deliveries[0]?.status === 'delivered',
      )
      await cancel(api, eventId)
    },
  },
  'rule-delays-until-a-time-of-day-and-is-cancelled': {
    receivers: [ok],
    rules: ([first]) => [
      {
        steps: [{ delay: { until: '09:00', timezone: 'Europe/Berlin' } }, { deliver: { to: [first] } }],
        quietHours: { timezone: 'UTC', between: ['00:00', '23:59'] },
      },
    ],
    meanwhile: cancel,
  },
  'rule-expires-while-it-waits': {
    receivers: [ok, ok],
    rules: escalating('1h'),
    start: postEach({ ttl: '3s' }),
  },
  'event-is-digested': { receivers: [ok], rules: digesting('1s') },
  'event-leaves-a-digest': { receivers: [ok], rules: digesting('5s'), meanwhile: cancel },
  'digest-collects-and-tells': {
    receivers: [ok],
    rules: digesting('2s'),
    start: postEach({}, {}, {}),
    workflowId: digestOf,
  },
  'digest-is-an-event-of-its-own': {
    receivers: [ok],
    rules: digesting('1s'),
    async workflowId(scope, _destinationIds, api) {
      const [digest] = await listedEvents(api, 'type=digest')
      return eventWorkflowId({ ...scope, eventId: digest?.id ?? '' })
    },
  },
  // From here on, events can be erased and tenants deleted.
  'event-is-erased': {
    receivers: [status(500), ok],
    delivery: { schedule: ['0s', '1s'] },
    rules: digesting('1s'),
    async workflowId(scope, _destinationIds, api) {
      const eventId = await eraseNewest(api)
      // Asked for again, it is the same erasure.
      return eraseWorkflowId({ ...scope, erasureId: await askErasure(api, eventId) })
    },
  },
  'erased-event-is-stood-in-for': {
    receivers: [status(500), ok],
    delivery: { schedule: ['0s', '1s'] },
    async workflowId(scope, _destinationIds, api) {
      return eventWorkflowId({ ...scope, eventId: await eraseNewest(api) })
    },
  },
  'tenant-is-deleted': {
    receivers: [ok],
    workflowId: ({ tenantId }, _destinationIds, _api, stack) => deleteTenant(stack, tenantId),
  },
}

/** Has the newest event erased, and answers with its id. */
async function eraseNewest(api: Api): Promise<string> {
  const [{ id = '' } = {}] = await listedEvents(api)
  await erase(api, id)
  return id
}

async function deleteTenant({ app }: Stack, tenantId: string): Promise<string> {
  const asked = apiOf(app, adminKey).delete(`/tenants/${tenantId}`).send({ confirm: 'Acme' })
  await asked.expect(202)
  return deleteTenantWorkflowId(tenantId)
}

function escalating(within: string): Scenario['rules'] {
  return ([first, head]) => [
    {
      steps: [
        { deliver: { to: [first] } },
        { awaitAck: { within, otherwise: [{ deliver: { to: [head] } }] } },
      ],
    },
  ]
}

function digesting(window: string): Scenario['rules'] {
  return ([first]) => [{ digest: { window }, steps: [{ deliver: { to: [first] } }] }]
}

/** So many deliveries of an escalation have failed, and wait for their next attempt. */
async function escalates(api: Api, eventId: string, count: number): Promise<void> {
  await eventually(
    () => readLog(api, eventId),
    ({ deliveries }) =>
      deliveries.filter(({ attempts }) => attempts.some(({ outcome }) => outcome === 'failed')).length ===
      count,
  )
}

async function eachRule(api: Api, change: (id: string) => Test): Promise<void> {
  const { body } = await api.get('/rules').expect(200)
  for (const { id } of (body as { data: { id: string }[] }).data)
    expect((await change(id)).status).toBeLessThan(300)
}

async function digestOf(scope: Scope, _destinationIds: string[], api: Api): Promise<string> {
  const { body } = await api.get('/rules').expect(200)
  const [rule] = (body as { data: { id: string }[] }).data
  return digestWorkflowId(scope, { ruleId: rule?.id ?? '', version: 1 })
}

const unrecorded = Object.entries(scenarios).filter(([name]) => !existsSync(`${folder}${name}.json`))

// A file without a test would be an error of its own.
it.runIf(unrecorded.length === 0)('every scenario is recorded already', () => expect(unrecorded).toEqual([]))

it.each(unrecorded)('%s', async (name, scenario) => {
  const {
    receivers,
    delivery,
    subscriptions,
    start = (api: Api) => post(api),
    meanwhile,
    workflowId,
  } = scenario
  const stack = untilTestEnds(await startStack())
  const { api, id: tenantId } = await makeTenant(stack)
  const destinationIds: string[] = []
  for (const [index, respond] of receivers.entries()) {
    const { url } = untilTestEnds(await startReceiver(respond))
    const body = {
      name,
      channel: 'webhook',
      config: { url },
      subscription: { eventTypes: subscriptions?.[index] ?? ['all'] },
      delivery,
    }
    const made = await api.post('/destinations', body).expect(201)
    destinationIds.push((made.body as { id: string }).id)
  }
  for (const rule of scenario.rules?.(destinationIds) ?? [])
    await api.post('/rules', { name, when: { events: ['aml.*'] }, ...rule }).expect(201)
  const eventId = await start(api, destinationIds)
  if (meanwhile) {
    await waits(api, eventId)
    await meanwhile(api, eventId)
  }
  await settledLog(api, eventId, 60_000)
  const scope = { tenantId, environment: 'sandbox' } as const
  const kept = workflowId && (await workflowId(scope, destinationIds, api, stack))
  const handle = stack.temporal.workflow.getHandle(kept ?? eventWorkflowId({ ...scope, eventId }))
  await handle.result()
  const history = await handle.fetchHistory()
  expect(history.events?.length).toBeGreaterThan(4)
  writeFileSync(`${folder}${name}.json`, historyToJSON(history))
})

/** A delivery waits for its next attempt, or a step of a rule for whatever it waits for. */
async function waits(api: Api, eventId: string): Promise<void> {
  await eventually(
    () => readRuleLog(api, eventId),
    ({ deliveries, steps = [] }) =>
      deliveries.some(({ nextAttemptAt }) => nextAttemptAt !== undefined) ||
      steps.some(({ status }) => status === 'waiting'),
  )
}

async function post(api: Api, event: object = {}): Promise<string> {
  const { body } = await api
    .post('/events', { type: 'aml.match.found', data: { riskLevel: 'high' }, ...event })
    .expect(202)
  return (body as { id: string }).id
}
