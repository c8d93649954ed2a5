import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createFolderArchive } from '../../src/archive/folder.ts'
import { toDay } from '../../src/domain/days.ts'
import { startTemporal, type RunningTemporal } from '../../src/embedded/temporal/temporal.ts'
import { eraseWorkflowId } from '../../src/workflows/contract/erasures.ts'
import { askErasure, endedErasure } from '../support/resources/erasures.ts'
import { run } from '../support/program.ts'
import { ok, startReceiver, status } from '../support/servers/receiver.ts'
import { makeDestination, rollUp } from '../support/resources/roll-up.ts'
import { closedLog, makeRule, makeWebhook, post } from '../support/workflows/rules.ts'
import {
  eventually,
  makeTenant,
  readLog,
  settledLog,
  startStack,
  untilTestEnds,
  waitingLog,
  type Api,
  type Stack,
} from '../support/stack.ts'
import { tracesInFiles } from '../support/workflows/traces.ts'
import { bytesOf } from '../temporal/raw-bytes.ts'

const secretKey = { id: 'sec1', key: randomBytes(32) }
const payloadKey = { id: 'pay1', key: randomBytes(32) }
const toVariable = ({ id, key }: typeof secretKey) => `${id}:${key.toString('base64')}`

let root: string
let temporalFolder: string
let temporal: RunningTemporal
let stack: Stack
let env: Record<string, string>
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchyard-erasure-killed-'))
  temporalFolder = await mkdtemp(join(tmpdir(), 'switchyard-erasure-temporal-'))
  temporal = await startTemporal({
    binary: inject('temporalBinary'),
    dbFile: join(temporalFolder, 'temporal.db'),
    headless: true,
    namespace: 'default',
    progress: () => undefined,
  })
  const archive = createFolderArchive(root)
  const keys = { secretKeys: [secretKey], payloadKeys: [payloadKey] }
  stack = await startStack({ ...keys, temporalAddress: temporal.address, archive })
  env = {
    PATH: '/usr/bin:/bin',
    DATABASE_URL: stack.corner.databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: stack.corner.name,
    SECRET_KEYS: toVariable(secretKey),
    PAYLOAD_KEYS: toVariable(payloadKey),
    ARCHIVE: root,
  }
})
afterAll(async () => {
  await stack.stop()
  await temporal.stop()
  for (const folder of [root, temporalFolder]) await rm(folder, { recursive: true, force: true })
})

interface Held {
  tenantId: string
  api: Api
  eventId: string
}

type Step = 'endRuns' | 'eraseRuns' | 'eraseArchived' | 'concludeErasure'

const canary = `canary-${randomBytes(8).toString('hex')}`
const data = { name: canary, more: Array.from({ length: 100 }, () => randomBytes(16).toString('hex')) }

async function waiting(): Promise<Held> {
  const { api, id: tenantId } = await makeTenant(stack)
  await makeDestination(api, untilTestEnds(await startReceiver(status(500))), ['0s', '1h'])
  const eventId = await post(api, { data })
  await waitingLog(api, eventId)
  return { api, tenantId, eventId }
}

async function fannedOut(): Promise<Held> {
  const { api, id: tenantId } = await makeTenant(stack)
  const receiver = untilTestEnds(await startReceiver(ok))
  for (let n = 0; n < 65; n++) await makeDestination(api, receiver)
  const eventId = await post(api, { data })
  await settledLog(api, eventId, 60_000)
  return { api, tenantId, eventId }
}

async function digested(): Promise<Held & { digestId: string }> {
  const { api, id: tenantId } = await makeTenant(stack)
  const hook = await makeWebhook(api)
  await makeRule(api, { digest: { window: '2s', max: 100 }, steps: [{ deliver: { to: [hook.id] } }] })
  const eventId = await post(api, { data })
  const digestId = (await closedLog(api, eventId, 30_000)).steps?.[0]?.digestId ?? ''
  await closedLog(api, digestId)
  return { api, tenantId, eventId, digestId }
}

