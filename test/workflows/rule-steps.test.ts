import { Worker } from '@temporalio/worker'
import { describe, expect, inject, it } from 'vitest'
import { createPlan } from '../../src/activities/plan.ts'
import { taskQueue } from '../../src/workflows/contract/task-queues.ts'
import { openNamespace } from '../support/corner.ts'
import { startSmtpReceiver } from '../support/servers/smtp-receiver.ts'
import {
  createTestCompute,
  eventually,
  makeTenant,
  stackOfFile,
  testLog,
  untilTestEnds,
} from '../support/stack.ts'
import { ok, status, statuses, type Respond } from '../support/servers/receiver.ts'
import {
  closedLog,
  logOnce,
  makeRule,
  makeWebhook,
  post,
  quietNow,
  readRuleLog,
  stepWaits,
  type RuleLog,
} from '../support/workflows/rules.ts'

const stack = stackOfFile()
const never = { schedule: ['0s'] }

describe('deliver', () => {
  it('reaches those it names and nobody else, and the log says which step of which rule did it', async () => {
    const { api } = await makeTenant(stack)
    const [named, other] = [await makeWebhook(api), await makeWebhook(api, ok, never, ['aml.*'])]
    const rule = await makeRule(api, { steps: [{ deliver: { to: [named.id] } }] })
    const log = await closedLog(api, await post(api))
    expect(log.status).toBe('delivered')
    expect(log.deliveries).toMatchObject([{ destinationId: named.id, step: `${rule.id}/0` }])
    expect(log.steps).toMatchObject([
      { path: `${rule.id}/0`, kind: 'deliver', status: 'done', reason: '1 of 1 delivered' },
    ])
    expect(log.routing).toEqual([
      { destinationId: named.id, matched: true, reason: `named by ${rule.id}/0` },
      {
        destinationId: other.id,
        matched: false,
        reason: expect.stringContaining('routed by rules') as string,
      },
      { ruleId: rule.id, version: 1, name: 'A rule', matched: true, reason: 'for aml.*' },
    ])
    expect(other.receiver.received).toEqual([])
  })

  it('does not hold up the next step while it is retried', async () => {
    const { api } = await makeTenant(stack)
    const [down, up] = [
      await makeWebhook(api, status(500), { schedule: ['0s', '1h'] }),
      await makeWebhook(api),
    ]
    await makeRule(api, {
      steps: [{ deliver: { to: [down.id] } }, { delay: '1s' }, { deliver: { to: [up.id] } }],
    })
    const id = await post(api)
    const log = await logOnce(api, id, ({ deliveries }) =>
      deliveries.some(({ status }) => status === 'delivered'),
    )
    expect(log).toMatchObject({
      status: 'pending',
      deliveries: [{ status: 'pending' }, { status: 'delivered' }],
    })
    await api.post(`/events/${id}/cancel`).expect(202)
    await closedLog(api, id)
  })

  it('holds it up where the next step is to wait for the outcome', async () => {
    const { api } = await makeTenant(stack)
    const [first, second] = [await makeWebhook(api, statuses(500)), await makeWebhook(api)]
    await makeRule(api, {
      steps: [{ deliver: { to: [first.id], waitFor: 'outcome' } }, { deliver: { to: [second.id] } }],
    })
    const log = await closedLog(api, await post(api))
    const [slow, after] = log.deliveries
    expect(log.deliveries).toMatchObject([{ status: 'delivered' }, { status: 'delivered' }])
    expect(Date.parse(after?.attempts[0]?.at ?? '')).toBeGreaterThan(Date.parse(slow?.attempts[1]?.at ?? ''))
  })

  it('falls back to another destination once all attempts have failed', async () => {
    const { api } = await makeTenant(stack)
    const [down, oncall] = [await makeWebhook(api, status(500)), await makeWebhook(api)]
    const rule = await makeRule(api, {
      steps: [{ deliver: { to: [down.id], onFailure: [{ deliver: { to: [oncall.id] } }] } }],
    })
    const log = await closedLog(api, await post(api))
    expect(log.status).toBe('partial')
    expect(log.deliveries).toMatchObject([
      { destinationId: down.id, status: 'failed', reason: 'exhausted: all 2 attempts failed' },
      { destinationId: oncall.id, status: 'delivered', step: `${rule.id}/0.onFailure.0` },
    ])
    expect(log.steps?.map(({ path, reason }) => [path, reason])).toEqual([
      [`${rule.id}/0`, '0 of 1 delivered'],
      [`${rule.id}/0.onFailure.0`, '1 of 1 delivered'],
    ])
  })

  it('reminds by email: each step’s mail is one of its own to whoever sorts by Message-ID', async () => {
    const { api } = await makeTenant(stack)
    const smtp = untilTestEnds(await startSmtpReceiver())
    const config = { to: ['a@x.io'], from: 'b@x.io', smtpUrl: `smtp://127.0.0.1:${smtp.port}` }
    const given = { name: 'On call', channel: 'email', config, subscription: { eventTypes: ['only.rules'] } }
    const { id: destinationId } = (await api.post('/destinations', given).expect(201)).body as { id: string }
    const deliver = { to: [destinationId] }
    const rule = await makeRule(api, { steps: [{ deliver }, { delay: '1s' }, { deliver }] })
    const id = await post(api)
    await closedLog(api, id)
    expect(smtp.mails.map(({ messageId }) => messageId)).toEqual([
      `<${id}.${destinationId}.${rule.id}.0@switchyard>`,
      `<${id}.${destinationId}.${rule.id}.2@switchyard>`,
    ])
  })

  it.each(['paused', 'deleted'])('falls back at once where the destination is %s', async (how) => {
    const { api } = await makeTenant(stack)
    const [gone, oncall] = [await makeWebhook(api), await makeWebhook(api)]
    await makeRule(api, {
      steps: [{ deliver: { to: [gone.id], onFailure: [{ deliver: { to: [oncall.id] } }] } }],
    })
    if (how === 'paused') await api.post(`/destinations/${gone.id}/pause`).expect(200)
    else await api.delete(`/destinations/${gone.id}`).expect(204)
    const log = await closedLog(api, await post(api))
    expect(log.status).toBe('delivered')
    expect(oncall.types()).toEqual(['aml.match.found'])
    expect(log.steps?.[0]?.reason).toContain(how === 'paused' ? '0 of 1 delivered' : gone.id)
  })

  it('makes very many deliveries of several rules, in child workflows where one cannot hold them', async () => {
    const { api } = await makeTenant(stack)
    const hooks = []
    for (let made = 0; made < 40; made++) hooks.push(await makeWebhook(api))
    const to = hooks.map(({ id }) => id)
    await makeRule(api, { steps: [{ deliver: { to } }] })
    await makeRule(api, { steps: [{ deliver: { to } }] })
    const log = await closedLog(api, await post(api))
    expect(log.deliveries.map(({ status }) => status)).toEqual(Array.from({ length: 80 }, () => 'delivered'))
    expect(hooks.map(({ receiver }) => receiver.received.length)).toEqual(hooks.map(() => 2))
  })
})

