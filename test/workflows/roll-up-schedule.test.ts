import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { ScheduleHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { addDays, toDay, endOfDay, startOfDay } from '../../src/domain/days.ts'
import { closedExecutions } from '../../src/temporal/counts/closed-executions.ts'
import { countExecutions, quoted } from '../../src/temporal/log/executions.ts'
import { ensureRollUpSchedule } from '../../src/temporal/roll-up-schedule.ts'
import { routeEventType } from '../../src/workflows/contract/event.ts'
import { rollUpDaysType, rollUpQuery, rollUpScheduleId } from '../../src/workflows/contract/roll-up.ts'
import { taskQueue } from '../../src/workflows/contract/task-queues.ts'
import { startReceiver } from '../support/servers/receiver.ts'
import { makeDestination, readStats, rollUp, send } from '../support/resources/roll-up.ts'
import { eventually, makeTenant, stackOfFile, startStack, untilTestEnds } from '../support/stack.ts'

const today = toDay(new Date())

const stack = stackOfFile()

describe('a roll-up', () => {
  it('does the days that are due, oldest first, one after the other, and never today by itself', async () => {
    const fresh = untilTestEnds(await startStack())
    await makeTenant(fresh)
    expect(await rollUp(fresh, [])).toEqual({ done: [], waiting: [] })
    const past = [addDays(today, -2), addDays(today, -1)]
    await fresh.db.tenant.updateMany({ data: { createdAt: startOfDay(past[0] ?? today) } })
    const { done, waiting } = await rollUp(fresh, [])
    expect({ days: done.map(({ day }) => day), waiting }).toEqual({ days: past, waiting: [] })
    expect((await rollUp(fresh, [])).done).toEqual([])
    const rows = await fresh.db.rolledDay.findMany({ orderBy: { day: 'asc' } })
    expect(rows.map(({ day, executions, archived }) => [toDay(day), executions, archived])).toEqual(
      past.map((day) => [day, 0, false]),
    )
  })

  it('leaves a day as it is of which Temporal has begun to forget what was counted', async () => {
    const fresh = untilTestEnds(await startStack())
    const { api, id: tenantId } = await makeTenant(fresh)
    const receiver = untilTestEnds(await startReceiver())
    const id = await makeDestination(api, receiver)
    const past = addDays(today, -3)
    const day = startOfDay(past)
    const counted = { total: 7, succeeded: 5, failed: 2, attempts: 20, lastAttemptAt: day }
    const owner = { destinationId: id, tenantId, environment: 'sandbox' }
    await fresh.db.dailyTotal.create({ data: { ...owner, ...counted, day } })
    await fresh.db.rolledDay.create({ data: { day, executions: 7, archived: false, doneAt: endOfDay(past) } })
    // The namespaces of tests keep what has ended for a day.
    expect((await rollUp(fresh, [past])).done).toContainEqual({ day: past, executions: 7, kept: true })
    expect(await fresh.db.dailyTotal.findMany({ where: { destinationId: id } })).toMatchObject([counted])
    const stats = await readStats(api, id)
    expect(stats).toMatchObject({
      total: 7,
      succeeded: 5,
      failed: 2,
      pending: 0,
      lastAttemptAt: day.toISOString(),
    })
    expect(stats.days.at(-4)).toEqual({ day: past, total: 7, succeeded: 5, failed: 2 })
  })

  it.each(['2026-02-30', 'yesterday', addDays(today, 1)])('refuses to do %s', async (day) => {
    const failed = await rollUp(stack, [day]).catch((error: Error) => error)
    expect(failed).toMatchObject({ cause: { cause: { message: expect.stringContaining(day) as string } } })
  })

  it('says how far it is while it runs, and when it is done', async () => {
    const options = { workflowId: randomUUID(), taskQueue, args: [{ days: [today] }] }
    const handle = await stack.temporal.workflow.start(rollUpDaysType, options)
    await handle.result()
    const { done, waiting } = await handle.query(rollUpQuery)
    expect({ days: done.map(({ day }) => day), waiting }).toEqual({ days: [today], waiting: [] })
  })
})

describe('the schedule of the roll-up', () => {
  it('is made once, starts it every day at 00:20 UTC, and skips a run while one goes on', async () => {
    const fresh = untilTestEnds(await startStack({ workers: false }))
    await Promise.all([1, 2, 3].map(() => ensureRollUpSchedule(fresh.temporal)))
    const { info, policies, spec } = await fresh.temporal.schedule.getHandle(rollUpScheduleId).describe()
    expect(info.nextActionTimes[0]).toEqual(new Date(startOfDay(addDays(today, 1)).getTime() + 20 * 60_000))
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 7 * 24 * 3600_000 })
    expect(spec.calendars).toHaveLength(1)
  })

  it('is set right where it was another one, and stays paused where it was paused', async () => {
    const fresh = untilTestEnds(await startStack({ workers: false }))
    await ensureRollUpSchedule(fresh.temporal)
    const handle = fresh.temporal.schedule.getHandle(rollUpScheduleId)
    const { spec } = await handle.describe()
    await handle.update(({ spec: _old, ...rest }) => ({ ...rest, spec: { intervals: [{ every: '1h' }] } }))
    await pause(handle)
    expect((await handle.describe()).spec).not.toEqual(spec)
    await ensureRollUpSchedule(fresh.temporal)
    const { state } = await eventually(
      () => handle.describe(),
      (now) => isDeepStrictEqual(now.spec, spec),
      scheduleMs,
    )
    expect(state).toMatchObject({ paused: true, note: 'for maintenance' })
  }, 150_000)

  it('is left alone where it is as it should be', async () => {
    const fresh = untilTestEnds(await startStack({ workers: false }))
    await ensureRollUpSchedule(fresh.temporal)
    const handle = fresh.temporal.schedule.getHandle(rollUpScheduleId)
    const updateTime = async () => (await handle.describe()).raw.info?.updateTime
    const before = await updateTime()
    await ensureRollUpSchedule(fresh.temporal)
    await pause(handle) // What was asked before has been done by then.
    expect(await updateTime()).toEqual(before)
  }, 90_000)

  it('rolls up when it fires', async () => {
    await ensureRollUpSchedule(stack.temporal)
    const handle = stack.temporal.schedule.getHandle(rollUpScheduleId)
    await handle.trigger()
    const query = `WorkflowType = ${quoted(rollUpDaysType)} AND WorkflowId STARTS_WITH 'roll-up' AND ExecutionStatus = 'Completed'`
    await eventually(
      () => countExecutions(stack.temporal, query),
      (count) => count === 1,
    )
    await handle.delete()
  })
})

