import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import supertest from 'supertest'
import { expect, inject, it } from 'vitest'
import { canary, leaksIn, proofOfLogging } from '../support/run/log-leaks.ts'
import { partsOf, serviceChannels, serviceConfig } from '../support/channel-configs.ts'
import { startReceiver, status } from '../support/servers/receiver.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { adminKey, eventually, makeTenant, settledLog, testLog, untilTestEnds } from '../support/stack.ts'

/**
 * Sends a canary by every way that personal data and secrets take, into failures above all. What looks for it is `closing-line.ts`,
 * in every log of the whole run, once the run is over.
 */
const stack = sharedStack()

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
  const refusing = untilTestEnds(await startReceiver(status(400, {}, `invalid_blocks ${canary}`)))
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
  for (const channel of serviceChannels) {
    const { config } = serviceConfig(channel, `http://127.0.0.1:${refusing.port}/services/T0?sig=${canary}`)
    expect(await make(channel.name, config)).toBe(201)
  }
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

it('errors of templates, schemas and filters name places, and quote nothing of an event', async () => {
  const { api } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(status(200)))
  const name = { type: 'string', maxLength: 2, enum: ['A'], pattern: '^[A-Z]$' }
  const schema = {
    type: 'object',
    properties: {
      customer: { type: 'object', properties: { name, passport: { type: 'integer' } } },
      list: { items: { format: 'date-time' } },
    },
  }
  await api.post('/event-types', { type: 'canary.checked', schema, enforce: true }).expect(201)
  // Each renders what is no JSON, or no date, from the event's own values.
  const parts = {
    ...partsOf(({ kind }) =>
      kind === 'json' ? '[{{ data.list }}]' : '{{ data.customer.name | at_most: data.customer.name }}',
    ),
    webhook: { body: '{"n": {{ data.customer.name }}, "p": "{{ data.customer.passport | date: "%Q" }}' },
    email: {
      subject: '{{ data.list | date: data.customer.name }}',
      html: '{{ data.customer | slice: data.list }}',
    },
  }
  const event = { type: 'canary.sent', data }
  const { id } = (
    await api
      .post('/templates', { name: 'T', eventTypes: ['canary.sent'], parts: { webhook: parts.webhook } })
      .expect(201)
  ).body as { id: string }
  const filter = { 'data.customer.name': { $regex: '^(a|b)+$' }, 'data.list': { $gt: 3 } }
  const hook = {
    name: 'x',
    channel: 'webhook',
    config: { url: receiver.url },
    subscription: { eventTypes: ['canary.sent'] },
  }
  await api.post('/destinations', hook).expect(201)
  await api
    .post('/destinations', { ...hook, subscription: { eventTypes: ['canary.sent'], filter } })
    .expect(201)
  const checked = await api.post('/events', { type: 'canary.checked', data }).expect(422)
  expect((checked.body as { errors: { path: string }[] }).errors.map(({ path }) => path)).toContain(
    'data.customer.passport',
  )
  const rule = { name: 'R', when: { events: ['canary.sent'], filter }, steps: [{ stop: true }] }
  await api.post('/events', event).expect(202)
  const sent = await api.post('/events', { ...event, id: 'sent' }).expect(202)
  const log = await settledLog(api, 'sent')
  const problems = [
    (await api.post('/templates/preview', { parts, event }).expect(200)).body,
    (await api.post(`/templates/${id}/preview`, { event }).expect(200)).body,
  ].map((body: { problems: unknown[] }) => body.problems)
  expect(problems.flat().length).toBeGreaterThanOrEqual(3)
  expect(log.deliveries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        attempts: [expect.objectContaining({ templateFault: expect.any(String) as string })],
      }),
    ]),
  )
  const previewed = await api.post('/rules/preview', { ...event, rules: [rule] }).expect(200)
  const shown = {
    checked: checked.body,
    sent: sent.body,
    problems,
    deliveries: log.deliveries,
    routing: log.routing,
    previewed: previewed.body,
  }
  expect(leaksIn(JSON.stringify(shown, (key, value: unknown) => (key === 'data' ? null : value)))).toEqual([])
})

it.each([
  ['a list that does not end', `switchyard: 1\ndestinations: [{name: ${canary}`],
  ['a name twice', `switchyard: 1\nname: ${canary}\nname: ${canary}`],
  ['an alias of nothing', `switchyard: 1\nname: *${canary}`],
  ['a tag', `switchyard: 1\nname: !${canary} x`],
  ['a directive', `%YAML 1.1 ${canary}\n---\nswitchyard: 1`],
  ['a bad escape', `switchyard: 1\nname: "${canary} \\q"`],
  ['text beside a mapping', `switchyard: 1\n${canary}\nname: x`],
  ['a value of another kind', `switchyard: 1\ndestinations: ${canary}`],
])('errors of YAML name the place, and quote nothing of the document: %s', async (_what, document) => {
  const { key } = await makeTenant(stack)
  const answer = await supertest(stack.app)
    .post('/api/v1/configuration')
    .auth(key, { type: 'bearer' })
    .type('application/yaml')
    .send(document)
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect(leaksIn(answer.text)).toEqual([])
})

it('the logs of PostgreSQL and Temporal are looked through as well', async () => {
  await expect(stack.db.$queryRaw`SELECT 1 / 0`).rejects.toThrow('division by zero')
  const logOf = (name: string) => readFileSync(join(inject('logFolder') ?? '', `${name}.log`), 'utf8')
  await expect.poll(() => logOf('postgres')).toContain('division by zero')
  expect(logOf('temporal')).not.toBe('')
})

it('a line with any of them would be found', () => {
  expect(leaksIn(`{"name":"${canary}"}`)).toEqual(['canary'])
  expect(leaksIn(`key ${adminKey}`)).toEqual(['an API key'])
  expect(leaksIn('whsec_abcd')).toEqual(['a signing secret'])
  expect(leaksIn('smtp://user:pass@mail.example')).toEqual(['a password in a URL'])
  expect(leaksIn('authorization: Bearer abcdef')).toEqual(['a bearer’s token'])
  expect(leaksIn('{"event":"event.accepted","eventId":"evt_1"}')).toEqual([])
})
