import { expect, it } from 'vitest'
import { startReceiver, status, ok } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { eventually, makeTenant, readLog, settledLog, untilTestEnds } from '../support/stack.ts'

const stack = sharedStack()

it('our own database failing uses up no attempt: the log says so, and the delivery goes on after it', async () => {
  const { api } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(status(500)))
  const body = {
    name: 'Case system',
    channel: 'webhook',
    config: { url: receiver.url },
    subscription: { eventTypes: ['all'] },
    delivery: { schedule: ['0s', '1s'] },
  }
  const { id } = (await api.post('/destinations', body).expect(201)).body as { id: string }
  const event = (await api.post('/events', { type: 'aml.match.found', data: {} }).expect(202)).body as {
    id: string
  }
  await eventually(
    () => readLog(api, event.id),
    ({ deliveries }) => deliveries[0]?.attempts.length === 1,
  )
  // Attempts cannot load what they cannot decrypt: as with a key that is missing after a rotation gone wrong.
  const { sealed } = await stack.db.destination.findUniqueOrThrow({ where: { id } })
  await stack.db.destination.update({ where: { id }, data: { sealed: `lost${sealed}` } })
  receiver.answer(ok)
  const held = await eventually(
    () => readLog(api, event.id),
    ({ deliveries }) => deliveries[0]?.reason !== undefined,
  )
  expect(held.deliveries[0]).toMatchObject({
    status: 'pending',
    reason: expect.stringContaining('a fault on our side') as string,
  })
  expect(held.deliveries[0]?.attempts).toHaveLength(1)
  expect(receiver.received).toHaveLength(1)

  await stack.db.destination.update({ where: { id }, data: { sealed } })
  const log = await settledLog(api, event.id)
  expect(log).toMatchObject({
    status: 'delivered',
    deliveries: [{ attempts: [{ number: 1 }, { number: 2 }] }],
  })
})
