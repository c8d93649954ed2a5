import { readdirSync, readFileSync } from 'node:fs'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import type { temporal } from '@temporalio/proto'
import { Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { describe, expect, inject, it } from 'vitest'
import { eventWorkflowId, type RouteEventInput } from '../../src/workflows/contract.ts'
import { createLog } from '../../src/log.ts'
import { installTemporalRuntime } from '../../src/temporal/runtime.ts'

type History = temporal.api.history.v1.IHistory

installTemporalRuntime(createLog('silent'))

/**
 * Every history here stands for workflows that may be running somewhere when this code is deployed: it must replay.
 * Each is named for why it exists; `npm run histories:record` (record.ts) made them.
 */
const folder = new URL('./histories/', import.meta.url)
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''))

function historyOf(name: string): History {
  return historyFromJSON(JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))) as History
}

function replay(history: History, name: string): Promise<void> {
  const payload = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]
  const { event } = JSON.parse(Buffer.from(payload?.data ?? []).toString('utf8')) as Partial<RouteEventInput>
  // Ids of children are made from the event's own; the other workflows have none.
  const workflowId = event ? eventWorkflowId({ ...event, eventId: event.id }) : name
  return Worker.runReplayHistory(
    { workflowBundle: { codePath: inject('workflowBundle') } },
    history,
    workflowId,
  )
}

/** The history as a program would have made it that called another activity the second time. */
function withAnotherActivity(history: History): History {
  const [, second] = (history.events ?? []).flatMap((event) => {
    const scheduled = event.activityTaskScheduledEventAttributes?.activityType
    const data = event.markerRecordedEventAttributes?.details?.['data']?.payloads?.[0]
    return scheduled ? [{ scheduled }] : data ? [{ data }] : []
  })
  if (second?.scheduled) second.scheduled.name = 'anotherActivity'
  if (second?.data) {
    const local = JSON.parse(Buffer.from(second.data.data ?? []).toString('utf8')) as object
    second.data.data = Buffer.from(JSON.stringify({ ...local, activity_type: 'anotherActivity' }))
  }
  return history
}

describe('recorded histories replay', () => {
  it('there are at least three of them', () => {
    expect(names.length).toBeGreaterThanOrEqual(3)
  })
  it.each(names)('%s', async (name) => {
    await expect(replay(historyOf(name), name)).resolves.toBeUndefined()
  })
})

describe('a history that another program would have made does not', () => {
  it.each(['first-attempt-delivered-within-one-workflow-task', 'no-opening-where-attempts-take-turns'])(
    '%s, with another activity',
    async (name) => {
      const tampered = withAnotherActivity(historyOf(name))
      await expect(replay(tampered, name)).rejects.toThrow(DeterminismViolationError)
    },
  )
})
