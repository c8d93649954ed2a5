import { z } from 'zod'
import { inTenantTurn, type Db, type Tx } from '../../db/client.ts'
import type { ApiKey } from '../../db/generated/client.ts'
import { unauthorized } from '../auth/authorize.ts'
import { ApiError, invalid } from '../errors.ts'
import { idPageQuery, readIdPage } from '../http/id-page.ts'
import { keyExpiry, keyPage, newKeyReply, rotateBody, rotatedReply, scopeList, showKey } from './fields.ts'
import { createKey, findKey, isInForce, revokeKey, rotateKey } from './store.ts'
import { route } from '../http/route.ts'
import type { Writer } from '../auth/caller.ts'
import { allows } from '../auth/scopes.ts'
import { nameText } from '../fields/text.ts'

const ownKeyBody = z
  .strictObject({
    scopes: scopeList.meta({ description: 'Only scopes that the calling key has.' }),
    name: nameText.optional(),
    expiresAt: keyExpiry
      .optional()
      .meta({ description: 'Not later than the calling key’s expiry, which is the default.' }),
  })
  .meta({ id: 'NewKeyRequest' })

/** A tenant's keys, managed with a key of its own: a new key gets no scope that the calling key lacks, and does not outlive it. */
export const ownKeyRoutes = [
  route({
    method: 'get',
    path: '/keys',
    operationId: 'listKeys',
    access: { scope: 'keys:read' },
    summary: 'List the API keys of the key’s environment, including revoked ones, newest first',
    query: idPageQuery,
    replies: { 200: keyPage },
    async handle({ query, scope }, { db }) {
      const page = await readIdPage(query, scope, (args) => db.apiKey.findMany(args), showKey)
      return { status: 200, body: page }
    },
  }),
  route({
    method: 'post',
    path: '/keys',
    operationId: 'createKey',
    access: { scope: 'keys:write' },
    summary: 'Create an API key with at most this key’s scopes; it is returned only in this response',
    body: ownKeyBody,
    errors: ['limit_reached'],
    replies: { 201: newKeyReply },
    async handle({ body, scope, by }, { db }) {
      const made = await inCallerTurn(db, by, async (tx, asking) => {
        const expiresAt = body.expiresAt === undefined ? asking.expiresAt : new Date(body.expiresAt)
        const given = { ...body, expiresAt }
        requireScopes(asking, body.scopes)
        requireExpiry(asking, expiresAt)
        return createKey(tx, by, scope, given)
      })
      return { status: 201, body: { ...showKey(made.row), key: made.key } }
    },
  }),
  route({
    method: 'delete',
    path: '/keys/:id',
    operationId: 'revokeKey',
    access: { scope: 'keys:write' },
    summary: 'Revoke an API key of the key’s environment immediately; it can be the calling key',
    replies: { 204: null },
    async handle({ params, scope, by }, { db }) {
      await inCallerTurn(db, by, async (tx) => {
        const key = await findKey(tx, scope, params.id)
        await revokeKey(tx, by, key)
      })
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/keys/:id/rotate',
    operationId: 'rotateKey',
    access: { scope: 'keys:write' },
    summary:
      'Rotate an API key; the previous key works until the overlap ends, and the new one is returned only in this response',
    body: rotateBody,
    errors: ['conflict', 'limit_reached'],
    replies: { 201: rotatedReply },
    async handle({ params, body, scope, by }, { db }) {
      const rotated = await inCallerTurn(db, by, async (tx, asking) => {
        const key = await findKey(tx, scope, params.id)
        requireScopes(asking, key.scopes)
        requireExpiry(asking, body.expiresAt === undefined ? key.expiresAt : new Date(body.expiresAt))
        return rotateKey(tx, by, key, body)
      })
      return { status: 201, body: rotated }
    },
  }),
]

/**
 * Runs under the tenant's lock with the current state of the calling key, so that a key revoked in the meantime cannot create
 * another one.
 */
function inCallerTurn<Result>(
  db: Db,
  { scope: { tenantId }, keyId }: Writer,
  write: (tx: Tx, asking: ApiKey) => Promise<Result>,
): Promise<Result> {
  return inTenantTurn(db, tenantId, async (tx) => {
    const asking = await tx.apiKey.findUnique({ where: { id: keyId } })
    if (!asking || !isInForce(asking, new Date()))
      throw unauthorized('The API key was revoked or has expired.')
    return write(tx, asking)
  })
}

function requireScopes(asking: ApiKey, wanted: readonly string[]): void {
  const lacking = wanted.find((scope) => !allows(asking.scopes, scope))
  if (lacking === undefined) return
  throw new ApiError('forbidden', `This key lacks the scope ${lacking} and cannot grant it to another key.`)
}

function requireExpiry({ expiresAt: ownEnd }: ApiKey, expiresAt: Date | null): void {
  if (ownEnd === null || (expiresAt !== null && expiresAt <= ownEnd)) return
  const message = `must not be later than the expiry of the key that makes the request, ${ownEnd.toISOString()}`
  throw invalid([{ path: 'expiresAt', message }])
}
