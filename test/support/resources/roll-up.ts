import { randomUUID } from 'node:crypto'
import { countExecutions, listExecutions, quoted } from '../../../src/temporal/log/executions.ts'
import {
  rollUpDaysType,
  type RollUpInput,
  type RollUpProgress,
} from '../../../src/workflows/contract/roll-up.ts'
import { taskQueue } from '../../../src/workflows/contract/task-queues.ts'
import type { Receiver } from '../servers/receiver.ts'
import { eventually, settledLog, type Api, type EventLog, type Stack } from '../stack.ts'

/** A destination's stats as the API shows them. */
export interface Stats {
  total: number
  succeeded: number
  failed: number
  pending: number
  lastAttemptAt: string | null
  days: { day: string; total: number; succeeded: number; failed: number }[]
}

/** Runs a roll-up to its end, by hand. Days that are over cannot be made on a real server: today is rolled up by its name. */
export async function rollUp({ temporal }: Pick<Stack, 'temporal'>, days: string[]): Promise<RollUpProgress> {
  const input: RollUpInput = { days }
  const options = { workflowId: randomUUID(), taskQueue, args: [input] }
  return (await temporal.workflow.execute(rollUpDaysType, options)) as RollUpProgress
}

/** A webhook for what `send` sends, tried by this schedule: by default once. */
export async function makeDestination(
  api: Api,
  { url }: Pick<Receiver, 'url'>,
  schedule = ['0s'],
): Promise<string> {
  const subscription = { eventTypes: ['aml.*'] }
  const given = {
    name: 'receiver',
    channel: 'webhook',
    config: { url },
    subscription,
    delivery: { schedule },
  }
  return ((await api.post('/destinations', given).expect(201)).body as { id: string }).id
}

export async function readStats(api: Api, id: string, query = '?days=4'): Promise<Stats> {
  return (await api.get(`/destinations/${id}/stats${query}`).expect(200)).body as Stats
}

/** Lists, and what is counted by them, follow a moment later. */
export function statsOnce(api: Api, id: string, expected: Omit<Partial<Stats>, 'days'>): Promise<Stats> {
  return eventually(
    () => readStats(api, id),
    (stats) => Object.entries(expected).every(([name, value]) => stats[name as keyof Stats] === value),
  )
}

/** The event's log once every delivery has ended. */
export async function send(api: Api, id: string, data: object = { n: 1 }): Promise<EventLog> {
  const type = 'aml.match.found'
  await api.post('/events', { id, type, data }).expect(202)
  return settledLog(api, id)
}

/** As the end of retention does. */
export async function forgetExecutions(
  { temporal }: Pick<Stack, 'temporal'>,
  tenantId: string,
): Promise<void> {
  const { namespace } = temporal.options
  const query = `TenantId = ${quoted(tenantId)}`
  const { executions } = await listExecutions(temporal, query, 1000)
  for (const { workflowId, runId } of executions) {
    const workflowExecution = { workflowId, runId }
    await temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution })
  }
  // The server takes them off its lists at the pace of a queue of its own.
  await eventually(
    () => countExecutions(temporal, query),
    (count) => count === 0,
    60_000,
  )
}
