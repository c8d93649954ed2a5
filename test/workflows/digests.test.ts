import { setTimeout as pass } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  collectDigestType,
  collectSignal,
  digestWorkflowId,
  leaveDigestSignal,
} from '../../src/workflows/contract/digests.ts'
import { eventWorkflowId } from '../../src/workflows/contract/event.ts'
import { taskQueue } from '../../src/workflows/contract/task-queues.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { eventually, listedEvents, makeTenant, type Api } from '../support/stack.ts'
import {
  closedLog,
  logOnce,
  makeRule,
  makeWebhook,
  post,
  quietNow,
  stepWaits,
  type Webhook,
} from '../support/workflows/rules.ts'

const stack = sharedStack()

interface DigestData {
  rule: { id: string; name: string }
  by?: string
  key?: unknown
  count: number
  types: Record<string, number>
  events: { id: string; type: string; data: object }[]
}

/** What has come in, digests alone. */
function digestsAt({ receiver }: Webhook): DigestData[] {
  const bodies = receiver.received.map(({ body }) => JSON.parse(body) as { type: string; data: DigestData })
  return bodies.filter(({ type }) => type === 'digest').map(({ data }) => data)
}

const digestOf = async (api: Api, id: string) => {
  const { steps = [] } = await closedLog(api, id)
  return steps.find(({ digestId }) => digestId)?.digestId ?? ''
}

