import type { Client } from '@temporalio/client'
import type { Event } from '../domain/event.ts'
import { confirmationNews, type News, type Owner, type Subject } from '../domain/operational.ts'
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

/** Starts the event that asks a recipient to confirm. Returns when it was asked, which is to be stored. */
export async function askToConfirm(
  client: Client,
  destination: Subject & Owner,
  { address, statusAt, askedAt }: { address: string; statusAt: Date; askedAt?: Date },
  options: StartOptions,
): Promise<Date> {
  const at = new Date()
  const news = confirmationNews(destination, { address, after: askedAt ?? statusAt, at })
  await emitOperationalEvent(client, news, options)
  return at
}
