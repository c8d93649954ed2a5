import type { Client } from '@temporalio/client'
import { z } from 'zod'
import { recordAudit } from '../../db/audit/audit.ts'
import { inTenantTurn, type Tx } from '../../db/client.ts'
import type { TenantDeletion } from '../../db/generated/client.ts'
import { createDeletion, findTenantDeletion, findDeletion } from '../../db/tenant-deletions.ts'
import { countExecutions, quoted } from '../../temporal/log/executions.ts'
import {
  deleteTenantType,
  deleteTenantWorkflowId,
  type DeleteTenantInput,
} from '../../workflows/contract/erasures.ts'
import { taskQueue } from '../../workflows/contract/task-queues.ts'
import { invalid, notFound } from '../errors.ts'
import { route } from '../http/route.ts'
import { findTenant } from './store.ts'

const statuses = ['running', 'completed'] as const

const deletionReply = z.object({
  id: z.string(),
  tenantId: z.string(),
  status: z.enum(statuses),
  createdAt: z.string(),
  completedAt: z.string().optional(),
  executions: z.int().meta({ description: 'Workflow executions that were deleted.' }),
  left: z.int().meta({ description: 'Those that Temporal still lists.' }),
  archivedFiles: z.int(),
  rows: z.int().meta({ description: 'Of the database, those that belong to no row of the tenant.' }),
})

export const tenantDeletionRoutes = [
  route({
    method: 'delete',
    path: '/tenants/:id',
    access: 'platform',
    summary: 'Delete a tenant with all it has; its keys are refused at once, and the audit log stays',
    body: z.strictObject({ confirm: z.string().meta({ description: 'The tenant’s name.' }) }),
    replies: { 202: z.object({ deletionId: z.string() }) },
    async handle({ params, body, caller, address }, { db, temporal }) {
      const by = { keyId: caller.keyId, address }
      const deletion = await inTenantTurn(db, params.id ?? '', (tx) =>
        beginDeletion(tx, by, params.id, body.confirm),
      )
      // Where a request broke off, it is started by the next one.
      if (!deletion.completedAt) await start(temporal, deletion)
      return { status: 202, body: { deletionId: deletion.id } }
    },
  }),
  route({
    method: 'get',
    path: '/tenant-deletions/:id',
    access: 'platform',
    summary: 'Get the deletion of a tenant: how it stands, and what was deleted',
    replies: { 200: deletionReply },
    async handle({ params }, { db, temporal }) {
      const deletion = await findDeletion(db, params.id ?? '')
      if (!deletion) throw notFound('deletion')
      const left = deletion.completedAt ? 0 : await countLeft(temporal, deletion)
      return { status: 200, body: { ...show(deletion), left } }
    },
  }),
]

interface DeletedBy {
  keyId: string
  address: string | undefined
}

/** From then on its keys are refused. Asked for again it is the same deletion. */
async function beginDeletion(
  tx: Tx,
  by: DeletedBy,
  id: string | undefined,
  confirm: string,
): Promise<TenantDeletion> {
  const earlier = await findTenantDeletion(tx, id ?? '')
  if (earlier?.completedAt) return earlier
  const tenant = await findTenant(tx, id)
  if (confirm !== tenant.name) throw invalid([{ path: 'confirm', message: 'must be the tenant’s name' }])
  if (earlier) return earlier
  await tx.tenant.update({ where: { id: tenant.id }, data: { deletingAt: new Date() } })
  const deletion = await createDeletion(tx, tenant.id)
  const done = { ...by, action: 'tenant.deleted', subject: tenant.id, after: { deletionId: deletion.id } }
  // In the tenant's chain, and in the platform's, which is read by those who are left.
  await recordAudit(tx, { ...done, tenantId: tenant.id })
  await recordAudit(tx, done)
  return deletion
}

async function start(client: Client, { id, tenantId }: TenantDeletion): Promise<void> {
  const input: DeleteTenantInput = { tenantId, deletionId: id }
  await client.workflow.start(deleteTenantType, {
    taskQueue,
    workflowId: deleteTenantWorkflowId(tenantId),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [input],
  })
}

async function countLeft(client: Client, { tenantId }: TenantDeletion): Promise<number> {
  const own = quoted(deleteTenantWorkflowId(tenantId))
  return countExecutions(client, `WorkflowId STARTS_WITH ${quoted(`${tenantId}/`)} AND WorkflowId != ${own}`)
}

function show({ id, tenantId, createdAt, completedAt, ...counts }: TenantDeletion) {
  const { executions, archivedFiles, rows } = counts
  return {
    id,
    tenantId,
    status: completedAt ? 'completed' : 'running',
    createdAt: createdAt.toISOString(),
    ...(completedAt && { completedAt: completedAt.toISOString() }),
    executions,
    archivedFiles,
    rows,
  }
}
