import { describe, expect, it } from 'vitest'
import { status } from '../../support/servers/receiver.ts'
import { endedReplay, startReplay } from '../../support/workflows/replays.ts'
import { closedLog, makeRule, makeWebhook, post, readRuleLog } from '../../support/workflows/rules.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, listedEvents, makeTenant } from '../../support/stack.ts'

const stack = sharedStack()
const longAgo = '2020-01-01T00:00:00Z'
const once = { schedule: ['0s'] }

describe('a replay with today’s rules', () => {
  it('routes failed events anew: they go where today’s rules say, and not where they failed', async () => {
    const { api } = await makeTenant(stack)
    const [down, other] = [await makeWebhook(api, status(500), once, ['aml.*']), await makeWebhook(api)]
    const id = await post(api)
    await closedLog(api, id)
    await listedEvents(api, 'status=failed')
    const rule = await makeRule(api, { steps: [{ deliver: { to: [other.id] } }] })
    const replay = await endedReplay(api, await startReplay(api, { from: longAgo, rules: 'today' }))
    expect(replay).toMatchObject({
      found: 1,
      started: 1,
      delivered: 1,
      filter: { rules: 'today', status: 'failed' },
    })
    const { replays } = await readRuleLog(api, id)
    expect(replays).toMatchObject([
      { status: 'delivered', deliveries: [{ destinationId: other.id, step: `${rule.id}/0` }] },
    ])
    expect([down.types().length, other.types().length]).toEqual([1, 1])
  })

  it('of all events reaches those that nobody has heard of', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const id = await post(api)
    expect((await closedLog(api, id)).status).toBe('unrouted')
    await listedEvents(api, 'status=unrouted')
    await makeRule(api, { steps: [{ deliver: { to: [hook.id] } }] })
    const asked = { from: longAgo, status: 'all', rules: 'today' }
    const replay = await endedReplay(api, await startReplay(api, asked))
    expect(replay).toMatchObject({ found: 1, started: 1, delivered: 1 })
    expect(hook.types()).toEqual(['aml.match.found'])
  })

  it('names no destination: rules decide', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const refused = await api
      .post('/replays', { from: longAgo, rules: 'today', destination: hook.id })
      .expect(422)
    expect(refused.body).toMatchObject({ errors: [{ path: 'destination' }] })
  })
})

describe('a replay of one event', () => {
  it('without destinations goes by today’s rules, all of their steps', async () => {
    const { api } = await makeTenant(stack)
    const [first, second] = [await makeWebhook(api), await makeWebhook(api)]
    const id = await post(api)
    await closedLog(api, id)
    await makeRule(api, {
      steps: [{ deliver: { to: [first.id] } }, { delay: '1s' }, { deliver: { to: [second.id] } }],
    })
    await api.post(`/events/${id}/replay`).expect(202)
    const log = await eventually(
      () => readRuleLog(api, id),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    expect(log.replays).toMatchObject([
      { steps: [{ kind: 'deliver' }, { kind: 'delay' }, { kind: 'deliver' }] },
    ])
    expect([first.types().length, second.types().length]).toEqual([1, 1])
  })

  it('to destinations by name takes no other step', async () => {
    const { api } = await makeTenant(stack)
    const [first, second] = [await makeWebhook(api), await makeWebhook(api)]
    await makeRule(api, { steps: [{ deliver: { to: [first.id] } }, { deliver: { to: [second.id] } }] })
    const id = await post(api)
    await closedLog(api, id)
    await api.post(`/events/${id}/replay`, { destinations: [second.id] }).expect(202)
    await eventually(
      () => readRuleLog(api, id),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    expect([first.types().length, second.types().length]).toEqual([1, 2])
  })

  it('of a digest does again what its rule does with it', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const rule = await makeRule(api, {
      digest: { window: '1s' },
      steps: [{ deliver: { to: [hook.id] } }],
    })
    const id = await post(api)
    const digestId = (await closedLog(api, id)).steps?.[0]?.digestId ?? ''
    await closedLog(api, digestId)
    await api.post(`/events/${digestId}/replay`).expect(202)
    const log = await eventually(
      () => readRuleLog(api, digestId),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    expect(log.replays).toMatchObject([{ deliveries: [{ destinationId: hook.id, step: `${rule.id}/0` }] }])
    expect(hook.types()).toEqual(['digest', 'digest'])
  })
})
