import type { Client } from '@temporalio/client'
import { z } from 'zod'
import { definedOnly } from '../../domain/defined-only.ts'
import { recordAudit } from '../../db/audit/audit.ts'
import { inTenantTurn, type Tx } from '../../db/client.ts'
import type { TenantDeletion } from '../../db/generated/client.ts'
import { createDeletion, findTenantDeletion, findDeletion } from '../../db/tenant-deletions.ts'
import { startJob } from '../../temporal/start-job.ts'
import { countExecutions, quoted } from '../../temporal/log/executions.ts'
import {
  deleteTenantType,
  deleteTenantWorkflowId,
  type DeleteTenantInput,
} from '../../workflows/contract/erasures.ts'
import type { Actor } from '../auth/caller.ts'
import { invalid, notFound } from '../errors.ts'
import { route } from '../http/route.ts'
import { findTenant } from './store.ts'

const statuses = ['running', 'completed'] as const

const deletionReply = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    status: z.enum(statuses),
    createdAt: z.string(),
    completedAt: z.string().optional(),
    executions: z.int().meta({ description: 'The number of deleted workflow executions.' }),
    left: z.int().meta({ description: 'The number of workflow executions that Temporal still lists.' }),
    archivedFiles: z.int(),
    rows: z.int().meta({ description: 'The number of deleted database rows.' }),
  })
  .meta({ id: 'TenantDeletion' })

export const tenantDeletionRoutes = [
  route({
    method: 'delete',
    path: '/tenants/:id',
    operationId: 'deleteTenant',
    access: 'platform',
    summary: 'Delete a tenant and all its data; its keys stop working immediately, and its audit log is kept',
    body: z
      .strictObject({ confirm: z.string().meta({ description: 'The tenant’s name.' }) })
      .meta({ id: 'TenantDeletionRequest' }),
    replies: { 202: z.object({ deletionId: z.string() }).meta({ id: 'StartedTenantDeletion' }) },
    async handle({ params: { id }, body, by }, { db, temporal }) {
      const deletion = await inTenantTurn(db, id, (tx) => beginDeletion(tx, by, id, body.confirm))
      // Also starts the workflow if an earlier request failed between these two steps, or if a restored backup of Temporal has brought
      // executions back.
      if (!deletion.completedAt || (await countLeft(temporal, deletion)) > 0) await start(temporal, deletion)
      return { status: 202, body: { deletionId: deletion.id } }
    },
  }),
  route({
    method: 'get',
    path: '/tenant-deletions/:id',
    operationId: 'getTenantDeletion',
    access: 'platform',
    summary: 'Get a tenant’s deletion with its progress',
    replies: { 200: deletionReply },
    async handle({ params }, { db, temporal }) {
      const deletion = await findDeletion(db, params.id)
      if (!deletion) throw notFound('deletion')
      return { status: 200, body: { ...show(deletion), left: await countLeft(temporal, deletion) } }
    },
  }),
]

/** Marks the tenant as being deleted, so that its keys are refused from then on. A repeated call returns the same deletion. */
async function beginDeletion(tx: Tx, by: Actor, id: string, confirm: string): Promise<TenantDeletion> {
  const earlier = await findTenantDeletion(tx, id)
  if (earlier?.completedAt) return earlier
  const tenant = await findTenant(tx, id)
  if (confirm !== tenant.name) throw invalid([{ path: 'confirm', message: 'must be the tenant’s name' }])
  if (earlier) return earlier
  await tx.tenant.update({ where: { id: tenant.id }, data: { deletingAt: new Date() } })
  const deletion = await createDeletion(tx, tenant.id)
  const done = { ...by, action: 'tenant.deleted', subject: tenant.id, after: { deletionId: deletion.id } }
  // Recorded in the tenant's chain and in the platform's, which remains readable after the deletion.
  await recordAudit(tx, { ...done, tenantId: tenant.id })
  await recordAudit(tx, done)
  return deletion
}

async function start(client: Client, { id, tenantId }: TenantDeletion): Promise<void> {
  const input: DeleteTenantInput = { tenantId, deletionId: id }
  const workflowId = deleteTenantWorkflowId(tenantId)
  await startJob(client, deleteTenantType, { workflowId, input, duplicate: 'join' })
}

async function countLeft(client: Client, { tenantId }: TenantDeletion): Promise<number> {
  const own = quoted(deleteTenantWorkflowId(tenantId))
  return countExecutions(client, `WorkflowId STARTS_WITH ${quoted(`${tenantId}/`)} AND WorkflowId != ${own}`)
}

function show({ id, tenantId, createdAt, completedAt, ...counts }: TenantDeletion) {
  const { executions, archivedFiles, rows } = counts
  return definedOnly({
    id,
    tenantId,
    status: completedAt ? 'completed' : 'running',
    createdAt: createdAt.toISOString(),
    completedAt: completedAt?.toISOString(),
    executions,
    archivedFiles,
    rows,
  })
}
