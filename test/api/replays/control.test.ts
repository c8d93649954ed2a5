import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { replaysWorkflowId } from '../../../src/workflows/contract/replays.ts'
import {
  addDestination,
  arrivals,
  endedReplay,
  failEvents,
  readReplay,
  startReplay,
  type ReplayShown,
} from '../../support/workflows/replays.ts'
import { ok, startReceiver, status } from '../../support/servers/receiver.ts'
import { eventually, makeTenant, stackOfFile, untilTestEnds, type Api } from '../../support/stack.ts'

const stack = stackOfFile()

const from = '2020-01-01T00:00:00Z'

/** Events that have failed, at a receiver that is well again by now. */
async function afterAnOutage(ids: string[]) {
  const tenant = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(status(500)))
  await addDestination(tenant.api, receiver.url)
  await failEvents(tenant.api, ids)
  receiver.answer(ok)
  return { ...tenant, arrived: () => arrivals(receiver, ids.length).map((one) => one.split('>')[0]) }
}

function onceIt(api: Api, id: string, isRight: (replay: ReplayShown) => boolean) {
  return eventually(() => readReplay(api, id), isRight)
}

describe('pause', () => {
  it('starts nothing until it is resumed, while others go on', async () => {
    const { api, arrived } = await afterAnOutage(['one', 'two', 'three'])
    const paused = await startReplay(api, { from })
    await api.post(`/replays/${paused}/pause`).expect(202)
    await onceIt(api, paused, (replay) => replay.status === 'paused' && replay.found === 3)
    const other = await startReplay(api, { from, status: 'all', type: 'none' })
    await onceIt(api, other, (replay) => replay.status === 'completed')
    expect(await readReplay(api, paused)).toMatchObject({ status: 'paused', found: 3, started: 0 })
    expect((await readReplay(api, paused)).estimatedEndAt).toBeUndefined()
    expect(arrived()).toEqual([])

    await api.post(`/replays/${paused}/resume`).expect(202)
    expect(await endedReplay(api, paused)).toMatchObject({ status: 'completed', started: 3, delivered: 3 })
    expect(arrived()).toEqual(['one', 'three', 'two'])
  })

  it('between two events keeps those that are left', async () => {
    const { api, arrived } = await afterAnOutage(['one', 'two', 'three'])
    const id = await startReplay(api, { from, ratePerSecond: 0.1 })
    const running = await onceIt(api, id, ({ started }) => started === 1)
    expect(running).toMatchObject({ status: 'running', found: 3, skipped: 0 })
    expect(Date.parse(running.estimatedEndAt ?? '')).toBeGreaterThan(Date.now())
    await api.post(`/replays/${id}/pause`).expect(202)
    await onceIt(api, id, (replay) => replay.status === 'paused')
    expect(arrived()).toEqual(['one'])
    await api.post(`/replays/${id}/resume`, { ratePerSecond: 1000 }).expect(202)
    const ended = await endedReplay(api, id)
    expect(ended).toMatchObject({ status: 'completed', started: 3, ratePerSecond: 1000 })
    expect(arrived()).toEqual(['one', 'three', 'two'])
  })
})

describe('resume', () => {
  it('changes the rate of a replay that runs: a wait at the old one is cut short', async () => {
    const { api, arrived } = await afterAnOutage(['one', 'two', 'three'])
    const id = await startReplay(api, { from, ratePerSecond: 0.1 })
    await onceIt(api, id, ({ started }) => started === 1)
    await api.post(`/replays/${id}/resume`, { ratePerSecond: 0 }).expect(422)
    await api.post(`/replays/${id}/resume`, { ratePerSecond: 100 }).expect(202)
    const { createdAt, endedAt = '' } = await endedReplay(api, id)
    // At the old rate the third event would have started 20 seconds after the first.
    expect(Date.parse(endedAt) - Date.parse(createdAt)).toBeLessThan(20_000)
    expect(arrived()).toEqual(['one', 'three', 'two'])
  })
})