describe('delay', () => {
  it('waits, and the log says until when', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const rule = await makeRule(api, { steps: [{ delay: '2s' }, { deliver: { to: [hook.id] } }] })
    const id = await post(api)
    const waiting = (await stepWaits(api, id, 'delay')).steps?.[0]
    expect(hook.receiver.received).toEqual([])
    expect(Date.parse(waiting?.until ?? '') - Date.parse(waiting?.at ?? '')).toBe(2_000)
    const log = await closedLog(api, id)
    expect(log.steps).toMatchObject([{ path: `${rule.id}/0`, status: 'done' }, { status: 'done' }])
    expect(Date.parse(log.deliveries[0]?.attempts[0]?.at ?? '')).toBeGreaterThanOrEqual(
      Date.parse(waiting?.until ?? ''),
    )
  })

  it('waits until a time of the day in a zone', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const timezone = 'Asia/Kolkata'
    await makeRule(api, { steps: [{ delay: { until: '09:00', timezone } }, { deliver: { to: [hook.id] } }] })
    const id = await post(api)
    const until = new Date((await stepWaits(api, id, 'delay')).steps?.[0]?.until ?? '')
    const shown = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit' })
    expect(shown.format(until)).toBe('09:00')
    expect(until.getTime() - Date.now()).toBeGreaterThan(0)
    expect(until.getTime() - Date.now()).toBeLessThanOrEqual(24 * 3600 * 1000)
    await api.post(`/events/${id}/cancel`).expect(202)
    const log = await closedLog(api, id)
    expect(log.steps).toMatchObject([
      { status: 'skipped', reason: 'cancelled on request' },
      { kind: 'deliver', status: 'skipped', reason: 'cancelled on request' },
    ])
    expect(hook.receiver.received).toEqual([])
  })
})

