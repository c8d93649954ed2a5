import { expect, it } from 'vitest'
import { forecast, type DeliveryOutlook } from '../../../src/domain/routing/forecast.ts'
import type { PlannedDelivery, PlannedRule, PlannedStep } from '../../../src/domain/routing/plan.ts'

const at = new Date('2026-03-28T20:00:00.000Z')

function delivery(destinationId: string): PlannedDelivery {
  return { destinationId, channel: 'webhook', scheduleMs: [0], timeoutMs: 10_000 }
}

function deliver(path: string, more: Partial<PlannedStep & { kind: 'deliver' }> = {}): PlannedStep {
  return { kind: 'deliver', path, deliveries: [delivery('dst_a')], ...more }
}

function delay(path: string, minutes: number): PlannedStep {
  return { kind: 'delay', path, forMs: minutes * 60_000 }
}

function awaitAck(path: string, minutes: number, otherwise: PlannedStep[] = []): PlannedStep {
  return { kind: 'awaitAck', path, within: `${minutes}m`, withinMs: minutes * 60_000, otherwise }
}

function planOf(steps: PlannedStep[], more: Partial<PlannedRule> = {}) {
  const rule: PlannedRule = { kind: 'rule', ruleId: 'rul_1', version: 3, name: 'r', steps, ...more }
  return { steps: [rule], routing: [] }
}

