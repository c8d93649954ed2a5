import { eventually, type Api } from '../stack.ts'

export interface ErasureShown {
  id: string
  eventId: string
  status: 'running' | 'completed'
  reason?: string
  createdAt: string
  completedAt?: string
  runs: number
  digests: number
  archivedLines: number
}

export async function askErasure(api: Api, eventId: string, body: object = {}): Promise<string> {
  const asked = await api.post(`/events/${eventId}/erase`, body).expect(202)
  return (asked.body as { erasureId: string }).erasureId
}

async function readErasure(api: Api, id: string): Promise<ErasureShown> {
  return (await api.get(`/erasures/${id}`).expect(200)).body as ErasureShown
}

export function endedErasure(api: Api, id: string): Promise<ErasureShown> {
  return eventually(
    () => readErasure(api, id),
    ({ status }) => status === 'completed',
    60_000,
  )
}

/** Asks for it, and waits until it is done. */
export async function erase(api: Api, eventId: string, body: object = {}): Promise<ErasureShown> {
  return endedErasure(api, await askErasure(api, eventId, body))
}
