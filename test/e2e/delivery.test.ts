import { afterAll, beforeAll, expect, it } from 'vitest'
import { Webhook } from 'standardwebhooks'
import { ok, startReceiver } from '../support/receiver.ts'
import { makeTenant, settledLog, startStack, untilTestEnds, type Stack } from '../support/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.stop())

it('delivers an event as a webhook that the verifier of standardwebhooks accepts', async () => {
  const receiver = untilTestEnds(await startReceiver(ok))
  const { api } = await makeTenant(stack)
  const destination = await api
    .post('/destinations', {
      name: 'Case system',
      channel: 'webhook',
      config: { url: receiver.url },
      subscription: { eventTypes: ['aml.*'] },
    })
    .expect(201)
  const event = await api.post('/events', { type: 'aml.match.found', data: { riskLevel: 'high', name: 'Zoë 🕵️' } }).expect(202)
  const log = await settledLog(api, (event.body as { id: string }).id)
  expect(log.status).toBe('delivered')
  const [got] = receiver.received
  const { secret } = destination.body as { secret: string }
  expect(new Webhook(secret).verify(got?.body ?? '', got?.headers as Record<string, string>)).toMatchObject({
    type: 'aml.match.found',
    data: { riskLevel: 'high', name: 'Zoë 🕵️' },
  })
  expect(got?.headers['webhook-id']).toBe(log.id)
})
