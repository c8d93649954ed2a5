import { allButNews } from '../event.ts'
import { eventually, settledLog, type Api } from '../stack.ts'
import type { Receiver } from '../servers/receiver.ts'

export interface ReplayShown {
  id: string
  status: string
  createdAt: string
  endedAt?: string
  estimatedEndAt?: string
  filter: object
  found: number
  started: number
  skipped: number
  skippedReasons: Record<string, number>
  delivered: number
  failed: number
  digested: number
  unrouted: number
  pending: number
  ratePerSecond: number
}

/** A webhook that is tried once. */
export async function addDestination(api: Api, url: string, subscription: object = allButNews) {
  const delivery = { schedule: ['0s'] }
  const given = { name: 'receiver', channel: 'webhook', config: { url }, subscription, delivery }
  const { body } = await api.post('/destinations', given).expect(201)
  return (body as { id: string }).id
}

export async function postEvent(api: Api, id: string, type = 'aml.match.found') {
  const { body } = await api.post('/events', { id, type, data: { of: id } }).expect(202)
  return body as { id: string; createdAt: string }
}

/** Posts events to a receiver that is down. Fewer than ten at a time, or the destination's circuit opens. */
export async function failEvents(api: Api, ids: readonly string[]): Promise<void> {
  for (const id of ids) await postEvent(api, id)
  for (const id of ids) {
    const { status } = await settledLog(api, id)
    if (status !== 'failed') throw new Error(`the event ${id} is ${status}`)
  }
}

export async function startReplay(api: Api, asked: object): Promise<string> {
  const { body } = await api.post('/replays', asked).expect(202)
  return (body as { id: string }).id
}

export async function readReplay(api: Api, id: string): Promise<ReplayShown> {
  return (await api.get(`/replays/${id}`).expect(200)).body as ReplayShown
}

/** The replay once it is over and what it started has ended. Temporal gives out a task that was lost again after 10 s, and so on. */
export function endedReplay(api: Api, id: string): Promise<ReplayShown> {
  return eventually(
    () => readReplay(api, id),
    ({ status, started, delivered, failed, digested, unrouted }) =>
      status !== 'running' && status !== 'paused' && delivered + failed + digested + unrouted === started,
    60_000,
  )
}

/** What arrived after the first so many requests, as `event>path`, in alphabetical order: starts are side by side. */
export function arrivals({ received }: Receiver, after = 0): string[] {
  return received
    .slice(after)
    .map(({ headers, path }) => `${String(headers['webhook-id'])}>${path}`)
    .sort()
}
