import { typeid } from 'typeid-js'
import { recordAudit } from '../../db/audit/audit.ts'
import { inTenantTurn } from '../../db/client.ts'
import { idPageQuery, idPageReply, readIdPage } from '../http/id-page.ts'
import { tenantLimits } from '../auth/rate-limit.ts'
import { route } from '../http/route.ts'
import { diffFields } from '../audit/writer.ts'
import { showTenant, tenantBody, tenantPatch, tenantReply } from './fields.ts'
import { findTenant } from './store.ts'

export const tenantRoutes = [
  route({
    method: 'post',
    path: '/tenants',
    operationId: 'createTenant',
    access: 'platform',
    summary: 'Create a tenant',
    body: tenantBody,
    replies: { 201: tenantReply },
    async handle({ body, by }, { db }) {
      const made = await db.$transaction(async (tx) => {
        const tenant = await tx.tenant.create({ data: { id: typeid('ten').toString(), ...body } })
        const after = showTenant(tenant)
        const tenantId = tenant.id
        const action = 'tenant.created'
        await recordAudit(tx, { ...by, tenantId, action, subject: tenantId, after })
        return after
      })
      return { status: 201, body: made }
    },
  }),
  route({
    method: 'get',
    path: '/tenants',
    operationId: 'listTenants',
    access: 'platform',
    summary: 'List the tenants, newest first',
    query: idPageQuery,
    replies: { 200: idPageReply('TenantPage', tenantReply) },
    async handle({ query }, { db }) {
      return {
        status: 200,
        body: await readIdPage(query, {}, (args) => db.tenant.findMany(args), showTenant),
      }
    },
  }),
  route({
    method: 'get',
    path: '/tenants/:id',
    operationId: 'getTenant',
    access: 'platform',
    summary: 'Get a tenant',
    replies: { 200: tenantReply },
    async handle({ params }, { db }) {
      const tenant = await findTenant(db, params.id)
      return { status: 200, body: showTenant(tenant) }
    },
  }),
  route({
    method: 'patch',
    path: '/tenants/:id',
    operationId: 'updateTenant',
    access: 'platform',
    summary: 'Update a tenant’s name, limits, redacted fields or email consent',
    body: tenantPatch,
    replies: { 200: tenantReply },
    async handle({ params, body, by }, { db }) {
      const changed = await inTenantTurn(db, params.id, async (tx) => {
        const tenant = await findTenant(tx, params.id)
        const limits = { ...tenantLimits.parse(tenant.limits), ...body.limits }
        const { id: tenantId } = tenant
        const after = showTenant(
          await tx.tenant.update({ where: { id: tenantId }, data: { ...body, limits } }),
        )
        const done = { action: 'tenant.changed', subject: tenantId, ...diffFields(showTenant(tenant), after) }
        await recordAudit(tx, { ...by, tenantId, ...done })
        return after
      })
      return { status: 200, body: changed }
    },
  }),
]