describe('branch', () => {
  const branching = (high: string, low: string) => ({
    steps: [
      {
        branch: {
          filter: { 'data.riskLevel': { $in: ['high', 'critical'] } },
          steps: [{ deliver: { to: [high] } }],
          else: [{ deliver: { to: [low] } }],
        },
      },
    ],
  })

  it.each([
    ['high', 'steps', 'passes the filter'],
    ['low', 'else', 'does not pass the filter'],
  ] as const)('goes the way that the event’s data says: %s', async (riskLevel, taken, reason) => {
    const { api } = await makeTenant(stack)
    const [high, low] = [await makeWebhook(api), await makeWebhook(api)]
    const rule = await makeRule(api, branching(high.id, low.id))
    const log = await closedLog(api, await post(api, { data: { riskLevel } }))
    expect(log.steps).toMatchObject([
      { path: `${rule.id}/0`, kind: 'branch', status: 'done', reason },
      { path: `${rule.id}/0.${taken}.0`, kind: 'deliver', status: 'done' },
    ])
    expect([high.types().length, low.types().length]).toEqual(riskLevel === 'high' ? [1, 0] : [0, 1])
  })
})

describe('stop', () => {
  it('ends its rule and no other, and the log says why nobody was told', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { steps: [{ stop: 'we are told of these by phone' }], when: { events: ['aml.*'] } })
    const silent = await closedLog(api, await post(api))
    expect(silent).toMatchObject({
      status: 'unrouted',
      steps: [{ kind: 'stop', reason: 'we are told of these by phone' }],
    })
    await makeRule(api, { steps: [{ deliver: { to: [hook.id] } }] })
    const log = await closedLog(api, await post(api))
    expect(log.status).toBe('delivered')
  })

  it('ends a rule from within a branch: the steps after it are in the log as skipped', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const rule = await makeRule(api, {
      steps: [
        { branch: { filter: { 'data.muted': true }, steps: [{ stop: true }] } },
        { deliver: { to: [hook.id] } },
      ],
    })
    const log = await closedLog(api, await post(api, { data: { muted: true } }))
    expect(log.steps).toMatchObject([
      { kind: 'branch' },
      { kind: 'stop' },
      { path: `${rule.id}/1`, status: 'skipped', reason: `stopped by ${rule.id}/0.steps.0` },
    ])
    expect(hook.receiver.received).toEqual([])
  })
})

