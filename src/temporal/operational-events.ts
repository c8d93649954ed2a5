import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client'
import type { Environment, Event } from '../domain/event.ts'
import { startEvent, type Starting } from './start-event.ts'

/** What an operational event tells of a destination. */
export interface DestinationNews {
  type: 'destination.disabled' | 'destination.recovered'
  destination: { id: string; tenantId: string; environment: Environment; name: string; channel: string }
  reason: string
  /** When its status changed. */
  at: Date
}

/**
 * Tells a tenant what became of one of its destinations, by an event like any other. Its id is made of what it tells: told
 * again, it is the same event, and is not sent twice.
 */
export async function announce(client: Client, news: DestinationNews, starting: Starting): Promise<void> {
  const { type, destination, reason, at } = news
  const { id, tenantId, environment, name, channel } = destination
  const event: Event = {
    id: `op_${id}_${type.replace('destination.', '')}_${at.getTime()}`,
    tenantId,
    environment,
    type,
    data: { destinationId: id, name, channel, reason, at: at.toISOString() },
    createdAt: new Date().toISOString(),
    operational: true,
  }
  try {
    await startEvent(client, { event }, starting)
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}