async function replayed(): Promise<Held> {
  const { api, id: tenantId } = await makeTenant(stack)
  await makeDestination(api, untilTestEnds(await startReceiver(ok)))
  const eventId = await post(api, { data })
  await settledLog(api, eventId)
  await api.post(`/events/${eventId}/replay`).expect(202)
  await eventually(
    () => readLog(api, eventId),
    ({ replays }) => replays[0]?.status === 'delivered',
  )
  return { api, tenantId, eventId }
}

/** A piece of each payload that an event's history begins with, as it is encrypted: no other bytes are like it. */
async function ciphertext({ tenantId, eventId }: Held): Promise<Buffer> {
  const { namespace } = stack.temporal.options
  const { history } = await stack.temporal.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId: `${tenantId}/sandbox/${eventId}` },
    maximumPageSize: 1,
  })
  const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]
  return Buffer.from(payload?.data ?? []).subarray(100, 140)
}

/** Kills a worker once an erasure has come to this step, which it may have left by then. */
async function eraseAndKillAt(step: Step, { api, tenantId, eventId }: Held): Promise<string> {
  const worker = run('src/worker.ts', env)
  await worker.line('ready')
  const erasureId = await askErasure(api, eventId)
  const workflowId = eraseWorkflowId({ tenantId, environment: 'sandbox', erasureId })
  await eventually(async () => {
    const { raw, status } = await stack.temporal.workflow.getHandle(workflowId).describe()
    const steps = raw.pendingActivities?.map(({ activityType }) => activityType?.name) ?? []
    return status.name === 'COMPLETED' || steps.includes(step)
  }, Boolean)
  worker.kill('SIGKILL')
  await worker.exited
  return erasureId
}

it('erasures whose workers are killed at every step complete, and leave nothing in the raw files', async () => {
  const held = {
    waiting: await waiting(),
    fannedOut: await fannedOut(),
    digested: await digested(),
    replayed: await replayed(),
  }
  await rollUp(stack, [toDay(new Date())])
  await stack.stopWorkers()
  const encrypted = await Promise.all(Object.values(held).map(ciphertext))
  const left = () => encrypted.filter((bytes) => bytesOf(temporalFolder).includes(bytes)).length
  expect(new Set(encrypted.map((bytes) => bytes.toString('hex'))).size).toBe(4)
  expect(left()).toBe(4)
  expect(bytesOf(temporalFolder).includes(canary)).toBe(false)
  expect(await tracesInFiles(root, canary)).toHaveLength(3)

  const erasures: [Held, string][] = [
    [held.waiting, await eraseAndKillAt('endRuns', held.waiting)],
    [held.fannedOut, await eraseAndKillAt('eraseRuns', held.fannedOut)],
    [held.digested, await eraseAndKillAt('eraseArchived', held.digested)],
    [held.replayed, await eraseAndKillAt('concludeErasure', held.replayed)],
  ]
  const worker = run('src/worker.ts', env)
  await worker.line('ready')
  for (const [{ api, eventId }, erasureId] of erasures) {
    await endedErasure(api, erasureId)
    expect(await readLog(api, eventId)).toMatchObject({ data: null })
  }
  expect(await readLog(held.digested.api, held.digested.digestId)).toMatchObject({ data: null })
  expect((await readLog(held.fannedOut.api, held.fannedOut.eventId)).deliveries).toHaveLength(65)

  expect(await tracesInFiles(root, canary)).toEqual([])
  // The write-ahead log is carried over and cut off once 4 MB were written, by whatever comes next.
  const { api } = await makeTenant(stack)
  const events = Array.from({ length: 20 }, () => ({ type: 'kyc.done', data: {} }))
  await eventually(
    async () => {
      await api.post('/events/batch', { events }).expect(207)
      return left()
    },
    (count) => count === 0,
    60_000,
  )
}, 300_000)
