import { z } from 'zod'
import { hasApiSecret, makeApiSecret } from '../../db/api-secrets.ts'
import { inTenantTurn } from '../../db/client.ts'
import { rotationNews } from '../../domain/operational.ts'
import { durationMs } from '../../domain/delivery/retry-schedule.ts'
import { duration } from '../destinations/fields.ts'
import { tell } from '../destinations/news.ts'
import { route } from '../http/route.ts'
import { audit } from '../audit/writer.ts'

export const apiSecretRoutes = [
  route({
    method: 'post',
    path: '/tenant/api-secret/rotate',
    operationId: 'rotateApiSecret',
    access: { scope: 'secrets:write' },
    summary:
      'Rotate the API secret, returned only in this response; until the overlap ends, the old one signs every other attempt',
    body: z.strictObject({ overlap: duration.default('24h') }).meta({ id: 'ApiSecretRotation' }),
    replies: {
      201: z.object({ apiSecret: z.string(), previousEndsAt: z.string() }).meta({ id: 'RotatedApiSecret' }),
    },
    async handle({ body: { overlap }, scope, by }, deps) {
      const at = new Date()
      const previousEndsAt = new Date(at.getTime() + durationMs(overlap))
      const apiSecret = await inTenantTurn(deps.db, scope.tenantId, async (tx) => {
        const after = { previousEndsAt: previousEndsAt.toISOString() }
        await audit(tx, by, { action: 'api-secret.rotated', after })
        const replaces = await hasApiSecret(tx, scope)
        const secret = await makeApiSecret(tx, deps.secretKeys, scope, previousEndsAt)
        if (replaces) await tell(deps, rotationNews(scope, { previousEndsAt, at }))
        return secret
      })
      return { status: 201, body: { apiSecret, previousEndsAt: previousEndsAt.toISOString() } }
    },
  }),
]
