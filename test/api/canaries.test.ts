import supertest from 'supertest'
import { expect, it } from 'vitest'
import { canary, leaksIn, proofOfLogging } from '../support/log-leaks.ts'
import { startReceiver, status } from '../support/receiver.ts'
import { startSmtpReceiver } from '../support/smtp-receiver.ts'
import {
  adminKey,
  eventually,
  makeTenant,
  settledLog,
  stackOfFile,
  testLog,
  untilTestEnds,
} from '../support/stack.ts'

/**
 * Sends a canary by every way that personal data and secrets take, into failures above all. What looks for it is `closing-line.ts`,
 * in every log of the whole run, once the run is over.
 */
const stack = stackOfFile()

/** Shows that the logs of this run are where they are looked for. */
it('the log of the run is written', () => {
  expect(testLog.isLevelEnabled('trace')).toBe(true)
  testLog.info({ written: true }, proofOfLogging)
})

const data = { customer: { name: canary, passport: `${canary}-2` }, list: [canary] }

/** An answer that repeats all it was sent. */
const echo =
  (code: number): Parameters<typeof startReceiver>[0] =>
  (response, { headers, body }) =>
    void response.writeHead(code, { 'x-echo': 'yes' }).end(`${JSON.stringify(headers)} ${body}`)

it('canaries are sent through deliveries that arrive, fail and are refused, by every channel', async () => {
  const { api } = await makeTenant(stack)
  const failing = untilTestEnds(await startReceiver(echo(500)))
  const fine = untilTestEnds(await startReceiver(echo(200)))
  const slack = untilTestEnds(await startReceiver(status(400, {}, `invalid_blocks ${canary}`)))
  const text = `550 no ${canary} here`
  const mail = untilTestEnds(await startSmtpReceiver({ at: 'data', code: 550, text }))
  const make = async (channel: string, config: object) => {
    const delivery = { schedule: ['0s', '50ms'] }
    const given = { name: canary, channel, config, subscription: { eventTypes: ['all'] }, delivery }
    return (await api.post('/destinations', given)).status
  }
  const headers = { Authorization: `Bearer ${canary}`, 'X-Team': canary }
  expect(await make('webhook', { url: failing.url, headers })).toBe(201)
  expect(await make('webhook', { url: `${fine.url}?token=${canary}`, headers })).toBe(201)
  expect(await make('webhook', { url: `http://127.0.0.1:1/${canary}` })).toBe(201)
  const smtpUrl = `smtp://user:${canary}-password@127.0.0.1:${mail.port}`
  expect(await make('email', { to: [`${canary}@example.com`], smtpUrl })).toBe(201)
  await make('slack', { webhookUrl: `http://127.0.0.1:${slack.port}/services/T0/B0/${canary}` })
  const template = {
    name: 'x',
    eventTypes: ['all'],
    parts: {
      email: { subject: '{{ data.customer.name | date: "%" }} {% if data.list %}{{ data.list }}{% endif %}' },
    },
  }
  await api.post('/templates', template)
  const { body } = await api.post('/events', { type: 'aml.match.found', data }).expect(202)
  const { id } = body as { id: string }
  const log = await settledLog(api, id)
  expect(log.deliveries.length).toBeGreaterThanOrEqual(4)
  expect(failing.received[0]?.body).toContain(canary)
  await api.post(`/events/${id}/replay`).expect(202)
  await eventually(
    () => Promise.resolve(failing.received.length),
    (count) => count >= 4,
  )
})

it('canaries are sent in requests that are refused, and in keys', async () => {
  const { api, key } = await makeTenant(stack)
  const request = supertest(stack.app)
  await request.get('/api/v1/events').auth(`sk_live_${canary}`, { type: 'bearer' }).expect(401)
  await request.get(`/api/v1/webhooks/?api_key=sk_test_${canary}`).expect(401)
  await request
    .post('/api/v1/events')
    .auth(key, { type: 'bearer' })
    .type('json')
    .send(`{"a":"${canary}`)
    .expect(400)
  await request
    .post('/api/v1/events')
    .auth(key, { type: 'bearer' })
    .type('json')
    .send(`${canary}`)
    .expect(400)
  await api.post('/events', { type: canary.toLowerCase(), data: canary }).expect(422)
  await api.post('/events', { type: 'a.b', data, [canary]: 1 }).expect(422)
  await api.get(`/events/${canary}`).expect(404)
  await request.get(`/acknowledge/${canary}`).expect(404)
  await request
    .post('/api/v1/tenants')
    .auth(adminKey, { type: 'bearer' })
    .send({ name: `${canary}\n` })
  await api.post('/rules/preview', { type: 'a.b', data }).expect(200)
})

it('a line with any of them would be found', () => {
  expect(leaksIn(`{"name":"${canary}"}`)).toEqual(['canary'])
  expect(leaksIn(`key ${adminKey}`)).toEqual(['an API key'])
  expect(leaksIn('whsec_abcd')).toEqual(['a signing secret'])
  expect(leaksIn('smtp://user:pass@mail.example')).toEqual(['a password in a URL'])
  expect(leaksIn('authorization: Bearer abcdef')).toEqual(['a bearer’s token'])
  expect(leaksIn('{"event":"event.accepted","eventId":"evt_1"}')).toEqual([])
})
