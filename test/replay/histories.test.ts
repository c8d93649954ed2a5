import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import type { temporal } from '@temporalio/proto'
import { Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { describe, expect, inject, it } from 'vitest'
import { eventWorkflowId, type RouteEventInput } from '../../src/workflows/contract/event.ts'
// Installs Temporal's runtime, of which a process has one.
import '../support/stack.ts'

type History = temporal.api.history.v1.IHistory

/**
 * Every history here stands for workflows that may be running somewhere when this code is deployed: it must replay.
 * Each is named for why it exists; `npm run histories:record` (record.ts) made them. A release has its own in a folder.
 */
const folder = new URL('./histories/', import.meta.url)
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace(/\.json$/, ''))

function historyOf(name: string): History {
  return historyFromJSON(JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')))
}

function replay(history: History, name: string): Promise<void> {
  const payload = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]
  const { event } = JSON.parse(Buffer.from(payload?.data ?? []).toString('utf8')) as Partial<RouteEventInput>
  // Ids of children are made from the event's own; the other workflows have none.
  const workflowId = event ? eventWorkflowId({ ...event, eventId: event.id }) : basename(name)
  return Worker.runReplayHistory(
    { workflowBundle: { codePath: inject('workflowBundle') } },
    history,
    workflowId,
  )
}

/** The history as a program would have made it whose second activity was another one. */
function withAnotherActivity(history: History): History {
  let number = 0
  for (const event of history.events ?? []) {
    const type = event.activityTaskScheduledEventAttributes?.activityType
    // A local activity.
    const [marked] = event.markerRecordedEventAttributes?.details?.['data']?.payloads ?? []
    if ((type ?? marked) && ++number === 2) {
      if (type) type.name = 'anotherActivity'
      if (marked) marked.data = withActivityType(marked.data, 'anotherActivity')
    }
  }
  return history
}

function withActivityType(data: Uint8Array | null | undefined, activityType: string): Uint8Array {
  const marked = JSON.parse(Buffer.from(data ?? []).toString('utf8')) as object
  return Buffer.from(JSON.stringify({ ...marked, activity_type: activityType }))
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
