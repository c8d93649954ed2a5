import proto from '@temporalio/proto'
import { connectTemporal } from '../../src/temporal/connect.ts'
import type { Topology } from './topology.ts'

const { EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT: timedOut } = proto.temporal.api.enums.v1.EventType

/**
 * Returns which of these events have a run of which a workflow task timed out: no worker finished it within ten seconds, and
 * another one began it again, with the first attempts.
 */
export async function findTimedOutTasks(
  { temporalAddress: address, payloadKeys }: Topology,
  eventIds: Iterable<string>,
): Promise<Set<string>> {
  const settings = { address, namespace: 'default', tls: false, payloadKeys }
  const { connection, client } = await connectTemporal(settings)
  const found = new Set<string>()
  try {
    for (const eventId of eventIds)
      for await (const { workflowId, runId } of client.workflow.list({ query: `EventId = '${eventId}'` })) {
        const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory()
        if (events?.some(({ eventType }) => eventType === timedOut)) found.add(eventId)
      }
  } finally {
    await connection.close()
  }
  return found
}
