import { describe, expect, it } from 'vitest'
import { startReceiver, status, type Receiver, type Respond } from '../../support/servers/receiver.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, makeTenant, readLog, settledLog, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = sharedStack()

const hops = 'Switchyard-Hops'
const event = { type: 'aml.match.found', data: { riskLevel: 'high' } }

const receiver = async (respond?: Respond): Promise<Receiver> => untilTestEnds(await startReceiver(respond))

async function subscribe(
  api: Api,
  { url }: Receiver,
  eventTypes = ['aml.*'],
  { wireFormat = 'standard-webhooks', ...more }: { wireFormat?: string; delivery?: object } = {},
): Promise<string> {
  const subscription = { eventTypes }
  const given = { name: 'hook', channel: 'webhook', config: { url, wireFormat }, subscription, ...more }
  return ((await api.post('/destinations', given).expect(201)).body as { id: string }).id
}

const received = ({ received }: Receiver, count = 1) =>
  eventually(
    () => Promise.resolve(received.map(({ headers }) => headers['switchyard-hops'])),
    ({ length }) => length >= count,
  )

describe('a receiver that posts an event for each webhook', () => {
  it('ends the loop after 8 webhooks if it passes the header on', async () => {
    const { api } = await makeTenant(stack)
    const statuses: number[] = []
    const looping = await receiver((response, { headers }) => {
      response.end()
      const posting = api.post('/events', event).set(hops, headers['switchyard-hops'] as string)
      void posting.then((answer) => statuses.push(answer.status))
    })
    await subscribe(api, looping)
    await api.post('/events', event).expect(202)
    await eventually(
      () => Promise.resolve(statuses),
      (seen) => seen.includes(422),
    )
    const sent = looping.received.map(({ headers }) => headers['switchyard-hops'])
    expect(sent).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    expect(statuses).toEqual([202, 202, 202, 202, 202, 202, 202, 202, 422])
  })
})

describe('POST /events', () => {
  it('422 loop_detected for more than 8 hops, and says what to look for', async () => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/events', event).set(hops, '9').expect(422)
    expect(body).toMatchObject({
      code: 'loop_detected',
      detail: expect.stringContaining('9 webhooks') as string,
      errors: [{ path: hops, message: 'must be at most 8' }],
    })
    await api.post('/events', event).set(hops, '8').expect(202)
  })

  it.each(['-1', '1.5', 'many', '1, 1', '1e1', '9'.repeat(400)])('422 for the header %s', async (value) => {
    const { api } = await makeTenant(stack)
    const { body } = await api.post('/events', event).set(hops, value).expect(422)
    expect(body).toMatchObject({ errors: [{ path: hops }] })
  })

  it('shows the number in the event’s log', async () => {
    const { api } = await makeTenant(stack)
    await api.post('/events', { ...event, id: 'first' }).expect(202)
    await api
      .post('/events', { ...event, id: 'third' })
      .set(hops, '2')
      .expect(202)
    expect(await readLog(api, 'third')).toMatchObject({ hops: 2 })
    expect(await readLog(api, 'first')).not.toHaveProperty('hops')
  })

  it('counts for every event of a batch', async () => {
    const { api } = await makeTenant(stack)
    const listening = await receiver()
    await subscribe(api, listening)
    await api
      .post('/events/batch', { events: [event, event] })
      .set(hops, '3')
      .expect(207)
    expect(await received(listening, 2)).toEqual(['4', '4'])
    await api
      .post('/events/batch', { events: [event] })
      .set(hops, '9')
      .expect(422)
  })
})

describe('Switchyard-Hops on webhooks', () => {
  it('is the same for every attempt and in every wire format', async () => {
    const { api } = await makeTenant(stack)
    const retrying = await receiver(status(500))
    const formats = ['standard-webhooks', 'cloudevents', 'dataspike', 'kyc-webhooks']
    const receivers = await Promise.all(formats.map(() => receiver()))
    await subscribe(api, retrying, ['aml.*'], { delivery: { schedule: ['0s', '50ms'] } })
    for (const [index, wireFormat] of formats.entries())
      await subscribe(api, receivers[index] as Receiver, ['aml.*'], { wireFormat })
    await api
      .post('/events', { ...event, id: 'e1' })
      .set(hops, '1')
      .expect(202)
    await settledLog(api, 'e1')
    expect(await received(retrying, 2)).toEqual(['2', '2'])
    for (const one of receivers) expect(await received(one)).toEqual(['2'])
  })

  it('counts on in replays and tests that a receiver asks for', async () => {
    const { api } = await makeTenant(stack)
    const listening = await receiver()
    const id = await subscribe(api, listening)
    await api
      .post('/events', { ...event, id: 'e1' })
      .set(hops, '2')
      .expect(202)
    await settledLog(api, 'e1')
    await api.post('/events/e1/replay').expect(202)
    expect(await received(listening, 2)).toEqual(['3', '3'])
    await api.post('/events/e1/replay').set(hops, '5').set('Idempotency-Key', 'again').expect(202)
    expect(await received(listening, 3)).toEqual(['3', '3', '6'])
    await api.post(`/destinations/${id}/test`).set(hops, '4').expect(200)
    expect(await received(listening, 4)).toEqual(['3', '3', '6', '5'])
    await api.post(`/destinations/${id}/test`).set(hops, '9').expect(422)
    await api.post('/events/e1/replay').set(hops, '9').expect(422)
  })

  it('is that of the event in what is told of its delivery', async () => {
    const { api } = await makeTenant(stack)
    const watching = await receiver()
    await subscribe(api, watching, ['delivery.*'])
    await subscribe(api, await receiver(status(500)), ['aml.*'], { delivery: { schedule: ['0s'] } })
    await api.post('/events', event).set(hops, '4').expect(202)
    expect(await received(watching)).toEqual(['5'])
  })

  it('is the highest of its events in a digest', async () => {
    const { api } = await makeTenant(stack)
    const listening = await receiver()
    const destination = await subscribe(api, listening, ['none'])
    const digest = { window: '1m', max: 2 }
    const rule = {
      name: 'r',
      when: { events: ['aml.*'] },
      steps: [{ digest }, { deliver: { to: [destination] } }],
    }
    await api.post('/rules', rule).expect(201)
    await api.post('/events', event).set(hops, '1').expect(202)
    await api.post('/events', event).set(hops, '3').expect(202)
    expect(await received(listening)).toEqual(['4'])
  })
})