describe('a digest', () => {
  it('tells of all events of its window by one message, to which the log of each points', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const rule = await makeRule(api, {
      digest: { window: '3s', max: 100 },
      steps: [{ deliver: { to: [hook.id] } }],
    })
    const ids = []
    for (const name of ['Ada', 'Grace', 'Edith']) ids.push(await post(api, { data: { name } }))
    const digestIds = new Set(await Promise.all(ids.map((id) => digestOf(api, id))))
    expect(digestIds.size).toBe(1)
    const [digestId = ''] = digestIds
    const log = await closedLog(api, digestId)
    expect(log).toMatchObject({ type: 'digest', status: 'delivered' })
    expect(log.deliveries).toMatchObject([{ destinationId: hook.id, step: `${rule.id}/0` }])
    const [digest, ...others] = digestsAt(hook)
    expect(others).toEqual([])
    expect(digest).toMatchObject({
      rule: { id: rule.id, name: 'A rule' },
      count: 3,
      types: { 'aml.match.found': 3 },
    })
    expect(digest?.events.map(({ id }) => id).sort()).toEqual([...ids].sort())
    const first = await closedLog(api, ids[0] ?? '')
    expect(first).toMatchObject({ status: 'digested', deliveries: [] })
    expect(first.steps).toMatchObject([
      { path: `${rule.id}/digest`, kind: 'digest', status: 'done', reason: `digested into ${digestId}` },
    ])
    expect(hook.receiver.received).toHaveLength(1)
  })

  it('is one for each value at its path', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, {
      digest: { window: '2s', by: 'data.customerId', max: 100 },
      steps: [{ deliver: { to: [hook.id] } }],
    })
    for (const customerId of ['cus_1', 'cus_2', 'cus_1']) await post(api, { data: { customerId } })
    await post(api, { data: {} })
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      ({ length }) => length >= 3,
    )
    expect(new Map(digestsAt(hook).map(({ by, key, count }) => [key, [by, count]]))).toEqual(
      new Map([
        ['cus_1', ['data.customerId', 2]],
        ['cus_2', ['data.customerId', 1]],
        [undefined, [undefined, 1]],
      ]),
    )
  })

  it('is keyed by any value, of which equal ones may be written differently, and counts types of any name', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, {
      when: { events: ['all'] },
      digest: { window: '3s', by: 'data.customer', max: 100 },
      steps: [{ deliver: { to: [hook.id] } }],
    })
    const customers = [{ id: 1, country: 'DE' }, { country: 'DE', id: 1 }, 7, 7]
    const types = ['constructor', 'toString', 'constructor', 'constructor']
    for (const [index, customer] of customers.entries())
      await post(api, { type: types[index], data: { customer } })
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      ({ length }) => length >= 2,
    )
    const found = digestsAt(hook).map(({ key, count, types }) => ({ key, count, types }))
    const typesOf = (...counts: [string, number][]) => Object.fromEntries(counts)
    expect(found.sort((a, b) => Number(b.key === 7) - Number(a.key === 7))).toEqual([
      { key: 7, count: 2, types: typesOf(['constructor', 2]) },
      { key: { id: 1, country: 'DE' }, count: 2, types: typesOf(['constructor', 1], ['toString', 1]) },
    ])
  })

  it.each([
    ['low', 'critical'],
    ['critical', 'low'],
  ])('of events that different quiet hours hold is one for each: %s first', async (...levels) => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    // It is always quiet for events that are not critical. The other window lasts until the end of the hour before this one.
    const elsewhere = { timezone: 'UTC', between: [hourOf(-2), hourOf(0)] }
    await makeRule(api, {
      digest: { window: '3s', max: 100 },
      steps: [{ deliver: { to: [hook.id] } }],
      quietHours: [elsewhere, quietNow({ 'data.riskLevel': 'critical' })],
    })
    const ids = new Map<string, string>()
    for (const riskLevel of levels) ids.set(riskLevel, await post(api, { data: { riskLevel } }))
    await Promise.all([...ids.values()].map((id) => closedLog(api, id)))
    const digestId = await digestOf(api, ids.get('low') ?? '')
    const held = await logOnce(api, digestId, ({ deliveries }) => deliveries.length > 0)
    expect(held.deliveries).toMatchObject([{ status: 'held' }])
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      ({ length }) => length > 0,
    )
    expect(digestsAt(hook).map(({ events }) => events.map(({ id }) => id))).toEqual([[ids.get('critical')]])
    await api.post(`/events/${digestId}/cancel`).expect(202)
  })

  it('does not wait for the end of its window once there are as many as it takes', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { digest: { window: '1h', max: 2 }, steps: [{ deliver: { to: [hook.id] } }] })
    const ids = [await post(api), await post(api), await post(api)]
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      ({ length }) => length >= 1,
    )
    expect(digestsAt(hook)).toMatchObject([{ count: 2 }])
    const open = await Promise.all(ids.map((id) => logOnce(api, id, ({ steps = [] }) => steps.length > 0)))
    await Promise.all(ids.map((id) => api.post(`/events/${id}/cancel`)))
    expect(open).toHaveLength(3)
    const logs = await Promise.all(ids.map((id) => closedLog(api, id)))
    expect(logs.map(({ status }) => status).sort()).toEqual(['digested', 'digested', 'unrouted'])
  })

  it('is told of before it grows larger than an event may be', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { digest: { window: '2s', max: 100 }, steps: [{ deliver: { to: [hook.id] } }] })
    const ids = []
    for (let sent = 0; sent < 3; sent++) ids.push(await post(api, { data: { text: 'x'.repeat(120_000) } }))
    await Promise.all(ids.map((id) => closedLog(api, id)))
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      (all) => sum(all) === 3,
    )
    expect(digestsAt(hook).map(({ count }) => count)).toEqual([2, 1])
  })

  it('leaves out an event that was cancelled while it waited, and its log says so', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { digest: { window: '4s', max: 100 }, steps: [{ deliver: { to: [hook.id] } }] })
    const [stays, leaves] = [await post(api), await post(api)]
    await stepWaits(api, leaves, 'digest')
    await api.post(`/events/${leaves}/cancel`).expect(202)
    expect(await closedLog(api, leaves)).toMatchObject({
      status: 'unrouted',
      steps: [{ kind: 'digest', status: 'skipped', reason: 'cancelled on request' }],
    })
    await closedLog(api, stays)
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      ({ length }) => length > 0,
    )
    expect(digestsAt(hook).map(({ events }) => events.map(({ id }) => id))).toEqual([[stays]])
  })

  it('tells of whoever comes while the last one before is leaving', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const scope = { tenantId, environment: 'sandbox' } as const
    const ids = await Promise.all(Array.from({ length: 40 }, () => post(api, { data: {} })))
    const start = async (eventId: string, index: number) => {
      const orders = { ruleId: `rul_${eventId}`, version: 1, name: 'A rule', steps: [], from: 0 }
      const { runId } = await stack.temporal.workflow
        .getHandle(eventWorkflowId({ ...scope, eventId }))
        .describe()
      const digestId = digestWorkflowId(scope, orders)
      const collect = (workflowId: string) =>
        stack.temporal.workflow.signalWithStart(collectDigestType, {
          workflowId: digestId,
          taskQueue,
          args: [{ ...scope, orders, windowMs: 2_000, max: 100 }],
          signal: collectSignal,
          signalArgs: [{ workflowId, runId, bytes: 2 }],
        })
      const { workflowId, signaledRunId } = await collect('somebody/sandbox/else')
      // It is told that it has left, which takes a moment; in that moment another one comes, each a little later than the last.
      await stack.temporal.workflow
        .getHandle(workflowId, signaledRunId)
        .signal(leaveDigestSignal, 'somebody/sandbox/else')
      await pass(index)
      await collect(eventWorkflowId({ ...scope, eventId }))
    }
    for (const [index, id] of ids.entries()) await start(id, index)
    const digests = await listedEvents(api, 'type=digest&limit=100', ids.length)
    expect(digests).toHaveLength(ids.length)
  })

  it('is joined again by whoever waits for it, where an operator has ended it', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const rule = await makeRule(api, {
      digest: { window: '2s', max: 100 },
      steps: [{ deliver: { to: [hook.id] } }],
    })
    const id = await post(api)
    await stepWaits(api, id, 'digest')
    const digestId = digestWorkflowId({ tenantId, environment: 'sandbox' }, { ruleId: rule.id, version: 1 })
    await stack.temporal.workflow.getHandle(digestId).terminate('for a test')
    expect(await closedLog(api, id, 30_000)).toMatchObject({ status: 'digested' })
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      ({ length }) => length > 0,
    )
    expect(digestsAt(hook).map(({ events }) => events.map((event) => event.id))).toEqual([[id]])
  })

  it('goes on as it began where its rule is changed, and events that come later go by the new one', async () => {
    const { api } = await makeTenant(stack)
    const [before, after] = [await makeWebhook(api), await makeWebhook(api)]
    const rule = await makeRule(api, {
      digest: { window: '3s', max: 100 },
      steps: [{ deliver: { to: [before.id] } }],
    })
    const old = await post(api)
    await stepWaits(api, old, 'digest')
    await api.patch(`/rules/${rule.id}`, { steps: [{ deliver: { to: [after.id] } }] }).expect(200)
    const later = await post(api)
    await Promise.all([closedLog(api, old), closedLog(api, later)])
    await eventually(
      () => Promise.resolve([before, after].flatMap(digestsAt)),
      ({ length }) => length === 2,
    )
    expect(digestsAt(before).map(({ events }) => events.map(({ id }) => id))).toEqual([[old]])
    expect(digestsAt(after).map(({ events }) => events.map(({ id }) => id))).toEqual([[later]])
  })

  it('does what its rule has after it: steps before it are done by each event', async () => {
    const { api } = await makeTenant(stack)
    const [each, collected] = [await makeWebhook(api), await makeWebhook(api)]
    await makeRule(api, {
      steps: [
        { deliver: { to: [each.id] } },
        { digest: { window: '2s', max: 100 } },
        { branch: { filter: { 'data.count': { $gte: 2 } }, steps: [{ deliver: { to: [collected.id] } }] } },
      ],
    })
    const ids = [await post(api), await post(api)]
    const logs = await Promise.all(ids.map((id) => closedLog(api, id)))
    expect(logs.map(({ status }) => status)).toEqual(['delivered', 'delivered'])
    await eventually(
      () => Promise.resolve(digestsAt(collected)),
      ({ length }) => length > 0,
    )
    expect(digestsAt(collected)).toMatchObject([{ count: 2 }])
    expect(each.types()).toEqual(['aml.match.found', 'aml.match.found'])
  })

  it('stands in the list of events', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { digest: { window: '1s', max: 1 }, steps: [{ deliver: { to: [hook.id] } }] })
    const digestId = await digestOf(api, await post(api))
    const listed = await listedEvents(api, 'type=digest')
    expect(listed.map(({ id }) => id)).toEqual([digestId])
    expect(await listedEvents(api, 'status=digested')).toHaveLength(1)
  })
})

function hourOf(offset: number): string {
  return `${String((new Date().getUTCHours() + offset + 24) % 24).padStart(2, '0')}:00`
}

function sum(digests: readonly DigestData[]): number {
  return digests.reduce((total, { count }) => total + count, 0)
}
