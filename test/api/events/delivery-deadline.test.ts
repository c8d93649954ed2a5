import { describe, expect, it } from 'vitest'
import { after, status, type Respond } from '../../support/servers/receiver.ts'
import { closedLog, makeRule, makeWebhook, post } from '../../support/workflows/rules.ts'
import { sharedStack } from '../../support/shared-stack.ts'
import { eventually, listedEvents, makeTenant, type Api } from '../../support/stack.ts'

const stack = sharedStack()

/** Held by its circuit, none would end within this time; the schedules here take two seconds. */
const withinMs = 60_000

const ids = (count: number) => Array.from({ length: count }, (_, index) => `e${index + 1}`)

/** A rule that delivers to a destination with this policy, and to a healthy one where that fails. */
async function withFallback(api: Api, respond: Respond, delivery: object, more: object = {}) {
  const first = await makeWebhook(api, respond, delivery)
  const fallback = await makeWebhook(api)
  const onFailure = [{ deliver: { to: [fallback.id] } }]
  await makeRule(api, { steps: [{ deliver: { to: [first.id], onFailure, ...more } }] })
  return { first, fallback }
}

const arrivals = (webhook: { types(): string[] }, count: number) =>
  eventually(
    () => Promise.resolve(webhook.types().length),
    (length) => length >= count,
    withinMs,
  )

describe('a delivery ends when the time of its schedule is over', { timeout: 120_000 }, () => {
  it('while the circuit of its destination is open, and what follows a failure happens on time', async () => {
    const { api } = await makeTenant(stack)
    const watching = await makeWebhook(api, undefined, {}, ['delivery.exhausted'])
    const { first, fallback } = await withFallback(api, status(500), { schedule: ['0s', '1s'] })
    for (const id of ids(40)) await post(api, { id })
    await arrivals(fallback, 40)
    const logs = await Promise.all(ids(40).map((id) => closedLog(api, id, withinMs)))
    const failed = logs.map(({ deliveries }) => deliveries.find(({ step }) => step?.endsWith('/0')))
    for (const delivery of failed) expect(delivery?.status).toBe('failed')
    const held = failed.filter((delivery) => delivery?.reason?.startsWith('circuit open since '))
    expect(held.length).toBeGreaterThan(20)
    for (const delivery of held)
      expect(delivery?.reason).toMatch(
        /^circuit open since \d{4}-\S+Z; last error: HTTP 500: Internal Server Error; the retry schedule ended after [01] of 2 attempts$/,
      )
    expect(first.receiver.received.length).toBeLessThan(40)
    await arrivals(watching, 40)
    expect(await listedEvents(api, 'type=delivery.exhausted&limit=100', 40)).toHaveLength(40)
  })

  it('also where the next step waits for its outcome', async () => {
    const { api } = await makeTenant(stack)
    const { fallback } = await withFallback(api, status(500), { schedule: ['0s'] }, { waitFor: 'outcome' })
    for (const id of ids(12)) {
      await post(api, { id })
      await closedLog(api, id, withinMs)
    }
    const { steps, deliveries } = await closedLog(api, 'e12', withinMs)
    expect(deliveries[0]).toMatchObject({ status: 'failed', attempts: [] })
    expect(steps?.[0]).toMatchObject({ status: 'done', reason: '0 of 1 delivered' })
    expect(fallback.types()).toHaveLength(12)
  })

  it('while its rate limit holds it, for the time of an attempt longer, and others may have its slot', async () => {
    const { api } = await makeTenant(stack)
    const policy = { schedule: ['0s', '1s'], timeoutMs: 500, maxPerSecond: 0.05 }
    const { first, fallback } = await withFallback(api, status(200), policy)
    for (const id of ids(4)) await post(api, { id })
    await arrivals(fallback, 3)
    for (const id of ['e2', 'e3', 'e4']) {
      const { deliveries } = await closedLog(api, id, withinMs)
      expect(deliveries[0]).toMatchObject({
        status: 'failed',
        attempts: [],
        reason:
          'rate limit: at most 0.05 attempts per second; the retry schedule ended after 0 of 2 attempts',
      })
    }
    expect(first.receiver.received).toHaveLength(1)
    await eventually(
      () => stack.db.pace.findUniqueOrThrow({ where: { destinationId: first.id } }),
      ({ taken, used }) => taken === used,
    )
  })

  it('while its concurrency cap holds it', async () => {
    const { api } = await makeTenant(stack)
    const policy = { schedule: ['0s', '200ms'], timeoutMs: 1000, maxConcurrent: 1 }
    const { fallback } = await withFallback(api, after(5_000, 200), policy)
    for (const id of ids(6)) await post(api, { id })
    await arrivals(fallback, 6)
    const logs = await Promise.all(ids(6).map((id) => closedLog(api, id, withinMs)))
    const held = logs.filter(({ deliveries }) => deliveries[0]?.reason?.startsWith('concurrency: '))
    expect(held.length).toBeGreaterThan(0)
    expect(held[0]?.deliveries[0]?.reason).toMatch(
      /^concurrency: 1 attempts at this destination are under way; (last error: .*; )?the retry schedule ended after [01] of 2 attempts$/,
    )
  })
})
