import { setTimeout as pass } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { startPlatform } from '../support/platform.ts'
import type { Respond } from '../support/servers/receiver.ts'
import {
  closedLog,
  logOnce,
  makeRule,
  makeWebhook,
  post,
  stepWaits,
  type RuleLog,
  type Webhook,
} from '../support/workflows/rules.ts'
import { eventually, ofFile, type Api } from '../support/stack.ts'

/**
 * A worker that is killed has told the server nothing: what it had under way is given to the next one only once it is overdue,
 * a workflow task after 10 s and an activity of our own after 30 s. Nothing here takes longer than that and a wait of its rule.
 */
const withinMs = 60_000
const limit = { timeout: 120_000 }

const platform = ofFile(startPlatform, limit.timeout)
beforeEach(() => platform.startWorker(), limit.timeout)

describe('an escalation', () => {
  it('arrives once, after its deadline, where the worker is killed during the wait', limit, async () => {
    const api = await platform.makeTenant()
    const [oncall, head] = [await makeTimedWebhook(api), await makeTimedWebhook(api)]
    await makeRule(api, escalation(oncall, head))
    const id = await post(api)
    const until = untilOf(await stepWaits(api, id, 'awaitAck'), 'awaitAck')
    await platform.killWorker()
    await platform.startWorker()
    const log = await closedLog(api, id, withinMs)
    expect(log.steps?.find(({ kind }) => kind === 'awaitAck')).toMatchObject({
      status: 'done',
      reason: 'not acknowledged within 6s',
    })
    expect(log.deliveries.map(({ status, attempts }) => [status, attempts.length])).toEqual([
      ['delivered', 1],
      ['delivered', 1],
    ])
    expect([oncall.types().length, head.types().length]).toEqual([1, 1])
    expect(head.arrivedAt[0]).toBeGreaterThanOrEqual(until)
  })

  it('does not arrive where somebody acknowledges while no worker runs', limit, async () => {
    const api = await platform.makeTenant()
    const [oncall, head] = [await makeTimedWebhook(api), await makeTimedWebhook(api)]
    await makeRule(api, escalation(oncall, head))
    const id = await post(api)
    const until = untilOf(await stepWaits(api, id, 'awaitAck'), 'awaitAck')
    await platform.killWorker()
    // Nobody could yet tell whether somebody else was faster, so it is accepted and not confirmed.
    const acknowledged = api.post(`/events/${id}/ack`, { by: 'Ada' }).expect(202)
    await Promise.all([acknowledged, passUntil(until)])
    await platform.startWorker()
    const log = await closedLog(api, id, withinMs)
    expect(log.acknowledgement).toMatchObject({ by: 'Ada', via: 'api' })
    expect(Date.parse(log.acknowledgement?.at ?? '')).toBeLessThan(until)
    expect(log.steps?.at(-1)).toMatchObject({ kind: 'awaitAck', reason: 'acknowledged by Ada' })
    expect([oncall.types().length, head.types().length]).toEqual([1, 0])
  })
})

describe('a digest', () => {
  it('tells of every event, where workers are killed in its window and as it closes', limit, async () => {
    const api = await platform.makeTenant()
    const hook = await makeTimedWebhook(api)
    const window = { window: '8s', max: 100 }
    await makeRule(api, { digest: window, steps: [{ deliver: { to: [hook.id] } }] })
    const posts = postOnAndOn(api)
    const closesAt = untilOf(await stepWaits(api, await posts.first, 'digest'), 'digest')

    await passUntil(closesAt - 5_000)
    await platform.killWorker()
    await platform.startWorker()
    await passUntil(closesAt)
    await platform.killWorker()
    await platform.startWorker()

    const ids = await posts.stop()
    const logs: RuleLog[] = []
    for (const id of ids) logs.push(await closedLog(api, id, withinMs))
    const told = logs.map(({ steps = [] }) => steps.find(({ digestId }) => digestId)?.digestId)
    await eventually(
      () => Promise.resolve(digestsAt(hook)),
      (digests) => told.every((digestId) => digestId !== undefined && digests.has(digestId)),
      withinMs,
    )
    const digests = digestsAt(hook)
    expect(logs.map(({ status }) => status)).toEqual(ids.map(() => 'digested'))
    for (const [index, id] of ids.entries()) expect(digests.get(told[index] ?? '')).toContain(id)
    expect(new Set([...digests.values()].flat())).toEqual(new Set(ids))
  })

  it('tells of no event twice, where the worker is killed as events join', limit, async () => {
    const api = await platform.makeTenant()
    const hook = await makeTimedWebhook(api)
    const window = { window: '5s', max: 100 }
    await makeRule(api, { digest: window, steps: [{ deliver: { to: [hook.id] } }] })
    const posts = Array.from({ length: 25 }, () => post(api))
    await stepWaits(api, await Promise.race(posts), 'digest')
    await platform.killWorker()
    await platform.startWorker()
    const ids = await Promise.all(posts)
    for (const id of ids) await closedLog(api, id, withinMs)
    // What has joined again, and has not left, would be told of once more when that window is over.
    await passUntil(Date.now() + 7_000)
    const told = () => [...digestsAt(hook).values()].flat()
    await eventually(
      () => Promise.resolve(told()),
      ({ length }) => length >= ids.length,
    )
    expect(told().sort()).toEqual([...ids].sort())
  })
})

