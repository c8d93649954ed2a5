import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolderArchive } from '../../../src/archive/folder.ts'
import { toDay } from '../../../src/domain/days.ts'
import {
  escalatedEvent,
  readAcknowledgedLog,
  tenantWhoEscalates,
} from '../../support/workflows/acknowledge.ts'
import { endedErasure, askErasure, erase } from '../../support/resources/erasures.ts'
import { ok, startReceiver, status, type Respond } from '../../support/servers/receiver.ts'
import { endedReplay, startReplay } from '../../support/workflows/replays.ts'
import {
  forgetExecutions,
  makeDestination,
  readStats,
  rollUp,
  statsOnce,
} from '../../support/resources/roll-up.ts'
import { closedLog, makeRule, makeWebhook, post, stepWaits } from '../../support/workflows/rules.ts'
import {
  eventually,
  listedEvents,
  makeKey,
  makeTenant,
  readLog,
  settledLog,
  startStack,
  untilTestEnds,
  waitingLog,
  type Api,
  type EventLog,
  type Stack,
} from '../../support/stack.ts'
import { tracesInFiles, tracesInTemporal } from '../../support/workflows/traces.ts'

const today = toDay(new Date())

let root: string
let stack: Stack
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchyard-erasure-test-'))
  stack = await startStack({ archive: createFolderArchive(root) })
})
afterAll(async () => {
  await stack.stop()
  await rm(root, { recursive: true, force: true })
})

/** A receiver that answers with what it was sent. */
const echo: Respond = (response, { body }) => void response.writeHead(200).end(body)

async function traces(canary: string): Promise<string[]> {
  return [...(await tracesInTemporal(stack, canary)), ...(await tracesInFiles(root, canary))]
}

type ErasedLog = EventLog & { erased?: { at: string; erasureId: string } }

function replayed(api: Api, id: string): Promise<EventLog> {
  return eventually(
    () => readLog(api, id),
    ({ replays }) => replays.length > 0 && replays.every((replay) => replay.status !== 'pending'),
  )
}

