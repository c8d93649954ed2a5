import { setTimeout as sleep } from 'node:timers/promises'
import type { UpgradeReceiver } from './receiver.ts'

export interface Log {
  status: string
  stuck?: object
  deliveries: { status: string }[]
}

/** A tenant, as both versions' APIs know it. */
export interface Caller {
  /** `base` is the API's URL. Waits and repeats where the API says so, or cannot be reached. */
  send: <Answer>(base: string, path: string, body?: object) => Promise<Answer>
}

const triesAtMost = 120

export function createCaller(key: string): Caller {
  return {
    async send<Answer>(base: string, path: string, body?: object): Promise<Answer> {
      for (let tries = 1; ; tries++) {
        const response = await request(`${base}/api/v1${path}`, key, body).catch(() => undefined)
        if (response?.ok) return (await response.json()) as Answer
        const later = !response || [429, 503].includes(response.status)
        if (!later || tries > triesAtMost)
          throw new Error(
            `${path}: ${response ? `${response.status} ${await response.text()}` : 'no answer'}`,
          )
        await sleep(500)
      }
    },
  }
}

function request(url: string, key: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(url, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers })
}

/** Creates a tenant whose limits are in nobody's way. */
export async function makeCaller(base: string, platformKey: string): Promise<Caller> {
  const platform = createCaller(platformKey)
  const limits = { apiPerMinute: 100_000, apiBurst: 100_000, ingestPerSecond: 10_000 }
  const { id } = await platform.send<{ id: string }>(base, '/tenants', { name: 'Upgrade', limits })
  const { key } = await platform.send<{ key: string }>(base, `/tenants/${id}/keys`, {
    environment: 'sandbox',
  })
  return createCaller(key)
}

/** The durations of the rules' waits, as the API takes them. */
export interface Waits {
  escalate: string
  delay: string
  digest: string
}

/**
 * Destinations and rules by the first part of an event's type: `plain`, `down` (fails until the receiver recovers), `ordered`,
 * `escalated`, `delayed` and `digested`.
 */
export async function makeSettings(
  { send }: Caller,
  base: string,
  receiver: UpgradeReceiver,
  waits: Waits,
): Promise<void> {
  const destination = async (path: string, types: string[], delivery: object = {}) => {
    const body = {
      name: path,
      channel: 'webhook',
      config: { url: receiver.url(path) },
      subscription: { eventTypes: types },
      delivery,
    }
    return (await send<{ id: string }>(base, '/destinations', body)).id
  }
  const rule = (type: string, more: object) =>
    send(base, '/rules', { name: type, when: { events: [`${type}.*`] }, ...more })
  const retried = { schedule: ['0s', '5s', '10s', '30s', '1m', '5m', '5m', '5m'] }
  const ordering = { by: 'data.key' }
  await destination('/plain', ['plain.*'])
  await destination('/down', ['down.*'], retried)
  await destination('/down-ordered', ['ordered.*'], { ...retried, ordering })
  const [first, escalated, delayed, digested] = [
    await destination('/first', ['only.rules']),
    await destination('/escalated', ['only.rules']),
    await destination('/delayed', ['only.rules']),
    await destination('/digested', ['only.rules']),
  ]
  const wait = { awaitAck: { within: waits.escalate, otherwise: [{ deliver: { to: [escalated] } }] } }
  await rule('escalated', { steps: [{ deliver: { to: [first] } }, wait] })
  await rule('delayed', { steps: [{ delay: waits.delay }, { deliver: { to: [delayed] } }] })
  const digest = { window: waits.digest, max: 100 }
  await rule('digested', { digest, steps: [{ deliver: { to: [digested] } }] })
}

const kinds = ['plain', 'down', 'ordered', 'escalated', 'delayed', 'digested'] as const

/** Posts one event of each kind, and returns their ids. */
export async function postEach({ send }: Caller, base: string, round: number): Promise<string[]> {
  const ids: string[] = []
  for (const kind of kinds) {
    const event = { id: `${kind}-${round}`, type: `${kind}.happened`, data: { key: 'one', round } }
    ids.push((await send<{ id: string }>(base, '/events', event)).id)
  }
  return ids
}

/** Where an event must have arrived. Members of a digest arrive inside of it. */
const paths: Record<(typeof kinds)[number], string[]> = {
  plain: ['/plain'],
  down: ['/down'],
  ordered: ['/down-ordered'],
  escalated: ['/first', '/escalated'],
  delayed: ['/delayed'],
  digested: ['/digested'],
}

export interface Ledger {
  expected: number
  missing: string[]
  /** Arrivals beyond the first of an event at a path. */
  repeated: string[]
  disordered: string[]
}

/** Compares what must have arrived with what has. */
export function compare(ids: readonly string[], { arrivals }: UpgradeReceiver): Ledger {
  const seen = new Map<string, number>()
  for (const { path, id, body } of arrivals)
    for (const one of path === '/digested' ? listMembers(body) : [id])
      seen.set(`${one} ${path}`, (seen.get(`${one} ${path}`) ?? 0) + 1)
  const expected = ids.flatMap((id) =>
    paths[id.split('-')[0] as (typeof kinds)[number]].map((path) => `${id} ${path}`),
  )
  const repeated = [...seen].filter(([, count]) => count > 1).map(([what, count]) => `${what} ×${count}`)
  const missing = expected.filter((what) => !seen.has(what))
  return { expected: expected.length, missing, repeated, disordered: listDisordered(ids, arrivals) }
}

function listMembers(body: string): string[] {
  return (JSON.parse(body) as { data: { events: { id: string }[] } }).data.events.map(({ id }) => id)
}

/** First arrivals at the ordered destination that came before the one of an earlier event. */
function listDisordered(ids: readonly string[], arrivals: UpgradeReceiver['arrivals']): string[] {
  const wanted = ids.filter((id) => id.startsWith('ordered-'))
  const got = new Set(arrivals.filter(({ path }) => path === '/down-ordered').map(({ id }) => id))
  return [...got].filter((id, index) => wanted.indexOf(id) < index)
}