describe('what ended within a span', () => {
  it('is listed once each, in the order of its end, however it is cut into stretches and pages', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const ids = Array.from({ length: 40 }, (_, n) => `evt_${n}`)
    for (const id of ids) await send(api, id)
    const ended = `TenantId = ${quoted(tenantId)} AND ExecutionStatus = 'Completed'`
    await eventually(
      () => countExecutions(stack.temporal, ended),
      (count) => count === ids.length,
    )
    const span = { from: startOfDay(today), until: endOfDay(today) }
    const found = []
    for await (const one of closedExecutions(stack.temporal, [routeEventType], span, {
      inStretch: 5,
      page: 3,
    }))
      found.push(one)
    const ends = found.map(({ endedAt = 0n }) => endedAt)
    expect(ends).toEqual(ends.toSorted((left, right) => Number(left - right)))
    expect(new Set(found.map(({ runId }) => runId)).size).toBe(found.length)
    const mine = found.filter(({ workflowId }) => workflowId.startsWith(`${tenantId}/`))
    expect(mine.map(({ memo }) => memo.eventId)).toEqual(ids)
  })
})

/** The server keeps a schedule in a workflow of its own, and a task of that which it loses is given out again after 10 s. */
const scheduleMs = 60_000

/** Schedules do what they are asked a moment later, one after the other. */
async function pause(handle: ScheduleHandle): Promise<void> {
  await handle.pause('for maintenance')
  await eventually(
    () => handle.describe(),
    ({ state }) => state.paused,
    scheduleMs,
  )
}
