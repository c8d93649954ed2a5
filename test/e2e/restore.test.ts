import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { erase } from '../support/resources/erasures.ts'
import { fact, freshEnvironment } from '../support/run/fresh-environment.ts'
import { run, type Program } from '../support/program.ts'
import { ok, status } from '../support/servers/receiver.ts'
import {
  closedLog,
  makeRule,
  makeWebhook,
  post,
  stepWaits,
  type Webhook,
} from '../support/workflows/rules.ts'
import { apiAt, eventually, waitingLog, type Api } from '../support/stack.ts'

type Env = Record<string, string>

/** `npm start` on this data. */
async function start(env: Env): Promise<{ program: Program; url: string; platformKey: string }> {
  const program = run('src/main.ts', env)
  const ready = await program.line('ready')
  return { program, url: fact(ready, 'api'), platformKey: fact(ready, 'platform-key') }
}

async function stop(program: Program): Promise<void> {
  program.kill('SIGTERM')
  expect(await program.exited).toBe(0)
}

/** The documented command. Returns the backup's folder. */
async function backUp(env: Env, name: string): Promise<string> {
  const to = join(env.HOME ?? '', name)
  const command = run('src/cli/backup.ts', env, ['--to', to])
  expect(await command.exited, command.output()).toBe(0)
  return to
}

/** The documented steps of a restore: copy the backup, and start there. */
function restore(env: Env, backup: string, name = 'restored'): Env {
  const dataDir = join(env.HOME ?? '', name)
  execFileSync('cp', ['-a', backup, dataDir])
  return { ...env, DATA_DIR: dataDir }
}

async function makeOwner(url: string, platformKey: string): Promise<{ id: string; key: string }> {
  const platform = apiAt(url, platformKey)
  const limits = { apiPerMinute: 10_000, apiBurst: 10_000, ingestPerSecond: 1_000 }
  const tenant = await platform.post('/tenants', { name: 'Acme', limits }).expect(201)
  const { id } = tenant.body as { id: string }
  const made = await platform.post(`/tenants/${id}/keys`, { environment: 'sandbox' }).expect(201)
  return { id, key: (made.body as { key: string }).key }
}

/** A data folder with the PostgreSQL of one backup and the Temporal of another. */
function restoreSkewed(env: Env, backups: { postgres: string; temporal: string }, name: string): Env {
  const restored = restore(env, backups.temporal, name)
  rmSync(join(restored.DATA_DIR ?? '', 'postgres'), { recursive: true })
  execFileSync('cp', ['-a', join(backups.postgres, 'postgres'), join(restored.DATA_DIR ?? '', 'postgres')])
  return restored
}

const idsAt = ({ receiver }: Webhook) => receiver.received.map(({ headers }) => String(headers['webhook-id']))

