import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArchivedRun } from '../../src/archive/archive.ts'
import { createFolderArchive } from '../../src/archive/folder.ts'
import { toDay, endOfDay, startOfDay } from '../../src/domain/days.ts'
import { countExecutions, quoted } from '../../src/temporal/log/executions.ts'
import { eventWorkflowId } from '../../src/workflows/contract/event.ts'
import { startReceiver, status } from '../support/servers/receiver.ts'
import {
  forgetExecutions,
  makeDestination,
  readStats,
  rollUp,
  send,
  statsOnce,
} from '../support/resources/roll-up.ts'
import {
  eventually,
  makeKey,
  makeTenant,
  readLog,
  settledLog,
  startStack,
  untilTestEnds,
  waitingLog,
  type Stack,
} from '../support/stack.ts'

/** Days that are over cannot be made on a real server: what is rolled up by name here is the day that it is. */
const today = toDay(new Date())

let root: string
let stack: Stack
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchyard-roll-up-test-'))
  stack = await startStack({ archive: createFolderArchive(root) })
})
afterAll(async () => {
  await stack.stop()
  await rm(root, { recursive: true, force: true })
})

async function archived(tenantId: string, environment: 'sandbox' | 'production', day = today) {
  const runs: ArchivedRun[] = []
  for await (const run of createFolderArchive(root).read({ tenantId, environment, day })) runs.push(run)
  return runs
}

function storedTotals(destinationId: string, { db } = stack) {
  return db.dailyTotal.findMany({ where: { destinationId }, orderBy: { day: 'asc' } })
}

/** A tenant whose receiver has got three events, refused one, and got that one by a replay. */
async function makeBusyTenant() {
  const { api, id: tenantId } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver())
  const destinationId = await makeDestination(api, receiver)
  for (const event of ['one', 'two', 'three']) await send(api, event)
  receiver.answer(status(500))
  await send(api, 'refused')
  receiver.answer(status(200))
  await api.post('/events/refused/replay').expect(202)
  await eventually(
    () => readLog(api, 'refused'),
    ({ replays }) => replays[0]?.status === 'delivered',
  )
  const stats = await statsOnce(api, destinationId, { total: 5, succeeded: 4, failed: 1, pending: 0 })
  return { api, tenantId, destinationId, stats }
}

