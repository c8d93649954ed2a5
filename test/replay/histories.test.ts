import { readdirSync, readFileSync } from 'node:fs'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { describe, expect, inject, it } from 'vitest'
import { eventWorkflowId, type RouteEventInput } from '../../src/workflows/contract.ts'
import { createLog } from '../../src/log.ts'
import { installTemporalRuntime } from '../../src/temporal/runtime.ts'

installTemporalRuntime(createLog('silent'))

/**
 * Every history here stands for workflows that may be running somewhere when this code is deployed: it must replay.
 * Each is named for why it exists; `npm run histories:record` (record.ts) made them.
 */
const folder = new URL('./histories/', import.meta.url)
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''))
const tampered = names.filter((name) => name.startsWith('tampered-'))
const recorded = names.filter((name) => !name.startsWith('tampered-'))

function replay(name: string): Promise<void> {
  const history = historyFromJSON(JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')))
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

describe('recorded histories replay', () => {
  it('there are at least three of them', () => {
    expect(recorded.length).toBeGreaterThanOrEqual(3)
  })
  it.each(recorded)('%s', async (name) => {
    await expect(replay(name)).resolves.toBeUndefined()
  })
})

describe('a history that another program would have made does not', () => {
  it('there is at least one of them', () => {
    expect(tampered.length).toBeGreaterThanOrEqual(1)
  })
  it.each(tampered)('%s', async (name) => {
    await expect(replay(name)).rejects.toThrow(DeterminismViolationError)
  })
})
