import type { Client } from '@temporalio/client'
import type { Event } from '../domain/event.ts'
import type { News } from '../domain/operational.ts'
import { startEventOnce, type StartOptions } from './start-event.ts'

/** News as an event like any other. Told again, it has the same id. */
export function toEvent({ name, ...rest }: News): Event {
  return { id: `op_${name}`, ...rest, createdAt: new Date().toISOString(), operational: true }
}

/** Emits an operational event once, however often it is called. */
export async function emitOperationalEvent(
  client: Client,
  news: News,
  starting: StartOptions,
): Promise<void> {
  await startEventOnce(client, { event: toEvent(news) }, starting)
}