describe('awaitAck', () => {
  const escalating = (first: string, head: string, within: string) => ({
    steps: [{ deliver: { to: [first] } }, { awaitAck: { within, otherwise: [{ deliver: { to: [head] } }] } }],
  })

  it('escalates where nobody acknowledges in time', async () => {
    const { api } = await makeTenant(stack)
    const [first, head] = [await makeWebhook(api), await makeWebhook(api)]
    const rule = await makeRule(api, escalating(first.id, head.id, '2s'))
    const id = await post(api)
    await stepWaits(api, id, 'awaitAck')
    expect(head.receiver.received).toEqual([])
    const log = await closedLog(api, id)
    expect(head.types()).toEqual(['aml.match.found'])
    expect(log.steps).toMatchObject([
      { path: `${rule.id}/0` },
      { path: `${rule.id}/1`, kind: 'awaitAck', status: 'done', reason: 'not acknowledged within 2s' },
      { path: `${rule.id}/1.otherwise.0`, kind: 'deliver', status: 'done' },
    ])
  })

  it('does not where somebody has, and the log says who and when', async () => {
    const { api } = await makeTenant(stack)
    const [first, head] = [await makeWebhook(api), await makeWebhook(api)]
    await makeRule(api, escalating(first.id, head.id, '1h'))
    const id = await post(api)
    await stepWaits(api, id, 'awaitAck')
    const before = Date.now()
    await api.post(`/events/${id}/ack`, { by: 'Ada' }).expect(200)
    const log = await closedLog(api, id)
    expect(log.acknowledgement).toMatchObject({ by: 'Ada', via: 'api' })
    expect(Date.parse(log.acknowledgement?.at ?? '')).toBeGreaterThanOrEqual(before)
    expect(log.steps?.[1]).toMatchObject({ status: 'done', reason: 'acknowledged by Ada' })
    expect(head.receiver.received).toEqual([])
  })

  it('ends an escalation under way: what it would do next is skipped', async () => {
    const { api } = await makeTenant(stack)
    const [first, second, third] = [await makeWebhook(api), await makeWebhook(api), await makeWebhook(api)]
    await makeRule(api, {
      steps: [
        { deliver: { to: [first.id] } },
        {
          awaitAck: {
            within: '1s',
            otherwise: [{ deliver: { to: [second.id] } }, { delay: '1h' }, { deliver: { to: [third.id] } }],
          },
        },
      ],
    })
    const id = await post(api)
    await stepWaits(api, id, 'delay')
    await api.post(`/events/${id}/ack`, { by: 'Grace' }).expect(200)
    const log = await closedLog(api, id)
    expect(log.steps?.slice(-2)).toMatchObject([
      { kind: 'delay', status: 'skipped', reason: 'acknowledged by Grace' },
      { kind: 'deliver', status: 'skipped', reason: 'acknowledged by Grace' },
    ])
    expect([second.types().length, third.types().length]).toEqual([1, 0])
  })

  it('ends what the escalation has begun: what quiet hours hold is never sent', async () => {
    const { api } = await makeTenant(stack)
    const [first, head] = [await makeWebhook(api), await makeWebhook(api)]
    await makeRule(api, { steps: [{ deliver: { to: [first.id] } }] })
    const { id: ruleId } = await makeRule(api, {
      steps: [{ awaitAck: { within: '1s', otherwise: [{ deliver: { to: [head.id] } }] } }],
      quietHours: quietNow(),
    })
    const id = await post(api)
    await logOnce(api, id, ({ deliveries }) => deliveries.some(({ status }) => status === 'held'))
    await api.post(`/events/${id}/ack`, { by: 'Ada' }).expect(200)
    const log = await closedLog(api, id)
    expect(log.deliveries).toMatchObject([
      { destinationId: first.id, status: 'delivered' },
      { destinationId: head.id, status: 'skipped', reason: 'acknowledged by Ada', attempts: [] },
    ])
    expect(log.steps?.find(({ path }) => path === `${ruleId}/0.otherwise.0`)).toMatchObject({
      status: 'skipped',
      reason: 'acknowledged by Ada',
    })
    expect(head.receiver.received).toEqual([])
  })

  it.each([
    ['is being retried', {}, 1],
    ['waits for its turn in an order', { ordering: { by: 'type' } }, 0],
  ])('ends what the escalation has begun: what %s', async (_what, policy, attempts) => {
    const { api } = await makeTenant(stack)
    const [first, head, oncall] = [
      await makeWebhook(api),
      await makeWebhook(api, status(500), { schedule: ['0s', '1h'], ...policy }),
      await makeWebhook(api),
    ]
    const { id: ruleId } = await makeRule(api, {
      steps: [
        { deliver: { to: [first.id] } },
        {
          awaitAck: {
            within: '1s',
            otherwise: [{ deliver: { to: [head.id], onFailure: [{ deliver: { to: [oncall.id] } }] } }],
          },
        },
      ],
    })
    // The first one's escalation has the turn, where there are turns, and waits for its second attempt.
    const earlier = await post(api)
    const begun = ({ deliveries }: RuleLog) => deliveries.some(({ attempts }) => attempts.length > 0 && attempts[0]?.outcome === 'failed')
    await logOnce(api, earlier, begun)
    const id = await post(api)
    await logOnce(api, id, (log) => (attempts > 0 ? begun(log) : log.deliveries.some(({ status }) => status === 'held')))
    await api.post(`/events/${id}/ack`, { by: 'Grace' }).expect(200)
    const log = await closedLog(api, id)
    expect(log.status).toBe('delivered')
    expect(log.deliveries.slice(1)).toMatchObject([
      { destinationId: head.id, status: 'skipped', reason: 'acknowledged by Grace' },
    ])
    expect(log.deliveries[1]?.attempts).toHaveLength(attempts)
    expect(log.steps?.slice(-2)).toMatchObject([
      { path: `${ruleId}/1.otherwise.0`, status: 'skipped', reason: 'acknowledged by Grace' },
      { path: `${ruleId}/1.otherwise.0.onFailure.0`, status: 'skipped', reason: 'acknowledged by Grace' },
    ])
    expect(oncall.receiver.received).toEqual([])
    await api.post(`/events/${earlier}/cancel`).expect(202)
  }) // prettier-ignore

  it('ends what the escalation has handed to child workflows', async () => {
    const { api } = await makeTenant(stack)
    // The first message arrives, and all later ones fail.
    const fickle: Respond = (request, response, count) =>
      (count === 1 ? ok : status(500))(request, response, count)
    const hooks = []
    for (let made = 0; made < 35; made++)
      hooks.push(await makeWebhook(api, fickle, { schedule: ['0s', '1h'] }))
    const to = hooks.map(({ id }) => id)
    const { id: ruleId } = await makeRule(api, {
      steps: [
        { deliver: { to, waitFor: 'outcome' } },
        { awaitAck: { within: '1s', otherwise: [{ deliver: { to } }] } },
      ],
    })
    const id = await post(api)
    await logOnce(
      api,
      id,
      ({ deliveries }) =>
        deliveries.filter(({ attempts }) => attempts[0]?.outcome === 'failed').length === 35,
    )
    await api.post(`/events/${id}/ack`, { by: 'Edith' }).expect(200)
    const log = await closedLog(api, id)
    const escalated = log.deliveries.filter(({ step }) => step === `${ruleId}/1.otherwise.0`)
    expect(new Set(escalated.map(({ status, reason }) => `${status}: ${reason}`))).toEqual(
      new Set(['skipped: acknowledged by Edith']),
    )
    expect(log.status).toBe('delivered')
  })

  it('goes on with its wait over a restart of the workers', async () => {
    const { api } = await makeTenant(stack)
    const [first, head] = [await makeWebhook(api), await makeWebhook(api)]
    await makeRule(api, escalating(first.id, head.id, '4s'))
    const id = await post(api)
    await stepWaits(api, id, 'awaitAck')
    await stack.stopWorkers()
    await stack.startWorkers()
    const log = await closedLog(api, id)
    expect(log.deliveries).toMatchObject([
      { destinationId: first.id },
      { destinationId: head.id, status: 'delivered' },
    ])
    expect([first.types().length, head.types().length]).toEqual([1, 1])
  })
})

