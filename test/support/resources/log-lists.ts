import type { z } from 'zod'
import { routes } from '../../../src/api/app.ts'
import { basePath } from '../../../src/api/http/route.ts'
import { eventually, type Api } from '../stack.ts'

/** What tests of the delivery log's lists share. */
export interface Page<Row> {
  data: Row[]
  nextCursor: string | null
}

export interface DeliveryRow {
  eventId: string
  type: string
  createdAt: string
  test?: boolean
  replayId?: string
  destinationId: string
  channel: string
  status: string
  attempts: number
  responseCode?: number
  lastAttemptAt?: string
  nextAttemptAt?: string
}

export interface EventRow {
  id: string
  type: string
  status: string
  deliveries: { destinationId: string; status: string; nextAttemptAt?: string }[]
}

export type Query = Record<string, string | number | undefined>

export async function readPage<Row>(api: Api, path: string, query: Query = {}): Promise<Page<Row>> {
  const answer = await api.get(path).query(query)
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text}`)
  return answer.body as Page<Row>
}

/** Every page, one after the other; something may happen in between. */
export async function readPages<Row>(
  api: Api,
  path: string,
  query: Query,
  between: (pages: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<Row[]> {
  const rows: Row[] = []
  let cursor: string | undefined
  for (let pages = 1; ; pages++) {
    const page = await readPage<Row>(api, path, { ...query, cursor })
    rows.push(...page.data)
    if (page.nextCursor === null) return rows
    cursor = page.nextCursor
    await between(pages)
  }
}

/** The first page once it is so: Temporal's index takes in what has happened a moment later. */
export function pageWhen<Row>(api: Api, path: string, query: Query, isSo: (rows: Row[]) => boolean) {
  return eventually(
    () => readPage<Row>(api, path, query),
    ({ data }) => isSo(data),
  )
}

export async function makeWebhook(api: Api, url: string, more: object = {}): Promise<string> {
  const subscription = { eventTypes: ['all'] }
  const given = { name: 'Receiver', channel: 'webhook', config: { url }, subscription, ...more }
  return ((await api.post('/destinations', given).expect(201)).body as { id: string }).id
}

/** One after the other, so that their order is known. */
export async function post(api: Api, ids: readonly string[], type = 'aml.match.found'): Promise<void> {
  for (const id of ids) await api.post('/events', { id, type, data: {} }).expect(202)
}

export const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, '0')}`)

/** An answer without what OpenAPI does not describe: it is to be the answer itself. */
export function asDescribed(path: string, body: unknown): unknown {
  const described = routes[basePath]?.find((route) => route.method === 'get' && route.path === path)
  return (described?.replies[200] as z.ZodType).parse(body)
}

export const once = { delivery: { schedule: ['0s'] } }
export const patient = { delivery: { schedule: ['0s', '1h'] } }
/** Waits before it sends anything, until it is asked to retry. */
export const reluctant = { delivery: { schedule: ['1h'] } }
