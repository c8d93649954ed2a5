import { channels } from '../../../src/channels/index.ts'
import { toWebhookId } from '../../../src/api/compat/webhooks-api/ids.ts'
import { configFor } from '../channel-configs.ts'
import { callOf, everyRoute, requestLine, type Call } from './every-route.ts'
import type { Sender } from '../sender.ts'
import { isPlatforms } from './route-table.ts'
import { eventually, settledLog, type Stack } from '../stack.ts'
import { messageParts, type World } from '../things.ts'

/** A world whose things others reach for, with a call of every route about them. */
export interface Victim extends World {
  key: string
  calls: ReadonlyMap<string, Call>
}

/** Gives the world something of every kind besides what the calls are about, and makes those calls without sending them. */
export async function makeVictim(world: World & { key: string }): Promise<Victim> {
  // It takes its time, and must be over before anything is compared.
  const erasure = await callsOf(world, ['GET /api/v1/erasures/:id'])
  await addChannels(world)
  await addEvents(world)
  const others = Object.keys(everyRoute).filter((name) => !erasure.has(name))
  return { ...world, calls: new Map([...erasure, ...(await callsOf(world, others))]) }
}

export async function callsOf(world: World, names: readonly string[]): Promise<Map<string, Call>> {
  const calls = new Map<string, Call>()
  for (const name of names) calls.set(name, await callOf(name, world))
  return calls
}

async function addChannels({ api, mark, receiverUrl }: World): Promise<void> {
  const subscription = { eventTypes: ['told.to.all'] }
  for (const channel of channels) {
    const config = configFor(channel, receiverUrl, `${mark.toLowerCase()}@example.com`)
    // The receiver's answer is not what every channel takes for a delivery: those fail at once.
    const delivery = { schedule: ['0s'] }
    const given = { name: `${mark} ${channel.name}`, channel: channel.name, config, subscription, delivery }
    await api.post('/destinations', given).expect(201)
  }
  const template = { name: `${mark} default`, eventTypes: ['told.to.all'], parts: messageParts(mark) }
  await api.post('/templates', template).expect(201)
}

/** Events that were delivered, failed and digested, and one that was replayed. */
async function addEvents({ api, mark, receiverUrl }: World): Promise<void> {
  const delivery = { schedule: ['0s'] }
  const closed = { url: receiverUrl.replace(/:\d+/, ':1') }
  const subscription = { eventTypes: ['fails.at.once'] }
  const failing = { name: `${mark} failing`, channel: 'webhook', config: closed, subscription, delivery }
  await api.post('/destinations', failing).expect(201)
  const steps = [{ digest: { window: '1s' } }, { stop: `${mark} digest` }]
  await api.post('/rules', { name: `${mark} digest`, when: { events: ['is.digested'] }, steps }).expect(201)
  const ids: string[] = []
  for (const type of ['told.to.all', 'fails.at.once', 'is.digested']) {
    const { body } = await api.post('/events', { type, data: { name: mark } }).expect(202)
    ids.push((body as { id: string }).id)
  }
  for (const id of ids) await settledLog(api, id)
  await api.post(`/events/${ids[0]}/replay`).expect(202)
}

/** What a victim can see of itself, and what the database and Temporal hold of it, by where it stands. */
export type Snapshot = Record<string, string>

interface Places {
  stack: Stack
  sender: Sender
}

/** Taken once nothing moves any more: lists are a moment behind what happens. */
export async function settledSnapshot(places: Places, victim: Victim): Promise<Snapshot> {
  let last = ''
  return eventually(
    () => takeSnapshot(places, victim),
    (snapshot) => {
      const before = last
      last = JSON.stringify(snapshot)
      return last === before && !/"completedAt":null/.test(snapshot['table Erasure'] ?? '')
    },
    60_000,
  )
}

async function takeSnapshot({ stack, sender }: Places, victim: Victim): Promise<Snapshot> {
  const [answers, rows, runs] = await Promise.all([
    readAnswers(sender, victim),
    readRows(stack, victim),
    readRuns(stack, victim),
  ])
  return { ...answers, ...rows, ...runs }
}

/** The answers of all routes that only read. */
async function readAnswers(sender: Sender, { key, calls }: Victim): Promise<Snapshot> {
  const snapshot: Snapshot = {}
  for (const [name, call] of calls) {
    if (!name.startsWith('GET ') || isPlatforms(name)) continue
    const { method, path: target } = requestLine(name, call)
    const headers = { authorization: `Bearer ${key}` }
    const { status, text } = await sender.send({ method, target, headers, body: undefined })
    if (status !== 200) throw new Error(`${name} answers ${status} to whoever it belongs to: ${text}`)
    snapshot[name] = withoutUse(text)
  }
  return snapshot
}

/** When a key was last used moves with every look. */
function withoutUse(text: string): string {
  return text.replace(/,?"lastUsedAt":\s?("[^"]*"|null)/g, '')
}

/** All rows of all tables that say whose they are, and in which environment. */
async function readRows({ db }: Stack, { tenantId, environment }: Victim): Promise<Snapshot> {
  const tables = await db.$queryRaw<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.columns
    WHERE table_schema = current_schema() AND column_name IN ('tenantId', 'environment')
    GROUP BY table_name HAVING count(*) = 2 ORDER BY 1`
  const snapshot: Snapshot = {}
  for (const { name } of tables) {
    const rows = await db.$queryRawUnsafe<{ row: unknown }[]>(
      `SELECT to_jsonb(t) AS row FROM "${name}" t WHERE "tenantId" = $1 AND "environment" = $2 ORDER BY to_jsonb(t)::text`,
      tenantId,
      environment,
    )
    snapshot[`table ${name}`] = withoutUse(JSON.stringify(rows.map(({ row }) => row)))
  }
  return snapshot
}

/** The state of every workflow, with the length of its history: a signal makes it longer. */
async function readRuns({ temporal }: Stack, { tenantId, environment }: Victim): Promise<Snapshot> {
  const runs: string[] = []
  const query = `TenantId = '${tenantId}' AND Environment = '${environment}'`
  for await (const { workflowId } of temporal.workflow.list({ query })) {
    const { status, historyLength } = await temporal.workflow.getHandle(workflowId).describe()
    runs.push(`${workflowId} ${status.name} ${historyLength}`)
  }
  return { workflows: runs.sort().join('\n') }
}

/** The ids of all that is kept of the victim; a webhook’s is a destination’s in another spelling. */
export function idsIn(snapshot: Snapshot): string[] {
  const kept = Object.entries(snapshot).filter(([name]) => !name.startsWith('GET '))
  const found = kept.flatMap(([, text]) => text.match(/\b[a-z]{2,6}_[0-9a-z]{20,}\b/g) ?? [])
  const ids = [...new Set(found)]
  return [...ids, ...ids.filter((id) => id.startsWith('dst_')).map(toWebhookId)]
}
