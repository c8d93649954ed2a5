import { describe, expect, it } from 'vitest'
import { sharedStack } from '../support/shared-stack.ts'
import { makeKey, makeTenant, settledLog, untilTestEnds, type Api } from '../support/stack.ts'
import type { ContractReceiver } from './receivers/receiver.ts'
import { startSmartKyc } from './receivers/smart-kyc.ts'

const stack = sharedStack()

/** A receiver that knows this API secret, and answers 401 to what does not verify by it. */
async function receiverWith(api: Api, secret: string, schedule: string[]) {
  const receiver = untilTestEnds(await startSmartKyc())
  receiver.keys.secret = secret
  const { body } = await api
    .post('/destinations', {
      name: 'receiver',
      channel: 'webhook',
      config: { url: receiver.url, wireFormat: 'smart-kyc' },
      subscription: { eventTypes: ['submission.*'] },
      delivery: { schedule },
    })
    .expect(201)
  return { ...receiver, destinationId: (body as { id: string }).id }
}

async function rotate(api: Api, overlap: string): Promise<string> {
  const { body } = await api.post('/tenant/api-secret/rotate', { overlap }).expect(201)
  return (body as { apiSecret: string }).apiSecret
}

/** Posts one event and answers with the statuses that each receiver's destination logged, attempt by attempt. */
async function codesOfOneEvent(api: Api, receivers: { destinationId: string }[]) {
  const { body } = await api.post('/events', { type: 'submission.completed', data: { n: 1 } }).expect(202)
  const { deliveries } = await settledLog(api, (body as { id: string }).id)
  return receivers.map(({ destinationId }) =>
    deliveries
      .find((delivery) => delivery.destinationId === destinationId)
      ?.attempts.map(({ responseCode }) => responseCode),
  )
}

const readings = ({ reports }: Pick<ContractReceiver, 'reports'>) =>
  reports.flatMap(({ reading }) => reading ?? [])

describe('a tenant’s API secret', () => {
  it('that was rotated with an overlap: the old one gets the event at the second attempt, the new one at the first', async () => {
    const { id: tenantId, api, apiSecret: old = '' } = await makeTenant(stack)
    const rotated = await rotate(api, '1h')
    expect(rotated).not.toBe(old)
    const behind = await receiverWith(api, old, ['0s', '1s', '1s'])
    const updated = await receiverWith(api, rotated, ['0s', '1s', '1s'])
    expect(await codesOfOneEvent(api, [behind, updated])).toEqual([[401, 200], [200]])
    for (const receiver of [behind, updated])
      expect(readings(receiver)).toMatchObject([{ event: 'submission.completed', data: { n: 1 }, tenantId }])
  })

  it('that was rotated without one: the old secret verifies nothing any more', async () => {
    const { api, apiSecret: old = '' } = await makeTenant(stack)
    const behind = await receiverWith(api, old, ['0s', '100ms', '100ms'])
    expect(await codesOfOneEvent(api, [behind])).toEqual([[200]])
    const updated = await receiverWith(api, await rotate(api, '0s'), ['0s', '100ms', '100ms'])
    expect(await codesOfOneEvent(api, [behind, updated])).toEqual([[401, 401, 401], [200]])
    expect(readings(behind)).toHaveLength(1)
  })

  it('that was rotated twice within an overlap: each of the three gets the event in its turn', async () => {
    const { api, apiSecret: oldest = '' } = await makeTenant(stack)
    const older = await rotate(api, '1h')
    const newest = await rotate(api, '1h')
    const schedule = ['0s', '100ms', '100ms']
    const receivers = [
      await receiverWith(api, newest, schedule),
      await receiverWith(api, older, schedule),
      await receiverWith(api, oldest, schedule),
    ]
    expect(await codesOfOneEvent(api, receivers)).toEqual([[200], [401, 200], [401, 401, 200]])
  })

  it('of the sandbox is not that of production, nor another tenant’s', async () => {
    const { api, id, apiSecret = '' } = await makeTenant(stack)
    const other = await makeTenant(stack)
    const production = await makeKey(stack, id, 'production')
    const receivers = [
      await receiverWith(api, apiSecret, ['0s']),
      await receiverWith(api, other.apiSecret ?? '', ['0s']),
      await receiverWith(api, production.apiSecret ?? '', ['0s']),
    ]
    expect(await codesOfOneEvent(api, receivers)).toEqual([[200], [401], [401]])
  })

  it('does not sign for a destination that was given a secret of its own', async () => {
    const { api, apiSecret = '' } = await makeTenant(stack)
    const own = 'a-secret-of-its-own-0123'
    const receivers = [await receiverWith(api, own, ['0s']), await receiverWith(api, apiSecret, ['0s'])]
    for (const { destinationId } of receivers)
      await api.patch(`/destinations/${destinationId}`, { secret: own }).expect(200)
    await rotate(api, '1h')
    expect(await codesOfOneEvent(api, receivers)).toEqual([[200], [401]])
  })
})
