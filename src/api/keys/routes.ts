import { z } from 'zod'
import { hasApiSecret, makeApiSecret } from '../../db/api-secrets.ts'
import { inTenantTurn } from '../../db/client.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { environments } from '../../domain/event.ts'
import { idPageQuery, readIdPage } from '../http/id-page.ts'
import { keyExpiry, keyPage, newKeyReply, rotateBody, rotatedReply, scopeList, showKey } from './fields.ts'
import { createKey, findKey, revokeKey, rotateKey } from './store.ts'
import { route } from '../http/route.ts'
import { findTenant } from '../tenants/store.ts'
import { nameText } from '../fields/text.ts'

const keyBody = z
  .strictObject({
    environment: z.enum(environments),
    scopes: scopeList.default(['*']),
    name: nameText.optional(),
    expiresAt: keyExpiry.optional(),
  })
  .meta({ id: 'NewTenantKeyRequest' })

/** Tenants' keys, managed by the platform. */
export const keyRoutes = [
  route({
    method: 'post',
    path: '/tenants/:id/keys',
    operationId: 'createTenantKey',
    access: 'platform',
    summary: 'Create an API key for a tenant; the key and the API secret are returned only in this response',
    body: keyBody,
    errors: ['limit_reached'],
    replies: {
      201: newKeyReply
        .extend({
          apiSecret: z.string().optional().meta({
            description: 'The tenant’s API secret; returned only with the first key in the environment.',
          }),
        })
        .meta({ id: 'NewTenantKey' }),
    },
    async handle({ params, body: { environment, ...given }, by }, { db, secretKeys }) {
      const { id: tenantId } = await findTenant(db, params.id)
      const scope = { tenantId, environment }
      const made = await inTenantTurn(db, tenantId, async (tx) => {
        const first = !(await hasApiSecret(tx, scope))
        const apiSecret = first ? await makeApiSecret(tx, secretKeys, scope, new Date()) : undefined
        const { row, key } = await createKey(tx, by, scope, given)
        return definedOnly({ ...showKey(row), key, apiSecret })
      })
      return { status: 201, body: made }
    },
  }),
  route({
    method: 'get',
    path: '/tenants/:id/keys',
    operationId: 'listTenantKeys',
    access: 'platform',
    summary: 'List a tenant’s API keys, including revoked ones, newest first',
    query: idPageQuery,
    replies: { 200: keyPage },
    async handle({ params, query }, { db }) {
      const { id: tenantId } = await findTenant(db, params.id)
      const page = await readIdPage(query, { tenantId }, (args) => db.apiKey.findMany(args), showKey)
      return { status: 200, body: page }
    },
  }),
  route({
    method: 'delete',
    path: '/tenants/:id/keys/:keyId',
    operationId: 'revokeTenantKey',
    access: 'platform',
    summary: 'Revoke an API key immediately',
    replies: { 204: null },
    async handle({ params: { id: tenantId, keyId }, by }, { db }) {
      await inTenantTurn(db, tenantId, async (tx) => {
        const key = await findKey(tx, { tenantId }, keyId)
        await revokeKey(tx, by, key)
      })
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/tenants/:id/keys/:keyId/rotate',
    operationId: 'rotateTenantKey',
    access: 'platform',
    summary:
      'Rotate an API key; the previous key works until the overlap ends, and the new one is returned only in this response',
    body: rotateBody,
    errors: ['conflict', 'limit_reached'],
    replies: { 201: rotatedReply },
    async handle({ params: { id: tenantId, keyId }, body, by }, { db }) {
      const rotated = await inTenantTurn(db, tenantId, async (tx) => {
        const key = await findKey(tx, { tenantId }, keyId)
        return rotateKey(tx, by, key, body)
      })
      return { status: 201, body: rotated }
    },
  }),
]
