import { setTimeout as pass } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventWorkflowId } from '../../src/workflows/contract/event.ts'
import { faultOfHistory } from '../support/workflows/history.ts'
import { after, startReceiver, type Respond } from '../support/servers/receiver.ts'
import { sharedStack } from '../support/shared-stack.ts'
import { makeTenant, settledLog, untilTestEnds, waitingLog, type Api } from '../support/stack.ts'

const stack = sharedStack()

/** Answers, in milliseconds after the request, to attempts that are under way side by side within one workflow task. */
const cases: [what: string, answers: [afterMs: number, status: number][]][] = [
  ['one fails, then another', [[300, 500], [0, 503]]],
  ['one fails, then another is delivered', [[300, 200], [0, 503]]],
  ['one is delivered, then another fails', [[300, 503], [0, 200]]],
  ['one is gone while another fails', [[0, 410], [50, 500], [300, 410], [350, 500]]],
  ['three fail in the opposite order', [[400, 500], [200, 500], [0, 500]]],
  ['many of every kind, all at once', [[0, 500], [0, 200], [0, 410], [0, 503], [0, 200], [0, 500], [0, 410], [0, 404]]],
  ['many of every kind, one after the other',
    [[350, 500], [300, 200], [250, 410], [200, 503], [150, 200], [100, 500], [50, 410], [0, 404]]],
] // prettier-ignore

describe('the history of an event replays, as it must when a worker restarts', () => {
  it.each(cases)('while it waits and after its end: %s', async (_what, answers) => {
    const { api, id: tenantId } = await makeTenant(stack)
    for (const [afterMs, status] of answers)
      await receiveAt(api, after(afterMs, status), { schedule: ['0s', '1h'] })
    await api.post('/events', { id: 'one', type: 'aml.match.found', data: {} }).expect(202)
    const log = await waitingLog(api, 'one')
    expect(log.deliveries).toHaveLength(answers.length)
    expect(await faultOfReplay(tenantId, 'one')).toBeUndefined()
    await api.post('/events/one/retry').expect(202)
    await settledLog(api, 'one')
    expect(await faultOfReplay(tenantId, 'one')).toBeUndefined()
  })
})

/**
 * What ends within one workflow task ends in any order, and a replay gets it all at once. No list of cases holds every order,
 * so that each run of this test takes others; a failure prints its cases.
 */
describe('the histories of events replay in whatever order their attempts end', () => {
  const status = fc.constantFrom(200, 200, 404, 410, 410, 429, 500, 503)
  const later = fc.record({ afterMs: fc.constantFrom(0, 0, 1, 5, 20, 60, 150, 300), status })
  // Longer than a workflow task: it goes on in another one, in which timers and signals come.
  const first = fc.oneof({ weight: 9, arbitrary: later }, fc.record({ afterMs: fc.constant(9_000), status }))
  const policy = fc.constantFrom({}, {}, {}, { maxConcurrent: 1 }, { ordering: { by: 'data.customerId' } })
  const receiver = fc.record({ first, later, policy })
  const request = fc.record({
    ask: fc.constantFrom('retry', 'cancel'),
    afterMs: fc.constantFrom(20, 100, 250),
  })
  const anyOrder = fc.record({
    receivers: fc.array(receiver, { minLength: 2, maxLength: 9 }),
    request: fc.option(request),
  })
  const eventIds = ['one', 'two']

  it('with sixteen cases that are made up for this run', { timeout: 120_000 }, async () => {
    const faults = fc.sample(anyOrder, 16).map(async ({ receivers, request }) => {
      const { api, id: tenantId } = await makeTenant(stack)
      for (const { first, later, policy } of receivers)
        await receiveAt(
          api,
          (response, seen, count) => {
            const { afterMs, status } = count <= eventIds.length ? first : later
            after(afterMs, status)(response, seen, count)
          },
          { schedule: ['0s', '1s', '1s'], ...policy },
        )
      const data = { customerId: 'same' }
      for (const id of eventIds) await api.post('/events', { id, type: 'aml.match.found', data }).expect(202)
      if (request) {
        await pass(request.afterMs)
        await api.post(`/events/one/${request.ask}`)
      }
      const found: object[] = []
      for (const id of eventIds) {
        await settledLog(api, id, 60_000)
        const fault = await faultOfReplay(tenantId, id)
        if (fault) found.push({ fault, receivers, request })
      }
      return found
    })
    const found = (await Promise.all(faults)).flat()
    expect(JSON.stringify(found, null, 2)).toBe('[]')
  })
})

/** A destination at a receiver of its own. */
async function receiveAt(api: Api, respond: Respond, delivery: object): Promise<void> {
  const { url } = untilTestEnds(await startReceiver(respond))
  // What is told of a destination that is gone is not to reach the others: it would open their circuits.
  const subscription = { eventTypes: ['aml.*'] }
  const given = { name: 'receiver', channel: 'webhook', config: { url }, subscription, delivery }
  await api.post('/destinations', given).expect(201)
}

function faultOfReplay(tenantId: string, eventId: string): Promise<string | undefined> {
  return faultOfHistory(stack, eventWorkflowId({ tenantId, environment: 'sandbox', eventId }))
}