describe('while no worker takes attempts', () => {
  const idle = stackOfFile({ workers: false })

  /** Runs workflows and routes events, and leaves attempts in their queue. */
  async function startRouting(): Promise<void> {
    const { connection } = await openNamespace(idle.corner.name)
    const compute = createTestCompute(testLog)
    const worker = await Worker.create({
      connection,
      namespace: idle.corner.name,
      taskQueue,
      workflowBundle: { codePath: inject('workflowBundle') },
      activities: { plan: createPlan({ db: idle.db, compute, log: testLog }) },
      enableNonLocalActivities: false,
    })
    const done = worker.run()
    untilTestEnds({
      async stop() {
        worker.shutdown()
        await done
        await connection.close()
        await compute.stop()
      },
    })
  }

  it('an attempt of an escalation that waits in the queue is taken back once somebody acknowledges', async () => {
    await startRouting()
    const { api } = await makeTenant(idle)
    const head = await makeWebhook(api)
    const otherwise = [{ deliver: { to: [head.id] } }]
    await makeRule(api, { steps: [{ awaitAck: { within: '1s', otherwise } }] })
    const id = await post(api)
    await logOnce(api, id, ({ deliveries }) => deliveries.length > 0)
    await api.post(`/events/${id}/ack`, { by: 'Ada' }).expect(200)
    const log = await closedLog(api, id)
    expect(log.deliveries).toMatchObject([{ status: 'skipped', reason: 'acknowledged by Ada', attempts: [] }])
    expect(head.receiver.received).toEqual([])
  })
})