it(
  'a backup of a running npm start goes on in an empty folder: nothing waiting is lost, nothing delivered is repeated',
  { timeout: 400_000 },
  async () => {
    const env = await freshEnvironment()
    const original = await start(env)
    const { key } = await makeOwner(original.url, original.platformKey)
    const api = apiAt(original.url, key)
    const waits = { schedule: ['0s', '12s', '1h'] }
    const [done, down, ordered, oncall, head, later, digested] = [
      await makeWebhook(api, ok, waits, ['done.*']),
      await makeWebhook(api, status(503), waits, ['down.*']),
      await makeWebhook(api, status(503), { ...waits, ordering: { by: 'data.customer' } }, ['ordered.*']),
      await makeWebhook(api),
      await makeWebhook(api),
      await makeWebhook(api),
      await makeWebhook(api),
    ]
    await makeRule(api, escalation(oncall, head))
    await makeRule(api, {
      when: { events: ['later.*'] },
      steps: [{ delay: '20s' }, { deliver: { to: [later.id] } }],
    })
    await makeRule(api, {
      when: { events: ['digest.*'] },
      digest: { window: '12s', max: 100 },
      steps: [{ deliver: { to: [digested.id] } }],
    })

    // Delivered before the backup.
    const arrived = [await post(api, { type: 'done.one' }), await post(api, { type: 'done.two' })]
    for (const id of arrived) expect(await closedLog(api, id)).toMatchObject({ status: 'delivered' })
    // Waiting at the backup.
    const pending = await post(api, { type: 'down.one' })
    const queue = [
      await post(api, { type: 'ordered.one', data: { customer: 1 } }),
      await post(api, { type: 'ordered.two', data: { customer: 1 } }),
      await post(api, { type: 'ordered.three', data: { customer: 1 } }),
    ]
    const escalated = await post(api, { type: 'aml.match.found' })
    const delayed = await post(api, { type: 'later.one' })
    const members = [await post(api, { type: 'digest.one' }), await post(api, { type: 'digest.two' })]
    await waitingLog(api, pending)
    await waitingLog(api, queue[0] ?? '')
    const { steps: waiting = [] } = await stepWaits(api, escalated, 'awaitAck')
    await stepWaits(api, delayed, 'delay')
    for (const id of members) await stepWaits(api, id, 'digest')

    const backup = await backUp(env, 'backup')

    // Delivered between the backup and the stop.
    down.receiver.answer(ok)
    await api.post(`/events/${pending}/retry`).expect(202)
    await closedLog(api, pending)
    const unknown = await post(api, { id: 'after-the-backup', type: 'done.three' })
    await closedLog(api, unknown)
    for (const id of members) await closedLog(api, id, 60_000)
    await eventually(
      () => Promise.resolve(idsAt(digested)),
      ({ length }) => length === 1,
    )
    const [digest] = idsAt(digested)
    await stop(original.program)

    for (const { receiver } of [done, down, ordered, oncall, head, later, digested])
      receiver.received.splice(0)
    ordered.receiver.answer(ok)
    const restored = await start(restore(env, backup))
    // The platform's key is there, and is not shown again.
    expect(restored.platformKey).toBe('')
    const again = apiAt(restored.url, key)

    expect(await closedLog(again, pending, 60_000)).toMatchObject({ status: 'delivered' })
    for (const id of queue) expect(await closedLog(again, id, 60_000)).toMatchObject({ status: 'delivered' })
    expect(await closedLog(again, delayed, 60_000)).toMatchObject({ status: 'delivered' })
    const log = await closedLog(again, escalated, 60_000)
    expect(log.steps?.find(({ kind }) => kind === 'awaitAck')).toMatchObject({
      status: 'done',
      reason: 'not acknowledged within 20s',
    })
    const { until } = waiting.find(({ kind }) => kind === 'awaitAck') ?? {}
    const attempts = log.deliveries.flatMap((delivery) => delivery.attempts)
    expect(Date.parse(attempts.at(-1)?.at ?? '')).toBeGreaterThanOrEqual(Date.parse(until ?? ''))
    for (const id of members) expect(await closedLog(again, id, 60_000)).toMatchObject({ status: 'digested' })
    await eventually(
      () => Promise.resolve(idsAt(digested)),
      ({ length }) => length > 0,
    )

    // What the receivers saw after the restore.
    expect(idsAt(down)).toEqual([pending])
    expect(idsAt(ordered)).toEqual(queue)
    expect([idsAt(oncall), idsAt(head)]).toEqual([[], [escalated]])
    expect(idsAt(later)).toEqual([delayed])
    const { data } = JSON.parse(digested.receiver.received[0]?.body ?? '') as {
      data: { events: { id: string }[] }
    }
    expect(data.events.map(({ id }) => id).sort()).toEqual(members.sort())
    expect(idsAt(digested)).toEqual([digest])
    expect(idsAt(done)).toEqual([])

    // Events that were accepted after the backup are unknown: posting all since then again repairs it.
    await again.get(`/events/${unknown}`).expect(404)
    const known = await again.post('/events', { id: arrived[0], type: 'done.one', data: {} }).expect(200)
    expect(known.body).toMatchObject({ duplicate: true })
    await post(again, { id: unknown, type: 'done.three' })
    expect(await closedLog(again, unknown)).toMatchObject({ status: 'delivered' })
    expect(idsAt(done)).toEqual([unknown])

    await stop(restored.program)
  },
)

const escalation = (oncall: Webhook, head: Webhook) => ({
  steps: [
    { deliver: { to: [oncall.id] } },
    { awaitAck: { within: '20s', otherwise: [{ deliver: { to: [head.id] } }] } },
  ],
})

