import { z } from 'zod'
import { previousInForce } from '../../db/destinations/destinations.ts'
import { definedOnly } from '../../domain/defined-only.ts'
import { rotationNews } from '../../domain/operational.ts'
import { durationMs } from '../../domain/delivery/retry-schedule.ts'
import { derivePublicKey } from '../../domain/crypto/signing-keys.ts'
import { channelOf } from '../fields/channel.ts'
import { duration } from './fields.ts'
import { rotateKeys } from './signing-keys.ts'
import { tell } from './news.ts'
import { inDestinationTurn, setKeys } from './store.ts'
import { route } from '../http/route.ts'

export const destinationSecretRoutes = [
  route({
    method: 'post',
    path: '/destinations/:id/rotate-secret',
    access: { scope: 'secrets:write' },
    summary:
      'Replace a destination’s signing secret, and its key pair if it has one; those before go on signing until the overlap ends',
    body: z.strictObject({
      overlap: duration.default('24h').meta({
        description: 'How long the previous secrets go on signing, at most 7d; 0s ends them at once.',
      }),
      secret: z
        .string()
        .max(256)
        .optional()
        .meta({ description: 'A signing secret of your own; else one is made.' }),
    }),
    replies: {
      201: z.object({
        secret: z
          .string()
          .optional()
          .meta({ description: 'The signing secret that was made, shown this once.' }),
        publicKey: z.string().optional().meta({ description: 'Verifies v1a signatures by the new key.' }),
        previousEndsAt: z.string(),
      }),
    },
    async handle({ params, body, scope, by }, deps) {
      const rotated = await inDestinationTurn(deps, by, params.id, async (store, current) => {
        const from = new Date()
        const until = new Date(from.getTime() + durationMs(body.overlap))
        const { keys, made } = rotateKeys(channelOf(current.channel), current, body.secret, { from, until })
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
    access: { scope: 'secrets:write' },
    summary: 'End the overlap of a destination’s rotations now: only the newest secret signs from here on',
    replies: {
      200: z.object({ revoked: z.int().meta({ description: 'How many previous secrets still signed.' }) }),
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
