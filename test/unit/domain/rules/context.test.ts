import { describe, expect, it } from 'vitest'
import { noteCauses } from '../../../../src/domain/rules/plan-causes.ts'
import type { PlannedDelivery, PlannedStep } from '../../../../src/domain/routing/plan.ts'
import { plannedDeliveries } from '../../../../src/domain/routing/plan.ts'
import { causeInWords, durationInWords, ruleContext } from '../../../../src/domain/rules/context.ts'
import type { Cause } from '../../../../src/domain/rules/cause.ts'
import { openTimeline, type Delivery, type Timeline } from '../../../../src/domain/delivery/timeline.ts'
import { messageTitle, readableType, maxTitleLength } from '../../../../src/domain/title.ts'

const to = (destinationId: string, step: string): PlannedDelivery => ({
  destinationId,
  channel: 'email',
  scheduleMs: [0],
  timeoutMs: 1000,
  step,
})
const deliver = (path: string, more: object = {}): PlannedStep => ({
  kind: 'deliver',
  path,
  deliveries: [to(`dst_${path}`, path)],
  ...more,
})
const awaitAck = (path: string, otherwise: PlannedStep[] = []): PlannedStep => ({
  kind: 'awaitAck',
  path,
  within: '15m',
  withinMs: 900_000,
  otherwise,
})
const delay: PlannedStep = { kind: 'delay', path: 'd', forMs: 1000 }

function noted(steps: PlannedStep[]) {
  noteCauses(steps)
  return Object.fromEntries(
    plannedDeliveries(steps).map(({ step = '', cause, awaits }) => [step, cause?.kind ?? awaits?.path]),
  )
}

describe('why a rule makes a delivery', () => {
  it.each<[what: string, steps: PlannedStep[], causes: Record<string, string | undefined>]>([
    ['the rule matched', [deliver('a')], { a: undefined }],
    ['an acknowledgement is waited for next', [deliver('a'), deliver('b'), awaitAck('w')], { a: 'w', b: 'w' }],
    ['not after a delay', [deliver('a'), delay, deliver('b'), awaitAck('w')], { a: undefined, b: 'w' }],
    ['not for what is waited for before', [deliver('a', { waitFor: 'outcome' }), deliver('b'), awaitAck('w')], { a: undefined, b: 'w' }],
    ['at the end of a branch', [{ kind: 'branch', path: 'x', taken: 'steps', steps: [deliver('a')] }, awaitAck('w')], { a: 'w' }],
    ['nobody acknowledged', [deliver('a'), awaitAck('w', [deliver('b')])], { a: 'w', b: 'escalation' }],
    ['another one failed', [deliver('a', { onFailure: [deliver('b')] })], { a: undefined, b: 'fallback' }],
    ['in a branch of that', [awaitAck('w', [{ kind: 'branch', path: 'x', taken: 'else', steps: [deliver('b')] }])], { b: 'escalation' }],
    ['an escalation failed', [awaitAck('w', [deliver('a', { onFailure: [deliver('b')] })])], { a: 'escalation', b: 'fallback' }],
    ['nobody acknowledged the fallback', [deliver('a', { onFailure: [deliver('b'), awaitAck('w', [deliver('c')])] })], { a: undefined, b: 'fallback', c: 'escalation' }],
  ])('%s', (_what, steps, causes) => {
    expect(noted(steps)).toEqual(causes)
  }) // prettier-ignore
})