/** Path, begin and end of every step, nested ones after theirs. */
function times(
  steps: PlannedStep[],
  more: Partial<PlannedRule> = {},
  lookAhead?: Parameters<typeof forecast>[2],
) {
  const seen: string[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('path' in value) seen.push(timeOf(value))
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(forecast(planOf(steps, more), at, lookAhead).steps)
  return seen
}

function timeOf(step: { path?: unknown; at?: unknown; after?: unknown; until?: unknown }): string {
  const short = (time: unknown) =>
    String(time)
      .replace(/^2026-03-/, '')
      .replace(':00.000Z', '')
  const begins = step.at === undefined ? `after ${String(step.after)}` : short(step.at)
  return `${String(step.path)}: ${begins}${step.until === undefined ? '' : ` until ${short(step.until)}`}`
}

it('each step begins when the one before it lets it: a delivery at once, a wait at its end', () => {
  expect(
    times([deliver('0'), delay('1', 30), deliver('2'), deliver('3', { waitFor: 'outcome' }), delay('4', 5)]),
  ).toEqual([
    '0: 28T20:00',
    '1: 28T20:00 until 28T20:30',
    '2: 28T20:30',
    '3: 28T20:30',
    '4: 28T20:30 until 28T20:35',
  ])
})

it('a time of day is the next one of its zone, also over the change of the clock', () => {
  const morning: PlannedStep = { kind: 'delay', path: '0', until: '09:00', timezone: 'Europe/Berlin' }
  const steps: PlannedStep[] = [morning, { ...morning, path: '1' }]
  expect(times(steps)).toEqual(['0: 28T20:00 until 29T07:00', '1: 29T07:00 until 30T07:00'])
})

it('nobody acknowledges: what follows then begins at the deadline, and the next step after that', () => {
  const otherwise = [deliver('1.otherwise.0'), delay('1.otherwise.1', 10)]
  expect(times([deliver('0'), awaitAck('1', 15, otherwise), deliver('2')])).toEqual([
    '0: 28T20:00',
    '1: 28T20:00 until 28T20:15',
    '1.otherwise.0: 28T20:15',
    '1.otherwise.1: 28T20:15 until 28T20:25',
    '2: 28T20:25',
  ])
})

it('what follows a failure has no time, and says what it hangs on', () => {
  const onFailure = [
    delay('0.onFailure.0', 5),
    awaitAck('0.onFailure.1', 5, [deliver('0.onFailure.1.otherwise.0')]),
  ]
  const failed = 'after when a delivery of 0 has failed'
  expect(times([deliver('0', { onFailure }), deliver('1')])).toEqual([
    '0: 28T20:00',
    `0.onFailure.0: ${failed}`,
    `0.onFailure.1: ${failed}`,
    `0.onFailure.1.otherwise.0: ${failed}`,
    '1: 28T20:00',
  ])
})

it.each<[what: string, more: Partial<PlannedStep & { kind: 'deliver' }>, lookAhead: () => DeliveryOutlook]>([
  ['would not be made', {}, () => ({ skipped: 'the destination is paused' })],
  ['has no destination', { missing: [{ destinationId: 'dst_b', reason: 'is no longer there' }] }, () => ({})],
])('what follows a delivery that %s begins at once', (_what, more, lookAhead) => {
  const onFailure = [delay('0.onFailure.0', 5), deliver('0.onFailure.1')]
  const steps = (waitFor?: 'outcome') => [
    deliver('0', { ...more, onFailure, ...(waitFor && { waitFor }) }),
    deliver('1'),
  ]
  const failed = ['0.onFailure.0: 28T20:00 until 28T20:05', '0.onFailure.1: 28T20:05']
  expect(times(steps(), {}, lookAhead)).toEqual(['0: 28T20:00', ...failed, '1: 28T20:00'])
  expect(times(steps('outcome'), {}, lookAhead)).toEqual(['0: 28T20:00', ...failed, '1: 28T20:05'])
})

it('what follows a failure that is known waits for quiet hours, and for the delay before first attempts', () => {
  const quietHours: PlannedRule['quietHours'] = [{ timezone: 'Europe/Berlin', between: ['20:00', '22:00'] }]
  const late = { ...delivery('dst_a'), scheduleMs: [10 * 60_000] }
  const step = deliver('0', { deliveries: [late], onFailure: [delay('0.onFailure.0', 5)] })
  expect(times([step], { quietHours }, () => ({ skipped: 'the destination is paused' }))).toEqual([
    '0: 28T20:00 until 28T21:00',
    '0.onFailure.0: 28T21:10 until 28T21:15',
  ])
})

it.each<[what: string, rules: PlannedStep[][], warning: string | undefined]>([
  ['nothing where its rule has told somebody', [[deliver('0'), awaitAck('1', 5)]], undefined],
  ['that nobody knows', [[awaitAck('0', 5)], [delay('0', 5)]], 'the event is sent to no destination before'],
  ['that nobody knows, as nothing would be sent', [[deliver('0', { deliveries: [delivery('dst_paused')] }), awaitAck('1', 5)]], 'the event is sent to no destination before'],
  ['that only others know', [[awaitAck('0', 5), deliver('1')], [deliver('0')]], 'only other rules do'],
])('a wait for an acknowledgement warns of %s', (_what, rules, warning) => {
  const steps = rules.flatMap((steps) => planOf(steps).steps)
  const lookAhead = ({ destinationId }: PlannedDelivery) => (destinationId === 'dst_paused' ? { skipped: 'paused' } : {})
  const [rule] = forecast({ steps, routing: [] }, at, lookAhead).steps
  const waits = rule && 'steps' in rule ? rule.steps.find((step) => step.kind === 'awaitAck') : undefined
  expect(waits?.warning).toEqual(warning && expect.stringContaining(warning))
}) // prettier-ignore

it('quiet hours hold up a delivery and the steps after it, but no wait', () => {
  const quietHours: PlannedRule['quietHours'] = [{ timezone: 'Europe/Berlin', between: ['22:00', '07:00'] }]
  expect(times([deliver('0'), delay('1', 90), deliver('2'), delay('3', 60)], { quietHours })).toEqual([
    '0: 28T20:00',
    '1: 28T20:00 until 28T21:30',
    '2: 28T21:30 until 29T05:00',
    '3: 29T05:00 until 29T06:00',
  ])
})

it('after a stop nothing begins, unless it hangs on an acknowledgement', () => {
  const stop: PlannedStep = { kind: 'stop', path: '0.steps.0', reason: 'enough' }
  const branch: PlannedStep = { kind: 'branch', path: '0', taken: 'steps', steps: [stop] }
  expect(times([branch, delay('1', 5)])).toEqual([
    '0: 28T20:00',
    '0.steps.0: 28T20:00',
    '1: after never: 0.steps.0 stops the rule',
  ])
  const waits = awaitAck('1', 15, [{ kind: 'stop', path: '1.otherwise.0' }])
  expect(times([deliver('0'), waits, deliver('2')]).at(-1)).toBe(
    '2: after if the event is acknowledged within 15m at 1',
  )
})

it('a digest tells when it is full of time, and what is done with it then', () => {
  const digest: PlannedStep = {
    kind: 'digest',
    path: 'rul_1/digest',
    windowMs: 3600_000,
    max: 50,
    key: { text: 'data.customerId = "c1"', hash: 'h' },
    rest: [{ deliver: { to: ['dst_a'] } }],
    restFrom: 0,
  }
  expect(forecast(planOf([digest]), at).steps).toEqual([
    {
      kind: 'rule',
      ruleId: 'rul_1',
      version: 3,
      name: 'r',
      at: '2026-03-28T20:00:00.000Z',
      steps: [
        {
          path: 'rul_1/digest',
          at: '2026-03-28T20:00:00.000Z',
          until: '2026-03-28T21:00:00.000Z',
          kind: 'digest',
          max: 50,
          key: 'data.customerId = "c1"',
          then: [{ deliver: { to: ['dst_a'] } }],
        },
      ],
    },
  ])
})

it('deliveries are shown as people know them, those to subscribers as well, and nothing is left of their policies', () => {
  const routing = [{ destinationId: 'dst_a', matched: true, reason: 'subscribed to all' }]
  const steps = [
    {
      kind: 'deliver' as const,
      deliveries: [{ ...delivery('dst_a'), template: 'tpl_1' }, delivery('dst_b')],
    },
  ]
  const lookAhead = ({ destinationId }: PlannedDelivery) =>
    destinationId === 'dst_a' ? { name: 'Case system' } : { skipped: 'the destination is paused' }
  expect(forecast({ steps, routing }, at, lookAhead)).toEqual({
    at: '2026-03-28T20:00:00.000Z',
    steps: [
      {
        kind: 'deliver',
        at: '2026-03-28T20:00:00.000Z',
        deliveries: [
          { destinationId: 'dst_a', channel: 'webhook', name: 'Case system', template: 'tpl_1' },
          { destinationId: 'dst_b', channel: 'webhook', skipped: 'the destination is paused' },
        ],
      },
    ],
    routing,
  })
})
