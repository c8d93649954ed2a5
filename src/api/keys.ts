import { typeid } from 'typeid-js'
import { z } from 'zod'
import { hasApiSecret, makeApiSecret } from '../db/api-secrets.ts'
import { inTenantTurn } from '../db/client.ts'
import { environments } from '../domain/event.ts'
import type { ApiKey } from '../db/generated/client.ts'
import { makeKey } from './auth.ts'
import { notFound } from './errors.ts'
import { route, scopes } from './route.ts'
import { findTenant } from './tenants.ts'
import { isoTime, nameText } from './text.ts'

const keyBody = z.strictObject({
  environment: z.enum(environments),
  scopes: z
    .array(z.enum(['*', ...scopes]))
    .min(1)
    .default(['*']),
  name: nameText.optional(),
  expiresAt: isoTime.refine((time) => Date.parse(time) > Date.now(), 'must be in the future').optional(),
})

const keyReply = z.object({
  id: z.string(),
  environment: z.enum(environments),
  scopes: z.array(z.string()),
  name: z.string().optional(),
  lastFour: z.string(),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
  revokedAt: z.string().optional(),
})

export const keyRoutes = [
  route({
    method: 'post',
    path: '/tenants/:id/keys',
    access: 'platform',
    summary: 'Make a key for a tenant; key and API secret are shown only in this answer',
    body: keyBody,
    replies: {
      201: keyReply.extend({
        key: z.string(),
        apiSecret: z.string().optional().meta({
          description: 'The tenant’s API secret, with its first key of the environment.',
        }),
      }),
    },
    async handle({ params, body }, { db, secretKeys }) {
      const { id: tenantId } = await findTenant(db, params.id)
      const { key, ...kept } = makeKey(body.environment)
      const scope = { tenantId, environment: body.environment }
      const made = await inTenantTurn(db, tenantId, async (tx) => {
        const first = !(await hasApiSecret(tx, scope))
        const apiSecret = first ? await makeApiSecret(tx, secretKeys, scope, new Date()) : undefined
        const data = { id: typeid('key').toString(), tenantId, ...body, ...kept }
        return { row: await tx.apiKey.create({ data }), apiSecret }
      })
      const { row, apiSecret } = made
      return { status: 201, body: { ...show(row), key, ...(apiSecret && { apiSecret }) } }
    },
  }),
  route({
    method: 'get',
    path: '/tenants/:id/keys',
    access: 'platform',
    summary: 'List a tenant’s keys, revoked ones included',
    replies: { 200: z.object({ data: z.array(keyReply) }) },
    async handle({ params }, { db }) {
      const { id: tenantId } = await findTenant(db, params.id)
      const keys = await db.apiKey.findMany({ where: { tenantId }, orderBy: { createdAt: 'desc' } })
      return { status: 200, body: { data: keys.map(show) } }
    },
  }),
  route({
    method: 'delete',
    path: '/tenants/:id/keys/:keyId',
    access: 'platform',
    summary: 'Revoke a key at once',
    replies: { 204: null },
    async handle({ params }, { db }) {
      const { count } = await db.apiKey.updateMany({
        where: { id: params.keyId ?? '', tenantId: params.id ?? '', revokedAt: null },
        data: { revokedAt: new Date() },
      })
      if (count === 0) throw notFound('key in use')
      return { status: 204 }
    },
  }),
]

function show(key: ApiKey) {
  return {
    id: key.id,
    environment: key.environment,
    scopes: key.scopes,
    ...(key.name && { name: key.name }),
    lastFour: key.lastFour,
    createdAt: key.createdAt.toISOString(),
    ...(key.expiresAt && { expiresAt: key.expiresAt.toISOString() }),
    ...(key.revokedAt && { revokedAt: key.revokedAt.toISOString() }),
  }
}
