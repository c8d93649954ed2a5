import { describe, expect, it } from 'vitest'
import { addDays, toDay } from '../../../src/domain/days.ts'
import { startReceiver, status } from '../../support/servers/receiver.ts'
import { makeDestination, readStats, send, statsOnce } from '../../support/resources/roll-up.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { makeKey, makeTenant, settledLog, untilTestEnds, waitingLog } from '../../support/stack.ts'

const stack = sharedStack()

describe('the stats of a destination', () => {
  it('are nothing, for each of the last 30 days, when nothing was sent', async () => {
    const { api } = await makeTenant(stack)
    const id = await makeDestination(api, { url: 'https://receiver.example/hook' })
    const { days, ...stats } = await readStats(api, id, '')
    expect(stats).toEqual({ total: 0, succeeded: 0, failed: 0, pending: 0, lastAttemptAt: null })
    const today = days.at(-1)?.day ?? ''
    const nothing = { total: 0, succeeded: 0, failed: 0 }
    expect(days).toEqual(Array.from({ length: 30 }, (_, n) => ({ day: addDays(today, n - 29), ...nothing })))
  })

  it('count what came of each delivery, and tell when it was tried last', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const id = await makeDestination(api, receiver)
    for (const event of ['one', 'two']) await send(api, event)
    receiver.answer(status(500))
    const log = await send(api, 'three')
    const stats = await statsOnce(api, id, { total: 3, succeeded: 2, failed: 1, pending: 0 })
    const [attempt] = log.deliveries.flatMap(({ attempts }) => attempts)
    expect(stats.lastAttemptAt).toBe(attempt?.at)
    const day = toDay(new Date(attempt?.at ?? 0))
    expect(stats.days.at(-1)).toEqual({ day, total: 3, succeeded: 2, failed: 1 })
  })

  it('tell what waits for another attempt from what was given up while its event goes on', async () => {
    const { api } = await makeTenant(stack)
    const refusing = untilTestEnds(await startReceiver(status(500)))
    const accepting = untilTestEnds(await startReceiver())
    const waits = await makeDestination(api, refusing, ['0s', '1h'])
    const givenUp = await makeDestination(api, refusing)
    const delivered = await makeDestination(api, accepting)
    for (const id of ['one', 'two']) {
      await api.post('/events', { id, type: 'aml.match.found', data: {} }).expect(202)
      await waitingLog(api, id)
    }
    await statsOnce(api, waits, { total: 2, succeeded: 0, failed: 0, pending: 2 })
    await statsOnce(api, givenUp, { total: 2, succeeded: 0, failed: 0, pending: 0 })
    await statsOnce(api, delivered, { total: 2, succeeded: 2, failed: 0, pending: 0 })
    await api.post('/events/one/cancel').expect(202)
    await settledLog(api, 'one')
    await statsOnce(api, waits, { total: 2, pending: 1 })
    await statsOnce(api, givenUp, { total: 2, failed: 1, pending: 0 })
    await statsOnce(api, delivered, { total: 2, succeeded: 2, pending: 0 })
  })

  it.each([
    ['0', 0],
    ['1', 1],
    ['90', 90],
  ])('show %s days if asked to', async (days, expected) => {
    const { api } = await makeTenant(stack)
    const id = await makeDestination(api, { url: 'https://receiver.example/hook' })
    expect((await readStats(api, id, `?days=${days}`)).days).toHaveLength(expected)
  })

  it.each(['days=91', 'days=-1', 'days=1.5', 'days=week', 'month=1'])(
    'are refused for ?%s',
    async (query) => {
      const { api } = await makeTenant(stack)
      const id = await makeDestination(api, { url: 'https://receiver.example/hook' })
      const { body } = await api.get(`/destinations/${id}/stats?${query}`).expect(422)
      expect(body).toMatchObject({ code: 'invalid_request' })
    },
  )

  it('are for its own tenant and environment, and for a key that may read settings', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const id = await makeDestination(api, { url: 'https://receiver.example/hook' })
    const { api: stranger } = await makeTenant(stack)
    const { api: live } = await makeKey(stack, tenantId, 'production')
    for (const other of [stranger, live]) await other.get(`/destinations/${id}/stats`).expect(404)
    const { api: writer } = await makeKey(stack, tenantId, 'sandbox', ['events:write'])
    await writer.get(`/destinations/${id}/stats`).expect(403)
  })
})