describe('cancel', () => {
  it('ends it for good: what was started is delivered, the rest is not', async () => {
    const { api, arrived } = await afterAnOutage(['one', 'two', 'three'])
    const id = await startReplay(api, { from, ratePerSecond: 0.1 })
    await onceIt(api, id, ({ started }) => started === 1)
    await api.post(`/replays/${id}/cancel`).expect(202)
    const ended = await endedReplay(api, id)
    expect(ended).toMatchObject({ status: 'cancelled', found: 3, started: 1, delivered: 1, pending: 0 })
    expect(ended.endedAt).toBeDefined()
    expect(arrived()).toEqual(['one'])
    for (const action of ['pause', 'resume', 'cancel']) {
      const { body } = await api.post(`/replays/${id}/${action}`).expect(409)
      expect(body).toMatchObject({ code: 'already_ended' })
    }
  })

  it('ends one that is paused', async () => {
    const { api } = await afterAnOutage(['one'])
    const id = await startReplay(api, { from })
    await api.post(`/replays/${id}/pause`).expect(202)
    await api.post(`/replays/${id}/cancel`).expect(202)
    expect(await endedReplay(api, id)).toMatchObject({ status: 'cancelled', started: 0 })
  })
})

describe('each event is started once', () => {
  it('when the worker stops midway and another one goes on; progress is shown meanwhile', async () => {
    const ids = ['1', '2', '3', '4', '5', '6']
    const { api, arrived } = await afterAnOutage(ids)
    const id = await startReplay(api, { from, ratePerSecond: 2 })
    await onceIt(api, id, ({ started }) => started >= 2)
    await stack.stopWorkers()
    const down = await readReplay(api, id)
    expect(down).toMatchObject({ status: 'running', found: 6 })
    expect(down.started).toBeLessThan(6)
    expect((await api.get('/replays').expect(200)).body).toMatchObject({ data: [{ id, status: 'running' }] })
    await stack.startWorkers()
    const ended = await endedReplay(api, id)
    expect(ended).toMatchObject({ status: 'completed', found: 6, started: 6, delivered: 6 })
    expect(arrived()).toEqual(ids)
  })

  it('when starting is repeated, its first answer being lost', async () => {
    const ids = ['1', '2', '3']
    const { api, id: tenantId, arrived } = await afterAnOutage(ids)
    const id = await startReplay(api, { from })
    await endedReplay(api, id)
    const workflowId = replaysWorkflowId({ tenantId, environment: 'sandbox' }, id)
    await repeatFrom(workflowId, 'startReplays')
    const again = await endedReplay(api, id)
    expect(again).toMatchObject({ found: 3, started: 3, skipped: 0, delivered: 3, pending: 0 })
    expect(arrived()).toEqual(ids)
  })

  it('when its history has grown long and it goes on in a new one', async () => {
    const ids = ['1', '2', '3', '4', '5']
    const { api, id: tenantId, arrived } = await afterAnOutage(ids)
    const id = await startReplay(api, { from, ratePerSecond: 0.1 })
    const { createdAt } = await onceIt(api, id, ({ started }) => started === 1)
    await api.post(`/replays/${id}/pause`).expect(202)
    const workflowId = replaysWorkflowId({ tenantId, environment: 'sandbox' }, id)
    const { runId } = await stack.temporal.workflow.getHandle(workflowId).describe()
    await growHistory(workflowId)
    await api.post(`/replays/${id}/resume`, { ratePerSecond: 2 }).expect(202)
    await eventually(
      () => stack.temporal.workflow.getHandle(workflowId, runId).describe(),
      ({ status: { name } }) => name === 'CONTINUED_AS_NEW',
    )
    const ended = await endedReplay(api, id)
    expect(ended).toMatchObject({ createdAt, status: 'completed', found: 5, started: 5, delivered: 5 })
    expect(ended.ratePerSecond).toBe(2)
    expect(arrived()).toEqual(ids)
    expect((await api.get('/replays').expect(200)).body).toMatchObject({ data: [{ id, started: 5 }] })
  })
})

/** Runs a workflow again from where it asked for this activity, as if that had never been answered. */
async function repeatFrom(workflowId: string, activity: string): Promise<void> {
  const { temporal } = stack
  const handle = temporal.workflow.getHandle(workflowId)
  const { events } = await handle.fetchHistory()
  const asked = events?.find(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === activity,
  )
  const workflowTaskFinishEventId = asked?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId
  const { runId } = await handle.describe()
  await temporal.workflowService.resetWorkflowExecution({
    namespace: temporal.options.namespace,
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId: workflowTaskFinishEventId ?? null,
    requestId: randomUUID(),
    reason: 'a test',
  })
  await handle.result()
  expect((await handle.describe()).runId).not.toBe(runId)
}

/** Beyond the size at which Temporal suggests a new one (4 MB): signals, with what nobody reads in them. */
async function growHistory(workflowId: string): Promise<void> {
  const handle = stack.temporal.workflow.getHandle(workflowId)
  for (let sent = 0; sent < 5; sent++) await handle.signal<unknown[]>('pause', 'x'.repeat(1_000_000))
}
