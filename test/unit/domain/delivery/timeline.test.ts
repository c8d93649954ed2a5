import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../../../src/domain/delivery/outcome.ts'
import type { PlannedDelivery } from '../../../../src/domain/routing/plan.ts'
import {
  eventStatus,
  failingDestinations,
  openDelivery,
  openTimeline,
  recordAttempt,
  recordPlan,
  settle,
  summarize,
  type DeliveryStatus,
  type EventStatus,
} from '../../../../src/domain/delivery/timeline.ts'

const planned: PlannedDelivery = {
  destinationId: 'dst_1',
  channel: 'webhook',
  scheduleMs: [0],
  timeoutMs: 100,
}
const many = Array.from({ length: 200 }, (_, index) => [`x-${index}`, 'v'] as const)
const at = '2026-11-21T11:28:12.345Z'
const attempted = (outcome: Outcome) => ({ kind: 'attempted', at, durationMs: 12, outcome }) as const

describe('an event', () => {
  it.each<[deliveries: DeliveryStatus[], status: EventStatus]>([
    [[], 'unrouted'],
    [['skipped'], 'unrouted'],
    [['pending'], 'pending'],
    [['held'], 'pending'],
    [['delivered'], 'delivered'],
    [['failed'], 'failed'],
    [['delivered', 'delivered'], 'delivered'],
    [['delivered', 'skipped'], 'delivered'],
    [['failed', 'skipped'], 'failed'],
    [['delivered', 'failed'], 'partial'],
    [['failed', 'delivered', 'skipped'], 'partial'],
    [['delivered', 'failed', 'pending'], 'pending'],
    [['delivered', 'held'], 'pending'],
    [['failed', 'pending'], 'pending'],
    [['skipped', 'pending'], 'pending'],
  ])('of deliveries %j is %s', (statuses, status) => {
    expect(eventStatus(statuses.map((one) => ({ status: one })))).toBe(status)
    expect(eventStatus([...statuses].reverse().map((one) => ({ status: one })))).toBe(status)
  })

  it('that nobody hears of says why', () => {
    const nobody = openTimeline()
    recordPlan(nobody, { steps: [], routing: [] })
    expect(nobody.reason).toBe('the tenant has no destinations in this environment')
    const unmatched = openTimeline()
    const decision = { destinationId: 'dst_1', matched: false, reason: 'unmatched: …' }
    recordPlan(unmatched, { steps: [], routing: [decision] })
    expect(unmatched.reason).toContain('see routing for the reasons')
    expect(unmatched.routing).toEqual([decision])
  })

  it('that somebody hears of needs no reason', () => {
    const timeline = openTimeline()
    recordPlan(timeline, { steps: [{ kind: 'deliver', deliveries: [planned] }], routing: [] })
    expect(timeline).not.toHaveProperty('reason')
  })
})

describe('an attempt in the log', () => {
  it.each<[outcome: Outcome, logged: object]>([
    [
      { kind: 'delivered', responseCode: 200, responseExcerpt: 'ok' },
      { responseCode: 200, responseExcerpt: 'ok' },
    ],
    [{ kind: 'delivered', responseExcerpt: '' }, { responseExcerpt: '' }],
    [
      { kind: 'rejected', error: 'HTTP 410', gone: true, responseCode: 410 },
      { error: 'HTTP 410', responseCode: 410 },
    ],
    [
      { kind: 'failed', error: 'HTTP 503', retryAfterMs: 5, responseCode: 503 },
      { error: 'HTTP 503', responseCode: 503 },
    ],
    [{ kind: 'failed', error: 'connection refused' }, { error: 'connection refused' }],
  ])('%j', (outcome, logged) => {
    const delivery = openDelivery(openTimeline(), planned)
    recordAttempt(delivery, attempted(outcome))
    expect(delivery.attempts).toEqual([{ number: 1, at, durationMs: 12, outcome: outcome.kind, ...logged }])
  })

  it('has the next number, and shortens the answer of the one before', () => {
    const delivery = openDelivery(openTimeline(), planned)
    const outcome: Outcome = { kind: 'failed', error: 'HTTP 500', responseExcerpt: 'x'.repeat(2048) }
    for (let n = 0; n < 3; n++) recordAttempt(delivery, attempted(outcome))
    expect(delivery.attempts.map(({ number }) => number)).toEqual([1, 2, 3])
    const lengths = delivery.attempts.map(({ responseExcerpt }) => responseExcerpt?.length)
    expect(lengths).toEqual([256, 256, 2048])
  })

  it('keeps all headers of the newest attempt, and of earlier ones the first', () => {
    const delivery = openDelivery(openTimeline(), planned)
    const requestHeaders = { 'webhook-id': 'evt_1', ...Object.fromEntries(many), last: 'x'.repeat(600) }
    recordAttempt(delivery, attempted({ kind: 'failed', error: 'HTTP 500', requestHeaders }))
    recordAttempt(delivery, attempted({ kind: 'failed', error: 'HTTP 500', requestHeaders }))
    const [earlier, newest] = delivery.attempts
    expect(newest?.requestHeaders).toEqual(requestHeaders)
    expect(earlier?.requestHeaders).toMatchObject({ 'webhook-id': 'evt_1', 'x-0': 'v' })
    expect(JSON.stringify(earlier?.requestHeaders).length).toBeLessThan(1500)
  })
})

describe('a delivery', () => {
  it('that is settled forgets its wait, and an earlier reason', () => {
    const delivery = openDelivery(openTimeline(), planned)
    delivery.nextAttemptAt = at
    settle(delivery, 'pending', 'Switchyard could not make the attempt')
    expect(delivery).toEqual({
      destinationId: 'dst_1',
      channel: 'webhook',
      status: 'pending',
      attempts: [],
      reason: 'Switchyard could not make the attempt',
    })
    settle(delivery, 'delivered')
    expect(delivery).toEqual({
      destinationId: 'dst_1',
      channel: 'webhook',
      status: 'delivered',
      attempts: [],
    })
  })

  it.each<[status: DeliveryStatus, attempts: number, failing: boolean]>([
    ['pending', 0, false],
    ['pending', 1, true],
    ['failed', 0, true],
    ['failed', 3, true],
    ['delivered', 2, false],
    ['skipped', 1, false],
    ['held', 0, false],
  ])('that is %s after %i attempts is failing: %s', (status, attempts, failing) => {
    const timeline = openTimeline()
    const delivery = openDelivery(timeline, planned)
    for (let n = 0; n < attempts; n++)
      recordAttempt(delivery, attempted({ kind: 'failed', error: 'HTTP 500' }))
    settle(delivery, status)
    expect(failingDestinations(timeline.deliveries)).toEqual(failing ? ['dst_1'] : [])
  })

  it('is summed up with its number of attempts and the newest one’s code and time, without what was answered', () => {
    const timeline = openTimeline()
    const outcome: Outcome = { kind: 'delivered', responseCode: 204, responseExcerpt: 'personal data' }
    recordAttempt(openDelivery(timeline, planned), attempted(outcome))
    openDelivery(timeline, { ...planned, destinationId: 'dst_2' })
    const common = { channel: 'webhook', status: 'pending' }
    expect(summarize(timeline)).toEqual({
      status: 'pending',
      deliveries: [
        { ...common, destinationId: 'dst_1', attempts: 1, responseCode: 204, lastAttemptAt: at },
        { ...common, destinationId: 'dst_2', attempts: 0 },
      ],
    })
    expect(summarize({ ...timeline, batches: ['child'] })).toMatchObject({ batched: true })
  })
})
