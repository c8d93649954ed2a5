import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolderArchive } from '../../../src/archive/folder.ts'
import { toDay } from '../../../src/domain/days.ts'
import { countExecutions, quoted } from '../../../src/temporal/log/executions.ts'
import { startReceiver, status } from '../../support/servers/receiver.ts'
import { makeDestination, rollUp, send, statsOnce } from '../../support/resources/roll-up.ts'
import { makeRule, makeWebhook, post, stepWaits } from '../../support/workflows/rules.ts'
import {
  adminKey,
  apiOf,
  eventually,
  makeKey,
  makeTenant,
  readLog,
  startStack,
  untilTestEnds,
  waitingLog,
  type Api,
  type Stack,
} from '../../support/stack.ts'
import { tracesInFiles, tracesInTemporal } from '../../support/workflows/traces.ts'

const today = toDay(new Date())

let root: string
let stack: Stack
let platform: Api
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchyard-deletion-test-'))
  stack = await startStack({ archive: createFolderArchive(root) })
  platform = apiOf(stack.app, adminKey)
})
afterAll(async () => {
  await stack.stop()
  await rm(root, { recursive: true, force: true })
})

interface DeletionShown {
  id: string
  status: string
  left: number
  executions: number
  archivedFiles: number
  rows: number
}

async function askDeletion(tenantId: string): Promise<string> {
  const asked = await platform.delete(`/tenants/${tenantId}`).send({ confirm: 'Acme' }).expect(202)
  return (asked.body as { deletionId: string }).deletionId
}

function endedDeletion(id: string): Promise<DeletionShown> {
  return eventually(
    async () => (await platform.get(`/tenant-deletions/${id}`).expect(200)).body as DeletionShown,
    (deletion) => deletion.status === 'completed',
    180_000,
  )
}

/** A tenant with something of every kind: delivered, waiting, in a digest, in a queue, in both environments, archived. */
async function makeBusyTenant(canary: string) {
  const tenant = await makeTenant(stack)
  const { api } = tenant
  const receiver = untilTestEnds(await startReceiver())
  const destination = await makeDestination(api, receiver)
  await send(api, 'delivered', { name: canary })
  await api.post('/events/delivered/replay').expect(202)
  await eventually(
    () => readLog(api, 'delivered'),
    ({ replays }) => replays[0]?.status === 'delivered',
  )
  const { api: live } = await makeKey(stack, tenant.id, 'production')
  await send(live, 'unrouted', { name: canary })
  await statsOnce(api, destination, { total: 2 })
  await rollUp(stack, [today])
  receiver.answer(status(500))
  await api
    .patch(`/destinations/${destination}`, {
      delivery: { schedule: ['0s', '1h'], ordering: { by: 'data.name' } },
    })
    .expect(200)
  await api.post('/events', { id: 'waits', type: 'aml.match.found', data: { name: canary } }).expect(202)
  await waitingLog(api, 'waits')
  const hook = await makeWebhook(api)
  await makeRule(api, {
    when: { events: ['kyc.*'] },
    dedupe: { by: 'data.name', within: '1h' },
    digest: { window: '1h', max: 100 },
    steps: [{ deliver: { to: [hook.id] } }],
  })
  await stepWaits(api, await post(api, { type: 'kyc.done', data: { name: canary } }), 'digest')
  await api.post('/templates', { name: 'T', parts: { webhook: { body: '{"a": 1}' } } }).expect(201)
  return { ...tenant, live, receiver }
}