it(
  'backups of PostgreSQL and Temporal from different moments: nothing wedges, and what belongs together ends',
  { timeout: 400_000 },
  async () => {
    const env = await freshEnvironment()
    const original = await start(env)
    const platform = apiAt(original.url, original.platformKey)
    const [tenant, leaving] = [
      await makeOwner(original.url, original.platformKey),
      await makeOwner(original.url, original.platformKey),
    ]
    const [api, theirs] = [apiAt(original.url, tenant.key), apiAt(original.url, leaving.key)]
    const waits = { schedule: ['0s', '1h'] }
    const [kept, removed, paced, gone] = [
      await makeWebhook(api, status(503), waits, ['kept.*']),
      await makeWebhook(api, status(503), waits, ['removed.*']),
      await makeWebhook(api, ok, { maxPerSecond: 5 }, ['paced.*']),
      await makeWebhook(theirs, status(503), waits, ['gone.*']),
    ]
    await makeRule(api, {
      when: { events: ['once.*'] },
      dedupe: { by: 'data.case', within: '1h' },
      steps: [{ deliver: { to: [paced.id] } }],
    })
    const atKept = await post(api, { type: 'kept.one' })
    const atRemoved = await post(api, { type: 'removed.one' })
    const erased = await post(api, { type: 'kept.two', data: { name: 'Jane' } })
    const atGone = await post(theirs, { type: 'gone.one' })
    for (const id of [atKept, atRemoved, erased]) await waitingLog(api, id)
    await waitingLog(theirs, atGone)
    const earlier = await backUp(env, 'earlier')

    const fresh = await makeWebhook(api, status(503), waits, ['fresh.*'])
    const atFresh = await post(api, { type: 'fresh.one' })
    await waitingLog(api, atFresh)
    await makeRule(api, {
      when: { events: ['escalated.*'] },
      steps: [{ awaitAck: { within: '1h', otherwise: [{ deliver: { to: [fresh.id] } }] } }],
    })
    const escalated = await post(api, { type: 'escalated.one' })
    await stepWaits(api, escalated, 'awaitAck')
    const pacedIds = await Promise.all(Array.from({ length: 6 }, () => post(api, { type: 'paced.one' })))
    const once = await post(api, { type: 'once.one', data: { case: 7 } })
    for (const id of [...pacedIds, once]) await closedLog(api, id)
    await api.delete(`/destinations/${removed.id}`).expect(204)
    await erase(api, erased)
    const { deletionId } = (
      await platform.delete(`/tenants/${leaving.id}`).send({ confirm: 'Acme' }).expect(202)
    ).body as { deletionId: string }
    await untilDeleted(platform, deletionId)
    const later = await backUp(env, 'later')
    await stop(original.program)
    for (const { receiver } of [kept, removed, paced, gone, fresh]) {
      receiver.received.splice(0)
      receiver.answer(ok)
    }

    // PostgreSQL is older: it lacks what was created since.
    const older = await start(restoreSkewed(env, { postgres: earlier, temporal: later }, 'older'))
    const before = apiAt(older.url, tenant.key)
    for (const id of [atKept, atFresh]) await before.post(`/events/${id}/retry`).expect(202)
    expect(await closedLog(before, atKept)).toMatchObject({ status: 'delivered' })
    expect(await closedLog(before, atFresh)).toMatchObject({
      deliveries: [{ status: 'skipped', reason: 'the destination was deleted' }],
    })
    await before.post(`/events/${escalated}/ack`, { by: 'Ada' }).expect(200)
    expect(await closedLog(before, escalated)).toMatchObject({ acknowledgement: { by: 'Ada' } })
    await expectPace(before, paced)
    // The deleted tenant is back, without its events.
    await apiAt(older.url, leaving.key).get('/destinations').expect(200)
    await apiAt(older.url, leaving.key).get(`/events/${atGone}`).expect(404)
    await stop(older.program)

    // PostgreSQL is newer: it has what Temporal has not yet seen.
    for (const { receiver } of [kept, paced]) receiver.received.splice(0)
    const newer = await start(restoreSkewed(env, { postgres: later, temporal: earlier }, 'newer'))
    const after = apiAt(newer.url, tenant.key)
    for (const id of [atKept, atRemoved]) await after.post(`/events/${id}/retry`).expect(202)
    expect(await closedLog(after, atKept)).toMatchObject({ status: 'delivered' })
    expect(await closedLog(after, atRemoved)).toMatchObject({
      deliveries: [{ status: 'skipped', reason: 'the destination was deleted' }],
    })
    await expectPace(after, paced)
    // The platform posts again what it had posted: a rule that had let the event pass lets it pass again.
    await post(after, { id: once, type: 'once.one', data: { case: 7 } })
    expect(await closedLog(after, once)).toMatchObject({ status: 'delivered' })
    // What was erased is back, and is erased by asking again.
    await after
      .get(`/events/${erased}`)
      .expect(({ body }) => expect(body).toMatchObject({ data: { name: 'Jane' } }))
    expect(await erase(after, erased)).toMatchObject({ status: 'completed', runs: 1 })
    await after.get(`/events/${erased}`).expect(({ body }) => expect(body).toMatchObject({ data: null }))
    // And so is what a deleted tenant had.
    const operator = apiAt(newer.url, original.platformKey)
    expect((await readDeletion(operator, deletionId)).left).toBeGreaterThan(0)
    await operator.delete(`/tenants/${leaving.id}`).send({ confirm: 'Acme' }).expect(202)
    await untilDeleted(operator, deletionId)
    expect(gone.receiver.received).toEqual([])
    await stop(newer.program)
  },
)

/** Events at the destination arrive, whatever reservations its pace has or lacks. */
async function expectPace(api: Api, paced: Webhook): Promise<void> {
  const ids = await Promise.all(Array.from({ length: 5 }, () => post(api, { type: 'paced.two' })))
  for (const id of ids) expect(await closedLog(api, id)).toMatchObject({ status: 'delivered' })
  expect(idsAt(paced).sort()).toEqual(ids.sort())
}

interface Deletion {
  status: string
  left: number
}

async function readDeletion(platform: Api, id: string): Promise<Deletion> {
  return (await platform.get(`/tenant-deletions/${id}`).expect(200)).body as Deletion
}

function untilDeleted(platform: Api, id: string): Promise<Deletion> {
  return eventually(
    () => readDeletion(platform, id),
    ({ status, left }) => status === 'completed' && left === 0,
    60_000,
  )
}
