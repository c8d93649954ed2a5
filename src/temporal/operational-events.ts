import type { Client } from '@temporalio/client'
import type { Event } from '../domain/event.ts'
import { confirmationNews, type News, type Owner, type Subject } from '../domain/operational.ts'
import { startEventOnce, type Starting } from './start-event.ts'

/** Returns the event that carries the news. The same news always has the same event id. */
export function operationalEvent({ name, ...rest }: News): Event {
  return { id: `op_${name}`, ...rest, createdAt: new Date().toISOString(), operational: true }
}

/** Starts the event that tells a tenant its news. A repeated call does nothing, as the event has the same id. */
export async function announce(client: Client, news: News, starting: Starting): Promise<void> {
  await startEventOnce(client, { event: operationalEvent(news) }, starting)
}

/** Starts the event that asks a recipient to confirm. Returns when it was asked, which is to be stored. */
export async function askToConfirm(
  client: Client,
  destination: Subject & Owner,
  { address, statusAt, askedAt }: { address: string; statusAt: Date; askedAt?: Date },
  starting: Starting,
): Promise<Date> {
  const at = new Date()
  await announce(client, confirmationNews(destination, { address, after: askedAt ?? statusAt, at }), starting)
  return at
}
