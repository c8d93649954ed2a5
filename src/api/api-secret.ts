import { z } from 'zod'
import { makeApiSecret } from '../db/api-secrets.ts'
import { recordAudit } from '../db/audit.ts'
import { inTenantTurn } from '../db/client.ts'
import { durationMs } from '../domain/retry-schedule.ts'
import { duration } from './destination-fields.ts'
import { route, scopeOf } from './route.ts'

export const apiSecretRoutes = [
  route({
    method: 'post',
    path: '/tenant/api-secret/rotate',
    access: { scope: 'settings:write' },
    summary:
      'Make a new API secret, shown only in this answer; the old one goes on signing every other attempt until the overlap ends',
    body: z.strictObject({ overlap: duration.default('24h') }),
    replies: { 201: z.object({ apiSecret: z.string(), previousEndsAt: z.string() }) },
    async handle({ body: { overlap }, caller, address }, { db, secretKeys }) {
      const { tenantId, keyId } = caller
      const scope = scopeOf(caller)
      const previousEndsAt = new Date(Date.now() + durationMs(overlap))
      const apiSecret = await inTenantTurn(db, tenantId, async (tx) => {
        await recordAudit(tx, { ...scope, keyId, address, action: 'api-secret.rotated' })
        return makeApiSecret(tx, secretKeys, scope, previousEndsAt)
      })
      return { status: 201, body: { apiSecret, previousEndsAt: previousEndsAt.toISOString() } }
    },
  }),
]