describe('what waits for a time', () => {
  it('is delivered once, and then, where the worker is killed meanwhile', limit, async () => {
    const api = await platform.makeTenant()
    const [held, delayed] = [await makeTimedWebhook(api), await makeTimedWebhook(api)]
    await makeRule(api, {
      when: { events: ['kyc.*'] },
      steps: [{ delay: '8s' }, { deliver: { to: [delayed.id] } }],
    })
    const quietEnd = await makeQuietRule(api, held)
    const [heldId, delayedId] = [await post(api), await post(api, { type: 'kyc.approved' })]
    const waiting = await logOnce(api, heldId, ({ deliveries }) => deliveries[0]?.status === 'held')
    expect(untilOf(waiting, 'deliver')).toBe(quietEnd)
    const delayEnd = untilOf(await stepWaits(api, delayedId, 'delay'), 'delay')
    await platform.killWorker()
    expect([held.arrivedAt, delayed.arrivedAt]).toEqual([[], []])
    await platform.startWorker()

    for (const [id, hook, end] of [
      [delayedId, delayed, delayEnd],
      [heldId, held, quietEnd],
    ] as const) {
      const log = await closedLog(api, id, withinMs + 20_000)
      expect(log).toMatchObject({
        status: 'delivered',
        deliveries: [{ attempts: [{ outcome: 'delivered' }] }],
      })
      expect(hook.types()).toHaveLength(1)
      expect(hook.arrivedAt[0]).toBeGreaterThanOrEqual(end)
    }
  })
})

interface TimedWebhook extends Webhook {
  /** Unix ms. */
  arrivedAt: number[]
}

async function makeTimedWebhook(api: Api): Promise<TimedWebhook> {
  const arrivedAt: number[] = []
  const respond: Respond = (response) => {
    arrivedAt.push(Date.now())
    response.writeHead(200).end()
  }
  return { ...(await makeWebhook(api, respond)), arrivedAt }
}

const escalation = (oncall: Webhook, head: Webhook) => ({
  steps: [
    { deliver: { to: [oncall.id] } },
    { awaitAck: { within: '6s', otherwise: [{ deliver: { to: [head.id] } }] } },
  ],
})

/** A rule that is quiet until the next full minute, or the one after it where that is too near. Answers when (Unix ms). */
async function makeQuietRule(api: Api, hook: Webhook): Promise<number> {
  const end = Math.ceil((Date.now() + 5_000) / 60_000) * 60_000
  const clock = (at: number) => new Date(at).toISOString().slice(11, 16)
  const quietHours = { timezone: 'UTC', between: [clock(end - 3_600_000), clock(end)] }
  await makeRule(api, { steps: [{ deliver: { to: [hook.id] } }], quietHours })
  return end
}

/** Until when a step of this kind waits, as the log says it. Unix ms. */
function untilOf({ steps = [] }: RuleLog, kind: string): number {
  return Date.parse(steps.find((step) => step.kind === kind)?.until ?? '')
}

const passUntil = (at: number) => pass(Math.max(0, at - Date.now()))

/** Posts one event after the other, a few in a second, until it is stopped: then it answers the ids of all. */
function postOnAndOn(api: Api) {
  const ids: string[] = []
  let goesOn = true
  const first = post(api)
  async function go() {
    for (ids.push(await first); goesOn; ids.push(await post(api))) await pass(400)
    return ids
  }
  const posted = go()
  return {
    first,
    stop() {
      goesOn = false
      return posted
    },
  }
}

/** The digests that have come in, and the ids of the events that each of them tells of. One may come in again. */
function digestsAt({ receiver }: Webhook): Map<string, string[]> {
  return new Map(
    receiver.received.map(({ headers, body }) => {
      const { data } = JSON.parse(body) as { data: { events: { id: string }[] } }
      return [String(headers['webhook-id']), data.events.map(({ id }) => id)]
    }),
  )
}
