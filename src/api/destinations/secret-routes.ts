import { z } from 'zod'
import { previousInForce } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { rotationNews } from '../../domain/operational.ts'
import { durationMs } from '../../domain/delivery/retry-schedule.ts'
import { derivePublicKey } from '../../domain/crypto/signing-keys.ts'
import { getChannel } from '../fields/channel.ts'
import { duration } from './fields.ts'
import { rotateKeys } from './signing-keys.ts'
import { tell } from './news.ts'
import { inDestinationTurn, setKeys } from './store.ts'
import { route } from '../http/route.ts'

export const destinationSecretRoutes = [
  route({
    method: 'post',
    path: '/destinations/:id/rotate-secret',
    operationId: 'rotateDestinationSecret',
    access: { scope: 'secrets:write' },
    summary:
      'Rotate a destination’s signing secret and key pair; the previous ones keep signing until the overlap ends',
    body: z
      .strictObject({
        overlap: duration.default('24h').meta({
          description: 'How long the previous secrets keep signing, at most 7d; 0s ends them immediately.',
        }),
        secret: z
          .string()
          .max(256)
          .optional()
          .meta({ description: 'Your own signing secret; generated if omitted.' }),
      })
      .meta({ id: 'SecretRotation' }),
    replies: {
      201: z
        .object({
          secret: z
            .string()
            .optional()
            .meta({ description: 'The generated signing secret, returned only in this response.' }),
          publicKey: z
            .string()
            .optional()
            .meta({ description: 'Verifies v1a signatures made with the new key.' }),
          previousEndsAt: z.string(),
        })
        .meta({ id: 'RotatedSecret' }),
    },
    async handle({ params, body, scope, by }, deps) {
      const rotated = await inDestinationTurn(deps, by, params.id, async (store, current) => {
        const from = new Date()
        const until = new Date(from.getTime() + durationMs(body.overlap))
        const { keys, made } = rotateKeys(getChannel(current.channel), current, body.secret, { from, until })
        await setKeys(store, current, keys, 'destination-secret.rotated')
        await tell(deps, rotationNews(scope, { destination: current, previousEndsAt: until, at: from }))
        return definedOnly({
          secret: made,
          ...(keys.privateKey && { publicKey: derivePublicKey(keys.privateKey) }),
          previousEndsAt: until.toISOString(),
        })
      })
      return { status: 201, body: rotated }
    },
  }),
  route({
    method: 'post',
    path: '/destinations/:id/revoke-previous-secrets',
    operationId: 'revokePreviousSecrets',
    access: { scope: 'secrets:write' },
    summary: 'Expire a destination’s previous secrets now; only the newest one keeps signing',
    replies: {
      200: z
        .object({
          revoked: z.int().meta({ description: 'The number of previous secrets that were still signing.' }),
        })
        .meta({ id: 'RevokedSecrets' }),
    },
    async handle({ params, by }, deps) {
      const revoked = await inDestinationTurn(deps, by, params.id, async (store, current) => {
        const { keys } = current
        await setKeys(store, current, { ...keys, previous: undefined }, 'destination-secret.revoked')
        return previousInForce(keys, new Date()).length
      })
      return { status: 200, body: { revoked } }
    },
  }),
]