describe('a tenant that is deleted', () => {
  it('leaves nothing but the audit log, and nobody else loses anything', async () => {
    const canary = `canary-${Date.now()}-tenant`
    const other = await makeBusyTenant('somebody else’s')
    const { id: tenantId, api, live } = await makeBusyTenant(canary)
    expect(await tracesInTemporal(stack, canary)).not.toEqual([])
    await platform.delete(`/tenants/${tenantId}`).send({ confirm: 'acme' }).expect(422)
    await api.delete(`/tenants/${tenantId}`).expect(403)
    const id = await askDeletion(tenantId)
    expect(await askDeletion(tenantId)).toBe(id)
    for (const key of [api, live])
      await eventually(
        async () => (await key.get('/events')).status,
        (code) => code === 401,
      )
    const ended = await endedDeletion(id)
    expect(ended).toMatchObject({ status: 'completed', left: 0, archivedFiles: 2 })
    expect(ended.executions).toBeGreaterThanOrEqual(7)
    expect(ended.rows).toBeGreaterThanOrEqual(4)

    expect(await executionsWith(tenantId)).toEqual([`${tenantId}/delete deleteTenant`])
    expect(await tracesInTemporal(stack, canary)).toEqual([])
    expect(await tracesInFiles(root, tenantId)).toEqual([])
    expect(await readdir(root)).toEqual([other.id])
    await platform.get(`/tenants/${tenantId}`).expect(404)
    expect(await tablesWith(tenantId)).toEqual(['AuditEntry', 'TenantDeletion'])
    const audit = await stack.db.auditEntry.findMany({
      where: { subject: tenantId, action: 'tenant.deleted' },
    })
    expect(audit.map(({ chain }) => chain).sort()).toEqual(['platform', tenantId].sort())
    await platform.delete(`/tenants/${tenantId}`).send({ confirm: 'Acme' }).expect(202)

    expect(await readLog(other.api, 'delivered')).toMatchObject({
      data: { name: 'somebody else’s' },
      replays: [{}],
    })
    expect(
      await countExecutions(stack.temporal, `WorkflowId STARTS_WITH ${quoted(`${other.id}/`)}`),
    ).toBeGreaterThanOrEqual(7)
    // A roll-up that comes later brings nothing of it back.
    await rollUp(stack, [today])
    expect(await tablesWith(tenantId)).toEqual(['AuditEntry', 'TenantDeletion'])
    expect(await readdir(root)).toEqual([other.id])
  }, 300_000)

  it('gets nothing more from a roll-up that is under way: no archive, no totals', async () => {
    const { id: tenantId, api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    const destination = await makeDestination(api, receiver)
    await send(api, 'one')
    await statsOnce(api, destination, { total: 1 })
    await stack.db.tenant.update({ where: { id: tenantId }, data: { deletingAt: new Date() } })
    await rollUp(stack, [today])
    expect(await stack.db.dailyTotal.count({ where: { tenantId } })).toBe(0)
    expect(await readdir(root)).not.toContain(tenantId)
  }, 120_000)

  it('is deleted to the end where workers stop in the middle', async () => {
    const { id: tenantId, api } = await makeTenant(stack)
    const receiver = untilTestEnds(await startReceiver())
    await makeDestination(api, receiver)
    for (const event of ['one', 'two']) await send(api, event)
    const id = await askDeletion(tenantId)
    await stack.stopWorkers()
    await stack.startWorkers()
    expect(await endedDeletion(id)).toMatchObject({ status: 'completed' })
    expect(await executionsWith(tenantId)).toEqual([`${tenantId}/delete deleteTenant`])
  }, 300_000)

  it('is deleted once more where a restored backup of Temporal has brought an execution back', async () => {
    const { id: tenantId } = await makeTenant(stack)
    const id = await askDeletion(tenantId)
    expect(await endedDeletion(id)).toMatchObject({ left: 0 })
    const workflowId = `${tenantId}/sandbox/back`
    await stack.temporal.workflow.start('any', { workflowId, taskQueue: 'nobody' })
    const shown = async () => (await platform.get(`/tenant-deletions/${id}`)).body as DeletionShown
    await eventually(shown, ({ left }) => left === 1)
    expect(await askDeletion(tenantId)).toBe(id)
    await eventually(shown, ({ left }) => left === 0, 180_000)
  }, 300_000)
})

/** What deletes the tenant is in lists itself. */
async function executionsWith(tenantId: string): Promise<string[]> {
  return (await tracesInTemporal(stack, tenantId)).filter((where) => where !== 'a list')
}

/** The tables with a row that names it. */
async function tablesWith(text: string): Promise<string[]> {
  const tables = await stack.db.$queryRaw<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`
  const found: string[] = []
  for (const { name } of tables) {
    const rows = await stack.db.$queryRawUnsafe<unknown[]>(
      `SELECT 1 FROM "${name}" AS r WHERE position($1 in r::text) > 0 LIMIT 1`,
      text,
    )
    if (rows.length > 0) found.push(name)
  }
  return found
}
