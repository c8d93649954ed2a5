import { setTimeout as pass } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { digestWorkflowId } from '../../src/workflows/contract/digests.ts'
import { eventWorkflowId } from '../../src/workflows/contract/event.ts'
import { faultOfHistory } from '../support/workflows/history.ts'
import { after } from '../support/servers/receiver.ts'
import { closedLog, type makeRule, makeWebhook, post, type Webhook } from '../support/workflows/rules.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant } from '../support/stack.ts'

const stack = sharedStack()

/** Which of the tenant's destinations a step delivers to, by their places. */
type Step = object
const destinations = 4

const to = fc.uniqueArray(fc.nat({ max: destinations - 1 }), { minLength: 1, maxLength: 3 })
const waitFor = fc.constantFrom(undefined, undefined, 'outcome')
const { steps } = fc.letrec<{ steps: Step[]; step: Step }>((tie) => ({
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 3, depthIdentifier: 'rule' }),
  step: fc.oneof(
    { depthIdentifier: 'rule', maxDepth: 2, withCrossShrink: true },
    fc.record({ to, waitFor }).map((deliver) => ({ deliver })),
    fc.record({ to, onFailure: tie('steps') }).map((deliver) => ({ deliver })),
    fc.constant({ delay: '1s' }),
    fc
      .record({ otherwise: tie('steps') })
      .map(({ otherwise }) => ({ awaitAck: { within: '1s', otherwise } })),
    fc
      .record({ high: fc.boolean(), steps: tie('steps'), other: tie('steps') })
      .map(({ high, steps, other }) => ({
        branch: { filter: { 'data.high': high }, steps, else: other },
      })),
    fc.constant({ stop: true }),
  ),
}))

const quiet = fc.constantFrom(undefined, undefined, undefined, {
  timezone: 'UTC',
  between: ['00:00', '23:59'],
  unless: { 'data.high': true },
})
const rule = fc.record({
  steps,
  quietHours: quiet,
  digest: fc.constantFrom(undefined, undefined, { window: '1s', max: 2 }),
})
const answer = fc.record({
  afterMs: fc.constantFrom(0, 0, 20, 150),
  status: fc.constantFrom(200, 200, 410, 500, 503),
})
const delivery = fc.constantFrom(
  {},
  {},
  { ordering: { by: 'data.customerId' } },
  { maxConcurrent: 1 },
  { maxPerSecond: 5 },
)
const anyCase = fc.record({
  rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
  receivers: fc.array(fc.record({ first: answer, later: answer, delivery }), {
    minLength: destinations,
    maxLength: destinations,
  }),
  high: fc.boolean(),
  asks: fc.array(
    fc.record({
      ask: fc.constantFrom('ack', 'retry', 'cancel'),
      afterMs: fc.constantFrom(0, 50, 300, 1_100),
    }),
    { maxLength: 2 },
  ),
})

/**
 * Rules wait, deliver and are asked for things in orders that no list of cases holds: each run of this test takes others, and
 * a failure prints its cases.
 */
it(
  'the histories of events that go by rules replay, with twelve cases that are made up for this run',
  { timeout: 180_000 },
  async () => {
    const found = await Promise.all(fc.sample(anyCase, 12).map(faultsOf))
    expect(JSON.stringify(found.flat(), null, 2)).toBe('[]')
  },
)

type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never

async function faultsOf({ rules, receivers, high, asks }: Case): Promise<object[]> {
  const { api, id: tenantId } = await makeTenant(stack)
  const hooks: Webhook[] = []
  for (const { first, later, delivery } of receivers) {
    const respond = (...given: Parameters<ReturnType<typeof after>>) => {
      const { afterMs, status } = given[2] === 1 ? first : later
      after(afterMs, status)(...given)
    }
    hooks.push(await makeWebhook(api, respond, { schedule: ['0s', '1s'], ...delivery }))
  }
  const ruleIds = []
  for (const { steps, quietHours, digest } of rules) {
    const named = withIds(steps, (place) => hooks[place]?.id ?? '')
    ruleIds.push(await tryRule(api, { steps: named, quietHours, digest }))
  }
  const ids = [await post(api, { data: { high, customerId: 'same' } }), await post(api, { data: { high } })]
  for (const { ask, afterMs } of asks) {
    await pass(afterMs)
    await api.post(`/events/${ids[0]}/${ask}`)
  }
  // Quiet hours do not end in time: whatever still waits after a while is ended, as it would be by whoever has seen it.
  await pass(6_000)
  const faults = []
  for (const id of ids) {
    const workflowId = eventWorkflowId({ tenantId, environment: 'sandbox', eventId: id })
    faults.push(await faultOfHistory(stack, workflowId))
    await api.post(`/events/${id}/cancel`)
    await closedLog(api, id, 60_000)
    faults.push(await faultOfHistory(stack, workflowId))
  }
  for (const ruleId of ruleIds.filter((id) => id !== undefined)) {
    const digestId = digestWorkflowId({ tenantId, environment: 'sandbox' }, { ruleId, version: 1 })
    const fault = await faultOfHistory(stack, digestId).catch(() => undefined)
    faults.push(fault)
  }
  const faulty = faults.filter((fault) => fault !== undefined)
  return faulty.length > 0 ? [{ faulty, rules, receivers, high, asks }] : []
}

/** Not every rule that is made up is allowed, as where a step follows `stop`. */
async function tryRule(api: Parameters<typeof makeRule>[0], rule: object): Promise<string | undefined> {
  const made = await api.post('/rules', { name: 'Made up', when: { events: ['aml.*'] }, ...rule })
  return (made.body as { id?: string }).id
}

function withIds(value: unknown, idOf: (place: number) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withIds(item, idOf))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'to' && Array.isArray(inner)
        ? inner.map((place: unknown) => idOf(Number(place)))
        : withIds(inner, idOf),
    ]),
  )
}
