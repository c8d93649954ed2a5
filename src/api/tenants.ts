import { typeid } from 'typeid-js'
import { z } from 'zod'
import type { Db } from '../db/client.ts'
import type { Tenant } from '../db/generated/client.ts'
import { notFound } from './errors.ts'
import { idPageQuery, idPageReply, readIdPage } from './id-page.ts'
import { tenantLimits } from './rate-limit.ts'
import { route } from './route.ts'
import { nameText } from './text.ts'

const tenantBody = z.strictObject({ name: nameText, limits: tenantLimits.prefault({}) })
const tenantPatch = z.strictObject({
  name: nameText.optional(),
  limits: z
    .strictObject({
      apiPerMinute: tenantLimits.shape.apiPerMinute.unwrap().optional(),
      apiBurst: tenantLimits.shape.apiBurst.unwrap().optional(),
      ingestPerSecond: tenantLimits.shape.ingestPerSecond.unwrap().optional(),
    })
    .optional(),
})

const tenantReply = z.object({
  id: z.string(),
  name: z.string(),
  limits: tenantLimits,
  createdAt: z.string(),
})

export const tenantRoutes = [
  route({
    method: 'post',
    path: '/tenants',
    access: 'platform',
    summary: 'Create a tenant',
    body: tenantBody,
    replies: { 201: tenantReply },
    async handle({ body }, { db }) {
      const tenant = await db.tenant.create({ data: { id: typeid('ten').toString(), ...body } })
      return { status: 201, body: show(tenant) }
    },
  }),
  route({
    method: 'get',
    path: '/tenants',
    access: 'platform',
    summary: 'List the tenants, newest first',
    query: idPageQuery,
    replies: { 200: idPageReply(tenantReply) },
    async handle({ query }, { db }) {
      return { status: 200, body: await readIdPage(query, (args) => db.tenant.findMany(args), show) }
    },
  }),
  route({
    method: 'get',
    path: '/tenants/:id',
    access: 'platform',
    summary: 'Get a tenant',
    replies: { 200: tenantReply },
    async handle({ params }, { db }) {
      const tenant = await findTenant(db, params.id)
      return { status: 200, body: show(tenant) }
    },
  }),
  route({
    method: 'patch',
    path: '/tenants/:id',
    access: 'platform',
    summary: 'Rename a tenant or change its limits',
    body: tenantPatch,
    replies: { 200: tenantReply },
    async handle({ params, body }, { db }) {
      const tenant = await findTenant(db, params.id)
      const limits = { ...tenantLimits.parse(tenant.limits), ...body.limits }
      const changed = await db.tenant.update({ where: { id: tenant.id }, data: { name: body.name, limits } })
      return { status: 200, body: show(changed) }
    },
  }),
]

/** The tenant that a path names, or 404. */
export async function findTenant(db: Db, id: string | undefined): Promise<Tenant> {
  const tenant = await db.tenant.findUnique({ where: { id: id ?? '' } })
  if (!tenant) throw notFound('tenant')
  return tenant
}

function show({ id, name, limits, createdAt }: Tenant) {
  return { id, name, limits: tenantLimits.parse(limits), createdAt: createdAt.toISOString() }
}
