import type { Client } from '@temporalio/client'
import type { Payload } from '@temporalio/common'
import { connectTemporal, type TemporalSettings } from '../../temporal/connect.ts'
import { isNotFound } from '../../temporal/grpc.ts'
import { missingSearchAttributes } from '../../temporal/namespace.ts'
import { createPayloadCodec, payloadKeyId, type PayloadKeys } from '../../temporal/payload-codec.ts'
import { findPollingWorkers } from '../../temporal/pollers.ts'
import { rollUpScheduleState } from '../../temporal/roll-up-schedule.ts'
import { routeEventType } from '../../workflows/contract/event.ts'
import { clockName } from './database-checks.ts'
import { describe, failed, ok, warning, type Check, type Finding } from './examination.ts'

const temporalName = 'Temporal'

/** The connection is made by the first check; `close` ends it. */
export function temporalChecks(settings: TemporalSettings): { checks: Check[]; close(): Promise<void> } {
  let opened: Awaited<ReturnType<typeof connectTemporal>> | undefined

  /** Only called by checks that need the first one. */
  function client(): Client {
    if (!opened) throw new Error('there is no connection to Temporal')
    return opened.client
  }

  const remedy = 'Is Temporal running, and are TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY correct?'
  const checks: Omit<Check, 'remedy'>[] = [
    {
      name: temporalName,
      run: async () => {
        opened = await connectTemporal(settings)
        return checkNamespace(opened.client, settings)
      },
    },
    { name: 'Search attributes', needs: [temporalName], run: () => checkSearchAttributes(client()) },
    { name: 'Roll-up schedule', needs: [temporalName], run: () => checkSchedule(client()) },
    { name: 'Workers', needs: [clockName, temporalName], run: () => checkWorkers(client()) },
    {
      name: 'Payload keys',
      needs: [temporalName, 'Search attributes'],
      run: () => checkPayloadKeys(client(), settings.payloadKeys),
    },
  ]
  return {
    checks: checks.map((check) => ({ ...check, remedy })),
    close: async () => opened?.connection.close(),
  }
}

async function checkNamespace(client: Client, { address, namespace }: TemporalSettings): Promise<Finding> {
  try {
    await client.workflowService.describeNamespace({ namespace })
    return ok(`the server at ${address} has the namespace "${namespace}"`)
  } catch (error) {
    if (!isNotFound(error)) throw error
    return failed(
      `the server at ${address} has no namespace "${namespace}"`,
      'Create it, or correct TEMPORAL_NAMESPACE.',
    )
  }
}

async function checkSearchAttributes(client: Client): Promise<Finding> {
  const remedy = 'Run `npm run namespace:setup`.'
  try {
    const missing = await missingSearchAttributes(client)
    return missing.length === 0 ? ok('all are registered') : failed(`missing: ${missing.join(', ')}`, remedy)
  } catch (error) {
    return failed(describe(error), 'Use a namespace of its own, or remove these attributes from it.')
  }
}

async function checkSchedule(client: Client): Promise<Finding> {
  switch (await rollUpScheduleState(client)) {
    case 'as wanted':
      return ok('closed days are rolled up every night')
    case 'paused':
      return failed(
        'the schedule is paused: nothing is archived, and totals are not rolled up',
        'Resume the schedule in Temporal before the retention ends.',
      )
    case 'missing':
      return failed(
        'there is none: nothing is archived, and totals are not rolled up',
        'Start a worker, which creates it. If it did not, its account may not create schedules: its log says `roll-up.not-scheduled`.',
      )
    case 'changed':
      return warning('the schedule was changed', 'Restart a worker, which restores it.')
  }
}

async function checkWorkers(client: Client): Promise<Finding> {
  const workers = await findPollingWorkers(client)
  if (workers.length > 0) return ok(`${workers.length} poll: ${workers.join(', ')}`)
  return failed(
    'no worker polls: events are accepted and nothing is delivered',
    'Start `npm run worker` with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.',
  )
}

/** The most recent events are looked at: their memos are encrypted like their payloads. */
const looksAt = 50

async function checkPayloadKeys(client: Client, keys: PayloadKeys | undefined): Promise<Finding> {
  const { executions } = await client.workflowService.listWorkflowExecutions({
    namespace: client.options.namespace,
    query: `WorkflowType = '${routeEventType}'`,
    pageSize: looksAt,
  })
  const payloads = executions.flatMap(({ memo }) => Object.values(memo?.fields ?? {}))
  const locked = (await Promise.all(payloads.map((payload) => whyLocked(payload, keys)))).filter(
    (why) => why !== undefined,
  )
  if (locked.length > 0)
    return failed(
      `stored events cannot be read: ${[...new Set(locked)].join('; ')}`,
      'Add the key that was used before: docs/operations/encryption.md.',
    )
  if (!keys)
    return warning(
      'PAYLOAD_KEYS is not set: event data is stored in Temporal in the clear',
      'Set it: docs/operations/encryption.md.',
    )
  return ok(`decrypt the latest ${executions.length} events`)
}

async function whyLocked(payload: Payload, keys: PayloadKeys | undefined): Promise<string | undefined> {
  const keyId = payloadKeyId(payload)
  if (keyId === undefined) return undefined
  if (!keys) return `they are encrypted with the key "${keyId}", and PAYLOAD_KEYS is not set`
  try {
    await createPayloadCodec(keys).decode([payload])
    return undefined
  } catch (error) {
    return describe(error)
  }
}
