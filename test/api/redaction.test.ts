import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import supertest from 'supertest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ArchivedRun } from '../../src/archive/archive.ts'
import { createFolderArchive } from '../../src/archive/folder.ts'
import { toDay } from '../../src/domain/days.ts'
import { addDestination, endedReplay, startReplay } from '../support/workflows/replays.ts'
import { startReceiver, type Respond } from '../support/servers/receiver.ts'
import { rollUp } from '../support/resources/roll-up.ts'
import {
  adminKey,
  eventually,
  makeTenant,
  settledLog,
  startStack,
  untilTestEnds,
  type Stack,
} from '../support/stack.ts'

let root: string
let stack: Stack
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchyard-archive-'))
  stack = await startStack({ archive: createFolderArchive(root) })
})
afterAll(async () => {
  await stack.stop()
  await rm(root, { recursive: true, force: true })
})

const number = 'L01X00T47'
const data = {
  document: { number, type: 'passport' },
  people: [{ ssn: 4711 }, { ssn: 4712 }],
  riskLevel: 'high',
}
const shown = {
  ...data,
  document: { number: '[redacted]', type: 'passport' },
  people: [{ ssn: '[redacted]' }, { ssn: '[redacted]' }],
}
const paths = ['data.document.number', 'data.people.ssn']

const echo =
  (code: number): Respond =>
  (response, { body }) =>
    void response.writeHead(code).end(`got ${body}`)

async function redact(tenantId: string, redact: string[]) {
  await supertest(stack.app)
    .patch(`/api/v1/tenants/${tenantId}`)
    .auth(adminKey, { type: 'bearer' })
    .send({ redact })
    .expect(200)
}

/** A tenant with one event that has failed, whose receiver repeats what it gets. */
async function makeFailed() {
  const tenant = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(echo(500)))
  const destination = await addDestination(tenant.api, receiver.url)
  const { body } = await tenant.api.post('/events', { type: 'aml.match.found', data }).expect(202)
  const { id } = body as { id: string }
  await settledLog(tenant.api, id)
  return { ...tenant, receiver, destination, eventId: id }
}

it('an event, its log and its replays are shown without what its tenant wants redacted, from the moment it says so', async () => {
  const { api, id, receiver, eventId } = await makeFailed()
  expect((await settledLog(api, eventId)).data).toEqual(data)
  await redact(id, paths)
  const { replayId } = (await api.post(`/events/${eventId}/replay`).expect(202)).body as { replayId: string }
  const log = await eventually(
    () => settledLog(api, eventId),
    ({ replays }) => replays.some((one) => one.status === 'failed'),
  )
  expect(log.data).toEqual(shown)
  expect(replayId).toMatch(/^rpl_/)
  const text = JSON.stringify(log)
  for (const value of [number, '4711', '4712']) expect(text).not.toContain(value)
  expect(text).toContain('got {')
  expect(text).toContain('\\"riskLevel\\":\\"high\\"')
  // What is sent is what was posted, before and after.
  expect(receiver.received).toHaveLength(2)
  for (const { body } of receiver.received) expect(JSON.parse(body)).toMatchObject({ data })

  await redact(id, [])
  expect(JSON.stringify(await settledLog(api, eventId))).toContain(number)
})

it('the adopted contracts’ logs and history are redacted, too', async () => {
  const { api, key, id, eventId } = await makeFailed()
  await redact(id, paths)
  const { logs } = await eventually(
    async () =>
      (await api.get('/webhooks/logs/').expect(200)).body as {
        logs: { event_id: string; response: string }[]
      },
    ({ logs }) => logs.length > 0,
  )
  expect(logs).toMatchObject([{ event_id: eventId }])
  expect(logs[0]?.response).toMatch(/^got .*\[redacted\]/)
  expect(logs[0]?.response).not.toContain(number)
  const history = await eventually(
    async () =>
      (
        await supertest(stack.app)
          .get('/api/v3/notifications/webhook/history')
          .set('ds-api-token', key)
          .expect(200)
      ).body as { data: { payload: unknown }[] },
    (page) => page.data.length > 0,
  )
  expect(history.data.map(({ payload }) => payload)).toEqual([shown])
})

it('the archive keeps it redacted and says so, and a replay from there leaves it out rather than send it so', async () => {
  const { api, id, receiver, eventId } = await makeFailed()
  const plain = await api.post('/events', { type: 'aml.match.found', data: { riskLevel: 'low' } }).expect(202)
  const { id: plainId } = plain.body as { id: string }
  await settledLog(api, plainId)
  await redact(id, paths)
  const today = toDay(Date.now())
  await eventually(
    async () => {
      await rollUp(stack, [today])
      return readLines(id)
    },
    (lines) => lines.length === 2,
  )
  const lines = await readLines(id)
  const [hidden] = lines.filter(({ event }) => event.id === eventId)
  expect(hidden).toMatchObject({ redacted: true, event: { data: shown } })
  expect(JSON.stringify(lines)).not.toContain(number)
  expect(lines.find(({ event }) => event.id === plainId)).not.toHaveProperty('redacted')

  receiver.answer(echo(200))
  const from = new Date(Date.now() - 3_600_000).toISOString()
  const ended = await endedReplay(api, await startReplay(api, { from, source: 'archive' }))
  expect(ended).toMatchObject({ status: 'completed', found: 2, started: 1, skippedReasons: { redacted: 1 } })
  expect(receiver.received.map(({ body }) => body).join()).not.toContain('[redacted]')
})

async function readLines(tenantId: string): Promise<ArchivedRun[]> {
  const folder = join(root, tenantId, 'sandbox')
  const files = await readdir(folder).catch(() => [])
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return texts
    .flatMap((text) => text.split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as ArchivedRun)
}