describe('an event that is erased', () => {
  it('keeps who acknowledged it after its end, without the note', async () => {
    const tenant = await tenantWhoEscalates(stack)
    const id = await escalatedEvent(tenant)
    const canary = `canary-${Date.now()}-late`
    await tenant.api.post(`/events/${id}/ack`, { by: 'Ann', note: canary }).expect(200)
    expect(await traces(canary)).toHaveLength(1)
    expect(await erase(tenant.api, id)).toMatchObject({ runs: 1 })
    expect(await traces(canary)).toEqual([])
    const { acknowledgement } = await readAcknowledgedLog(tenant.api, id)
    expect(acknowledgement).toMatchObject({ by: 'Ann', via: 'api' })
    expect(acknowledgement).not.toHaveProperty('note')
    const [listed] = (await listedEvents(tenant.api)) as { acknowledgedAt?: string }[]
    expect(listed?.acknowledgedAt).toBe(acknowledgement?.at)
    await tenant.api.post(`/events/${id}/ack`).expect(409)
  }, 120_000)

  it('leaves no trace of what it held in Temporal or in the archive, and its record stays', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(echo))
    const destination = await makeDestination(api, receiver)
    const canary = `canary-${Date.now()}-whole`
    const data = { name: canary, nested: [{ again: canary }] }
    await api.post('/events', { id: 'one', type: 'aml.match.found', data }).expect(202)
    await api.post('/events', { id: 'other', type: 'aml.match.found', data: { n: 1 } }).expect(202)
    const before = await settledLog(api, 'one')
    await api.post('/events/one/replay').expect(202)
    const { replays } = await replayed(api, 'one')
    await statsOnce(api, destination, { total: 3, succeeded: 3 })
    await rollUp(stack, [today])
    const held = await traces(canary)
    expect(held.filter((where) => where.includes('/one'))).toHaveLength(2)
    expect(held.filter((where) => where.endsWith('.jsonl'))).toHaveLength(1)

    const erased = await erase(api, 'one', { reason: 'request 17' })
    expect(erased).toMatchObject({
      status: 'completed',
      runs: 2,
      archivedLines: 2,
      digests: 0,
      reason: 'request 17',
    })
    expect(await traces(canary)).toEqual([])

    const log: ErasedLog = await readLog(api, 'one')
    expect(log).toMatchObject({
      data: null,
      status: 'delivered',
      erased: { erasureId: erased.id, at: erased.createdAt },
      routing: before.routing,
    })
    const facts = ({ deliveries }: Pick<EventLog, 'deliveries'>) =>
      deliveries.map(({ attempts, ...delivery }) => ({
        ...delivery,
        attempts: attempts.map(({ number, at, outcome, responseCode, durationMs }) => ({
          number,
          at,
          outcome,
          responseCode,
          durationMs,
        })),
      }))
    expect(facts(log)).toEqual(facts(before))
    expect(log.deliveries[0]?.attempts[0]).toMatchObject({ responseCode: 200 })
    expect(log.deliveries[0]?.attempts[0]).not.toHaveProperty('responseExcerpt')
    const shown = (all: EventLog[]) => all.map((replay) => ({ ...replay, deliveries: facts(replay) }))
    expect(shown(log.replays)).toEqual(shown(replays))
    const lines = []
    for await (const line of createFolderArchive(root).read(await placeOf(api))) lines.push(line)
    expect(lines.filter(({ event }) => event.id === 'one')).toMatchObject([
      { erased: { erasureId: erased.id }, timeline: { status: 'delivered' } },
      {
        erased: { erasureId: erased.id },
        timeline: { status: 'delivered' },
        replayId: expect.any(String) as string,
      },
    ])
    expect(lines.find(({ event }) => event.id === 'other')?.event.data).toEqual({ n: 1 })
    // Counted once: in the day that is rolled up already, and again when it is counted anew.
    const stats = await readStats(api, destination)
    expect(stats).toMatchObject({ total: 3, succeeded: 3, failed: 0 })
    await rollUp(stack, [today])
    expect(await readStats(api, destination)).toEqual(stats)
    expect(await traces(canary)).toEqual([])
  }, 120_000)

  async function placeOf(api: Api) {
    const { body } = await api.get('/audit').expect(200)
    const [{ id = '' } = {}] = (body as { data: { id?: string }[] }).data
    const { tenantId } = await stack.db.auditEntry.findUniqueOrThrow({ where: { id } })
    return { tenantId: tenantId ?? '', environment: 'sandbox' as const, day: today }
  }

  it('is counted once where its day is rolled up later, by its stand-in, and archived as a record', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(echo))
    const destination = await makeDestination(api, receiver)
    const canary = `canary-${Date.now()}-later`
    await api.post('/events', { id: 'one', type: 'aml.match.found', data: { name: canary } }).expect(202)
    await settledLog(api, 'one')
    const live = await statsOnce(api, destination, { total: 1, succeeded: 1 })
    await erase(api, 'one')
    expect(await readStats(api, destination)).toMatchObject({
      total: 1,
      succeeded: 1,
      lastAttemptAt: live.lastAttemptAt,
    })
    await rollUp(stack, [today])
    expect(await readStats(api, destination)).toEqual(live)
    expect(await traces(canary)).toEqual([])
    const lines = []
    for await (const line of createFolderArchive(root).read({ tenantId, environment: 'sandbox', day: today }))
      lines.push(line)
    expect(lines).toMatchObject([{ event: { id: 'one' }, erased: {}, timeline: { status: 'delivered' } }])
  }, 120_000)

  it('is ended before, is not sent again, replayed, retried, acknowledged or accepted under its id', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    await makeDestination(api, receiver, ['0s', '1h'])
    const canary = `canary-${Date.now()}-waits`
    const event = { id: 'waits', type: 'aml.match.found', data: { name: canary } }
    await api.post('/events', event).expect(202)
    await waitingLog(api, 'waits')
    await erase(api, 'waits')
    expect(await traces(canary)).toEqual([])
    expect(await readLog(api, 'waits')).toMatchObject({
      data: null,
      deliveries: [{ status: 'skipped', reason: 'cancelled on request', attempts: [{ responseCode: 500 }] }],
    })
    for (const action of ['replay', 'retry', 'ack', 'cancel'])
      expect((await api.post(`/events/waits/${action}`).expect(409)).body).toMatchObject({ code: 'erased' })
    expect((await api.post('/events', event).expect(409)).body).toMatchObject({ code: 'erased' })
    const [listed] = await listedEvents(api)
    expect(listed).toMatchObject({ id: 'waits', erasedAt: expect.any(String) as string })
    const from = new Date(Date.now() - 600_000).toISOString()
    const replay = await endedReplay(api, await startReplay(api, { from, status: 'all', rules: 'today' }))
    expect(replay).toMatchObject({ started: 0, skippedReasons: { erased: 1 } })
    expect(receiver.received).toHaveLength(1)
  }, 120_000)

  it('is erased once, however often that is asked for, and by a key of its own tenant and environment alone', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const live = await makeKey(stack, tenantId, 'production')
    const stranger = await makeTenant(stack)
    await post(api, { id: 'one' })
    await settledLog(api, 'one')
    for (const other of [live.api, stranger.api]) await other.post('/events/one/erase').expect(404)
    const asked = await Promise.all([askErasure(api, 'one'), askErasure(api, 'one')])
    expect(new Set(asked).size).toBe(1)
    const [id = ''] = asked
    const ended = await endedErasure(api, id)
    expect(await askErasure(api, 'one')).toBe(id)
    expect(await endedErasure(api, id)).toEqual(ended)
    for (const other of [live.api, stranger.api]) await other.get(`/erasures/${id}`).expect(404)
    await api.post('/events/nobody/erase').expect(404)
    const entries = await stack.db.auditEntry.findMany({ where: { tenantId, action: 'event.erased' } })
    expect(entries).toMatchObject([{ subject: 'one', before: null, after: { erasureId: id } }])
  }, 120_000)

  it('takes the digest with it that tells of it, and leaves one that it waits in', async () => {
    const { api } = await makeTenant(stack)
    const hook = await makeWebhook(api, echo)
    const steps = [{ deliver: { to: [hook.id] } }]
    await makeRule(api, { digest: { window: '2s', max: 100 }, steps })
    const later = { when: { events: ['kyc.*'] }, digest: { window: '1h', by: 'data.customer', max: 100 } }
    await makeRule(api, { ...later, steps })
    const canary = `canary-${Date.now()}-digest`
    const told = await post(api, { data: { name: canary } })
    const beside = await post(api, { data: { name: 'beside' } })
    const log = await closedLog(api, told, 30_000)
    const digestId = log.steps?.[0]?.digestId ?? ''
    await closedLog(api, digestId)
    const waits = await post(api, { type: 'kyc.done', data: { customer: canary } })
    await stepWaits(api, waits, 'digest')
    expect(await erase(api, waits)).toMatchObject({ runs: 1, digests: 0 })
    expect(await erase(api, told)).toMatchObject({ runs: 2, digests: 1 })
    expect(await readLog(api, digestId)).toMatchObject({ data: null, status: 'delivered', type: 'digest' })
    expect(await readLog(api, beside)).toMatchObject({ data: { name: 'beside' } })
    expect(await traces(canary)).toEqual([])
    expect(hook.receiver.received).toHaveLength(1)
  }, 120_000)

  it('of very many destinations has its children erased, and their attempts are still told', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(echo))
    for (let n = 0; n < 65; n++) await makeDestination(api, receiver)
    const canary = `canary-${Date.now()}-many`
    await api.post('/events', { id: 'many', type: 'aml.match.found', data: { name: canary } }).expect(202)
    await settledLog(api, 'many', 60_000)
    expect(await erase(api, 'many')).toMatchObject({ runs: 3 })
    expect(await traces(canary)).toEqual([])
    const { deliveries } = await readLog(api, 'many')
    expect(deliveries.map(({ attempts }) => attempts.length)).toEqual(Array.from({ length: 65 }, () => 1))
    await rollUp(stack, [today])
    const rows = await stack.db.dailyTotal.findMany({ where: { tenantId } })
    expect(rows.map(({ total, succeeded }) => `${total} ${succeeded}`)).toEqual(
      Array.from({ length: 65 }, () => '1 1'),
    )
  }, 180_000)

  it('is erased in the archive long after Temporal has forgotten it, and not replayed from there', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(ok))
    const destination = await makeDestination(api, receiver)
    const canary = `canary-${Date.now()}-archived`
    await api.post('/events', { id: 'old', type: 'aml.match.found', data: { name: canary } }).expect(202)
    await settledLog(api, 'old')
    await statsOnce(api, destination, { total: 1 })
    await rollUp(stack, [today])
    await forgetExecutions(stack, tenantId)
    expect(await tracesInFiles(root, canary)).toHaveLength(1)
    expect(await erase(api, 'old')).toMatchObject({ runs: 0, archivedLines: 1 })
    expect(await traces(canary)).toEqual([])
    const from = new Date(Date.now() - 600_000).toISOString()
    const asked = { from, status: 'all', source: 'archive' }
    const replay = await endedReplay(api, await startReplay(api, asked))
    expect(replay).toMatchObject({ started: 0, skippedReasons: { erased: 1 } })
    expect(receiver.received).toHaveLength(1)
  }, 180_000)

  it('is not brought back by what has read it before: a roll-up, or a replay', async () => {
    const { api, id: tenantId } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(echo))
    const destination = await makeDestination(api, receiver)
    const canary = `canary-${Date.now()}-raced`
    await api.post('/events', { id: 'one', type: 'aml.match.found', data: { name: canary } }).expect(202)
    await settledLog(api, 'one')
    await statsOnce(api, destination, { total: 1 })
    // As it stands between the request and the moment at which its workflow gets to the event.
    const scope = { tenantId, environment: 'sandbox' as const }
    await stack.db.erasure.create({ data: { id: `era_${Date.now()}`, ...scope, eventId: 'one' } })
    await rollUp(stack, [today])
    expect(await tracesInFiles(root, canary)).toEqual([])
    const lines = []
    for await (const line of createFolderArchive(root).read({ ...scope, day: today })) lines.push(line)
    expect(lines).toMatchObject([{ event: { id: 'one' }, erased: {}, timeline: { status: 'delivered' } }])
    expect((await api.post('/events/one/replay').expect(409)).body).toMatchObject({ code: 'erased' })
    const from = new Date(Date.now() - 600_000).toISOString()
    const replay = await endedReplay(api, await startReplay(api, { from, status: 'all' }))
    expect(replay).toMatchObject({ started: 0, skippedReasons: { erased: 1 } })
    // Asked for again, it is taken up.
    await erase(api, 'one')
    expect(await traces(canary)).toEqual([])
  }, 180_000)

  it('is erased to the end where workers stop in the middle', async () => {
    const { api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver(status(500)))
    await makeDestination(api, receiver, ['0s', '1h'])
    const canary = `canary-${Date.now()}-stopped`
    await api.post('/events', { id: 'one', type: 'aml.match.found', data: { name: canary } }).expect(202)
    await waitingLog(api, 'one')
    await api.post('/events/one/replay').expect(202)
    const asked = await askErasure(api, 'one')
    await stack.stopWorkers()
    await stack.startWorkers()
    expect(await endedErasure(api, asked)).toMatchObject({ status: 'completed' })
    expect(await traces(canary)).toEqual([])
    expect(await readLog(api, 'one')).toMatchObject({ data: null, replays: [{ deliveries: [{}] }] })
  }, 180_000)
})
