import { describe, expect, it } from 'vitest'
import { closedPort } from '../support/servers/raw-server.ts'
import { status } from '../support/servers/receiver.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeKey, makeTenant, readLog, settledLog, untilTestEnds, type Api } from '../support/stack.ts'
import { createWebhook, httpsReceiver, nativeTwin, testUrl } from './webhooks-client.ts'

/** The log_id that the Webhooks API's test endpoint answers with, and what it finds. */
const stack = sharedStack()

describe('log_id', () => {
  const rowOf = (api: Api, logId: number | string) => api.get(`/webhooks/logs/${logId}/`)

  it('counts up, over successes and failures, also when several are sent at once', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    expect((await testUrl(api, receiver.url, 200)).log_id).toBe(1)
    receiver.answer(status(404))
    expect((await testUrl(api, receiver.url, 502)).log_id).toBe(2)
    const many = await Promise.all([3, 4, 5, 6].map(() => testUrl(api, receiver.url, 502)))
    expect(many.map(({ log_id }) => log_id).sort()).toEqual([3, 4, 5, 6])
  })

  it.each(['/', ''])('finds the test of a URL by a path that ends in "%s"', async (end) => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver(status(404, {}, 'no such page'))
    const { log_id } = await testUrl(api, receiver.url, 502)
    const { body } = await api.get(`/webhooks/logs/${log_id}${end}`).expect(200)
    expect(body).toEqual({
      log_id,
      status: 'Error',
      event: 'test',
      response_code: 404,
      timestamp: (await readLog(api, 'test_1')).deliveries[0]?.attempts[0]?.at,
      response: 'no such page',
      attempts: 1,
      event_id: 'test_1',
      webhook_id: null,
      test: true,
    })
  })

  it('finds the test of a webhook, with its id', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { id } = await createWebhook(api, { webhook_url: receiver.url })
    const { log_id } = await testUrl(api, receiver.url, 200)
    expect((await rowOf(api, log_id).expect(200)).body).toMatchObject({
      log_id,
      status: 'Success',
      response_code: 200,
      response: 'ok',
      webhook_id: id,
    })
  })

  it('says why where there was no answer', async () => {
    const { api } = await makeTenant(stack)
    const { log_id } = await testUrl(api, `https://localhost:${await closedPort()}/`, 502)
    expect((await rowOf(api, log_id).expect(200)).body).toMatchObject({
      status: 'Error',
      response_code: null,
      response: 'connection refused',
    })
  })

  it('is of one tenant and environment: 404 for every other', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    const { log_id } = await testUrl(api, receiver.url, 200)
    const { api: live } = await makeKey(stack, tenantId, 'production')
    const { api: stranger } = await makeTenant(stack)
    await rowOf(live, log_id).expect(404)
    await rowOf(stranger, log_id).expect(404)
    await rowOf(api, log_id).expect(200)
  })

  it.each(['0', '-1', '01', '2', '1.5', 'abc', 'test_1', '99999999999999999999', '%00', '1/replay/x'])(
    '404 for %s',
    async (logId) => {
      const { api } = await makeTenant(stack)
      await testUrl(api, (await httpsReceiver()).url, 200)
      await rowOf(api, logId).expect(404)
    },
  )

  it('skips an id that the platform used for an event of its own, and does not show that event', async () => {
    const { api } = await makeTenant(stack)
    const receiver = await httpsReceiver()
    await createWebhook(api, { webhook_url: receiver.url })
    await api.post('/events', { id: 'test_1', type: 'test', data: { mine: true } }).expect(202)
    await settledLog(api, 'test_1')
    expect((await testUrl(api, receiver.url, 200)).log_id).toBe(2)
    await rowOf(api, 1).expect(404)
    await rowOf(api, 2).expect(200)
    expect(await readLog(api, 'test_1')).not.toHaveProperty('test')
  })

  it('finds no test of an email destination, and tests of both kinds share the numbers', async () => {
    const { api } = await makeTenant(stack)
    const mail = untilTestEnds(await startSmtpReceiver())
    const config = { to: ['a@example.com'], from: 'b@example.com', smtpUrl: `smtp://127.0.0.1:${mail.port}` }
    const given = { name: 'mail', channel: 'email', config, subscription: { eventTypes: ['all'] } }
    const { body } = await api.post('/destinations', given).expect(201)
    const { id } = body as { id: string }
    expect((await api.post(`/destinations/${id}/test`).expect(200)).body).toMatchObject({ logId: 1 })
    const receiver = await httpsReceiver()
    expect((await testUrl(api, receiver.url, 200)).log_id).toBe(2)
    await rowOf(api, 1).expect(404)
    await createWebhook(api, { webhook_url: receiver.url })
    const twin = await nativeTwin(api, receiver.url)
    expect((await api.post(`/destinations/${twin.id}/test`).expect(200)).body).toMatchObject({ logId: 3 })
    expect((await rowOf(api, 3).expect(200)).body).toMatchObject({ log_id: 3, status: 'Success' })
  })
})