describe('a day that is rolled up', () => {
  it('is counted by destination, once, however often it is rolled up', async () => {
    const { tenantId, destinationId, api, stats } = await makeBusyTenant()
    const row = { tenantId, environment: 'sandbox', total: 5, succeeded: 4, failed: 1, attempts: 5 }
    for (let n = 0; n < 3; n++) {
      expect((await rollUp(stack, [today])).done).toMatchObject([{ day: today }])
      expect(await storedTotals(destinationId)).toMatchObject([
        { ...row, day: startOfDay(today), lastAttemptAt: new Date(stats.lastAttemptAt ?? 0) },
      ])
      expect(await readStats(api, destinationId)).toEqual(stats)
    }
  })

  it('is not counted twice with what Temporal still has, and what comes after it counts as well', async () => {
    const { api, destinationId, stats } = await makeBusyTenant()
    await rollUp(stack, [today])
    expect(await readStats(api, destinationId)).toEqual(stats)
    await send(api, 'later')
    const later = await statsOnce(api, destinationId, { total: 6, succeeded: 5, failed: 1 })
    expect(later.days.at(-1)).toEqual({ day: today, total: 6, succeeded: 5, failed: 1 })
    await rollUp(stack, [today])
    expect(await readStats(api, destinationId)).toEqual(later)
  })

  it('keeps its totals when Temporal has forgotten its events', async () => {
    const { api, tenantId, destinationId, stats } = await makeBusyTenant()
    await rollUp(stack, [today])
    await forgetExecutions(stack, tenantId)
    await api.get('/events/one').expect(404)
    expect(await readStats(api, destinationId)).toEqual(stats)
    const lines = await archived(tenantId, 'sandbox')
    const posted = lines.filter(({ event }) => !event.operational)
    expect(posted.map(({ event }) => event.id)).toEqual(['one', 'two', 'three', 'refused', 'refused'])
  }, 90_000)

  it('leaves out what is still under way, which counts as pending until it ends', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    const id = await makeDestination(api, receiver, ['0s', '1h'])
    await api.post('/events', { id: 'waits', type: 'aml.match.found', data: {} }).expect(202)
    await waitingLog(api, 'waits')
    const waiting = await statsOnce(api, id, { total: 1, pending: 1, failed: 0 })
    await rollUp(stack, [today])
    expect(await storedTotals(id)).toEqual([])
    expect(await archived(tenantId, 'sandbox')).toEqual([])
    expect(await readStats(api, id)).toEqual(waiting)
    receiver.answer(status(200))
    await api.post('/events/waits/retry').expect(202)
    await settledLog(api, 'waits')
    await statsOnce(api, id, { total: 1, pending: 0, succeeded: 1 })
    await rollUp(stack, [today])
    expect(await storedTotals(id)).toMatchObject([{ total: 1, succeeded: 1, failed: 0, attempts: 2 }])
  })

  it('counts each of very many destinations once: what children deliver is theirs to count', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const ids: string[] = []
    for (let n = 0; n < 65; n++) ids.push(await makeDestination(api, receiver))
    await send(api, 'to-many')
    await eventually(
      () =>
        countExecutions(stack.temporal, `TenantId = ${quoted(tenantId)} AND ExecutionStatus != 'Running'`),
      (count) => count === 3,
    )
    await rollUp(stack, [today])
    const rows = await stack.db.dailyTotal.findMany({ where: { tenantId } })
    expect(rows.map(({ destinationId }) => destinationId).sort()).toEqual(ids.sort())
    expect(
      rows.every(({ total, succeeded, attempts }) => total === 1 && succeeded === 1 && attempts === 1),
    ).toBe(true)
    const [line, ...others] = await archived(tenantId, 'sandbox')
    expect(others).toEqual([])
    expect(line?.timeline.deliveries.flatMap(({ attempts }) => attempts)).toHaveLength(65)
  }, 60_000)

  it('counts one that an operator ended early as the lists do: failed if it was tried, and neither if not', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    const id = await makeDestination(api, receiver, ['0s', '1h'])
    await api.post('/events', { id: 'ended', type: 'aml.match.found', data: {} }).expect(202)
    await waitingLog(api, 'ended')
    const workflowId = eventWorkflowId({ tenantId, environment: 'sandbox', eventId: 'ended' })
    await stack.temporal.workflow.getHandle(workflowId).terminate()
    const stats = await statsOnce(api, id, { total: 1, failed: 1, pending: 0 })
    await rollUp(stack, [today])
    expect(await readStats(api, id)).toEqual(stats)
    expect(await archived(tenantId, 'sandbox')).toMatchObject([
      { timeline: { status: 'failed', reason: expect.stringContaining('ended early') as string } },
    ])
  })

  it('counts tests of a destination, as lists do, and none of a URL that no destination has', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(undefined, { tls: true }))
    const id = await makeDestination(api, receiver)
    await api.post(`/destinations/${id}/test`).expect(200)
    const elsewhere = untilTestEnds(await startReceiver(undefined, { tls: true }))
    await api.post('/webhooks/test/', { webhook_url: elsewhere.url }).expect(200)
    const stats = await statsOnce(api, id, { total: 1, succeeded: 1 })
    const ended = `TenantId = ${quoted(tenantId)} AND ExecutionStatus = 'Completed'`
    await eventually(
      () => countExecutions(stack.temporal, ended),
      (count) => count === 2,
    )
    await rollUp(stack, [today])
    expect(await stack.db.dailyTotal.findMany({ where: { tenantId } })).toMatchObject([{ destinationId: id }])
    expect(await readStats(api, id)).toEqual(stats)
    expect((await archived(tenantId, 'sandbox')).map(({ event }) => event.test)).toEqual([true, true])
  })

  it('is archived with each run’s event and whole log, in the order of their end, one file an environment', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const live = await makeKey(stack, tenantId, 'production')
    const receiver = untilTestEnds(await startReceiver())
    const id = await makeDestination(api, receiver)
    await send(api, 'first', { name: 'Zoë\u2028Ångström' })
    await send(api, 'second')
    await send(live.api, 'unrouted')
    await api.post('/events/first/replay').expect(202)
    const log = await eventually(
      () => readLog(api, 'first'),
      ({ replays }) => replays[0]?.status === 'delivered',
    )
    await statsOnce(api, id, { total: 3 })
    await rollUp(stack, [today])
    const lines = await archived(tenantId, 'sandbox')
    expect(lines.map(({ event }) => event.id)).toEqual(['first', 'second', 'first'])
    const [first, , replay] = lines
    expect(first?.event).toMatchObject({
      tenantId,
      type: 'aml.match.found',
      data: { name: 'Zoë\u2028Ångström' },
    })
    expect(first?.timeline).toMatchObject({
      status: 'delivered',
      deliveries: log.deliveries,
      routing: log.routing,
    })
    expect(first).not.toHaveProperty('replayId')
    const [shown] = log.replays as unknown as [{ replayId: string }]
    expect(replay?.replayId).toBe(shown.replayId)
    expect(replay?.event).toEqual(first?.event)
    const times = lines.flatMap(({ startedAt, endedAt }) => [
      startedAt <= endedAt,
      toDay(new Date(endedAt)) === today,
    ])
    expect(times).toEqual(Array.from({ length: 6 }, () => true))
    expect(await archived(tenantId, 'production')).toMatchObject([
      { event: { id: 'unrouted' }, timeline: { status: 'unrouted' } },
    ])
    expect((await readdir(join(root, tenantId), { recursive: true })).sort()).toEqual([
      'production', `production/${today}.jsonl`, 'sandbox', `sandbox/${today}.jsonl`,
    ]) // prettier-ignore
  })

  it('is marked with how many executions it had, and that it is archived', async () => {
    await rollUp(stack, [today])
    const row = await stack.db.rolledDay.findUniqueOrThrow({ where: { day: startOfDay(today) } })
    const ended = `WorkflowType IN ('routeEvent', 'replayEvent', 'deliverBatch', 'replayBatch') AND CloseTime < ${quoted(row.doneAt.toISOString())}`
    expect(row).toMatchObject({ executions: await countExecutions(stack.temporal, ended), archived: true })
    expect(row.doneAt < endOfDay(today)).toBe(true)
  })
})
