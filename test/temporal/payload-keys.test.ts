import { randomBytes } from 'node:crypto'
import { Worker } from '@temporalio/worker'
import { expect, inject, it } from 'vitest'
import {
  createDataConverter,
  payloadKeyId,
  PayloadLocked,
  type PayloadKeys,
} from '../../src/temporal/payload-codec.ts'
import { ensureRollUpSchedule } from '../../src/temporal/roll-up-schedule.ts'
import { readEventInput } from '../../src/temporal/log/event-input.ts'
import { eventWorkflowId } from '../../src/workflows/contract/event.ts'
import { status, type Receiver } from '../support/servers/receiver.ts'
import { makeWebhook, post } from '../support/workflows/rules.ts'
import {
  apiOf,
  eventually,
  listedEvents,
  makeTenant,
  readLog,
  settledLog,
  startStack,
  untilTestEnds,
  waitingLog,
  type Stack,
} from '../support/stack.ts'

const [a, b] = ['a', 'b'].map((id) => ({ id, key: randomBytes(32) })) as [
  PayloadKeys[number],
  PayloadKeys[number],
]

/** The same platform, started again with other keys. */
async function restarted(before: Stack, payloadKeys: PayloadKeys | undefined): Promise<Stack> {
  await before.stop()
  return startStack({ corner: before.corner, secretKeys, ...(payloadKeys && { payloadKeys }) })
}
const secretKeys = [{ id: 'test', key: randomBytes(32) }]
const data = { name: 'Ada Lovelace' }

async function keyOfInput({ temporal }: Stack, workflowId: string) {
  const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory()
  const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]
  return payloadKeyId(input ?? {})
}

it(
  'keys are switched on and rotated while events run, and what lacks its key waits for it',
  { timeout: 180_000 },
  async () => {
    let stack = await startStack({ secretKeys })
    const tenant = await makeTenant(stack)
    const workflowId = (eventId: string) =>
      eventWorkflowId({ tenantId: tenant.id, environment: 'sandbox', eventId })
    const hook = await makeWebhook(tenant.api, status(500), { schedule: ['0s', '1h'] }, ['aml.*'])
    const ids: Record<string, string> = {}

    /** An event that was accepted with these keys and waits for its second attempt. */
    async function accept(name: string) {
      ids[name] = await post(apiOf(stack.app, tenant.key), { data })
      await waitingLog(apiOf(stack.app, tenant.key), ids[name])
    }
    await accept('in the clear')
    stack = await restarted(stack, [a])
    await accept('with a')
    await ensureRollUpSchedule(stack.temporal)
    stack = await restarted(stack, [b, a])
    await accept('with b')
    const keys = await Promise.all(Object.values(ids).map((id) => keyOfInput(stack, workflowId(id))))
    expect(keys).toEqual([undefined, 'a', 'b'])
    const api = apiOf(stack.app, tenant.key)
    await listedEvents(api, '', 3)
    for (const id of Object.values(ids)) expect(await readLog(api, id)).toMatchObject({ data })

    // Without a, nothing is lost: what needs it says so, and waits.
    stack = await restarted(stack, [b])
    await ensureRollUpSchedule(stack.temporal)
    const without = apiOf(stack.app, tenant.key)
    const locked = await without.get(`/events/${ids['with a']}`).expect(503)
    expect(locked.body).toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('PAYLOAD_KEYS'),
    })
    expect(await readLog(without, ids['with b'] ?? '')).toMatchObject({ data })
    await expect(readEventInput(stack.temporal, workflowId(ids['with a'] ?? ''))).rejects.toThrow(
      PayloadLocked,
    )
    hook.receiver.answer((response) => void response.writeHead(200).end())
    await stack.temporal.workflow.getHandle(workflowId(ids['with a'] ?? '')).signal('retryNow', hook.id)
    const failed = await eventually(
      async () =>
        (await stack.temporal.workflow.getHandle(workflowId(ids['with a'] ?? '')).fetchHistory()).events ??
        [],
      (events) => events.some(({ workflowTaskFailedEventAttributes: task }) => task),
    )
    expect(failed.filter(({ workflowExecutionFailedEventAttributes: end }) => end)).toEqual([])

    stack = await restarted(stack, [b, a])
    untilTestEnds({ stop: () => stack.stop() })
    const again = apiOf(stack.app, tenant.key)
    for (const [name, id] of Object.entries(ids)) {
      if (name !== 'with a') await again.post(`/events/${id}/retry`).expect(202)
      expect(await settledLog(again, id, 60_000)).toMatchObject({ status: 'delivered', data })
    }
    for (const id of Object.values(ids)) await expectReplays(stack, workflowId(id))
    expectDelivered(hook.receiver, Object.values(ids))
  },
)

/** As a worker must that takes it over. */
async function expectReplays({ temporal }: Stack, workflowId: string): Promise<void> {
  const history = await temporal.workflow.getHandle(workflowId).fetchHistory()
  const options = {
    workflowBundle: { codePath: inject('workflowBundle') },
    dataConverter: createDataConverter([b, a]),
  }
  await expect(Worker.runReplayHistory(options, history, workflowId)).resolves.toBeUndefined()
}

function expectDelivered({ received }: Receiver, ids: readonly string[]): void {
  const names = received.map(({ body }) => (JSON.parse(body) as { data: { name: string } }).data.name)
  expect(new Set(names)).toEqual(new Set(['Ada Lovelace']))
  for (const id of ids) expect(received.filter(({ headers }) => headers['webhook-id'] === id)).toHaveLength(2)
}
