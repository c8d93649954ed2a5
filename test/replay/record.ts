import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { expect, it } from 'vitest'
import { eventWorkflowId } from '../../src/workflows/contract.ts'
import { after, ok, silence, startReceiver, status, statuses, type Respond } from '../support/receiver.ts'
import { makeTenant, settledLog, startStack, untilTestEnds, waitingLog, type Api } from '../support/stack.ts'

/**
 * Not a test: writes the histories that histories.test.ts replays, those that are not there yet. A history is never
 * recorded again to make a test pass: it stands for workflows that are running somewhere. New behaviour gets a new name.
 */
const folder = fileURLToPath(new URL('./histories/', import.meta.url))
mkdirSync(folder, { recursive: true })

interface Scenario {
  /** One receiver for each; none is an event that nobody hears of. */
  receivers: Respond[]
  delivery?: object
  /** How the event comes about, if not by being posted; answers with its id. */
  start?: (api: Api, destinationIds: string[]) => Promise<string>
  /** What is done while it runs. */
  meanwhile?: (api: Api, eventId: string) => Promise<void>
}

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
    async meanwhile(api, eventId) {
      await api.post(`/events/${eventId}/cancel`).expect(202)
    },
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
}

const unrecorded = Object.entries(scenarios).filter(([name]) => !existsSync(`${folder}${name}.json`))

// A file without a test would be an error of its own.
it.runIf(unrecorded.length === 0)('every scenario is recorded already', () => expect(unrecorded).toEqual([]))

it.each(unrecorded)('%s', async (name, { receivers, delivery, start = post, meanwhile }) => {
  const stack = untilTestEnds(await startStack())
  const { api, id: tenantId } = await makeTenant(stack)
  const destinationIds: string[] = []
  for (const respond of receivers) {
    const { url } = untilTestEnds(await startReceiver(respond))
    const body = {
      name,
      channel: 'webhook',
      config: { url },
      subscription: { eventTypes: ['all'] },
      delivery,
    }
    const made = await api.post('/destinations', body).expect(201)
    destinationIds.push((made.body as { id: string }).id)
  }
  const eventId = await start(api, destinationIds)
  if (meanwhile) {
    await waitingLog(api, eventId)
    await meanwhile(api, eventId)
  }
  await settledLog(api, eventId)
  const handle = stack.temporal.workflow.getHandle(
    eventWorkflowId({ tenantId, environment: 'sandbox', eventId }),
  )
  await handle.result()
  const history = await handle.fetchHistory()
  expect(history.events?.length).toBeGreaterThan(4)
  writeFileSync(`${folder}${name}.json`, historyToJSON(history))
})

async function post(api: Api): Promise<string> {
  const { body } = await api
    .post('/events', { type: 'aml.match.found', data: { riskLevel: 'high' } })
    .expect(202)
  return (body as { id: string }).id
}