describe('quiet hours', () => {
  it('hold a delivery back until they end, and a retry ends them for it', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { steps: [{ deliver: { to: [hook.id] } }], quietHours: quietNow() })
    const id = await post(api)
    const held = await logOnce(api, id, ({ deliveries }) => deliveries[0]?.nextAttemptAt !== undefined)
    const [delivery] = held.deliveries
    expect(delivery?.status).toBe('held')
    expect(delivery?.reason).toBe(`quiet hours until ${held.steps?.[0]?.until}`)
    expect(new Date(held.steps?.[0]?.until ?? '').getUTCMinutes()).toBe(0)
    expect(hook.receiver.received).toEqual([])
    await api.post(`/events/${id}/retry`).expect(202)
    await eventually(
      () => Promise.resolve(hook.types().length),
      (count) => count === 1,
    )
    await api.post(`/events/${id}/cancel`).expect(202)
    expect((await closedLog(api, id)).status).toBe('delivered')
  })

  it('let pass what is urgent', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const quietHours = quietNow({ 'data.riskLevel': 'critical' })
    await makeRule(api, { steps: [{ deliver: { to: [hook.id] } }], quietHours })
    const log = await closedLog(api, await post(api, { data: { riskLevel: 'critical' } }))
    expect(log.status).toBe('delivered')
  })

  it('are asked about again when a later step delivers', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { steps: [{ delay: '1s' }, { deliver: { to: [hook.id] } }], quietHours: quietNow() })
    const id = await post(api)
    const log = await stepWaits(api, id, 'deliver')
    expect(log.deliveries).toMatchObject([{ status: 'held' }])
    await api.post(`/events/${id}/cancel`).expect(202)
    expect(await closedLog(api, id)).toMatchObject({ deliveries: [{ status: 'skipped' }] })
    expect(hook.receiver.received).toEqual([])
  })
})

describe('throttle and dedupe', () => {
  it('hold back what is too much, and the log of what was held back says why', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    const rule = await makeRule(api, {
      steps: [{ deliver: { to: [hook.id] } }],
      dedupe: { by: 'data.submissionId', within: '1h' },
      throttle: { limit: 2, per: '1h' },
    })
    const statuses = []
    for (const submissionId of ['a', 'a', 'b', 'c']) {
      const { status, routing } = await closedLog(api, await post(api, { data: { submissionId } }))
      statuses.push([status, routing.find(({ ruleId }) => ruleId === rule.id)?.heldBack])
    }
    expect(statuses).toEqual([
      ['delivered', undefined],
      ['unrouted', 'deduplicated'],
      ['delivered', undefined],
      ['unrouted', 'throttled'],
    ])
    expect(hook.receiver.received).toHaveLength(2)
  })
})

describe('an event that expires', () => {
  it('ends its rules: steps that have not begun are skipped', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api)
    await makeRule(api, { steps: [{ delay: '1h' }, { deliver: { to: [hook.id] } }] })
    const id = await post(api, { ttl: '2s' })
    const log = await closedLog(api, id)
    expect(log.steps).toMatchObject([
      { kind: 'delay', status: 'skipped', reason: expect.stringContaining('expired') as string },
      { kind: 'deliver', status: 'skipped' },
    ])
    expect((await readRuleLog(api, id)).deliveries).toEqual([])
  })
})