describe('what an attempt is told of its rule', () => {
  const now = Date.parse('2026-11-21T11:00:00Z')
  const timeline = (more: Partial<Timeline> = {}): Timeline => ({
    ...openTimeline(),
    routing: [{ ruleId: 'rul_1', version: 1, name: 'High risk', matched: true, reason: 'for all' }],
    ...more,
  })
  const awaits = { path: 'rul_1/1', withinMs: 900_000 }
  const step = 'rul_1/0'
  const failed = (destinationId: string, more: Partial<Delivery>): Delivery => ({
    destinationId,
    channel: 'webhook',
    step,
    status: 'failed',
    attempts: [],
    ...more,
  })

  it('is nothing without a rule', () => {
    expect(ruleContext(timeline(), { ...to('dst_1', ''), step: undefined }, now)).toBeUndefined()
  })

  it('is by when to acknowledge: as expected before the wait, as it is during it, and not after it', () => {
    const planned = { ...to('dst_1', step), awaits }
    const context = (steps: Timeline['steps']) =>
      ruleContext(timeline({ ...(steps && { steps }) }), planned, now)
    const record = { path: 'rul_1/1', kind: 'awaitAck', status: 'waiting', at: '' } as const
    expect(context(undefined)).toEqual({ name: 'High risk', acknowledgeBy: '2026-11-21T11:15:00.000Z' })
    expect(context([{ ...record, until: '2026-11-21T11:14:00Z' }])?.acknowledgeBy).toBe(
      '2026-11-21T11:14:00Z',
    )
    expect(context([{ ...record, status: 'done' }])).toEqual({ name: 'High risk' })
  })

  it('is which deliveries it makes up for, bounded', () => {
    const planned: PlannedDelivery = {
      ...to('dst_2', 'rul_1/0.onFailure.0'),
      cause: { kind: 'fallback', of: step },
    }
    const attempt = {
      number: 1,
      at: '',
      durationMs: 1,
      outcome: 'failed',
      error: `HTTP 500 ${'x'.repeat(500)}`,
    } as const
    const deliveries = [
      failed('dst_a', { attempts: [attempt] }),
      failed('dst_ok', { status: 'delivered' }),
      failed('dst_b', { status: 'skipped', reason: 'the destination is paused' }),
      ...['dst_c', 'dst_d', 'dst_e'].map((id) => failed(id, { reason: 'expired' })),
    ]
    expect(ruleContext(timeline({ deliveries }), planned, now)?.cause).toEqual({
      kind: 'fallback',
      failures: [
        { destinationId: 'dst_a', error: attempt.error.slice(0, 200) },
        { destinationId: 'dst_b', error: 'the destination is paused' },
        { destinationId: 'dst_c', error: 'expired' },
      ],
      more: 2,
    })
  })
})

describe('a reason in words', () => {
  const names = new Map([['dst_1', 'Case system']])
  const failure = (error: string) => ({ destinationId: 'dst_1', error })
  it.each<[cause: Cause, words: string]>([
    [{ kind: 'escalation', within: '15m' }, 'escalated: not acknowledged within 15 min'],
    [{ kind: 'fallback', failures: [failure('HTTP 500')] }, 'fallback: Case system failed with HTTP 500'],
    [
      { kind: 'fallback', failures: [failure('connection refused'), { destinationId: 'dst_2', error: 'DNS' }], more: 2 },
      'fallback: Case system failed: connection refused; dst_2 failed: DNS; and 2 more failed',
    ],
    [{ kind: 'fallback', failures: [] }, 'fallback: a destination of the rule is no longer there'],
  ])('%j', (cause, words) => {
    expect(causeInWords(cause, names)).toBe(words)
  }) // prettier-ignore

  it.each([
    ['30s', '30 s'],
    ['2h', '2 h'],
    ['1d', '1 day'],
    ['2d', '2 days'],
  ])('%s is %s', (duration, words) => {
    expect(durationInWords(duration)).toBe(words)
  })
})

describe('a title', () => {
  it.each([
    ['aml.match.found', 'AML match found'],
    ['non_document.check_initiated', 'Non document check initiated'],
    ['DOCVER', 'DOCVER'],
    ['user_id-changed', 'User ID changed'],
    ['_', '_'],
  ])('of %s is %s', (type, title) => {
    expect(readableType(type)).toBe(title)
  })

  it('keeps its marks, however long it is', () => {
    const event = { type: 'a', environment: 'sandbox', test: true } as const
    const title = messageTitle(event, {
      title: 'x'.repeat(500),
      cause: { kind: 'escalation', within: '1m' },
    })
    expect(title).toBe(`Test: Escalated: ${'x'.repeat(maxTitleLength - 1)}… (sandbox)`)
    expect(title.length).toBeLessThanOrEqual(150)
  })
})
