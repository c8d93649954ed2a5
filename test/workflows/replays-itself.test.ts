import { Worker } from '@temporalio/worker'
import { describe, expect, inject, it } from 'vitest'
import { eventWorkflowId } from '../../src/workflows/contract.ts'
import { after, startReceiver, type Respond } from '../support/receiver.ts'
import { makeTenant, settledLog, stackOfFile, untilTestEnds, waitingLog } from '../support/stack.ts'

const stack = stackOfFile()

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

const answer = ([afterMs, status]: [number, number]): Respond => after(afterMs, status)

describe('the history of an event replays, as it must when a worker restarts', () => {
  it.each(cases)('while it waits and after its end: %s', async (_what, answers) => {
    const { api, id: tenantId } = await makeTenant(stack)
    for (const one of answers) {
      const { url } = untilTestEnds(await startReceiver(answer(one)))
      const config = { url }
      const subscription = { eventTypes: ['all'] }
      const delivery = { schedule: ['0s', '1h'] }
      const given = { name: 'receiver', channel: 'webhook', config, subscription, delivery }
      await api.post('/destinations', given).expect(201)
    }
    await api.post('/events', { id: 'one', type: 'aml.match.found', data: {} }).expect(202)
    const log = await waitingLog(api, 'one')
    expect(log.deliveries).toHaveLength(answers.length)
    await replay(tenantId)
    await api.post('/events/one/retry').expect(202)
    await settledLog(api, 'one')
    await replay(tenantId)
  })
})

async function replay(tenantId: string): Promise<void> {
  const workflowId = eventWorkflowId({ tenantId, environment: 'sandbox', eventId: 'one' })
  const history = await stack.temporal.workflow.getHandle(workflowId).fetchHistory()
  const options = { workflowBundle: { codePath: inject('workflowBundle') } }
  await expect(Worker.runReplayHistory(options, history, workflowId)).resolves.toBeUndefined()
}
