import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAdmission, Refusal, type AdmissionLimits } from '../../../src/api/http/admission.ts'
import { createLog } from '../../../src/log.ts'

const limits: AdmissionLimits = { slots: 2, maxWaiting: 4, maxBacklogMs: 2_000 }

function setUp({
  begun = [],
  late = {},
  ...changed
}: Partial<AdmissionLimits> & { begun?: string[]; late?: Record<string, number> } = {}) {
  const asked: string[] = []
  const hasBegun = (workflowId: string) => {
    asked.push(workflowId)
    return Promise.resolve(begun.includes(workflowId))
  }
  const lagOf = (tenantId: string) => late[tenantId] ?? 0
  const admission = createAdmission({ hasBegun, lagOf, log: createLog('silent') }, { ...limits, ...changed })
  let started = 0
  /** An event that is started, on the worker of this process or elsewhere. */
  async function post(tenantId: string, { eagerlyStarted = true, id = `${tenantId}-${++started}` } = {}) {
    return admission.admit(tenantId, 1, async (startInSlot) => {
      await startInSlot(id, () => Promise.resolve({ eagerlyStarted }))
      return id
    })
  }
  return { admission, post, asked }
}

const refused = (error: unknown) => {
  if (!(error instanceof Refusal)) throw error
  return [error.status, error.code, error.headers['Retry-After']]
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a process that makes the first attempts itself', () => {
  it('starts no more events than it has slots, and the next one when one is done', async () => {
    const { admission, post } = setUp()
    await Promise.all([post('a'), post('a')])
    let third: string | undefined
    void post('a').then((id) => (third = id))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(third).toBeUndefined()
    admission.eagerDone()
    await vi.advanceTimersByTimeAsync(0)
    expect(third).toBe('a-3')
  })

  it('refuses with 503 what has waited for long, and starts it not', async () => {
    const { post } = setUp()
    await Promise.all([post('a'), post('a')])
    const late = post('a').catch(refused)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await late).toEqual([503, 'overloaded', '1'])
  })

  it('refuses with 429 the tenant that takes up its share of those that wait, while another one’s is admitted', async () => {
    const { admission, post } = setUp()
    await Promise.all([post('a'), post('a')])
    const waiting = [post('a'), post('a')]
    expect(await post('a').catch(refused)).toEqual([429, 'rate_limited', '1'])
    const others = post('b')
    await vi.advanceTimersByTimeAsync(0)
    admission.eagerDone()
    admission.eagerDone()
    expect(await Promise.all([waiting[0], others])).toEqual(['a-3', 'b-6'])
    admission.eagerDone()
    await waiting[1]
  })

  it('refuses with 503 whoever comes when there is no room left for anybody', async () => {
    const { post } = setUp({ maxWaiting: 2 })
    await post('a')
    await post('a')
    const waiting = [post('a'), post('b')].map((one) => one.catch(refused))
    expect(await post('c').catch(refused)).toEqual([503, 'overloaded', '1'])
    await vi.advanceTimersByTimeAsync(5_000)
    await Promise.all(waiting)
  })

  it('takes an event that is done before its start is answered for done', async () => {
    const { admission, post } = setUp({ slots: 1 })
    await admission.admit('a', 1, (startInSlot) =>
      startInSlot('a-0', () => {
        admission.eagerDone()
        return Promise.resolve({ eagerlyStarted: true })
      }),
    )
    expect(await post('a')).toBe('a-1')
  })

  it('gives the slot of what could not be started to the next', async () => {
    const { admission, post } = setUp({ slots: 1 })
    const failing = admission.admit('a', 1, (startInSlot) =>
      startInSlot('a-0', () => Promise.reject(new Error('Temporal is gone'))),
    )
    await expect(failing).rejects.toThrow('Temporal is gone')
    expect(await post('a')).toBe('a-1')
  })

  it('asks callers to come back later the more of them it refuses', async () => {
    const { post } = setUp({ maxWaiting: 0 })
    const answers = []
    for (let count = 0; count < 120; count++) answers.push(await post('a').catch(refused))
    expect([answers[0], answers[60], answers[119]].map((answer) => answer?.at(2))).toEqual(['1', '2', '3'])
  })
})

describe('a process whose events are attempted elsewhere', () => {
  const elsewhere = { eagerlyStarted: false }

  it('gives back a slot when the event is started', async () => {
    const { post } = setUp({ slots: 1 })
    await post('a', elsewhere)
    await post('a', elsewhere)
  })

  it('refuses a tenant whose events have waited for a worker, and no other', async () => {
    const { post } = setUp()
    await post('a', elsewhere)
    await vi.advanceTimersByTimeAsync(2_500)
    expect(await post('a', elsewhere).catch(refused)).toEqual([503, 'overloaded', '1'])
    expect(await post('b', elsewhere)).toBe('b-3')
  })

  it('finds out by few questions which events a worker has begun', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `a-${index + 1}`)
    const { post, asked } = setUp({ begun: ids.slice(0, 70) })
    for (const id of ids) await post('a', { ...elsewhere, id })
    await vi.advanceTimersByTimeAsync(2_500)
    expect(await post('a', elsewhere).catch(refused)).toEqual([503, 'overloaded', '1'])
    expect(asked.length).toBeLessThan(10)
    expect(asked).toContain('a-70')
    expect(asked).toContain('a-71')
  })

  it('goes on once they have begun, and does not ask about those that are new', async () => {
    const { post, asked } = setUp({ begun: ['a-1', 'a-2'] })
    await post('a', elsewhere)
    await post('a', elsewhere)
    await vi.advanceTimersByTimeAsync(1_500)
    await post('a', elsewhere)
    expect(asked).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    await post('a', elsewhere)
    expect(asked.at(-1)).toBe('a-2')
  })
})

it('refuses with 503 the tenant because of which workers are late, and only while they are', async () => {
  const late: Record<string, number> = { a: 2_001, b: 2_000 }
  const { post } = setUp({ late })
  expect(await post('a').catch(refused)).toEqual([503, 'overloaded', '1'])
  expect(await post('b')).toBe('b-2')
  delete late.a
  expect(await post('a')).toBe('a-3')
})
